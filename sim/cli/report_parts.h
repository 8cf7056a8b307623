// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_CLI_REPORT_PARTS_H
#define OFFLOADSIM_CLI_REPORT_PARTS_H

// What the files of the report share with each other and with nobody else.

struct experiment;
struct text;

// What comes before the tables: points that have not settled, what was run, why it stopped and what
// variance reduction has gained. `labels` has one for each point.
void report_add_heading(const struct experiment *experiment, const char *const *labels,
                        struct text *text);

#endif
