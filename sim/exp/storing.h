// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_EXP_STORING_H
#define OFFLOADSIM_EXP_STORING_H

// What of an experiment goes into the database, and what of it is there already. A plain run is
// always new. A sweep goes on where an earlier one of the same points was stopped, and takes what
// any experiment of the file has simulated. Without a database all of this does nothing.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct experiment;
struct experiment_options;
struct replication_result;
struct text;

struct storing {
    struct experiment *experiment;
    const struct experiment_options *options;
    int64_t *sources;    // [point]: the one that holds its replications
    bool *writes;        // [point]: whether its source is written on its behalf
    uint64_t *available; // [simulation]: replications that are there
    double start_s;
};

// Begins the experiment and plans its points. Marks those that are complete as done, with their
// estimates. Functions return -1 with a message.
int storing_begin(struct storing *storing, struct experiment *experiment,
                  const struct experiment_options *options, struct text *ret_error);

// Whether the database has replications of a simulation.
bool storing_has_some(const struct storing *storing, size_t simulation);

// Hands them over, in the order of the names of the simulation's points.
int storing_read(struct storing *storing, size_t simulation,
                 void (*take)(void *context, uint64_t number, const double *metrics,
                              const double *counters),
                 void *context, struct text *ret_error);

struct storing_replication {
    uint64_t number;
    double wall_s;
    const struct replication_result *result;
};

int storing_replications(struct storing *storing, size_t simulation,
                         const struct storing_replication *replications, size_t count,
                         struct text *ret_error);

// A point has its estimates and its verdict.
int storing_complete(struct storing *storing, size_t point, struct text *ret_error);

// The experiment ends, well or not.
int storing_end(struct storing *storing, bool has_failed, struct text *ret_error);

#endif
