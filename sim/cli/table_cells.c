// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/memory.h"
#include "base/text.h"
#include "cli/table.h"
#include "cli/table_layout.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_DIGITS = 4, HALF_WIDTH_DIGITS = 2 };

// Numbers outside of these are shown with an exponent.
static const double largest_plain = 1e15;
enum { MOST_DECIMALS = 9 };

// A column whose numbers would need more digits than this to share their decimals spans so many
// magnitudes that each number is better shown by itself.
enum { MOST_COMMON_DIGITS = 9 };

// Decimals that show the first `digits` significant digits of `value`, without zeros at the end.
static int decimals_of(double value, int digits)
{
    char buffer[64];
    snprintf(buffer, sizeof(buffer), "%.*e", digits - 1, fabs(value));
    char *exponent = strchr(buffer, 'e');
    if (!exponent || value == 0) {
        return 0; // Zero, or an infinity.
    }
    const char *last = exponent - 1;
    while (*last == '0' && last > buffer) {
        last--;
    }
    // The digits before the exponent are one before the point, the point, and the others.
    int decimals =
        (last > buffer + 1 ? (int)(last - buffer) - 1 : 0) - (int)strtol(exponent + 1, NULL, 10);
    return decimals > 0 ? decimals : 0;
}

static int integer_digits(double value)
{
    return fabs(value) < 1 ? 1 : (int)floor(log10(fabs(value))) + 1;
}

// How the numbers of a column are written.
struct number_form {
    enum table_notation notation;
    int digits;
    int decimals; // shared by the column; negative: each number has its own
};

static struct number_form choose_form(const struct table *table, size_t index, bool has_half_width)
{
    const struct table_column *column = &table->columns[index];
    struct number_form form = {column->notation, column->digits, 0};
    if (column->notation != TABLE_SIGNIFICANT) {
        return form;
    }
    form.digits = column->digits > 0 ? column->digits : DEFAULT_DIGITS;
    if (has_half_width) {
        form.decimals = -1;
        return form;
    }
    int most_before = 1;
    for (size_t i = index; i < table->cell_count; i += table->column_count) {
        const struct table_cell *cell = &table->cells[i];
        if (cell->kind == TABLE_NUMBER && isfinite(cell->value.number)) {
            int decimals = decimals_of(cell->value.number, form.digits);
            int before = integer_digits(cell->value.number);
            form.decimals = decimals > form.decimals ? decimals : form.decimals;
            most_before = before > most_before ? before : most_before;
        }
    }
    if (form.decimals + most_before > MOST_COMMON_DIGITS) {
        form.decimals = -1;
    }
    return form;
}

static void add_number(const struct number_form *form, double value, struct text *text)
{
    if (!isfinite(value)) {
        text_add(text, value > 0 ? "inf" : "-inf");
        return;
    }
    if (form->notation != TABLE_SIGNIFICANT) {
        bool is_percent = form->notation == TABLE_PERCENT;
        text_format(text, "%.*f", form->digits, is_percent ? 100 * value : value);
        return;
    }
    int decimals = form->decimals >= 0 ? form->decimals : decimals_of(value, form->digits);
    if (value == 0) {
        text_add(text, "0");
    } else if (decimals > MOST_DECIMALS || fabs(value) >= largest_plain) {
        text_format(text, "%.*g", form->digits, value);
    } else {
        text_format(text, "%.*f", decimals, value);
    }
}

// A mean has as many decimals as its half width has with two significant digits.
static struct number_form form_of_pair(const struct number_form *form, double half_width)
{
    struct number_form pair = *form;
    if (form->notation == TABLE_SIGNIFICANT) {
        char rounded[64];
        snprintf(rounded, sizeof(rounded), "%.*e", HALF_WIDTH_DIGITS - 1, half_width);
        const char *exponent = strchr(rounded, 'e');
        int decimals = exponent ? HALF_WIDTH_DIGITS - 1 - (int)strtol(exponent + 1, NULL, 10) : 0;
        pair.decimals = decimals > 0 ? decimals : 0;
        if (half_width == 0 || !isfinite(half_width) || pair.decimals > MOST_DECIMALS) {
            pair.decimals = -1;
        }
    }
    return pair;
}

// One cell in its parts: what stands before the sign of a half width, and what after it.
struct cell_text {
    const char *value;
    const char *half_width; // NULL if there is none
    bool has_ends;          // which stand in its place
};

static bool is_control(char character)
{
    return (unsigned char)character < 0x20 || character == 0x7f;
}

// Text for a terminal: no control characters.
static const char *clean(struct arena *arena, const char *value)
{
    const char *first = value;
    while (*first && !is_control(*first)) {
        first++;
    }
    if (!*first) {
        return value; // It lasts as long as the table.
    }
    char *copy = arena_text(arena, value);
    for (char *c = copy; *c; c++) {
        *c = is_control(*c) ? ' ' : *c;
    }
    return copy;
}

// "[0.004, 0.031]".
static void add_ends(const struct number_form *form, const struct table_cell *ends,
                     struct text *text)
{
    text_add(text, "[");
    add_number(form, ends->low, text);
    text_add(text, ", ");
    add_number(form, ends->high, text);
    text_add(text, "]");
}

// `interval` is the cell of the half width, or NULL; `text` is room to work in, as for all cells of
// a column.
static struct cell_text show_number(struct arena *arena, const struct number_form *form,
                                    double value, const struct table_cell *interval,
                                    struct text *text)
{
    struct cell_text result = {0};
    // What is left of rounding when all replications agree is not a width.
    const double least = 1e-12 * fabs(value);
    const double zero = 0;
    const double *half_width = !interval                        ? NULL
                               : interval->value.number < least ? &zero
                                                                : &interval->value.number;
    result.has_ends = half_width && *half_width > 0 && interval->has_ends;
    // As many digits as the nearer end needs to be told from the value.
    const double near = result.has_ends ? fmin(value - interval->low, interval->high - value) : 0;
    struct number_form pair =
        half_width ? form_of_pair(form, near > least ? near : *half_width) : *form;
    const char *percent = form->notation == TABLE_PERCENT ? " %" : "";
    text_clear(text);
    add_number(&pair, value, text);
    text_add(text, half_width ? "" : percent);
    result.value = arena_text_n(arena, text_string(text), text->length);
    if (half_width) {
        text_clear(text);
        if (result.has_ends) {
            add_ends(&pair, interval, text);
        } else {
            pair.digits = form->notation == TABLE_SIGNIFICANT ? HALF_WIDTH_DIGITS : pair.digits;
            add_number(&pair, *half_width, text);
        }
        text_add(text, percent);
        result.half_width = arena_text_n(arena, text_string(text), text->length);
    }
    return result;
}

static struct cell_text show_cell(struct arena *arena, const struct number_form *form,
                                  const struct table_cell *cell,
                                  const struct table_cell *half_width, struct text *text)
{
    struct cell_text result = {.value = "-"};
    bool has_half_width = half_width && half_width->kind == TABLE_NUMBER;
    switch (cell->kind) {
    case TABLE_NULL:
        break;
    case TABLE_INTEGER:
        result.value = arena_format(arena, "%lld", (long long)cell->value.integer);
        break;
    case TABLE_NUMBER:
        result =
            show_number(arena, form, cell->value.number, has_half_width ? half_width : NULL, text);
        break;
    case TABLE_TEXT:
        result.value = clean(arena, cell->value.text);
        break;
    }
    return result;
}

size_t table_text_width(const char *text)
{
    size_t width = 0;
    for (const char *c = text; *c; c++) {
        width += ((unsigned char)*c & 0xc0) != 0x80;
    }
    return width;
}

bool table_is_breakable(char character)
{
    return character && strchr(" _.,/:-", character);
}

// The widest part of a text that cannot be broken.
static size_t widest_part(const char *text)
{
    size_t widest = 0;
    size_t width = 0;
    for (const char *c = text; *c; c++) {
        width += ((unsigned char)*c & 0xc0) != 0x80 && *c != ' ';
        widest = width > widest ? width : widest;
        width = table_is_breakable(*c) ? 0 : width;
    }
    return widest;
}

// Joins a value and its half width. With padding the signs stand in one line below each other when
// the cell is set to the right.
static const char *join(struct arena *arena, const struct cell_text *parts,
                        const struct table_style *style, size_t half_width_room, struct text *text)
{
    const char *sign = parts->has_ends ? " " : style->is_ascii ? " +- " : " \xc2\xb1 ";
    if (!parts->half_width && !half_width_room) {
        return parts->value;
    }
    size_t width = parts->half_width ? table_text_width(parts->half_width) : 0;
    size_t padding = half_width_room > width ? half_width_room - width : 0;
    padding += parts->half_width ? 0 : table_text_width(sign);
    text_clear(text);
    text_add(text, parts->value);
    text_add(text, parts->half_width ? sign : "");
    text_add(text, parts->half_width ? parts->half_width : "");
    for (size_t i = 0; i < padding; i++) {
        text_add_n(text, " ", 1);
    }
    return arena_text_n(arena, text_string(text), text->length);
}

static const char *show_heading(struct arena *arena, const struct table_column *column)
{
    const char *heading = column->heading ? column->heading : column->name;
    if (column->unit && column->unit[0]) {
        heading = arena_format(arena, "%s (%s)", heading, column->unit);
    }
    return clean(arena, heading);
}

static void show_column(const struct table *table, size_t index, const struct table_style *style,
                        bool is_padded, struct arena *arena, struct shown_column *shown)
{
    const struct table_column *column = &table->columns[index];
    size_t rows = table_row_count(table);
    bool has_half_width =
        index + 1 < table->column_count && table->columns[index + 1].is_half_width;
    struct number_form form = choose_form(table, index, has_half_width);
    struct text text = {0};
    struct cell_text *parts = arena_new_array(arena, rows, struct cell_text);
    size_t half_width_room = 0;
    bool has_number = false;
    bool has_text = false;
    for (size_t r = 0; r < rows; r++) {
        const struct table_cell *cell = &table->cells[r * table->column_count + index];
        parts[r] = show_cell(arena, &form, cell, has_half_width ? cell + 1 : NULL, &text);
        has_number = has_number || cell->kind == TABLE_NUMBER || cell->kind == TABLE_INTEGER;
        has_text = has_text || cell->kind == TABLE_TEXT;
        size_t width = parts[r].half_width ? table_text_width(parts[r].half_width) : 0;
        half_width_room = width > half_width_room ? width : half_width_room;
    }
    *shown = (struct shown_column){
        .heading = show_heading(arena, column),
        .cells = arena_new_array(arena, rows, const char *),
        .is_right = column->alignment == TABLE_ALIGN_RIGHT ||
                    (column->alignment == TABLE_ALIGN_BY_CONTENT && has_number && !has_text),
        .is_wrapped = column->is_wrapped,
        .is_elastic = has_text,
    };
    for (size_t r = 0; r < rows; r++) {
        shown->cells[r] = join(arena, &parts[r], style, is_padded ? half_width_room : 0, &text);
        size_t width = table_text_width(shown->cells[r]);
        shown->cell_width = width > shown->cell_width ? width : shown->cell_width;
    }
    size_t heading_least = widest_part(shown->heading);
    shown->least_width = heading_least > shown->cell_width ? heading_least : shown->cell_width;
    text_finish(&text);
}

size_t table_show_columns(const struct table *table, const struct table_style *style,
                          bool is_padded, struct arena *arena, struct shown_column **ret_columns)
{
    struct shown_column *columns = arena_new_array(arena, table->column_count, struct shown_column);
    size_t count = 0;
    for (size_t i = 0; i < table->column_count; i++) {
        if (i == 0 || !table->columns[i].is_half_width) {
            show_column(table, i, style, is_padded, arena, &columns[count++]);
        }
    }
    *ret_columns = columns;
    return count;
}
