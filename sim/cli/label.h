// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_CLI_LABEL_H
#define OFFLOADSIM_CLI_LABEL_H

// What the points of an experiment are called in a table: the policy, and of the parameters only
// those that tell points apart, by the end of their path that is not the end of another's:
//
//     local (nodes=10)
//     hi_threshold (theta=0.5, nodes=10)

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct point_parameter;

struct label_point {
    const char *policy;
    bool is_oracle; // "(bound)" says so
    const struct point_parameter *parameters;
    size_t parameter_count;
};

// The labels in the order of the points; they and the array belong to `arena`. Parameters of a
// policy count among its own points, others among all.
const char *const *labels_make(const struct label_point *points, size_t count, struct arena *arena);

#endif
