// SPDX-License-Identifier: GPL-3.0-or-later

// Questions to a database of results that somebody has changed. The first byte says which one, the
// rest what was changed (damaged.h): if the highest bits of the first are set, in the schema too.

#include "base/check.h"
#include "base/text.h"
#include "damaged.h"
#include "fuzz.h"
#include "results/query.h"

#include <string.h>

#define ANYWHERE 0xc0u

enum { ROWS = 1000 };

static void take_columns(void *context, const char *const *names, size_t count)
{
    size_t *length = context;
    for (size_t i = 0; i < count; i++) {
        *length += strlen(names[i]);
    }
}

static void take_row(void *context, const struct query_value *values, size_t count)
{
    size_t *length = context;
    for (size_t i = 0; i < count; i++) {
        *length += values[i].kind == QUERY_TEXT ? strlen(values[i].text) : 1;
    }
}

// Tables as they are, and queries by name. Not among them are those that take SQLite milliseconds
// to prepare, whatever is in the file: sensitivity, breakeven and pareto.
static const struct {
    const char *sql; // or the name of a query
    struct query_binding bindings[2];
} questions[] = {
    {.sql = "SELECT * FROM experiments"},
    {.sql = "SELECT * FROM points JOIN parameters ON point_id = points.id"},
    {.sql = "SELECT * FROM prices JOIN counter_names ON counter_id = id"},
    {.sql = "SELECT * FROM replications JOIN metrics ON replication_id = id"},
    {.sql = "SELECT * FROM counters"},
    {.sql = "SELECT * FROM estimates JOIN metric_names ON metric_id = id"},
    {.sql = "SELECT * FROM samples LEFT JOIN texts ON tier_id = id"},
    {.sql = "SELECT missing FROM sqlite_schema"},
    {.sql = "runs"},
    {.sql = "tradeoffs"},
    {.sql = "best"},
    {.sql = "diff", .bindings = {{"a", "1"}, {"b", "1"}}},
    {.sql = "reprice", .bindings = {{"counter", "errors"}, {"price", "2.385"}}},
};

enum { QUESTIONS = sizeof(questions) / sizeof(questions[0]) };

static int ask(const char *path, unsigned number, struct text *ret_error)
{
    size_t length = 0;
    const char *sql = questions[number % QUESTIONS].sql;
    const struct query_binding *bindings = questions[number % QUESTIONS].bindings;
    const struct query_sink sink = {&length, take_columns, take_row};
    const struct query_options options = {
        .bindings = bindings, .binding_count = bindings[0].name ? 2 : 0, .rows = ROWS, .time_s = 1};
    sql = strchr(sql, ' ') ? sql : query_find(sql, ret_error)->sql;
    return query_run(path, sql, &options, &sink, NULL, ret_error);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    if (!length) {
        return 0;
    }
    const int is_anywhere = bytes[0] >= ANYWHERE;
    const char *path = damaged_make(bytes + 1, length - 1, is_anywhere);
    struct text error = {0};
    const int result = ask(path, bytes[0] - (is_anywhere ? ANYWHERE : 0), &error);
    // Whatever fails says why. What nobody has changed is read, but for the question that is wrong.
    CHECK(NULL, (result == 0) == !*text_string(&error));
    CHECK(NULL, length > 1 || result == 0 || strstr(text_string(&error), "missing"));
    text_finish(&error);
    damaged_forget();
    return 0;
}
