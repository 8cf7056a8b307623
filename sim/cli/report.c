// SPDX-License-Identifier: GPL-3.0-or-later
#include "cli/report.h"

#include "base/memory.h"
#include "base/text.h"
#include "cli/label.h"
#include "exp/experiment.h"
#include "exp/parameters.h"
#include "model/world.h"
#include "policies/policy.h"
#include "scenario/spec.h"

#include <inttypes.h>
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
    table_add_number(table, estimate->mean);
    table_add_number(table, estimate->half_width);
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
    table_pair_half_widths(&table);
    for (size_t i = 0; i < experiment->point_count; i++) {
        const struct experiment_point *point = &experiment->points[i];
        table_add_text(&table, labels[i]);
        for (int k = 0; k < MAIN_METRICS; k++) {
            add_estimate(&table, &point->estimates[find_metric(point->names, main_metrics[k])]);
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

// One row a point and metric: every number there is.
static void add_long_table(const struct experiment *experiment, enum table_format format,
                           const struct table_style *style, struct text *text)
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
        table_add_column(&table, "confidence");
        table_add_column(&table, "replications");
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
                table_add_number(&table, point->confidence);
                table_add_integer(&table, (int64_t)estimate->replications);
            }
        }
        text_finish(&verdict);
        text_finish(&parameters);
    }
    table_print(&table, format, style, text);
    table_finish(&table);
}

static void add_point_json(const struct experiment_point *point, struct text *text)
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
    text_format(text, "}, \"replications\": %d, \"verdict\": ", (int)point->replications);
    text_json_string(text, text_string(&verdict));
    text_add(text, ", \"metrics\": {\n");
    for (int i = 0; i < point->names->metrics; i++) {
        const struct experiment_estimate *estimate = &point->estimates[i];
        text_add(text, "      ");
        text_json_string(text, point->names->metric[i]);
        text_add(text, ": {\"mean\": ");
        text_json_number(text, estimate->mean);
        text_add(text, ", \"half_width\": ");
        text_json_number(text, estimate->half_width);
        text_add(text, ", \"confidence\": ");
        text_json_number(text, point->confidence);
        text_add(text, i + 1 < point->names->metrics ? "},\n" : "}}}");
    }
    text_finish(&verdict);
}

static void add_json(const struct experiment *experiment, struct text *text)
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
        add_point_json(&experiment->points[i], text);
        text_add(text, i + 1 < experiment->point_count ? ",\n" : "\n");
    }
    text_add(text, "]}\n");
}

static void add_heading(const struct experiment *experiment, struct text *text)
{
    const struct spec *spec = experiment->spec;
    for (size_t i = 0; i < experiment->point_count; i++) {
        const struct experiment_point *point = &experiment->points[i];
        if (point->verdict == VERDICT_OVERLOADED) {
            text_format(
                text,
                "OVERLOADED: %s gets %.3g times the work it can do under policy '%s';\n"
                "its queue grows without end, and the figures depend on the length of the run\n",
                point->names->station[point->overloaded_station], point->overloaded_load,
                point->policy);
        }
    }
    text_format(text, "%s%s%s\n", spec->name, spec->about[0] ? ": " : "", spec->about);
    char stop[64];
    if (spec->stop_kind == STOP_SAMPLES) {
        snprintf(stop, sizeof(stop), "%" PRIu64 " samples", spec->stop_samples);
    } else {
        snprintf(stop, sizeof(stop), "%g s", spec->stop_time_s);
    }
    text_format(text, "%d replication%s of %s, seed %" PRIu64, spec->replications,
                spec->replications == 1 ? "" : "s", stop, spec->seed);
    if (spec->replications > 1) {
        text_format(text, "; mean and half width of the %g %% confidence interval\n\n",
                    100 * spec->confidence);
    } else {
        text_add(text, "; no confidence interval from a single one\n\n");
    }
}

void report_add(const struct experiment *experiment, enum table_format format, bool all,
                const struct table_style *style, struct text *text)
{
    switch (format) {
    case TABLE_JSON:
        add_json(experiment, text);
        return;
    case TABLE_CSV:
        add_long_table(experiment, format, style, text);
        return;
    case TABLE_ALIGNED:
    case TABLE_MARKDOWN:
        break;
    }
    add_heading(experiment, text);
    if (all) {
        add_long_table(experiment, format, style, text);
        return;
    }
    add_main_table(experiment, format, style, text);
    if (experiment->swept_count) {
        return; // the stations of each point would bury them; the database has all
    }
    text_add(text, "\n");
    add_station_table(experiment, format, style, text);
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
