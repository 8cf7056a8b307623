// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/text.h"
#include "results/store.h"
#include "store_fixture.h"
#include "unit.h"

#include <math.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// ---- what is stored ----

static const struct {
    const char *sql;
    const char *wanted;
} stored[] = {
    {"SELECT id, scenario, about, path, command, scenario_json, scenario_hash, seed, version, host,"
     " wall_s, status FROM experiments",
     "id|scenario|about|path|command|scenario_json|scenario_hash|seed|version|host|wall_s|status\n"
     "1|'hi-digits'|null|'scenarios/hi-digits.yaml'|'offloadsim run scenarios/hi-digits.yaml'|"
     "'{\"scenario\":\"hi-digits\"}'|'c0ffee'|'18446744073709551615'|'0.1.0'|null|1.5|"
     "'finished'\n"},
    {"SELECT started_at GLOB '20[0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9]Z'"
     " AS fits, abs(julianday('now') - julianday(started_at)) < 0.001 AS now FROM experiments",
     "fits|now\n1|1\n"},
    {"SELECT id, experiment_id, ordinal, policy, is_oracle, uses_prices, scenario_json, hash,"
     " replications, verdict, is_complete FROM points",
     "id|experiment_id|ordinal|policy|is_oracle|uses_prices|scenario_json|hash|replications|"
     "verdict|is_complete\n1|1|0|'hi_threshold'|0|0|null|'beef'|5|'stable'|1\n"},
    {"SELECT path, value, typeof(value) AS type FROM parameters ORDER BY path",
     "path|value|type\n'deadline'|'inf'|'text'\n"
     "'policy.hi_threshold.theta'|'[0.6,0.7]'|'text'\n'prices.offload'|0.3|'real'\n"
     "'samples.order'|'shuffle'|'text'\n'tiers.device.nodes'|50|'integer'\n"},
    {"SELECT name, price FROM prices JOIN counter_names ON id = counter_id ORDER BY name",
     "name|price\n'errors'|1\n'offloads.device-edge'|0.3\n"},
    {"SELECT * FROM replications WHERE number = 3",
     "id|point_id|number|seed|events|simulated_s|wall_s|offered|answered|dropped|in_flight\n"
     "1000003|1|3|7|12345|2.385|0.125|10010|10008|1|1\n"},
    {"SELECT metric, unit, value FROM replication_metrics WHERE number = 4 ORDER BY metric",
     "metric|unit|value\n'accuracy'|''|0.9163\n'cost_mean'|''|0.08626510838078115\n"
     "'odd'|null|4\n'wait_mean_s.edge'|'s'|null\n"},
    {"SELECT counter, unit, value, price FROM replication_counters WHERE number = 0"
     " ORDER BY counter",
     "counter|unit|value|price\n'energy_j'|'J'|0.1|null\n'errors'|''|137|1\n"
     "'offered'|''|10007|null\n'offloads.device-edge'|''|2386|0.3\n"},
    {"SELECT count(*) AS rows, max(abs(replication_costs.cost_mean - value)) <= 1e-12 AS agree"
     " FROM replication_costs JOIN replication_metrics USING (replication_id)"
     " WHERE metric = 'cost_mean'",
     "rows|agree\n5|1\n"},
    {"SELECT name, mean, low, high, half_width, confidence, replications, variance_ratio"
     " FROM estimates JOIN metric_names ON id = metric_id ORDER BY name",
     "name|mean|low|high|half_width|confidence|replications|variance_ratio\n"
     "'accuracy'|0.9143|0.9125|0.9163|0.002|0.95|5|2.385\n"
     "'cost_mean'|0.0857|null|null|null|0.95|5|null\n"},
    {"SELECT units, stopped FROM points", "units|stopped\n'replications'|null\n"},
    {"SELECT policy, parameters, replications, verdict, accuracy, accuracy_half_width, cost_mean,"
     " cost_mean_half_width, latency_p99_s FROM tradeoffs",
     "policy|parameters|replications|verdict|accuracy|accuracy_half_width|cost_mean|"
     "cost_mean_half_width|latency_p99_s\n'hi_threshold'|'{\"tiers.device.nodes\":50,"
     "\"policy.hi_threshold.theta\":[0.6,0.7],\"prices.offload\":0.3,"
     "\"samples.order\":\"shuffle\",\"deadline\":\"inf\"}'|5|'stable'|0.9143|0.002|0.0857|"
     "null|null\n"},
    {"PRAGMA user_version", "user_version\n3\n"},
    {"PRAGMA table_info(prices)",
     "cid|name|type|notnull|dflt_value|pk\n0|'point_id'|'INTEGER'|1|null|1\n"
     "1|'counter_id'|'INTEGER'|1|null|2\n2|'price'|'REAL'|1|null|0\n"},
    {"SELECT key, json_each.value FROM parameters, json_each(parameters.value)"
     " WHERE parameters.path = 'policy.hi_threshold.theta'",
     "key|value\n0|0.6\n1|0.7\n"},
    {"SELECT count(*) AS violations FROM metrics"
     " WHERE replication_id NOT IN (SELECT id FROM replications)",
     "violations\n0\n"},
};

START_TEST(store_keeps_what_it_is_given)
{
    struct place place = place_make();
    store_experiment(place.path);
    check_answer(place.path, stored[_i].sql, stored[_i].wanted);
    place_remove(&place);
}
END_TEST

START_TEST(store_file_says_what_it_is)
{
    struct place place = place_make();
    store_experiment(place.path);
    unsigned char header[100];
    FILE *file = fopen(place.path, "rb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fread(header, 1, sizeof(header), file), sizeof(header));
    fclose(file);
    ck_assert_mem_eq(header, "SQLite format 3", 16);
    ck_assert_mem_eq(header + 60, "\0\0\0\3", 4); // user_version
    ck_assert_mem_eq(header + 68, "OFLS", 4);     // application_id
    ck_assert_mem_eq(header + 18, "\2\2", 2);     // WAL
    place_remove(&place);
}
END_TEST

// Both ways: no column without a meaning, and no meaning without a column.
START_TEST(store_every_column_has_a_meaning)
{
    struct place place = place_make();
    store_close(open_store(place.path));
    check_answer(place.path,
                 "WITH present AS (SELECT o.name AS table_name, c.name AS column_name"
                 " FROM sqlite_schema AS o, pragma_table_info(o.name) AS c"
                 " WHERE o.type IN ('table', 'view') AND o.name NOT LIKE 'sqlite_%')"
                 " SELECT 'no meaning' AS problem, * FROM (SELECT * FROM present EXCEPT"
                 " SELECT table_name, column_name FROM column_meanings)"
                 " UNION ALL SELECT 'no column', * FROM (SELECT table_name, column_name"
                 " FROM column_meanings EXCEPT SELECT * FROM present)",
                 "problem|table_name|column_name\n");
    check_answer(place.path,
                 "SELECT count(DISTINCT table_name) AS tables, min(length(meaning)) > 3 AS said"
                 " FROM column_meanings",
                 "tables|said\n20|1\n");
    place_remove(&place);
}
END_TEST

START_TEST(store_reopened_goes_on)
{
    struct place place = place_make();
    store_experiment(place.path);
    store_experiment(place.path);
    check_answer(place.path,
                 "SELECT (SELECT count(*) FROM experiments) AS experiments,"
                 " (SELECT count(*) FROM metric_names) AS names,"
                 " (SELECT count(*) FROM counter_names) AS counters,"
                 " (SELECT count(*) FROM metrics) AS metrics",
                 "experiments|names|counters|metrics\n2|4|4|40\n");
    place_remove(&place);
}
END_TEST

START_TEST(store_completes_again)
{
    struct place place = place_make();
    struct store *store = open_store(place.path);
    int64_t point = add_point(store, begin(store), 0);
    complete(store, point);
    complete(store, point);
    check_answer(place.path, "SELECT count(*) AS n FROM estimates", "n\n2\n");
    store_close(store);
    place_remove(&place);
}
END_TEST

// ---- all or nothing ----

static const char *const nothing_new =
    "SELECT (SELECT count(*) FROM replications) AS replications,"
    " (SELECT count(*) FROM metrics) AS metrics, (SELECT count(*) FROM metric_names) AS names,"
    " (SELECT replications FROM points) AS counted";

// A trigger stands in for whatever stops a batch in the middle.
START_TEST(store_batch_is_all_or_nothing)
{
    struct place place = place_make();
    struct store *store = open_store(place.path);
    struct text error = {0};
    int64_t point = add_point(store, begin(store), 0);
    ck_assert_int_eq(add_replications(store, point, 2, 1, &error), 0);
    execute(place.path, "CREATE TRIGGER stop BEFORE INSERT ON replications WHEN new.number = 4"
                        " BEGIN SELECT raise(ABORT, 'stopped'); END");
    ck_assert_int_eq(add_replications(store, point, 0, 5, &error), -1);
    check_message(&error, &place, "cannot store results in 'DIR/results.db': stopped");
    check_answer(place.path, nothing_new, "replications|metrics|names|counted\n1|4|4|1\n");
    text_clear(&error);
    ck_assert_int_eq(add_replications(store, point, 0, 4, &error), 0);
    check_answer(place.path, nothing_new, "replications|metrics|names|counted\n4|16|4|4\n");
    store_close(store);
    text_finish(&error);
    place_remove(&place);
}
END_TEST

// Whoever adds a number first, the results are the same.
START_TEST(store_takes_a_replication_once)
{
    struct place place = place_make();
    struct store *store = open_store(place.path);
    struct text error = {0};
    int64_t point = add_point(store, begin(store), 0);
    ck_assert_int_eq(add_replications(store, point, 2, 2, &error), 0);
    ck_assert_int_eq(add_replications(store, point, 0, 5, &error), 0);
    ck_assert_int_eq(add_replications(store, point, 1, 3, &error), 0);
    check_answer(place.path, nothing_new, "replications|metrics|names|counted\n5|20|4|5\n");
    check_answer(place.path, "SELECT id FROM replications WHERE number IN (0, 4) ORDER BY id",
                 "id\n1000000\n1000004\n");
    store_close(store);
    text_finish(&error);
    place_remove(&place);
}
END_TEST

// Names that a failed transaction added are not in the file; the store must not believe they are.
START_TEST(store_forgets_names_of_failed_batches)
{
    struct place place = place_make();
    struct store *store = open_store(place.path);
    struct text error = {0};
    begin(store);
    ck_assert_int_eq(add_replications(store, 77, 0, 1, &error), -1);
    check_message(&error, &place,
                  "cannot store results in 'DIR/results.db': point 77 is no longer in it; run "
                  "again, and delete nothing meanwhile");
    text_clear(&error);
    int64_t stopped = add_point(store, 1, 7);
    execute(place.path, "CREATE TRIGGER stop BEFORE INSERT ON metrics"
                        " BEGIN SELECT raise(ABORT, 'stopped'); END");
    ck_assert_int_eq(add_replications(store, stopped, 0, 1, &error), -1);
    execute(place.path, "DROP TRIGGER stop");
    text_clear(&error);
    int64_t point = add_point(store, 1, 0);
    ck_assert_int_eq(add_replications(store, point, 0, 1, &error), 0);
    check_answer(place.path, "SELECT count(*) AS n FROM replication_metrics", "n\n4\n");
    store_close(store);
    text_finish(&error);
    place_remove(&place);
}
END_TEST

START_TEST(store_refuses_what_would_spoil_costs)
{
    struct place place = place_make();
    struct store *store = open_store(place.path);
    struct text error = {0};
    int64_t id = begin(store);
    int64_t point = add_point(store, id, 0);
    const double counter = NAN;
    const char *const name = "errors";
    const struct store_replication replication = {.number = 3, .counters = &counter};
    const struct store_batch batch = {.point_id = point,
                                      .counter_names = &name,
                                      .counter_count = 1,
                                      .replications = &replication,
                                      .replication_count = 1};
    ck_assert_int_eq(store_add_replications(store, &batch, &error), -1);
    check_message(&error, &place,
                  "cannot store results in 'DIR/results.db': counter 'errors' of replication 3 is "
                  "not a finite number");
    text_clear(&error);
    const struct store_price price = {"drops", INFINITY};
    const struct store_point expensive = {.experiment_id = id,
                                          .ordinal = 1,
                                          .policy = "local",
                                          .hash = "x",
                                          .prices = &price,
                                          .price_count = 1};
    int64_t another = -5;
    ck_assert_int_eq(store_add_point(store, &expensive, &another, &error), -1);
    check_message(&error, &place,
                  "cannot store results in 'DIR/results.db': the price of 'drops' is not a finite "
                  "number");
    ck_assert_int_eq(another, -5);
    check_answer(place.path, "SELECT count(*) AS n FROM points", "n\n1\n");
    store_close(store);
    text_finish(&error);
    place_remove(&place);
}
END_TEST

// More values than one statement adds.
START_TEST(store_takes_many_values)
{
    enum { VALUES = 150 };
    struct place place = place_make();
    struct store *store = open_store(place.path);
    struct text error = {0};
    char names[VALUES][16];
    const char *list[VALUES];
    double values[VALUES];
    struct store_estimate estimates[VALUES];
    for (int i = 0; i < VALUES; i++) {
        snprintf(names[i], sizeof(names[i]), "value.%d", VALUES - i);
        list[i] = names[i];
        values[i] = i + 0.5;
        estimates[i] =
            (struct store_estimate){names[i], i + 0.25, i + 0.125, i + 0.375, 0.125, 0.95, 2, NAN};
    }
    int64_t point = add_point(store, begin(store), 0);
    // From none to all, so that also statements for few rows come.
    for (int count = 0; count <= VALUES; count++) {
        const struct store_replication replication = {
            .number = (uint64_t)count, .metrics = values, .counters = values};
        const struct store_batch batch = {.point_id = point,
                                          .metric_names = list,
                                          .metric_count = (size_t)count,
                                          .counter_names = list,
                                          .counter_count = (size_t)(VALUES - count),
                                          .replications = &replication,
                                          .replication_count = 1};
        ck_assert_int_eq(store_add_replications(store, &batch, &error), 0);
    }
    ck_assert_int_eq(
        store_complete_point(store, point, "stable", NULL, VALUES + 1, estimates, VALUES, &error),
        0);
    check_answer(
        place.path,
        "SELECT (SELECT count(*) FROM replication_metrics) AS metrics,"
        " (SELECT sum(value = 150.5 - substr(metric, 7)) FROM replication_metrics) AS right,"
        " (SELECT count(*) FROM replication_counters) AS counters,"
        " (SELECT sum(value = 150.5 - substr(counter, 7)) FROM replication_counters)"
        " AS also_right,"
        " (SELECT sum(mean = 150.25 - substr(name, 7)) FROM estimates"
        " JOIN metric_names ON id = metric_id) AS estimates",
        "metrics|right|counters|also_right|estimates\n11325|11325|11325|11325|150\n");
    store_close(store);
    check_sound(place.path);
    text_finish(&error);
    place_remove(&place);
}
END_TEST

START_TEST(store_misses_what_was_deleted)
{
    struct place place = place_make();
    struct store *store = open_store(place.path);
    struct text error = {0};
    int64_t id = begin(store);
    int64_t point = add_point(store, id, 0);
    execute(place.path, "PRAGMA foreign_keys = ON; DELETE FROM experiments");
    const struct store_point another = {
        .experiment_id = id, .ordinal = 1, .policy = "local", .hash = "x"};
    struct store_point_state state;
    int64_t another_id;
    static const char *const missing =
        "cannot store results in 'DIR/results.db': experiment 1 is no longer in it; run again, and "
        "delete nothing meanwhile";
    ck_assert_int_eq(store_add_point(store, &another, &another_id, &error), -1);
    check_message(&error, &place, missing);
    text_clear(&error);
    ck_assert_int_eq(store_plan_points(store, &another, 1, &state, &error), -1);
    check_message(&error, &place, missing);
    text_clear(&error);
    ck_assert_int_eq(store_complete_point(store, point, "stable", NULL, 0, NULL, 0, &error), -1);
    check_message(&error, &place,
                  "cannot store results in 'DIR/results.db': point 1 is no longer in it; run "
                  "again, and delete nothing meanwhile");
    text_clear(&error);
    ck_assert_int_eq(store_finish_experiment(store, id, 1, STORE_FAILED, &error), -1);
    check_message(&error, &place, missing);
    store_close(store);
    text_finish(&error);
    place_remove(&place);
}
END_TEST

// A writer that is killed at any moment leaves whole batches behind and a sound file. It tells when
// some are there.
START_TEST(store_survives_a_kill)
{
    struct place place = place_make();
    int told[2];
    ck_assert_int_eq(pipe(told), 0);
    fflush(NULL);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        struct store *store = open_store(place.path);
        int64_t id = begin(store);
        struct text error = {0};
        for (int64_t ordinal = 0;; ordinal++) {
            int64_t point = add_point(store, id, ordinal);
            for (int first = 0; first < 1000; first += REPLICATIONS) {
                add_replications(store, point, first, REPLICATIONS, &error);
            }
            if (write(told[1], "", 1) != 1) {
                _exit(1);
            }
        }
    }
    char byte;
    ck_assert_int_eq(read(told[0], &byte, 1), 1);
    ck_assert_int_eq(read(told[0], &byte, 1), 1);
    const struct timespec pause = {.tv_nsec = 37 * _i * 1000000L};
    nanosleep(&pause, NULL);
    kill(child, SIGKILL);
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status));
    close(told[0]);
    close(told[1]);
    store_experiment(place.path);
    check_answer(place.path,
                 "SELECT count(*) > 1 AS some, sum(points.replications % 5) AS broken,"
                 " sum(points.replications) = (SELECT count(*) FROM replications) AS counted,"
                 " 4 * sum(points.replications) = (SELECT count(*) FROM metrics) AS whole"
                 " FROM points",
                 "some|broken|counted|whole\n1|0|1|1\n");
    check_sound(place.path);
    place_remove(&place);
}
END_TEST

// Processes that make the database at the same moment and then all write.
START_TEST(store_takes_several_processes)
{
    enum { PROCESSES = 4, POINTS = 25 };
    struct place place = place_make();
    pid_t children[PROCESSES];
    fflush(NULL);
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        ck_assert_int_ge(children[i], 0);
        if (children[i] == 0) {
            struct text error = {0};
            struct store *store = open_store(place.path);
            int64_t id = begin(store);
            for (int ordinal = 0; ordinal < POINTS; ordinal++) {
                int64_t point = add_point(store, id, ordinal);
                if (add_replications(store, point, 0, 2, &error) < 0) {
                    fprintf(stderr, "%s\n", text_string(&error));
                    _exit(1);
                }
            }
            store_close(store);
            _exit(0);
        }
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status;
        ck_assert_int_eq(waitpid(children[i], &status, 0), children[i]);
        ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    check_answer(place.path,
                 "SELECT (SELECT count(*) FROM experiments) AS experiments,"
                 " (SELECT count(*) FROM points) AS points,"
                 " (SELECT count(*) FROM replication_metrics) AS metrics,"
                 " (SELECT count(*) FROM metric_names) AS names",
                 "experiments|points|metrics|names\n4|100|800|4\n");
    place_remove(&place);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store");

    TCase *contents = tcase_create("contents");
    unit_add_table(contents, store_keeps_what_it_is_given, stored);
    tcase_add_test(contents, store_file_says_what_it_is);
    tcase_add_test(contents, store_every_column_has_a_meaning);
    tcase_add_test(contents, store_reopened_goes_on);
    tcase_add_test(contents, store_completes_again);
    tcase_add_test(contents, store_takes_many_values);
    suite_add_tcase(suite, contents);

    TCase *atomic = tcase_create("all or nothing");
    tcase_add_test(atomic, store_batch_is_all_or_nothing);
    tcase_add_test(atomic, store_takes_a_replication_once);
    tcase_add_test(atomic, store_forgets_names_of_failed_batches);
    tcase_add_test(atomic, store_refuses_what_would_spoil_costs);
    tcase_add_test(atomic, store_misses_what_was_deleted);
    tcase_add_loop_test(atomic, store_survives_a_kill, 0, 4);
    tcase_add_test(atomic, store_takes_several_processes);
    tcase_set_timeout(atomic, 60);
    suite_add_tcase(suite, atomic);

    return unit_run(suite);
}
