// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_RESULTS_WRITER_H
#define OFFLOADSIM_RESULTS_WRITER_H

// The machinery below the store: prepared statements, transactions, and names that become numbers.
// Functions return -1 with a message, as those of store.h do.

#include <sqlite3.h>

#include <stddef.h>
#include <stdint.h>

struct meaning;
struct text;

enum statement {
    BEGIN,
    BEGIN_READING,
    COMMIT,
    ROLLBACK,
    ADD_EXPERIMENT,
    FIND_EXPERIMENT,
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
    ADD_METRIC,
    ADD_COUNTER,
    ADD_SAMPLE,
    ADVANCE_POINT,
    COUNT_REPLICATIONS,
    READ_REPLICATIONS,
    READ_METRICS,
    READ_COUNTERS,
    FORGET_ESTIMATES,
    ADD_ESTIMATE,
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

// Runs a statement that gives no rows.
int writer_run(struct writer *writer, sqlite3_stmt *statement, struct text *ret_error);

// Goes to the next row of a statement that gives rows. Returns 1, or 0 after the last, or -1; then
// the statement is ready to be bound again. Who stops before the last row calls sqlite3_reset().
int writer_step(struct writer *writer, sqlite3_stmt *statement, struct text *ret_error);

// After a statement that changes one row by its number: fails if there is no such row. `what` is
// what the row stands for.
int writer_require_change(struct writer *writer, const char *what, int64_t id,
                          struct text *ret_error);

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
