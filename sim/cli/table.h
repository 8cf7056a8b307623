// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_CLI_TABLE_H
#define OFFLOADSIM_CLI_TABLE_H

// Rows and columns on their way to standard output, in one of four formats:
//
//     table  for people: aligned, about four significant digits, within the width of the terminal
//     md     the same numbers as a Markdown table
//     csv    RFC 4180 with a header line; every digit; nothing for null, "" for an empty text
//     json   an array of one object a row; shortest numbers that read back the same; null
//
// Add the columns, set what is special about them, then add cells row by row from left to right.
// A NaN is shown as null. `{0}` is an empty table; the table keeps copies of all texts.
//
// In `table` the numbers of a column share their decimals, so that the points line up. A column
// that is the half width of the one before it is printed with it, as "0.912 +- 0.013", in `table`
// and `md`; an interval that is clearly not about its mean, as "0.013 [0.004, 0.031]". What is too
// wide for `table` is made narrower in this order: headings break at '_', '.' and spaces; long
// texts wrap or end in "..."; columns that still have no room follow below in a block of their own
// that repeats the first columns.

#include "base/memory.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text;

enum table_format { TABLE_ALIGNED, TABLE_CSV, TABLE_JSON, TABLE_MARKDOWN };

// The names of the formats, in the order of the enumeration, ended by NULL.
extern const char *const table_format_names[];
// Returns 0, or -1 with a message that names all formats.
int table_format_parse(const char *name, enum table_format *ret_format, struct text *ret_error);

enum table_alignment {
    TABLE_ALIGN_BY_CONTENT, // right if the column holds a number, else left
    TABLE_ALIGN_LEFT,
    TABLE_ALIGN_RIGHT
};

enum table_notation {
    TABLE_SIGNIFICANT, // `digits` significant digits, but never fewer than the integer part has
    TABLE_FIXED,       // `digits` decimals
    TABLE_PERCENT      // 100 times the value with `digits` decimals and "%"
};

struct table_column {
    const char *name;    // the key in csv and json
    const char *heading; // in table and md; NULL: the name
    const char *unit;    // shown after the heading as "(s)"; NULL or "": none
    enum table_alignment alignment;
    enum table_notation notation;
    int digits;         // of numbers in table and md; 0 with TABLE_SIGNIFICANT means 4
    bool is_half_width; // of the column before it
    bool is_wrapped;    // long texts wrap rather than being shortened
    bool is_json;       // texts are JSON and go into json as they are
};

enum table_kind { TABLE_NULL, TABLE_INTEGER, TABLE_NUMBER, TABLE_TEXT };

struct table_cell {
    enum table_kind kind;
    union {
        int64_t integer;
        double number;
        const char *text;
    } value;
    // A half width that is shown as these two ends instead.
    bool has_ends;
    double low;
    double high;
};

struct table {
    struct arena arena;
    struct arena texts; // of the cells
    struct table_column *columns;
    size_t column_count;
    struct table_cell *cells; // row by row
    size_t cell_count;
    size_t cell_room;
    size_t drained_rows; // printed and forgotten
    size_t key_columns;  // repeated in every block of a wide table; 0 means 1
};

void table_finish(struct table *table);

// Adds a column before any cell is there. The result is for setting what is special about it and is
// valid until the next column is added; its texts must outlive the table.
struct table_column *table_add_column(struct table *table, const char *name);
// Marks every column named X_half_width that follows a column X, as queries name them.
void table_pair_half_widths(struct table *table);

void table_add_null(struct table *table);
void table_add_integer(struct table *table, int64_t value);
void table_add_number(struct table *table, double value);
void table_add_text(struct table *table, const char *value); // NULL: null
// A number and the interval about it, in two columns, the second one its half width: the distance
// to the farther end. Where one side of the interval is more than twice the other, people are shown
// its two ends instead.
void table_add_interval(struct table *table, double value, double half_width, double low,
                        double high);

// Without those that were drained.
size_t table_row_count(const struct table *table);

// In csv and json a row looks the same whatever follows it, so a table of any length can be printed
// piece by piece: after whole rows, table_drain() adds those that are there to `text` and forgets
// them. table_print() prints what is left, and ends the table.
bool table_can_drain(enum table_format format);
void table_drain(struct table *table, enum table_format format, struct text *text);

struct table_style {
    size_t width;  // of `table`; 0 means 100
    bool is_bold;  // the header of `table` is bold (ANSI escape codes)
    bool is_ascii; // "+-" and "..." instead of the signs for them
};

// Adds the whole table to `text`, each line ended. `style` may be NULL.
void table_print(const struct table *table, enum table_format format,
                 const struct table_style *style, struct text *text);

#endif
