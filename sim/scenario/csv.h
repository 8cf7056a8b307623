// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_SCENARIO_CSV_H
#define OFFLOADSIM_SCENARIO_CSV_H

// Comma-separated values (RFC 4180) out of memory, row by row: fields in double quotes may hold
// commas, line ends and doubled quotes; lines end with LF or CR LF; a byte order mark and blank
// lines are skipped. Cells point into the bytes, which must stay. A row with more fields, a field
// with more bytes than below, and NUL characters are refused.

#include "scenario/source.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct diagnostics;

enum { CSV_MOST_FIELDS = 100000, CSV_MOST_FIELD_BYTES = 1 << 20 };

struct csv_cell {
    const char *text; // not ended by a NUL
    size_t length;
    const char *start; // where the cell starts in the file, with its quote
};

struct csv {
    const char *name; // of the file
    const char *bytes;
    size_t length;
    size_t at;
    size_t next_line;    // number of the line at `at`
    struct arena *arena; // for cells with doubled quotes

    const char *row; // of the row that was read last
    size_t row_line;
    struct csv_cell *cells;
    size_t count;
    size_t room;
    const char *nul;     // the first NUL character; NULL: there is none
    const char *problem; // of csv_next()
    const char *problem_at;
    const char *hint;
};

void csv_init(struct csv *csv, const char *name, const char *bytes, size_t length,
              struct arena *arena);
void csv_finish(struct csv *csv);

// Reads the next row into `cells`. Returns 1, 0 at the end, -1 if the text is broken.
int csv_next(struct csv *csv);

// The place `at` in the row that was read last. `ret_source` holds that row and must live as long
// as the mark.
struct mark csv_mark(const struct csv *csv, const char *at, size_t length,
                     struct source *ret_source);

// The error that a broken text is, at its place. Returns -1.
int csv_refuse(const struct csv *csv, struct diagnostics *diagnostics);
// The error that a cell of the row that was read last is: it stands in quotes, and `problem` says
// what it is or is not.
void csv_refuse_cell(const struct csv *csv, size_t column, const char *problem, const char *hint,
                     struct diagnostics *diagnostics);

bool csv_equal(const struct csv_cell *cell, const char *text);

// A finite decimal number that is the whole of the cell, blanks around it aside. Correctly rounded.
bool csv_number(const struct csv_cell *cell, double *ret_value);
// A whole number from 0 to `most`.
bool csv_whole(const struct csv_cell *cell, int32_t most, int32_t *ret_value);
// 0, 1, true, false (also with capitals).
bool csv_boolean(const struct csv_cell *cell, int32_t *ret_value);

#endif
