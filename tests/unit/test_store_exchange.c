// SPDX-License-Identifier: GPL-3.0-or-later
// Results that go from one file to another: merge and export.
#include "base/text.h"
#include "results/export.h"
#include "results/merge.h"
#include "results/store.h"
#include "store_fixture.h"
#include "unit.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// ---- merge ----

// A sweep of three points, of which two share replications; `mask` says which of the sources have
// theirs and are complete.
static void store_sweep(const char *path, const char *hash, int mask, const char *first_metric)
{
    struct text error = {0};
    struct store *store = open_store(path);
    struct store_experiment sweep = experiment;
    sweep.scenario_hash = hash;
    sweep.sweep_json = "{}";
    sweep.resumes = true;
    int64_t id;
    ck_assert_int_eq(store_begin_experiment(store, &sweep, &id, NULL, &error), 0);
    const struct store_price price = {"errors", 2};
    static const char *const hashes[] = {"h0", "h1", "h2"};
    static const char *const simulations[] = {"s0", "s0", "s2"};
    const struct store_parameter parameter = {.path = "theta", .number = 0.5};
    struct store_point points[3];
    struct store_point_state states[3];
    for (int i = 0; i < 3; i++) {
        points[i] = (struct store_point){.experiment_id = id,
                                         .ordinal = i,
                                         .policy = "local",
                                         .hash = hashes[i],
                                         .simulation_hash = simulations[i],
                                         .replications = REPLICATIONS,
                                         .parameters = &parameter,
                                         .parameter_count = 1,
                                         .prices = &price,
                                         .price_count = i == 1};
    }
    ck_assert_int_eq(store_plan_points(store, points, 3, states, &error), 0);
    const struct store_estimate estimate = {first_metric, 0.5,  0.375,        0.625,
                                            0.125,        0.95, REPLICATIONS, NAN};
    for (int i = 0; i < 3; i++) {
        if (mask >> i & 1) {
            ck_assert_int_eq(add_replications(store, states[i].source_id, 0, REPLICATIONS, &error),
                             0);
            ck_assert_int_eq(store_complete_point(store, states[i].id, "stable", NULL, REPLICATIONS,
                                                  &estimate, 1, &error),
                             0);
        }
    }
    store_close(store);
}

static void merge(const char *path, const char *other, const char *wanted)
{
    struct text error = {0};
    struct merge_summary summary;
    char found[100];
    int result = merge_database(path, other, &summary, &error);
    ck_assert_msg(result == 0, "%s", text_string(&error));
    snprintf(found, sizeof(found), "%lld %lld %lld %lld", (long long)summary.experiments,
             (long long)summary.points, (long long)summary.replications,
             (long long)summary.samples);
    ck_assert_str_eq(found, wanted);
    check_sound(path);
}

static const char *const everything =
    "SELECT experiment_id, point_id, number, metric, value FROM replication_metrics"
    " ORDER BY 1, 2, 3, 4";

START_TEST(merge_into_an_empty_file_is_a_copy)
{
    struct place place = place_make();
    struct text answers[2] = {{0}, {0}};
    struct text error = {0};
    char other[160];
    place_file(&place, "other.db", other);
    store_experiment(other);
    store_sweep(other, "x", 5, "accuracy");
    merge(place.path, other, "2 4 15 0");
    merge(place.path, other, "0 0 0 0");
    ck_assert_int_eq(answer_query(place.path, everything, NULL, NULL, &answers[0], &error), 0);
    ck_assert_int_eq(answer_query(other, everything, NULL, NULL, &answers[1], &error), 0);
    ck_assert_str_eq(text_string(&answers[0]), text_string(&answers[1]));
    ck_assert_uint_gt(answers[0].length, 500);
    text_finish(&answers[0]);
    text_finish(&answers[1]);
    remove_database(other);
    place_remove(&place);
}
END_TEST

// Two machines did parts of the same sweep, and know names by other numbers.
START_TEST(merge_makes_one_sweep_of_two)
{
    struct place place = place_make();
    struct text error = {0};
    char other[160];
    place_file(&place, "other.db", other);
    store_sweep(place.path, "x", 1, "accuracy");
    store_sweep(other, "unrelated", 0, "energy_mean_j");
    execute(other, "INSERT INTO metric_names (name) VALUES ('odd'), ('bytes_up_mean'), ('more');"
                   "INSERT INTO counter_names (name) VALUES ('energy_j')");
    store_sweep(other, "x", 6, "energy_mean_j");
    merge(place.path, other, "1 3 5 0");
    check_answer(place.path,
                 "SELECT experiment_id, ordinal, source_id, replications, is_complete FROM points",
                 "experiment_id|ordinal|source_id|replications|is_complete\n1|0|null|5|1\n"
                 "1|1|1|5|1\n1|2|null|5|1\n2|0|1|0|0\n2|1|1|0|0\n2|2|3|0|0\n");
    check_answer(place.path, "SELECT id, status FROM experiments",
                 "id|status\n1|'finished'\n"
                 "2|'running'\n");
    check_answer(place.path,
                 "SELECT point_id, name, mean, half_width FROM estimates"
                 " JOIN metric_names ON id = metric_id ORDER BY point_id",
                 "point_id|name|mean|half_width\n1|'accuracy'|0.5|0.125\n"
                 "2|'energy_mean_j'|0.5|0.125\n3|'energy_mean_j'|0.5|0.125\n");
    check_answer(place.path,
                 "SELECT metric, value FROM replication_metrics WHERE point_id = 3 AND number = 2"
                 " ORDER BY metric",
                 "metric|value\n'accuracy'|0.9143\n'cost_mean'|0\n'odd'|2\n"
                 "'wait_mean_s.edge'|null\n");
    check_answer(place.path,
                 "SELECT counter, value FROM replication_counters WHERE point_id = 3 AND number = 2"
                 " ORDER BY counter",
                 "counter|value\n'energy_j'|0.1\n'errors'|143\n'offered'|10009\n"
                 "'offloads.device-edge'|2384\n");
    check_answer(place.path,
                 "SELECT name, price FROM prices JOIN counter_names ON id = counter_id"
                 " WHERE point_id = 2",
                 "name|price\n'errors'|2\n");
    merge(place.path, other, "0 0 0 0");
    text_finish(&error);
    remove_database(other);
    place_remove(&place);
}
END_TEST

START_TEST(merge_takes_samples_along)
{
    struct place place = place_make();
    struct text error = {0};
    char other[160];
    place_file(&place, "other.db", other);
    const struct store_sample sample = {
        .device = 2, .number = 3, .tier = "edge", .decision = "confident", .correct = 1};
    store_experiment(other);
    struct store *store = open_store(other);
    ck_assert_int_eq(store_add_samples(store, 1, 4, &sample, 1, &error), 0);
    store_close(store);
    execute(place.path, "SELECT 1");
    store_close(open_store(place.path));
    execute(place.path, "INSERT INTO texts (text) VALUES ('confident'), ('cloud')");
    merge(place.path, other, "1 1 5 1");
    check_answer(place.path,
                 "SELECT replication, device, number, tier, decision FROM"
                 " sample_outcomes",
                 "replication|device|number|tier|decision\n4|2|3|'edge'|'confident'\n");
    remove_database(other);
    place_remove(&place);
}
END_TEST

static void make_hostile_view(const char *path)
{
    execute(path, "PRAGMA foreign_keys = OFF; DROP VIEW replication_metrics;"
                  "DROP VIEW point_replications; DROP TABLE parameters;"
                  "CREATE VIEW parameters AS SELECT 1 AS point_id, 'x' AS path,"
                  " load_extension('evil') AS value");
}

static void make_wrong_type(const char *path)
{
    execute(path, "DROP TABLE estimates; CREATE TABLE estimates (point_id, metric_id, mean,"
                  " half_width, confidence, replications, low, high, variance_ratio);"
                  "INSERT INTO estimates VALUES (1, 1, 'much', 0, 0.95, 5, 0, 0, 0)");
}

static void make_double(const char *path)
{
    execute(path, "DROP TABLE metric_names; CREATE TABLE metric_names (id, name, unit, meaning);"
                  "INSERT INTO metric_names VALUES (1, 'accuracy', '', ''), (1, 'odd', '', '')");
}

static void make_lacking(const char *path)
{
    execute(path, "DROP VIEW tradeoffs; DROP TABLE estimates");
}

// Replications of a point that is not there are nobody's, and are left behind.
static void make_orphan(const char *path)
{
    execute(path, "PRAGMA foreign_keys = OFF; UPDATE replications SET point_id = 9"
                  " WHERE number = 1");
}

static const struct {
    void (*make)(const char *path);
    const char *wanted; // part of the message; NULL: it is merged
} hostile[] = {
    {make_hostile_view, "something else has the name of one of its tables"},
    {make_wrong_type, "cannot store TEXT value in REAL column estimates.mean"},
    {make_double, "UNIQUE constraint failed: metric_map.theirs"},
    {make_lacking, "no such table: other.estimates"},
    {make_orphan, NULL},
};

START_TEST(merge_refuses_what_does_not_fit)
{
    struct place place = place_make();
    struct text error = {0};
    char other[160];
    struct merge_summary summary;
    place_file(&place, "other.db", other);
    store_experiment(place.path);
    store_experiment(other);
    hostile[_i].make(other);
    execute(other, "UPDATE experiments SET started_at = 'then'");
    int result = merge_database(place.path, other, &summary, &error);
    if (hostile[_i].wanted) {
        ck_assert_int_eq(result, -1);
        ck_assert_msg(strstr(text_string(&error), hostile[_i].wanted) != NULL, "%s",
                      text_string(&error));
        check_answer(place.path, "SELECT count(*) AS n FROM experiments", "n\n1\n");
    } else {
        ck_assert_msg(result == 0, "%s", text_string(&error));
    }
    check_sound(place.path);
    text_finish(&error);
    remove_database(other);
    place_remove(&place);
}
END_TEST

START_TEST(merge_names_what_is_wrong_with_a_file)
{
    struct place place = place_make();
    struct text error = {0};
    char other[160];
    struct merge_summary summary;
    place_file(&place, "other.db", other);
    store_experiment(place.path);
    ck_assert_int_eq(merge_database(place.path, other, &summary, &error), -1);
    check_message(&error, &place,
                  "cannot read results from 'DIR/other.db': there is no such file; run a scenario "
                  "first, or name the file with --db");
    text_clear(&error);
    ck_assert_int_eq(merge_database(place.path, place.path, &summary, &error), -1);
    check_message(&error, &place,
                  "cannot merge 'DIR/results.db' into itself; name the file to add to with --db");
    text_finish(&error);
    place_remove(&place);
}
END_TEST

// ---- export ----

static void read_file(const char *path, struct text *ret_text)
{
    char buffer[4096];
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "%s", path);
    size_t length;
    while ((length = fread(buffer, 1, sizeof(buffer), file)) > 0) {
        text_add_n(ret_text, buffer, length);
    }
    fclose(file);
}

static void check_file(const struct place *place, const char *name, const char *wanted)
{
    char path[160];
    struct text content = {0};
    read_file(place_file(place, name, path), &content);
    ck_assert_str_eq(text_string(&content), wanted);
    text_finish(&content);
}

static void remove_export(const struct place *place)
{
    static const char *const names[] = {"experiment",   "points",  "prices",
                                        "replications", "samples", "dictionary"};
    char path[160];
    char name[60];
    for (int i = 0; i < UNIT_COUNT(names); i++) {
        snprintf(name, sizeof(name), "out/%s.csv", names[i]);
        unlink(place_file(place, name, path));
    }
    rmdir(place_file(place, "out", path));
}

START_TEST(export_writes_csv)
{
    struct place place = place_make();
    struct text error = {0};
    char path[160];
    store_experiment(place.path);
    execute(place.path, "UPDATE experiments SET about = 'a \"fine\", thing', host = '',"
                        " started_at = 'then'");
    for (int round = 0; round < 2; round++) { // The second time the files are replaced.
        int64_t id = 0;
        ck_assert_int_eq(export_find(place.path, &id, &error), 0);
        ck_assert_int_eq(export_csv(place.path, id, place_file(&place, "out", path), &error), 0);
    }
    check_file(&place, "out/experiment.csv",
               "id,kind,scenario,about,path,command,scenario_hash,sweep_json,seed,version,host,"
               "started_at,wall_s,status,scenario_json\r\n"
               "1,run,hi-digits,\"a \"\"fine\"\", thing\",scenarios/hi-digits.yaml,"
               "offloadsim run scenarios/hi-digits.yaml,c0ffee,,18446744073709551615,0.1.0,\"\","
               "then,1.5,finished,\"{\"\"scenario\"\":\"\"hi-digits\"\"}\"\r\n");
    check_file(&place, "out/points.csv",
               "point,source,ordinal,policy,is_oracle,uses_prices,replications,verdict,is_complete,"
               "hash,deadline,policy.hi_threshold.theta,prices.offload,samples.order,"
               "tiers.device.nodes,accuracy,accuracy_half_width,cost_mean,cost_mean_half_width,"
               "wait_mean_s.edge,wait_mean_s.edge_half_width,odd,odd_half_width\r\n"
               "1,1,0,hi_threshold,0,0,5,stable,1,beef,inf,\"[0.6,0.7]\",0.3,shuffle,50,0.9143,"
               "0.002,0.0857,,,,,\r\n");
    check_file(&place, "out/prices.csv",
               "point,counter,price\r\n1,errors,1\r\n1,offloads.device-edge,0.3\r\n");
    ck_assert_int_ne(access(place_file(&place, "out/samples.csv", path), F_OK), 0);
    struct text replications = {0};
    read_file(place_file(&place, "out/replications.csv", path), &replications);
    ck_assert_ptr_nonnull(strstr(text_string(&replications),
                                 "in_flight,accuracy,cost_mean,wait_mean_s.edge,odd,counter.errors,"
                                 "counter.offloads.device-edge,counter.offered,counter.energy_j"));
    ck_assert_ptr_nonnull(
        strstr(text_string(&replications), "\r\n1,3,7,12345,2.385,0.125,10010,10008,1,1,0.9153,"));
    struct text dictionary = {0};
    read_file(place_file(&place, "out/dictionary.csv", path), &dictionary);
    ck_assert_ptr_nonnull(strstr(text_string(&dictionary), "\r\npoints,wait_mean_s.edge,s,"));
    ck_assert_ptr_nonnull(strstr(text_string(&dictionary), "\r\nreplications,counter.energy_j,J,"));
    text_finish(&replications);
    text_finish(&dictionary);
    remove_export(&place);
    place_remove(&place);
}
END_TEST

START_TEST(export_fails_with_a_message)
{
    struct place place = place_make();
    struct text error = {0};
    char path[160];
    store_close(open_store(place.path));
    int64_t id = 0;
    ck_assert_int_eq(export_find(place.path, &id, &error), -1);
    check_message(&error, &place,
                  "cannot export from 'DIR/results.db': there is no experiment in it");
    text_clear(&error);
    store_experiment(place.path);
    id = 4;
    ck_assert_int_eq(export_find(place.path, &id, &error), -1);
    check_message(&error, &place,
                  "cannot export from 'DIR/results.db': there is no experiment 4; 'offloadsim "
                  "query runs' lists them");
    text_clear(&error);
    ck_assert_int_eq(export_csv(place.path, 1, place_file(&place, "no/out", path), &error), -1);
    check_message(&error, &place,
                  "cannot write 'DIR/no/out': No such file or directory; name another place with "
                  "--output");
    text_clear(&error);
    FILE *full = fopen("/dev/full", "wb");
    if (full) {
        ck_assert_int_eq(export_json(place.path, 1, full, "full", &error), -1);
        ck_assert_str_eq(text_string(&error), "cannot write 'full': No space left on device; name "
                                              "another place with --output");
        fclose(full);
    }
    text_finish(&error);
    place_remove(&place);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store exchange");

    TCase *merging = tcase_create("merge");
    tcase_add_test(merging, merge_into_an_empty_file_is_a_copy);
    tcase_add_test(merging, merge_makes_one_sweep_of_two);
    tcase_add_test(merging, merge_takes_samples_along);
    unit_add_table(merging, merge_refuses_what_does_not_fit, hostile);
    tcase_add_test(merging, merge_names_what_is_wrong_with_a_file);
    suite_add_tcase(suite, merging);

    TCase *exporting = tcase_create("export");
    tcase_add_test(exporting, export_writes_csv);
    tcase_add_test(exporting, export_fails_with_a_message);
    suite_add_tcase(suite, exporting);

    return unit_run(suite);
}
