// SPDX-License-Identifier: GPL-3.0-or-later
#include "cli/report.h"

#include "base/memory.h"
#include "base/text.h"
#include "cli/label.h"
#include "cli/report_parts.h"
#include "cli/report_predict.h"
#include "exp/experiment.h"
#include "exp/parameters.h"
#include "exp/predict.h"
#include "exp/until.h"
#include "model/world.h"
#include "policies/policy.h"
#include "scenario/spec.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

// The metrics that every scenario has and most people look at first.
static const char *const main_metrics[] = {
    "accuracy",       "cost_mean",     "offload_fraction",
    "latency_mean_s", "latency_p99_s", "throughput_per_s",
};

enum { MAIN_METRICS = sizeof(main_metrics) / sizeof(main_metrics[0]) };

static const char *const station_headings[] = {
    [STATION_UTILISATION] = "utilisation", [STATION_OFFERED_LOAD] = "offered_load",
    [STATION_QUEUE_MEAN] = "queue_mean",   [STATION_PRESENT_MEAN] = "present_mean",
    [STATION_WAIT_MEAN] = "wait_mean_s",   [STATION_ARRIVAL_RATE] = "arrival_rate_per_s",
};

static int find_metric(const struct experiment_names *names, const char *name)
{
    for (int i = 0; i < names->metrics; i++) {
        if (strcmp(names->metric[i], name) == 0) {
            return i;
        }
    }
    return -1;
}

static const char *const *make_labels(const struct experiment *experiment, struct arena *arena)
{
    struct label_point *points =
        arena_new_array(arena, experiment->point_count, struct label_point);
    for (size_t i = 0; i < experiment->point_count; i++) {
        const struct experiment_point *point = &experiment->points[i];
        points[i] = (struct label_point){.policy = point->policy,
                                         .is_oracle = point->is_oracle,
                                         .parameters = point->parameters,
                                         .parameter_count = point->parameter_count};
    }
    return labels_make(points, experiment->point_count, arena);
}

static void add_estimate_columns(struct table *table, const char *name)
{
    table_add_column(table, name);
    table_add_column(table, arena_format(&table->arena, "%s_half_width", name));
}

static void add_estimate(struct table *table, const struct experiment_estimate *estimate)
{
    table_add_interval(table, estimate->mean, estimate->half_width, estimate->low, estimate->high);
}

// Whether a column of verdicts is worth its room: in a sweep some point of which has not settled.
static bool has_verdicts(const struct experiment *experiment)
{
    bool has = false;
    for (size_t i = 0; i < experiment->point_count; i++) {
        has |= experiment->points[i].verdict != VERDICT_STABLE;
    }
    return has && experiment->swept_count;
}

static void add_verdict(struct table *table, const struct experiment_point *point)
{
    struct text verdict = {0};
    experiment_verdict_text(point, &verdict);
    table_add_text(table, text_string(&verdict));
    text_finish(&verdict);
}

// One row a point.
static void add_main_table(const struct experiment *experiment, enum table_format format,
                           const struct table_style *style, struct text *text)
{
    struct table table = {0};
    const char *const *labels = make_labels(experiment, &table.arena);
    table_add_column(&table, "policy")->is_wrapped = true;
    for (int i = 0; i < MAIN_METRICS; i++) {
        add_estimate_columns(&table, main_metrics[i]);
    }
    const bool has_rules = experiment->points[0].rule_count && experiment->swept_count;
    const bool grows = until_grows(&experiment->points[0]);
    if (has_rules) {
        table_add_column(&table, grows ? "samples" : "replications");
    }
    if (has_verdicts(experiment)) {
        table_add_column(&table, "verdict")->is_wrapped = true;
    }
    table_pair_half_widths(&table);
    for (size_t i = 0; i < experiment->point_count; i++) {
        const struct experiment_point *point = &experiment->points[i];
        table_add_text(&table, labels[i]);
        for (int k = 0; k < MAIN_METRICS; k++) {
            add_estimate(&table, &point->estimates[find_metric(point->names, main_metrics[k])]);
        }
        if (has_rules) {
            table_add_integer(&table, (int64_t)(grows ? point->samples : point->replications));
        }
        if (has_verdicts(experiment)) {
            add_verdict(&table, point);
        }
    }
    table_print(&table, format, style, text);
    table_finish(&table);
}

// One row a station and point.
static void add_station_table(const struct experiment *experiment, enum table_format format,
                              const struct table_style *style, struct text *text)
{
    static const enum station_metric shown[] = {STATION_UTILISATION, STATION_QUEUE_MEAN,
                                                STATION_WAIT_MEAN, STATION_ARRIVAL_RATE};
    const bool has_many = experiment->point_count > 1;
    struct table table = {.key_columns = has_many ? 2 : 1};
    const char *const *labels = make_labels(experiment, &table.arena);
    table_add_column(&table, "station");
    if (has_many) {
        table_add_column(&table, "policy")->is_wrapped = true;
    }
    for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
        add_estimate_columns(&table, station_headings[shown[i]]);
    }
    table_pair_half_widths(&table);
    const struct experiment_names *first = experiment->points[0].names;
    for (int station = 0; station < first->stations; station++) {
        for (size_t i = 0; i < experiment->point_count; i++) {
            const struct experiment_point *point = &experiment->points[i];
            table_add_text(&table, first->station[station]);
            if (has_many) {
                table_add_text(&table, labels[i]);
            }
            for (size_t k = 0; k < sizeof(shown) / sizeof(shown[0]); k++) {
                add_estimate(
                    &table, &point->estimates[point->names->first_metric[station] + (int)shown[k]]);
            }
        }
    }
    table_print(&table, format, style, text);
    table_finish(&table);
}

static void add_predicted(const struct prediction *prediction, const char *metric,
                          struct table *table)
{
    double value;
    const bool is_there = prediction_of_metric(prediction, metric, &value) && isfinite(value);
    table_add_number(table, is_there ? value : NAN);
}

// One row a point and metric: every number there is.
static void add_long_table(const struct experiment *experiment, enum table_format format,
                           const struct report_extras *extras, const struct table_style *style,
                           struct text *text)
{
    const bool is_for_people = format == TABLE_ALIGNED || format == TABLE_MARKDOWN;
    struct table table = {0};
    const char *const *labels = make_labels(experiment, &table.arena);
    table_add_column(&table, "policy")->is_wrapped = true;
    if (!is_for_people) {
        table_add_column(&table, "parameters");
        table_add_column(&table, "verdict");
    }
    table_add_column(&table, "metric");
    table_add_column(&table, "mean");
    table_add_column(&table, "half_width")->is_half_width = true;
    table_add_column(&table, "unit");
    if (!is_for_people) {
        table_add_column(&table, "low");
        table_add_column(&table, "high");
        table_add_column(&table, "confidence");
        table_add_column(&table, "replications");
        table_add_column(&table, "variance_ratio");
    }
    const bool has_predicted = extras->predictions && !is_for_people;
    if (has_predicted) {
        table_add_column(&table, "predicted");
    }
    for (size_t i = 0; i < experiment->point_count; i++) {
        const struct experiment_point *point = &experiment->points[i];
        struct text parameters = {0};
        struct text verdict = {0};
        for (size_t k = 0; k < point->parameter_count; k++) {
            text_format(&parameters, "%s%s=%s", k ? "; " : "", point->parameters[k].path,
                        point->parameters[k].value);
        }
        experiment_verdict_text(point, &verdict);
        for (int metric = 0; metric < point->names->metrics; metric++) {
            const struct experiment_estimate *estimate = &point->estimates[metric];
            table_add_text(&table, is_for_people ? labels[i] : point->policy);
            if (!is_for_people) {
                table_add_text(&table, text_string(&parameters));
                table_add_text(&table, text_string(&verdict));
            }
            table_add_text(&table, point->names->metric[metric]);
            add_estimate(&table, estimate);
            table_add_text(&table, point->names->unit[metric]);
            if (!is_for_people) {
                table_add_number(&table, estimate->low);
                table_add_number(&table, estimate->high);
                table_add_number(&table, point->confidence);
                table_add_integer(&table, (int64_t)estimate->replications);
                table_add_number(&table, estimate->variance_ratio);
            }
            if (has_predicted) {
                add_predicted(&extras->predictions[i], point->names->metric[metric], &table);
            }
        }
        text_finish(&verdict);
        text_finish(&parameters);
        if (format == TABLE_CSV) {
            table_drain(&table, format, text); // the rows of many points would take much memory
        }
    }
    if (format != TABLE_CSV) {
        table_print(&table, format, style, text);
    }
    table_finish(&table);
}

// What was expected of those metrics that are predicted.
static void add_predicted_json(const struct experiment *experiment,
                               const struct experiment_point *point,
                               const struct prediction *prediction, struct text *text)
{
    const char *reason = report_why_by_events(experiment, prediction);
    text_add(text, ", \"by_events\": ");
    if (reason) {
        text_json_string(text, reason);
    } else {
        text_add(text, "null");
    }
    bool is_first = true;
    text_add(text, ", \"predicted\": {");
    for (int i = 0; i < point->names->metrics; i++) {
        double value;
        if (prediction_of_metric(prediction, point->names->metric[i], &value)) {
            text_add(text, is_first ? "" : ", ");
            text_json_string(text, point->names->metric[i]);
            text_add(text, ": ");
            text_json_number(text, isfinite(value) ? value : NAN);
            is_first = false;
        }
    }
    text_add(text, "}");
}

// `prediction` may be NULL.
static void add_point_json(const struct experiment *experiment,
                           const struct experiment_point *point,
                           const struct prediction *prediction, struct text *text)
{
    struct text verdict = {0};
    experiment_verdict_text(point, &verdict);
    text_add(text, "    {\"policy\": ");
    text_json_string(text, point->policy);
    text_add(text, ", \"parameters\": {");
    for (size_t i = 0; i < point->parameter_count; i++) {
        text_add(text, i ? ", " : "");
        text_json_string(text, point->parameters[i].path);
        text_format(text, ": %s", point->parameters[i].value);
    }
    text_format(text, "}, \"replications\": %d, ", (int)point->replications);
    if (point->samples) {
        text_format(text, "\"samples\": %" PRIu64 ", ", point->samples);
    }
    text_add(text, "\"verdict\": ");
    text_json_string(text, text_string(&verdict));
    if (point->stopped) {
        text_add(text, ", \"stopped\": ");
        text_json_string(text, point->stopped);
    }
    text_add(text, ", \"metrics\": {\n");
    for (int i = 0; i < point->names->metrics; i++) {
        const struct experiment_estimate *estimate = &point->estimates[i];
        text_add(text, "      ");
        text_json_string(text, point->names->metric[i]);
        text_add(text, ": {\"mean\": ");
        text_json_number(text, estimate->mean);
        text_add(text, ", \"half_width\": ");
        text_json_number(text, estimate->half_width);
        text_add(text, ", \"low\": ");
        text_json_number(text, estimate->low);
        text_add(text, ", \"high\": ");
        text_json_number(text, estimate->high);
        text_add(text, ", \"confidence\": ");
        text_json_number(text, point->confidence);
        if (!isnan(estimate->variance_ratio)) {
            text_add(text, ", \"variance_ratio\": ");
            text_json_number(text, estimate->variance_ratio);
        }
        text_add(text, i + 1 < point->names->metrics ? "},\n" : "}}");
    }
    if (prediction) {
        add_predicted_json(experiment, point, prediction, text);
    }
    text_add(text, "}");
    text_finish(&verdict);
}

static void add_json(const struct experiment *experiment, const struct report_extras *extras,
                     struct text *text)
{
    text_add(text, "{\"experiment\": ");
    if (experiment->id) {
        text_format(text, "%" PRId64, experiment->id);
    } else {
        text_add(text, "null");
    }
    text_add(text, ", \"scenario\": ");
    text_json_string(text, experiment->spec->name);
    text_add(text, ", \"points\": [\n");
    for (size_t i = 0; i < experiment->point_count; i++) {
        add_point_json(experiment, &experiment->points[i],
                       extras->predictions ? &extras->predictions[i] : NULL, text);
        text_add(text, i + 1 < experiment->point_count ? ",\n" : "\n");
    }
    text_add(text, "], \"warnings\": ");
    report_add_warnings_json(extras->warnings, extras->warning_count, text);
    text_add(text, "}\n");
}

// Of a sweep the stations of each point would bury the points; the database has all.
static void add_tables(const struct experiment *experiment, enum table_format format,
                       const struct report_extras *extras, const struct table_style *style,
                       struct text *text)
{
    struct arena arena = {0};
    report_add_heading(experiment, make_labels(experiment, &arena), text);
    arena_finish(&arena);
    if (extras->all) {
        add_long_table(experiment, format, extras, style, text);
        return;
    }
    add_main_table(experiment, format, style, text);
    if (!experiment->swept_count) {
        text_add(text, "\n");
        add_station_table(experiment, format, style, text);
    }
}

void report_add(const struct experiment *experiment, enum table_format format,
                const struct report_extras *extras, const struct table_style *style,
                struct text *text)
{
    switch (format) {
    case TABLE_JSON:
        add_json(experiment, extras, text);
        return;
    case TABLE_CSV:
        add_long_table(experiment, format, extras, style, text);
        return;
    case TABLE_ALIGNED:
    case TABLE_MARKDOWN:
        break;
    }
    add_tables(experiment, format, extras, style, text);
    if (extras->predictions) {
        report_add_comparison(experiment, extras->predictions, format, style, text);
    }
}

void report_add_duration(double seconds, struct text *text)
{
    if (seconds < 9.5) {
        text_format(text, "%.1f s", seconds);
    } else if (seconds < 99.5) {
        text_format(text, "%.0f s", seconds);
    } else if (seconds < 9.95 * 60) {
        text_format(text, "%.1f min", seconds / 60);
    } else if (seconds < 99.5 * 60) {
        text_format(text, "%.0f min", seconds / 60);
    } else if (seconds < 48 * 3600) {
        text_format(text, "%.1f h", seconds / 3600);
    } else {
        text_format(text, "%.1f days", seconds / 86400);
    }
}
