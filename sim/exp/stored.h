// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_EXP_STORED_H
#define OFFLOADSIM_EXP_STORED_H

// An experiment as a database holds it, with what it takes to price its points anew: the counters
// of every replication that they rest on. The file is only read, and may be written to meanwhile.
//
// Cost: a few queries, whatever the number of points; the memory is that of the priced counters of
// each replication, and of the estimates if they are asked for.

#include "base/memory.h"
#include "exp/parameters.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text;

struct stored_names {
    const char **names;
    size_t count;
};

struct stored_estimate {
    const char *metric;
    double mean; // NaN: none
    double low;
    double high;
    double half_width;
    double confidence;
};

// Replications that one or several points rest on.
struct stored_source {
    int64_t id;
    uint64_t replications;
    uint64_t found;   // of them in the file
    double *counters; // [replication][stored_experiment.counters.count]
};

struct stored_point {
    int64_t ordinal;
    const char *policy;
    const char *verdict;
    const char *simulation; // hash of what its replications depend on
    bool is_oracle;
    bool is_complete;
    bool uses_prices;
    uint64_t replications;
    double confidence; // of its intervals
    uint64_t replications_per_unit;
    bool has_batches;
    int64_t source_id;
    const struct stored_source *source;
    double *prices;         // [stored_experiment.counters.count]
    size_t first_parameter; // among all of the experiment
    size_t parameter_count;
    size_t first_estimate;
    size_t estimate_count;
};

struct stored_experiment {
    struct arena arena;
    int64_t id;
    const char *scenario;
    bool is_sweep;
    struct stored_names links; // "device-edge", in the order of the scenario
    struct stored_names tiers;
    // Samples offered, and then every counter that has a price or can have one, in the order of the
    // world.
    struct stored_names counters;
    struct stored_source *sources;
    size_t source_count;
    struct stored_point *points; // in their order
    size_t point_count;
    struct point_parameter *parameters;
    size_t parameter_count;
    struct stored_estimate *estimates; // none unless they were asked for
    size_t estimate_count;
};

// Reads experiment `id` of the file at `path`. Returns 0, or -1 with a message if the file cannot
// be read, if it has no such experiment, or if a point of it cannot be priced anew: because it is
// not complete, or because prices change what its policy does. The caller ends with
// stored_finish() in either case.
int stored_read(const char *path, int64_t id, bool with_estimates,
                struct stored_experiment *ret_experiment, struct text *ret_error);
void stored_finish(struct stored_experiment *experiment);

#endif
