// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_EXP_PREDICT_PARTS_H
#define OFFLOADSIM_EXP_PREDICT_PARTS_H

// What the files that make a prediction share with each other and with nobody else:
//
//     predict.c           altogether
//     predict_arrivals.c  how often samples arise, over time
//     predict_lanes.c     who uses which lane of a station
//     predict_station.c   one lane under one load

#include "exp/pilot.h"
#include "exp/predict.h"

#include <stdbool.h>

struct prediction_view {
    const struct world *world;
    const struct pilot *pilot;
    struct arena *arena;
};

// ---- arrivals ----

// The run in pieces of equal length, the warm-up left out.
struct prediction_arrivals {
    int pieces;
    double *rate;      // [piece][class]: of a device
    double *mean_rate; // [class]: over all pieces
    double samples;    // that a replication offers, warm-up included; NaN: not known
    bool changes;      // not all pieces are alike
};

void prediction_arrivals_make(const struct prediction_view *view,
                              struct prediction_arrivals *ret_arrivals);

// Variability of the times between arrivals of a device; NaN where they are in no way independent
// of each other, and a reason in `ret_why`.
double prediction_arrival_variability(const struct world *world, int device_class,
                                      const char **ret_why);

// ---- lanes ----

// Lanes of a station that have as many devices of each class.
struct prediction_lanes {
    double count;
    double *devices; // [class]: of each lane
};

enum { PREDICTION_MOST_LANES = 16 };

// Those of a station: at most so many kinds, beyond which lanes are taken to be alike. Returns how
// many.
int prediction_lanes_of(const struct prediction_view *view, int station,
                        struct prediction_lanes ret_lanes[PREDICTION_MOST_LANES]);

// ---- one lane ----

// What the visits to a lane come to.
struct prediction_load {
    double rate;          // 1/second
    double mean_s;        // of service, the speed of the servers taken into account
    double square_s2;     // mean square
    double variability;   // of the arrivals
    double other_rate;    // of what else uses the lane: the other direction of a link
    double other_work;    // rate times mean
    double other_squares; // rate times mean square
};

struct prediction_lane {
    double utilisation;
    double offered_load;
    double wait_s;    // NaN: not known, INFINITY: it grows
    double present;   // the same
    const char *note; // NULL: nothing
};

// Work of a second that a server of a station does; links: bytes. And how many servers a lane has.
double prediction_speed(const struct world *world, int station);
double prediction_servers(const struct world *world, int station);

// All lanes together are one queue, of all their servers.
bool prediction_is_pooled(const struct world *world, int station);

// Whether samples are all served at once, each at its share.
bool prediction_is_shared(const struct world *world, int station);

// Samples served together, at most; 1: there are no batches.
int prediction_batch_most(const struct world *world, int station);

// Why the wait at a station cannot be told whatever the load is; NULL: it can.
const char *prediction_obstacle(const struct world *world, int station);

// What else is to be known of what is predicted; NULL: nothing.
const char *prediction_remark(const struct world *world, int station);

struct prediction_lane prediction_lane_of(const struct prediction_view *view, int station,
                                          const struct prediction_load *load);

#endif
