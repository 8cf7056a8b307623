// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_EXP_STORED_PARTS_H
#define OFFLOADSIM_EXP_STORED_PARTS_H

// What stored.c and stored_names.c have from each other. Everyone else takes exp/stored.h.

#include "exp/stored.h"

struct query_value;

// Rows on their way into an experiment. Those about points come in the order of the points.
struct stored_reading {
    struct stored_experiment *experiment;
    const char *path;
    size_t at; // point, or source, of the last row
    size_t point_room;
    size_t parameter_room;
    size_t estimate_room;
};

typedef void stored_row_reader(void *reading, const struct query_value *row, size_t count);

// Runs a query in which "@" stands for the number of the experiment.
int stored_ask(struct stored_reading *reading, const char *sql, stored_row_reader *reader,
               struct text *ret_error);

// Links and tiers in the order of the scenario, which is that of its counters; then those that
// only other points of a sweep have. And the counters that have a price or can have one.
int stored_read_names(struct stored_reading *reading, struct text *ret_error);

// The number of a counter; as many as there are if it is none of those.
size_t stored_find_counter(const struct stored_experiment *experiment, const char *name);

#endif
