// SPDX-License-Identifier: GPL-3.0-or-later
#include "scenario/trace_long.h"

#include "base/memory.h"
#include "scenario/diagnostics.h"
#include "scenario/trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// As many names of exits that nobody asked for are kept to suggest one of them.
enum { MOST_OTHERS = 64 };

// Samples by name: a hash table with linear probing, at most half full.
struct sample_table {
    struct csv_cell *names; // by number of the sample; texts stay in the file
    size_t count;
    size_t room;
    size_t *slots; // number of the sample + 1; 0 is free
    size_t slot_count;
};

static uint64_t hash_name(const struct csv_cell *name)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < name->length; i++) {
        hash = (hash ^ (unsigned char)name->text[i]) * UINT64_C(0x100000001b3);
    }
    return hash ^ hash >> 32;
}

static void table_insert(struct sample_table *table, size_t number)
{
    size_t slot = (size_t)hash_name(&table->names[number]) & (table->slot_count - 1);
    while (table->slots[slot]) {
        slot = (slot + 1) & (table->slot_count - 1);
    }
    table->slots[slot] = number + 1;
}

static void table_grow(struct sample_table *table)
{
    table->room = table->room ? table->room * 2 : 1024;
    table->names = memory_resize(table->names, table->room, sizeof(*table->names));
    table->slot_count = table->room * 2;
    table->slots = memory_resize(table->slots, table->slot_count, sizeof(*table->slots));
    memset(table->slots, 0, table->slot_count * sizeof(*table->slots));
    for (size_t i = 0; i < table->count; i++) {
        table_insert(table, i);
    }
}

// The number of a sample; a new name gets the next one.
static size_t table_number(struct sample_table *table, const struct csv_cell *name)
{
    if (table->count == table->room) {
        table_grow(table);
    }
    size_t slot = (size_t)hash_name(name) & (table->slot_count - 1);
    for (; table->slots[slot]; slot = (slot + 1) & (table->slot_count - 1)) {
        const struct csv_cell *other = &table->names[table->slots[slot] - 1];
        if (other->length == name->length && memcmp(other->text, name->text, name->length) == 0) {
            return table->slots[slot] - 1;
        }
    }
    table->names[table->count] = *name;
    table->slots[slot] = table->count + 1;
    return table->count++;
}

struct long_reader {
    struct trace_reader *reader;
    const struct trace_sample_columns *columns;
    struct trace_rows *rows;
    struct trace_found sample;
    struct trace_found exit;
    struct trace_found confidence;
    struct trace_found prediction;
    struct trace_found correct;
    struct sample_table table;
    size_t *lines; // [sample][exit] line of the row; 0: not seen yet
    size_t lines_room;
    size_t *first_lines; // [sample]
    bool *is_seen;       // [exit]
    const char *others[MOST_OTHERS];
    size_t other_count;
};

static void remember_other(struct long_reader *reader, const struct csv_cell *cell)
{
    for (size_t i = 0; i < reader->other_count; i++) {
        if (csv_equal(cell, reader->others[i])) {
            return;
        }
    }
    if (reader->other_count < MOST_OTHERS) {
        reader->others[reader->other_count++] =
            arena_text_n(reader->reader->arena, cell->text, cell->length);
    }
}

static size_t find_exit(struct long_reader *reader, const struct csv_cell *cell)
{
    const struct trace_plan *plan = reader->reader->plan;
    for (size_t i = 0; i < plan->exit_count; i++) {
        if (csv_equal(cell, plan->exits[i].value)) {
            return i;
        }
    }
    remember_other(reader, cell);
    return SIZE_MAX;
}

// A sample that was not seen before: its label, features and extra columns.
static void add_sample(struct long_reader *reader)
{
    size_t row = trace_rows_add(reader->rows);
    size_t exits = reader->rows->exits;
    if (reader->rows->room > reader->lines_room) {
        size_t before = reader->lines_room;
        reader->lines_room = reader->rows->room;
        reader->lines =
            memory_resize(reader->lines, reader->lines_room * exits, sizeof(*reader->lines));
        memset(reader->lines + before * exits, 0,
               (reader->lines_room - before) * exits * sizeof(*reader->lines));
        reader->first_lines =
            memory_resize(reader->first_lines, reader->lines_room, sizeof(*reader->first_lines));
    }
    reader->first_lines[row] = reader->reader->csv.row_line;
    trace_sample_read(reader->reader, reader->columns, reader->rows, row);
}

static void refuse_difference(struct long_reader *reader, const struct trace_found *found,
                              size_t row)
{
    char problem[96];
    snprintf(problem, sizeof(problem), "which differs from line %zu about the same sample",
             reader->first_lines[row]);
    trace_refuse(reader->reader, found, problem);
}

// What belongs to the sample must be the same in all its rows.
static void compare_sample(struct long_reader *reader, size_t row)
{
    const struct trace_rows *rows = reader->rows;
    const struct trace_sample_columns *columns = reader->columns;
    struct trace_reader *cells = reader->reader;
    int32_t label;
    if (trace_is_asked(&columns->label) && trace_class(cells, &columns->label, &label) &&
        label != rows->label[row]) {
        refuse_difference(reader, &columns->label, row);
    }
    double value;
    for (size_t i = 0; i < rows->features; i++) {
        if (trace_number(cells, &columns->features[i], &value) &&
            value != rows->feature[row * rows->features + i]) {
            refuse_difference(reader, &columns->features[i], row);
        }
    }
    for (size_t i = 0; i < rows->extras; i++) {
        if (trace_number(cells, &columns->extras[i], &value) &&
            value != rows->extra[row * rows->extras + i]) {
            refuse_difference(reader, &columns->extras[i], row);
        }
    }
}

static void take_row(struct long_reader *reader)
{
    struct trace_reader *cells = reader->reader;
    const struct csv_cell *name = &cells->csv.cells[reader->sample.number];
    if (!name->length) {
        trace_refuse(cells, &reader->sample, "but every row needs the name of its sample");
        return;
    }
    size_t exit = find_exit(reader, &cells->csv.cells[reader->exit.number]);
    if (exit == SIZE_MAX) {
        return;
    }
    size_t row = table_number(&reader->table, name);
    if (row == reader->rows->count) {
        add_sample(reader);
    } else {
        compare_sample(reader, row);
    }
    size_t place = row * reader->rows->exits + exit;
    if (reader->lines[place]) {
        char problem[96];
        snprintf(problem, sizeof(problem), "but line %zu has this sample and exit already",
                 reader->lines[place]);
        trace_refuse(cells, &reader->sample, problem);
        return;
    }
    reader->lines[place] = cells->csv.row_line;
    reader->is_seen[exit] = true;
    trace_outcome_read(cells, &reader->confidence, &reader->prediction, &reader->correct,
                       reader->rows->label[row], &reader->rows->outcomes[place]);
}

// Exits without any row, then samples that lack one of the others.
static void refuse_missing(struct long_reader *reader)
{
    struct trace_reader *cells = reader->reader;
    const struct trace_plan *plan = cells->plan;
    for (size_t i = 0; i < plan->exit_count; i++) {
        if (!reader->is_seen[i]) {
            diagnostics_error(cells->diagnostics, &plan->exits[i].mark,
                              "trace '%s' has no row for exit '%s': column '%s' never holds '%s'",
                              plan->path, plan->exits[i].name, plan->exit.name,
                              plan->exits[i].value);
            diagnostics_suggest(cells->diagnostics, plan->exits[i].value, reader->others,
                                reader->other_count, "values that no exit uses");
        }
    }
    for (size_t row = 0; row < reader->rows->count; row++) {
        for (size_t i = 0; i < plan->exit_count; i++) {
            if (!reader->is_seen[i] || reader->lines[row * plan->exit_count + i]) {
                continue;
            }
            const struct csv_cell *name = &reader->table.names[row];
            struct source source = {.name = plan->path};
            struct mark mark = {.source = &source};
            int length = name->length < 60 ? (int)name->length : 60;
            diagnostics_error(cells->diagnostics, &mark,
                              "sample '%.*s' of line %zu has no row for exit '%s'", length,
                              name->text, reader->first_lines[row], plan->exits[i].name);
            diagnostics_hint(cells->diagnostics,
                             "every sample needs a row whose column '%s' holds '%s'",
                             plan->exit.name, plan->exits[i].value);
        }
    }
}

static int read_rows(struct long_reader *reader)
{
    for (;;) {
        bool is_fine;
        int result = trace_row(reader->reader, &is_fine);
        if (result <= 0) {
            return result;
        }
        if (is_fine) {
            take_row(reader);
        }
    }
}

int trace_long_read(struct trace_reader *reader, const struct trace_sample_columns *columns,
                    struct trace_rows *rows)
{
    const struct trace_plan *plan = reader->plan;
    struct long_reader long_reader = {.reader = reader, .columns = columns, .rows = rows};
    long_reader.sample = trace_find(reader, &plan->sample);
    long_reader.exit = trace_find(reader, &plan->exit);
    long_reader.confidence = trace_find(reader, &plan->confidence);
    long_reader.prediction = trace_find(reader, &plan->prediction);
    long_reader.correct = trace_find(reader, &plan->correct);
    if (reader->diagnostics->errors > reader->errors) {
        return -1;
    }
    long_reader.is_seen = arena_new_array(reader->arena, plan->exit_count, bool);
    int result = read_rows(&long_reader);
    if (result == 0 && reader->diagnostics->errors == reader->errors) {
        refuse_missing(&long_reader);
    }
    free(long_reader.table.names);
    free(long_reader.table.slots);
    free(long_reader.lines);
    free(long_reader.first_lines);
    return result;
}
