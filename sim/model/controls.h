// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_MODEL_CONTROLS_H
#define OFFLOADSIM_MODEL_CONTROLS_H

// Control variates of a run (`control_variates: true`): sums that chance alone moves, and whose
// mean is known to be 0 whatever the policy does. What they say of the luck of a replication is
// taken out of its metrics by regression across replications (stats/control.h; Lavenberg and Welch
// 1981).
//
//     arrivals.CLASS      arrivals less their rate times the time
//     queue.NAME          for the devices of a class and for each tier above: work found by the
//                         arrivals less what they find in the mean, in a queue into which every
//                         sample brings the same work. It is like the real one, and as simple as
//                         makes its mean known
//     service.STATION     service times less their means
//     correct.EXIT, confidence.EXIT   of the samples that came, whoever answered them, less their
//                         means over the trace
//
// The first two are of Poisson arrivals, whose number in the next instant depends on nothing that
// was: then the sum over arrivals of h just before each, less the integral of rate * h over time,
// has mean 0 at any stopping time for whatever h depends on the past alone (Bremaud, "Point
// Processes and Queues", 1981, ch. II). For the first h is 1, for the second the work in the queue.
// The means hold to the last sample for a stop and a warm-up of samples or of time.

#include <stdint.h>

struct arena;
struct run;
struct sample;
struct world;

enum control_kind {
    CONTROL_QUEUE_OF_DEVICES,
    CONTROL_QUEUE_OF_TIER,
    CONTROL_ARRIVALS,
    CONTROL_SERVICE,
    CONTROL_CORRECT,
    CONTROL_CONFIDENCE
};

struct world_control {
    const char *name;
    enum control_kind kind;
    int number;        // class, tier, station or exit
    double rate_per_s; // arrivals of a device, or of all for a tier
    double work_s;     // queues: that a sample brings
    double mean;       // of an outcome over the trace
};

// Finds the controls that a world has, if its scenario asks for any.
void controls_define(struct world *world, struct arena *arena);

// Without controls none of the following does anything.
void controls_init(struct run *run, struct arena *arena);
// A sample has arisen.
void controls_arrive(struct run *run, const struct sample *sample);
// A computation of a sample takes so long; only for a run with controls.
void controls_serve(struct run *run, uint32_t slot, double service_s);
// The run is over; leaves the sums in the tally.
void controls_close(struct run *run);

#endif
