// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_CLI_REPORT_H
#define OFFLOADSIM_CLI_REPORT_H

// What a finished experiment looks like to people (table, md) and to machines (json, csv).

#include "cli/table.h"

#include <stdbool.h>
#include <stddef.h>

struct diagnostics;
struct experiment;
struct experiment_point;
struct outlook;
struct prediction;
struct text;

// What to show beside the results.
struct report_extras {
    bool all; // every metric instead of the main ones in table and md; json and csv always have all
    const struct prediction *predictions; // one a point; NULL: none
    const struct diagnostics *warnings;   // for json
    size_t warning_count;
};

void report_add(const struct experiment *experiment, enum table_format format,
                const struct report_extras *extras, const struct table_style *style,
                struct text *text);

// The points that would be run, with what of each is stored, and what the rest comes to; in csv
// without the latter, which is then for report_add_outlook().
void report_add_dry_run(const struct experiment *experiment, const struct outlook *outlook,
                        enum table_format format, const struct table_style *style,
                        struct text *text);

// What is stored of them altogether, and how long the rest takes.
void report_add_outlook(const struct experiment *experiment, const struct outlook *outlook,
                        struct text *text);

// "about 12 s with 2 threads, by a short trial"; the time must be known.
void report_add_seconds(const struct outlook *outlook, struct text *text);

// The parameters of a point: for people as they were written, for machines in base units; and as a
// JSON object.
void report_add_parameters(const struct experiment *experiment,
                           const struct experiment_point *point, bool is_for_people,
                           struct text *text);
void report_add_parameters_json(const struct experiment_point *point, struct text *text);

// Warnings as a JSON list of objects: file, line, column, message, hint.
void report_add_warnings_json(const struct diagnostics *warnings, size_t count, struct text *text);

// "12 s", "3.4 h".
void report_add_duration(double seconds, struct text *text);

#endif
