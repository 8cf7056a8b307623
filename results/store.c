// SPDX-License-Identifier: GPL-3.0-or-later
#include "results/store.h"

#include "base/memory.h"
#include "base/text.h"
#include "results/store_parts.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>

int store_open(const char *path, double busy_timeout_s, struct store **ret_store,
               struct text *ret_error)
{
    struct writer writer;
    if (writer_init(&writer, path, busy_timeout_s, ret_error) < 0) {
        return -1;
    }
    struct store *store = memory_resize(NULL, 1, sizeof(*store));
    *store = (struct store){.writer = writer, .owner = store_make_owner()};
    *ret_store = store;
    return 0;
}

void store_close(struct store *store)
{
    if (store) {
        if (store->has_claims) {
            struct text ignored = {0}; // Claims that cannot be released end by themselves.
            store_release_claims(store, &ignored);
            text_finish(&ignored);
        }
        writer_finish(&store->writer);
        free(store->ids);
        free(store);
    }
}

int store_begin_group(struct store *store, struct text *ret_error)
{
    return writer_begin_group(&store->writer, ret_error);
}

int store_end_group(struct store *store, int result, struct text *ret_error)
{
    return writer_end_group(&store->writer, result, ret_error);
}

int store_refuse(const struct store *store, struct text *ret_error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    text_format(ret_error, "cannot store results in '%s': ", store->writer.path);
    text_format_list(ret_error, format, arguments);
    va_end(arguments);
    return -1;
}

static const char *kind_of(const struct store_experiment *experiment)
{
    return experiment->sweep_json ? "sweep" : "run";
}

static int insert_experiment(struct store *store, const struct store_experiment *experiment,
                             int64_t *ret_id, struct text *ret_error)
{
    sqlite3_stmt *add = writer_prepare(&store->writer, ADD_EXPERIMENT, ret_error);
    if (!add) {
        return -1;
    }
    char now[32];
    struct tm calendar;
    time_t seconds = time(NULL);
    strftime(now, sizeof(now), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &calendar));
    writer_bind_text(add, 1, experiment->scenario);
    writer_bind_text(add, 2, experiment->about);
    writer_bind_text(add, 3, experiment->path);
    writer_bind_text(add, 4, experiment->command);
    writer_bind_text(add, 5, experiment->scenario_json);
    writer_bind_text(add, 6, experiment->scenario_hash);
    writer_bind_unsigned(add, 7, experiment->seed);
    writer_bind_text(add, 8, experiment->version);
    writer_bind_text(add, 9, experiment->host);
    writer_bind_text(add, 10, experiment->started_at ? experiment->started_at : now);
    writer_bind_text(add, 11, kind_of(experiment));
    writer_bind_text(add, 12, experiment->sweep_json);
    if (writer_run(&store->writer, add, ret_error) < 0) {
        return -1;
    }
    *ret_id = sqlite3_last_insert_rowid(store->writer.database);
    return 0;
}

// Takes up the latest experiment of the same kind and hash; 0 if there is none.
static int resume_experiment(struct store *store, const struct store_experiment *experiment,
                             int64_t *ret_id, struct text *ret_error)
{
    sqlite3_stmt *find = writer_prepare(&store->writer, FIND_EXPERIMENT, ret_error);
    sqlite3_stmt *resume = writer_prepare(&store->writer, RESUME_EXPERIMENT, ret_error);
    if (!find || !resume) {
        return -1;
    }
    writer_bind_text(find, 1, experiment->scenario_hash);
    writer_bind_text(find, 2, kind_of(experiment));
    if (writer_step(&store->writer, find, ret_error) < 0) {
        return -1;
    }
    *ret_id = sqlite3_column_int64(find, 0); // A NULL reads as 0.
    sqlite3_reset(find);
    if (*ret_id == 0) {
        return 0;
    }
    sqlite3_bind_int64(resume, 1, *ret_id);
    return writer_run(&store->writer, resume, ret_error);
}

static int begin_experiment(struct store *store, const struct store_experiment *experiment,
                            int64_t *ret_id, bool *ret_is_resumed, struct text *ret_error)
{
    *ret_id = 0;
    if (experiment->resumes && resume_experiment(store, experiment, ret_id, ret_error) < 0) {
        return -1;
    }
    *ret_is_resumed = *ret_id != 0;
    return *ret_is_resumed ? 0 : insert_experiment(store, experiment, ret_id, ret_error);
}

int store_begin_experiment(struct store *store, const struct store_experiment *experiment,
                           int64_t *ret_id, bool *ret_is_resumed, struct text *ret_error)
{
    int64_t id = 0;
    bool is_resumed = false;
    if (writer_begin(&store->writer, ret_error) < 0 ||
        writer_end(&store->writer, begin_experiment(store, experiment, &id, &is_resumed, ret_error),
                   ret_error) < 0) {
        return -1;
    }
    *ret_id = id;
    if (ret_is_resumed) {
        *ret_is_resumed = is_resumed;
    }
    return 0;
}

int store_finish_experiment(struct store *store, int64_t id, double wall_s,
                            enum store_status status, struct text *ret_error)
{
    static const char *const names[] = {
        [STORE_FINISHED] = "finished",
        [STORE_FAILED] = "failed",
        [STORE_INTERRUPTED] = "interrupted",
    };
    sqlite3_stmt *finish = writer_prepare(&store->writer, FINISH_EXPERIMENT, ret_error);
    if (!finish) {
        return -1;
    }
    sqlite3_bind_int64(finish, 1, id);
    sqlite3_bind_double(finish, 2, wall_s);
    writer_bind_text(finish, 3, names[status]);
    if (writer_run(&store->writer, finish, ret_error) < 0) {
        return -1;
    }
    return writer_require_change(&store->writer, "experiment", id, ret_error);
}
