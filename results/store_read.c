// SPDX-License-Identifier: GPL-3.0-or-later
// Replications and estimates of earlier, bit for bit.
#include "results/store.h"

#include "base/memory.h"
#include "base/text.h"
#include "results/database.h"
#include "results/store_parts.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

// Where the values of a name go that the file knows by a number.
struct place {
    int64_t name_id;
    size_t index;
};

struct places {
    struct place *items; // in order of the numbers
    size_t count;
};

static int compare_places(const void *left, const void *right)
{
    const struct place *a = left;
    const struct place *b = right;
    return (a->name_id > b->name_id) - (a->name_id < b->name_id);
}

// The names that the file does not know have no place.
static int find_places(struct store *store, struct known_names *known, const char *const *names,
                       size_t count, struct places *ret_places, struct text *ret_error)
{
    struct places places = {.items = memory_resize(NULL, count, sizeof(*places.items))};
    for (size_t i = 0; i < count; i++) {
        int64_t id;
        if (writer_find(&store->writer, known, names[i], &id, ret_error) < 0) {
            free(places.items);
            return -1;
        }
        if (id) {
            places.items[places.count++] = (struct place){.name_id = id, .index = i};
        }
    }
    qsort(places.items, places.count, sizeof(*places.items), compare_places);
    *ret_places = places;
    return 0;
}

// The index of a name's number, or `none`.
static size_t find_index(const struct places *places, int64_t name_id, size_t none)
{
    const struct place wanted = {.name_id = name_id};
    const struct place *place = places->count ? bsearch(&wanted, places->items, places->count,
                                                        sizeof(wanted), compare_places)
                                              : NULL;
    return place ? place->index : none;
}

static uint64_t read_unsigned(sqlite3_stmt *statement, int column)
{
    if (sqlite3_column_type(statement, column) == SQLITE_TEXT) {
        return strtoull(database_text(statement, column), NULL, 10);
    }
    return (uint64_t)sqlite3_column_int64(statement, column);
}

static double read_number(sqlite3_stmt *statement, int column)
{
    return sqlite3_column_type(statement, column) == SQLITE_NULL
               ? NAN
               : sqlite3_column_double(statement, column);
}

static int read_values(struct store *store, enum statement which, int64_t replication_id,
                       const struct places *places, double *values, size_t count,
                       struct text *ret_error)
{
    sqlite3_stmt *read = writer_prepare(&store->writer, which, ret_error);
    if (!read) {
        return -1;
    }
    for (size_t i = 0; i < count; i++) {
        values[i] = NAN;
    }
    sqlite3_bind_int64(read, 1, replication_id);
    int found;
    while ((found = writer_step(&store->writer, read, ret_error)) > 0) {
        const size_t index = find_index(places, sqlite3_column_int64(read, 0), count);
        if (index < count) {
            values[index] = read_number(read, 1);
        }
    }
    return found;
}

struct reading {
    const struct store_names *names;
    struct places metrics;
    struct places counters;
    double *values; // metrics, then counters
    bool (*reader)(void *context, const struct store_replication *replication);
    void *context;
};

static int read_replications(struct store *store, int64_t source_id, uint64_t first, uint64_t last,
                             const struct reading *reading, struct text *ret_error)
{
    const struct store_names *names = reading->names;
    double *counters = reading->values + names->metric_count;
    sqlite3_stmt *read = writer_prepare(&store->writer, READ_REPLICATIONS, ret_error);
    if (!read) {
        return -1;
    }
    sqlite3_bind_int64(read, 1, source_id);
    writer_bind_unsigned(read, 2, first);
    writer_bind_unsigned(read, 3, last < STORE_MOST_REPLICATIONS ? last : STORE_MOST_REPLICATIONS);
    int found;
    bool goes_on = true;
    while (goes_on && (found = writer_step(&store->writer, read, ret_error)) > 0) {
        const int64_t id = sqlite3_column_int64(read, 0);
        const struct store_replication replication = {.number = read_unsigned(read, 1),
                                                      .seed = read_unsigned(read, 2),
                                                      .events = read_unsigned(read, 3),
                                                      .simulated_s = read_number(read, 4),
                                                      .wall_s = read_number(read, 5),
                                                      .offered = read_unsigned(read, 6),
                                                      .answered = read_unsigned(read, 7),
                                                      .dropped = read_unsigned(read, 8),
                                                      .in_flight = read_unsigned(read, 9),
                                                      .metrics = reading->values,
                                                      .counters = counters};
        if (read_values(store, READ_METRICS, id, &reading->metrics, reading->values,
                        names->metric_count, ret_error) < 0 ||
            read_values(store, READ_COUNTERS, id, &reading->counters, counters,
                        names->counter_count, ret_error) < 0) {
            found = -1;
            break;
        }
        goes_on = reading->reader(reading->context, &replication);
    }
    sqlite3_reset(read);
    return found < 0 ? -1 : 0;
}

// Inside a transaction, so that names and replications are of the same moment.
static int read_with_names(struct store *store, int64_t source_id, uint64_t first, uint64_t last,
                           struct reading *reading, struct text *ret_error)
{
    const struct store_names *names = reading->names;
    int result = -1;
    reading->values =
        memory_resize(NULL, names->metric_count + names->counter_count, sizeof(double));
    if (find_places(store, &store->writer.metrics, names->metrics, names->metric_count,
                    &reading->metrics, ret_error) == 0 &&
        find_places(store, &store->writer.counters, names->counters, names->counter_count,
                    &reading->counters, ret_error) == 0) {
        result = read_replications(store, source_id, first, last, reading, ret_error);
    }
    free(reading->metrics.items);
    free(reading->counters.items);
    free(reading->values);
    return result;
}

int store_read_replications(struct store *store, int64_t source_id, uint64_t first, uint64_t last,
                            const struct store_names *names, store_replication_reader *reader,
                            void *context, struct text *ret_error)
{
    struct reading reading = {.names = names, .reader = reader, .context = context};
    if (writer_begin_reading(&store->writer, ret_error) < 0) {
        return -1;
    }
    return writer_end(&store->writer,
                      read_with_names(store, source_id, first, last, &reading, ret_error),
                      ret_error);
}

static int read_for_pricing(struct store *store, int64_t point_id, struct reading *reading,
                            struct text *ret_error)
{
    struct point_row point;
    struct text policy = {0};
    int result = store_read_point(store, point_id, &point, &policy, NULL, NULL, ret_error);
    if (result == 0 && point.uses_prices) {
        text_format(ret_error,
                    "point %" PRId64 " cannot be priced anew: decisions of its policy '%s' depend "
                    "on prices; run it again with the other prices",
                    point_id, text_string(&policy));
        result = -1;
    } else if (result == 0 && (!point.is_complete || point.replications == 0)) {
        text_format(ret_error,
                    "point %" PRId64 " cannot be priced anew: it is not complete; run it to its "
                    "end first",
                    point_id);
        result = -1;
    } else if (result == 0) {
        result = read_with_names(store, point.source_id, 0, (uint64_t)point.replications - 1,
                                 reading, ret_error);
    }
    text_finish(&policy);
    return result;
}

int store_read_for_pricing(struct store *store, int64_t point_id, const struct store_names *names,
                           store_replication_reader *reader, void *context, struct text *ret_error)
{
    struct reading reading = {.names = names, .reader = reader, .context = context};
    if (writer_begin_reading(&store->writer, ret_error) < 0) {
        return -1;
    }
    return writer_end(&store->writer, read_for_pricing(store, point_id, &reading, ret_error),
                      ret_error);
}

static int fill_estimates(struct store *store, int64_t point_id, const struct places *places,
                          struct store_estimate *estimates, size_t count, struct text *ret_error)
{
    sqlite3_stmt *read = writer_prepare(&store->writer, READ_ESTIMATES, ret_error);
    if (!read) {
        return -1;
    }
    for (size_t i = 0; i < count; i++) {
        estimates[i] = (struct store_estimate){.metric = estimates[i].metric,
                                               .mean = NAN,
                                               .half_width = NAN,
                                               .confidence = NAN,
                                               .low = NAN,
                                               .high = NAN,
                                               .variance_ratio = NAN};
    }
    sqlite3_bind_int64(read, 1, point_id);
    int found;
    while ((found = writer_step(&store->writer, read, ret_error)) > 0) {
        const size_t index = find_index(places, sqlite3_column_int64(read, 0), count);
        if (index < count) {
            estimates[index].mean = read_number(read, 1);
            estimates[index].half_width = read_number(read, 2);
            estimates[index].confidence = read_number(read, 3);
            estimates[index].replications = read_unsigned(read, 4);
            estimates[index].low = read_number(read, 5);
            estimates[index].high = read_number(read, 6);
            estimates[index].variance_ratio = read_number(read, 7);
        }
    }
    return found;
}

static int read_estimates(struct store *store, int64_t point_id, struct store_estimate *estimates,
                          size_t count, struct point_row *ret_point, struct text *ret_verdict,
                          struct text *ret_stopped, struct text *ret_error)
{
    if (store_read_point(store, point_id, ret_point, NULL, NULL, NULL, ret_error) < 0) {
        return -1;
    }
    if (!ret_point->is_complete) {
        text_format(ret_error, "point %" PRId64 " has no estimates: it is not complete", point_id);
        return -1;
    }
    struct places places;
    const char **names = memory_resize(NULL, count, sizeof(*names));
    for (size_t i = 0; i < count; i++) {
        names[i] = estimates[i].metric;
    }
    int result = find_places(store, &store->writer.metrics, names, count, &places, ret_error);
    if (result == 0) {
        result = fill_estimates(store, point_id, &places, estimates, count, ret_error);
        free(places.items);
    }
    free(names);
    return result == 0 ? store_read_point(store, point_id, ret_point, NULL, ret_verdict,
                                          ret_stopped, ret_error)
                       : -1;
}

int store_read_estimates(struct store *store, int64_t point_id, struct store_estimate *estimates,
                         size_t estimate_count, uint64_t *ret_replications,
                         struct text *ret_verdict, struct text *ret_stopped, struct text *ret_error)
{
    struct point_row point;
    if (writer_begin_reading(&store->writer, ret_error) < 0 ||
        writer_end(&store->writer,
                   read_estimates(store, point_id, estimates, estimate_count, &point, ret_verdict,
                                  ret_stopped, ret_error),
                   ret_error) < 0) {
        return -1;
    }
    *ret_replications = (uint64_t)point.replications;
    return 0;
}
