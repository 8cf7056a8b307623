// SPDX-License-Identifier: GPL-3.0-or-later

// `compare`: paired differences between the points of a stored experiment.

#include "base/text.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "exp/paired.h"
#include "results/query.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// With more points than this each is compared with the first one only.
enum { MOST_FOR_ALL_PAIRS = 8 };

#define CONFIDENCE 0.95

struct point_values {
    int64_t ordinal;
    const char *label;
    double *values; // by number of the replication; NaN where there is none
    size_t count;
    size_t room;
};

struct comparison {
    struct arena arena;
    struct point_values *points;
    size_t count;
    size_t room;
};

static void ignore_columns(void *context, const char *const *names, size_t count)
{
    (void)context;
    (void)names;
    (void)count;
}

static double number_of(const struct query_value *value)
{
    return value->kind == QUERY_NUMBER    ? value->number
           : value->kind == QUERY_INTEGER ? (double)value->integer
                                          : NAN;
}

// A row is ordinal, policy, parameters, number of the replication, value; points in order.
static void take_row(void *context, const struct query_value *row, size_t count)
{
    struct comparison *comparison = context;
    if (count != 5) {
        return;
    }
    if (!comparison->count || comparison->points[comparison->count - 1].ordinal != row[0].integer) {
        if (comparison->count == comparison->room) {
            comparison->room = comparison->room ? 2 * comparison->room : 16;
            comparison->points =
                memory_resize(comparison->points, comparison->room, sizeof(*comparison->points));
        }
        const bool is_plain = strcmp(row[2].text, "{}") == 0;
        comparison->points[comparison->count++] = (struct point_values){
            .ordinal = row[0].integer,
            .label = arena_format(&comparison->arena, "%s%s%s", row[1].text, is_plain ? "" : " ",
                                  is_plain ? "" : row[2].text)};
    }
    struct point_values *point = &comparison->points[comparison->count - 1];
    const size_t number = (size_t)row[3].integer;
    while (point->count <= number) {
        if (point->count == point->room) {
            point->room = point->room ? 2 * point->room : 32;
            point->values = memory_resize(point->values, point->room, sizeof(double));
        }
        point->values[point->count++] = NAN;
    }
    point->values[number] = number_of(&row[4]);
}

static int read_metric(const struct arguments *arguments, const char *experiment,
                       const char *metric, struct comparison *ret_comparison,
                       struct text *ret_error)
{
    struct text sql = {0};
    char *quoted = arena_text(&ret_comparison->arena, metric);
    for (char *c = quoted; *c; c++) {
        *c = *c == '\'' ? ' ' : *c; // no metric has a quote in its name
    }
    text_format(&sql,
                "SELECT points.ordinal, points.policy, points.parameters_json, m.number, m.value "
                "FROM replication_metrics AS m JOIN points ON points.id = m.point_id "
                "WHERE m.experiment_id = %s AND m.metric = '%s' AND points.is_complete "
                "ORDER BY points.ordinal, m.number",
                experiment, quoted);
    const struct query_sink sink = {ret_comparison, ignore_columns, take_row};
    const int status = query_run(arguments->db, text_string(&sql), NULL, &sink, NULL, ret_error);
    text_finish(&sql);
    return status;
}

static void comparison_finish(struct comparison *comparison)
{
    for (size_t i = 0; i < comparison->count; i++) {
        free(comparison->points[i].values);
    }
    free(comparison->points);
    arena_finish(&comparison->arena);
}

// Adds a row for each pair of points.
static void add_pairs(const struct comparison *comparison, const char *metric, struct table *table)
{
    const bool all = comparison->count <= MOST_FOR_ALL_PAIRS;
    const size_t most = comparison->count * (all ? comparison->count : 1);
    struct paired *results = memory_resize(NULL, most, sizeof(*results));
    double *p_values = memory_resize(NULL, most, sizeof(*p_values));
    unsigned char *significant = memory_resize(NULL, most, 1);
    size_t pairs = 0;
    for (size_t a = 0; a < (all ? comparison->count : 1); a++) {
        for (size_t b = a + 1; b < comparison->count; b++) {
            const struct point_values *first = &comparison->points[a];
            const struct point_values *second = &comparison->points[b];
            const size_t count = first->count < second->count ? first->count : second->count;
            results[pairs] = paired_compare(first->values, second->values, count, CONFIDENCE);
            p_values[pairs] = results[pairs].p_value;
            pairs++;
        }
    }
    paired_holm(p_values, pairs, 1 - CONFIDENCE, significant);
    size_t pair = 0;
    for (size_t a = 0; a < (all ? comparison->count : 1); a++) {
        for (size_t b = a + 1; b < comparison->count; b++, pair++) {
            table_add_text(table, metric);
            table_add_text(table, comparison->points[a].label);
            table_add_text(table, comparison->points[b].label);
            table_add_number(table, results[pair].mean);
            table_add_number(table, results[pair].half_width);
            table_add_text(table, significant[pair] ? "yes" : "no");
            table_add_number(table, results[pair].p_value);
            table_add_number(table, results[pair].gain);
            table_add_integer(table, (int64_t)results[pair].pairs);
        }
    }
    free(significant);
    free(p_values);
    free(results);
}

int verb_compare(const struct arguments *arguments)
{
    static const char *const usual[] = {"cost_mean", "accuracy", "latency_mean_s"};
    enum table_format format;
    struct text error = {0};
    struct table table = {.key_columns = 3};
    int status = STATUS_BAD_INPUT;
    const char *experiment = arguments->operands[0];
    if (table_format_parse(arguments->format, &format, &error) != 0) {
        goto end;
    }
    if (experiment && (!*experiment || strspn(experiment, "0123456789") != strlen(experiment) ||
                       strlen(experiment) > 18)) {
        text_format(&error,
                    "'%s' is no number of an experiment; 'offloadsim query runs' lists them",
                    experiment);
        goto end;
    }
    table_add_column(&table, "metric");
    table_add_column(&table, "a")->is_wrapped = true;
    table_add_column(&table, "b")->is_wrapped = true;
    table_add_column(&table, "b_minus_a");
    table_add_column(&table, "b_minus_a_half_width");
    table_add_column(&table, "significant");
    table_add_column(&table, "p_value");
    table_add_column(&table, "variance_ratio");
    table_add_column(&table, "replications");
    table_pair_half_widths(&table);
    for (size_t i = 0; i < (arguments->metric ? 1 : sizeof(usual) / sizeof(usual[0])); i++) {
        const char *metric = arguments->metric ? arguments->metric : usual[i];
        struct comparison comparison = {0};
        const int result =
            read_metric(arguments, experiment ? experiment : "(SELECT max(id) FROM experiments)",
                        metric, &comparison, &error);
        if (result == 0 && comparison.count < 2) {
            text_format(&error,
                        "experiment %s has fewer than two complete points with metric '%s'; "
                        "'offloadsim query runs' lists the experiments",
                        experiment ? experiment : "", metric);
        }
        if (!error.length) {
            add_pairs(&comparison, metric, &table);
        }
        comparison_finish(&comparison);
        if (error.length) {
            goto end;
        }
    }
    struct text text = {0};
    const struct table_style style = output_style();
    table_print(&table, format, &style, &text);
    status = output_text(&text);
    text_finish(&text);
    if (status == STATUS_FINE && !arguments->quiet && format == TABLE_ALIGNED) {
        fputs(
            "95 % intervals of paired differences; significant by Holm's procedure over the pairs "
            "of a metric;\nvariance_ratio: how much more an unpaired comparison would vary\n",
            stderr);
    }
end:
    if (error.length) {
        output_error(status, "%s", text_string(&error));
    }
    text_finish(&error);
    table_finish(&table);
    return status;
}
