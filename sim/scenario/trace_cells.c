// SPDX-License-Identifier: GPL-3.0-or-later
#include "scenario/trace_cells.h"

#include "base/memory.h"
#include "scenario/diagnostics.h"
#include "scenario/trace.h"

#include <stdlib.h>
#include <string.h>

// Classes are counted in an int.
enum { MOST_CLASS = 1000000 };

#define MOST_EXTRA 1e18

static int compare_names(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static void refuse_duplicates(struct trace_reader *reader)
{
    size_t count = reader->column_count;
    const char **sorted = arena_new_array(reader->arena, count + 1, const char *);
    memcpy(sorted, reader->columns, count * sizeof(*sorted));
    qsort(sorted, count, sizeof(*sorted), compare_names);
    for (size_t i = 1; i < count; i++) {
        if (!*sorted[i] || strcmp(sorted[i], sorted[i - 1]) != 0 ||
            (i > 1 && strcmp(sorted[i], sorted[i - 2]) == 0)) {
            continue;
        }
        size_t last = count;
        while (strcmp(reader->columns[last - 1], sorted[i]) != 0) {
            last--;
        }
        const struct csv_cell *cell = &reader->csv.cells[last - 1];
        struct source source;
        struct mark mark = csv_mark(&reader->csv, cell->start, cell->length, &source);
        diagnostics_error(reader->diagnostics, &mark, "duplicate column '%s'",
                          diagnostics_quote(reader->diagnostics, sorted[i]));
        diagnostics_hint(reader->diagnostics, "rename one of them");
    }
}

int trace_header(struct trace_reader *reader)
{
    size_t errors = reader->diagnostics->errors;
    int result = csv_next(&reader->csv);
    if (result < 0) {
        return csv_refuse(&reader->csv, reader->diagnostics);
    }
    if (result == 0) {
        struct source source = {.name = reader->csv.name};
        struct mark mark = {.source = &source};
        diagnostics_error(reader->diagnostics, &mark, "the file is empty");
        diagnostics_hint(reader->diagnostics, "a trace starts with a line of column names");
        return -1;
    }
    reader->column_count = reader->csv.count;
    reader->columns = arena_new_array(reader->arena, reader->csv.count, const char *);
    for (size_t i = 0; i < reader->csv.count; i++) {
        const struct csv_cell *cell = &reader->csv.cells[i];
        reader->columns[i] = arena_text_n(reader->arena, cell->text, cell->length);
    }
    refuse_duplicates(reader);
    return reader->diagnostics->errors > errors ? -1 : 0;
}

struct trace_found trace_find(struct trace_reader *reader, const struct trace_column *column)
{
    struct trace_found found = {.column = *column, .number = SIZE_MAX};
    if (!column->name) {
        return found;
    }
    for (size_t i = 0; i < reader->column_count; i++) {
        if (strcmp(reader->columns[i], column->name) == 0) {
            found.number = i;
            return found;
        }
    }
    diagnostics_error(reader->diagnostics, &column->mark, "trace '%s' has no column '%s'",
                      reader->plan->path, diagnostics_quote(reader->diagnostics, column->name));
    if (reader->column_count == 1 && strpbrk(reader->columns[0], ";\t")) {
        diagnostics_hint(reader->diagnostics,
                         "its first line has no comma, but '%s': write the "
                         "file with commas between columns",
                         strchr(reader->columns[0], ';') ? ";" : "\\t");
    } else {
        diagnostics_suggest(reader->diagnostics, column->name, reader->columns,
                            reader->column_count, "its columns");
    }
    return found;
}

bool trace_is_asked(const struct trace_found *found)
{
    return found->number != SIZE_MAX;
}

int trace_row(struct trace_reader *reader, bool *ret_is_fine)
{
    int result = csv_next(&reader->csv);
    if (result < 0) {
        return csv_refuse(&reader->csv, reader->diagnostics);
    }
    *ret_is_fine = result > 0 && reader->csv.count == reader->column_count;
    if (result > 0 && !*ret_is_fine) {
        struct source source;
        struct mark mark = csv_mark(&reader->csv, reader->csv.row, 0, &source);
        diagnostics_error(reader->diagnostics, &mark, "the row has %zu field%s instead of %zu",
                          reader->csv.count, reader->csv.count == 1 ? "" : "s",
                          reader->column_count);
        diagnostics_hint(reader->diagnostics,
                         "the header has %zu columns; a field that holds a comma needs quotes",
                         reader->column_count);
    }
    return result;
}

void trace_refuse(struct trace_reader *reader, const struct trace_found *found, const char *problem)
{
    const struct csv_cell *cell = &reader->csv.cells[found->number];
    struct source source;
    struct mark mark = csv_mark(&reader->csv, cell->start, cell->length, &source);
    char text[64];
    size_t length = cell->length < sizeof(text) - 1 ? cell->length : sizeof(text) - 1;
    memcpy(text, cell->text, length);
    text[length] = '\0';
    if (cell->length) {
        diagnostics_error(reader->diagnostics, &mark, "column '%s' holds '%s', %s",
                          found->column.name, text, problem);
    } else {
        diagnostics_error(reader->diagnostics, &mark, "column '%s' is empty, %s",
                          found->column.name, problem);
    }
    const struct mark *asked = &found->column.mark;
    if (asked->source && asked->line) {
        diagnostics_hint(reader->diagnostics, "the column is asked for in %s:%zu:%zu",
                         asked->source->name, asked->line, asked->column);
    }
}

bool trace_number(struct trace_reader *reader, const struct trace_found *found, double *ret_value)
{
    if (csv_number(&reader->csv.cells[found->number], ret_value)) {
        return true;
    }
    trace_refuse(reader, found, "which is not a finite number");
    return false;
}

bool trace_confidence(struct trace_reader *reader, const struct trace_found *found,
                      double *ret_value)
{
    if (!trace_number(reader, found, ret_value)) {
        return false;
    }
    if (*ret_value < 0 || *ret_value > 1) {
        trace_refuse(reader, found, "which is not in [0, 1]");
        return false;
    }
    return true;
}

bool trace_class(struct trace_reader *reader, const struct trace_found *found, int32_t *ret_value)
{
    if (csv_whole(&reader->csv.cells[found->number], MOST_CLASS, ret_value)) {
        return true;
    }
    trace_refuse(reader, found, "which is not a whole number from 0 to 1000000");
    return false;
}

bool trace_correct(struct trace_reader *reader, const struct trace_found *found, int32_t *ret_value)
{
    if (csv_boolean(&reader->csv.cells[found->number], ret_value)) {
        return true;
    }
    trace_refuse(reader, found, "which is none of 0, 1, true and false");
    return false;
}

bool trace_extra_fits(struct trace_reader *reader, const struct trace_found *found,
                      const struct trace_extra *extra, double value, const double *before)
{
    if (value < 0 || value > MOST_EXTRA) {
        trace_refuse(reader, found, value < 0 ? "which is negative" : "which is above 1e18");
        return false;
    }
    if (extra->must_not_decrease && before && value < *before) {
        trace_refuse(reader, found, "which is before the arrival of the sample above it");
        return false;
    }
    return true;
}

bool trace_outcome_read(struct trace_reader *reader, const struct trace_found *confidence,
                        const struct trace_found *prediction, const struct trace_found *correct,
                        int32_t label, struct trace_outcome *ret_outcome)
{
    struct trace_outcome outcome = {.prediction = -1};
    bool is_fine = trace_confidence(reader, confidence, &outcome.confidence);
    if (trace_is_asked(prediction)) {
        is_fine = trace_class(reader, prediction, &outcome.prediction) && is_fine;
    }
    if (trace_is_asked(correct)) {
        is_fine = trace_correct(reader, correct, &outcome.correct) && is_fine;
    } else {
        outcome.correct = outcome.prediction == label;
    }
    *ret_outcome = outcome;
    return is_fine;
}
