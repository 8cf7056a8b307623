// SPDX-License-Identifier: GPL-3.0-or-later
// The store on a file system that fails. A sweep is stored with a fault at the n-th read, write or
// flush, for every n up to the last. After each: what the store said it had stored is there, what
// it said it had not is not, the file is sound, and the same sweep stored once more without faults
// ends in the same rows as one that never met a fault.
#include "base/text.h"
#include "faulty_vfs.h"
#include "results/store.h"
#include "store_fixture.h"
#include "unit.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POINTS = 4, GROUPED = 2, BATCHES = 2 };

// What the store said of its steps.
struct said {
    bool is_open;
    int64_t experiment_id;
    struct store_point_state states[POINTS];
    bool is_planned;
    bool is_added[POINTS][BATCHES]; // of sources
    bool has_samples;
    bool is_complete[POINTS];
};

static bool is_source(const struct said *said, int point)
{
    return said->states[point].source_id == said->states[point].id;
}

static int begin_faulty(struct store *store, int64_t *ret_id, struct text *ret_error)
{
    struct store_experiment sweep = experiment;
    sweep.sweep_json = "{}";
    sweep.resumes = true;
    sweep.started_at = "then";
    return store_begin_experiment(store, &sweep, ret_id, NULL, ret_error);
}

static int plan_points(struct store *store, struct said *said, struct text *ret_error)
{
    static const char *const hashes[POINTS] = {"h0", "h1", "h2", "h3"};
    static const char *const simulations[POINTS] = {"s0", "s0", "s2", "s2"};
    const struct store_price price = {"errors", 2};
    const struct store_parameter parameter = {.path = "theta", .number = 0.5};
    struct store_point points[POINTS];
    for (int i = 0; i < POINTS; i++) {
        points[i] = (struct store_point){.experiment_id = said->experiment_id,
                                         .ordinal = i,
                                         .policy = "local",
                                         .hash = hashes[i],
                                         .simulation_hash = simulations[i],
                                         .parameters = &parameter,
                                         .parameter_count = 1,
                                         .prices = &price,
                                         .price_count = 1};
    }
    return store_plan_points(store, points, POINTS, said->states, ret_error);
}

// The points from GROUPED on are completed together, or none of them is.
static void complete_group(struct store *store, struct said *said,
                           const struct store_estimate *estimate, struct text *ret_error)
{
    int result = store_begin_group(store, ret_error);
    if (result == 0) {
        for (int i = GROUPED; i < POINTS && result == 0; i++) {
            result = store_complete_point(store, said->states[i].id, "stable", NULL, 4, estimate, 1,
                                          ret_error);
        }
        result = store_end_group(store, result, ret_error);
    }
    for (int i = GROUPED; i < POINTS; i++) {
        said->is_complete[i] = result == 0;
    }
}

// Goes on after each failure, as a program would that met one that passes.
static void store_sweep(const char *path, struct said *said)
{
    struct text error = {0};
    struct store *store = NULL;
    *said = (struct said){.is_open = store_open(path, 0.1, &store, &error) == 0};
    if (!said->is_open || begin_faulty(store, &said->experiment_id, &error) != 0 ||
        plan_points(store, said, &error) != 0) {
        goto end;
    }
    said->is_planned = true;
    for (int i = 0; i < POINTS; i++) {
        const struct store_range range = {said->states[i].source_id, 0, REPLICATIONS};
        enum store_claim_result claimed;
        store_claim(store, &range, 1, 10, &claimed, &error);
        for (int batch = 0; is_source(said, i) && batch < BATCHES; batch++) {
            said->is_added[i][batch] =
                add_replications(store, said->states[i].id, 2 * batch, 2, &error) == 0;
        }
    }
    const struct store_sample sample = {.device = 1, .tier = "edge", .correct = 1};
    said->has_samples = said->is_added[0][0] &&
                        store_add_samples(store, said->states[0].id, 0, &sample, 1, &error) == 0;
    const struct store_estimate estimate = {"accuracy", 0.5, 0.375, 0.625, 0.125, 0.95, 4, NAN};
    for (int i = 0; i < GROUPED; i++) {
        said->is_complete[i] = store_complete_point(store, said->states[i].id, "stable", NULL, 4,
                                                    &estimate, 1, &error) == 0;
    }
    complete_group(store, said, &estimate, &error);
end:
    store_close(store);
    text_finish(&error);
}

static int64_t ask(sqlite3 *database, const char *format, int64_t id, int64_t number)
{
    char sql[300];
    sqlite3_stmt *statement;
    snprintf(sql, sizeof(sql), format, (long long)id, (long long)number);
    ck_assert_msg(sqlite3_prepare_v2(database, sql, -1, &statement, NULL) == SQLITE_OK, "%s: %s",
                  sql, sqlite3_errmsg(database));
    ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
    const int64_t answer = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return answer;
}

// Everything that was said to be stored is there, and nothing else.
static void check_said(const char *path, const struct said *said)
{
    sqlite3 *database;
    ck_assert_int_eq(sqlite3_open(path, &database), SQLITE_OK);
    const int64_t points = ask(database, "SELECT count(*) FROM points", 0, 0);
    ck_assert_int_eq(points, said->is_planned ? POINTS : 0);
    for (int i = 0; said->is_planned && i < POINTS; i++) {
        const int64_t id = said->states[i].id;
        for (int batch = 0; is_source(said, i) && batch < BATCHES; batch++) {
            ck_assert_int_eq(ask(database,
                                 "SELECT count(*) FROM metrics WHERE replication_id / 2"
                                 " = (1000000 * %lld + 2 * %lld) / 2",
                                 id, batch),
                             said->is_added[i][batch] ? 2 * METRIC_COUNT : 0);
        }
        ck_assert_int_eq(ask(database, "SELECT is_complete FROM points WHERE id = %lld", id, 0),
                         said->is_complete[i]);
        ck_assert_int_eq(
            ask(database, "SELECT count(*) FROM estimates WHERE point_id = %lld", id, 0),
            said->is_complete[i]);
    }
    ck_assert_int_eq(ask(database, "SELECT count(*) FROM samples", 0, 0), said->has_samples);
    sqlite3_close(database);
}

static const char *const tables[] = {"experiments",  "points",  "parameters",   "prices",
                                     "replications", "metrics", "counters",     "estimates",
                                     "samples",      "texts",   "metric_names", "counter_names"};

static void dump(const char *path, struct text *ret_text)
{
    sqlite3 *database;
    ck_assert_int_eq(sqlite3_open(path, &database), SQLITE_OK);
    for (int i = 0; i < UNIT_COUNT(tables); i++) {
        char sql[100];
        sqlite3_stmt *statement;
        // Names are numbered in the order in which they came, which a fault may change.
        snprintf(sql, sizeof(sql), i < 9 ? "SELECT * FROM %s" : "SELECT count(*) FROM %s",
                 tables[i]);
        ck_assert_int_eq(sqlite3_prepare_v2(database, sql, -1, &statement, NULL), SQLITE_OK);
        while (sqlite3_step(statement) == SQLITE_ROW) {
            for (int k = 0; k < sqlite3_column_count(statement); k++) {
                const char *value = (const char *)sqlite3_column_text(statement, k);
                text_format(ret_text, "%s|", value ? value : "null");
            }
            text_add(ret_text, "\n");
        }
        sqlite3_finalize(statement);
    }
    sqlite3_close(database);
}

static bool one_fault(const char *path, enum fault fault, int n, bool is_lasting,
                      const struct text *wanted)
{
    struct said said;
    struct said again;
    struct text found = {0};
    faulty_vfs_arm(fault, n, is_lasting);
    store_sweep(path, &said);
    const bool has_failed = faulty_vfs_disarm();
    // A file that could not be made is none or an empty one, and the next one makes it.
    if (said.is_open) {
        check_said(path, &said);
        check_sound(path);
    }
    store_sweep(path, &again);
    ck_assert(again.is_open && again.is_planned && again.has_samples);
    for (int i = 0; i < POINTS; i++) {
        ck_assert(again.is_complete[i]);
    }
    dump(path, &found);
    ck_assert_str_eq(text_string(&found), text_string(wanted));
    check_sound(path);
    text_finish(&found);
    remove_database(path);
    return has_failed;
}

static const struct {
    enum fault fault;
    bool is_lasting;
    int least;    // faults that there must be for the test to say something
    bool is_made; // the file is there when the faults begin
} cases[] = {
    {FAULT_READ, false, 3, false},       {FAULT_READ, true, 3, true},
    {FAULT_SHORT_READ, false, 1, true},  {FAULT_WRITE, false, 40, false},
    {FAULT_WRITE, true, 40, true},       {FAULT_SHORT_WRITE, false, 40, false},
    {FAULT_SHORT_WRITE, true, 40, true}, {FAULT_FULL, false, 40, true},
    {FAULT_FULL, true, 40, false},       {FAULT_SYNC, false, 3, false},
    {FAULT_SYNC, true, 3, true},         {FAULT_SHRINK, false, 0, false},
};

START_TEST(store_survives_every_fault)
{
    struct place place = place_make();
    struct text wanted = {0};
    struct said said;
    store_sweep(place.path, &said);
    store_sweep(place.path, &said);
    dump(place.path, &wanted);
    remove_database(place.path);
    // Under valgrind each n would take an hour.
    const char *wanted_step = getenv("OFFLOADSIM_FAULT_STEP");
    const int step = wanted_step ? atoi(wanted_step) : 1;
    int last_met = 1 - step;
    for (int n = 1; last_met == n - step; n += step) {
        if (cases[_i].is_made) {
            store_close(open_store(place.path));
        }
        if (one_fault(place.path, cases[_i].fault, n, cases[_i].is_lasting, &wanted)) {
            last_met = n;
        }
    }
    ck_assert_int_ge(last_met, cases[_i].least - step + 1);
    text_finish(&wanted);
    place_remove(&place);
}
END_TEST

int main(void)
{
    faulty_vfs_register();
    Suite *suite = suite_create("store faults");
    TCase *faults = tcase_create("faults");
    unit_add_table(faults, store_survives_every_fault, cases);
    tcase_set_timeout(faults, 120);
    suite_add_tcase(suite, faults);
    return unit_run(suite);
}
