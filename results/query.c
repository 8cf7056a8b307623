// SPDX-License-Identifier: GPL-3.0-or-later
#include "results/query.h"

#include "base/memory.h"
#include "base/text.h"
#include "results/database.h"
#include "results/embedded.h"
#include "results/query_parameters.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

const struct query_name query_names[] = {
    {"runs", "one row an experiment: when it ran, how large it was, how it ended", 1,
     embedded_query_runs},
    {"tradeoffs", "one row a point: what was set, what it brings, and how sure that is", 3,
     embedded_query_tradeoffs},
    {"pareto", "the points that no other point beats in all of the chosen metrics", 4,
     embedded_query_pareto},
    {"best", "the points that cost least among those that meet all demands", 3,
     embedded_query_best},
    {"sensitivity", "which parameter moves which metric most", 2, embedded_query_sensitivity},
    {"breakeven", "where along a swept number the best policy changes", 4,
     embedded_query_breakeven},
    {"diff", "metrics of two experiments or two points side by side", 3, embedded_query_diff},
    {"reprice", "what points would cost at another price, without simulating again", 4,
     embedded_query_reprice},
    {0},
};

enum { NAME_COUNT = sizeof(query_names) / sizeof(query_names[0]) - 1 };

// SQLite asks about the clock once for this many of its own instructions.
enum { INSTRUCTIONS_BETWEEN_LOOKS = 10000 };

// Readers do not wait for writers in WAL mode, only for moments such as a recovery.
static const double busy_timeout_s = 10;

const struct query_name *query_find(const char *name, struct text *ret_error)
{
    const char *names[NAME_COUNT];
    for (size_t i = 0; i < NAME_COUNT; i++) {
        if (strcmp(query_names[i].name, name) == 0) {
            return &query_names[i];
        }
        names[i] = query_names[i].name;
    }
    text_format(ret_error, "unknown query '%s'; ", name);
    const char *nearest = text_nearest(name, names, NAME_COUNT);
    if (nearest) {
        text_format(ret_error, "did you mean '%s'? ", nearest);
    }
    text_add(ret_error, "there are");
    for (size_t i = 0; i < NAME_COUNT; i++) {
        text_format(ret_error, "%s '%s'", i ? "," : "", names[i]);
    }
    text_add(ret_error, ", and any SQL that only reads");
    return NULL;
}

// A query under way.
struct query {
    sqlite3 *database;
    const char *path;
    const char *refused; // what the statement would have done; NULL if nothing was refused
    double time_limit_s;
    double end_s; // on the monotonic clock
    bool is_late;
};

static double clock_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static int look_at_clock(void *context)
{
    struct query *query = context;
    query->is_late = clock_s() > query->end_s;
    return query->is_late;
}

// Pragmas that only tell something: always, or as long as they are given no value.
static bool is_harmless_pragma(const char *name, const char *value)
{
    static const struct {
        const char *name;
        bool takes_argument;
    } harmless[] = {
        {"table_info", true},       {"table_xinfo", true},   {"table_list", true},
        {"index_list", true},       {"index_info", true},    {"index_xinfo", true},
        {"foreign_key_list", true}, {"database_list", true}, {"function_list", true},
        {"pragma_list", true},      {"user_version", false}, {"application_id", false},
        {"schema_version", false},  {"page_count", false},   {"page_size", false},
    };
    for (size_t i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++) {
        if (sqlite3_stricmp(name, harmless[i].name) == 0) {
            return harmless[i].takes_argument || !value;
        }
    }
    return false;
}

// SQLite asks this about everything that a statement would do, before it does it. What is not known
// to be harmless is refused.
static int judge(void *context, int action, const char *first, const char *second,
                 const char *database, const char *trigger)
{
    (void)database;
    (void)trigger;
    struct query *query = context;
    const char *refused = "change the database";
    switch (action) {
    case SQLITE_SELECT:
    case SQLITE_READ:
    case SQLITE_RECURSIVE:
        return SQLITE_OK;
    case SQLITE_UPDATE:
        // Asked for table-valued functions such as json_each(). A statement that does change the
        // schema this way meets the read-only database.
        if (sqlite3_stricmp(first, "sqlite_master") == 0) {
            return SQLITE_OK;
        }
        break;
    case SQLITE_FUNCTION:
        if (sqlite3_stricmp(second, "load_extension") != 0) {
            return SQLITE_OK;
        }
        refused = "load code";
        break;
    case SQLITE_PRAGMA:
        if (is_harmless_pragma(first, second)) {
            return SQLITE_OK;
        }
        refused = "use a pragma that may change something";
        break;
    case SQLITE_ATTACH:
    case SQLITE_DETACH:
        refused = "open or close another file";
        break;
    case SQLITE_TRANSACTION:
    case SQLITE_SAVEPOINT:
        refused = "control a transaction";
        break;
    default:
        break;
    }
    if (!query->refused) {
        query->refused = refused;
    }
    return SQLITE_DENY;
}

static int protect(struct query *query)
{
    sqlite3 *database = query->database;
    if (sqlite3_db_config(database, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL) != SQLITE_OK ||
        sqlite3_db_config(database, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL) != SQLITE_OK ||
        sqlite3_db_config(database, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL) != SQLITE_OK ||
        sqlite3_exec(database, "PRAGMA query_only = ON", NULL, NULL, NULL) != SQLITE_OK) {
        return -1;
    }
    sqlite3_limit(database, SQLITE_LIMIT_LENGTH, QUERY_MOST_VALUE_BYTES);
    sqlite3_set_authorizer(database, judge, query);
    if (query->time_limit_s > 0) {
        query->end_s = clock_s() + query->time_limit_s;
        sqlite3_progress_handler(database, INSTRUCTIONS_BETWEEN_LOOKS, look_at_clock, query);
    }
    return 0;
}

// How many columns of a terminal the first `length` bytes take: one for each character.
static size_t width_of(const char *text, size_t length)
{
    size_t width = 0;
    for (size_t i = 0; i < length; i++) {
        width += ((unsigned char)text[i] & 0xc0) != 0x80;
    }
    return width;
}

// The line of the statement that holds the offset, and a caret below it.
static void add_caret(const char *sql, size_t offset, struct text *ret_error)
{
    size_t start = offset;
    while (start > 0 && sql[start - 1] != '\n') {
        start--;
    }
    text_add(ret_error, "\n    ");
    for (const char *c = sql + start; *c && *c != '\n'; c++) {
        text_add_n(ret_error, (unsigned char)*c < 0x20 ? " " : c, 1);
    }
    text_format(ret_error, "\n    %*s", (int)width_of(sql + start, offset - start) + 1, "^");
}

// A column that is there, but not in what was asked.
static void add_place(struct query *query, const char *column, struct text *ret_error)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(query->database,
                           "SELECT table_name FROM column_meanings WHERE column_name = ?1"
                           " ORDER BY table_name <> 'tradeoffs', table_name LIMIT 1",
                           -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_bind_text(statement, 1, column, -1, SQLITE_STATIC) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW && *database_text(statement, 0)) {
        text_format(ret_error, "; '%s' has one", database_text(statement, 0));
    }
    sqlite3_finalize(statement);
}

// For "no such table: X" and "no such column: X": a name that is there and looks like X.
static void add_suggestion(struct query *query, const char *message, struct text *ret_error)
{
    static const char *const starts[] = {"no such table: ", "no such column: "};
    static const char *const sources[] = {"SELECT name FROM sqlite_schema",
                                          "SELECT DISTINCT column_name FROM column_meanings"};
    size_t kind = strncmp(message, starts[0], strlen(starts[0])) == 0 ? 0 : 1;
    if (strncmp(message, starts[kind], strlen(starts[kind])) != 0) {
        return;
    }
    const char *wrong = message + strlen(starts[kind]);
    const char *point = strrchr(wrong, '.');
    wrong = point ? point + 1 : wrong;
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(query->database, sources[kind], -1, &statement, NULL) == SQLITE_OK) {
        struct arena arena = {0};
        const char **names = NULL;
        size_t count = 0;
        while (sqlite3_step(statement) == SQLITE_ROW) {
            names = memory_resize(names, count + 1, sizeof(*names));
            names[count++] = arena_text(&arena, database_text(statement, 0));
        }
        const char *nearest = text_nearest(wrong, names, count);
        if (nearest && kind == 1 && strcmp(nearest, wrong) == 0) {
            add_place(query, wrong, ret_error);
        } else if (nearest) {
            text_format(ret_error, "; did you mean '%s'?", nearest);
        }
        free(names);
        arena_finish(&arena);
    }
    sqlite3_finalize(statement);
}

// Says why SQLite did not prepare or did not go on with a statement.
static int explain(struct query *query, const char *sql, struct text *ret_error)
{
    if (query->refused) {
        text_format(ret_error,
                    "the query is refused because it would %s; only statements that read the "
                    "results are run: SELECT, WITH, VALUES, EXPLAIN",
                    query->refused);
        return -1;
    }
    if (query->is_late) {
        text_format(ret_error,
                    "the query was stopped after %g s; ask for less, or allow it more with "
                    "--timeout",
                    query->time_limit_s);
        return -1;
    }
    int code = sqlite3_errcode(query->database) & 0xff;
    if (code != SQLITE_ERROR && code != SQLITE_TOOBIG) {
        database_explain(query->database, query->path, DATABASE_READ, ret_error);
        return -1;
    }
    int offset = sqlite3_error_offset(query->database);
    struct text message = {0};
    text_add(&message, sqlite3_errmsg(query->database));
    text_format(ret_error, "in the query: %s", text_string(&message));
    add_suggestion(query, text_string(&message), ret_error);
    text_finish(&message);
    if (offset >= 0) {
        add_caret(sql, (size_t)offset, ret_error);
    }
    return -1;
}

// Prepares the one statement that `sql` holds, among comments and empty statements.
static int prepare(struct query *query, const char *sql, sqlite3_stmt **ret_statement,
                   struct text *ret_error)
{
    sqlite3_stmt *only = NULL;
    for (const char *rest = sql; *rest;) {
        sqlite3_stmt *statement = NULL;
        const char *start = rest;
        int result = sqlite3_prepare_v2(query->database, start, -1, &statement, &rest);
        // What follows the first statement is one too many whether or not it could be run.
        if (only && (result != SQLITE_OK || statement)) {
            sqlite3_finalize(statement);
            sqlite3_finalize(only);
            text_add(ret_error, "there is more than one statement in the query; run them one by "
                                "one");
            return -1;
        }
        if (result != SQLITE_OK) {
            return explain(query, start, ret_error);
        }
        only = statement ? statement : only;
    }
    if (!only) {
        text_add(ret_error, "the query is empty; give the name of a query or an SQL statement");
        return -1;
    }
    if (!sqlite3_stmt_readonly(only)) {
        sqlite3_finalize(only);
        query->refused = "change the database";
        return explain(query, sql, ret_error);
    }
    *ret_statement = only;
    return 0;
}

static void send_columns(sqlite3_stmt *statement, const struct query_sink *sink)
{
    size_t count = (size_t)sqlite3_column_count(statement);
    const char **names = memory_resize(NULL, count, sizeof(*names));
    for (size_t i = 0; i < count; i++) {
        names[i] = sqlite3_column_name(statement, (int)i);
    }
    sink->columns(sink->context, names, count);
    free(names);
}

static void add_hexadecimal(struct text *text, const unsigned char *bytes, size_t length)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < length; i++) {
        text_add_n(text, &digits[bytes[i] >> 4], 1);
        text_add_n(text, &digits[bytes[i] & 15], 1);
    }
}

// One value of the current row; `blob` is room for the digits of a blob.
static struct query_value read_value(sqlite3_stmt *statement, int column, struct text *blob)
{
    struct query_value value = {.kind = QUERY_NULL, .text = ""};
    switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER:
        value.kind = QUERY_INTEGER;
        value.integer = sqlite3_column_int64(statement, column);
        break;
    case SQLITE_FLOAT:
        value.kind = QUERY_NUMBER;
        value.number = sqlite3_column_double(statement, column);
        break;
    case SQLITE_TEXT:
        value.kind = QUERY_TEXT;
        value.text = database_text(statement, column);
        break;
    case SQLITE_BLOB:
        value.kind = QUERY_TEXT;
        text_clear(blob);
        add_hexadecimal(blob, sqlite3_column_blob(statement, column),
                        (size_t)sqlite3_column_bytes(statement, column));
        value.text = text_string(blob);
        break;
    default:
        break;
    }
    return value;
}

static int send_rows(struct query *query, const char *sql, sqlite3_stmt *statement,
                     int64_t row_limit, const struct query_sink *sink,
                     struct query_result *ret_result, struct text *ret_error)
{
    size_t count = (size_t)sqlite3_column_count(statement);
    struct query_value *values = memory_resize(NULL, count, sizeof(*values));
    struct text *blobs = memory_resize(NULL, count, sizeof(*blobs));
    for (size_t i = 0; i < count; i++) {
        blobs[i] = (struct text){0};
    }
    struct query_result result = {0};
    int step;
    while ((step = sqlite3_step(statement)) == SQLITE_ROW) {
        if (row_limit >= 0 && result.rows == row_limit) {
            result.is_truncated = true;
            break;
        }
        for (size_t i = 0; i < count; i++) {
            values[i] = read_value(statement, (int)i, &blobs[i]);
        }
        sink->row(sink->context, values, count);
        result.rows++;
    }
    for (size_t i = 0; i < count; i++) {
        text_finish(&blobs[i]);
    }
    free(blobs);
    free(values);
    if (step != SQLITE_DONE && step != SQLITE_ROW) {
        return explain(query, sql, ret_error);
    }
    if (ret_result) {
        *ret_result = result;
    }
    return 0;
}

int query_run(const char *path, const char *sql, const struct query_options *options,
              const struct query_sink *sink, struct query_result *ret_result,
              struct text *ret_error)
{
    static const struct query_options defaults = {0};
    options = options ? options : &defaults;
    const int64_t row_limit = options->rows ? options->rows : QUERY_DEFAULT_ROW_LIMIT;
    struct query query = {
        .path = path,
        .time_limit_s = options->time_s != 0 ? options->time_s : QUERY_DEFAULT_TIME_LIMIT_S,
    };
    if (database_open(path, DATABASE_READ, busy_timeout_s, &query.database, ret_error) < 0) {
        return -1;
    }
    sqlite3_stmt *statement = NULL;
    int result = -1;
    if (protect(&query) < 0) {
        database_explain(query.database, path, DATABASE_READ, ret_error);
    } else if (prepare(&query, sql, &statement, ret_error) == 0 &&
               query_bind(statement, sql, options->bindings, options->binding_count, ret_error) ==
                   0) {
        send_columns(statement, sink);
        result = send_rows(&query, sql, statement, row_limit, sink, ret_result, ret_error);
    }
    sqlite3_finalize(statement);
    sqlite3_close(query.database);
    return result;
}
