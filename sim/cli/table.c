// SPDX-License-Identifier: GPL-3.0-or-later
#include "cli/table.h"

#include "base/check.h"
#include "base/text.h"
#include "cli/table_layout.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const table_format_names[] = {"table", "csv", "json", "md", NULL};

enum { FORMAT_COUNT = sizeof(table_format_names) / sizeof(table_format_names[0]) - 1 };

int table_format_parse(const char *name, enum table_format *ret_format, struct text *ret_error)
{
    for (int i = 0; i < FORMAT_COUNT; i++) {
        if (strcmp(table_format_names[i], name) == 0) {
            *ret_format = (enum table_format)i;
            return 0;
        }
    }
    text_format(ret_error, "unknown format '%s'; ", name);
    const char *nearest = text_nearest(name, table_format_names, FORMAT_COUNT);
    if (nearest) {
        text_format(ret_error, "did you mean '%s'? ", nearest);
    }
    text_add(ret_error, "there are");
    for (int i = 0; i < FORMAT_COUNT; i++) {
        text_format(ret_error, "%s '%s'", i ? "," : "", table_format_names[i]);
    }
    return -1;
}

void table_finish(struct table *table)
{
    if (table) {
        arena_finish(&table->arena);
        arena_finish(&table->texts);
        free(table->columns);
        free(table->cells);
        *table = (struct table){0};
    }
}

struct table_column *table_add_column(struct table *table, const char *name)
{
    CHECK(NULL, table->cell_count == 0 && table->drained_rows == 0);
    table->columns =
        memory_resize(table->columns, table->column_count + 1, sizeof(*table->columns));
    struct table_column *column = &table->columns[table->column_count++];
    *column = (struct table_column){.name = arena_text(&table->arena, name)};
    return column;
}

void table_pair_half_widths(struct table *table)
{
    static const char suffix[] = "_half_width";
    for (size_t i = 1; i < table->column_count; i++) {
        const char *name = table->columns[i - 1].name;
        size_t length = strlen(name);
        if (strncmp(table->columns[i].name, name, length) == 0 &&
            strcmp(table->columns[i].name + length, suffix) == 0) {
            table->columns[i].is_half_width = true;
        }
    }
}

static void add_cell(struct table *table, struct table_cell cell)
{
    CHECK(NULL, table->column_count > 0);
    if (table->cell_count == table->cell_room) {
        table->cell_room = table->cell_room ? 2 * table->cell_room : 256;
        table->cells = memory_resize(table->cells, table->cell_room, sizeof(*table->cells));
    }
    table->cells[table->cell_count++] = cell;
}

void table_add_null(struct table *table)
{
    add_cell(table, (struct table_cell){.kind = TABLE_NULL});
}

void table_add_integer(struct table *table, int64_t value)
{
    add_cell(table, (struct table_cell){.kind = TABLE_INTEGER, .value.integer = value});
}

void table_add_number(struct table *table, double value)
{
    if (isnan(value)) {
        table_add_null(table);
        return;
    }
    add_cell(table, (struct table_cell){.kind = TABLE_NUMBER, .value.number = value});
}

void table_add_interval(struct table *table, double value, double half_width, double low,
                        double high)
{
    const double below = value - low;
    const double above = high - value;
    table_add_number(table, value);
    table_add_number(table, half_width);
    struct table_cell *cell = &table->cells[table->cell_count - 1];
    cell->has_ends = cell->kind == TABLE_NUMBER && fmax(below, above) > 2 * fmin(below, above);
    cell->low = low;
    cell->high = high;
}

void table_add_text(struct table *table, const char *value)
{
    if (!value) {
        table_add_null(table);
        return;
    }
    add_cell(table, (struct table_cell){.kind = TABLE_TEXT,
                                        .value.text = arena_text(&table->texts, value)});
}

size_t table_row_count(const struct table *table)
{
    return table->column_count ? table->cell_count / table->column_count : 0;
}

static void add_number(double value, struct text *text)
{
    char number[TEXT_NUMBER_ROOM];
    text_number(number, value);
    text_add(text, number);
}

static void print_csv_cell(const struct table_cell *cell, struct text *text)
{
    switch (cell->kind) {
    case TABLE_NULL:
        break;
    case TABLE_INTEGER:
        text_format(text, "%lld", (long long)cell->value.integer);
        break;
    case TABLE_NUMBER:
        add_number(cell->value.number, text);
        break;
    case TABLE_TEXT:
        text_csv_string(text, cell->value.text);
        break;
    }
}

static void print_csv(const struct table *table, struct text *text)
{
    const size_t columns = table->column_count;
    for (size_t c = 0; c < columns && !table->drained_rows; c++) {
        text_add(text, c ? "," : "");
        text_csv_string(text, table->columns[c].name);
    }
    text_add(text, table->drained_rows ? "" : "\r\n");
    for (size_t i = 0; i < table->cell_count; i++) {
        print_csv_cell(&table->cells[i], text);
        text_add(text, (i + 1) % columns ? "," : "\r\n");
    }
}

static void print_json_cell(const struct table_column *column, const struct table_cell *cell,
                            struct text *text)
{
    switch (cell->kind) {
    case TABLE_NULL:
        text_add(text, "null");
        break;
    case TABLE_INTEGER:
        text_format(text, "%lld", (long long)cell->value.integer);
        break;
    case TABLE_NUMBER:
        text_json_number(text, cell->value.number);
        break;
    case TABLE_TEXT:
        if (column->is_json) {
            text_add(text, cell->value.text);
        } else {
            text_json_string(text, cell->value.text);
        }
        break;
    }
}

// Without the bracket that ends the array.
static void print_json(const struct table *table, struct text *text)
{
    size_t rows = table_row_count(table);
    text_add(text, table->drained_rows ? "" : "[");
    for (size_t r = 0; r < rows; r++) {
        text_add(text, r + table->drained_rows > 0 ? ",\n {" : "\n {");
        for (size_t c = 0; c < table->column_count; c++) {
            text_add(text, c ? ", " : "");
            text_json_string(text, table->columns[c].name);
            text_add(text, ": ");
            print_json_cell(&table->columns[c], &table->cells[r * table->column_count + c], text);
        }
        text_add(text, "}");
    }
}

bool table_can_drain(enum table_format format)
{
    return format == TABLE_CSV || format == TABLE_JSON;
}

void table_drain(struct table *table, enum table_format format, struct text *text)
{
    CHECK(NULL, table_can_drain(format));
    if (format == TABLE_CSV) {
        print_csv(table, text);
    } else {
        print_json(table, text);
    }
    table->drained_rows += table_row_count(table);
    table->cell_count = 0;
    arena_finish(&table->texts);
}

void table_print(const struct table *table, enum table_format format,
                 const struct table_style *style, struct text *text)
{
    struct table_style chosen = style ? *style : (struct table_style){0};
    chosen.width = chosen.width ? chosen.width : 100;
    CHECK(NULL, table->column_count == 0 || table->cell_count % table->column_count == 0);
    switch (format) {
    case TABLE_CSV:
        print_csv(table, text);
        break;
    case TABLE_JSON:
        print_json(table, text);
        text_add(text, table->drained_rows + table_row_count(table) > 0 ? "\n]\n" : "]\n");
        break;
    case TABLE_MARKDOWN:
        table_print_markdown(table, &chosen, text);
        break;
    case TABLE_ALIGNED:
        table_print_aligned(table, &chosen, text);
        break;
    }
}
