// SPDX-License-Identifier: GPL-3.0-or-later

// A database of results that somebody has changed, opened as input. The first byte says what is
// done with it: 0 exports it, 1 merges it into another one, others ask one of the queries by name.
// The rest are changes of the file, four bytes each: where, in three bytes, and the byte that is
// there then.

#include "base/check.h"
#include "base/memory.h"
#include "base/text.h"
#include "fuzz.h"
#include "memory_vfs.h"
#include "results/export.h"
#include "results/merge.h"
#include "results/query.h"
#include "results/store.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// SQLite finds the files in memory; the program asks before whether they are regular files, and
// these always are.
static const char theirs[] = "/proc/self/status";
static const char ours[] = "/proc/self/limits";

enum { CHANGE_BYTES = 4, ROWS = 1000 };

// Small pages without room between them, so that most changes hit something.
static void compact(const char *path)
{
    sqlite3 *database;
    CHECK(NULL, sqlite3_open(path, &database) == SQLITE_OK);
    CHECK(NULL,
          sqlite3_exec(database, "PRAGMA page_size = 512; VACUUM", NULL, NULL, NULL) == SQLITE_OK);
    sqlite3_close(database);
}

// A sweep of one point with two replications, which every part of the schema has rows of.
static void store_results(const char *path)
{
    static const char *const metrics[] = {"accuracy", "cost_mean"};
    static const char *const counters[] = {"offered", "errors"};
    static const double values[] = {0.75, 2.385};
    const struct store_experiment experiment = {.scenario = "s",
                                                .path = "s.yaml",
                                                .command = "offloadsim sweep s.yaml",
                                                .scenario_json = "{\"scenario\":\"s\"}",
                                                .scenario_hash = "c0ffee",
                                                .sweep_json = "{\"prices.offload\":[1,2]}",
                                                .seed = 7,
                                                .version = "1",
                                                .host = "h",
                                                .started_at = "2026-01-01T00:00:00Z"};
    const struct store_parameter parameter = {.path = "prices.offload", .number = 0.5};
    const struct store_price price = {"errors", 1};
    struct store_point point = {.policy = "local",
                                .hash = "ab",
                                .replications = 2,
                                .parameters = &parameter,
                                .parameter_count = 1,
                                .prices = &price,
                                .price_count = 1};
    const struct store_sample sample = {.trace_row = 3, .latency_s = 0.5, .tier = "device"};
    const struct store_samples samples[] = {{&sample, 1}, {&sample, 1}};
    const struct store_replication replications[] = {
        {.number = 0, .seed = 7, .offered = 4, .metrics = values, .counters = values},
        {.number = 1, .seed = 7, .offered = 4, .metrics = values, .counters = values}};
    struct store_batch batch = {.metric_names = metrics,
                                .metric_count = 2,
                                .counter_names = counters,
                                .counter_count = 2,
                                .replications = replications,
                                .replication_count = 2,
                                .samples = samples};
    const struct store_estimate estimate = {.metric = "accuracy",
                                            .mean = 0.75,
                                            .low = 0.5,
                                            .high = 1,
                                            .half_width = 0.25,
                                            .confidence = 0.95,
                                            .replications = 2,
                                            .variance_ratio = 1};
    struct text error = {0};
    struct store *store;
    CHECK(NULL, store_open(path, 1, &store, &error) == 0);
    CHECK(NULL,
          store_begin_experiment(store, &experiment, &point.experiment_id, NULL, &error) == 0);
    CHECK(NULL, store_add_point(store, &point, &batch.point_id, &error) == 0);
    CHECK(NULL, store_add_replications(store, &batch, &error) == 0);
    CHECK(NULL, store_complete_point(store, batch.point_id, "stable", NULL, 2, &estimate, 1,
                                     &error) == 0);
    CHECK(NULL,
          store_finish_experiment(store, point.experiment_id, 1, STORE_FINISHED, &error) == 0);
    store_close(store);
}

// Both files as they are before each input.
struct images {
    unsigned char *bytes;
    size_t length;
};

static void build(struct images *images)
{
    memory_vfs_register();
    memory_vfs_put(theirs, NULL, 0);
    store_results(theirs);
    compact(theirs);
    const void *bytes = memory_vfs_get(theirs, &images->length);
    images->bytes = memory_resize(NULL, images->length, 1);
    memcpy(images->bytes, bytes, images->length);
}

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

static int ask(unsigned number, struct text *ret_error)
{
    unsigned count = 0;
    while (query_names[count].name) {
        count++;
    }
    size_t length = 0;
    const struct query_sink sink = {&length, take_columns, take_row};
    const struct query_options options = {.rows = ROWS, .time_s = 1};
    return query_run(theirs, query_names[number % count].sql, &options, &sink, NULL, ret_error);
}

static int export_all(struct text *ret_error)
{
    char *written = NULL;
    size_t length = 0;
    int64_t experiment = 0;
    FILE *file = open_memstream(&written, &length);
    CHECK(NULL, file);
    int result = export_find(theirs, &experiment, ret_error);
    if (result == 0) {
        result = export_json(theirs, experiment, file, "memory", ret_error);
    }
    fclose(file);
    free(written);
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static struct images images;
    if (!images.bytes) {
        build(&images);
    }
    if (!length) {
        return 0;
    }
    unsigned char *changed = memory_resize(NULL, images.length, 1);
    memcpy(changed, images.bytes, images.length);
    for (const uint8_t *at = bytes + 1; at + CHANGE_BYTES <= bytes + length; at += CHANGE_BYTES) {
        const size_t place = ((size_t)at[0] << 16 | (size_t)at[1] << 8 | at[2]) % images.length;
        changed[place] = at[3];
    }
    memory_vfs_put(theirs, changed, images.length);
    free(changed);
    struct text error = {0};
    struct merge_summary summary;
    int result;
    switch (bytes[0]) {
    case 0:
        result = export_all(&error);
        break;
    case 1:
        memory_vfs_put(ours, images.bytes, images.length);
        result = merge_database(ours, theirs, &summary, &error);
        break;
    default:
        result = ask(bytes[0] - 2u, &error);
        break;
    }
    // Whatever fails says why.
    CHECK(NULL, (result == 0) == !*text_string(&error));
    // What nobody has changed is exported and merged; some queries need parameters.
    CHECK(NULL, length > 1 || bytes[0] > 1 || result == 0);
    text_finish(&error);
    return 0;
}
