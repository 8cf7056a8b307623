// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_SCENARIO_TRACE_READ_H
#define OFFLOADSIM_SCENARIO_TRACE_READ_H

// Reads a CSV file into a struct trace: the columns that a plan asks for, each value checked.
//
// In the wide layout a row is a sample and every exit has columns of its own. In the long layout a
// row is what one exit says of one sample; samples are numbered in the order in which they first
// appear, rows of exits that the plan does not name are skipped, and what belongs to the sample
// (label, features, extra columns) must be the same in all its rows.
//
// A file is read whole, at about 100 MB/s, and may have up to 4 GiB.

#include "scenario/source.h"
#include "scenario/spec.h"

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct diagnostics;
struct trace;

struct trace_column {
    const char *name; // NULL: not asked for
    struct mark mark; // where the scenario asks for it
};

struct trace_exit {
    const char *name; // for messages: "small.end"
    // Wide.
    struct trace_column confidence;
    struct trace_column prediction;
    struct trace_column correct;
    const char *value; // long: in the column `exit` of the plan
    struct mark mark;  // of the exit or, if it is written, of its value
};

// A column of numbers that are not negative.
struct trace_extra {
    struct trace_column column;
    bool must_not_decrease; // from row to row: times of arrival
};

struct trace_plan {
    const char *path;
    struct mark path_mark;
    enum spec_layout layout;
    struct trace_column label;
    struct trace_column sample; // this and the next four: long
    struct trace_column exit;
    struct trace_column confidence;
    struct trace_column prediction;
    struct trace_column correct;
    struct trace_exit *exits;
    size_t exit_count;
    struct trace_column *features;
    size_t feature_count;
    struct trace_extra *extras;
    size_t extra_count;
};

// Returns 0, or -1 with errors. The plan's texts must live as long as the trace.
int trace_read(const struct trace_plan *plan, struct arena *arena, struct diagnostics *diagnostics,
               struct trace **ret_trace);

#endif
