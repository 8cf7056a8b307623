// SPDX-License-Identifier: GPL-3.0-or-later
// Replications and their samples, and the estimates that end a point.
#include "results/store.h"

#include "base/memory.h"
#include "base/text.h"
#include "results/store_parts.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static int64_t replication_id(int64_t source_id, uint64_t number)
{
    return source_id * STORE_MOST_REPLICATIONS + (int64_t)number;
}

// Returns 1, or 0 if the replication is there already.
static int insert_replication(struct store *store, int64_t point_id,
                              const struct store_replication *replication, struct text *ret_error)
{
    sqlite3_stmt *add = writer_prepare(&store->writer, ADD_REPLICATION, ret_error);
    if (!add) {
        return -1;
    }
    sqlite3_bind_int64(add, 1, replication_id(point_id, replication->number));
    sqlite3_bind_int64(add, 2, point_id);
    writer_bind_unsigned(add, 3, replication->number);
    writer_bind_unsigned(add, 4, replication->seed);
    writer_bind_unsigned(add, 5, replication->events);
    sqlite3_bind_double(add, 6, replication->simulated_s);
    sqlite3_bind_double(add, 7, replication->wall_s);
    writer_bind_unsigned(add, 8, replication->offered);
    writer_bind_unsigned(add, 9, replication->answered);
    writer_bind_unsigned(add, 10, replication->dropped);
    writer_bind_unsigned(add, 11, replication->in_flight);
    return writer_run(&store->writer, add, ret_error) < 0 ? -1
                                                          : sqlite3_changes(store->writer.database);
}

// Binds one of many rows to the parameters from `index` on. Returns -1 with a message.
typedef int row_binder(struct store *store, sqlite3_stmt *add, int index, const void *rows,
                       size_t row, struct text *ret_error);

// Adds `count` rows that have `first` in their first column.
static int insert_rows(struct store *store, enum rows_statement which, int64_t first,
                       row_binder *bind, const void *rows, size_t count, struct text *ret_error)
{
    for (size_t done = 0; done < count;) {
        const size_t some = count - done < MOST_ROWS_AT_ONCE ? count - done : MOST_ROWS_AT_ONCE;
        int columns;
        sqlite3_stmt *add = writer_prepare_rows(&store->writer, which, some, &columns, ret_error);
        if (!add) {
            return -1;
        }
        sqlite3_bind_int64(add, 1, first);
        for (size_t i = 0; i < some; i++) {
            if (bind(store, add, 2 + (int)i * columns, rows, done + i, ret_error) < 0) {
                return -1;
            }
        }
        if (writer_run(&store->writer, add, ret_error) < 0) {
            return -1;
        }
        done += some;
    }
    return 0;
}

// Values and the numbers of their names.
struct named_values {
    const int64_t *name_ids;
    const double *values;
};

static int bind_value(struct store *store, sqlite3_stmt *add, int index, const void *rows,
                      size_t row, struct text *ret_error)
{
    (void)store;
    (void)ret_error;
    const struct named_values *named = rows;
    sqlite3_bind_int64(add, index, named->name_ids[row]);
    sqlite3_bind_double(add, index + 1, named->values[row]);
    return 0;
}

static int insert_values(struct store *store, const struct store_batch *batch,
                         const struct store_replication *replication, struct text *ret_error)
{
    const int64_t id = replication_id(batch->point_id, replication->number);
    const struct named_values metrics = {store->ids, replication->metrics};
    const struct named_values counters = {store->ids + batch->metric_count, replication->counters};
    return insert_rows(store, ADD_METRICS, id, bind_value, &metrics, batch->metric_count,
                       ret_error) < 0 ||
                   insert_rows(store, ADD_COUNTERS, id, bind_value, &counters, batch->counter_count,
                               ret_error) < 0
               ? -1
               : 0;
}

// A counter that is not a number would make every cost wrong without a word.
static int check_batch(const struct store *store, const struct store_batch *batch,
                       struct text *ret_error)
{
    for (size_t r = 0; r < batch->replication_count; r++) {
        const uint64_t number = batch->replications[r].number;
        if (number >= STORE_MOST_REPLICATIONS) {
            return store_refuse(store, ret_error,
                                "replication %" PRIu64 " is beyond the last possible, %" PRId64
                                "; ask for fewer",
                                number, STORE_MOST_REPLICATIONS - 1);
        }
        for (size_t i = 0; i < batch->counter_count; i++) {
            if (!isfinite(batch->replications[r].counters[i])) {
                return store_refuse(store, ret_error,
                                    "counter '%s' of replication %" PRIu64
                                    " is not a finite number",
                                    batch->counter_names[i], number);
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

// Takes back this process's claims on what it has stored.
static int forget_claims(struct store *store, const struct store_batch *batch,
                         struct text *ret_error)
{
    uint64_t first = UINT64_MAX;
    uint64_t last = 0;
    for (size_t r = 0; r < batch->replication_count; r++) {
        const uint64_t number = batch->replications[r].number;
        first = number < first ? number : first;
        last = number > last ? number : last;
    }
    sqlite3_stmt *forget = writer_prepare(&store->writer, FORGET_CLAIMS, ret_error);
    if (!forget) {
        return -1;
    }
    sqlite3_bind_int64(forget, 1, batch->point_id);
    writer_bind_unsigned(forget, 2, first);
    writer_bind_unsigned(forget, 3, last);
    return writer_run(&store->writer, forget, ret_error);
}

static int require_source(struct store *store, int64_t point_id, struct text *ret_error)
{
    struct point_row point;
    if (store_read_point(store, point_id, &point, NULL, NULL, NULL, ret_error) < 0) {
        return -1;
    }
    return point.source_id == point_id
               ? 0
               : store_refuse(store, ret_error,
                              "point %" PRId64 " shares the replications of point %" PRId64
                              ", which they belong to",
                              point_id, point.source_id);
}

// The number of a text, NULL for none. Texts of samples come from few places over and over, so the
// one before is often the same.
static int bind_text_id(struct store *store, sqlite3_stmt *add, int index, const char *text,
                        struct text *ret_error)
{
    int64_t id;
    if (!text) {
        sqlite3_bind_null(add, index);
        return 0;
    }
    if (writer_intern(&store->writer, &store->writer.texts, text, &id, ret_error) < 0) {
        return -1;
    }
    sqlite3_bind_int64(add, index, id);
    return 0;
}

// What is negative is not known.
static void bind_known(sqlite3_stmt *add, int index, int64_t value)
{
    if (value < 0) {
        sqlite3_bind_null(add, index);
    } else {
        sqlite3_bind_int64(add, index, value);
    }
}

static int bind_sample(struct store *store, sqlite3_stmt *add, int index, const void *rows,
                       size_t row, struct text *ret_error)
{
    const struct store_sample *sample = (const struct store_sample *)rows + row;
    const double numbers[] = {sample->arrived_s, sample->latency_s,  sample->wait_s,
                              sample->service_s, sample->transfer_s, sample->energy_j,
                              sample->cost};
    writer_bind_unsigned(add, index, sample->device);
    writer_bind_unsigned(add, index + 1, sample->number);
    bind_known(add, index + 2, sample->trace_row);
    for (int i = 0; i < (int)(sizeof(numbers) / sizeof(numbers[0])); i++) {
        sqlite3_bind_double(add, index + 3 + i, numbers[i]);
    }
    sqlite3_bind_double(add, index + 12, sample->confidence);
    bind_known(add, index + 13, sample->correct);
    sqlite3_bind_int(add, index + 14, sample->is_offloaded);
    return bind_text_id(store, add, index + 10, sample->tier, ret_error) < 0 ||
                   bind_text_id(store, add, index + 11, sample->exit, ret_error) < 0 ||
                   bind_text_id(store, add, index + 15, sample->drop_reason, ret_error) < 0 ||
                   bind_text_id(store, add, index + 16, sample->decision, ret_error) < 0
               ? -1
               : 0;
}

static int insert_samples(struct store *store, int64_t replication,
                          const struct store_samples *samples, struct text *ret_error)
{
    return insert_rows(store, ADD_SAMPLES, replication, bind_sample, samples->list, samples->count,
                       ret_error);
}

static int insert_batch(struct store *store, const struct store_batch *batch,
                        struct text *ret_error)
{
    int64_t inserted = 0;
    if (require_source(store, batch->point_id, ret_error) < 0 ||
        intern_batch_names(store, batch, ret_error) < 0) {
        return -1;
    }
    for (size_t r = 0; r < batch->replication_count; r++) {
        const struct store_replication *replication = &batch->replications[r];
        const int64_t id = replication_id(batch->point_id, replication->number);
        const int is_new = insert_replication(store, batch->point_id, replication, ret_error);
        if (is_new < 0 || (is_new && insert_values(store, batch, replication, ret_error) < 0) ||
            (batch->samples && insert_samples(store, id, &batch->samples[r], ret_error) < 0)) {
            return -1;
        }
        inserted += is_new;
    }
    sqlite3_stmt *advance = writer_prepare(&store->writer, ADVANCE_POINT, ret_error);
    if (!advance) {
        return -1;
    }
    sqlite3_bind_int64(advance, 1, batch->point_id);
    sqlite3_bind_int64(advance, 2, inserted);
    if (writer_run(&store->writer, advance, ret_error) < 0) {
        return -1;
    }
    return store->has_claims ? forget_claims(store, batch, ret_error) : 0;
}

int store_add_replications(struct store *store, const struct store_batch *batch,
                           struct text *ret_error)
{
    if (check_batch(store, batch, ret_error) < 0 || writer_begin(&store->writer, ret_error) < 0) {
        return -1;
    }
    return writer_end(&store->writer, insert_batch(store, batch, ret_error), ret_error);
}

static int add_samples(struct store *store, int64_t replication,
                       const struct store_samples *samples, struct text *ret_error)
{
    return writer_require(&store->writer, HAS_REPLICATION, "replication", replication, ret_error) <
                   0
               ? -1
               : insert_samples(store, replication, samples, ret_error);
}

int store_add_samples(struct store *store, int64_t source_id, uint64_t number,
                      const struct store_sample *samples, size_t count, struct text *ret_error)
{
    const struct store_samples all = {samples, count};
    if (writer_begin(&store->writer, ret_error) < 0) {
        return -1;
    }
    return writer_end(&store->writer,
                      add_samples(store, replication_id(source_id, number), &all, ret_error),
                      ret_error);
}

static int bind_estimate(struct store *store, sqlite3_stmt *add, int index, const void *rows,
                         size_t row, struct text *ret_error)
{
    const struct store_estimate *estimate = (const struct store_estimate *)rows + row;
    int64_t metric_id;
    if (writer_intern(&store->writer, &store->writer.metrics, estimate->metric, &metric_id,
                      ret_error) < 0) {
        return -1;
    }
    sqlite3_bind_int64(add, index, metric_id);
    sqlite3_bind_double(add, index + 1, estimate->mean);
    sqlite3_bind_double(add, index + 2, estimate->half_width);
    sqlite3_bind_double(add, index + 3, estimate->confidence);
    writer_bind_unsigned(add, index + 4, estimate->replications);
    sqlite3_bind_double(add, index + 5, estimate->low);
    sqlite3_bind_double(add, index + 6, estimate->high);
    sqlite3_bind_double(add, index + 7, estimate->variance_ratio);
    return 0;
}

static int replace_estimates(struct store *store, int64_t point_id, const char *verdict,
                             const char *stopped, uint64_t replications,
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
    writer_bind_unsigned(complete, 3, replications);
    writer_bind_text(complete, 4, stopped);
    if (writer_run(&store->writer, complete, ret_error) < 0 ||
        writer_require_change(&store->writer, "point", point_id, ret_error) < 0) {
        return -1;
    }
    sqlite3_bind_int64(forget, 1, point_id);
    if (writer_run(&store->writer, forget, ret_error) < 0) {
        return -1;
    }
    return insert_rows(store, ADD_ESTIMATES, point_id, bind_estimate, estimates, estimate_count,
                       ret_error);
}

int store_complete_point(struct store *store, int64_t point_id, const char *verdict,
                         const char *stopped, uint64_t replications,
                         const struct store_estimate *estimates, size_t estimate_count,
                         struct text *ret_error)
{
    if (writer_begin(&store->writer, ret_error) < 0) {
        return -1;
    }
    int result = replace_estimates(store, point_id, verdict, stopped, replications, estimates,
                                   estimate_count, ret_error);
    return writer_end(&store->writer, result, ret_error);
}
