// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_CLI_TIMELINE_H
#define OFFLOADSIM_CLI_TIMELINE_H

// `run --timeline` and `run --trace-events`: from the command line to files.

#include "exp/timeline.h"

struct arguments;
struct experiment;
struct text;

// What is asked for; request.timeline and request.trace_events are NULL if nothing is. Returns
// -1 with a message if options do not make sense.
int timeline_parse(const struct arguments *arguments, struct timeline_request *ret_request,
                 struct text *ret_error);

// Records, and says on standard error what was written, unless the user wants it quiet.
int timeline_write(const struct arguments *arguments, const struct timeline_request *request,
                      const struct experiment *experiment, struct text *ret_error);

#endif
