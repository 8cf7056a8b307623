// SPDX-License-Identifier: GPL-3.0-or-later
#include "store_fixture.h"

#include "results/query.h"
#include "unit.h"

#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// ---- a folder of its own for each test, and a database in it ----

struct place place_make(void)
{
    struct place place = {.folder = "/tmp/test_store.XXXXXX"};
    ck_assert_ptr_nonnull(mkdtemp(place.folder));
    snprintf(place.path, sizeof(place.path), "%s/results.db", place.folder);
    return place;
}

void remove_database(const char *path)
{
    char name[200];
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
    for (int i = 0; i < UNIT_COUNT(suffixes); i++) {
        snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
        unlink(name);
    }
}

void place_remove(struct place *place)
{
    remove_database(place->path);
    ck_assert_int_eq(rmdir(place->folder), 0);
}

struct store *open_store(const char *path)
{
    struct text error = {0};
    struct store *store = NULL;
    int result = store_open(path, STORE_BUSY_TIMEOUT_S, &store, &error);
    ck_assert_msg(result == 0, "%s", text_string(&error));
    ck_assert_str_eq(text_string(&error), "");
    return store;
}

// The message, in which the place of the test reads DIR.
static const char *without_folder(const struct text *message, const struct place *place,
                                  char *buffer, size_t room)
{
    size_t length = 0;
    for (const char *c = text_string(message); *c && length + 4 < room;) {
        if (strncmp(c, place->folder, strlen(place->folder)) == 0) {
            memcpy(buffer + length, "DIR", 3);
            length += 3;
            c += strlen(place->folder);
        } else {
            buffer[length++] = *c++;
        }
    }
    buffer[length] = '\0';
    return buffer;
}

void check_message(const struct text *message, const struct place *place, const char *wanted)
{
    char buffer[2000];
    ck_assert_str_eq(without_folder(message, place, buffer, sizeof(buffer)), wanted);
}

const char *place_file(const struct place *place, const char *name, char *buffer)
{
    snprintf(buffer, 160, "%s/%s", place->folder, name);
    return buffer;
}

void execute(const char *path, const char *sql)
{
    sqlite3 *database;
    ck_assert_int_eq(sqlite3_open(path, &database), SQLITE_OK);
    ck_assert_msg(sqlite3_exec(database, sql, NULL, NULL, NULL) == SQLITE_OK, "%s",
                  sqlite3_errmsg(database));
    sqlite3_close(database);
}

// ---- answers as text: names, then one line a row ----

static void gather_columns(void *context, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        text_format(context, "%s%s", i ? "|" : "", names[i]);
    }
    text_add(context, "\n");
}

static void gather_row(void *context, const struct query_value *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        text_add(context, i ? "|" : "");
        char number[TEXT_NUMBER_ROOM];
        switch (values[i].kind) {
        case QUERY_NULL:
            text_add(context, "null");
            break;
        case QUERY_INTEGER:
            text_format(context, "%lld", (long long)values[i].integer);
            break;
        case QUERY_NUMBER:
            text_number(number, values[i].number);
            text_add(context, number);
            break;
        case QUERY_TEXT:
            text_format(context, "'%s'", values[i].text);
            break;
        }
    }
    text_add(context, "\n");
}

int answer_query(const char *path, const char *sql, const struct query_options *options,
                 struct query_result *ret_result, struct text *ret_answer, struct text *ret_error)
{
    const struct query_sink sink = {ret_answer, gather_columns, gather_row};
    return query_run(path, sql, options, &sink, ret_result, ret_error);
}

void check_answer(const char *path, const char *sql, const char *wanted)
{
    struct text answer = {0};
    struct text error = {0};
    int result = answer_query(path, sql, NULL, NULL, &answer, &error);
    ck_assert_msg(result == 0, "%s: %s", sql, text_string(&error));
    ck_assert_str_eq(text_string(&answer), wanted);
    text_finish(&answer);
    text_finish(&error);
}

int run_query(const char *path, const char *sql, struct text *ret_error)
{
    struct text answer = {0};
    int result = answer_query(path, sql, NULL, NULL, &answer, ret_error);
    text_finish(&answer);
    return result;
}

// ---- an experiment ----

const struct store_experiment experiment = {
    .scenario = "hi-digits",
    .path = "scenarios/hi-digits.yaml",
    .command = "offloadsim run scenarios/hi-digits.yaml",
    .scenario_json = "{\"scenario\":\"hi-digits\"}",
    .scenario_hash = "c0ffee",
    .seed = UINT64_MAX,
    .version = "0.1.0",
};

static const struct store_parameter parameters[] = {
    {.path = "tiers.device.nodes", .number = 50},
    {.path = "policy.hi_threshold.theta", .text = "[0.6,0.7]", .is_json = true},
    {.path = "prices.offload", .number = 0.3},
    {.path = "samples.order", .text = "shuffle"},
    {.path = "deadline", .number = INFINITY},
};

static const struct store_price prices[] = {{"errors", 1}, {"offloads.device-edge", 0.3}};

const char *const metric_names[METRIC_COUNT] = {"accuracy", "cost_mean", "wait_mean_s.edge", "odd"};
const char *const counter_names[COUNTER_COUNT] = {"offered", "errors", "offloads.device-edge",
                                                  "energy_j"};

struct values make_values(int number)
{
    struct values values = {.counters = {10007 + number, 137 + 3 * number, 2386 - number, 0.1}};
    values.metrics[0] = 0.9123 + 1e-3 * number;
    values.metrics[1] = (1 * values.counters[1] + 0.3 * values.counters[2]) / values.counters[0];
    values.metrics[2] = NAN;
    values.metrics[3] = number;
    return values;
}

int64_t begin(struct store *store)
{
    struct text error = {0};
    int64_t id = -1;
    int result = store_begin_experiment(store, &experiment, &id, NULL, &error);
    ck_assert_msg(result == 0, "%s", text_string(&error));
    return id;
}

int64_t add_point(struct store *store, int64_t experiment_id, int64_t ordinal)
{
    struct text error = {0};
    const struct store_point point = {
        .experiment_id = experiment_id,
        .ordinal = ordinal,
        .policy = "hi_threshold",
        .hash = "beef",
        .parameters = parameters,
        .parameter_count = UNIT_COUNT(parameters),
        .prices = prices,
        .price_count = UNIT_COUNT(prices),
    };
    int64_t id = -1;
    int result = store_add_point(store, &point, &id, &error);
    ck_assert_msg(result == 0, "%s", text_string(&error));
    return id;
}

int add_replications(struct store *store, int64_t point_id, int first, int count,
                     struct text *ret_error)
{
    struct values values[REPLICATIONS];
    struct store_replication replications[REPLICATIONS];
    for (int i = 0; i < count; i++) {
        values[i] = make_values(first + i);
        replications[i] = (struct store_replication){
            .number = (uint64_t)(first + i),
            .seed = 7,
            .events = 12345,
            .simulated_s = 2.385,
            .wall_s = 0.125,
            .offered = (uint64_t)values[i].counters[0],
            .answered = (uint64_t)values[i].counters[0] - 2,
            .dropped = 1,
            .in_flight = 1,
            .metrics = values[i].metrics,
            .counters = values[i].counters,
        };
    }
    const struct store_batch batch = {
        .point_id = point_id,
        .metric_names = metric_names,
        .metric_count = UNIT_COUNT(metric_names),
        .counter_names = counter_names,
        .counter_count = UNIT_COUNT(counter_names),
        .replications = replications,
        .replication_count = (size_t)count,
    };
    return store_add_replications(store, &batch, ret_error);
}

static const struct store_estimate estimates[] = {
    {"accuracy", 0.9143, 0.9125, 0.9163, 0.002, 0.95, REPLICATIONS, 2.385},
    {"cost_mean", 0.0857, NAN, NAN, NAN, 0.95, REPLICATIONS, NAN},
};

void complete(struct store *store, int64_t point_id)
{
    struct text error = {0};
    int result = store_complete_point(store, point_id, "stable", NULL, REPLICATIONS, estimates,
                                      UNIT_COUNT(estimates), &error);
    ck_assert_msg(result == 0, "%s", text_string(&error));
}

void store_experiment(const char *path)
{
    struct text error = {0};
    struct store *store = open_store(path);
    int64_t id = begin(store);
    int64_t point = add_point(store, id, 0);
    ck_assert_int_eq(add_replications(store, point, 0, 2, &error), 0);
    ck_assert_int_eq(add_replications(store, point, 2, REPLICATIONS - 2, &error), 0);
    complete(store, point);
    ck_assert_int_eq(store_finish_experiment(store, id, 1.5, STORE_FINISHED, &error), 0);
    ck_assert_str_eq(text_string(&error), "");
    store_close(store);
}

void check_sound(const char *path)
{
    sqlite3 *database;
    sqlite3_stmt *statement;
    ck_assert_int_eq(sqlite3_open(path, &database), SQLITE_OK);
    ck_assert_int_eq(sqlite3_prepare_v2(database, "PRAGMA integrity_check", -1, &statement, NULL),
                     SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
    ck_assert_str_eq((const char *)sqlite3_column_text(statement, 0), "ok");
    sqlite3_finalize(statement);
    ck_assert_int_eq(sqlite3_prepare_v2(database, "PRAGMA foreign_key_check", -1, &statement, NULL),
                     SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(statement), SQLITE_DONE);
    sqlite3_finalize(statement);
    sqlite3_close(database);
}

// ---- a sweep ----

int64_t begin_sweep(struct store *store, const char *hash, bool *ret_is_resumed)
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

void make_sweep(struct sweep *sweep, int64_t experiment_id, int count)
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

void plan(struct store *store, struct sweep *sweep, int count)
{
    struct text error = {0};
    int result = store_plan_points(store, sweep->points, (size_t)count, sweep->states, &error);
    ck_assert_msg(result == 0, "%s", text_string(&error));
}

void add(struct store *store, int64_t point_id, int first, int count)
{
    struct text error = {0};
    int result = add_replications(store, point_id, first, count, &error);
    ck_assert_msg(result == 0, "%s", text_string(&error));
}
