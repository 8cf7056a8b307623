// SPDX-License-Identifier: GPL-3.0-or-later

// The first byte says what the rest is: a trace with a row a sample, a trace with a row an exit,
// or times of arrival.

#include "base/memory.h"
#include "base/text.h"
#include "fuzz.h"
#include "scenario/arrival_times.h"
#include "scenario/diagnostics.h"
#include "scenario/trace.h"
#include "scenario/trace_read.h"

static const struct source scenario = {.name = "s.yaml", .text = "samples: t\n", .length = 11};

static void read_wide(struct arena *arena, struct diagnostics *diagnostics)
{
    struct mark mark = {&scenario, 1, 1, 1};
    struct trace_exit exits[] = {
        {.name = "net.half",
         .confidence = {"c", mark},
         .prediction = {"p", mark},
         .correct = {"ok", mark}},
        {.name = "net.end", .confidence = {"c2", mark}, .prediction = {"p", mark}}};
    struct trace_column features[] = {{"f", mark}};
    struct trace_extra extras[] = {{{"b", mark}, false}, {{"t", mark}, true}};
    const struct trace_plan plan = {.path = "t.csv",
                                    .path_mark = mark,
                                    .layout = LAYOUT_WIDE,
                                    .label = {"label", mark},
                                    .exits = exits,
                                    .exit_count = 2,
                                    .features = features,
                                    .feature_count = 1,
                                    .extras = extras,
                                    .extra_count = 2};
    struct trace *trace;
    trace_read(&plan, arena, diagnostics, &trace);
}

static void read_long(struct arena *arena, struct diagnostics *diagnostics)
{
    struct mark mark = {&scenario, 1, 1, 1};
    struct trace_exit exits[] = {{.name = "net.half", .value = "1", .mark = mark},
                                 {.name = "net.end", .value = "2", .mark = mark}};
    struct trace_extra extras[] = {{{"b", mark}, false}};
    const struct trace_plan plan = {.path = "t.csv",
                                    .path_mark = mark,
                                    .layout = LAYOUT_LONG,
                                    .label = {"label", mark},
                                    .sample = {"s", mark},
                                    .exit = {"e", mark},
                                    .confidence = {"c", mark},
                                    .prediction = {"p", mark},
                                    .exits = exits,
                                    .exit_count = 2,
                                    .extras = extras,
                                    .extra_count = 1};
    struct trace *trace;
    trace_read(&plan, arena, diagnostics, &trace);
}

static void read_times(bool is_first, struct arena *arena, struct diagnostics *diagnostics)
{
    struct mark mark = {&scenario, 1, 1, 1};
    const struct arrival_times_request request = {.path = "t.csv",
                                                  .mark = mark,
                                                  .column = is_first ? NULL : "t",
                                                  .column_mark = mark,
                                                  .scale = 1e-3};
    struct spec_times *times;
    arrival_times_read(&request, arena, diagnostics, &times);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    if (!length) {
        return 0;
    }
    struct arena arena = {0};
    struct diagnostics diagnostics = {0};
    struct text text = {0};
    memory_file_put("t.csv", bytes + 1, length - 1);
    switch (bytes[0]) {
    case 'w':
        read_wide(&arena, &diagnostics);
        break;
    case 'l':
        read_long(&arena, &diagnostics);
        break;
    default:
        read_times(bytes[0] == '1', &arena, &diagnostics);
        break;
    }
    diagnostics_render(&diagnostics, &text);
    text_finish(&text);
    diagnostics_finish(&diagnostics);
    arena_finish(&arena);
    return 0;
}
