// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/text.h"
#include "results/meaning.h"
#include "results/query.h"
#include "store_fixture.h"
#include "unit.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// ---- queries ----

// Values for the parameters that are needed.
static const struct query_binding needed[] = {{"a", "1"},
                                              {"b", "1"},
                                              {"counter", "errors"},
                                              {"parameter", "prices.offload"},
                                              {"price", "0.5"}};

// Runs a named query with those of `needed` that it has, on a database with and without results.
START_TEST(query_named_ones_run)
{
    struct place place = place_make();
    struct text error = {0};
    store_close(open_store(place.path));
    for (int round = 0; round < 2; round++) {
        for (const struct query_name *query = query_names; query->name; query++) {
            ck_assert_ptr_eq(query_find(query->name, &error), query);
            struct query_binding bindings[UNIT_COUNT(needed)];
            size_t count = 0;
            for (int i = 0; i < UNIT_COUNT(needed); i++) {
                char line[40];
                snprintf(line, sizeof(line), "-- :%s ", needed[i].name);
                const char *found = strstr(query->sql, line);
                if (found && strstr(found, "needed") < strchr(found, '\n') &&
                    strstr(found, "needed")) {
                    bindings[count++] = needed[i];
                }
            }
            const struct query_options options = {.bindings = bindings, .binding_count = count};
            struct text answer = {0};
            int result = answer_query(place.path, query->sql, &options, NULL, &answer, &error);
            ck_assert_msg(result == 0, "%s: %s", query->name, text_string(&error));
            text_finish(&answer);
        }
        store_experiment(place.path);
    }
    execute(place.path, "UPDATE experiments SET started_at = '2025-01-17T12:00:00Z'");
    check_answer(place.path, query_find("runs", &error)->sql,
                 "id|kind|scenario|started_at|points|complete|replications|seed|version|wall_s|"
                 "status\n"
                 "1|'run'|'hi-digits'|'2025-01-17T12:00:00Z'|1|1|5|'18446744073709551615'|'0.1.0'|"
                 "1.5|'finished'\n"
                 "2|'run'|'hi-digits'|'2025-01-17T12:00:00Z'|1|1|5|'18446744073709551615'|'0.1.0'|"
                 "1.5|'finished'\n");
    text_finish(&error);
    place_remove(&place);
}
END_TEST

START_TEST(query_unknown_names_get_a_list)
{
    struct text error = {0};
    ck_assert_ptr_null(query_find("run", &error));
    ck_assert_str_eq(text_string(&error),
                     "unknown query 'run'; did you mean 'runs'? there are 'runs', 'tradeoffs', "
                     "'pareto', 'best', 'sensitivity', 'breakeven', 'diff', 'reprice', and any SQL "
                     "that only reads");
    text_clear(&error);
    ck_assert_ptr_null(query_find("zzz", &error));
    ck_assert_str_eq(text_string(&error),
                     "unknown query 'zzz'; there are 'runs', 'tradeoffs', 'pareto', 'best', "
                     "'sensitivity', 'breakeven', 'diff', 'reprice', and any SQL that only reads");
    text_finish(&error);
}
END_TEST

static const struct {
    const char *sql;
    const char *wanted;
} answers[] = {
    {"SELECT 1 AS a, 2.5 AS b, 'x' AS c, NULL AS d, x'00ff' AS e, x'' AS f",
     "a|b|c|d|e|f\n1|2.5|'x'|null|'00ff'|''\n"},
    {"; -- a comment\n /* another */ SELECT 1 AS a; ; -- the end", "a\n1\n"},
    {"VALUES (1), (2)", "column1\n1\n2\n"},
    {"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3) SELECT * FROM n",
     "i\n1\n2\n3\n"},
    {"SELECT json_extract('{\"a\": 2}', '$.a') AS a, upper('b') AS b", "a|b\n2|'B'\n"},
    {"SELECT name FROM pragma_table_info('prices')", "name\n'point_id'\n'counter_id'\n'price'\n"},
    {"SELECT id FROM experiments", "id\n"},
    {"SELECT sum(id) AS s, total(id) AS t FROM experiments", "s|t\nnull|0\n"},
};

START_TEST(query_answers)
{
    struct place place = place_make();
    store_close(open_store(place.path));
    check_answer(place.path, answers[_i].sql, answers[_i].wanted);
    place_remove(&place);
}
END_TEST

#define REFUSED(what)                                                                              \
    "the query is refused because it would " what "; only statements that read the results are "   \
    "run: SELECT, WITH, VALUES, EXPLAIN"

static const struct {
    const char *sql;
    const char *wanted;
} refusals[] = {
    {"DELETE FROM experiments", REFUSED("change the database")},
    {"UPDATE prices SET price = 0", REFUSED("change the database")},
    {"INSERT INTO metric_names (name) VALUES ('x')", REFUSED("change the database")},
    {"WITH x AS (SELECT 1) DELETE FROM experiments", REFUSED("change the database")},
    {"EXPLAIN DELETE FROM experiments", REFUSED("change the database")},
    {"DROP TABLE experiments", REFUSED("change the database")},
    {"CREATE TABLE x (a)", REFUSED("change the database")},
    {"CREATE TEMP TABLE x (a)", REFUSED("change the database")},
    {"CREATE TEMP VIEW x AS SELECT 1", REFUSED("change the database")},
    {"REINDEX", REFUSED("change the database")},
    {"ANALYZE", REFUSED("change the database")},
    {"VACUUM", REFUSED("change the database")},
    {"VACUUM INTO '/tmp/never-made.db'", REFUSED("change the database")},
    {"ATTACH '/tmp/never-made.db' AS x", REFUSED("open or close another file")},
    {"DETACH main", REFUSED("open or close another file")},
    {"BEGIN", REFUSED("control a transaction")},
    {"COMMIT", REFUSED("control a transaction")},
    {"SAVEPOINT x", REFUSED("control a transaction")},
    {"PRAGMA journal_mode = DELETE", REFUSED("use a pragma that may change something")},
    {"PRAGMA query_only = OFF", REFUSED("use a pragma that may change something")},
    {"PRAGMA writable_schema = ON", REFUSED("use a pragma that may change something")},
    {"PRAGMA user_version = 9", REFUSED("use a pragma that may change something")},
    {"SELECT * FROM pragma_optimize", REFUSED("use a pragma that may change something")},
    {"UPDATE sqlite_master SET sql = ''", "in the query: table sqlite_master may not be modified"},
    {"SELECT load_extension('x')", REFUSED("load code")},
    {"", "the query is empty; give the name of a query or an SQL statement"},
    {" ; -- nothing\n;", "the query is empty; give the name of a query or an SQL statement"},
    {"SELECT 1; SELECT 2", "there is more than one statement in the query; run them one by one"},
    {"SELECT 1; DROP TABLE experiments",
     "there is more than one statement in the query; run them one by one"},
    {"SELECT 1; nonsense", "there is more than one statement in the query; run them one by one"},
    {"SELEC 1", "in the query: near \"SELEC\": syntax error\n    SELEC 1\n    ^"},
    {"SELECT id,\n\t'\xc3\xa9' AS e, scenaro\nFROM experiments",
     "in the query: no such column: scenaro; did you mean 'scenario'?\n     '\xc3\xa9' AS e, "
     "scenaro\n               ^"},
    {"SELECT * FROM experimnts",
     "in the query: no such table: experimnts; did you mean 'experiments'?"},
    {"SELECT e.polcy FROM tradeoffs AS e",
     "in the query: no such column: e.polcy; did you mean 'policy'?\n"
     "    SELECT e.polcy FROM tradeoffs AS e\n           ^"},
    {"SELECT zzzzzz", "in the query: no such column: zzzzzz\n    SELECT zzzzzz\n           ^"},
    {"SELECT 1 +", "in the query: incomplete input"},
    {"SELECT nofunction(1)",
     "in the query: no such function: nofunction\n    SELECT nofunction(1)\n           ^"},
    {"SELECT abs(-9223372036854775807 - 1)", "in the query: integer overflow"},
    {"SELECT json('{')", "in the query: malformed JSON"},
};

START_TEST(query_refuses)
{
    struct place place = place_make();
    struct text error = {0};
    store_experiment(place.path);
    ck_assert_int_eq(run_query(place.path, refusals[_i].sql, &error), -1);
    ck_assert_str_eq(text_string(&error), refusals[_i].wanted);
    ck_assert_int_ne(access("/tmp/never-made.db", F_OK), 0);
    check_answer(place.path, "SELECT count(*) AS n, sum(price) AS s FROM experiments, prices",
                 "n|s\n2|1.3\n");
    text_finish(&error);
    place_remove(&place);
}
END_TEST

// Whoever changes a file can take away what a column must not lack.
START_TEST(query_nulls_where_none_can_be)
{
    static const char *const wanted[][2] = {
        {"SELECT missing FROM points", "in the query: no such column: missing"},
        {"SELECT accuracy FROM points",
         "in the query: no such column: accuracy\n    SELECT accuracy FROM points\n           ^"}};
    struct place place = place_make();
    store_experiment(place.path);
    execute(place.path, "DROP TABLE column_meanings;"
                        "CREATE TABLE column_meanings (table_name, column_name, unit, meaning);"
                        "INSERT INTO column_meanings (column_name) VALUES (NULL), ('accuracy')");
    for (int i = 0; i < UNIT_COUNT(wanted); i++) {
        struct text error = {0};
        ck_assert_int_eq(run_query(place.path, wanted[i][0], &error), -1);
        ck_assert_msg(strncmp(text_string(&error), wanted[i][1], strlen(wanted[i][1])) == 0, "%s",
                      text_string(&error));
        text_finish(&error);
    }
    place_remove(&place);
}
END_TEST

static const struct {
    int64_t limit;
    int64_t rows;
    bool is_truncated;
} row_limits[] = {{1, 1, true},  {4, 4, true},  {5, 5, false},
                  {6, 5, false}, {0, 5, false}, {-1, 5, false}};

START_TEST(query_stops_at_the_row_limit)
{
    struct place place = place_make();
    struct text error = {0};
    struct text answer = {0};
    store_experiment(place.path);
    const struct query_options limits = {.rows = row_limits[_i].limit};
    struct query_result result;
    ck_assert_int_eq(answer_query(place.path, "SELECT number FROM replications", &limits, &result,
                                  &answer, &error),
                     0);
    ck_assert_int_eq(result.rows, row_limits[_i].rows);
    ck_assert_int_eq(result.is_truncated, row_limits[_i].is_truncated);
    text_finish(&answer);
    text_finish(&error);
    place_remove(&place);
}
END_TEST

START_TEST(query_stops_at_the_time_limit)
{
    struct place place = place_make();
    struct text error = {0};
    struct text answer = {0};
    store_close(open_store(place.path));
    const struct query_options limits = {.time_s = 0.05};
    ck_assert_int_eq(answer_query(place.path,
                                  "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
                                  " SELECT count(*) FROM n",
                                  &limits, NULL, &answer, &error),
                     -1);
    ck_assert_str_eq(text_string(&error),
                     "the query was stopped after 0.05 s; ask for less, or allow it more with "
                     "--timeout");
    text_finish(&answer);
    text_finish(&error);
    place_remove(&place);
}
END_TEST

// ---- parameters ----

static const char documented[] = "-- A query with comments.\n"
                                 "--\n"
                                 "-- :first   what it is; needed\n"
                                 "-- :second  another; default: 7\n"
                                 "SELECT :first AS first, coalesce(:second, 7) AS second";

#define LIST                                                                                       \
    "; the query takes, each as --param NAME=VALUE:\n    first        what it is; needed\n"        \
    "    second       another; default: 7"

static const struct {
    const char *sql;
    const struct query_binding bindings[2];
    const char *answer; // NULL: an error
    const char *error;
} bindings[] = {
    {documented, {{"first", "1"}}, "first|second\n1|7\n", NULL},
    {documented, {{"first", "-1.5e3"}, {"second", "x"}}, "first|second\n-1500|'x'\n", NULL},
    {documented, {{"first", ""}, {"second", "0x10"}}, "first|second\n''|'0x10'\n", NULL},
    {documented, {{"first", "nan"}, {"second", "1e999"}}, "first|second\n'nan'|'1e999'\n", NULL},
    {documented,
     {{"first", "9223372036854775808"}},
     "first|second\n9.223372036854776e+18|7\n",
     NULL},
    {documented, {{"first", "1; DROP TABLE x"}}, "first|second\n'1; DROP TABLE x'|7\n", NULL},
    {documented, {{"second", "1"}}, NULL, "the parameter 'first' needs a value" LIST},
    {documented,
     {{"first", "1"}, {"secnd", "1"}},
     NULL,
     "unknown parameter 'secnd'; did you mean 'second'?"},
    {documented, {{"zzz", "1"}}, NULL, "unknown parameter 'zzz'" LIST},
    {"SELECT 1 AS a", {{"x", "1"}}, NULL, "unknown parameter 'x'; the query has none"},
    {"SELECT @x AS x, $y AS y", {{"x", "1"}, {"y", "2"}}, "x|y\n1|2\n", NULL},
    {"SELECT :x AS x",
     {{0}},
     NULL,
     "the parameter 'x' needs a value; the query takes, each as --param NAME=VALUE:\n    x"},
    {"SELECT ? AS x", {{0}}, NULL, "a parameter of the query has no name; write ':name', not '?'"},
};

START_TEST(query_takes_parameters)
{
    struct place place = place_make();
    struct text error = {0};
    struct text answer = {0};
    store_close(open_store(place.path));
    struct query_options options = {.bindings = bindings[_i].bindings};
    while (options.binding_count < 2 && bindings[_i].bindings[options.binding_count].name) {
        options.binding_count++;
    }
    int result = answer_query(place.path, bindings[_i].sql, &options, NULL, &answer, &error);
    ck_assert_str_eq(text_string(&error), bindings[_i].error ? bindings[_i].error : "");
    ck_assert_str_eq(text_string(&answer), bindings[_i].answer ? bindings[_i].answer : "");
    ck_assert_int_eq(result, bindings[_i].answer ? 0 : -1);
    text_finish(&error);
    text_finish(&answer);
    place_remove(&place);
}
END_TEST

// ---- meanings ----

static const struct {
    const char *name;
    const char *metric_unit; // NULL: not known
    const char *counter_unit;
} name_cases[] = {
    {"accuracy", "", NULL},
    {"throughput_per_s.x", NULL, NULL},
    {"latency_p95_s.phone", "s", NULL},
    {"label_accuracy.7", "", NULL},
    {"class_latency_s.phone", NULL, "s"},
    {"latency_p999_s", "s", NULL},
    {"utilisation.device-edge.up", "", NULL},
    {"servers_mean.device", "", NULL},
    {"batch_mean.edge", "", NULL},
    {"availability.edge", "", NULL},
    {"utilisation", NULL, NULL},
    {"drop_fraction", "", NULL},
    {"drop_fraction.full", "", NULL},
    {"drop_fraction.", NULL, NULL},
    {"energy_j", NULL, "J"},
    {"energy_j.edge", NULL, "J"},
    {"bytes.device-edge.down", NULL, "B"},
    {"", NULL, NULL},
    {".", NULL, NULL},
};

static void check_unit(const struct meaning *meaning, const char *unit)
{
    if (unit) {
        ck_assert_ptr_nonnull(meaning);
        ck_assert_str_eq(meaning->unit, unit);
        ck_assert_uint_gt(strlen(meaning->meaning), 5);
    } else {
        ck_assert_ptr_null(meaning);
    }
}

START_TEST(meaning_of_names)
{
    check_unit(meaning_of_metric(name_cases[_i].name), name_cases[_i].metric_unit);
    check_unit(meaning_of_counter(name_cases[_i].name), name_cases[_i].counter_unit);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("query");

    TCase *queries = tcase_create("queries");
    tcase_add_test(queries, query_named_ones_run);
    tcase_add_test(queries, query_unknown_names_get_a_list);
    unit_add_table(queries, query_answers, answers);
    unit_add_table(queries, query_refuses, refusals);
    unit_add_table(queries, query_takes_parameters, bindings);
    unit_add_table(queries, query_stops_at_the_row_limit, row_limits);
    tcase_add_test(queries, query_nulls_where_none_can_be);
    tcase_add_test(queries, query_stops_at_the_time_limit);
    suite_add_tcase(suite, queries);

    TCase *meanings = tcase_create("meanings");
    unit_add_table(meanings, meaning_of_names, name_cases);
    suite_add_tcase(suite, meanings);

    return unit_run(suite);
}
