// SPDX-License-Identifier: GPL-3.0-or-later
#include "results/writer.h"

#include "base/memory.h"
#include "base/text.h"
#include "results/database.h"
#include "results/meaning.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// IMMEDIATE: a transaction that began by reading could not wait for another writer.
static const char *const statement_sql[STATEMENT_COUNT] = {
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [ROLLBACK] = "ROLLBACK",
    [ADD_EXPERIMENT] =
        "INSERT INTO experiments (scenario, about, path, command, scenario_json, scenario_hash,"
        " seed, version, host, started_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    [FINISH_EXPERIMENT] = "UPDATE experiments SET wall_s = ?2, status = ?3 WHERE id = ?1",
    [ADD_POINT] = "INSERT INTO points (experiment_id, ordinal, policy, is_oracle, uses_prices,"
                  " parameters_json, scenario_json, hash)"
                  " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    [ADD_PARAMETER] = "INSERT INTO parameters (point_id, path, value) VALUES (?1, ?2, ?3)",
    [ADD_PRICE] = "INSERT INTO prices (point_id, counter_id, price) VALUES (?1, ?2, ?3)",
    [ADD_REPLICATION] =
        "INSERT INTO replications (point_id, number, seed, events, simulated_s, wall_s, offered,"
        " answered, dropped, in_flight) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    [ADD_METRIC] = "INSERT INTO metrics (replication_id, metric_id, value) VALUES (?1, ?2, ?3)",
    [ADD_COUNTER] = "INSERT INTO counters (replication_id, counter_id, value) VALUES (?1, ?2, ?3)",
    [COUNT_REPLICATIONS] = "UPDATE points SET replications = replications + ?2 WHERE id = ?1",
    [FORGET_ESTIMATES] = "DELETE FROM estimates WHERE point_id = ?1",
    [ADD_ESTIMATE] =
        "INSERT INTO estimates (point_id, metric_id, mean, half_width, confidence, replications)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    [COMPLETE_POINT] = "UPDATE points SET verdict = ?2, is_complete = 1 WHERE id = ?1",
    [ADD_METRIC_NAME] = "INSERT INTO metric_names (name, unit, meaning) VALUES (?1, ?2, ?3)",
    [FIND_METRIC_NAME] = "SELECT id FROM metric_names WHERE name = ?1",
    [ADD_COUNTER_NAME] = "INSERT INTO counter_names (name, unit, meaning) VALUES (?1, ?2, ?3)",
    [FIND_COUNTER_NAME] = "SELECT id FROM counter_names WHERE name = ?1",
};

int writer_init(struct writer *writer, const char *path, double busy_timeout_s,
                struct text *ret_error)
{
    sqlite3 *database;
    if (database_open(path, DATABASE_WRITE, busy_timeout_s, &database, ret_error) < 0) {
        return -1;
    }
    *writer = (struct writer){
        .database = database,
        .metrics = {.find = FIND_METRIC_NAME,
                    .add = ADD_METRIC_NAME,
                    .describe = meaning_of_metric},
        .counters = {.find = FIND_COUNTER_NAME,
                     .add = ADD_COUNTER_NAME,
                     .describe = meaning_of_counter},
    };
    size_t bytes = strlen(path) + 1;
    writer->path = memory_resize(NULL, bytes, 1);
    memcpy(writer->path, path, bytes);
    return 0;
}

static void forget_names(struct known_names *names)
{
    for (size_t i = 0; i < names->count; i++) {
        free(names->items[i].name);
    }
    names->count = 0;
}

void writer_finish(struct writer *writer)
{
    for (int i = 0; i < STATEMENT_COUNT; i++) {
        sqlite3_finalize(writer->statements[i]);
    }
    sqlite3_close(writer->database);
    forget_names(&writer->metrics);
    forget_names(&writer->counters);
    free(writer->metrics.items);
    free(writer->counters.items);
    free(writer->path);
    *writer = (struct writer){0};
}

static int fail(struct writer *writer, struct text *ret_error)
{
    database_explain(writer->database, writer->path, DATABASE_WRITE, ret_error);
    return -1;
}

sqlite3_stmt *writer_prepare(struct writer *writer, enum statement which, struct text *ret_error)
{
    if (!writer->statements[which] &&
        sqlite3_prepare_v3(writer->database, statement_sql[which], -1, SQLITE_PREPARE_PERSISTENT,
                           &writer->statements[which], NULL) != SQLITE_OK) {
        fail(writer, ret_error);
    }
    return writer->statements[which];
}

int writer_run(struct writer *writer, sqlite3_stmt *statement, struct text *ret_error)
{
    sqlite3_step(statement);
    if (sqlite3_reset(statement) != SQLITE_OK) {
        return fail(writer, ret_error);
    }
    return 0;
}

int writer_require_change(struct writer *writer, const char *what, int64_t id,
                          struct text *ret_error)
{
    if (sqlite3_changes(writer->database) == 1) {
        return 0;
    }
    text_format(ret_error,
                "cannot store results in '%s': %s %" PRId64
                " is no longer in it; run again, and delete nothing meanwhile",
                writer->path, what, id);
    return -1;
}

static int run_plain(struct writer *writer, enum statement which, struct text *ret_error)
{
    sqlite3_stmt *statement = writer_prepare(writer, which, ret_error);
    return statement ? writer_run(writer, statement, ret_error) : -1;
}

int writer_begin(struct writer *writer, struct text *ret_error)
{
    return run_plain(writer, BEGIN, ret_error);
}

int writer_end(struct writer *writer, int result, struct text *ret_error)
{
    if (result == 0) {
        result = run_plain(writer, COMMIT, ret_error);
    }
    if (result < 0) {
        // SQLite has rolled back by itself after some errors, a full disk among them.
        if (!sqlite3_get_autocommit(writer->database)) {
            struct text ignored = {0};
            run_plain(writer, ROLLBACK, &ignored);
            text_finish(&ignored);
        }
        // Names that this transaction had added are no longer in the file.
        forget_names(&writer->metrics);
        forget_names(&writer->counters);
    }
    return result;
}

// A text that is too long to be stored becomes a NULL, which the NOT NULL columns refuse.
void writer_bind_text(sqlite3_stmt *statement, int index, const char *value)
{
    sqlite3_bind_text(statement, index, value, -1, SQLITE_STATIC);
}

void writer_bind_unsigned(sqlite3_stmt *statement, int index, uint64_t value)
{
    if (value <= INT64_MAX) {
        sqlite3_bind_int64(statement, index, (int64_t)value);
    } else {
        char digits[24];
        snprintf(digits, sizeof(digits), "%" PRIu64, value);
        sqlite3_bind_text(statement, index, digits, -1, SQLITE_TRANSIENT);
    }
}

// Finds where `name` is among the known names, or where it belongs.
static size_t name_position(const struct known_names *names, const char *name, bool *ret_is_known)
{
    size_t low = 0;
    size_t high = names->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(names->items[middle].name, name);
        if (order == 0) {
            *ret_is_known = true;
            return middle;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *ret_is_known = false;
    return low;
}

static void remember_name(struct known_names *names, size_t position, const char *name, int64_t id)
{
    if (names->count == names->room) {
        names->room = names->room ? 2 * names->room : 64;
        names->items = memory_resize(names->items, names->room, sizeof(*names->items));
    }
    size_t bytes = strlen(name) + 1;
    char *copy = memory_resize(NULL, bytes, 1);
    memcpy(copy, name, bytes);
    memmove(&names->items[position + 1], &names->items[position],
            (names->count - position) * sizeof(*names->items));
    names->items[position] = (struct known_name){.name = copy, .id = id};
    names->count++;
}

int writer_intern(struct writer *writer, struct known_names *names, const char *name,
                  int64_t *ret_id, struct text *ret_error)
{
    bool is_known;
    size_t position = name_position(names, name, &is_known);
    if (is_known) {
        *ret_id = names->items[position].id;
        return 0;
    }
    sqlite3_stmt *find = writer_prepare(writer, names->find, ret_error);
    if (!find) {
        return -1;
    }
    writer_bind_text(find, 1, name);
    bool is_stored = sqlite3_step(find) == SQLITE_ROW;
    int64_t id = is_stored ? sqlite3_column_int64(find, 0) : 0;
    if (sqlite3_reset(find) != SQLITE_OK) {
        return fail(writer, ret_error);
    }
    if (!is_stored) {
        sqlite3_stmt *add = writer_prepare(writer, names->add, ret_error);
        if (!add) {
            return -1;
        }
        const struct meaning *meaning = names->describe(name);
        writer_bind_text(add, 1, name);
        writer_bind_text(add, 2, meaning ? meaning->unit : NULL);
        writer_bind_text(add, 3, meaning ? meaning->meaning : NULL);
        if (writer_run(writer, add, ret_error) < 0) {
            return -1;
        }
        id = sqlite3_last_insert_rowid(writer->database);
    }
    remember_name(names, position, name, id);
    *ret_id = id;
    return 0;
}
