// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_CLI_REPORT_H
#define OFFLOADSIM_CLI_REPORT_H

// What a finished experiment looks like to people (table, md) and to machines (json, csv).

#include "cli/table.h"

#include <stdbool.h>

struct experiment;
struct outlook;
struct text;

// `all` shows every metric instead of the main ones in table and md; json and csv always have all.
void report_add(const struct experiment *experiment, enum table_format format, bool all,
                const struct table_style *style, struct text *text);

// The points that would be run.
void report_add_plan(const struct experiment *experiment, enum table_format format,
                     const struct table_style *style, struct text *text);

// The same with what of each is stored, and what the rest comes to; in csv without the latter,
// which is then for report_add_outlook().
void report_add_dry_run(const struct experiment *experiment, const struct outlook *outlook,
                        enum table_format format, const struct table_style *style,
                        struct text *text);

// What is stored of them altogether, and how long the rest takes.
void report_add_outlook(const struct experiment *experiment, const struct outlook *outlook,
                        struct text *text);

// "12 s", "3.4 h".
void report_add_duration(double seconds, struct text *text);

#endif
