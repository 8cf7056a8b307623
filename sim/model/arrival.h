// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_MODEL_ARRIVAL_H
#define OFFLOADSIM_MODEL_ARRIVAL_H

// When samples arise at the devices of a class.
//
// Every device has a process of its own: a sequence of times that is a function of (key, purpose,
// device, number). All but closed loops, whose samples arise as others end, run on a clock of their
// own. It is the time itself, unless the class has a profile or the scenario a drift of arrivals:
// then a process that has come to x on its own clock is at the time t with
//
//     integral from 0 to t of factor(u) du = x
//
// The factor is piecewise constant, so both directions are exact, and a Poisson process becomes one
// whose rate is the factor times its own at any time (Cinlar 1975, sec. 4.7): nothing is thinned.
// Of other processes the whole pattern is stretched and shrunk: the states of a Markov-modulated
// one change as much faster as its arrivals come.
//
// How processes begin: Poisson, gamma and Markov-modulated ones are in equilibrium at time 0, as if
// they had always been there. For gamma the first time is what is left of an interval that is met
// at random: an interval that is drawn in proportion to its length, times a uniform number. An
// on-off process is on at time 0 with the probability of its share of time, and a whole period
// begins there, which is equilibrium if the periods are exponential. A file begins with its first
// time at 0, or anywhere for `to: each`.
//
// Bursts come beside the process, in time itself. Their times are the same for all devices of a
// class: they are drawn with the class and the number of the burst as their address.

#include "rng/distribution.h"
#include "rng/stream.h"
#include "scenario/spec.h"

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct spec;
struct spec_tier;

// The clock of a process: factors over time that may repeat, times the pieces of a drift.
struct arrival_clock {
    bool is_time; // nothing changes it
    int steps;
    const double *times_s; // when each factor begins
    const double *factors;
    const double *before; // [steps]: what the clock of the steps alone shows there
    double period_s;      // INFINITY: the last factor stays
    double in_period;     // what that clock gains in a period
    int pieces;
    const double *from_s;         // when each piece begins, the first at 0
    const double *piece_factors;  // on top of the steps
    const double *piece_before;   // what the clock shows there
    const double *steps_at_piece; // and the clock of the steps
};

struct arrival {
    const struct spec_arrivals *spec;
    uint32_t first_device;
    uint32_t devices;
    struct arrival_clock clock;
    double last;                 // what the clock shows when no sample may arise any more; INFINITY
    double mean_rate_per_s;      // of a device, in the mean over a long time
    struct distribution gap;     // gamma: between arrivals
    struct distribution start;   // gamma: the interval in which time 0 lies
    struct distribution think;   // closed loop
    struct distribution stay[2]; // on-off: off, on
    double share_on;
    int states;
    const double *rates;
    const double *stays_s;
    const double *first; // [state]: probabilities of the first state, added up
    const double *next;  // [state][state]: of the next one, added up
    double times_scale;  // times: own seconds in one of the file
    bool has_bursts;
    struct distribution burst_gap;
    int burst_samples;
    double burst_spread_s;
    uint64_t purpose;
    uint64_t purpose_start;
    uint64_t purpose_state;
    uint64_t purpose_think;
    uint64_t purpose_burst;
    uint64_t purpose_spread;
};

enum { ARRIVAL_GAPS = 4 }; // numbers in a block of a stream

// The gaps of a Poisson process, worked out as many at a time as a block of its stream has numbers,
// or more if the caller has room: nothing waits for most of them when they are needed.
struct arrival_gaps {
    double gap[ARRIVAL_GAPS];
    uint64_t next; // index of the gap that comes next
};

// What a device keeps of its process. `{0}` has not begun.
struct arrival_process {
    union {
        struct stream stream;
        struct arrival_gaps gaps; // Poisson
    };
    double at; // on its own clock: the arrival that was found last
};

// Beside it, of processes with states.
struct arrival_state {
    double until; // on its own clock: the state lasts so long
    uint32_t changes;
    uint32_t state;
};

// And of bursts.
struct arrival_burst {
    double from_s; // of the burst under way
    double next_s; // of the one after it
    double within; // where in its spread the sample that was found last lies, 0 to 1
    uint32_t number;
    uint32_t sample; // that comes next in the burst; 0: none was found yet
};

// All of it belongs to `arena`; the spec must outlive it.
void arrival_build(struct arrival *arrival, const struct spec *spec,
                   const struct spec_tier *devices, uint32_t first_device, struct arena *arena);

// What the clock shows at a time, and the first time from which on it shows more than `own`;
// INFINITY if it never does.
double arrival_clock_at(const struct arrival_clock *clock, double time_s);
double arrival_clock_time(const struct arrival_clock *clock, double own);

static inline bool arrival_has_states(const struct arrival *arrival)
{
    return arrival->spec->kind == ARRIVALS_MMPP || arrival->spec->kind == ARRIVALS_ON_OFF;
}

// For arrival_next(): gaps of a Poisson process from number `first` on, and the time of an arrival
// of any other.
void arrival_draw_gaps(const struct arrival *arrival, struct stream_key key, uint32_t device,
                       uint64_t first, uint32_t count, double *ret_gaps);
double arrival_next_other(const struct arrival *arrival, struct stream_key key, uint32_t device,
                          uint64_t number, struct arrival_process *process,
                          struct arrival_state *state);

// The time of arrival number `number` of a device, which must be asked for one after the other;
// INFINITY if there is none. `state` may be NULL if the process has none. `room` has room for
// `length` gaps (a power of two, at least ARRIVAL_GAPS), for this device alone; NULL: there is
// none. Not for closed loops and arrivals from the trace.
static inline double arrival_next(const struct arrival *arrival, struct stream_key key,
                                  uint32_t device, uint64_t number, struct arrival_process *process,
                                  struct arrival_state *state, double *room, uint32_t length)
{
    if (arrival->spec->kind != ARRIVALS_POISSON) {
        return arrival_next_other(arrival, key, device, number, process, state);
    }
    struct arrival_gaps *gaps = &process->gaps;
    double *gap = room ? room : gaps->gap;
    const uint32_t last = (room ? length : ARRIVAL_GAPS) - 1;
    if ((gaps->next & last) == 0) {
        arrival_draw_gaps(arrival, key, device, gaps->next, last + 1, gap);
    }
    process->at += gap[gaps->next++ & last];
    return arrival->clock.is_time ? process->at : arrival_clock_time(&arrival->clock, process->at);
}

// The time of the next sample of a burst.
double arrival_next_burst(const struct arrival *arrival, struct stream_key key, uint32_t device,
                          struct arrival_burst *burst);

#endif
