// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_EXP_EXPERIMENT_H
#define OFFLOADSIM_EXP_EXPERIMENT_H

// An experiment runs every point of a scenario, each with its replications, on all threads, and
// estimates the metrics across the replications of a point. Results are stored while it runs.
//
// Replications are independent tasks that share nothing that they write. What they found is put
// together in the order of their numbers, so the estimates are the same to the bit for any number
// of threads.

#include "base/memory.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct spec;
struct store;
struct text;
struct world;

struct experiment_estimate {
    double mean; // NaN if no replication says anything
    double half_width;
    uint64_t replications; // that do say something
};

enum experiment_verdict { VERDICT_STABLE, VERDICT_OVERLOADED };

struct experiment_point {
    const struct world *world;
    const struct point_parameter *parameters; // exp/parameters.h
    size_t parameter_count;
    struct experiment_estimate *estimates; // [world->metrics]
    enum experiment_verdict verdict;
    int overloaded_station; // the one with the highest offered load; -1
    double overloaded_load;
    uint64_t events; // of all replications
    uint64_t offered;
};

struct experiment {
    const struct spec *spec;
    struct arena arena;
    struct experiment_point *points; // one a policy
    int point_count;
    int64_t id; // in the database; 0 without one
    double wall_s;
};

struct experiment_options {
    int threads;
    struct store *store; // NULL: nothing is stored
    const char *path;    // of the scenario, for the store
    const char *command; // command line, for the store
    // Told of replications done and in all, on the caller's thread; may be NULL.
    void (*progress)(void *context, uint64_t done, uint64_t total);
    void *context;
};

// Builds the points. Returns -1 with a message in `ret_error`, and the number of the policy that
// is to blame in `*ret_policy`, if a policy cannot work in the scenario. `spec` must outlive the
// experiment. The caller ends with experiment_finish() in either case.
int experiment_init(struct experiment *experiment, const struct spec *spec, int *ret_policy,
                    struct text *ret_error);
void experiment_finish(struct experiment *experiment);

// Runs all points. Returns -1 with a message if a run failed or the results could not be stored.
int experiment_run(struct experiment *experiment, const struct experiment_options *options,
                   struct text *ret_error);

// "stable", or "overloaded: STATION".
void experiment_verdict_text(const struct experiment_point *point, struct text *ret_text);

#endif
