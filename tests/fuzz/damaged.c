// SPDX-License-Identifier: GPL-3.0-or-later
#include "damaged.h"

#include "base/check.h"
#include "base/memory.h"
#include "base/text.h"
#include "memory_vfs.h"
#include "results/store.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

// SQLite finds the files in memory; the program asks before whether they are regular files, and
// these always are. The schema of the first is shared, that of the second read every time.
static const char known[] = "/proc/self/status";
static const char unknown[] = "/proc/self/stat";
static const char other[] = "/proc/self/limits";

enum { CHANGE_BYTES = 4, PAGE_BYTES = 512, MOST_PAGES = 256 };

// Small pages without room between them, so that most changes hit something.
static void compact(const char *path)
{
    static const char sql[] = "DELETE FROM column_meanings WHERE table_name <> 'experiments';"
                              " PRAGMA page_size = 512; VACUUM";
    sqlite3 *database;
    CHECK(NULL, sqlite3_open(path, &database) == SQLITE_OK);
    CHECK(NULL, sqlite3_exec(database, sql, NULL, NULL, NULL) == SQLITE_OK);
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

// The file as it is before each input, which of their pages hold the schema, and the
// connections whose schema others share.
struct images {
    unsigned char *bytes;
    size_t length;
    unsigned char is_schema[MOST_PAGES];
    size_t tables[MOST_PAGES]; // the other pages
    size_t table_count;
    sqlite3 *keepers[2];
};

static void find_schema(struct images *images)
{
    sqlite3 *database;
    sqlite3_stmt *pages;
    CHECK(NULL, sqlite3_open(unknown, &database) == SQLITE_OK);
    CHECK(NULL,
          sqlite3_prepare_v2(database, "SELECT pageno - 1 FROM dbstat WHERE name = 'sqlite_schema'",
                             -1, &pages, NULL) == SQLITE_OK);
    while (sqlite3_step(pages) == SQLITE_ROW) {
        const int page = sqlite3_column_int(pages, 0);
        CHECK(NULL, page >= 0 && page < MOST_PAGES);
        images->is_schema[page] = 1;
    }
    CHECK(NULL, images->is_schema[0]);
    for (size_t i = 0; i < images->length / PAGE_BYTES; i++) {
        images->tables[images->table_count] = i;
        images->table_count += !images->is_schema[i];
    }
    sqlite3_finalize(pages);
    sqlite3_close(database);
}

static void keep_open(struct images *images)
{
    static const char *const paths[] = {known, other};
    sqlite3_enable_shared_cache(1);
    for (int i = 0; i < 2; i++) {
        memory_vfs_put(paths[i], images->bytes, images->length);
        CHECK(NULL, sqlite3_open(paths[i], &images->keepers[i]) == SQLITE_OK);
        CHECK(NULL, sqlite3_exec(images->keepers[i], "SELECT count(*) FROM experiments", NULL, NULL,
                                 NULL) == SQLITE_OK);
    }
}

static void build(struct images *images)
{
    sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    memory_vfs_register();
    memory_vfs_put(unknown, NULL, 0);
    store_results(unknown);
    compact(unknown);
    const void *bytes = memory_vfs_get(unknown, &images->length);
    images->bytes = memory_resize(NULL, images->length, 1);
    memcpy(images->bytes, bytes, images->length);
    find_schema(images);
    keep_open(images);
}

// Where a number points to.
static size_t place_of(const struct images *images, size_t number, int is_anywhere)
{
    if (is_anywhere) {
        return number % images->length;
    }
    number %= images->table_count * PAGE_BYTES;
    return images->tables[number / PAGE_BYTES] * PAGE_BYTES + number % PAGE_BYTES;
}

static struct images *images_of_process(void)
{
    static struct images images;
    if (!images.bytes) {
        build(&images);
    }
    return &images;
}

const char *damaged_make(const uint8_t *bytes, size_t length, int is_anywhere)
{
    const struct images *images = images_of_process();
    unsigned char *changed = memory_resize(NULL, images->length, 1);
    const char *path = known;
    memcpy(changed, images->bytes, images->length);
    for (const uint8_t *at = bytes; length >= CHANGE_BYTES; length -= CHANGE_BYTES) {
        const size_t number = (size_t)at[0] << 16 | (size_t)at[1] << 8 | at[2];
        const size_t place = place_of(images, number, is_anywhere);
        changed[place] = at[3];
        path = images->is_schema[place / PAGE_BYTES] ? unknown : path;
        at += CHANGE_BYTES;
    }
    memory_vfs_put(path, changed, images->length);
    free(changed);
    return path;
}

const char *damaged_whole(void)
{
    const struct images *images = images_of_process();
    memory_vfs_put(other, images->bytes, images->length);
    return other;
}

void damaged_forget(void)
{
    const struct images *images = images_of_process();
    for (int i = 0; i < 2; i++) {
        sqlite3_db_release_memory(images->keepers[i]);
    }
}
