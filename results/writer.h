// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_RESULTS_WRITER_H
#define OFFLOADSIM_RESULTS_WRITER_H

// The machinery below the store: prepared statements, transactions, and names that become numbers.
// Functions return -1 with a message, as those of store.h do.

#include <sqlite3.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct meaning;
struct text;

enum statement {
    BEGIN,
    BEGIN_READING,
    READ_VERSION,
    COMMIT,
    ROLLBACK,
    ADD_EXPERIMENT,
    FIND_EXPERIMENT,
    HAS_EXPERIMENT,
    RESUME_EXPERIMENT,
    FINISH_EXPERIMENT,
    FORGET_OLD_CLAIMS,
    ADD_POINT,
    FIND_POINT,
    FIND_SOURCE,
    READ_POINT,
    ADD_PARAMETER,
    ADD_PRICE,
    ADD_REPLICATION,
    HAS_REPLICATION,
    ADVANCE_POINT,
    COUNT_REPLICATIONS,
    READ_REPLICATIONS,
    READ_METRICS,
    READ_COUNTERS,
    FORGET_ESTIMATES,
    READ_ESTIMATES,
    COMPLETE_POINT,
    FIND_CLAIM,
    ADD_CLAIM,
    RENEW_CLAIMS,
    FORGET_CLAIMS,
    FORGET_ALL_CLAIMS,
    ADD_METRIC_NAME,
    FIND_METRIC_NAME,
    ADD_COUNTER_NAME,
    FIND_COUNTER_NAME,
    ADD_TEXT,
    FIND_TEXT,
    STATEMENT_COUNT
};

// Statements that add many rows at once, which takes less than half the time of one by one. The
// first column is the same in all rows of a statement, and is its first parameter; those of the
// first row follow, then those of the second.
enum rows_statement { ADD_METRICS, ADD_COUNTERS, ADD_ESTIMATES, ADD_SAMPLES, ROWS_STATEMENT_COUNT };

enum { MOST_ROWS_AT_ONCE = 64 };

// Names that were met before and their numbers in the file, sorted by name.
struct known_name {
    char *name;
    int64_t id;
};

struct known_names {
    struct known_name *items;
    size_t count;
    size_t room;
    enum statement find;
    enum statement add;
    const struct meaning *(*describe)(const char *name); // NULL: they stand for themselves
};

struct writer {
    sqlite3 *database;
    char *path;
    sqlite3_stmt *statements[STATEMENT_COUNT]; // prepared when first used
    sqlite3_stmt *rows_statements[ROWS_STATEMENT_COUNT][MOST_ROWS_AT_ONCE]; // by rows less one
    bool is_grouped;                                                        // inside a group
    struct known_names metrics;
    struct known_names counters;
    struct known_names texts;
};

int writer_init(struct writer *writer, const char *path, double busy_timeout_s,
                struct text *ret_error);
// Accepts a zeroed writer.
void writer_finish(struct writer *writer);

// The statement, ready to be bound, or NULL. Every parameter is bound anew before each run.
sqlite3_stmt *writer_prepare(struct writer *writer, enum statement which, struct text *ret_error);

// The same for one to MOST_ROWS_AT_ONCE rows. `ret_columns` is how many parameters a row has.
sqlite3_stmt *writer_prepare_rows(struct writer *writer, enum rows_statement which, size_t rows,
                                  int *ret_columns, struct text *ret_error);

// Runs a statement that gives no rows.
int writer_run(struct writer *writer, sqlite3_stmt *statement, struct text *ret_error);

// Goes to the next row of a statement that gives rows. Returns 1, or 0 after the last, or -1; then
// the statement is ready to be bound again. Who stops before the last row calls sqlite3_reset().
int writer_step(struct writer *writer, sqlite3_stmt *statement, struct text *ret_error);

// Fails if a statement that looks for one row by its number finds none. `what` is what the row
// stands for.
int writer_require(struct writer *writer, enum statement has, const char *what, int64_t id,
                   struct text *ret_error);
// The same after a statement that changes one row by its number.
int writer_require_change(struct writer *writer, const char *what, int64_t id,
                          struct text *ret_error);

// A transaction that holds others, which then neither begin nor end one. If one of them fails, all
// is undone at once, and ending the group fails without a further message.
int writer_begin_group(struct writer *writer, struct text *ret_error);
int writer_end_group(struct writer *writer, int result, struct text *ret_error);

int writer_begin(struct writer *writer, struct text *ret_error);
// The same for what only reads, and waits for nobody.
int writer_begin_reading(struct writer *writer, struct text *ret_error);
// Ends a transaction that began well: keeps all of it if `result` is 0, else nothing. Returns
// `result`, or -1 if keeping it failed.
int writer_end(struct writer *writer, int result, struct text *ret_error);

// The number of a name in the file; adds the name, described, if it is new. Inside a transaction.
int writer_intern(struct writer *writer, struct known_names *names, const char *name,
                  int64_t *ret_id, struct text *ret_error);

// The number of a name in the file; 0 if it is not there.
int writer_find(struct writer *writer, struct known_names *names, const char *name, int64_t *ret_id,
                struct text *ret_error);

// A NULL is stored as NULL. The text must stay until the statement has run.
void writer_bind_text(sqlite3_stmt *statement, int index, const char *value);
// SQLite's integers have a sign; what is beyond them is stored by its digits.
void writer_bind_unsigned(sqlite3_stmt *statement, int index, uint64_t value);

#endif
