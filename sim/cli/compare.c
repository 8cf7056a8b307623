// SPDX-License-Identifier: GPL-3.0-or-later

// `compare`: paired differences between the points of a stored experiment.

#include "base/memory.h"
#include "base/text.h"
#include "cli/label.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "exp/paired.h"
#include "exp/parameters.h"
#include "results/query.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// With more points than this each is compared with the first one only.
enum { MOST_FOR_ALL_PAIRS = 8 };

#define CONFIDENCE 0.95

struct compared_point {
    int64_t ordinal;
    const char *policy;
    bool is_oracle;
    const char *parameters; // JSON
    size_t first_parameter; // in the list of all
    size_t parameter_count;
    double *values; // by number of the replication; NaN where there is none
    size_t count;
    size_t room;
};

struct comparison {
    struct arena arena;
    int64_t experiment;
    struct compared_point *points;
    size_t count;
    size_t room;
    struct point_parameter *parameters;
    size_t parameter_count;
    size_t parameter_room;
    const char *const *labels;
    size_t at;      // the point whose values were read last
    bool has_pairs; // of antithetic replications, which are compared as their means
};

static void ignore_columns(void *context, const char *const *names, size_t count)
{
    (void)context;
    (void)names;
    (void)count;
}

// ---- points ----

static const char points_sql[] =
    "-- :experiment  number of the experiment; default: the latest\n"
    "SELECT points.experiment_id, points.ordinal, points.policy, points.is_oracle, "
    "points.parameters_json, p.key, points.parameters_json -> p.fullkey, "
    "points.units = 'antithetic pairs' "
    "FROM points LEFT JOIN json_each(points.parameters_json) AS p "
    "WHERE points.experiment_id = coalesce(:experiment, (SELECT max(id) FROM experiments)) "
    "AND points.is_complete ORDER BY points.ordinal, p.id";

// A row is a point and one of its parameters, if it has any; points in order.
static void take_point(void *context, const struct query_value *row, size_t count)
{
    struct comparison *comparison = context;
    struct arena *arena = &comparison->arena;
    (void)count;
    if (!comparison->count || comparison->points[comparison->count - 1].ordinal != row[1].integer) {
        if (comparison->count == comparison->room) {
            comparison->room = comparison->room ? 2 * comparison->room : 16;
            comparison->points =
                memory_resize(comparison->points, comparison->room, sizeof(*comparison->points));
        }
        comparison->experiment = row[0].integer;
        comparison->has_pairs |= row[7].integer != 0;
        comparison->points[comparison->count++] =
            (struct compared_point){.ordinal = row[1].integer,
                                    .policy = arena_text(arena, row[2].text),
                                    .is_oracle = row[3].integer != 0,
                                    .parameters = arena_text(arena, row[4].text),
                                    .first_parameter = comparison->parameter_count};
    }
    if (row[5].kind != QUERY_TEXT) {
        return;
    }
    if (comparison->parameter_count == comparison->parameter_room) {
        comparison->parameter_room =
            comparison->parameter_room ? 2 * comparison->parameter_room : 64;
        comparison->parameters = memory_resize(comparison->parameters, comparison->parameter_room,
                                               sizeof(*comparison->parameters));
    }
    comparison->parameters[comparison->parameter_count++] = (struct point_parameter){
        .path = arena_text(arena, row[5].text), .value = arena_text(arena, row[6].text)};
    comparison->points[comparison->count - 1].parameter_count++;
}

static void make_labels(struct comparison *comparison)
{
    struct label_point *points =
        arena_new_array(&comparison->arena, comparison->count, struct label_point);
    for (size_t i = 0; i < comparison->count; i++) {
        const struct compared_point *point = &comparison->points[i];
        points[i] = (struct label_point){
            .policy = point->policy,
            .is_oracle = point->is_oracle,
            .parameters =
                point->parameter_count ? &comparison->parameters[point->first_parameter] : NULL,
            .parameter_count = point->parameter_count};
    }
    comparison->labels = labels_make(points, comparison->count, &comparison->arena);
}

static int read_points(const struct arguments *arguments, struct comparison *ret_comparison,
                       struct text *ret_error)
{
    const char *experiment = arguments->operands[0];
    if (experiment && (!*experiment || strspn(experiment, "0123456789") != strlen(experiment) ||
                       strlen(experiment) > 18)) {
        text_format(ret_error,
                    "'%s' is no number of an experiment; 'offloadsim query runs' lists them",
                    experiment);
        return -1;
    }
    const struct query_binding binding = {"experiment", experiment};
    const struct query_options options = {
        .bindings = &binding, .binding_count = experiment ? 1 : 0, .rows = -1};
    const struct query_sink sink = {ret_comparison, ignore_columns, take_point};
    if (query_run(arguments->db, points_sql, &options, &sink, NULL, ret_error) != 0) {
        return -1;
    }
    make_labels(ret_comparison);
    return 0;
}

// ---- values ----

static const char values_sql[] =
    "SELECT points.ordinal, m.number, m.value "
    "FROM replication_metrics AS m JOIN points ON points.id = m.point_id "
    "WHERE m.experiment_id = :experiment AND m.metric = :metric AND points.is_complete "
    "ORDER BY points.ordinal, m.number";

static double number_of(const struct query_value *value)
{
    return value->kind == QUERY_NUMBER    ? value->number
           : value->kind == QUERY_INTEGER ? (double)value->integer
                                          : NAN;
}

// A row is the ordinal of a point, the number of a replication and its value; points in order. A
// point that was completed since the points were read is left out.
static void take_value(void *context, const struct query_value *row, size_t count)
{
    struct comparison *comparison = context;
    (void)count;
    while (comparison->at < comparison->count &&
           comparison->points[comparison->at].ordinal < row[0].integer) {
        comparison->at++;
    }
    if (comparison->at == comparison->count ||
        comparison->points[comparison->at].ordinal != row[0].integer) {
        return;
    }
    struct compared_point *point = &comparison->points[comparison->at];
    const size_t number = (size_t)row[1].integer;
    while (point->count <= number) {
        if (point->count == point->room) {
            point->room = point->room ? 2 * point->room : 32;
            point->values = memory_resize(point->values, point->room, sizeof(double));
        }
        point->values[point->count++] = NAN;
    }
    point->values[number] = number_of(&row[2]);
}

// The means of antithetic pairs are independent of each other, single replications are not.
static void pair_up(struct compared_point *point)
{
    for (size_t i = 0; i < point->count / 2; i++) {
        point->values[i] = (point->values[2 * i] + point->values[2 * i + 1]) / 2;
    }
    point->count /= 2;
}

static int read_metric(const struct arguments *arguments, const char *metric,
                       struct comparison *comparison, struct text *ret_error)
{
    char experiment[32];
    snprintf(experiment, sizeof(experiment), "%" PRId64, comparison->experiment);
    const struct query_binding bindings[] = {{"experiment", experiment}, {"metric", metric}};
    const struct query_options options = {.bindings = bindings, .binding_count = 2, .rows = -1};
    const struct query_sink sink = {comparison, ignore_columns, take_value};
    comparison->at = 0;
    size_t with_values = 0;
    for (size_t i = 0; i < comparison->count; i++) {
        comparison->points[i].count = 0;
    }
    if (comparison->count &&
        query_run(arguments->db, values_sql, &options, &sink, NULL, ret_error) != 0) {
        return -1;
    }
    for (size_t i = 0; i < comparison->count; i++) {
        if (comparison->has_pairs) {
            pair_up(&comparison->points[i]);
        }
        with_values += comparison->points[i].count > 0;
    }
    if (with_values < 2) {
        text_format(ret_error,
                    "experiment %s has fewer than two complete points with metric '%s'; "
                    "'offloadsim query runs' lists the experiments",
                    comparison->count        ? experiment
                    : arguments->operands[0] ? arguments->operands[0]
                                             : "",
                    metric);
        return -1;
    }
    return 0;
}

static void comparison_finish(struct comparison *comparison)
{
    for (size_t i = 0; i < comparison->count; i++) {
        free(comparison->points[i].values);
    }
    free(comparison->points);
    free(comparison->parameters);
    arena_finish(&comparison->arena);
}

// ---- the table ----

// People get a table for each metric, without what is the same in all of its rows; programs get one
// with everything.
struct form {
    bool is_for_people;
    bool has_all_pairs; // else each point is compared with the first one
};

static void add_columns(struct table *table, const struct form *form)
{
    if (!form->is_for_people) {
        table_add_column(table, "metric");
    }
    if (!form->is_for_people || form->has_all_pairs) {
        table_add_column(table, "a")->is_wrapped = true;
    }
    table_add_column(table, "b")->is_wrapped = true;
    for (size_t i = 0; i < (form->is_for_people ? 0 : 2); i++) {
        table_add_column(table, i ? "b_point" : "a_point");
        table_add_column(table, i ? "b_policy" : "a_policy");
        table_add_column(table, i ? "b_parameters" : "a_parameters")->is_json = true;
    }
    table_add_column(table, "b_minus_a")->heading = "b - a";
    table_add_column(table, "b_minus_a_half_width");
    table_add_column(table, "significant");
    table_add_column(table, "p_value");
    table_add_column(table, "variance_ratio");
    table_add_column(table, "replications");
    table_pair_half_widths(table);
    table->key_columns = form->is_for_people && !form->has_all_pairs ? 1 : 2;
}

struct pair {
    size_t a;
    size_t b;
    struct paired result;
};

static void add_row(const struct comparison *comparison, const char *metric,
                    const struct pair *pair, bool is_significant, const struct form *form,
                    struct table *table)
{
    const size_t points[] = {pair->a, pair->b};
    if (!form->is_for_people) {
        table_add_text(table, metric);
    }
    if (!form->is_for_people || form->has_all_pairs) {
        table_add_text(table, comparison->labels[pair->a]);
    }
    table_add_text(table, comparison->labels[pair->b]);
    for (size_t i = 0; i < (form->is_for_people ? 0 : 2); i++) {
        const struct compared_point *point = &comparison->points[points[i]];
        table_add_integer(table, point->ordinal);
        table_add_text(table, point->policy);
        table_add_text(table, point->parameters);
    }
    table_add_number(table, pair->result.mean);
    table_add_number(table, pair->result.half_width);
    table_add_text(table, is_significant ? "yes" : "no");
    table_add_number(table, pair->result.p_value);
    table_add_number(table, pair->result.gain);
    table_add_integer(table, (int64_t)pair->result.pairs);
}

// The first point that has the metric.
static size_t first_point(const struct comparison *comparison)
{
    size_t first = 0;
    while (!comparison->points[first].count) {
        first++;
    }
    return first;
}

// Adds a row for each pair of points that have the metric.
static void add_pairs(const struct comparison *comparison, const char *metric,
                      const struct form *form, struct table *table)
{
    const size_t most = comparison->count * (form->has_all_pairs ? comparison->count : 1);
    struct pair *pairs = memory_resize(NULL, most, sizeof(*pairs));
    double *p_values = memory_resize(NULL, most, sizeof(*p_values));
    unsigned char *significant = memory_resize(NULL, most, 1);
    size_t count = 0;
    const size_t first = first_point(comparison);
    for (size_t a = first; a < comparison->count && (form->has_all_pairs || a == first); a++) {
        for (size_t b = a + 1; b < comparison->count; b++) {
            const struct compared_point *one = &comparison->points[a];
            const struct compared_point *other = &comparison->points[b];
            const size_t replications = one->count < other->count ? one->count : other->count;
            if (replications) {
                pairs[count] = (struct pair){
                    a, b, paired_compare(one->values, other->values, replications, CONFIDENCE)};
                p_values[count] = pairs[count].result.p_value;
                count++;
            }
        }
    }
    paired_holm(p_values, count, 1 - CONFIDENCE, significant);
    for (size_t i = 0; i < count; i++) {
        add_row(comparison, metric, &pairs[i], significant[i], form, table);
    }
    free(significant);
    free(p_values);
    free(pairs);
}

static int add_tables(const struct arguments *arguments, struct comparison *comparison,
                      enum table_format format, struct text *text, struct text *ret_error)
{
    static const char *const usual[] = {"cost_mean", "accuracy", "latency_mean_s"};
    const size_t metrics = arguments->metric ? 1 : sizeof(usual) / sizeof(usual[0]);
    const struct table_style style = output_style();
    const struct form form = {.is_for_people = format == TABLE_ALIGNED || format == TABLE_MARKDOWN,
                              .has_all_pairs = comparison->count <= MOST_FOR_ALL_PAIRS};
    struct table table = {0};
    int status = 0;
    for (size_t i = 0; i < metrics && status == 0; i++) {
        const char *metric = arguments->metric ? arguments->metric : usual[i];
        status = read_metric(arguments, metric, comparison, ret_error);
        if (status != 0) {
            break;
        }
        if (!table.column_count) {
            add_columns(&table, &form);
        }
        add_pairs(comparison, metric, &form, &table);
        if (form.is_for_people) {
            text_format(text, "%s%s", i ? "\n" : "", metric);
            if (!form.has_all_pairs) {
                text_format(text, ", compared with a = %s",
                            comparison->labels[first_point(comparison)]);
            }
            text_add(text, "\n\n");
        }
        if (form.is_for_people || i + 1 == metrics) {
            table_print(&table, format, &style, text);
            table_finish(&table);
        }
    }
    table_finish(&table);
    return status;
}

int verb_compare(const struct arguments *arguments)
{
    enum table_format format;
    struct text error = {0};
    struct text text = {0};
    struct comparison comparison = {0};
    int status = STATUS_BAD_INPUT;
    if (table_format_parse(arguments->format, &format, &error) == 0 &&
        read_points(arguments, &comparison, &error) == 0 &&
        add_tables(arguments, &comparison, format, &text, &error) == 0) {
        status = output_text(&text);
    }
    if (status == STATUS_FINE && !arguments->quiet && format == TABLE_ALIGNED) {
        fputs(
            "95 % intervals of paired differences; significant by Holm's procedure over the pairs "
            "of a metric;\nvariance_ratio: how much more an unpaired comparison would vary\n",
            stderr);
    }
    status = output_message(status, &error);
    text_finish(&text);
    text_finish(&error);
    comparison_finish(&comparison);
    return status;
}
