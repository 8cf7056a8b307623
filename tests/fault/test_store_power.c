// SPDX-License-Identifier: GPL-3.0-or-later
// The store on a machine whose power fails. What reaches the disk while two experiments are stored,
// the first in a file that is not there yet, is written down; then for each moment a disk is made
// of it on which everything is that was flushed until then, and of the rest nothing, all, or some.
// The program must take that for a database, with all that was there when the file was last closed.
#include "faulty_vfs.h"
#include "results/store.h"
#include "store_fixture.h"
#include "unit.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct history {
    struct disk_change *changes;
    size_t count;
    size_t closed; // of them before the first experiment was closed
};

static void note(void *context, const struct disk_change *change)
{
    struct history *history = context;
    struct disk_change *kept;
    history->changes = realloc(history->changes, (history->count + 1) * sizeof(*kept));
    kept = &history->changes[history->count++];
    *kept = *change;
    kept->path = strdup(change->path);
    kept->bytes = NULL;
    if (change->count) {
        kept->bytes = memcpy(malloc(change->count), change->bytes, change->count);
    }
}

static void history_finish(struct history *history)
{
    for (size_t i = 0; i < history->count; i++) {
        free((void *)history->changes[i].path);
        free((void *)history->changes[i].bytes);
    }
    free(history->changes);
}

// ---- a disk after a power cut ----

enum kept { KEPT_NOTHING, KEPT_ALL, KEPT_SOME };

// Whether a change that was not flushed is on the disk.
static bool is_kept(enum kept kept, size_t change, size_t moment)
{
    const uint32_t mixed = (uint32_t)(change * 2654435761U ^ moment * 2246822519U);
    return kept == KEPT_ALL || (kept == KEPT_SOME && mixed >> 15 & 1);
}

static bool is_of(const struct disk_change *change, const char *path)
{
    return strcmp(change->path, path) == 0;
}

// With the first flush of a file beside the database that is new, its folder is flushed.
static bool is_folder_flushed(const struct history *history, size_t from, size_t moment,
                              const char *database)
{
    for (size_t i = from; i < moment; i++) {
        if (history->changes[i].kind == DISK_SYNC && !is_of(&history->changes[i], database)) {
            return true;
        }
    }
    return false;
}

static void apply(FILE *file, const struct disk_change *change)
{
    if (change->kind == DISK_WRITE) {
        fseek(file, (long)change->offset, SEEK_SET);
        fwrite(change->bytes, 1, change->count, file);
    } else if (change->kind == DISK_TRUNCATE) {
        fflush(file);
        ck_assert_int_eq(ftruncate(fileno(file), (off_t)change->offset), 0);
    }
}

// What is left of a file; it may be gone.
static void make_file(const struct history *history, size_t moment, enum kept kept,
                      const char *path, const char *database)
{
    size_t begin = 0; // the first change since it was made
    size_t end = 0;   // behind the last one
    size_t flushed = 0;
    bool is_known = false;
    for (size_t i = 0; i < moment; i++) {
        const struct disk_change *change = &history->changes[i];
        if (!is_of(change, path)) {
            continue;
        }
        const bool is_removed = is_known && history->changes[end - 1].kind == DISK_REMOVE;
        begin = !is_known || is_removed ? i : begin;
        flushed = change->kind == DISK_SYNC ? i : flushed;
        end = i + 1;
        is_known = true;
    }
    const bool is_removed = is_known && history->changes[end - 1].kind == DISK_REMOVE;
    if (!is_known || (is_removed && (is_kept(kept, end - 1, moment) ||
                                     is_folder_flushed(history, end, moment, database)))) {
        return;
    }
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    for (size_t i = begin; i < end; i++) {
        if (is_of(&history->changes[i], path) && (i < flushed || is_kept(kept, i, moment))) {
            apply(file, &history->changes[i]);
        }
    }
    ck_assert_int_eq(fclose(file), 0);
}

static void make_disk(const struct history *history, size_t moment, enum kept kept,
                      const char *database)
{
    static const char *const suffixes[] = {"", "-wal", "-journal"};
    for (int i = 0; i < UNIT_COUNT(suffixes); i++) {
        char path[160];
        snprintf(path, sizeof(path), "%s%s", database, suffixes[i]);
        make_file(history, moment, kept, path, database);
    }
}

// ---- the tests ----

static int count_complete(const char *path)
{
    sqlite3 *database;
    sqlite3_stmt *statement;
    ck_assert_int_eq(sqlite3_open(path, &database), SQLITE_OK);
    ck_assert_int_eq(sqlite3_prepare_v2(database, "SELECT count(*) FROM points WHERE is_complete",
                                        -1, &statement, NULL),
                     SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
    const int count = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(database);
    return count;
}

START_TEST(store_survives_a_power_cut)
{
    struct place place = place_make();
    struct history history = {0};
    faulty_vfs_watch(note, &history);
    store_experiment(place.path);
    history.closed = history.count;
    store_experiment(place.path);
    faulty_vfs_watch(NULL, NULL);
    remove_database(place.path);
    ck_assert_uint_gt(history.closed, 100);
    // Under valgrind each moment would take an hour.
    const char *wanted_step = getenv("OFFLOADSIM_FAULT_STEP");
    const size_t step = wanted_step ? (size_t)atoi(wanted_step) : 1;
    for (size_t moment = 0; moment <= history.count; moment += step) {
        make_disk(&history, moment, (enum kept)_i, place.path);
        store_close(open_store(place.path));
        check_sound(place.path);
        const int complete = count_complete(place.path);
        ck_assert_int_ge(complete, moment == history.count ? 2 : moment >= history.closed ? 1 : 0);
        store_experiment(place.path);
        ck_assert_int_eq(count_complete(place.path), complete + 1);
        remove_database(place.path);
    }
    history_finish(&history);
    place_remove(&place);
}
END_TEST

// Each of them takes milliseconds on some disks: two of the log and one of the file. That of the
// folder comes with the first.
START_TEST(store_flushes_a_new_file_three_times)
{
    struct place place = place_make();
    struct history history = {0};
    faulty_vfs_watch(note, &history);
    store_experiment(place.path);
    faulty_vfs_watch(NULL, NULL);
    int flushes = 0;
    for (size_t i = 0; i < history.count; i++) {
        flushes += history.changes[i].kind == DISK_SYNC;
    }
    ck_assert_int_eq(flushes, 3);
    history_finish(&history);
    place_remove(&place);
}
END_TEST

int main(void)
{
    faulty_vfs_register();
    Suite *suite = suite_create("store power");
    TCase *power = tcase_create("power");
    tcase_add_loop_test(power, store_survives_a_power_cut, KEPT_NOTHING, KEPT_SOME + 1);
    tcase_add_test(power, store_flushes_a_new_file_three_times);
    tcase_set_timeout(power, 120);
    suite_add_tcase(suite, power);
    return unit_run(suite);
}
