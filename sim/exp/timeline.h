// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_EXP_TIMELINE_H
#define OFFLOADSIM_EXP_TIMELINE_H

// Looking into one replication of an experiment's points. The replication is run once more, with
// observers: it computes the same to the bit, so what is recorded is what the estimates rest on.
//
// A timeline is a CSV file with the state of every station at a fixed step:
//
//     policy, point, time_s, station, waiting, in_service
//
// Trace events are a JSON file in the Trace Event Format, which Perfetto (ui.perfetto.dev) and
// Chrome (about:tracing) open. A process is a station, a thread is one of its lanes (several where
// services overlap), a slice is a service, and its arguments are the sample and its wait.
//
// Both are bounded: after so many rows a point is recorded no further, and the result says so.

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct experiment;
struct text;

struct timeline_request {
    uint64_t replication;
    double step_s;
    uint64_t most_rows;       // of each point in each file
    const char *timeline;     // path; NULL: none
    const char *trace_events; // path; NULL: none
};

struct timeline_result {
    uint64_t timeline_rows;
    uint64_t trace_rows;
    double timeline_ended_s; // where a point first had too many rows; NaN: all is there
    double trace_ended_s;
};

// Records all points into the files, which are made anew. Returns -1 with a message if a file could
// not be written or a run failed.
int timeline_run(const struct experiment *experiment, const struct timeline_request *request,
                  struct timeline_result *ret_result, struct text *ret_error);

#endif
