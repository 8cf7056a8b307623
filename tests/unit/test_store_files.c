// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/text.h"
#include "results/store.h"
#include "store_fixture.h"
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
     "it was written by a newer offloadsim (schema 7, this one knows 3); use that one, "
     "or " ELSEWHERE,
     "it was written by a newer offloadsim (schema 7, this one knows 3); use that one, "
     "or " ELSEWHERE},
    {make_odd,
     "it was written by an older offloadsim (schema -3, this one reads 3); a run that stores into "
     "it brings it up to date",
     "it was written by an older offloadsim (schema -3, this one reads 3); a run that stores into "
     "it brings it up to date"},
    {make_nothing, NULL, "there is no such file; run a scenario first, or name the file with --db"},
    {make_empty, NULL,
     "there are no results in it; run a scenario first, or name the file with --db"},
};

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
    ck_assert_int_eq(store_begin_experiment(store, &experiment, &id, NULL, &error), -1);
    check_message(&error, &place,
                  "cannot store results in 'DIR/results.db': another process keeps it locked; wait "
                  "until that one has finished, or name another file with --db");
    // A reader does not wait for a writer.
    check_answer(place.path, "SELECT count(*) AS n FROM experiments", "n\n1\n");
    ck_assert_int_eq(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(other);
    text_clear(&error);
    ck_assert_int_eq(store_begin_experiment(store, &experiment, &id, NULL, &error), 0);
    store_close(store);
    text_finish(&error);
    place_remove(&place);
}
END_TEST

// Permissions do not hold the superuser back: there the tests go on as somebody else, to their
// ends, since each has a process of its own.
static void give_up_privileges(const struct place *place)
{
    if (geteuid() == 0) {
        ck_assert_int_eq(chown(place->folder, 65534, 65534), 0);
        ck_assert(chown(place->path, 65534, 65534) == 0 || access(place->path, F_OK) != 0);
        ck_assert_int_eq(setuid(65534), 0);
    }
}

START_TEST(store_of_a_file_that_may_only_be_read)
{
    struct place place = place_make();
    struct text error = {0};
    struct store *store = NULL;
    store_experiment(place.path);
    give_up_privileges(&place);
    // Helper files cannot be made here, and none is there.
    ck_assert_int_eq(chmod(place.folder, 0555), 0);
    check_answer(place.path, "SELECT count(*) AS n FROM experiments", "n\n1\n");
    ck_assert_int_eq(chmod(place.folder, 0700), 0);
    ck_assert_int_eq(chmod(place.path, 0444), 0);
    ck_assert_int_eq(store_open(place.path, 0.1, &store, &error), -1);
    check_message(&error, &place,
                  "cannot store results in 'DIR/results.db': the file may only be read; change its "
                  "permissions, or name another file with --db");
    check_answer(place.path, "SELECT count(*) AS n FROM experiments", "n\n1\n");
    ck_assert_int_eq(chmod(place.folder, 0555), 0);
    check_answer(place.path, "SELECT count(*) AS n FROM experiments", "n\n1\n");
    ck_assert_int_eq(chmod(place.path, 0), 0);
    text_clear(&error);
    ck_assert_int_eq(run_query(place.path, "SELECT 1", &error), -1);
    check_message(&error, &place,
                  "cannot read results from 'DIR/results.db': permission denied; name another file "
                  "with --db");
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

int main(void)
{
    Suite *suite = suite_create("store files");

    TCase *files = tcase_create("files");
    unit_add_table(files, store_names_what_is_wrong_with_a_file, unusable);
    tcase_add_test(files, store_leaves_foreign_files_alone);
    tcase_add_test(files, store_needs_a_folder);
    tcase_add_test(files, store_waits_for_a_lock_but_not_forever);
    tcase_add_test(files, store_of_a_file_that_may_only_be_read);
    tcase_add_test(files, store_in_a_folder_that_may_only_be_read);
    tcase_add_test(files, store_keeps_what_it_has_when_there_is_no_room);
    suite_add_tcase(suite, files);

    return unit_run(suite);
}
