// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_EXP_PILOT_H
#define OFFLOADSIM_EXP_PILOT_H

// What a policy does with samples that meet no queue: a short run of a world in which samples arise
// so far apart that hardly two meet. It tells which stations samples visit, how often, and what
// they ask of them; theory (exp/queueing.h) makes loads and waits of that.
//
// What is known is not estimated. A computation counts with the mean and the variance of its
// layers' times, not with what was drawn; sizes of raw inputs are scaled so that their mean and
// their mean square are those of the payload. Only which way samples go is a share of the pilot's
// samples. Those come from the scenario's sample model: of a trace that is not large, each row
// about once.
//
// The pilot is replication 0 of the scenario's seed, so it comes out the same every time. It takes
// milliseconds; its number of samples, and the simulated time, are bounded.

#include <stdint.h>

struct arena;
struct text;
struct world;

enum { PILOT_SAMPLES = 2048, PILOT_MOST_SAMPLES = 4096 };

// A computation that was asked for at a station.
struct pilot_work {
    int device_class;
    int station;
    int model;
    int first_layer;
    int last_layer;
    double visits;
    double service_s; // sums of what was seen
    double square_s2;
};

// What the samples of a class ask of a station, for each visit.
struct pilot_demand {
    double visits; // of each sample
    double mean;   // seconds of service on a server of speed 1; links: bytes
    double square; // mean square
};

struct pilot {
    int classes;
    int stations;
    uint64_t samples;
    double *of_class;            // [class]: samples
    struct pilot_demand *demand; // [class][station]
    struct pilot_work *works;    // of computations
    int work_count;
    double *from;      // [station][stations + 1]: visits by where a sample was before; the last
                       // column is those that had not been anywhere
    double *stay_s;    // [class]: mean time from arrival to end
    double *shortest_s; // [class]: the least time to an answer, waits left out
    double *offloaded;  // [class]: samples that were sent upward
};

// Runs a pilot of the policy and the scenario of `world`. Returns -1 with a message if it failed.
int pilot_run(const struct world *world, struct arena *arena, struct pilot *ret_pilot,
              struct text *ret_error);

static inline const struct pilot_demand *pilot_demand(const struct pilot *pilot, int device_class,
                                                      int station)
{
    return &pilot->demand[device_class * pilot->stations + station];
}

// Mean time of a computation in a batch of so many.
double pilot_batch_s(const struct world *world, const struct pilot_work *work, int size);

#endif
