// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_RESULTS_QUERY_H
#define OFFLOADSIM_RESULTS_QUERY_H

// Questions to a database of results: a query that the program brings along, by its name, or any
// SQL statement that only reads. The file is opened read-only and every statement is judged before
// it runs, so nothing that a user types here can change a file, open another one or load code.
// Other processes may write meanwhile; a query sees the results as they were when it began.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text;

// The queries that the program brings along, ended by a NULL name. Each is a file of
// results/queries/ that begins with comments: what it answers, and its parameters, one a line, as
// "-- :name  meaning", with "needed" for those without a default. Any SQLite shell runs the files
// as they are (.parameter set).
struct query_name {
    const char *name;
    const char *summary; // one line
    size_t key_columns;  // the first columns of a row, which say what it is about
    const char *sql;
};

extern const struct query_name query_names[];

// Finds a query by name. Returns NULL with a message that suggests the nearest name and lists all.
const struct query_name *query_find(const char *name, struct text *ret_error);

enum query_kind { QUERY_NULL, QUERY_INTEGER, QUERY_NUMBER, QUERY_TEXT };

struct query_value {
    enum query_kind kind;
    int64_t integer;  // QUERY_INTEGER
    double number;    // QUERY_NUMBER; never NaN
    const char *text; // QUERY_TEXT, ended by a NUL; a blob comes as its hexadecimal digits; else ""
};

// Where the rows go. `columns` is called once, before any row and also when there is none. Names
// and values are valid during the call only.
struct query_sink {
    void *context;
    void (*columns)(void *context, const char *const *names, size_t count);
    void (*row)(void *context, const struct query_value *values, size_t count);
};

// Unless told otherwise a query delivers at most a million rows and takes at most a minute.
#define QUERY_DEFAULT_ROW_LIMIT INT64_C(1000000)
#define QUERY_DEFAULT_TIME_LIMIT_S 60.0

// No value that a query computes or reads is longer.
enum { QUERY_MOST_VALUE_BYTES = 100 * 1000 * 1000 };

// The value of a parameter: a number if it looks like one, else a text.
struct query_binding {
    const char *name; // without the colon
    const char *value;
};

struct query_options {
    const struct query_binding *bindings;
    size_t binding_count;
    int64_t rows;  // at most; 0: the default; negative: no limit
    double time_s; // at most; 0: the default; negative: no limit
};

struct query_result {
    int64_t rows;      // delivered
    bool is_truncated; // there were more than the limit; the caller says so
};

// Runs exactly one statement. `options` and `ret_result` may be NULL. Every parameter of the
// statement needs a binding, unless a comment in front of it says otherwise; a binding without a
// parameter is an error too. Returns 0, or -1 with a message; for wrong SQL it is SQLite's own,
// with the line and a caret below on lines of their own. After a failure in the middle, rows may
// already have been delivered.
int query_run(const char *path, const char *sql, const struct query_options *options,
              const struct query_sink *sink, struct query_result *ret_result,
              struct text *ret_error);

#endif
