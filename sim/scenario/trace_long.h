// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_SCENARIO_TRACE_LONG_H
#define OFFLOADSIM_SCENARIO_TRACE_LONG_H

// The rows of a trace while it is read, and the reading of the long layout. Only trace_read.c and
// trace_long.c use this.

#include "scenario/trace_cells.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct trace_rows {
    size_t count;
    size_t room;
    size_t exits;
    size_t extras;
    size_t features;
    bool has_labels;
    struct trace_outcome *outcomes;
    double *extra;
    double *feature;
    int32_t *label; // -1 without labels
};

struct trace_sample_columns {
    struct trace_found label;
    struct trace_found *features;
    struct trace_found *extras;
};

// Adds a row whose values are not set; returns its number.
size_t trace_rows_add(struct trace_rows *rows);

// Reads what belongs to the sample from the row that was read last.
bool trace_sample_read(struct trace_reader *reader, const struct trace_sample_columns *columns,
                       struct trace_rows *rows, size_t row);

// Returns 0, or -1 if reading had to stop early. Other errors are only in the diagnostics.
int trace_long_read(struct trace_reader *reader, const struct trace_sample_columns *columns,
                    struct trace_rows *rows);

#endif
