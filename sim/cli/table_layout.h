// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_CLI_TABLE_LAYOUT_H
#define OFFLOADSIM_CLI_TABLE_LAYOUT_H

// How table_print() shows a table to people. Only table.c and the parts of the layout include this.
//
// First table_cells.c turns the cells into texts, column by column: numbers get their digits, a
// half width joins its mean. Then table_layout.c sets these texts side by side.

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct table;
struct table_style;
struct text;

// A column as it is shown. Widths count characters.
struct shown_column {
    const char *heading;
    const char **cells; // one text a row
    bool is_right;
    bool is_wrapped;
    bool is_elastic;    // holds texts, which may be shortened or wrapped
    size_t cell_width;  // of the widest cell
    size_t width;       // chosen by the layout
    size_t least_width; // with the heading broken wherever it can be
};

// Columns with their texts, in `arena`; returns their number, which half widths make smaller than
// that of the table. `is_padded`: means and half widths line up, for a font of one width.
size_t table_show_columns(const struct table *table, const struct table_style *style,
                          bool is_padded, struct arena *arena, struct shown_column **ret_columns);

// How many characters a text has.
size_t table_text_width(const char *text);
// Characters that a text may be broken after where it has no space.
bool table_is_breakable(char character);

// `style->width` is not 0.
void table_print_aligned(const struct table *table, const struct table_style *style,
                         struct text *text);
void table_print_markdown(const struct table *table, const struct table_style *style,
                          struct text *text);

#endif
