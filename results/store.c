// SPDX-License-Identifier: GPL-3.0-or-later
#include "results/store.h"

#include "base/memory.h"
#include "base/text.h"
#include "results/writer.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <time.h>

struct store {
    struct writer writer;
    int64_t *ids; // room for the numbers of the names of a batch
    size_t ids_room;
};

int store_open(const char *path, double busy_timeout_s, struct store **ret_store,
               struct text *ret_error)
{
    struct writer writer;
    if (writer_init(&writer, path, busy_timeout_s, ret_error) < 0) {
        return -1;
    }
    struct store *store = memory_resize(NULL, 1, sizeof(*store));
    *store = (struct store){.writer = writer};
    *ret_store = store;
    return 0;
}

void store_close(struct store *store)
{
    if (store) {
        writer_finish(&store->writer);
        free(store->ids);
        free(store);
    }
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
    if (writer_run(&store->writer, add, ret_error) < 0) {
        return -1;
    }
    *ret_id = sqlite3_last_insert_rowid(store->writer.database);
    return 0;
}

int store_begin_experiment(struct store *store, const struct store_experiment *experiment,
                           int64_t *ret_id, struct text *ret_error)
{
    int64_t id = 0;
    if (writer_begin(&store->writer, ret_error) < 0 ||
        writer_end(&store->writer, insert_experiment(store, experiment, &id, ret_error),
                   ret_error) < 0) {
        return -1;
    }
    *ret_id = id;
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

// JSON has no such number, so an infinite parameter is a text.
static const char *infinity_text(double number)
{
    return number > 0 ? "inf" : "-inf";
}

static int insert_parameter(struct store *store, int64_t point_id,
                            const struct store_parameter *parameter, struct text *ret_error)
{
    sqlite3_stmt *add = writer_prepare(&store->writer, ADD_PARAMETER, ret_error);
    if (!add) {
        return -1;
    }
    const double exact_limit = 9007199254740992.0; // 2^53
    double number = parameter->number;
    sqlite3_bind_int64(add, 1, point_id);
    writer_bind_text(add, 2, parameter->path);
    if (parameter->text) {
        writer_bind_text(add, 3, parameter->text);
    } else if (isinf(number)) {
        writer_bind_text(add, 3, infinity_text(number));
    } else if (fabs(number) <= exact_limit && number == trunc(number)) {
        sqlite3_bind_int64(add, 3, (int64_t)number); // A count reads as 50, not as 50.0.
    } else {
        sqlite3_bind_double(add, 3, number);
    }
    return writer_run(&store->writer, add, ret_error);
}

static int insert_price(struct store *store, int64_t point_id, const struct store_price *price,
                        struct text *ret_error)
{
    int64_t counter_id;
    sqlite3_stmt *add = writer_prepare(&store->writer, ADD_PRICE, ret_error);
    if (!add || writer_intern(&store->writer, &store->writer.counters, price->counter, &counter_id,
                              ret_error) < 0) {
        return -1;
    }
    if (!isfinite(price->price)) {
        text_format(ret_error,
                    "cannot store results in '%s': the price of '%s' is not a finite number",
                    store->writer.path, price->counter);
        return -1;
    }
    sqlite3_bind_int64(add, 1, point_id);
    sqlite3_bind_int64(add, 2, counter_id);
    sqlite3_bind_double(add, 3, price->price);
    return writer_run(&store->writer, add, ret_error);
}

// All parameters as one JSON object.
static void write_parameters(const struct store_point *point, struct text *ret_json)
{
    text_add(ret_json, "{");
    for (size_t i = 0; i < point->parameter_count; i++) {
        const struct store_parameter *parameter = &point->parameters[i];
        text_add(ret_json, i ? "," : "");
        text_json_string(ret_json, parameter->path);
        text_add(ret_json, ":");
        if (parameter->text && parameter->is_json) {
            text_add(ret_json, parameter->text);
        } else if (parameter->text) {
            text_json_string(ret_json, parameter->text);
        } else if (isinf(parameter->number)) {
            text_json_string(ret_json, infinity_text(parameter->number));
        } else {
            text_json_number(ret_json, parameter->number);
        }
    }
    text_add(ret_json, "}");
}

static int insert_point_row(struct store *store, const struct store_point *point, int64_t *ret_id,
                            struct text *ret_error)
{
    sqlite3_stmt *add = writer_prepare(&store->writer, ADD_POINT, ret_error);
    if (!add) {
        return -1;
    }
    struct text json = {0};
    write_parameters(point, &json);
    sqlite3_bind_int64(add, 1, point->experiment_id);
    sqlite3_bind_int64(add, 2, point->ordinal);
    writer_bind_text(add, 3, point->policy);
    sqlite3_bind_int(add, 4, point->is_oracle);
    sqlite3_bind_int(add, 5, point->uses_prices);
    writer_bind_text(add, 6, text_string(&json));
    writer_bind_text(add, 7, point->scenario_json);
    writer_bind_text(add, 8, point->hash);
    int result = writer_run(&store->writer, add, ret_error);
    text_finish(&json);
    if (result == 0) {
        *ret_id = sqlite3_last_insert_rowid(store->writer.database);
    }
    return result;
}

static int insert_point(struct store *store, const struct store_point *point, int64_t *ret_id,
                        struct text *ret_error)
{
    int64_t id = 0;
    if (insert_point_row(store, point, &id, ret_error) < 0) {
        return -1;
    }
    for (size_t i = 0; i < point->parameter_count; i++) {
        if (insert_parameter(store, id, &point->parameters[i], ret_error) < 0) {
            return -1;
        }
    }
    for (size_t i = 0; i < point->price_count; i++) {
        if (insert_price(store, id, &point->prices[i], ret_error) < 0) {
            return -1;
        }
    }
    *ret_id = id;
    return 0;
}

int store_add_point(struct store *store, const struct store_point *point, int64_t *ret_id,
                    struct text *ret_error)
{
    int64_t id = 0;
    if (writer_begin(&store->writer, ret_error) < 0 ||
        writer_end(&store->writer, insert_point(store, point, &id, ret_error), ret_error) < 0) {
        return -1;
    }
    *ret_id = id;
    return 0;
}

static int insert_replication(struct store *store, int64_t point_id,
                              const struct store_replication *replication, int64_t *ret_id,
                              struct text *ret_error)
{
    sqlite3_stmt *add = writer_prepare(&store->writer, ADD_REPLICATION, ret_error);
    if (!add) {
        return -1;
    }
    sqlite3_bind_int64(add, 1, point_id);
    writer_bind_unsigned(add, 2, replication->number);
    writer_bind_unsigned(add, 3, replication->seed);
    writer_bind_unsigned(add, 4, replication->events);
    sqlite3_bind_double(add, 5, replication->simulated_s);
    sqlite3_bind_double(add, 6, replication->wall_s);
    writer_bind_unsigned(add, 7, replication->offered);
    writer_bind_unsigned(add, 8, replication->answered);
    writer_bind_unsigned(add, 9, replication->dropped);
    writer_bind_unsigned(add, 10, replication->in_flight);
    if (writer_run(&store->writer, add, ret_error) < 0) {
        return -1;
    }
    *ret_id = sqlite3_last_insert_rowid(store->writer.database);
    return 0;
}

// One row for each value, with the number of its name.
static int insert_values(struct store *store, enum statement which, int64_t replication_id,
                         const int64_t *name_ids, const double *values, size_t count,
                         struct text *ret_error)
{
    sqlite3_stmt *add = writer_prepare(&store->writer, which, ret_error);
    if (!add) {
        return -1;
    }
    sqlite3_bind_int64(add, 1, replication_id);
    for (size_t i = 0; i < count; i++) {
        sqlite3_bind_int64(add, 2, name_ids[i]);
        sqlite3_bind_double(add, 3, values[i]);
        if (writer_run(&store->writer, add, ret_error) < 0) {
            return -1;
        }
    }
    return 0;
}

// A counter that is not a number would make every cost wrong without a word.
static int check_counters(const struct store *store, const struct store_batch *batch,
                          struct text *ret_error)
{
    for (size_t r = 0; r < batch->replication_count; r++) {
        for (size_t i = 0; i < batch->counter_count; i++) {
            if (!isfinite(batch->replications[r].counters[i])) {
                text_format(ret_error,
                            "cannot store results in '%s': counter '%s' of replication %" PRIu64
                            " is not a finite number",
                            store->writer.path, batch->counter_names[i],
                            batch->replications[r].number);
                return -1;
            }
        }
    }
    return 0;
}

// Fills store->ids with the numbers of the metrics, then of the counters.
static int intern_batch_names(struct store *store, const struct store_batch *batch,
                              struct text *ret_error)
{
    size_t count = batch->metric_count + batch->counter_count;
    if (count > store->ids_room) {
        store->ids = memory_resize(store->ids, count, sizeof(*store->ids));
        store->ids_room = count;
    }
    for (size_t i = 0; i < batch->metric_count; i++) {
        if (writer_intern(&store->writer, &store->writer.metrics, batch->metric_names[i],
                          &store->ids[i], ret_error) < 0) {
            return -1;
        }
    }
    for (size_t i = 0; i < batch->counter_count; i++) {
        if (writer_intern(&store->writer, &store->writer.counters, batch->counter_names[i],
                          &store->ids[batch->metric_count + i], ret_error) < 0) {
            return -1;
        }
    }
    return 0;
}

static int insert_batch(struct store *store, const struct store_batch *batch,
                        struct text *ret_error)
{
    if (intern_batch_names(store, batch, ret_error) < 0) {
        return -1;
    }
    for (size_t r = 0; r < batch->replication_count; r++) {
        const struct store_replication *replication = &batch->replications[r];
        int64_t id;
        if (insert_replication(store, batch->point_id, replication, &id, ret_error) < 0 ||
            insert_values(store, ADD_METRIC, id, store->ids, replication->metrics,
                          batch->metric_count, ret_error) < 0 ||
            insert_values(store, ADD_COUNTER, id, store->ids + batch->metric_count,
                          replication->counters, batch->counter_count, ret_error) < 0) {
            return -1;
        }
    }
    sqlite3_stmt *count = writer_prepare(&store->writer, COUNT_REPLICATIONS, ret_error);
    if (!count) {
        return -1;
    }
    sqlite3_bind_int64(count, 1, batch->point_id);
    sqlite3_bind_int64(count, 2, (int64_t)batch->replication_count);
    if (writer_run(&store->writer, count, ret_error) < 0) {
        return -1;
    }
    return writer_require_change(&store->writer, "point", batch->point_id, ret_error);
}

int store_add_replications(struct store *store, const struct store_batch *batch,
                           struct text *ret_error)
{
    if (check_counters(store, batch, ret_error) < 0 ||
        writer_begin(&store->writer, ret_error) < 0) {
        return -1;
    }
    return writer_end(&store->writer, insert_batch(store, batch, ret_error), ret_error);
}

static int insert_estimate(struct store *store, int64_t point_id,
                           const struct store_estimate *estimate, struct text *ret_error)
{
    int64_t metric_id;
    sqlite3_stmt *add = writer_prepare(&store->writer, ADD_ESTIMATE, ret_error);
    if (!add || writer_intern(&store->writer, &store->writer.metrics, estimate->metric, &metric_id,
                              ret_error) < 0) {
        return -1;
    }
    sqlite3_bind_int64(add, 1, point_id);
    sqlite3_bind_int64(add, 2, metric_id);
    sqlite3_bind_double(add, 3, estimate->mean);
    sqlite3_bind_double(add, 4, estimate->half_width);
    sqlite3_bind_double(add, 5, estimate->confidence);
    writer_bind_unsigned(add, 6, estimate->replications);
    return writer_run(&store->writer, add, ret_error);
}

static int replace_estimates(struct store *store, int64_t point_id, const char *verdict,
                             const struct store_estimate *estimates, size_t estimate_count,
                             struct text *ret_error)
{
    sqlite3_stmt *complete = writer_prepare(&store->writer, COMPLETE_POINT, ret_error);
    sqlite3_stmt *forget = writer_prepare(&store->writer, FORGET_ESTIMATES, ret_error);
    if (!complete || !forget) {
        return -1;
    }
    sqlite3_bind_int64(complete, 1, point_id);
    writer_bind_text(complete, 2, verdict);
    if (writer_run(&store->writer, complete, ret_error) < 0 ||
        writer_require_change(&store->writer, "point", point_id, ret_error) < 0) {
        return -1;
    }
    sqlite3_bind_int64(forget, 1, point_id);
    if (writer_run(&store->writer, forget, ret_error) < 0) {
        return -1;
    }
    for (size_t i = 0; i < estimate_count; i++) {
        if (insert_estimate(store, point_id, &estimates[i], ret_error) < 0) {
            return -1;
        }
    }
    return 0;
}

int store_complete_point(struct store *store, int64_t point_id, const char *verdict,
                         const struct store_estimate *estimates, size_t estimate_count,
                         struct text *ret_error)
{
    if (writer_begin(&store->writer, ret_error) < 0) {
        return -1;
    }
    int result = replace_estimates(store, point_id, verdict, estimates, estimate_count, ret_error);
    return writer_end(&store->writer, result, ret_error);
}
