// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_EXP_PREDICT_H
#define OFFLOADSIM_EXP_PREDICT_H

// What theory expects of a point before it is run: a pilot (exp/pilot.h) tells which way samples
// go, the scenario how often they arise, and the formulas of exp/queueing.h make loads and waits of
// that, station by station.
//
// Where arrivals change over time, the run is looked at in pieces: in each, stations are taken to
// be as they would be if it lasted for ever, and the pieces are put together. That is good where
// queues forget faster than arrivals change.
//
// Waits are means of one station alone. Arrivals at a station behind others have the variability
// that Whitt's equations (1983) give them. Where no approximation applies the wait is NaN, and a
// note says why; a note also says where what is given is coarse.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct experiment;
struct text;
struct world;

struct prediction_station {
    const char *name;
    double arrival_rate_per_s; // at all of its lanes
    double utilisation;
    double offered_load; // of the lane with the highest
    double wait_s;       // NaN: nobody knows, or nobody comes
    double present;      // mean number waiting or in service, in all lanes
    const char *note;    // "" if there is nothing to say
};

struct prediction {
    struct prediction_station *station;
    int stations;
    double offload_fraction;
    double *shortest_s; // [class]: the shortest time to an answer in the pilot, waits left out
    int overloaded_station; // the one with the highest load, if that is 1 or more; -1
    double overloaded_load;
    uint64_t pilot_samples;
    const char *obstacle; // why runs go event by event: part of a sentence; NULL: they need not
    double samples; // a replication offers, about; NaN: not known without running it
};

// Everything belongs to `arena`. Returns -1 with a message if the pilot failed.
int predict_world(const struct world *world, struct arena *arena, struct prediction *ret_prediction,
                  struct text *ret_error);

// The same of a point of an experiment, which may run in several threads but plans in one.
int predict_point(const struct experiment *experiment, size_t point, struct arena *arena,
                  struct prediction *ret_prediction, struct text *ret_error);

// What is expected of a metric, as the model names it. Returns false if it is none of those that
// are predicted.
bool prediction_of_metric(const struct prediction *prediction, const char *metric,
                          double *ret_value);

// "stable", or "overloaded: edge (offered load 1.2)".
void prediction_verdict_text(const struct prediction *prediction, struct text *ret_text);

#endif
