// SPDX-License-Identifier: GPL-3.0-or-later
#include "results/database.h"

#include "base/text.h"
#include "results/embedded.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

// As in schema.sql.
static const int64_t our_application_id = 0x4F464C53;

// Migration i brings a database from schema version i + 1 to the next. An empty one is given what
// all of them come to, which takes a third of the time: embedded_whole_schema is made of the same
// files when the program is built, so a new file and an old one end up with the same tables.
static const char *const migrations[] = {embedded_schema_2, embedded_schema_3};
enum { SCHEMA_VERSION = 1 + sizeof(migrations) / sizeof(migrations[0]) };

#define ANOTHER_FILE "name another file with --db"
#define RUN_FIRST "run a scenario first, or name the file with --db"

void database_set_up(void)
{
    // SQLite counts its memory behind a lock of its own, and nobody here asks for the figures: a
    // twentieth of what storing takes.
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

int database_version(void)
{
    return SCHEMA_VERSION;
}

// What the file says of itself.
struct identity {
    int64_t application_id;
    int64_t version;
    int64_t entries; // tables and views
    int64_t misfits; // what has the name of a table and is none
};

static void start_message(const char *path, enum database_purpose purpose, struct text *ret_error)
{
    text_format(ret_error, "cannot %s '%s': ",
                purpose == DATABASE_WRITE ? "store results in" : "read results from", path);
}

// What the system says, as the middle of a sentence.
static void add_system_error(int number, struct text *ret_error)
{
    const char *reason = strerror(number);
    text_blame(ret_error, number);
    text_format(ret_error, "%c%s", tolower((unsigned char)reason[0]), reason[0] ? reason + 1 : "");
}

// The system's reason for a failure, 0 if none is known. SQLite keeps none for what fails while a
// transaction is committed, or with the index of the log; then it is still the last one that the
// process met, unless that comes from clearing up afterwards.
static int system_reason(sqlite3 *database)
{
    int reason = sqlite3_system_errno(database);
    switch (sqlite3_extended_errcode(database)) {
    case SQLITE_IOERR_WRITE:
    case SQLITE_IOERR_FSYNC:
    case SQLITE_IOERR_TRUNCATE:
    case SQLITE_IOERR_SHMOPEN:
    case SQLITE_IOERR_SHMSIZE:
        reason = errno;
        break;
    default:
        break;
    }
    return reason == EBADF ? 0 : reason;
}

// Whether the file is there and may be used: if it then cannot be opened, that is no mistake of the
// user's.
static bool is_allowed(const char *path, enum database_purpose purpose)
{
    const int wanted = purpose == DATABASE_WRITE ? R_OK | W_OK : R_OK;
    return faccessat(AT_FDCWD, path, wanted, AT_EACCESS) == 0;
}

void database_explain(sqlite3 *database, const char *path, enum database_purpose purpose,
                      struct text *ret_error)
{
    int system_error = system_reason(database);
    const int code = sqlite3_errcode(database) & 0xff;
    start_message(path, purpose, ret_error);
    ret_error->blames_system = code == SQLITE_BUSY || code == SQLITE_LOCKED ||
                               code == SQLITE_PROTOCOL || code == SQLITE_FULL ||
                               code == SQLITE_IOERR || code == SQLITE_NOMEM;
    switch (code) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        text_add(ret_error, "another process keeps it locked; wait until that one has finished, "
                            "or " ANOTHER_FILE);
        break;
    case SQLITE_PROTOCOL:
        text_add(ret_error, "locks do not work on its file system; " ANOTHER_FILE " on a disk of "
                            "this machine");
        break;
    case SQLITE_FULL:
        text_add(ret_error, "the disk is full; what was stored before is safe: make room and run "
                            "again, or " ANOTHER_FILE);
        break;
    case SQLITE_READONLY:
        text_add(ret_error, "the file or its folder may only be read; change the permissions, "
                            "or " ANOTHER_FILE);
        break;
    case SQLITE_NOTADB:
        text_add(ret_error, "it is not a database; " ANOTHER_FILE);
        break;
    case SQLITE_CORRUPT:
        text_format(ret_error, "it is damaged (%s); go back to a copy of it, or " ANOTHER_FILE,
                    sqlite3_errmsg(database));
        break;
    case SQLITE_CANTOPEN:
        if (is_allowed(path, purpose)) {
            ret_error->blames_system = true;
            // Of another file than this one: SQLite went on after the first that failed.
            system_error = system_error == ENOENT ? 0 : system_error;
        }
        // fall through
    case SQLITE_IOERR:
    case SQLITE_PERM:
        if (system_error) {
            add_system_error(system_error, ret_error);
        } else {
            text_add(ret_error, sqlite3_errmsg(database));
        }
        text_add(ret_error, "; " ANOTHER_FILE);
        break;
    default:
        text_add(ret_error, sqlite3_errmsg(database));
        break;
    }
}

const char *database_text(sqlite3_stmt *statement, int column)
{
    const unsigned char *text = sqlite3_column_text(statement, column);
    return text ? (const char *)text : "";
}

// Whether a file could be made in the folder that `path` names; if not, says why.
static int check_folder(const char *path, enum database_purpose purpose, struct text *ret_error)
{
    const char *slash = strrchr(path, '/');
    struct text folder = {0};
    if (slash) {
        text_add_n(&folder, path, slash == path ? 1 : (size_t)(slash - path));
    } else {
        text_add(&folder, ".");
    }
    int result = faccessat(AT_FDCWD, text_string(&folder), W_OK | X_OK, AT_EACCESS);
    if (result != 0) {
        int number = errno;
        start_message(path, purpose, ret_error);
        if (number == ENOENT) {
            text_format(ret_error, "there is no folder '%s'; make it first, or " ANOTHER_FILE,
                        text_string(&folder));
        } else {
            text_format(ret_error, "no file can be made in the folder '%s' (",
                        text_string(&folder));
            add_system_error(number, ret_error);
            text_add(ret_error, "); " ANOTHER_FILE);
        }
    }
    text_finish(&folder);
    return result;
}

// SQLite says no more than "unable to open" of the commonest mistakes.
static int check_path(const char *path, enum database_purpose purpose, struct text *ret_error)
{
    struct stat status;
    int number = stat(path, &status) == 0 ? 0 : errno;
    if (number == 0 && S_ISREG(status.st_mode)) {
        return 0;
    }
    if (number == ENOENT && purpose == DATABASE_WRITE && path[0]) {
        return check_folder(path, purpose, ret_error);
    }
    start_message(path, purpose, ret_error);
    if (!path[0]) {
        text_add(ret_error, "its name is empty; " ANOTHER_FILE);
    } else if (number == ENOENT) {
        text_add(ret_error, "there is no such file; " RUN_FIRST);
    } else if (number) {
        add_system_error(number, ret_error);
        text_add(ret_error, "; " ANOTHER_FILE);
    } else {
        text_format(ret_error, "it is %s; " ANOTHER_FILE,
                    S_ISDIR(status.st_mode) ? "a folder" : "not a regular file");
    }
    return -1;
}

static int read_integer(sqlite3 *database, const char *sql, int64_t *ret_value)
{
    sqlite3_stmt *statement = NULL;
    int result = sqlite3_prepare_v2(database, sql, -1, &statement, NULL);
    if (result == SQLITE_OK) {
        result = sqlite3_step(statement);
        if (result == SQLITE_ROW) {
            *ret_value = sqlite3_column_int64(statement, 0);
        }
    }
    sqlite3_finalize(statement);
    return result == SQLITE_ROW ? 0 : -1;
}

static int execute(sqlite3 *database, const char *sql)
{
    return sqlite3_exec(database, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : -1;
}

// Questions without a limit on time ask tables only, so none of these may be something else: a view
// may take for ever.
static const char misfit_sql[] =
    "SELECT count(*) FROM sqlite_schema WHERE (type <> 'table' OR sql LIKE 'CREATE VIRTUAL%') AND"
    " lower(name) IN ('claims', 'texts', 'samples', 'experiments', 'points', 'parameters',"
    " 'metric_names', 'counter_names', 'prices', 'replications', 'metrics', 'counters',"
    " 'estimates', 'column_meanings')";

// One transaction, since another process may be making the tables at this moment.
static int read_identity(sqlite3 *database, struct identity *ret_identity)
{
    if (execute(database, "BEGIN") < 0) {
        return -1;
    }
    if (read_integer(database, "PRAGMA application_id", &ret_identity->application_id) < 0 ||
        read_integer(database, "PRAGMA user_version", &ret_identity->version) < 0 ||
        read_integer(database, "SELECT count(*) FROM sqlite_schema", &ret_identity->entries) < 0 ||
        read_integer(database, misfit_sql, &ret_identity->misfits) < 0) {
        return -1; // Closing the database ends the transaction and keeps the error until then.
    }
    return execute(database, "COMMIT");
}

static int check_identity(const struct identity *identity, const char *path,
                          enum database_purpose purpose, struct text *ret_error)
{
    bool is_empty =
        identity->application_id == 0 && identity->version == 0 && identity->entries == 0;
    bool is_ours = identity->application_id == our_application_id;
    if (is_ours && identity->misfits) {
        start_message(path, purpose, ret_error);
        text_add(ret_error, "something else has the name of one of its tables, so somebody has "
                            "changed it; go back to a copy of it, or " ANOTHER_FILE);
        return -1;
    }
    if ((is_empty && purpose == DATABASE_WRITE) ||
        (is_ours && (identity->version == SCHEMA_VERSION ||
                     (identity->version >= 0 && identity->version < SCHEMA_VERSION &&
                      purpose == DATABASE_WRITE)))) {
        return 0;
    }
    start_message(path, purpose, ret_error);
    if (is_empty) {
        text_add(ret_error, "there are no results in it; " RUN_FIRST);
    } else if (!is_ours) {
        text_add(ret_error, "it is a database of another program; " ANOTHER_FILE);
    } else if (identity->version > SCHEMA_VERSION) {
        text_format(ret_error,
                    "it was written by a newer offloadsim (schema %lld, this one knows %d); use "
                    "that one, or " ANOTHER_FILE,
                    (long long)identity->version, SCHEMA_VERSION);
    } else {
        text_format(ret_error,
                    "it was written by an older offloadsim (schema %lld, this one reads %d); a run "
                    "that stores into it brings it up to date",
                    (long long)identity->version, SCHEMA_VERSION);
    }
    return -1;
}

static int migrate(sqlite3 *database)
{
    int64_t version = 0;
    if (execute(database, "BEGIN IMMEDIATE") < 0 ||
        read_integer(database, "PRAGMA user_version", &version) < 0) {
        return -1;
    }
    if (version == 0) {
        if (execute(database, embedded_whole_schema) < 0) {
            return -1;
        }
        version = SCHEMA_VERSION;
    }
    for (; version < SCHEMA_VERSION; version++) {
        if (execute(database, migrations[version - 1]) < 0) {
            return -1;
        }
    }
    return execute(database, "COMMIT");
}

// Changing to WAL needs the file for a moment alone, and SQLite does not always wait for that. What
// it writes is a header, in one piece.
static int start_write_ahead_log(sqlite3 *database, double busy_timeout_s)
{
    const struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};
    double waited_s = 0;
    while (execute(database, "PRAGMA journal_mode = WAL") < 0) {
        if ((sqlite3_errcode(database) & 0xff) != SQLITE_BUSY || waited_s > busy_timeout_s) {
            return -1;
        }
        nanosleep(&pause, NULL);
        waited_s += 0.02;
    }
    return 0;
}

static int open_for_writing(sqlite3 *database, const char *path, double busy_timeout_s,
                            struct text *ret_error)
{
    struct identity identity = {0};
    if (read_identity(database, &identity) < 0) {
        database_explain(database, path, DATABASE_WRITE, ret_error);
        return -1;
    }
    if (check_identity(&identity, path, DATABASE_WRITE, ret_error) < 0) {
        return -1;
    }
    if (sqlite3_db_readonly(database, "main")) {
        start_message(path, DATABASE_WRITE, ret_error);
        ret_error->blames_system = is_allowed(path, DATABASE_WRITE);
        text_add(ret_error,
                 ret_error->blames_system
                     ? "it could be opened for reading only; run again, or " ANOTHER_FILE
                     : "the file may only be read; change its permissions, or " ANOTHER_FILE);
        return -1;
    }
    // The header of an empty file need not have reached the disk before the rest is written, for
    // there is nothing yet that could be lost; and the tables go into the log, which is not waited
    // for either. So of the twelve flushes that a new file would take, four are left.
    if ((identity.version == 0 && execute(database, "PRAGMA synchronous = OFF") < 0) ||
        start_write_ahead_log(database, busy_timeout_s) < 0 ||
        execute(database, "PRAGMA synchronous = NORMAL") < 0 ||
        (identity.version < SCHEMA_VERSION && migrate(database) < 0)) {
        database_explain(database, path, DATABASE_WRITE, ret_error);
        return -1;
    }
    return 0;
}

void database_add_uri(const char *path, const char *options, struct text *ret_uri)
{
    text_add(ret_uri, "file:");
    for (const char *c = path; *c; c++) {
        if (strchr("%?#", *c)) {
            text_format(ret_uri, "%%%02X", (unsigned)*c);
        } else {
            text_add_n(ret_uri, c, 1);
        }
    }
    text_format(ret_uri, "?%s", options);
}

// Even a reader of a WAL database needs a file beside it, which it cannot make in a folder that may
// only be read. If no such file is there then nobody writes, and SQLite may be told that the
// database does not change.
static int open_unchanging(const char *path, sqlite3 **database)
{
    struct text name = {0};
    text_format(&name, "%s-wal", path);
    bool is_in_use = access(text_string(&name), F_OK) == 0;
    text_clear(&name);
    database_add_uri(path, "immutable=1", &name);
    sqlite3 *another = NULL;
    int result =
        is_in_use
            ? SQLITE_CANTOPEN
            : sqlite3_open_v2(text_string(&name), &another,
                              SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI, NULL);
    text_finish(&name);
    if (result != SQLITE_OK) {
        sqlite3_close(another);
        return -1;
    }
    sqlite3_close(*database);
    *database = another;
    return 0;
}

static int open_for_reading(sqlite3 **database, const char *path, struct text *ret_error)
{
    struct identity identity = {0};
    int result = read_identity(*database, &identity);
    const int code = sqlite3_errcode(*database) & 0xff;
    if (result < 0 && (code == SQLITE_CANTOPEN || code == SQLITE_READONLY) &&
        open_unchanging(path, database) == 0) {
        result = read_identity(*database, &identity);
    }
    if (result < 0) {
        database_explain(*database, path, DATABASE_READ, ret_error);
        return -1;
    }
    return check_identity(&identity, path, DATABASE_READ, ret_error);
}

int database_open(const char *path, enum database_purpose purpose, double busy_timeout_s,
                  sqlite3 **ret_database, struct text *ret_error)
{
    if (check_path(path, purpose, ret_error) < 0) {
        return -1;
    }
    // SQLite takes a name that begins with a colon or "file:" for something else than a file.
    struct text name = {0};
    const bool is_odd = path[0] == ':' || strncmp(path, "file:", 5) == 0;
    text_format(&name, "%s%s", is_odd ? "./" : "", path);
    int flags = SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX;
    flags |= purpose == DATABASE_WRITE ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
                                       : SQLITE_OPEN_READONLY;
    sqlite3 *database = NULL;
    int result = sqlite3_open_v2(text_string(&name), &database, flags, NULL);
    text_finish(&name);
    if (result == SQLITE_OK) {
        sqlite3_extended_result_codes(database, 1);
        sqlite3_busy_timeout(database, (int)(busy_timeout_s * 1000));
        result = purpose == DATABASE_WRITE
                     ? open_for_writing(database, path, busy_timeout_s, ret_error)
                     : open_for_reading(&database, path, ret_error);
    } else {
        database_explain(database, path, purpose, ret_error);
    }
    if (result != 0) {
        sqlite3_close(database);
        return -1;
    }
    *ret_database = database;
    return 0;
}
