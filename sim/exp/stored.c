// SPDX-License-Identifier: GPL-3.0-or-later
#include "exp/stored.h"

#include "base/check.h"
#include "base/text.h"
#include "exp/stored_parts.h"
#include "model/world.h"
#include "results/query.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static_assert(COUNTER_OFFERED == 0, "samples offered are the first counter");

// ---- asking ----

static void ignore_columns(void *context, const char *const *names, size_t count)
{
    (void)context;
    (void)names;
    (void)count;
}

int stored_ask(struct stored_reading *reading, const char *sql, stored_row_reader *reader,
               struct text *ret_error)
{
    static const struct query_options no_limits = {.rows = -1, .time_s = -1};
    const struct query_sink sink = {reading, ignore_columns, reader};
    struct text filled = {0};
    for (const char *c = sql; *c; c++) {
        if (*c == '@') {
            text_format(&filled, "%" PRId64, reading->experiment->id);
        } else {
            text_add_n(&filled, c, 1);
        }
    }
    reading->at = 0;
    const int status =
        query_run(reading->path, text_string(&filled), &no_limits, &sink, NULL, ret_error);
    text_finish(&filled);
    return status;
}

static const char *copy_text(struct stored_reading *reading, const struct query_value *value)
{
    return arena_text(&reading->experiment->arena, value->kind == QUERY_TEXT ? value->text : "");
}

static double number_of(const struct query_value *value)
{
    return value->kind == QUERY_NUMBER    ? value->number
           : value->kind == QUERY_INTEGER ? (double)value->integer
                                          : NAN;
}

// Makes room for one more item of an array that doubles.
static void *make_room(void *items, size_t count, size_t *room, size_t size)
{
    if (count < *room) {
        return items;
    }
    *room = *room ? 2 * *room : 64;
    return memory_resize(items, *room, size);
}

// The point that a row is about; NULL if it was not there when the points were read.
static struct stored_point *point_of(struct stored_reading *reading, int64_t ordinal)
{
    struct stored_experiment *experiment = reading->experiment;
    while (reading->at < experiment->point_count &&
           experiment->points[reading->at].ordinal < ordinal) {
        reading->at++;
    }
    return reading->at < experiment->point_count &&
                   experiment->points[reading->at].ordinal == ordinal
               ? &experiment->points[reading->at]
               : NULL;
}

// ---- the experiment ----

static void take_experiment(void *context, const struct query_value *row, size_t count)
{
    struct stored_reading *reading = context;
    (void)count;
    reading->experiment->scenario = copy_text(reading, &row[0]);
    reading->experiment->is_sweep = row[1].integer != 0;
}

static void take_number(void *context, const struct query_value *row, size_t count)
{
    struct stored_reading *reading = context;
    (void)count;
    reading->at = (size_t)row[0].integer;
}

static int find_experiment(struct stored_reading *reading, struct text *ret_error)
{
    struct stored_experiment *experiment = reading->experiment;
    if (stored_ask(reading, "SELECT scenario, kind = 'sweep' FROM experiments WHERE id = @",
                   take_experiment, ret_error) != 0) {
        return -1;
    }
    if (experiment->scenario) {
        return 0;
    }
    if (stored_ask(reading, "SELECT count(*) FROM experiments", take_number, ret_error) != 0) {
        return -1;
    }
    text_format(ret_error, "there is no experiment %" PRId64 " in '%s'", experiment->id,
                reading->path);
    text_add(ret_error, reading->at ? "; 'offloadsim query runs' lists those that there are"
                                    : ", nor any other; 'offloadsim run' and 'offloadsim sweep' "
                                      "store theirs there");
    return -1;
}

// ---- points ----

// Takes the object of JSON apart that the store made of a point's parameters. Values stay as they
// are written there, so that a number keeps all its digits; no path has a character to escape.
static void take_parameters(struct stored_reading *reading, struct stored_point *point,
                            const char *json)
{
    struct stored_experiment *experiment = reading->experiment;
    point->first_parameter = experiment->parameter_count;
    const char *at = json + strcspn(json, "\"");
    while (*at == '"') {
        const size_t path_length = strcspn(at + 1, "\"");
        const char *path = arena_text_n(&experiment->arena, at + 1, path_length);
        at += 1 + path_length;
        at += strcspn(at, ":");
        at += *at == ':';
        at += strspn(at, " ");
        size_t length = 0;
        int depth = 0;
        bool is_quoted = false;
        for (; at[length] && (is_quoted || depth || !strchr(",}", at[length])); length++) {
            is_quoted ^= at[length] == '"';
            depth += is_quoted ? 0 : (at[length] == '[' || at[length] == '{');
            depth -= is_quoted ? 0 : (at[length] == ']' || at[length] == '}');
            length += is_quoted && at[length] == '\\' && at[length + 1];
        }
        experiment->parameters =
            make_room(experiment->parameters, experiment->parameter_count, &reading->parameter_room,
                      sizeof(*experiment->parameters));
        const char *dot = strrchr(path, '.');
        experiment->parameters[experiment->parameter_count++] =
            (struct point_parameter){.path = path,
                                     .name = dot ? dot + 1 : path,
                                     .value = arena_text_n(&experiment->arena, at, length)};
        point->parameter_count++;
        at += length;
        at += strcspn(at, "\"");
    }
}

static void take_point(void *context, const struct query_value *row, size_t count)
{
    struct stored_reading *reading = context;
    struct stored_experiment *experiment = reading->experiment;
    (void)count;
    experiment->points = make_room(experiment->points, experiment->point_count,
                                   &reading->point_room, sizeof(*experiment->points));
    struct stored_point *point = &experiment->points[experiment->point_count++];
    *point = (struct stored_point){
        .ordinal = row[0].integer,
        .policy = copy_text(reading, &row[1]),
        .verdict = copy_text(reading, &row[3]),
        .simulation = copy_text(reading, &row[4]),
        .is_complete = row[5].integer != 0,
        .uses_prices = row[6].integer != 0,
        .replications = (uint64_t)row[7].integer,
        .confidence = number_of(&row[8]),
        .source_id = row[9].integer,
        .is_oracle = row[10].integer != 0,
        .replications_per_unit = row[11].integer ? 2 : 1,
        .has_batches = row[12].integer != 0,
        .prices = arena_new_array(&experiment->arena, experiment->counters.count, double)};
    take_parameters(reading, point, row[2].text);
}

static void take_price(void *context, const struct query_value *row, size_t count)
{
    struct stored_reading *reading = context;
    (void)count;
    struct stored_point *point = point_of(reading, row[0].integer);
    const size_t counter = stored_find_counter(reading->experiment, row[1].text);
    if (point && counter < reading->experiment->counters.count) {
        point->prices[counter] = number_of(&row[2]);
    }
}

// Why a point cannot be priced anew, if it cannot.
static int check_points(const struct stored_experiment *experiment, struct text *ret_error)
{
    for (size_t i = 0; i < experiment->point_count; i++) {
        const struct stored_point *point = &experiment->points[i];
        if (point->is_complete && !point->uses_prices && !point->has_batches) {
            continue;
        }
        text_format(ret_error,
                    "point %" PRId64 " of experiment %" PRId64 ", policy '%s', cannot be priced "
                    "anew: ",
                    point->ordinal, experiment->id, point->policy);
        if (point->uses_prices) {
            text_add(ret_error, "its decisions depend on prices; run 'offloadsim sweep' with the "
                                "new prices instead");
        } else if (point->has_batches) {
            text_add(ret_error, "its interval comes from the batches of one run, which are not "
                                "stored; run 'offloadsim sweep' with the new prices instead");
        } else {
            text_format(ret_error, "it is not complete; %s",
                        experiment->is_sweep
                            ? "run the same sweep again, which goes on where it stopped"
                            : "run its scenario again, to the end");
        }
        return -1;
    }
    if (!experiment->point_count) {
        text_format(ret_error, "experiment %" PRId64 " has no points; run its scenario again",
                    experiment->id);
        return -1;
    }
    return 0;
}

static int read_points(struct stored_reading *reading, struct text *ret_error)
{
    static const char points[] =
        "SELECT ordinal, policy, parameters_json, verdict, simulation_hash, is_complete,"
        " uses_prices, points.replications, confidence, coalesce(source_id, points.id),"
        " is_oracle, units = 'antithetic pairs', units = 'batches'"
        " FROM points LEFT JOIN estimates ON point_id = points.id AND metric_id ="
        " (SELECT id FROM metric_names WHERE name = 'cost_mean')"
        " WHERE experiment_id = @ ORDER BY ordinal";
    static const char prices[] =
        "SELECT ordinal, name, price FROM points JOIN prices ON point_id = points.id"
        " JOIN counter_names ON counter_names.id = counter_id"
        " WHERE experiment_id = @ ORDER BY ordinal";
    if (stored_ask(reading, points, take_point, ret_error) != 0 ||
        check_points(reading->experiment, ret_error) != 0) {
        return -1;
    }
    return stored_ask(reading, prices, take_price, ret_error);
}

// ---- replications ----

static int compare_sources(const void *left, const void *right)
{
    const struct stored_source *a = left;
    const struct stored_source *b = right;
    return (a->id > b->id) - (a->id < b->id);
}

// Lays out the sources of the points, in order of their numbers, each as large as any of its points
// needs.
static void find_sources(struct stored_experiment *experiment)
{
    struct stored_source *sources =
        arena_new_array(&experiment->arena, experiment->point_count, struct stored_source);
    for (size_t i = 0; i < experiment->point_count; i++) {
        sources[i].id = experiment->points[i].source_id;
    }
    qsort(sources, experiment->point_count, sizeof(*sources), compare_sources);
    for (size_t i = 0; i < experiment->point_count; i++) {
        if (!i || sources[i].id != sources[experiment->source_count - 1].id) {
            sources[experiment->source_count++].id = sources[i].id;
        }
    }
    for (size_t i = 0; i < experiment->point_count; i++) {
        struct stored_point *point = &experiment->points[i];
        const struct stored_source wanted = {.id = point->source_id};
        struct stored_source *source =
            bsearch(&wanted, sources, experiment->source_count, sizeof(*sources), compare_sources);
        CHECK(NULL, source);
        point->source = source;
        if (source->replications < point->replications) {
            source->replications = point->replications;
        }
    }
    experiment->sources = sources;
    for (size_t i = 0; i < experiment->source_count; i++) {
        sources[i].counters =
            arena_array(&experiment->arena, sources[i].replications * experiment->counters.count,
                        sizeof(double));
    }
}

// Where the counters of a replication go, of which a row starts with source and number; NULL if no
// point rests on it. Rows come in the order of the sources.
static double *counters_of(struct stored_reading *reading, const struct query_value *row)
{
    const struct stored_experiment *experiment = reading->experiment;
    while (reading->at < experiment->source_count &&
           experiment->sources[reading->at].id < row[0].integer) {
        reading->at++;
    }
    const uint64_t number = (uint64_t)row[1].integer;
    const struct stored_source *source = &experiment->sources[reading->at];
    return reading->at < experiment->source_count && source->id == row[0].integer &&
                   number < source->replications
               ? source->counters + number * experiment->counters.count
               : NULL;
}

// A row is source, number, offered samples.
static void take_replication(void *context, const struct query_value *row, size_t count)
{
    struct stored_reading *reading = context;
    double *counters = counters_of(reading, row);
    (void)count;
    if (counters) {
        counters[COUNTER_OFFERED] = number_of(&row[2]);
        reading->experiment->sources[reading->at].found++;
    }
}

// A row is source, number, counter, value. A counter that is not there has counted nothing.
static void take_counter(void *context, const struct query_value *row, size_t count)
{
    struct stored_reading *reading = context;
    double *counters = counters_of(reading, row);
    const size_t counter = stored_find_counter(reading->experiment, row[2].text);
    (void)count;
    if (counters && counter < reading->experiment->counters.count) {
        counters[counter] = number_of(&row[3]);
    }
}

static int read_replications(struct stored_reading *reading, struct text *ret_error)
{
#define SOURCES                                                                                    \
    " FROM (SELECT DISTINCT coalesce(source_id, id) AS source FROM points"                         \
    " WHERE experiment_id = @) JOIN replications ON replications.point_id = source"
    static const char replications[] =
        "SELECT source, number, offered" SOURCES " ORDER BY source, number";
    static const char counters[] = "SELECT source, number, name, value" SOURCES
                                   " JOIN counters ON replication_id = replications.id"
                                   " JOIN counter_names ON counter_names.id = counter_id"
                                   " WHERE name <> 'offered' ORDER BY source, number";
#undef SOURCES
    struct stored_experiment *experiment = reading->experiment;
    find_sources(experiment);
    if (stored_ask(reading, replications, take_replication, ret_error) != 0 ||
        stored_ask(reading, counters, take_counter, ret_error) != 0) {
        return -1;
    }
    for (size_t i = 0; i < experiment->point_count; i++) {
        const struct stored_point *point = &experiment->points[i];
        const struct stored_source *source = point->source;
        if (source->found < source->replications || !source->replications) {
            text_format(ret_error,
                        "point %" PRId64 " of experiment %" PRId64 " has lost replications: "
                        "%" PRIu64 " of %" PRIu64 " are in '%s'; run its scenario again",
                        point->ordinal, experiment->id, source->found, source->replications,
                        reading->path);
            return -1;
        }
    }
    return 0;
}

// ---- estimates ----

static void take_estimate(void *context, const struct query_value *row, size_t count)
{
    struct stored_reading *reading = context;
    struct stored_experiment *experiment = reading->experiment;
    (void)count;
    struct stored_point *point = point_of(reading, row[0].integer);
    if (!point) {
        return;
    }
    experiment->estimates = make_room(experiment->estimates, experiment->estimate_count,
                                      &reading->estimate_room, sizeof(*experiment->estimates));
    if (!point->estimate_count++) {
        point->first_estimate = experiment->estimate_count;
    }
    experiment->estimates[experiment->estimate_count++] =
        (struct stored_estimate){.metric = copy_text(reading, &row[1]),
                                 .mean = number_of(&row[2]),
                                 .half_width = number_of(&row[3]),
                                 .confidence = number_of(&row[4]),
                                 .low = number_of(&row[5]),
                                 .high = number_of(&row[6])};
}

static int read_estimates(struct stored_reading *reading, struct text *ret_error)
{
    return stored_ask(reading,
                      "SELECT ordinal, name, mean, half_width, confidence, low, high FROM points"
                      " JOIN estimates ON point_id = points.id"
                      " JOIN metric_names ON metric_names.id = metric_id"
                      " WHERE experiment_id = @ ORDER BY ordinal, metric_id",
                      take_estimate, ret_error);
}

int stored_read(const char *path, int64_t id, bool with_estimates,
                struct stored_experiment *ret_experiment, struct text *ret_error)
{
    *ret_experiment = (struct stored_experiment){.id = id};
    struct stored_reading reading = {.experiment = ret_experiment, .path = path};
    if (find_experiment(&reading, ret_error) != 0 || stored_read_names(&reading, ret_error) != 0 ||
        read_points(&reading, ret_error) != 0 || read_replications(&reading, ret_error) != 0) {
        return -1;
    }
    return with_estimates ? read_estimates(&reading, ret_error) : 0;
}

void stored_finish(struct stored_experiment *experiment)
{
    if (experiment) {
        free(experiment->points);
        free(experiment->parameters);
        free(experiment->estimates);
        arena_finish(&experiment->arena);
        *experiment = (struct stored_experiment){0};
    }
}
