// SPDX-License-Identifier: GPL-3.0-or-later
// What comes back from the store: replications and estimates, samples, files of version 1.
#include "base/text.h"
#include "results/embedded.h"
#include "results/store.h"
#include "store_fixture.h"
#include "unit.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

// ---- reading back ----

// In another order than stored, one of them unknown.
static const char *const asked_metrics[] = {"cost_mean", "unknown", "wait_mean_s.edge", "accuracy"};
static const char *const asked_counters[] = {"energy_j", "offered"};
static const struct store_names asked = {asked_metrics, 4, asked_counters, 2};

struct reading {
    int count;
    int stop_after;
    int numbers[10];
};

static bool read_one(void *context, const struct store_replication *replication)
{
    struct reading *reading = context;
    const int number = (int)replication->number;
    const struct values values = make_values(number);
    ck_assert(memcmp(&replication->metrics[0], &values.metrics[1], sizeof(double)) == 0);
    ck_assert(isnan(replication->metrics[1]) && isnan(replication->metrics[2]));
    ck_assert(memcmp(&replication->metrics[3], &values.metrics[0], sizeof(double)) == 0);
    ck_assert(memcmp(&replication->counters[0], &values.counters[3], sizeof(double)) == 0);
    ck_assert(memcmp(&replication->counters[1], &values.counters[0], sizeof(double)) == 0);
    ck_assert_uint_eq(replication->seed, 7);
    ck_assert_uint_eq(replication->events, 12345);
    ck_assert(replication->simulated_s == 2.385 && replication->wall_s == 0.125);
    ck_assert_uint_eq(replication->offered, (uint64_t)values.counters[0]);
    ck_assert_uint_eq(replication->answered, (uint64_t)values.counters[0] - 2);
    ck_assert_uint_eq(replication->dropped, 1);
    ck_assert_uint_eq(replication->in_flight, 1);
    reading->numbers[reading->count++] = number;
    return reading->count != reading->stop_after;
}

static const struct {
    uint64_t first;
    uint64_t last;
    int stop_after;
    int count;
    int numbers[5];
} ranges[] = {
    {0, UINT64_MAX, 0, 5, {0, 1, 2, 3, 4}},
    {1, 3, 0, 3, {1, 2, 3}},
    {4, 4, 0, 1, {4}},
    {5, 9, 0, 0, {0}},
    {3, 2, 0, 0, {0}},
    {0, 4, 2, 2, {0, 1}},
};

START_TEST(store_reads_replications)
{
    struct place place = place_make();
    struct text error = {0};
    struct store *store = open_store(place.path);
    int64_t point = add_point(store, begin(store), 0);
    add(store, point, 3, 2);
    add(store, point, 0, 3);
    add(store, add_point(store, 1, 1), 0, 2);
    store_close(store);
    store = open_store(place.path); // which has to ask for the names
    struct reading reading = {.stop_after = ranges[_i].stop_after};
    ck_assert_int_eq(store_read_replications(store, point, ranges[_i].first, ranges[_i].last,
                                             &asked, read_one, &reading, &error),
                     0);
    ck_assert_int_eq(reading.count, ranges[_i].count);
    ck_assert_mem_eq(reading.numbers, ranges[_i].numbers,
                     (size_t)reading.count * sizeof(reading.numbers[0]));
    store_close(store);
    place_remove(&place);
}
END_TEST

START_TEST(store_reads_for_pricing)
{
    struct place place = place_make();
    struct text error = {0};
    struct store *store = open_store(place.path);
    struct sweep sweep;
    make_sweep(&sweep, begin_sweep(store, "x", NULL), 4);
    sweep.points[3].uses_prices = true;
    sweep.points[3].policy = "greedy";
    plan(store, &sweep, 4);
    add(store, 1, 0, REPLICATIONS);
    struct reading reading = {0};
    ck_assert_int_eq(store_read_for_pricing(store, 2, &asked, read_one, &reading, &error), -1);
    ck_assert_str_eq(text_string(&error), "point 2 cannot be priced anew: it is not complete; run "
                                          "it to its end first");
    complete(store, 2);
    add(store, 1, REPLICATIONS, 1);
    text_clear(&error);
    ck_assert_int_eq(store_read_for_pricing(store, 2, &asked, read_one, &reading, &error), 0);
    ck_assert_int_eq(reading.count, REPLICATIONS);
    complete(store, 4);
    ck_assert_int_eq(store_read_for_pricing(store, 4, &asked, read_one, &reading, &error), -1);
    ck_assert_str_eq(text_string(&error),
                     "point 4 cannot be priced anew: decisions of its policy 'greedy' depend on "
                     "prices; run it again with the other prices");
    text_clear(&error);
    ck_assert_int_eq(store_read_for_pricing(store, 77, &asked, read_one, &reading, &error), -1);
    check_message(&error, &place,
                  "cannot store results in 'DIR/results.db': point 77 is no longer in it; run "
                  "again, and delete nothing meanwhile");
    text_finish(&error);
    store_close(store);
    place_remove(&place);
}
END_TEST

START_TEST(store_reads_estimates)
{
    struct place place = place_make();
    struct text error = {0};
    struct text verdict = {0};
    struct store *store = open_store(place.path);
    int64_t point = add_point(store, begin(store), 0);
    struct store_estimate read[] = {
        {.metric = "cost_mean"}, {.metric = "none"}, {.metric = "accuracy"}};
    uint64_t replications = 0;
    ck_assert_int_eq(
        store_read_estimates(store, point, read, 3, &replications, &verdict, NULL, &error), -1);
    ck_assert_str_eq(text_string(&error), "point 1 has no estimates: it is not complete");
    ck_assert_str_eq(text_string(&verdict), "");
    complete(store, point);
    ck_assert_int_eq(
        store_read_estimates(store, point, read, 3, &replications, &verdict, NULL, &error), 0);
    ck_assert_str_eq(text_string(&verdict), "stable");
    ck_assert_uint_eq(replications, REPLICATIONS);
    ck_assert(read[0].mean == 0.0857 && isnan(read[0].half_width) && read[0].confidence == 0.95);
    ck_assert(isnan(read[1].mean) && read[1].replications == 0);
    ck_assert(read[2].mean == 0.9143 && read[2].half_width == 0.002);
    ck_assert(read[2].low == 0.9125 && read[2].high == 0.9163 && read[2].variance_ratio == 2.385);
    ck_assert(isnan(read[0].low) && isnan(read[0].high) && isnan(read[0].variance_ratio));
    ck_assert_uint_eq(read[2].replications, REPLICATIONS);
    text_finish(&error);
    text_finish(&verdict);
    store_close(store);
    place_remove(&place);
}
END_TEST

// ---- samples ----

static const struct store_sample samples[] = {
    {.device = 0,
     .number = 0,
     .trace_row = 17,
     .arrived_s = 0.125,
     .latency_s = 0.02385,
     .wait_s = 0.001,
     .service_s = 0.018,
     .transfer_s = 0,
     .energy_j = 0.5,
     .cost = 0.3,
     .tier = "device",
     .exit = "small.end",
     .decision = "confident",
     .confidence = 0.75,
     .correct = 1},
    {.device = 0,
     .number = 1,
     .trace_row = -1,
     .arrived_s = 0.25,
     .latency_s = NAN,
     .drop_reason = "full",
     .confidence = NAN,
     .correct = -1,
     .is_offloaded = true},
    {.device = 3,
     .number = 0,
     .trace_row = 0,
     .arrived_s = 0.375,
     .latency_s = 1,
     .tier = "edge",
     .exit = "large.end",
     .confidence = 0.5,
     .correct = 0,
     .is_offloaded = true},
};

START_TEST(store_keeps_samples)
{
    struct place place = place_make();
    struct text error = {0};
    struct store *store = open_store(place.path);
    int64_t point = add_point(store, begin(store), 0);
    ck_assert_int_eq(store_add_samples(store, point, 1, samples, 3, &error), -1);
    check_message(
        &error, &place,
        "cannot store results in 'DIR/results.db': replication 1000001 is no longer in it; "
        "run again, and delete nothing meanwhile");
    text_clear(&error);
    add(store, point, 0, 2);
    ck_assert_int_eq(store_add_samples(store, point, 1, samples, 2, &error), 0);
    ck_assert_int_eq(store_add_samples(store, point, 1, samples, 3, &error), 0);
    check_answer(place.path,
                 "SELECT replication, device, number, trace_row, arrived_s, latency_s, energy_j,"
                 " cost, tier, exit, confidence, is_correct, is_offloaded, drop_reason, decision"
                 " FROM sample_outcomes",
                 "replication|device|number|trace_row|arrived_s|latency_s|energy_j|cost|tier|exit|"
                 "confidence|is_correct|is_offloaded|drop_reason|decision\n"
                 "1|0|0|17|0.125|0.02385|0.5|0.3|'device'|'small.end'|0.75|1|0|null|'confident'\n"
                 "1|0|1|null|0.25|null|0|0|null|null|null|null|1|'full'|null\n"
                 "1|3|0|0|0.375|1|0|0|'edge'|'large.end'|0.5|0|1|null|null\n");
    check_answer(place.path, "SELECT wait_s, service_s, transfer_s FROM sample_outcomes LIMIT 1",
                 "wait_s|service_s|transfer_s\n0.001|0.018|0\n");
    text_finish(&error);
    store_close(store);
    place_remove(&place);
}
END_TEST

// More than one statement adds, and in several ways of falling on statements.
START_TEST(store_keeps_many_samples)
{
    enum { MANY = 200 };
    struct place place = place_make();
    struct text error = {0};
    struct store *store = open_store(place.path);
    static struct store_sample many[MANY];
    int64_t point = add_point(store, begin(store), 0);
    add(store, point, 0, 1);
    for (int i = 0; i < MANY; i++) {
        many[i] = (struct store_sample){.device = (uint64_t)(i % 3),
                                        .number = (uint64_t)(i / 3),
                                        .arrived_s = 0.5 * i,
                                        .tier = i % 3 ? "edge" : "device",
                                        .confidence = NAN,
                                        .correct = -1};
    }
    ck_assert_int_eq(store_add_samples(store, point, 0, many, 130, &error), 0);
    ck_assert_int_eq(store_add_samples(store, point, 0, many, MANY, &error), 0);
    check_answer(place.path,
                 "SELECT count(*) AS n, sum(arrived_s = 0.5 * (3 * number + device)) AS right,"
                 " sum(tier = iif(device, 'edge', 'device')) AS tiers FROM sample_outcomes",
                 "n|right|tiers\n200|200|200\n");
    // One that the table does not take is an error, and is not left out without a word.
    many[7].number = 1000;
    many[7].correct = 2;
    ck_assert_int_eq(store_add_samples(store, point, 0, many, MANY, &error), -1);
    check_message(
        &error, &place,
        "cannot store results in 'DIR/results.db': CHECK constraint failed: is_correct IN "
        "(0, 1)");
    text_finish(&error);
    store_close(store);
    place_remove(&place);
}
END_TEST

// ---- version 1 ----

static const char old_results[] =
    "INSERT INTO experiments (id, scenario, path, command, scenario_json, scenario_hash, seed,"
    " version, started_at, wall_s, status) VALUES (3, 'old', 'o.yaml', 'run', '{}', 'h', 7, '0.1',"
    " '2025-01-01T00:00:00Z', 2.5, 'finished'), (5, 'old', 'o.yaml', 'run', '{}', 'h', 7, '0.1',"
    " '2025-01-02T00:00:00Z', NULL, 'running');"
    "INSERT INTO points (id, experiment_id, ordinal, policy, is_oracle, uses_prices,"
    " parameters_json, hash, replications, verdict, is_complete) VALUES"
    " (1, 3, 0, 'local', 0, 0, '{}', 'p', 2, 'stable', 1),"
    " (2, 3, 1, 'greedy', 0, 1, '{\"a\":1}', 'q', 1, NULL, 0),"
    " (4, 5, 0, 'local', 0, 0, '{}', 'p', 1, NULL, 0);"
    "INSERT INTO parameters VALUES (2, 'a', 1);"
    "INSERT INTO metric_names VALUES (1, 'accuracy', '', 'm'), (2, 'cost_mean', '', 'c');"
    "INSERT INTO counter_names VALUES (1, 'errors', '', 'e');"
    "INSERT INTO prices VALUES (1, 1, 0.5);"
    "INSERT INTO replications VALUES (1, 2, 0, 7, 1, 1, 1, 100, 90, 10, 0),"
    " (2, 1, 1, 7, 1, 1, 1, 100, 90, 10, 0), (3, 1, 0, 7, 1, 1, 1, 100, 90, 10, 0),"
    " (4, 4, 0, 7, 1, 1, 1, 100, 90, 10, 0),"
    // A number that a new one takes.
    " (1000001, 4, 1, 7, 1, 1, 1, 100, 90, 10, 0);"
    "INSERT INTO metrics VALUES (1, 1, 0.1), (2, 1, 0.2), (3, 1, 0.3), (3, 2, 0.125), (4, 1, NULL),"
    " (1000001, 1, 0.5);"
    "INSERT INTO counters VALUES (1, 1, 11), (2, 1, 22), (3, 1, 25), (1000001, 1, 55);"
    "INSERT INTO estimates VALUES (1, 1, 0.25, 0.05, 0.95, 2);";

static const struct {
    const char *sql;
    const char *wanted;
} migrated[] = {
    {"PRAGMA user_version", "user_version\n3\n"},
    {"SELECT id, scenario, kind, sweep_json, wall_s, status FROM experiments",
     "id|scenario|kind|sweep_json|wall_s|status\n3|'old'|'run'|null|2.5|'finished'\n"
     "5|'old'|'run'|null|null|'running'\n"},
    {"SELECT id, experiment_id, policy, hash, simulation_hash, source_id, replications, verdict,"
     " is_complete FROM points",
     "id|experiment_id|policy|hash|simulation_hash|source_id|replications|verdict|is_complete\n"
     "1|3|'local'|'p'|'version-1-p'|null|2|'stable'|1\n"
     "2|3|'greedy'|'q'|'version-1-q'|null|1|null|0\n"
     "4|5|'local'|'p'|'version-1-p'|null|1|null|0\n"},
    {"SELECT id, point_id, number FROM replications ORDER BY id",
     "id|point_id|number\n1000000|1|0\n1000001|1|1\n2000000|2|0\n4000000|4|0\n4000001|4|1\n"},
    {"SELECT replication_id, metric_id, value FROM metrics",
     "replication_id|metric_id|value\n1000000|1|0.3\n1000000|2|0.125\n1000001|1|0.2\n"
     "2000000|1|0.1\n4000000|1|null\n4000001|1|0.5\n"},
    {"SELECT * FROM counters", "replication_id|counter_id|value\n1000000|1|25\n1000001|1|22\n"
                               "2000000|1|11\n4000001|1|55\n"},
    {"SELECT point_id, number, metric, value FROM replication_metrics WHERE experiment_id = 3"
     " ORDER BY point_id, number, metric",
     "point_id|number|metric|value\n1|0|'accuracy'|0.3\n1|0|'cost_mean'|0.125\n"
     "1|1|'accuracy'|0.2\n2|0|'accuracy'|0.1\n"},
    {"SELECT point_id, accuracy, accuracy_half_width FROM tradeoffs WHERE is_complete",
     "point_id|accuracy|accuracy_half_width\n1|0.25|0.05\n"},
    {"SELECT mean, low, high, variance_ratio, accuracy_low, accuracy_high, units, stopped"
     " FROM estimates JOIN points ON points.id = estimates.point_id"
     " JOIN tradeoffs ON tradeoffs.point_id = points.id",
     "mean|low|high|variance_ratio|accuracy_low|accuracy_high|units|stopped\n"
     "0.25|0.2|0.3|null|0.2|0.3|'replications'|null\n"},
    {"SELECT * FROM parameters", "point_id|path|value\n2|'a'|1\n"},
    {"SELECT count(*) AS n FROM pragma_foreign_key_check", "n\n0\n"},
    {"SELECT count(*) AS n FROM column_meanings WHERE table_name = 'samples'", "n\n18\n"},
};

static void make_old(const char *path)
{
    execute(path, embedded_schema);
    execute(path, old_results);
    execute(path, "PRAGMA journal_mode = WAL");
}

START_TEST(store_brings_version_1_up_to_date)
{
    struct place place = place_make();
    struct text error = {0};
    make_old(place.path);
    ck_assert_int_eq(run_query(place.path, "SELECT 1", &error), -1);
    check_message(&error, &place,
                  "cannot read results from 'DIR/results.db': it was written by an older "
                  "offloadsim (schema 1, this one reads 3); a run that stores into it brings it up "
                  "to date");
    text_clear(&error);
    store_close(open_store(place.path));
    if (strncmp(migrated[_i].sql, "SELECT count(*) AS n FROM pragma", 32) == 0) {
        check_sound(place.path); // A query may not use this pragma.
    } else {
        check_answer(place.path, migrated[_i].sql, migrated[_i].wanted);
    }
    text_finish(&error);
    place_remove(&place);
}
END_TEST

// The same tables and views, whichever way.
START_TEST(store_new_and_old_files_agree)
{
    struct place place = place_make();
    struct place old = place_make();
    struct text answers[2] = {{0}, {0}};
    struct text error = {0};
    static const char sql[] =
        "SELECT type, name, sql FROM sqlite_schema UNION ALL SELECT table_name, column_name,"
        " unit || meaning FROM column_meanings ORDER BY 1, 2";
    make_old(old.path);
    store_close(open_store(old.path));
    store_close(open_store(place.path));
    ck_assert_int_eq(answer_query(place.path, sql, NULL, NULL, &answers[0], &error), 0);
    ck_assert_int_eq(answer_query(old.path, sql, NULL, NULL, &answers[1], &error), 0);
    ck_assert_str_eq(text_string(&answers[0]), text_string(&answers[1]));
    text_finish(&answers[0]);
    text_finish(&answers[1]);
    place_remove(&place);
    place_remove(&old);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store read");

    TCase *reading = tcase_create("reading");
    unit_add_table(reading, store_reads_replications, ranges);
    tcase_add_test(reading, store_reads_for_pricing);
    tcase_add_test(reading, store_reads_estimates);
    suite_add_tcase(suite, reading);

    TCase *kept = tcase_create("samples");
    tcase_add_test(kept, store_keeps_samples);
    tcase_add_test(kept, store_keeps_many_samples);
    suite_add_tcase(suite, kept);

    TCase *versions = tcase_create("versions");
    unit_add_table(versions, store_brings_version_1_up_to_date, migrated);
    tcase_add_test(versions, store_new_and_old_files_agree);
    suite_add_tcase(suite, versions);

    return unit_run(suite);
}
