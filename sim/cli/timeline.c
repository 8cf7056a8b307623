// SPDX-License-Identifier: GPL-3.0-or-later
#include "cli/timeline.h"

#include "base/text.h"
#include "base/unit.h"
#include "cli/options.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const double DEFAULT_STEP_S = 1;

// A row of a timeline is some 50 bytes and a trace event some 150: at most 15 MB a policy.
static const uint64_t DEFAULT_MOST_ROWS = 100000;

int timeline_parse(const struct arguments *arguments, struct timeline_request *ret_request,
                 struct text *ret_error)
{
    *ret_request = (struct timeline_request){.replication = arguments->replication,
                                        .step_s = DEFAULT_STEP_S,
                                        .most_rows = arguments->most_rows ? arguments->most_rows
                                                                          : DEFAULT_MOST_ROWS,
                                        .timeline = arguments->timeline,
                                        .trace_events = arguments->trace_events};
    if (arguments->step && !arguments->timeline) {
        text_add(ret_error, "'--step' is that of a timeline; add '--timeline FILE.csv'");
        return -1;
    }
    if ((arguments->most_rows || arguments->replication) && !arguments->timeline &&
        !arguments->trace_events) {
        text_format(ret_error,
                    "'--%s' is about what is recorded; add '--timeline FILE.csv' or "
                    "'--trace-events FILE.json'",
                    arguments->most_rows ? "most-rows" : "replication");
        return -1;
    }
    if (arguments->timeline && arguments->trace_events &&
        strcmp(arguments->timeline, arguments->trace_events) == 0) {
        text_format(ret_error,
                    "'%s' is to hold both the timeline and the trace events; give each a file of "
                    "its own",
                    arguments->timeline);
        return -1;
    }
    if (arguments->step &&
        (unit_parse(arguments->step, DIMENSION_TIME, &ret_request->step_s, NULL) != UNIT_OK ||
         !(ret_request->step_s >= 1e-9))) {
        text_format(ret_error, "'--step %s': it takes a time of at least 1 ns, such as %s",
                    arguments->step, unit_example(DIMENSION_TIME));
        return -1;
    }
    return 0;
}

static void remark(const char *path, uint64_t rows, const char *what, double ended_s,
                   const char *way_out)
{
    fprintf(stderr, "%" PRIu64 " %s in %s", rows, what, path);
    if (!isnan(ended_s)) {
        fprintf(stderr, "; cut off at %.9g s of simulated time: %s", ended_s, way_out);
    }
    fputc('\n', stderr);
}

int timeline_write(const struct arguments *arguments, const struct timeline_request *request,
                      const struct experiment *experiment, struct text *ret_error)
{
    struct timeline_result result;
    if (!request->timeline && !request->trace_events) {
        return 0;
    }
    if (timeline_run(experiment, request, &result, ret_error) != 0) {
        return -1;
    }
    if (request->timeline && !arguments->quiet) {
        remark(request->timeline, result.timeline_rows, "rows", result.timeline_ended_s,
               "give a longer '--step' or more '--most-rows'");
    }
    if (request->trace_events && !arguments->quiet) {
        remark(request->trace_events, result.trace_rows, "services", result.trace_ended_s,
               "give more '--most-rows'");
    }
    return 0;
}
