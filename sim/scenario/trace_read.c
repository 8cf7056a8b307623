// SPDX-License-Identifier: GPL-3.0-or-later
#include "scenario/trace_read.h"

#include "base/hash.h"
#include "base/memory.h"
#include "scenario/diagnostics.h"
#include "scenario/file.h"
#include "scenario/trace.h"
#include "scenario/trace_cells.h"
#include "scenario/trace_long.h"

#include <stdlib.h>
#include <string.h>

#define TRACE_MOST_BYTES ((size_t)4 << 30)

// The columns that tell of a sample, whatever its exits say.
static void find_sample_columns(struct trace_reader *reader, struct trace_sample_columns *columns)
{
    const struct trace_plan *plan = reader->plan;
    columns->label = trace_find(reader, &plan->label);
    columns->features = arena_new_array(reader->arena, plan->feature_count, struct trace_found);
    for (size_t i = 0; i < plan->feature_count; i++) {
        columns->features[i] = trace_find(reader, &plan->features[i]);
    }
    columns->extras = arena_new_array(reader->arena, plan->extra_count, struct trace_found);
    for (size_t i = 0; i < plan->extra_count; i++) {
        columns->extras[i] = trace_find(reader, &plan->extras[i].column);
    }
}

static void rows_init(const struct trace_plan *plan, struct trace_rows *rows)
{
    *rows = (struct trace_rows){.exits = plan->exit_count,
                                .extras = plan->extra_count,
                                .features = plan->feature_count,
                                .has_labels = plan->label.name != NULL};
}

static void rows_finish(struct trace_rows *rows)
{
    free(rows->outcomes);
    free(rows->extra);
    free(rows->feature);
    free(rows->label);
}

size_t trace_rows_add(struct trace_rows *rows)
{
    if (rows->count == rows->room) {
        size_t room = rows->room ? rows->room * 2 : 1024;
        rows->outcomes =
            memory_resize(rows->outcomes, room * (rows->exits + 1), sizeof(*rows->outcomes));
        rows->extra = memory_resize(rows->extra, room * (rows->extras + 1), sizeof(double));
        rows->feature = memory_resize(rows->feature, room * (rows->features + 1), sizeof(double));
        rows->label = memory_resize(rows->label, room, sizeof(*rows->label));
        rows->room = room;
    }
    return rows->count++;
}

bool trace_sample_read(struct trace_reader *reader, const struct trace_sample_columns *columns,
                       struct trace_rows *rows, size_t row)
{
    bool is_fine = true;
    rows->label[row] = -1;
    if (trace_is_asked(&columns->label)) {
        is_fine = trace_class(reader, &columns->label, &rows->label[row]);
    }
    for (size_t i = 0; i < rows->features; i++) {
        double *slot = &rows->feature[row * rows->features + i];
        is_fine = trace_number(reader, &columns->features[i], slot) && is_fine;
    }
    for (size_t i = 0; i < rows->extras; i++) {
        double *slot = &rows->extra[row * rows->extras + i];
        const double *before = row ? slot - rows->extras : NULL;
        *slot = before ? *before : 0; // if it cannot be read
        double value;
        if (!trace_number(reader, &columns->extras[i], &value) ||
            !trace_extra_fits(reader, &columns->extras[i], &reader->plan->extras[i], value,
                              before)) {
            is_fine = false;
            continue;
        }
        *slot = value;
    }
    return is_fine;
}

struct wide_exit {
    struct trace_found confidence;
    struct trace_found prediction;
    struct trace_found correct;
};

static int read_wide(struct trace_reader *reader, const struct trace_sample_columns *columns,
                     struct trace_rows *rows)
{
    const struct trace_plan *plan = reader->plan;
    struct wide_exit *exits = arena_new_array(reader->arena, plan->exit_count, struct wide_exit);
    for (size_t i = 0; i < plan->exit_count; i++) {
        exits[i].confidence = trace_find(reader, &plan->exits[i].confidence);
        exits[i].prediction = trace_find(reader, &plan->exits[i].prediction);
        exits[i].correct = trace_find(reader, &plan->exits[i].correct);
    }
    if (reader->diagnostics->errors > reader->errors) {
        return -1;
    }
    for (;;) {
        bool is_fine;
        int result = trace_row(reader, &is_fine);
        if (result <= 0) {
            return result;
        }
        if (!is_fine) {
            continue;
        }
        size_t row = trace_rows_add(rows);
        trace_sample_read(reader, columns, rows, row);
        for (size_t i = 0; i < plan->exit_count; i++) {
            trace_outcome_read(reader, &exits[i].confidence, &exits[i].prediction,
                               &exits[i].correct, rows->label[row],
                               &rows->outcomes[row * rows->exits + i]);
        }
    }
}

static void *keep(struct arena *arena, const void *from, size_t count, size_t size)
{
    void *copy = arena_array(arena, count, size);
    if (count) {
        memcpy(copy, from, count * size);
    }
    return copy;
}

static struct trace *make_trace(const struct trace_reader *reader, const struct trace_rows *rows)
{
    struct arena *arena = reader->arena;
    struct trace *trace = arena_new(arena, struct trace);
    trace->path = reader->plan->path;
    trace->rows = rows->count;
    trace->exits = (int)rows->exits;
    trace->extras = (int)rows->extras;
    trace->features = (int)rows->features;
    trace->outcomes =
        keep(arena, rows->outcomes, rows->count * rows->exits, sizeof(*rows->outcomes));
    trace->extra = keep(arena, rows->extra, rows->count * rows->extras, sizeof(double));
    trace->feature = keep(arena, rows->feature, rows->count * rows->features, sizeof(double));
    if (rows->has_labels) {
        trace->label = keep(arena, rows->label, rows->count, sizeof(*rows->label));
        for (size_t i = 0; i < rows->count; i++) {
            if (rows->label[i] >= trace->classes) {
                trace->classes = rows->label[i] + 1;
            }
        }
    }
    return trace;
}

// A table without rows has nothing to draw from.
static void refuse_no_rows(const struct trace_reader *reader)
{
    struct source source = {.name = reader->csv.name};
    struct mark mark = {.source = &source};
    diagnostics_error(reader->diagnostics, &mark, "the file has no rows below its header");
    diagnostics_hint(reader->diagnostics, "a trace needs at least one sample");
}

int trace_read(const struct trace_plan *plan, struct arena *arena, struct diagnostics *diagnostics,
               struct trace **ret_trace)
{
    size_t errors = diagnostics->errors;
    char *bytes;
    size_t length;
    struct file_problem problem;
    if (file_read(plan->path, TRACE_MOST_BYTES, &bytes, &length, &problem) < 0) {
        diagnostics_error(diagnostics, &plan->path_mark, "trace '%s' %s", plan->path,
                          problem.message);
        diagnostics_hint(diagnostics, "%s", problem.hint);
        return -1;
    }
    struct trace_reader reader = {
        .plan = plan, .arena = arena, .diagnostics = diagnostics, .errors = errors};
    csv_init(&reader.csv, plan->path, bytes, length, arena);
    struct trace_rows rows;
    rows_init(plan, &rows);
    if (trace_header(&reader) == 0) {
        struct trace_sample_columns columns;
        find_sample_columns(&reader, &columns);
        int result = plan->layout == LAYOUT_LONG ? trace_long_read(&reader, &columns, &rows)
                                                 : read_wide(&reader, &columns, &rows);
        if (result == 0 && !rows.count && diagnostics->errors == errors) {
            refuse_no_rows(&reader);
        }
    }
    bool is_fine = diagnostics->errors == errors;
    if (is_fine) {
        struct trace *trace = make_trace(&reader, &rows);
        struct hash hash;
        hash_init(&hash);
        hash_add(&hash, bytes, length);
        hash_finish(&hash, trace->hash);
        *ret_trace = trace;
    }
    rows_finish(&rows);
    csv_finish(&reader.csv);
    free(bytes);
    return is_fine ? 0 : -1;
}
