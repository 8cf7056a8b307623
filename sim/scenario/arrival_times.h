// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_SCENARIO_ARRIVAL_TIMES_H
#define OFFLOADSIM_SCENARIO_ARRIVAL_TIMES_H

// Time stamps of requests out of a column of a CSV file, in seconds from the first. They are
// numbers in a unit, or dates and times of day as ISO 8601 writes them, with a 'T' or a blank in
// between and as many digits behind the seconds as the file has: "2023-11-16 18:15:46.6805900". A
// time zone may follow ("Z", "+01:00"); without one all stamps are taken to be in the same. The
// first row tells which of the two a column holds. Times must not decrease.

#include "scenario/source.h"

#include <stdbool.h>

struct arena;
struct csv_cell;
struct diagnostics;
struct spec_times;

struct arrival_times_request {
    const char *path;
    struct mark mark;   // of the file's name in the scenario
    const char *column; // NULL: the first
    struct mark column_mark;
    double scale; // seconds in one unit of the column, where it holds numbers
};

// Returns 0, or -1 with errors. The path must live as long as the times.
int arrival_times_read(const struct arrival_times_request *request, struct arena *arena,
                       struct diagnostics *diagnostics, struct spec_times **ret_times);

// A date and a time of day as whole seconds since 1970 and the part of a second behind them, so
// that no digit is lost. Returns false if the cell holds something else.
bool arrival_times_date(const struct csv_cell *cell, long long *ret_seconds, double *ret_fraction);

#endif
