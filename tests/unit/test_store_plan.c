// SPDX-License-Identifier: GPL-3.0-or-later
// What sweeps need of the store: planning, shared replications, reading back, claims, samples, and
// the way from version 1 of the schema.
#include "base/text.h"
#include "results/embedded.h"
#include "results/store.h"
#include "store_fixture.h"
#include "unit.h"

#include <math.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int64_t begin_sweep(struct store *store, const char *hash, bool *ret_is_resumed)
{
    struct text error = {0};
    struct store_experiment sweep = experiment;
    sweep.scenario_hash = hash;
    sweep.sweep_json = "{\"prices.offload\":[0.1,0.2]}";
    sweep.resumes = true;
    int64_t id = -1;
    int result = store_begin_experiment(store, &sweep, &id, ret_is_resumed, &error);
    ck_assert_msg(result == 0, "%s", text_string(&error));
    return id;
}

// Points of a sweep over a price and a threshold: `count` points, of which each three that follow
// each other differ in the price only.
enum { MOST_POINTS = 30 };

struct sweep {
    struct store_point points[MOST_POINTS];
    struct store_parameter parameters[MOST_POINTS][2];
    struct store_price prices[MOST_POINTS][2];
    char hashes[MOST_POINTS][16];
    char simulations[MOST_POINTS][16];
    struct store_point_state states[MOST_POINTS];
};

static void make_sweep(struct sweep *sweep, int64_t experiment_id, int count)
{
    for (int i = 0; i < count; i++) {
        const double price = 0.1 * (i % 3 + 1);
        snprintf(sweep->hashes[i], sizeof(sweep->hashes[i]), "whole-%d", i);
        snprintf(sweep->simulations[i], sizeof(sweep->simulations[i]), "part-%d", i / 3);
        sweep->parameters[i][0] = (struct store_parameter){.path = "theta", .number = i / 3};
        sweep->parameters[i][1] =
            (struct store_parameter){.path = "prices.offload", .number = price};
        sweep->prices[i][0] = (struct store_price){"errors", 1};
        sweep->prices[i][1] = (struct store_price){"offloads.device-edge", price};
        sweep->points[i] = (struct store_point){.experiment_id = experiment_id,
                                                .ordinal = i,
                                                .policy = "hi_threshold",
                                                .hash = sweep->hashes[i],
                                                .simulation_hash = sweep->simulations[i],
                                                .replications = REPLICATIONS,
                                                .parameters = sweep->parameters[i],
                                                .parameter_count = 2,
                                                .prices = sweep->prices[i],
                                                .price_count = 2};
    }
}

static void plan(struct store *store, struct sweep *sweep, int count)
{
    struct text error = {0};
    int result = store_plan_points(store, sweep->points, (size_t)count, sweep->states, &error);
    ck_assert_msg(result == 0, "%s", text_string(&error));
}

static void add(struct store *store, int64_t point_id, int first, int count)
{
    struct text error = {0};
    int result = add_replications(store, point_id, first, count, &error);
    ck_assert_msg(result == 0, "%s", text_string(&error));
}

// ---- experiments that are resumed ----

START_TEST(store_resumes_the_latest_of_its_kind)
{
    struct place place = place_make();
    struct text error = {0};
    struct store *store = open_store(place.path);
    bool is_resumed = true;
    ck_assert_int_eq(begin_sweep(store, "c0ffee", &is_resumed), 1);
    ck_assert(!is_resumed);
    ck_assert_int_eq(store_finish_experiment(store, 1, 1.25, STORE_INTERRUPTED, &error), 0);
    ck_assert_int_eq(begin_sweep(store, "tea", &is_resumed), 2);
    ck_assert(!is_resumed);
    ck_assert_int_eq(begin(store), 3); // A run with the same hash is another thing.
    execute(place.path, "UPDATE experiments SET started_at = 'then'");
    ck_assert_int_eq(begin_sweep(store, "c0ffee", &is_resumed), 1);
    ck_assert(is_resumed);
    check_answer(place.path,
                 "SELECT status, kind, wall_s, started_at FROM experiments WHERE id = 1",
                 "status|kind|wall_s|started_at\n'running'|'sweep'|1.25|'then'\n");
    ck_assert_int_eq(store_finish_experiment(store, 1, 0.5, STORE_FINISHED, &error), 0);
    check_answer(place.path, "SELECT id, kind, sweep_json, status, wall_s FROM experiments",
                 "id|kind|sweep_json|status|wall_s\n"
                 "1|'sweep'|'{\"prices.offload\":[0.1,0.2]}'|'finished'|1.75\n"
                 "2|'sweep'|'{\"prices.offload\":[0.1,0.2]}'|'running'|null\n"
                 "3|'run'|null|'running'|null\n");
    store_close(store);
    place_remove(&place);
}
END_TEST

START_TEST(store_is_finished_when_all_points_are)
{
    struct place place = place_make();
    struct text error = {0};
    struct store *store = open_store(place.path);
    struct sweep sweep;
    make_sweep(&sweep, begin_sweep(store, "x", NULL), 2);
    plan(store, &sweep, 2);
    complete(store, sweep.states[0].id);
    ck_assert_int_eq(store_finish_experiment(store, 1, 1, STORE_FINISHED, &error), 0);
    check_answer(place.path, "SELECT status FROM experiments", "status\n'running'\n");
    complete(store, sweep.states[1].id);
    ck_assert_int_eq(store_finish_experiment(store, 1, 1, STORE_FINISHED, &error), 0);
    check_answer(place.path, "SELECT status FROM experiments", "status\n'finished'\n");
    store_close(store);
    place_remove(&place);
}
END_TEST

// ---- points ----

START_TEST(store_plans_shared_replications)
{
    struct place place = place_make();
    struct store *store = open_store(place.path);
    struct sweep sweep;
    make_sweep(&sweep, begin_sweep(store, "x", NULL), 7);
    plan(store, &sweep, 7);
    static const int64_t sources[] = {1, 1, 1, 4, 4, 4, 7};
    for (int i = 0; i < 7; i++) {
        ck_assert_int_eq(sweep.states[i].id, i + 1);
        ck_assert_int_eq(sweep.states[i].source_id, sources[i]);
        ck_assert_uint_eq(sweep.states[i].source_replications, 0);
        ck_assert(!sweep.states[i].is_complete);
    }
    add(store, 1, 0, 3);
    add(store, 4, 0, REPLICATIONS);
    complete(store, 5);
    // Planned again, with a few more: nothing is added twice.
    make_sweep(&sweep, 1, 9);
    plan(store, &sweep, 9);
    ck_assert_uint_eq(sweep.states[2].source_replications, 3);
    ck_assert_uint_eq(sweep.states[4].source_replications, REPLICATIONS);
    ck_assert(sweep.states[4].is_complete && !sweep.states[3].is_complete);
    ck_assert_int_eq(sweep.states[8].source_id, 7);
    // More replications than it rests on make it incomplete.
    sweep.points[4].replications = REPLICATIONS + 1;
    plan(store, &sweep, 9);
    ck_assert(!sweep.states[4].is_complete);
    sweep.points[4].replications = 0;
    plan(store, &sweep, 9);
    ck_assert(sweep.states[4].is_complete);
    // Another experiment shares as well.
    make_sweep(&sweep, begin_sweep(store, "y", NULL), 2);
    plan(store, &sweep, 2);
    ck_assert_int_eq(sweep.states[0].id, 10);
    ck_assert_int_eq(sweep.states[0].source_id, 1);
    check_answer(place.path,
                 "SELECT count(*) AS n, count(source_id) AS shared,"
                 " (SELECT count(*) FROM parameters) AS parameters,"
                 " (SELECT count(*) FROM prices) AS prices FROM points",
                 "n|shared|parameters|prices\n11|8|22|22\n");
    check_sound(place.path);
    store_close(store);
    place_remove(&place);
}
END_TEST

START_TEST(store_prefers_a_source_with_replications)
{
    struct place place = place_make();
    struct text error = {0};
    struct store *store = open_store(place.path);
    struct sweep sweep;
    int64_t id = 0;
    make_sweep(&sweep, begin_sweep(store, "x", NULL), 2);
    ck_assert_int_eq(store_add_point(store, &sweep.points[0], &id, &error), 0);
    ck_assert_int_eq(store_add_point(store, &sweep.points[1], &id, &error), 0);
    ck_assert_int_eq(id, 2); // of the same simulation, with replications of its own
    add(store, 2, 0, 2);
    make_sweep(&sweep, begin_sweep(store, "y", NULL), 1);
    plan(store, &sweep, 1);
    ck_assert_int_eq(sweep.states[0].source_id, 2);
    store_close(store);
    place_remove(&place);
}
END_TEST

START_TEST(store_refuses_what_does_not_belong)
{
    struct place place = place_make();
    struct text error = {0};
    struct store *store = open_store(place.path);
    struct sweep sweep;
    make_sweep(&sweep, begin_sweep(store, "x", NULL), 3);
    plan(store, &sweep, 3);
    ck_assert_int_eq(add_replications(store, 2, 0, 1, &error), -1);
    check_message(&error, &place,
                  "cannot store results in 'DIR/results.db': point 2 shares the replications of "
                  "point 1, which they belong to");
    text_clear(&error);
    const struct store_replication beyond = {.number = 1000000};
    const struct store_batch batch = {
        .point_id = 1, .replications = &beyond, .replication_count = 1};
    ck_assert_int_eq(store_add_replications(store, &batch, &error), -1);
    check_message(&error, &place,
                  "cannot store results in 'DIR/results.db': replication 1000000 is beyond the "
                  "last possible, 999999; ask for fewer");
    text_clear(&error);
    sweep.points[2].hash = "other";
    struct store_point_state untouched[3] = {{.id = -7}, {.id = -7}, {.id = -7}};
    ck_assert_int_eq(store_plan_points(store, &sweep.points[2], 1, &untouched[2], &error), -1);
    check_message(&error, &place,
                  "cannot store results in 'DIR/results.db': point 2 of experiment 1 is another "
                  "one than planned; begin an experiment of its own");
    ck_assert_int_eq(untouched[2].id, -7);
    text_finish(&error);
    store_close(store);
    place_remove(&place);
}
END_TEST

// Each point is priced with its own prices, and shows the replications that it rests on.
START_TEST(store_views_resolve_the_source)
{
    struct place place = place_make();
    struct store *store = open_store(place.path);
    struct sweep sweep;
    make_sweep(&sweep, begin_sweep(store, "x", NULL), 3);
    plan(store, &sweep, 3);
    add(store, 1, 0, REPLICATIONS);
    complete(store, 3);
    add(store, 1, REPLICATIONS, 2); // for a point that asks for more
    check_answer(place.path,
                 "SELECT point_id, count(*) AS n, max(number) AS last FROM replication_metrics"
                 " WHERE metric = 'accuracy' GROUP BY point_id",
                 "point_id|n|last\n1|7|6\n2|7|6\n3|5|4\n");
    check_answer(place.path,
                 "SELECT point_id, count(*) AS n FROM replication_counters"
                 " WHERE counter = 'errors' GROUP BY point_id",
                 "point_id|n\n1|7\n2|7\n3|5\n");
    // 137 errors and 2386 offloads of 10007 samples in replication 0.
    check_answer(
        place.path,
        "SELECT a.point_id, abs(a.value - b.cost_mean) < 1e-15 AS agree,"
        " abs(a.value - (137 + 0.1 * a.point_id * 2386) / 10007) < 1e-15 AS fits"
        " FROM replication_metrics AS a JOIN replication_costs AS b USING (point_id, number)"
        " WHERE metric = 'cost_mean' AND number = 0 ORDER BY a.point_id",
        "point_id|agree|fits\n1|1|1\n2|1|1\n3|1|1\n");
    check_answer(place.path,
                 "SELECT point_id, counter, price FROM replication_counters WHERE number = 0"
                 " AND price < 1 ORDER BY point_id",
                 "point_id|counter|price\n1|'offloads.device-edge'|0.1\n"
                 "2|'offloads.device-edge'|0.2\n3|'offloads.device-edge'|0.30000000000000004\n");
    store_close(store);
    place_remove(&place);
}
END_TEST

// The rows of two files are the same if the replications came in another order.
START_TEST(store_does_not_depend_on_the_order)
{
    struct place places[2] = {place_make(), place_make()};
    struct text dumps[2] = {{0}, {0}};
    static const int orders[2][REPLICATIONS] = {{0, 1, 2, 3, 4}, {3, 0, 4, 2, 1}};
    for (int file = 0; file < 2; file++) {
        struct store *store = open_store(places[file].path);
        struct text error = {0};
        struct sweep sweep;
        make_sweep(&sweep, begin_sweep(store, "x", NULL), 6);
        plan(store, &sweep, 6);
        for (int i = 0; i < REPLICATIONS; i++) {
            add(store, file ? 4 : 1, orders[file][i], 1);
        }
        for (int i = 0; i < REPLICATIONS; i++) {
            add(store, file ? 1 : 4, orders[1 - file][i], 1);
        }
        ck_assert_int_eq(answer_query(places[file].path,
                                      "SELECT replications.*, metric_id, value FROM replications"
                                      " JOIN metrics ON replication_id = id",
                                      NULL, NULL, &dumps[file], &error),
                         0);
        store_close(store);
        place_remove(&places[file]);
    }
    ck_assert_str_eq(text_string(&dumps[0]), text_string(&dumps[1]));
    ck_assert_uint_gt(dumps[0].length, 1000);
    text_finish(&dumps[0]);
    text_finish(&dumps[1]);
}
END_TEST

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
    ck_assert_int_eq(store_read_estimates(store, point, read, 3, &replications, &verdict, &error),
                     -1);
    ck_assert_str_eq(text_string(&error), "point 1 has no estimates: it is not complete");
    ck_assert_str_eq(text_string(&verdict), "");
    complete(store, point);
    ck_assert_int_eq(store_read_estimates(store, point, read, 3, &replications, &verdict, &error),
                     0);
    ck_assert_str_eq(text_string(&verdict), "stable");
    ck_assert_uint_eq(replications, REPLICATIONS);
    ck_assert(read[0].mean == 0.0857 && isnan(read[0].half_width) && read[0].confidence == 0.95);
    ck_assert(isnan(read[1].mean) && read[1].replications == 0);
    ck_assert(read[2].mean == 0.9143 && read[2].half_width == 0.002);
    ck_assert_uint_eq(read[2].replications, REPLICATIONS);
    text_finish(&error);
    text_finish(&verdict);
    store_close(store);
    place_remove(&place);
}
END_TEST

// ---- claims ----

static enum store_claim_result claim(struct store *store, int64_t source_id, uint64_t first,
                                     uint64_t count, double lease_s)
{
    struct text error = {0};
    const struct store_range range = {source_id, first, count};
    enum store_claim_result claimed = STORE_CLAIM_TAKEN;
    int result = store_claim(store, &range, 1, lease_s, &claimed, &error);
    ck_assert_msg(result == 0, "%s", text_string(&error));
    return claimed;
}

START_TEST(store_claims_keep_others_away)
{
    struct place place = place_make();
    struct text error = {0};
    struct store *a = open_store(place.path);
    struct store *b = open_store(place.path);
    int64_t id = begin(a);
    int64_t point = add_point(a, id, 0);
    int64_t another = add_point(a, id, 1);
    ck_assert_int_eq(claim(a, point, 2, 4, 100), STORE_CLAIM_GRANTED);
    ck_assert_int_eq(claim(a, point, 2, 4, 100), STORE_CLAIM_GRANTED);
    ck_assert_int_eq(claim(a, point, 4, 4, 100), STORE_CLAIM_GRANTED); // overlaps its own
    ck_assert_int_eq(claim(b, point, 0, 2, 100), STORE_CLAIM_GRANTED);
    ck_assert_int_eq(claim(b, point, 0, 3, 100), STORE_CLAIM_TAKEN);
    ck_assert_int_eq(claim(b, point, 7, 9, 100), STORE_CLAIM_TAKEN);
    ck_assert_int_eq(claim(b, point, 8, 9, 100), STORE_CLAIM_GRANTED);
    ck_assert_int_eq(claim(b, another, 2, 4, 100), STORE_CLAIM_GRANTED);
    // What is stored is nobody's.
    add(a, point, 2, 4);
    ck_assert_int_eq(claim(b, point, 3, 2, 100), STORE_CLAIM_STORED);
    ck_assert_int_eq(claim(b, point, 5, 2, 100), STORE_CLAIM_TAKEN);
    ck_assert_int_eq(store_release_claims(a, &error), 0);
    ck_assert_int_eq(claim(b, point, 5, 2, 100), STORE_CLAIM_GRANTED);
    store_close(b);
    ck_assert_int_eq(claim(a, point, 0, 100, 100), STORE_CLAIM_GRANTED);
    store_close(a);
    check_answer(place.path, "SELECT count(*) AS n FROM claims", "n\n0\n");
    place_remove(&place);
}
END_TEST

START_TEST(store_claims_end)
{
    struct place place = place_make();
    struct text error = {0};
    struct store *a = open_store(place.path);
    struct store *b = open_store(place.path);
    int64_t point = add_point(a, begin(a), 0);
    const struct timespec pause = {.tv_nsec = 60 * 1000000L};
    ck_assert_int_eq(claim(a, point, 0, 4, 0.03), STORE_CLAIM_GRANTED);
    ck_assert_int_eq(store_renew_claims(a, 50, &error), 0);
    nanosleep(&pause, NULL);
    ck_assert_int_eq(claim(b, point, 0, 4, 50), STORE_CLAIM_TAKEN);
    ck_assert_int_eq(store_renew_claims(a, 0.03, &error), 0);
    nanosleep(&pause, NULL);
    ck_assert_int_eq(claim(b, point, 0, 4, 50), STORE_CLAIM_GRANTED);
    ck_assert_int_eq(claim(a, point, 0, 4, 50), STORE_CLAIM_TAKEN);
    store_close(a);
    store_close(b);
    place_remove(&place);
}
END_TEST

// Processes that claim chunks of a plan, one of which is killed: in the end each replication is
// there once, and no more were simulated than are there and the killed one had under way.
START_TEST(store_processes_share_the_work)
{
    enum { PROCESSES = 3, POINTS = 12, MOST = 1000 };
    struct place place = place_make();
    struct store *store = open_store(place.path);
    struct sweep sweep;
    make_sweep(&sweep, begin_sweep(store, "x", NULL), POINTS);
    plan(store, &sweep, POINTS);
    store_close(store);
    int counts[2];
    ck_assert_int_eq(pipe(counts), 0);
    fflush(NULL);
    pid_t children[PROCESSES];
    for (int child = 0; child < PROCESSES; child++) {
        children[child] = fork();
        ck_assert_int_ge(children[child], 0);
        if (children[child] != 0) {
            continue;
        }
        store = open_store(place.path);
        int left = 1;
        for (int round = 0; left && round < MOST; round++) {
            left = 0;
            for (int i = 0; i < POINTS; i++) {
                const int64_t source = sweep.states[i].source_id;
                const enum store_claim_result result = claim(store, source, 0, REPLICATIONS, 0.2);
                left += result != STORE_CLAIM_STORED;
                if (result == STORE_CLAIM_GRANTED && child == 0) {
                    kill(getpid(), SIGKILL);
                } else if (result == STORE_CLAIM_GRANTED) {
                    add(store, source, 0, REPLICATIONS);
                    ck_assert_int_eq(write(counts[1], "x", 1), 1);
                }
            }
            const struct timespec pause = {.tv_nsec = 5 * 1000000L};
            nanosleep(&pause, NULL);
        }
        _exit(left ? 1 : 0);
    }
    close(counts[1]);
    for (int child = 0; child < PROCESSES; child++) {
        int status;
        ck_assert_int_eq(waitpid(children[child], &status, 0), children[child]);
        ck_assert(child == 0 || (WIFEXITED(status) && WEXITSTATUS(status) == 0));
    }
    char simulated[MOST];
    ck_assert_int_eq(read(counts[0], simulated, sizeof(simulated)), POINTS / 3);
    close(counts[0]);
    check_answer(place.path,
                 "SELECT count(*) AS n, count(DISTINCT point_id) AS sources"
                 " FROM replications",
                 "n|sources\n20|4\n");
    check_sound(place.path);
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
    check_message(&error, &place,
                  "cannot store results in 'DIR/results.db': FOREIGN KEY constraint failed");
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
    {"PRAGMA user_version", "user_version\n2\n"},
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
                  "offloadsim (schema 1, this one reads 2); a run that stores into it brings it up "
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
    Suite *suite = suite_create("store plan");

    TCase *points = tcase_create("points");
    tcase_add_test(points, store_resumes_the_latest_of_its_kind);
    tcase_add_test(points, store_is_finished_when_all_points_are);
    tcase_add_test(points, store_plans_shared_replications);
    tcase_add_test(points, store_prefers_a_source_with_replications);
    tcase_add_test(points, store_refuses_what_does_not_belong);
    tcase_add_test(points, store_views_resolve_the_source);
    tcase_add_test(points, store_does_not_depend_on_the_order);
    suite_add_tcase(suite, points);

    TCase *reading = tcase_create("reading");
    unit_add_table(reading, store_reads_replications, ranges);
    tcase_add_test(reading, store_reads_for_pricing);
    tcase_add_test(reading, store_reads_estimates);
    suite_add_tcase(suite, reading);

    TCase *claims = tcase_create("claims");
    tcase_add_test(claims, store_claims_keep_others_away);
    tcase_add_test(claims, store_claims_end);
    tcase_add_test(claims, store_processes_share_the_work);
    tcase_set_timeout(claims, 60);
    suite_add_tcase(suite, claims);

    TCase *kept = tcase_create("samples");
    tcase_add_test(kept, store_keeps_samples);
    suite_add_tcase(suite, kept);

    TCase *versions = tcase_create("versions");
    unit_add_table(versions, store_brings_version_1_up_to_date, migrated);
    tcase_add_test(versions, store_new_and_old_files_agree);
    suite_add_tcase(suite, versions);

    return unit_run(suite);
}
