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
    [BEGIN_READING] = "BEGIN",
    [COMMIT] = "COMMIT",
    [ROLLBACK] = "ROLLBACK",
    [ADD_EXPERIMENT] =
        "INSERT INTO experiments (scenario, about, path, command, scenario_json, scenario_hash,"
        " seed, version, host, started_at, kind, sweep_json)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    [FIND_EXPERIMENT] = "SELECT max(id) FROM experiments WHERE scenario_hash = ?1 AND kind = ?2",
    [RESUME_EXPERIMENT] = "UPDATE experiments SET status = 'running' WHERE id = ?1",
    [FINISH_EXPERIMENT] =
        "UPDATE experiments SET wall_s = coalesce(wall_s, 0) + ?2,"
        " status = CASE WHEN ?3 = 'finished' AND EXISTS (SELECT 1 FROM points"
        " WHERE experiment_id = ?1 AND is_complete = 0) THEN 'running' ELSE ?3 END"
        " WHERE id = ?1",
    [FORGET_OLD_CLAIMS] = "DELETE FROM claims WHERE expires_s <= ?1",
    [ADD_POINT] = "INSERT INTO points (experiment_id, ordinal, policy, is_oracle, uses_prices,"
                  " parameters_json, scenario_json, hash, simulation_hash, source_id)"
                  " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    [FIND_POINT] = "SELECT id, coalesce(source_id, id), hash, is_complete, replications"
                   " FROM points WHERE experiment_id = ?1 AND ordinal = ?2",
    [FIND_SOURCE] = "SELECT id FROM points WHERE simulation_hash = ?1 AND source_id IS NULL"
                    " ORDER BY replications DESC, id LIMIT 1",
    [READ_POINT] = "SELECT coalesce(source_id, id), is_complete, replications, uses_prices, policy,"
                   " verdict FROM points WHERE id = ?1",
    [ADD_PARAMETER] = "INSERT INTO parameters (point_id, path, value) VALUES (?1, ?2, ?3)",
    [ADD_PRICE] = "INSERT INTO prices (point_id, counter_id, price) VALUES (?1, ?2, ?3)",
    [ADD_REPLICATION] =
        "INSERT INTO replications (id, point_id, number, seed, events, simulated_s, wall_s,"
        " offered, answered, dropped, in_flight)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"
        " ON CONFLICT (point_id, number) DO NOTHING",
    [ADD_METRIC] = "INSERT INTO metrics (replication_id, metric_id, value) VALUES (?1, ?2, ?3)",
    [ADD_COUNTER] = "INSERT INTO counters (replication_id, counter_id, value) VALUES (?1, ?2, ?3)",
    [ADD_SAMPLE] =
        "INSERT INTO samples (replication_id, device, number, trace_row, arrived_s, latency_s,"
        " wait_s, service_s, transfer_s, energy_j, cost, tier_id, exit_id, confidence, is_correct,"
        " is_offloaded, drop_reason_id, decision_id)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)"
        " ON CONFLICT DO NOTHING",
    [ADVANCE_POINT] = "UPDATE points SET replications = replications + ?2"
                      " WHERE id = ?1 AND is_complete = 0",
    [COUNT_REPLICATIONS] =
        "SELECT count(*) FROM replications WHERE point_id = ?1 AND number BETWEEN ?2 AND ?3",
    [READ_REPLICATIONS] =
        "SELECT id, number, seed, events, simulated_s, wall_s, offered, answered, dropped,"
        " in_flight FROM replications WHERE point_id = ?1 AND number BETWEEN ?2 AND ?3"
        " ORDER BY number",
    [READ_METRICS] = "SELECT metric_id, value FROM metrics WHERE replication_id = ?1",
    [READ_COUNTERS] = "SELECT counter_id, value FROM counters WHERE replication_id = ?1",
    [FORGET_ESTIMATES] = "DELETE FROM estimates WHERE point_id = ?1",
    [ADD_ESTIMATE] =
        "INSERT INTO estimates (point_id, metric_id, mean, half_width, confidence, replications)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    [READ_ESTIMATES] = "SELECT metric_id, mean, half_width, confidence, replications"
                       " FROM estimates WHERE point_id = ?1",
    [COMPLETE_POINT] =
        "UPDATE points SET verdict = ?2, replications = ?3, is_complete = 1 WHERE id = ?1",
    [FIND_CLAIM] = "SELECT owner FROM claims WHERE source_id = ?1 AND first <= ?3 AND last >= ?2"
                   " AND owner <> ?4 LIMIT 1",
    [ADD_CLAIM] = "INSERT OR REPLACE INTO claims (source_id, first, last, owner, expires_s)"
                  " VALUES (?1, ?2, ?3, ?4, ?5)",
    [RENEW_CLAIMS] = "UPDATE claims SET expires_s = ?2 WHERE owner = ?1",
    [FORGET_CLAIMS] = "DELETE FROM claims WHERE source_id = ?1 AND first >= ?2 AND last <= ?3",
    [FORGET_ALL_CLAIMS] = "DELETE FROM claims WHERE owner = ?1",
    [ADD_METRIC_NAME] = "INSERT INTO metric_names (name, unit, meaning) VALUES (?1, ?2, ?3)",
    [FIND_METRIC_NAME] = "SELECT id FROM metric_names WHERE name = ?1",
    [ADD_COUNTER_NAME] = "INSERT INTO counter_names (name, unit, meaning) VALUES (?1, ?2, ?3)",
    [FIND_COUNTER_NAME] = "SELECT id FROM counter_names WHERE name = ?1",
    [ADD_TEXT] = "INSERT INTO texts (text) VALUES (?1)",
    [FIND_TEXT] = "SELECT id FROM texts WHERE text = ?1",
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
        .texts = {.find = FIND_TEXT, .add = ADD_TEXT},
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
    forget_names(&writer->texts);
    free(writer->metrics.items);
    free(writer->counters.items);
    free(writer->texts.items);
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

int writer_step(struct writer *writer, sqlite3_stmt *statement, struct text *ret_error)
{
    if (sqlite3_step(statement) == SQLITE_ROW) {
        return 1;
    }
    return sqlite3_reset(statement) == SQLITE_OK ? 0 : fail(writer, ret_error);
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

int writer_begin_reading(struct writer *writer, struct text *ret_error)
{
    return run_plain(writer, BEGIN_READING, ret_error);
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
        forget_names(&writer->texts);
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

static int look_up(struct writer *writer, struct known_names *names, const char *name,
                   int64_t *ret_id, struct text *ret_error)
{
    sqlite3_stmt *find = writer_prepare(writer, names->find, ret_error);
    if (!find) {
        return -1;
    }
    writer_bind_text(find, 1, name);
    const int found = writer_step(writer, find, ret_error);
    *ret_id = found > 0 ? sqlite3_column_int64(find, 0) : 0;
    sqlite3_reset(find);
    return found < 0 ? -1 : 0;
}

int writer_find(struct writer *writer, struct known_names *names, const char *name, int64_t *ret_id,
                struct text *ret_error)
{
    bool is_known;
    size_t position = name_position(names, name, &is_known);
    if (is_known) {
        *ret_id = names->items[position].id;
        return 0;
    }
    if (look_up(writer, names, name, ret_id, ret_error) < 0) {
        return -1;
    }
    if (*ret_id) {
        remember_name(names, position, name, *ret_id);
    }
    return 0;
}

int writer_intern(struct writer *writer, struct known_names *names, const char *name,
                  int64_t *ret_id, struct text *ret_error)
{
    if (writer_find(writer, names, name, ret_id, ret_error) < 0) {
        return -1;
    }
    if (*ret_id) {
        return 0;
    }
    sqlite3_stmt *add = writer_prepare(writer, names->add, ret_error);
    if (!add) {
        return -1;
    }
    writer_bind_text(add, 1, name);
    if (names->describe) {
        const struct meaning *meaning = names->describe(name);
        writer_bind_text(add, 2, meaning ? meaning->unit : NULL);
        writer_bind_text(add, 3, meaning ? meaning->meaning : NULL);
    }
    if (writer_run(writer, add, ret_error) < 0) {
        return -1;
    }
    *ret_id = sqlite3_last_insert_rowid(writer->database);
    bool is_known;
    remember_name(names, name_position(names, name, &is_known), name, *ret_id);
    return 0;
}
