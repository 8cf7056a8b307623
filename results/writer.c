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
    [READ_VERSION] = "PRAGMA user_version",
    [COMMIT] = "COMMIT",
    [ROLLBACK] = "ROLLBACK",
    [ADD_EXPERIMENT] =
        "INSERT INTO experiments (scenario, about, path, command, scenario_json, scenario_hash,"
        " seed, version, host, started_at, kind, sweep_json)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    [FIND_EXPERIMENT] = "SELECT max(id) FROM experiments WHERE scenario_hash = ?1 AND kind = ?2",
    [HAS_EXPERIMENT] = "SELECT 1 FROM experiments WHERE id = ?1",
    [RESUME_EXPERIMENT] = "UPDATE experiments SET status = 'running' WHERE id = ?1",
    [FINISH_EXPERIMENT] =
        "UPDATE experiments SET wall_s = coalesce(wall_s, 0) + ?2,"
        " status = CASE WHEN ?3 = 'finished' AND EXISTS (SELECT 1 FROM points"
        " WHERE experiment_id = ?1 AND is_complete = 0) THEN 'running' ELSE ?3 END"
        " WHERE id = ?1",
    [FORGET_OLD_CLAIMS] = "DELETE FROM claims WHERE expires_s <= ?1",
    [ADD_POINT] = "INSERT INTO points (experiment_id, ordinal, policy, is_oracle, uses_prices,"
                  " parameters_json, scenario_json, hash, simulation_hash, source_id, units)"
                  " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    [FIND_POINT] = "SELECT id, coalesce(source_id, id), hash, is_complete, replications"
                   " FROM points WHERE experiment_id = ?1 AND ordinal = ?2",
    [FIND_SOURCE] = "SELECT id FROM points WHERE simulation_hash = ?1 AND source_id IS NULL"
                    " ORDER BY replications DESC, id LIMIT 1",
    [READ_POINT] = "SELECT coalesce(source_id, id), is_complete, replications, uses_prices, policy,"
                   " verdict, stopped FROM points WHERE id = ?1",
    [ADD_PARAMETER] = "INSERT INTO parameters (point_id, path, value) VALUES (?1, ?2, ?3)",
    [ADD_PRICE] = "INSERT INTO prices (point_id, counter_id, price) VALUES (?1, ?2, ?3)",
    [ADD_REPLICATION] =
        "INSERT INTO replications (id, point_id, number, seed, events, simulated_s, wall_s,"
        " offered, answered, dropped, in_flight)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"
        " ON CONFLICT (point_id, number) DO NOTHING",
    [HAS_REPLICATION] = "SELECT 1 FROM replications WHERE id = ?1",
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
    [READ_ESTIMATES] = "SELECT metric_id, mean, half_width, confidence, replications, low, high,"
                       " variance_ratio FROM estimates WHERE point_id = ?1",
    [COMPLETE_POINT] =
        "UPDATE points SET verdict = ?2, replications = ?3, is_complete = 1, stopped = ?4"
        " WHERE id = ?1",
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

// FAIL and not ABORT, the default: a statement that fails need not be undone by itself, because all
// of its transaction will be, and so SQLite need not keep a journal of it.
static const struct {
    const char *start; // up to VALUES
    int columns;       // of a row, besides the first
    const char *end;
} rows_statements[ROWS_STATEMENT_COUNT] = {
    [ADD_METRICS] = {"INSERT OR FAIL INTO metrics (replication_id, metric_id, value)", 2, ""},
    [ADD_COUNTERS] = {"INSERT OR FAIL INTO counters (replication_id, counter_id, value)", 2, ""},
    [ADD_ESTIMATES] = {"INSERT OR FAIL INTO estimates (point_id, metric_id, mean, half_width,"
                       " confidence, replications, low, high, variance_ratio)",
                       8, ""},
    [ADD_SAMPLES] = {"INSERT OR FAIL INTO samples (replication_id, device, number, trace_row,"
                     " arrived_s, latency_s, wait_s, service_s, transfer_s, energy_j, cost,"
                     " tier_id, exit_id, confidence, is_correct, is_offloaded, drop_reason_id,"
                     " decision_id)",
                     17, " ON CONFLICT DO NOTHING"},
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
    // Each row would look for the rows that it refers to, which takes as long as to add it. The
    // store refers to nothing that it has not found or added in the same transaction; only names
    // are remembered for longer, and nobody deletes those.
    sqlite3_db_config(database, SQLITE_DBCONFIG_ENABLE_FKEY, 0, NULL);
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
    for (int i = 0; i < ROWS_STATEMENT_COUNT; i++) {
        for (int rows = 0; rows < MOST_ROWS_AT_ONCE; rows++) {
            sqlite3_finalize(writer->rows_statements[i][rows]);
        }
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

static void prepare(struct writer *writer, const char *sql, sqlite3_stmt **statement,
                    struct text *ret_error)
{
    if (sqlite3_prepare_v3(writer->database, sql, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL) !=
        SQLITE_OK) {
        fail(writer, ret_error);
    }
}

sqlite3_stmt *writer_prepare(struct writer *writer, enum statement which, struct text *ret_error)
{
    if (!writer->statements[which]) {
        prepare(writer, statement_sql[which], &writer->statements[which], ret_error);
    }
    return writer->statements[which];
}

// "(?1, ?2, ?3), (?1, ?4, ?5)" for two rows of two columns besides the first.
static void add_rows(size_t rows, int columns, struct text *sql)
{
    int parameter = 2;
    for (size_t row = 0; row < rows; row++) {
        text_add(sql, row ? ", (?1" : "(?1");
        for (int column = 0; column < columns; column++) {
            text_format(sql, ", ?%d", parameter++);
        }
        text_add(sql, ")");
    }
}

sqlite3_stmt *writer_prepare_rows(struct writer *writer, enum rows_statement which, size_t rows,
                                  int *ret_columns, struct text *ret_error)
{
    sqlite3_stmt **statement = &writer->rows_statements[which][rows - 1];
    if (!*statement) {
        struct text sql = {0};
        text_format(&sql, "%s VALUES ", rows_statements[which].start);
        add_rows(rows, rows_statements[which].columns, &sql);
        text_add(&sql, rows_statements[which].end);
        prepare(writer, text_string(&sql), statement, ret_error);
        text_finish(&sql);
    }
    *ret_columns = rows_statements[which].columns;
    return *statement;
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

static int refuse_missing(struct writer *writer, const char *what, int64_t id,
                          struct text *ret_error)
{
    text_format(ret_error,
                "cannot store results in '%s': %s %" PRId64
                " is no longer in it; run again, and delete nothing meanwhile",
                writer->path, what, id);
    return -1;
}

int writer_require(struct writer *writer, enum statement has, const char *what, int64_t id,
                   struct text *ret_error)
{
    sqlite3_stmt *statement = writer_prepare(writer, has, ret_error);
    if (!statement) {
        return -1;
    }
    sqlite3_bind_int64(statement, 1, id);
    const int found = writer_step(writer, statement, ret_error);
    sqlite3_reset(statement);
    return found == 0 ? refuse_missing(writer, what, id, ret_error) : found < 0 ? -1 : 0;
}

int writer_require_change(struct writer *writer, const char *what, int64_t id,
                          struct text *ret_error)
{
    return sqlite3_changes(writer->database) == 1 ? 0 : refuse_missing(writer, what, id, ret_error);
}

static int run_plain(struct writer *writer, enum statement which, struct text *ret_error)
{
    sqlite3_stmt *statement = writer_prepare(writer, which, ret_error);
    return statement ? writer_run(writer, statement, ret_error) : -1;
}

// Another version of the program may have brought the file up to date since it was opened.
static int check_version(struct writer *writer, struct text *ret_error)
{
    sqlite3_stmt *read = writer_prepare(writer, READ_VERSION, ret_error);
    if (!read || writer_step(writer, read, ret_error) < 0) {
        return -1;
    }
    const bool is_ours = sqlite3_column_int(read, 0) == database_version();
    sqlite3_reset(read);
    if (!is_ours) {
        text_format(ret_error,
                    "cannot store results in '%s': another version of offloadsim has taken it over "
                    "meanwhile; what was stored before is safe: go on with that one",
                    writer->path);
    }
    return is_ours ? 0 : -1;
}

static int begin_writing(struct writer *writer, struct text *ret_error)
{
    if (run_plain(writer, BEGIN, ret_error) < 0) {
        return -1;
    }
    return check_version(writer, ret_error) < 0 ? writer_end(writer, -1, ret_error) : 0;
}

int writer_begin_group(struct writer *writer, struct text *ret_error)
{
    const int result = begin_writing(writer, ret_error);
    writer->is_grouped = result == 0;
    return result;
}

int writer_end_group(struct writer *writer, int result, struct text *ret_error)
{
    if (!writer->is_grouped) {
        return -1;
    }
    writer->is_grouped = false;
    return writer_end(writer, result, ret_error);
}

int writer_begin(struct writer *writer, struct text *ret_error)
{
    return writer->is_grouped ? 0 : begin_writing(writer, ret_error);
}

int writer_begin_reading(struct writer *writer, struct text *ret_error)
{
    return writer->is_grouped ? 0 : run_plain(writer, BEGIN_READING, ret_error);
}

int writer_end(struct writer *writer, int result, struct text *ret_error)
{
    if (result == 0 && writer->is_grouped) {
        return 0;
    }
    writer->is_grouped = false;
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
