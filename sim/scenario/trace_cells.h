// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_SCENARIO_TRACE_CELLS_H
#define OFFLOADSIM_SCENARIO_TRACE_CELLS_H

// What both layouts of a trace share: finding columns in the header, and reading cells with
// messages that name file, line and column, and where the scenario asks for it.

#include "scenario/csv.h"
#include "scenario/trace_read.h"

struct trace_outcome;

struct trace_reader {
    const struct trace_plan *plan;
    struct arena *arena;
    struct diagnostics *diagnostics;
    size_t errors; // in `diagnostics` before the file was opened
    struct csv csv;
    const char **columns; // names in the header
    size_t column_count;
};

// A column that was asked for, and where it is; `number` is SIZE_MAX if it is not asked for.
struct trace_found {
    struct trace_column column;
    size_t number;
};

// Reads the header.
int trace_header(struct trace_reader *reader);

// An error at the place in the scenario if the header has no such column.
struct trace_found trace_find(struct trace_reader *reader, const struct trace_column *column);
bool trace_is_asked(const struct trace_found *found);

// Reads the next row. Returns 1, 0 at the end, -1 if nothing after it can be read.
// `*ret_is_fine` is false for a row with a wrong number of fields, which was reported.
int trace_row(struct trace_reader *reader, bool *ret_is_fine);

// Cells of the row that was read last. They report what is wrong and return false.
bool trace_number(struct trace_reader *reader, const struct trace_found *found, double *ret_value);
bool trace_confidence(struct trace_reader *reader, const struct trace_found *found,
                      double *ret_value);
bool trace_class(struct trace_reader *reader, const struct trace_found *found, int32_t *ret_value);
bool trace_correct(struct trace_reader *reader, const struct trace_found *found,
                   int32_t *ret_value);
// For a number of an extra column that is fine by itself; `before` is that of the row before.
bool trace_extra_fits(struct trace_reader *reader, const struct trace_found *found,
                      const struct trace_extra *extra, double value, const double *before);

// An error about a cell: `column 'x' holds 'abc'` and `problem`.
void trace_refuse(struct trace_reader *reader, const struct trace_found *found,
                  const char *problem);

// Confidence, prediction and correctness, the last from the label if there is no column for it.
bool trace_outcome_read(struct trace_reader *reader, const struct trace_found *confidence,
                        const struct trace_found *prediction, const struct trace_found *correct,
                        int32_t label, struct trace_outcome *ret_outcome);

#endif
