// SPDX-License-Identifier: GPL-3.0-or-later
#include "results/merge.h"

#include "base/text.h"
#include "results/database.h"
#include "results/embedded.h"
#include "results/store.h"

#include <sqlite3.h>
#include <sys/stat.h>

static int explain(sqlite3 *database, const char *path, const char *other, struct text *ret_error)
{
    const int code = sqlite3_errcode(database) & 0xff;
    if (code == SQLITE_CONSTRAINT || code == SQLITE_ERROR || code == SQLITE_MISMATCH) {
        text_format(ret_error,
                    "cannot merge '%s': what is in it does not fit together (%s); '%s' stays as it "
                    "was",
                    other, sqlite3_errmsg(database), path);
    } else {
        database_explain(database, path, DATABASE_WRITE, ret_error);
    }
    return -1;
}

static int execute(sqlite3 *database, const char *sql)
{
    return sqlite3_exec(database, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : -1;
}

static int read_counts(sqlite3 *database, struct merge_summary *ret_counts)
{
    static const char sql[] = "SELECT (SELECT count(*) FROM main.experiments),"
                              " (SELECT count(*) FROM main.points),"
                              " (SELECT count(*) FROM main.replications),"
                              " (SELECT count(*) FROM main.samples)";
    sqlite3_stmt *statement = NULL;
    int result = -1;
    if (sqlite3_prepare_v2(database, sql, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW) {
        *ret_counts = (struct merge_summary){.experiments = sqlite3_column_int64(statement, 0),
                                             .points = sqlite3_column_int64(statement, 1),
                                             .replications = sqlite3_column_int64(statement, 2),
                                             .samples = sqlite3_column_int64(statement, 3)};
        result = 0;
    }
    sqlite3_finalize(statement);
    return result;
}

// Nothing that the other file brings along, such as a view in place of a table, may run code.
static int attach(sqlite3 *database, const char *other)
{
    sqlite3_stmt *statement = NULL;
    struct text name = {0};
    database_add_uri(other, "mode=ro", &name);
    int result = -1;
    if (sqlite3_db_config(database, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL) == SQLITE_OK &&
        sqlite3_db_config(database, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL) == SQLITE_OK &&
        sqlite3_prepare_v2(database, "ATTACH ?1 AS other", -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_bind_text(statement, 1, text_string(&name), -1, SQLITE_STATIC) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_DONE) {
        result = 0;
    }
    sqlite3_finalize(statement);
    text_finish(&name);
    return result;
}

static int merge(sqlite3 *database, struct merge_summary *ret_summary)
{
    struct merge_summary before;
    struct merge_summary after;
    // What the other file says is not to be trusted, so references are checked.
    if (execute(database, "PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; BEGIN IMMEDIATE") <
            0 ||
        read_counts(database, &before) < 0 || execute(database, embedded_merge) < 0 ||
        read_counts(database, &after) < 0 || execute(database, "COMMIT") < 0) {
        return -1; // Closing the database takes back what was not committed.
    }
    *ret_summary = (struct merge_summary){.experiments = after.experiments - before.experiments,
                                          .points = after.points - before.points,
                                          .replications = after.replications - before.replications,
                                          .samples = after.samples - before.samples};
    return 0;
}

// Fails with a message unless `other` is a database of results that is not `path` itself.
static int check_other(const char *path, const char *other, struct text *ret_error)
{
    sqlite3 *database;
    if (database_open(other, DATABASE_READ, STORE_BUSY_TIMEOUT_S, &database, ret_error) < 0) {
        return -1;
    }
    sqlite3_close(database);
    struct stat ours;
    struct stat theirs;
    if (stat(path, &ours) == 0 && stat(other, &theirs) == 0 && ours.st_dev == theirs.st_dev &&
        ours.st_ino == theirs.st_ino) {
        text_format(ret_error, "cannot merge '%s' into itself; name the file to add to with --db",
                    other);
        return -1;
    }
    return 0;
}

int merge_database(const char *path, const char *other, struct merge_summary *ret_summary,
                   struct text *ret_error)
{
    sqlite3 *database;
    if (check_other(path, other, ret_error) < 0 ||
        database_open(path, DATABASE_WRITE, STORE_BUSY_TIMEOUT_S, &database, ret_error) < 0) {
        return -1;
    }
    int result = 0;
    if (attach(database, other) < 0) {
        database_explain(database, other, DATABASE_READ, ret_error);
        result = -1;
    } else if (merge(database, ret_summary) < 0) {
        result = explain(database, path, other, ret_error);
    }
    sqlite3_close(database);
    return result;
}
