// SPDX-License-Identifier: GPL-3.0-or-later
#include "scenario/profile.h"

#include "base/memory.h"
#include "base/text.h"
#include "scenario/csv.h"
#include "scenario/diagnostics.h"
#include "scenario/file.h"
#include "scenario/spec.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define PROFILE_MOST_BYTES ((size_t)256 << 20)
#define PROFILE_MOST_AMOUNT 1e12 // seconds or bytes; as for times in a scenario

enum { NO_COLUMN = -1, PROFILE_MOST_LAYERS = 10000 };

struct row {
    const char *platform;
    const char *layer;
    const char *inputs; // NULL: not stated
    double time_s;
    double output_bytes;
};

struct reader {
    const struct profile_request *request;
    struct arena *arena;
    struct diagnostics *diagnostics;
    struct csv csv;
    const char **columns;
    size_t column_count;
    int platform;
    int *layers;
    int time;
    int output;
    int inputs;
    int *where;
    struct row *rows; // on the heap
    size_t row_count;
    size_t row_room;
};

// An error about the file as a whole, at its name in the scenario. Each '@' of the format stands
// for the next text.
static void refuse(struct reader *reader, const char *hint, const char *format, const char *first,
                   const char *second)
{
    struct text text = {0};
    text_format(&text, "profile '%s' of model '%s' ", reader->request->path,
                reader->request->model);
    for (const char *c = format; *c; c++) {
        if (*c == '@') {
            text_add(&text, first);
            first = second;
        } else {
            text_add_n(&text, c, 1);
        }
    }
    diagnostics_error(reader->diagnostics, &reader->request->mark, "%s", text_string(&text));
    diagnostics_hint(reader->diagnostics, "%s", hint);
    text_finish(&text);
}

static void refuse_cell(struct reader *reader, int column, const char *problem)
{
    const struct csv_cell *cell = &reader->csv.cells[column];
    struct source source;
    struct mark mark = csv_mark(&reader->csv, cell->start, cell->length, &source);
    diagnostics_error(reader->diagnostics, &mark, "column '%s' holds '%.*s'",
                      reader->columns[column], (int)(cell->length < 40 ? cell->length : 40),
                      cell->text);
    diagnostics_hint(reader->diagnostics, "%s", problem);
}

static int find_column(struct reader *reader, const char *name)
{
    for (size_t i = 0; name && i < reader->column_count; i++) {
        if (strcmp(reader->columns[i], name) == 0) {
            return (int)i;
        }
    }
    if (name) {
        diagnostics_error(reader->diagnostics, &reader->request->mark,
                          "profile '%s' has no column '%s'", reader->request->path, name);
        diagnostics_suggest(reader->diagnostics, name, reader->columns, reader->column_count,
                            "its columns");
    }
    return NO_COLUMN;
}

static int read_header(struct reader *reader)
{
    const struct spec_profile *profile = reader->request->profile;
    const size_t errors = reader->diagnostics->errors;
    const int result = csv_next(&reader->csv);
    if (result < 0) {
        return csv_refuse(&reader->csv, reader->diagnostics);
    }
    if (result == 0) {
        refuse(reader, "start it with a line of column names", "is empty", "", "");
        return -1;
    }
    reader->column_count = reader->csv.count;
    reader->columns = arena_new_array(reader->arena, reader->column_count, const char *);
    for (size_t i = 0; i < reader->column_count; i++) {
        reader->columns[i] =
            arena_text_n(reader->arena, reader->csv.cells[i].text, reader->csv.cells[i].length);
    }
    reader->platform = find_column(reader, profile->platform_column);
    reader->time = find_column(reader, profile->time_column);
    reader->output = find_column(reader, profile->output_column);
    reader->inputs = find_column(reader, profile->inputs_column);
    reader->layers = arena_new_array(reader->arena, (size_t)profile->layer_column_count, int);
    for (int i = 0; i < profile->layer_column_count; i++) {
        reader->layers[i] = find_column(reader, profile->layer_columns[i]);
    }
    reader->where = arena_new_array(reader->arena, (size_t)profile->where_count, int);
    for (int i = 0; i < profile->where_count; i++) {
        reader->where[i] = find_column(reader, profile->where[i].column);
    }
    return reader->diagnostics->errors > errors ? -1 : 0;
}

static const char *cell_text(const struct reader *reader, int column)
{
    const struct csv_cell *cell = &reader->csv.cells[column];
    return arena_text_n(reader->arena, cell->text, cell->length);
}

// "conv1" from one column, "3-5" from two; "3" where both say 3.
static const char *layer_name(const struct reader *reader)
{
    const int count = reader->request->profile->layer_column_count;
    const char *name = cell_text(reader, reader->layers[0]);
    for (int i = 1; i < count; i++) {
        const char *next = cell_text(reader, reader->layers[i]);
        if (count > 2 || strcmp(name, next) != 0) {
            name = arena_format(reader->arena, "%s-%s", name, next);
        }
    }
    return name;
}

static bool read_amount(struct reader *reader, int column, double scale, double *ret_value)
{
    double value;
    if (!csv_number(&reader->csv.cells[column], &value) || value < 0) {
        refuse_cell(reader, column, "it takes a number from 0 up");
        return false;
    }
    if (value * scale > PROFILE_MOST_AMOUNT) {
        refuse_cell(reader, column, "that is too large; look at the unit of the column");
        return false;
    }
    *ret_value = value * scale;
    return true;
}

static bool is_wanted(const struct reader *reader)
{
    const struct spec_profile *profile = reader->request->profile;
    for (int i = 0; i < profile->where_count; i++) {
        if (!csv_equal(&reader->csv.cells[reader->where[i]], profile->where[i].value)) {
            return false;
        }
    }
    return true;
}

static int read_rows(struct reader *reader)
{
    const struct spec_profile *profile = reader->request->profile;
    const size_t errors = reader->diagnostics->errors;
    int result;
    while ((result = csv_next(&reader->csv)) > 0) {
        if (reader->csv.count != reader->column_count) {
            struct source source;
            struct mark mark = csv_mark(&reader->csv, reader->csv.row, 1, &source);
            diagnostics_error(reader->diagnostics, &mark, "the row has %zu fields instead of %zu",
                              reader->csv.count, reader->column_count);
            diagnostics_hint(reader->diagnostics, "give every row as many as the first line has");
            continue;
        }
        struct row row = {0};
        if (!is_wanted(reader) ||
            !read_amount(reader, reader->time, profile->time_scale, &row.time_s) ||
            !read_amount(reader, reader->output, profile->output_scale, &row.output_bytes)) {
            continue;
        }
        row.platform = cell_text(reader, reader->platform);
        row.layer = layer_name(reader);
        row.inputs = reader->inputs < 0 ? NULL : cell_text(reader, reader->inputs);
        if (reader->row_count == reader->row_room) {
            reader->row_room = reader->row_room ? 2 * reader->row_room : 64;
            reader->rows = memory_resize(reader->rows, reader->row_room, sizeof(*reader->rows));
        }
        reader->rows[reader->row_count++] = row;
    }
    if (result < 0) {
        csv_refuse(&reader->csv, reader->diagnostics);
    }
    return reader->diagnostics->errors > errors ? -1 : 0;
}

// Only a chain can be cut between any two layers: each takes what the one before gives.
static void check_chain(struct reader *reader, const struct row *row, const struct row *before)
{
    if (!row->inputs || (before ? strcmp(row->inputs, before->layer) == 0 : !row->inputs[0])) {
        return;
    }
    refuse(reader,
           "only a chain can be cut after each layer: merge what lies between two places where a "
           "single tensor passes into one row, as residual blocks are",
           before ? "is not a chain: layer '@' takes its input from '@'"
                  : "is not a chain: its first layer '@' takes its input from '@'",
           row->layer, row->inputs);
}

// Rows of one platform, in order, become its times; the first platform gives names and outputs.
static int add_platform(struct reader *reader, struct profile *profile, const char *platform)
{
    const size_t errors = reader->diagnostics->errors;
    const bool is_first = profile->platform_count == 0;
    const size_t room = is_first ? reader->row_count : (size_t)profile->layer_count;
    double *times_s = arena_new_array(reader->arena, room, double);
    const char **layers = is_first ? arena_new_array(reader->arena, room, const char *) : NULL;
    double *outputs = is_first ? arena_new_array(reader->arena, room, double) : NULL;
    const struct row *before = NULL;
    int count = 0;
    for (size_t i = 0; i < reader->row_count; i++) {
        const struct row *row = &reader->rows[i];
        if (strcmp(row->platform, platform) != 0) {
            continue;
        }
        if (is_first && count && strcmp(row->layer, layers[0]) == 0) {
            refuse(reader, "choose the rows of one model with 'where'",
                   "begins again: platform '@' has layer '@' a second time", platform, row->layer);
            return -1;
        }
        if (is_first) {
            check_chain(reader, row, before);
        } else if (count >= profile->layer_count ||
                   strcmp(profile->layers[count], row->layer) != 0 ||
                   profile->output_bytes[count] != row->output_bytes) {
            refuse(
                reader, "all platforms must list the same layers with the same outputs, in order",
                "disagrees: platform '@' has another layer or output at '@'", platform, row->layer);
            return -1;
        }
        times_s[count] = row->time_s;
        if (is_first) {
            layers[count] = row->layer;
            outputs[count] = row->output_bytes;
        }
        before = row;
        count++;
    }
    if (is_first && count > PROFILE_MOST_LAYERS) {
        struct text most = {0};
        text_format(&most, "%d", PROFILE_MOST_LAYERS);
        refuse(reader, "choose the rows of one model with 'where'",
               "has more than @ layers for platform '@'", text_string(&most), platform);
        text_finish(&most);
        return -1;
    }
    if (is_first) {
        profile->layer_count = count;
        profile->layers = layers;
        profile->output_bytes = outputs;
    } else if (count != profile->layer_count) {
        refuse(reader, "all platforms must list the same layers with the same outputs, in order",
               "disagrees: platform '@' has fewer layers than '@'", platform,
               profile->platforms[0].name);
    }
    profile->platforms[profile->platform_count++] =
        (struct profile_platform){.name = platform, .times_s = times_s};
    return reader->diagnostics->errors > errors ? -1 : 0;
}

static int group_rows(struct reader *reader, struct profile *profile)
{
    profile->platforms = arena_new_array(reader->arena, reader->row_count, struct profile_platform);
    for (size_t i = 0; i < reader->row_count; i++) {
        if (!profile_find(profile, reader->rows[i].platform) &&
            add_platform(reader, profile, reader->rows[i].platform) != 0) {
            return -1;
        }
    }
    if (!profile->platform_count) {
        refuse(reader,
               reader->request->profile->where_count ? "look at 'where', which chooses the rows"
                                                     : "give it a row for each platform and layer",
               "has no rows to take", "", "");
        return -1;
    }
    return 0;
}

int profile_read(const struct profile_request *request, struct arena *arena,
                 struct diagnostics *diagnostics, struct profile **ret_profile)
{
    struct reader reader = {.request = request, .arena = arena, .diagnostics = diagnostics};
    char *bytes;
    size_t length;
    struct file_problem problem;
    if (file_read(request->path, PROFILE_MOST_BYTES, &bytes, &length, &problem) < 0) {
        diagnostics_error(diagnostics, &request->mark, "profile '%s' %s", request->path,
                          problem.message);
        diagnostics_hint(diagnostics, "%s", problem.hint);
        return -1;
    }
    struct profile *profile = arena_new(arena, struct profile);
    profile->path = request->path;
    csv_init(&reader.csv, request->path, bytes, length, arena);
    const bool is_fine =
        read_header(&reader) == 0 && read_rows(&reader) == 0 && group_rows(&reader, profile) == 0;
    csv_finish(&reader.csv);
    free(reader.rows);
    free(bytes);
    if (!is_fine) {
        return -1;
    }
    *ret_profile = profile;
    return 0;
}

const struct profile_platform *profile_find(const struct profile *profile, const char *platform)
{
    for (int i = 0; i < profile->platform_count; i++) {
        if (strcmp(profile->platforms[i].name, platform) == 0) {
            return &profile->platforms[i];
        }
    }
    return NULL;
}
