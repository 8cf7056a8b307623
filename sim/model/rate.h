// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_MODEL_RATE_H
#define OFFLOADSIM_MODEL_RATE_H

// How much is done per second, over time: bytes of a link, or service of a node that may fail. A
// rate is piecewise constant, so what takes an amount of it is timed exactly, by integration from
// the start until the amount is done, across any number of changes and standstills.
//
// A rate is the product of parts:
//
//     constant     one number; INFINITY is no limit
//     steps        values from given times on; the last stays, or the pattern begins anew after its
//                  period, or there is nothing after its end. It may begin anywhere within the
//                  pattern, drawn for each lane
//     Markov       values of the states of a chain, which stays in each for an exponential time and
//                  begins in its stationary state
//     alternating  1 for a random time, then 0 for a random time, and so on, beginning with 1
//
// `struct rate` is part of a world: read-only and shared. What is random is a function of (key,
// purpose, lane, index), generated segment after segment when a lane gets there: a cursor tells
// where it stands. A cursor only moves forward, to the start of what is asked, and looks ahead from
// there without moving; so starts must not decrease from call to call, as those of a
// first-in-first-out lane do not. Whoever asks about other times has a cursor of its own, and sees
// the same rate.
//
// Times are in seconds from 0 on. The amount is in the unit of the rate times seconds.

#include "rng/distribution.h"
#include "rng/stream.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

struct arena;

enum rate_part_kind { RATE_PART_STEPS, RATE_PART_MARKOV, RATE_PART_ALTERNATING };

struct rate_part {
    enum rate_part_kind kind;
    int count; // of steps or states
    const double *values;
    const double *times_s; // steps: when each begins, the first at 0
    double period_s;       // steps: INFINITY: the last stays
    double end_s;          // steps: nothing comes after it; INFINITY: something does
    double start_s;        // steps: how far into the pattern time 0 is
    bool starts_anywhere;  // steps: that is drawn
    double period_amount;  // steps
    const double *stay_s;  // states: mean
    const double *first;   // [state] cumulative: in which one the chain begins
    const double *next;    // [state][state] cumulative: which one comes next
    struct distribution on;
    struct distribution off;
    uint64_t purpose;
};

enum { RATE_MOST_PARTS = 6 };

struct rate {
    double constant; // INFINITY: no limit
    int parts;       // 0: the constant is all
    struct rate_part *part;
    double nominal; // mean over all time; without one, the last value that stays
    bool can_stop;  // it is 0 at times
};

// Where a lane stands in one part. `{0}` is the beginning.
struct rate_cursor {
    uint64_t index;  // of the segment; steps: of the step
    double until_s;  // its end; 0 before the first
    double offset_s; // steps: how far into the pattern time 0 is
    uint32_t state;
};

// One lane's view of a rate. The cursor has rate->parts elements, all of them zero before the first
// call; it is not needed if there are none.
struct rate_lane {
    const struct rate *rate;
    struct rate_cursor *cursor;
    struct stream_key key;
    uint64_t lane; // its number, as the address of what is drawn
};

void rate_init(struct rate *rate, double constant);

// Steps that multiply what is there. The arrays stay the caller's, for as long as the rate.
// `end_s` is INFINITY unless there is nothing after it, and `period_s` unless they repeat.
void rate_add_steps(struct rate *rate, struct arena *arena, const double *times_s,
                    const double *values, int count, double period_s, double end_s);
// Makes the steps that were added last begin `start_s` into their pattern, or anywhere in it, as a
// number of this purpose says.
void rate_start_at(struct rate *rate, double start_s);
void rate_start_anywhere(struct rate *rate, uint64_t purpose);
// `next` is [count][count], each row with a sum of 1; from every state every other can be reached.
void rate_add_markov(struct rate *rate, struct arena *arena, const double *values,
                     const double *stay_s, const double *next, int count, uint64_t purpose);
// On for a time drawn from `on`, off for one drawn from `off`: a link with outages, a node that
// fails and is repaired. The mean of `on` is above 0.
void rate_add_alternating(struct rate *rate, struct arena *arena,
                          const struct distribution_parameters *on,
                          const struct distribution_parameters *off, uint64_t purpose);
// Standstills at given times: the i-th starts at starts_s[i] and lasts lasts_s[i]; they do not
// overlap; they come again after `period_s` (INFINITY: never).
void rate_add_standstills(struct rate *rate, struct arena *arena, const double *starts_s,
                          const double *lasts_s, int count, double period_s);
// Factors from given times on, 1 before the first: drift.
void rate_add_factors(struct rate *rate, struct arena *arena, const double *times_s,
                      const double *factors, int count);

// The rate at a time. Moves the cursor to it.
double rate_at(const struct rate_lane *lane, double time_s);

// How much is done from one time to another. Moves the cursor to `from_s`.
double rate_done(const struct rate_lane *lane, double from_s, double to_s);

// When an amount that is started at `start_s` is done; INFINITY if never. Moves the cursor to
// `start_s`.
double rate_finish_parts(const struct rate_lane *lane, double start_s, double amount);

static inline double rate_finish(const struct rate_lane *lane, double start_s, double amount)
{
    return lane->rate->parts ? rate_finish_parts(lane, start_s, amount)
                             : start_s + amount / lane->rate->constant;
}

// The same for what begins anew after every standstill, so must be done in one piece. INFINITY also
// after a million tries.
double rate_finish_anew(const struct rate_lane *lane, double start_s, double amount);

// The first time from `from_s` on at which nothing is done, and at which something is; INFINITY if
// there is none. They move the cursor to `from_s`.
double rate_next_stop(const struct rate_lane *lane, double from_s);
double rate_next_go(const struct rate_lane *lane, double from_s);

// When a lane's rate ends for good; INFINITY: never.
double rate_end(const struct rate_lane *lane);

// When the pattern of steps is over; INFINITY if its last value stays.
static inline double rate_length(const struct rate_part *part)
{
    return isfinite(part->period_s) ? part->period_s : part->end_s;
}

// Where a step ends within the pattern.
static inline double rate_step_end(const struct rate_part *part, int step)
{
    return step + 1 < part->count ? part->times_s[step + 1] : rate_length(part);
}

#endif
