// SPDX-License-Identifier: GPL-3.0-or-later
// Points: what is planned, and whose replications each of them takes.
#include "results/store.h"

#include "base/text.h"
#include "results/database.h"
#include "results/store_parts.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

// A transaction of this many points takes some tenths of a second, and others wait no longer.
enum { POINTS_AT_ONCE = 10000 };

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
        return store_refuse(store, ret_error, "the price of '%s' is not a finite number",
                            price->counter);
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

static const char *simulation_hash(const struct store_point *point)
{
    return point->simulation_hash ? point->simulation_hash : point->hash;
}

static int insert_point_row(struct store *store, const struct store_point *point, int64_t source_id,
                            int64_t *ret_id, struct text *ret_error)
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
    writer_bind_text(add, 9, simulation_hash(point));
    if (source_id) {
        sqlite3_bind_int64(add, 10, source_id);
    } else {
        sqlite3_bind_null(add, 10);
    }
    writer_bind_text(add, 11, point->units ? point->units : "replications");
    int result = writer_run(&store->writer, add, ret_error);
    text_finish(&json);
    if (result == 0) {
        *ret_id = sqlite3_last_insert_rowid(store->writer.database);
    }
    return result;
}

// `source_id` is 0 for a point with replications of its own.
static int insert_point(struct store *store, const struct store_point *point, int64_t source_id,
                        int64_t *ret_id, struct text *ret_error)
{
    int64_t id = 0;
    if (insert_point_row(store, point, source_id, &id, ret_error) < 0) {
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

static int require_experiment(struct store *store, int64_t id, struct text *ret_error)
{
    return writer_require(&store->writer, HAS_EXPERIMENT, "experiment", id, ret_error);
}

static int add_point(struct store *store, const struct store_point *point, int64_t *ret_id,
                     struct text *ret_error)
{
    return require_experiment(store, point->experiment_id, ret_error) < 0
               ? -1
               : insert_point(store, point, 0, ret_id, ret_error);
}

int store_add_point(struct store *store, const struct store_point *point, int64_t *ret_id,
                    struct text *ret_error)
{
    int64_t id = 0;
    if (writer_begin(&store->writer, ret_error) < 0 ||
        writer_end(&store->writer, add_point(store, point, &id, ret_error), ret_error) < 0) {
        return -1;
    }
    *ret_id = id;
    return 0;
}

static int find_source(struct store *store, const struct store_point *point, int64_t *ret_source_id,
                       struct text *ret_error)
{
    sqlite3_stmt *find = writer_prepare(&store->writer, FIND_SOURCE, ret_error);
    if (!find) {
        return -1;
    }
    writer_bind_text(find, 1, simulation_hash(point));
    const int found = writer_step(&store->writer, find, ret_error);
    *ret_source_id = found > 0 ? sqlite3_column_int64(find, 0) : 0;
    sqlite3_reset(find);
    return found < 0 ? -1 : 0;
}

// Fills the state of a point that is there. Returns 1, or 0 if it is not there.
static int find_point(struct store *store, const struct store_point *point,
                      struct store_point_state *ret_state, struct text *ret_error)
{
    sqlite3_stmt *find = writer_prepare(&store->writer, FIND_POINT, ret_error);
    if (!find) {
        return -1;
    }
    sqlite3_bind_int64(find, 1, point->experiment_id);
    sqlite3_bind_int64(find, 2, point->ordinal);
    int found = writer_step(&store->writer, find, ret_error);
    if (found > 0) {
        ret_state->id = sqlite3_column_int64(find, 0);
        ret_state->source_id = sqlite3_column_int64(find, 1);
        ret_state->is_complete = sqlite3_column_int(find, 3) &&
                                 (uint64_t)sqlite3_column_int64(find, 4) >= point->replications;
        if (strcmp(database_text(find, 2), point->hash) != 0) {
            found = store_refuse(store, ret_error,
                                 "point %" PRId64 " of experiment %" PRId64
                                 " is another one than planned; begin an experiment of its own",
                                 point->ordinal, point->experiment_id);
        }
    }
    sqlite3_reset(find);
    return found;
}

static int count_replications(struct store *store, struct store_point_state *state,
                              struct text *ret_error)
{
    sqlite3_stmt *count = writer_prepare(&store->writer, COUNT_REPLICATIONS, ret_error);
    if (!count) {
        return -1;
    }
    sqlite3_bind_int64(count, 1, state->source_id);
    sqlite3_bind_int64(count, 2, 0);
    sqlite3_bind_int64(count, 3, STORE_MOST_REPLICATIONS - 1);
    if (writer_step(&store->writer, count, ret_error) < 0) {
        return -1;
    }
    state->source_replications = (uint64_t)sqlite3_column_int64(count, 0);
    sqlite3_reset(count);
    return 0;
}

static int plan_point(struct store *store, const struct store_point *point,
                      struct store_point_state *ret_state, struct text *ret_error)
{
    struct store_point_state state = {0};
    const int found = find_point(store, point, &state, ret_error);
    if (found < 0) {
        return -1;
    }
    if (found == 0) {
        int64_t source_id;
        if (find_source(store, point, &source_id, ret_error) < 0 ||
            insert_point(store, point, source_id, &state.id, ret_error) < 0) {
            return -1;
        }
        state.source_id = source_id ? source_id : state.id;
    }
    if (count_replications(store, &state, ret_error) < 0) {
        return -1;
    }
    *ret_state = state;
    return 0;
}

static int plan_some(struct store *store, const struct store_point *points, size_t count,
                     struct store_point_state *ret_states, struct text *ret_error)
{
    for (size_t i = 0; i < count; i++) {
        const int64_t experiment_id = points[i].experiment_id;
        if (((i == 0 || experiment_id != points[i - 1].experiment_id) &&
             require_experiment(store, experiment_id, ret_error) < 0) ||
            plan_point(store, &points[i], &ret_states[i], ret_error) < 0) {
            return -1;
        }
    }
    return 0;
}

int store_plan_points(struct store *store, const struct store_point *points, size_t count,
                      struct store_point_state *ret_states, struct text *ret_error)
{
    for (size_t first = 0; first < count; first += POINTS_AT_ONCE) {
        const size_t some = count - first < POINTS_AT_ONCE ? count - first : POINTS_AT_ONCE;
        if (writer_begin(&store->writer, ret_error) < 0 ||
            writer_end(&store->writer,
                       plan_some(store, points + first, some, ret_states + first, ret_error),
                       ret_error) < 0) {
            return -1;
        }
    }
    return 0;
}

int store_read_point(struct store *store, int64_t point_id, struct point_row *ret_point,
                     struct text *ret_policy, struct text *ret_verdict, struct text *ret_stopped,
                     struct text *ret_error)
{
    sqlite3_stmt *read = writer_prepare(&store->writer, READ_POINT, ret_error);
    if (!read) {
        return -1;
    }
    sqlite3_bind_int64(read, 1, point_id);
    const int found = writer_step(&store->writer, read, ret_error);
    if (found <= 0) {
        return found < 0 ? -1
                         : store_refuse(store, ret_error,
                                        "point %" PRId64 " is no longer in it; run again, and "
                                        "delete nothing meanwhile",
                                        point_id);
    }
    *ret_point = (struct point_row){.source_id = sqlite3_column_int64(read, 0),
                                    .is_complete = sqlite3_column_int(read, 1),
                                    .replications = sqlite3_column_int64(read, 2),
                                    .uses_prices = sqlite3_column_int(read, 3)};
    if (ret_policy) {
        text_add(ret_policy, database_text(read, 4));
    }
    if (ret_verdict && sqlite3_column_type(read, 5) != SQLITE_NULL) {
        text_add(ret_verdict, database_text(read, 5));
    }
    if (ret_stopped && sqlite3_column_type(read, 6) != SQLITE_NULL) {
        text_add(ret_stopped, database_text(read, 6));
    }
    sqlite3_reset(read);
    return 0;
}
