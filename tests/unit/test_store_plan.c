// SPDX-License-Identifier: GPL-3.0-or-later
// What sweeps need of the store: planning, shared replications, and claims.
#include "base/text.h"
#include "results/store.h"
#include "store_fixture.h"
#include "unit.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

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
    complete(store, 1);
    complete(store, 3);
    add(store, 1, REPLICATIONS, 2); // for a point that asks for more
    check_answer(place.path,
                 "SELECT point_id, count(*) AS n, max(number) AS last FROM replication_metrics"
                 " WHERE metric = 'accuracy' GROUP BY point_id",
                 "point_id|n|last\n1|5|4\n2|7|6\n3|5|4\n");
    check_answer(place.path,
                 "SELECT point_id, count(*) AS n FROM replication_counters"
                 " WHERE counter = 'errors' GROUP BY point_id",
                 "point_id|n\n1|5\n2|7\n3|5\n");
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

// ---- groups ----

static const char count_all[] = "SELECT (SELECT count(*) FROM replications) AS r,"
                                " (SELECT count(*) FROM points WHERE is_complete) AS c";

START_TEST(store_groups_are_one_transaction)
{
    struct place place = place_make();
    struct text error = {0};
    struct store *store = open_store(place.path);
    const int64_t point = add_point(store, begin(store), 0);
    // Not to be seen before the end.
    ck_assert_int_eq(store_begin_group(store, &error), 0);
    add(store, point, 0, 2);
    add(store, point, 2, 3);
    complete(store, point);
    check_answer(place.path, count_all, "r|c\n0|0\n");
    ck_assert_int_eq(store_end_group(store, 0, &error), 0);
    check_answer(place.path, count_all, "r|c\n5|1\n");
    // What was not kept is not there, and names that came with it come again.
    ck_assert_int_eq(store_begin_group(store, &error), 0);
    const int64_t other = add_point(store, begin(store), 0);
    add(store, other, 0, 2);
    ck_assert_int_eq(store_end_group(store, -1, &error), -1);
    check_answer(place.path, count_all, "r|c\n5|1\n");
    ck_assert_str_eq(text_string(&error), "");
    // One that fails undoes those before it; those after it are on their own.
    ck_assert_int_eq(store_begin_group(store, &error), 0);
    const int64_t third = add_point(store, begin(store), 0);
    add(store, third, 0, 2);
    ck_assert_int_eq(add_replications(store, 999, 0, 1, &error), -1);
    ck_assert_int_eq(store_end_group(store, 0, &error), -1);
    check_answer(place.path, count_all, "r|c\n5|1\n");
    add(store, add_point(store, begin(store), 0), 0, 2);
    check_answer(place.path, count_all, "r|c\n7|1\n");
    check_sound(place.path);
    text_finish(&error);
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

// What a process had claimed is free as soon as it is gone; that of one elsewhere is not.
START_TEST(store_claims_end_with_their_process)
{
    struct place place = place_make();
    struct store *store = open_store(place.path);
    const int64_t point = add_point(store, begin(store), 0);
    int claimed[2];
    char byte;
    ck_assert_int_eq(pipe(claimed), 0);
    fflush(NULL);
    const pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        struct store *own = open_store(place.path);
        const enum store_claim_result result = claim(own, point, 0, 4, 1000);
        _exit(write(claimed[1], "x", 1) == 1 && result == STORE_CLAIM_GRANTED && pause() ? 0 : 1);
    }
    ck_assert_int_eq(read(claimed[0], &byte, 1), 1);
    ck_assert_int_eq(claim(store, point, 0, 4, 50), STORE_CLAIM_TAKEN);
    kill(child, SIGKILL);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    execute(place.path, "INSERT INTO claims SELECT source_id, 8, 9, owner + (1 << 47), expires_s"
                        " FROM claims");
    ck_assert_int_eq(claim(store, point, 8, 1, 50), STORE_CLAIM_TAKEN);
    ck_assert_int_eq(claim(store, point, 0, 4, 50), STORE_CLAIM_GRANTED);
    close(claimed[0]);
    close(claimed[1]);
    store_close(store);
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
        store_close(store);
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

    TCase *groups = tcase_create("groups");
    tcase_add_test(groups, store_groups_are_one_transaction);
    suite_add_tcase(suite, groups);

    TCase *claims = tcase_create("claims");
    tcase_add_test(claims, store_claims_keep_others_away);
    tcase_add_test(claims, store_claims_end);
    tcase_add_test(claims, store_claims_end_with_their_process);
    tcase_add_test(claims, store_processes_share_the_work);
    tcase_set_timeout(claims, 60);
    suite_add_tcase(suite, claims);

    return unit_run(suite);
}
