// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/text.h"
#include "results/meaning.h"
#include "results/query.h"
#include "results/store.h"
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

// ---- a folder of its own for each test, and a database in it ----

struct place {
    char folder[64];
    char path[96];
};

static struct place place_make(void)
{
    struct place place = {.folder = "/tmp/test_store.XXXXXX"};
    ck_assert_ptr_nonnull(mkdtemp(place.folder));
    snprintf(place.path, sizeof(place.path), "%s/results.db", place.folder);
    return place;
}

static void place_remove(struct place *place)
{
    char name[128];
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
    for (int i = 0; i < UNIT_COUNT(suffixes); i++) {
        snprintf(name, sizeof(name), "%s%s", place->path, suffixes[i]);
        unlink(name);
    }
    ck_assert_int_eq(rmdir(place->folder), 0);
}

static struct store *open_store(const char *path)
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

static void check_message(const struct text *message, const struct place *place, const char *wanted)
{
    char buffer[2000];
    ck_assert_str_eq(without_folder(message, place, buffer, sizeof(buffer)), wanted);
}

static void execute(const char *path, const char *sql)
{
    sqlite3 *database;
    ck_assert_int_eq(sqlite3_open(path, &database), SQLITE_OK);
    ck_assert_msg(sqlite3_exec(database, sql, NULL, NULL, NULL) == SQLITE_OK, "%s",
                  sqlite3_errmsg(database));
    sqlite3_close(database);
}

// ---- an experiment ----

static const struct store_experiment experiment = {
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

static const char *const metric_names[] = {"accuracy", "cost_mean", "wait_mean_s.edge", "odd"};
static const char *const counter_names[] = {"offered", "errors", "offloads.device-edge",
                                            "energy_j"};

enum { REPLICATIONS = 5 };

// Values of one replication, and its cost as the program would compute it.
struct values {
    double metrics[UNIT_COUNT(metric_names)];
    double counters[UNIT_COUNT(counter_names)];
};

static struct values make_values(int number)
{
    struct values values = {.counters = {10007 + number, 137 + 3 * number, 2386 - number, 0.1}};
    values.metrics[0] = 0.9123 + 1e-3 * number;
    values.metrics[1] = (1 * values.counters[1] + 0.3 * values.counters[2]) / values.counters[0];
    values.metrics[2] = NAN;
    values.metrics[3] = number;
    return values;
}

static int64_t begin(struct store *store)
{
    struct text error = {0};
    int64_t id = -1;
    int result = store_begin_experiment(store, &experiment, &id, &error);
    ck_assert_msg(result == 0, "%s", text_string(&error));
    return id;
}

static int64_t add_point(struct store *store, int64_t experiment_id, int64_t ordinal)
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

static int add_replications(struct store *store, int64_t point_id, int first, int count,
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
    {"accuracy", 0.9143, 0.002, 0.95, REPLICATIONS},
    {"cost_mean", 0.0857, NAN, 0.95, REPLICATIONS},
};

static void complete(struct store *store, int64_t point_id)
{
    struct text error = {0};
    int result =
        store_complete_point(store, point_id, "stable", estimates, UNIT_COUNT(estimates), &error);
    ck_assert_msg(result == 0, "%s", text_string(&error));
}

static void store_experiment(const char *path)
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

static void check_answer(const char *path, const char *sql, const char *wanted)
{
    struct text answer = {0};
    struct text error = {0};
    const struct query_sink sink = {&answer, gather_columns, gather_row};
    int result = query_run(path, sql, NULL, &sink, NULL, &error);
    ck_assert_msg(result == 0, "%s: %s", sql, text_string(&error));
    ck_assert_str_eq(text_string(&answer), wanted);
    text_finish(&answer);
    text_finish(&error);
}

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
     "4|1|3|7|12345|2.385|0.125|10010|10008|1|1\n"},
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
    {"SELECT name, mean, half_width, confidence, replications FROM estimates"
     " JOIN metric_names ON id = metric_id ORDER BY name",
     "name|mean|half_width|confidence|replications\n'accuracy'|0.9143|0.002|0.95|5\n"
     "'cost_mean'|0.0857|null|0.95|5\n"},
    {"SELECT policy, parameters, replications, verdict, accuracy, accuracy_half_width, cost_mean,"
     " cost_mean_half_width, latency_p99_s FROM tradeoffs",
     "policy|parameters|replications|verdict|accuracy|accuracy_half_width|cost_mean|"
     "cost_mean_half_width|latency_p99_s\n'hi_threshold'|'{\"tiers.device.nodes\":50,"
     "\"policy.hi_threshold.theta\":[0.6,0.7],\"prices.offload\":0.3,"
     "\"samples.order\":\"shuffle\",\"deadline\":\"inf\"}'|5|'stable'|0.9143|0.002|0.0857|"
     "null|null\n"},
    {"PRAGMA user_version", "user_version\n1\n"},
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
    ck_assert_mem_eq(header + 60, "\0\0\0\1", 4); // user_version
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
                 "tables|said\n15|1\n");
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

START_TEST(store_batch_is_all_or_nothing)
{
    struct place place = place_make();
    struct store *store = open_store(place.path);
    struct text error = {0};
    int64_t point = add_point(store, begin(store), 0);
    // The number 2 comes twice: the second batch fails in its last replication.
    ck_assert_int_eq(add_replications(store, point, 2, 1, &error), 0);
    ck_assert_int_eq(add_replications(store, point, 0, 3, &error), -1);
    check_message(&error, &place,
                  "cannot store results in 'DIR/results.db': UNIQUE constraint failed: "
                  "replications.point_id, replications.number");
    check_answer(place.path, nothing_new, "replications|metrics|names|counted\n1|4|4|1\n");
    text_clear(&error);
    ck_assert_int_eq(add_replications(store, point, 3, 2, &error), 0);
    check_answer(place.path, nothing_new, "replications|metrics|names|counted\n3|12|4|3\n");
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
                  "cannot store results in 'DIR/results.db': FOREIGN KEY constraint failed");
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

START_TEST(store_misses_what_was_deleted)
{
    struct place place = place_make();
    struct store *store = open_store(place.path);
    struct text error = {0};
    int64_t id = begin(store);
    int64_t point = add_point(store, id, 0);
    execute(place.path, "PRAGMA foreign_keys = ON; DELETE FROM experiments");
    ck_assert_int_eq(store_complete_point(store, point, "stable", NULL, 0, &error), -1);
    check_message(&error, &place,
                  "cannot store results in 'DIR/results.db': point 1 is no longer in it; run "
                  "again, and delete nothing meanwhile");
    text_clear(&error);
    ck_assert_int_eq(store_finish_experiment(store, id, 1, STORE_FAILED, &error), -1);
    check_message(&error, &place,
                  "cannot store results in 'DIR/results.db': experiment 1 is no longer in it; run "
                  "again, and delete nothing meanwhile");
    store_close(store);
    text_finish(&error);
    place_remove(&place);
}
END_TEST

// A writer that is killed at any moment leaves whole batches behind and a sound file.
START_TEST(store_survives_a_kill)
{
    struct place place = place_make();
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
        }
    }
    const struct timespec pause = {.tv_nsec = (100 + 37 * _i) * 1000000L};
    nanosleep(&pause, NULL);
    kill(child, SIGKILL);
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status));
    store_experiment(place.path);
    check_answer(place.path,
                 "SELECT count(*) > 1 AS some, sum(points.replications % 5) AS broken,"
                 " sum(points.replications) = (SELECT count(*) FROM replications) AS counted,"
                 " 4 * sum(points.replications) = (SELECT count(*) FROM metrics) AS whole"
                 " FROM points",
                 "some|broken|counted|whole\n1|0|1|1\n");
    sqlite3 *database;
    sqlite3_stmt *statement;
    ck_assert_int_eq(sqlite3_open(place.path, &database), SQLITE_OK);
    ck_assert_int_eq(sqlite3_prepare_v2(database, "PRAGMA integrity_check", -1, &statement, NULL),
                     SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
    ck_assert_str_eq((const char *)sqlite3_column_text(statement, 0), "ok");
    sqlite3_finalize(statement);
    sqlite3_close(database);
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

// ---- files that cannot be used ----

static void write_file(const char *path, const char *content)
{
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    fputs(content, file);
    fclose(file);
}

static void make_text(const char *path)
{
    write_file(path, "this is a text and by no means a database, whatever its name may say; "
                     "it has more than a hundred bytes, which is the size of a header\n");
}

static void make_folder(const char *path)
{
    ck_assert_int_eq(mkdir(path, 0700), 0);
}

static void make_pipe(const char *path)
{
    ck_assert_int_eq(mkfifo(path, 0600), 0);
}

static void make_foreign(const char *path)
{
    execute(path, "CREATE TABLE experiments (id INTEGER)");
}

static void make_foreign_id(const char *path)
{
    execute(path, "PRAGMA application_id = 77; PRAGMA user_version = 1");
}

static void make_newer(const char *path)
{
    store_close(open_store(path));
    execute(path, "PRAGMA user_version = 7");
}

static void make_odd(const char *path)
{
    store_close(open_store(path));
    execute(path, "PRAGMA user_version = -3");
}

static void make_nothing(const char *path)
{
    (void)path;
}

static void make_empty(const char *path)
{
    write_file(path, "");
}

#define ELSEWHERE "name another file with --db"

static const struct {
    void (*make)(const char *path);
    const char *writing; // NULL: works
    const char *reading;
} unusable[] = {
    {make_text, "it is not a database; " ELSEWHERE, "it is not a database; " ELSEWHERE},
    {make_folder, "it is a folder; " ELSEWHERE, "it is a folder; " ELSEWHERE},
    {make_pipe, "it is not a regular file; " ELSEWHERE, "it is not a regular file; " ELSEWHERE},
    {make_foreign, "it is a database of another program; " ELSEWHERE,
     "it is a database of another program; " ELSEWHERE},
    {make_foreign_id, "it is a database of another program; " ELSEWHERE,
     "it is a database of another program; " ELSEWHERE},
    {make_newer,
     "it was written by a newer offloadsim (schema 7, this one knows 1); use that one, "
     "or " ELSEWHERE,
     "it was written by a newer offloadsim (schema 7, this one knows 1); use that one, "
     "or " ELSEWHERE},
    {make_odd,
     "it was written by an older offloadsim (schema -3, this one reads 1); a run that stores into "
     "it brings it up to date",
     "it was written by an older offloadsim (schema -3, this one reads 1); a run that stores into "
     "it brings it up to date"},
    {make_nothing, NULL, "there is no such file; run a scenario first, or name the file with --db"},
    {make_empty, NULL,
     "there are no results in it; run a scenario first, or name the file with --db"},
};

static int run_query(const char *path, const char *sql, struct text *ret_error)
{
    struct text answer = {0};
    const struct query_sink sink = {&answer, gather_columns, gather_row};
    int result = query_run(path, sql, NULL, &sink, NULL, ret_error);
    text_finish(&answer);
    return result;
}

START_TEST(store_names_what_is_wrong_with_a_file)
{
    struct place place = place_make();
    struct text error = {0};
    char wanted[400];
    unusable[_i].make(place.path);
    ck_assert_int_eq(run_query(place.path, "SELECT 1", &error), -1);
    snprintf(wanted, sizeof(wanted), "cannot read results from 'DIR/results.db': %s",
             unusable[_i].reading);
    check_message(&error, &place, wanted);
    text_clear(&error);

    struct store *store = NULL;
    int result = store_open(place.path, 0.1, &store, &error);
    if (unusable[_i].writing) {
        ck_assert_int_eq(result, -1);
        ck_assert_ptr_null(store);
        snprintf(wanted, sizeof(wanted), "cannot store results in 'DIR/results.db': %s",
                 unusable[_i].writing);
        check_message(&error, &place, wanted);
    } else {
        ck_assert_int_eq(result, 0);
        begin(store);
    }
    store_close(store);
    text_finish(&error);
    if (rmdir(place.path) != 0) {
        unlink(place.path);
    }
    place_remove(&place);
}
END_TEST

START_TEST(store_leaves_foreign_files_alone)
{
    struct place place = place_make();
    struct text error = {0};
    struct store *store = NULL;
    make_foreign(place.path);
    struct stat before;
    struct stat after;
    ck_assert_int_eq(stat(place.path, &before), 0);
    ck_assert_int_eq(store_open(place.path, 0.1, &store, &error), -1);
    ck_assert_int_eq(stat(place.path, &after), 0);
    ck_assert(before.st_size == after.st_size);
    ck_assert(before.st_mtim.tv_sec == after.st_mtim.tv_sec);
    ck_assert(before.st_mtim.tv_nsec == after.st_mtim.tv_nsec);
    text_finish(&error);
    place_remove(&place);
}
END_TEST

START_TEST(store_needs_a_folder)
{
    struct place place = place_make();
    struct text error = {0};
    struct store *store = NULL;
    char path[128];
    snprintf(path, sizeof(path), "%s/none/results.db", place.folder);
    ck_assert_int_eq(store_open(path, 0.1, &store, &error), -1);
    check_message(&error, &place,
                  "cannot store results in 'DIR/none/results.db': there is no folder 'DIR/none'; "
                  "make it first, or name another file with --db");
    text_clear(&error);
    ck_assert_int_eq(store_open("", 0.1, &store, &error), -1);
    check_message(&error, &place,
                  "cannot store results in '': its name is empty; name another file with --db");
    text_clear(&error);
    ck_assert_int_eq(store_open("/dev/null/results.db", 0.1, &store, &error), -1);
    check_message(&error, &place,
                  "cannot store results in '/dev/null/results.db': not a directory; name another "
                  "file with --db");
    text_finish(&error);
    place_remove(&place);
}
END_TEST

START_TEST(store_waits_for_a_lock_but_not_forever)
{
    struct place place = place_make();
    struct text error = {0};
    struct store *store = NULL;
    store_experiment(place.path);
    ck_assert_int_eq(store_open(place.path, 0.2, &store, &error), 0);
    sqlite3 *other;
    ck_assert_int_eq(sqlite3_open(place.path, &other), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    int64_t id;
    ck_assert_int_eq(store_begin_experiment(store, &experiment, &id, &error), -1);
    check_message(&error, &place,
                  "cannot store results in 'DIR/results.db': another process keeps it locked; wait "
                  "until that one has finished, or name another file with --db");
    // A reader does not wait for a writer.
    check_answer(place.path, "SELECT count(*) AS n FROM experiments", "n\n1\n");
    ck_assert_int_eq(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(other);
    text_clear(&error);
    ck_assert_int_eq(store_begin_experiment(store, &experiment, &id, &error), 0);
    store_close(store);
    text_finish(&error);
    place_remove(&place);
}
END_TEST

// Permissions do not hold the superuser back: there the tests go on as somebody else.
static void give_up_privileges(const struct place *place)
{
    if (geteuid() == 0) {
        ck_assert_int_eq(chown(place->folder, 65534, 65534), 0);
        ck_assert(chown(place->path, 65534, 65534) == 0 || access(place->path, F_OK) != 0);
        ck_assert_int_eq(seteuid(65534), 0);
    }
}

static void take_privileges(void)
{
    if (getuid() == 0) {
        ck_assert_int_eq(seteuid(0), 0);
    }
}

START_TEST(store_of_a_file_that_may_only_be_read)
{
    struct place place = place_make();
    struct text error = {0};
    struct store *store = NULL;
    store_experiment(place.path);
    give_up_privileges(&place);
    ck_assert_int_eq(chmod(place.path, 0444), 0);
    ck_assert_int_eq(store_open(place.path, 0.1, &store, &error), -1);
    check_message(&error, &place,
                  "cannot store results in 'DIR/results.db': the file may only be read; change its "
                  "permissions, or name another file with --db");
    check_answer(place.path, "SELECT count(*) AS n FROM experiments", "n\n1\n");
    // Nor can the helper files be made here.
    ck_assert_int_eq(chmod(place.folder, 0555), 0);
    check_answer(place.path, "SELECT count(*) AS n FROM experiments", "n\n1\n");
    ck_assert_int_eq(chmod(place.path, 0), 0);
    text_clear(&error);
    ck_assert_int_eq(run_query(place.path, "SELECT 1", &error), -1);
    check_message(&error, &place,
                  "cannot read results from 'DIR/results.db': permission denied; name another file "
                  "with --db");
    take_privileges();
    ck_assert_int_eq(chmod(place.folder, 0700), 0);
    text_finish(&error);
    place_remove(&place);
}
END_TEST

START_TEST(store_in_a_folder_that_may_only_be_read)
{
    struct place place = place_make();
    struct text error = {0};
    struct store *store = NULL;
    give_up_privileges(&place);
    ck_assert_int_eq(chmod(place.folder, 0555), 0);
    ck_assert_int_eq(store_open(place.path, 0.1, &store, &error), -1);
    check_message(
        &error, &place,
        "cannot store results in 'DIR/results.db': no file can be made in the folder 'DIR' "
        "(permission denied); name another file with --db");
    take_privileges();
    ck_assert_int_eq(chmod(place.folder, 0700), 0);
    text_finish(&error);
    place_remove(&place);
}
END_TEST

// A limit on the size of files stands in for a disk that fills up in the middle of the work.
START_TEST(store_keeps_what_it_has_when_there_is_no_room)
{
    struct place place = place_make();
    struct text error = {0};
    struct store *store = open_store(place.path);
    int64_t point = add_point(store, begin(store), 0);
    ck_assert_int_eq(add_replications(store, point, 0, REPLICATIONS, &error), 0);
    signal(SIGXFSZ, SIG_IGN);
    const struct rlimit none = {200000, 200000};
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &none), 0);
    int batches = 1;
    while (batches < 1000 &&
           add_replications(store, point, batches * REPLICATIONS, REPLICATIONS, &error) == 0) {
        batches++;
    }
    ck_assert_int_lt(batches, 1000);
    check_message(&error, &place,
                  "cannot store results in 'DIR/results.db': file too large; name another file "
                  "with --db");
    store_close(store);
    char wanted[64];
    snprintf(wanted, sizeof(wanted), "n|counted\n%d|%d\n", batches * REPLICATIONS,
             batches * REPLICATIONS);
    check_answer(place.path,
                 "SELECT (SELECT count(*) FROM replications) AS n, replications AS counted"
                 " FROM points",
                 wanted);
    text_finish(&error);
    place_remove(&place);
}
END_TEST

// ---- queries ----

START_TEST(query_named_ones_run)
{
    struct place place = place_make();
    struct text error = {0};
    store_close(open_store(place.path));
    for (const struct query_name *query = query_names; query->name; query++) {
        ck_assert_ptr_eq(query_find(query->name, &error), query);
        int result = run_query(place.path, query->sql, &error);
        ck_assert_msg(result == 0, "%s: %s", query->name, text_string(&error));
    }
    store_experiment(place.path);
    execute(place.path, "UPDATE experiments SET started_at = '2025-01-17T12:00:00Z'");
    check_answer(place.path, query_find("runs", &error)->sql,
                 "id|scenario|started_at|points|replications|seed|version|wall_s|status\n"
                 "1|'hi-digits'|'2025-01-17T12:00:00Z'|1|5|'18446744073709551615'|'0.1.0'|1.5|"
                 "'finished'\n");
    text_finish(&error);
    place_remove(&place);
}
END_TEST

START_TEST(query_unknown_names_get_a_list)
{
    struct text error = {0};
    ck_assert_ptr_null(query_find("run", &error));
    ck_assert_str_eq(text_string(&error), "unknown query 'run'; did you mean 'runs'? there are "
                                          "'runs', 'tradeoffs', and any SQL that only reads");
    text_clear(&error);
    ck_assert_ptr_null(query_find("zzz", &error));
    ck_assert_str_eq(text_string(&error), "unknown query 'zzz'; there are 'runs', 'tradeoffs', and "
                                          "any SQL that only reads");
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
    const struct query_sink sink = {&answer, gather_columns, gather_row};
    const struct query_limits limits = {.rows = row_limits[_i].limit};
    struct query_result result;
    ck_assert_int_eq(
        query_run(place.path, "SELECT number FROM replications", &limits, &sink, &result, &error),
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
    const struct query_sink sink = {&answer, gather_columns, gather_row};
    const struct query_limits limits = {.time_s = 0.05};
    ck_assert_int_eq(query_run(place.path,
                               "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
                               " SELECT count(*) FROM n",
                               &limits, &sink, NULL, &error),
                     -1);
    ck_assert_str_eq(text_string(&error),
                     "the query was stopped after 0.05 s; ask for less, or allow it more time");
    text_finish(&answer);
    text_finish(&error);
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
    {"accuracy.x", NULL, NULL},
    {"latency_p999_s", "s", NULL},
    {"utilisation.device-edge.up", "", NULL},
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
    Suite *suite = suite_create("store");

    TCase *contents = tcase_create("contents");
    unit_add_table(contents, store_keeps_what_it_is_given, stored);
    tcase_add_test(contents, store_file_says_what_it_is);
    tcase_add_test(contents, store_every_column_has_a_meaning);
    tcase_add_test(contents, store_reopened_goes_on);
    tcase_add_test(contents, store_completes_again);
    suite_add_tcase(suite, contents);

    TCase *atomic = tcase_create("all or nothing");
    tcase_add_test(atomic, store_batch_is_all_or_nothing);
    tcase_add_test(atomic, store_forgets_names_of_failed_batches);
    tcase_add_test(atomic, store_refuses_what_would_spoil_costs);
    tcase_add_test(atomic, store_misses_what_was_deleted);
    tcase_add_loop_test(atomic, store_survives_a_kill, 0, 4);
    tcase_add_test(atomic, store_takes_several_processes);
    tcase_set_timeout(atomic, 60);
    suite_add_tcase(suite, atomic);

    TCase *files = tcase_create("files");
    unit_add_table(files, store_names_what_is_wrong_with_a_file, unusable);
    tcase_add_test(files, store_leaves_foreign_files_alone);
    tcase_add_test(files, store_needs_a_folder);
    tcase_add_test(files, store_waits_for_a_lock_but_not_forever);
    tcase_add_test(files, store_of_a_file_that_may_only_be_read);
    tcase_add_test(files, store_in_a_folder_that_may_only_be_read);
    tcase_add_test(files, store_keeps_what_it_has_when_there_is_no_room);
    suite_add_tcase(suite, files);

    TCase *queries = tcase_create("queries");
    tcase_add_test(queries, query_named_ones_run);
    tcase_add_test(queries, query_unknown_names_get_a_list);
    unit_add_table(queries, query_answers, answers);
    unit_add_table(queries, query_refuses, refusals);
    unit_add_table(queries, query_stops_at_the_row_limit, row_limits);
    tcase_add_test(queries, query_stops_at_the_time_limit);
    suite_add_tcase(suite, queries);

    TCase *meanings = tcase_create("meanings");
    unit_add_table(meanings, meaning_of_names, name_cases);
    suite_add_tcase(suite, meanings);

    return unit_run(suite);
}
