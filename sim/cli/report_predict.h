// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_CLI_REPORT_PREDICT_H
#define OFFLOADSIM_CLI_REPORT_PREDICT_H

// What is expected of points before they run, alone and beside what they came to.

#include "cli/table.h"

struct diagnostics;
struct experiment;
struct outlook;
struct prediction;
struct text;

// All points with what is expected of each; of stations in a table of their own for people, with
// their point in csv. `predictions` has one a point.
void report_add_predictions(const struct experiment *experiment,
                            const struct prediction *predictions, enum table_format format,
                            const struct table_style *style, struct text *text);

// The same in JSON, with what running them comes to and all warnings.
void report_add_predictions_json(const struct experiment *experiment,
                                 const struct prediction *predictions,
                                 const struct outlook *outlook,
                                 const struct diagnostics *warnings, size_t warning_count,
                                 struct text *text);

// "400000 samples in 20 replications of 1 point; about 3 s with 2 threads, by ..."
void report_add_effort(const struct experiment *experiment, const struct prediction *predictions,
                       const struct outlook *outlook, struct text *text);

// Prediction and simulation side by side, station by station, of an experiment that ran.
void report_add_comparison(const struct experiment *experiment,
                           const struct prediction *predictions, enum table_format format,
                           const struct table_style *style, struct text *text);

// Why a point was simulated event by event: part of a sentence; NULL: it was not.
const char *report_why_by_events(const struct experiment *experiment,
                                 const struct prediction *prediction);

#endif
