// SPDX-License-Identifier: GPL-3.0-or-later
#include "cli/report_predict.h"

#include "base/text.h"
#include "cli/report.h"
#include "exp/experiment.h"
#include "exp/outlook.h"
#include "exp/predict.h"
#include "scenario/spec.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static bool is_for_people(enum table_format format)
{
    return format == TABLE_ALIGNED || format == TABLE_MARKDOWN;
}

// ---- tables ----

static void add_point_cells(const struct experiment *experiment,
                            const struct prediction *predictions, size_t number,
                            enum table_format format, struct table *table)
{
    const struct experiment_point *point = &experiment->points[number];
    struct text parameters = {0};
    struct text verdict = {0};
    report_add_parameters(experiment, point, is_for_people(format), &parameters);
    prediction_verdict_text(&predictions[number], &verdict);
    table_add_integer(table, (int64_t)number);
    table_add_text(table, point->policy);
    table_add_text(table, text_string(&parameters));
    table_add_text(table, text_string(&verdict));
    table_add_number(table, predictions[number].offload_fraction);
    text_finish(&verdict);
    text_finish(&parameters);
}

static void add_point_columns(struct table *table)
{
    table_add_column(table, "point");
    table_add_column(table, "policy");
    table_add_column(table, "parameters")->is_wrapped = true;
    table_add_column(table, "verdict")->is_wrapped = true;
    table_add_column(table, "offload_fraction");
}

static void add_station_columns(struct table *table, enum table_format format)
{
    table_add_column(table, "station");
    table_add_column(table, "arrival_rate_per_s");
    table_add_column(table, "utilisation");
    if (!is_for_people(format)) {
        table_add_column(table, "offered_load");
    }
    table_add_column(table, "wait_mean_s");
    table_add_column(table, "present_mean");
}

// What grows without end has no mean.
static double finite(double value)
{
    return isfinite(value) ? value : NAN;
}

static void add_station_cells(const struct prediction_station *station, enum table_format format,
                              struct table *table)
{
    table_add_text(table, station->name);
    table_add_number(table, station->arrival_rate_per_s);
    table_add_number(table, station->utilisation);
    if (!is_for_people(format)) {
        table_add_number(table, station->offered_load);
    }
    table_add_number(table, finite(station->wait_s));
    table_add_number(table, finite(station->present));
}

static void add_point_table(const struct experiment *experiment,
                            const struct prediction *predictions, enum table_format format,
                            const struct table_style *style, struct text *text)
{
    struct table table = {0};
    add_point_columns(&table);
    for (size_t i = 0; i < experiment->point_count; i++) {
        add_point_cells(experiment, predictions, i, format, &table);
    }
    table_print(&table, format, style, text);
    table_finish(&table);
}

static void add_station_table(const struct experiment *experiment,
                              const struct prediction *predictions, enum table_format format,
                              const struct table_style *style, struct text *text)
{
    const bool has_points = experiment->point_count > 1;
    struct table table = {.key_columns = has_points ? 2 : 1};
    if (has_points) {
        table_add_column(&table, "point");
    }
    add_station_columns(&table, format);
    for (size_t i = 0; i < experiment->point_count; i++) {
        for (int k = 0; k < predictions[i].stations; k++) {
            if (!(predictions[i].station[k].arrival_rate_per_s > 0)) {
                continue; // it would be a row of zeros
            }
            if (has_points) {
                table_add_integer(&table, (int64_t)i);
            }
            add_station_cells(&predictions[i].station[k], format, &table);
        }
    }
    table_print(&table, format, style, text);
    table_finish(&table);
}

// Whether a station of an earlier point has the same note.
static bool is_noted(const struct prediction *predictions, size_t point, int station)
{
    const struct prediction_station *wanted = &predictions[point].station[station];
    for (size_t i = 0; i < point; i++) {
        for (int k = 0; k < predictions[i].stations; k++) {
            const struct prediction_station *before = &predictions[i].station[k];
            if (before->arrival_rate_per_s > 0 && strcmp(before->name, wanted->name) == 0 &&
                strcmp(before->note, wanted->note) == 0) {
                return true;
            }
        }
    }
    return false;
}

// What is to be known of stations, below the tables.
static void add_notes(const struct experiment *experiment, const struct prediction *predictions,
                      struct text *text)
{
    bool is_first = true;
    for (size_t i = 0; i < experiment->point_count; i++) {
        for (int k = 0; k < predictions[i].stations; k++) {
            const struct prediction_station *station = &predictions[i].station[k];
            if (station->note[0] && station->arrival_rate_per_s > 0 &&
                !is_noted(predictions, i, k)) {
                text_format(text, "%s%s: %s\n", is_first ? "\n" : "", station->name,
                            station->note);
                is_first = false;
            }
        }
    }
}

// Everything in one table, for csv.
static void add_flat_table(const struct experiment *experiment,
                           const struct prediction *predictions, enum table_format format,
                           struct text *text)
{
    struct table table = {0};
    add_point_columns(&table);
    add_station_columns(&table, format);
    table_add_column(&table, "note");
    for (size_t i = 0; i < experiment->point_count; i++) {
        for (int k = 0; k < predictions[i].stations; k++) {
            add_point_cells(experiment, predictions, i, format, &table);
            add_station_cells(&predictions[i].station[k], format, &table);
            table_add_text(&table, predictions[i].station[k].note);
        }
    }
    table_print(&table, format, NULL, text);
    table_finish(&table);
}

void report_add_predictions(const struct experiment *experiment,
                            const struct prediction *predictions, enum table_format format,
                            const struct table_style *style, struct text *text)
{
    if (!is_for_people(format)) {
        add_flat_table(experiment, predictions, format, text);
        return;
    }
    add_point_table(experiment, predictions, format, style, text);
    text_format(text, "\nexpected, by theory and %" PRIu64 " samples that met no queue:\n\n",
                predictions[0].pilot_samples);
    add_station_table(experiment, predictions, format, style, text);
    add_notes(experiment, predictions, text);
}

// ---- JSON ----

static void add_stations_json(const struct prediction *prediction, struct text *text)
{
    for (int i = 0; i < prediction->stations; i++) {
        const struct prediction_station *station = &prediction->station[i];
        text_format(text, "%s\n      {\"station\": ", i ? "," : "");
        text_json_string(text, station->name);
        text_add(text, ", \"arrival_rate_per_s\": ");
        text_json_number(text, station->arrival_rate_per_s);
        text_add(text, ", \"utilisation\": ");
        text_json_number(text, station->utilisation);
        text_add(text, ", \"offered_load\": ");
        text_json_number(text, station->offered_load);
        text_add(text, ", \"wait_mean_s\": ");
        text_json_number(text, finite(station->wait_s));
        text_add(text, ", \"present_mean\": ");
        text_json_number(text, finite(station->present));
        text_add(text, ", \"note\": ");
        text_json_string(text, station->note);
        text_add(text, "}");
    }
}

static void add_point_json(const struct experiment *experiment,
                           const struct prediction *prediction, size_t number, struct text *text)
{
    const struct experiment_point *point = &experiment->points[number];
    struct text verdict = {0};
    prediction_verdict_text(prediction, &verdict);
    text_format(text, "    {\"point\": %zu, \"policy\": ", number);
    text_json_string(text, point->policy);
    text_add(text, ", \"parameters\": ");
    report_add_parameters_json(point, text);
    text_format(text, ", \"replications\": %" PRIu64 ", \"samples\": ", point->replications);
    text_json_number(text, prediction->samples);
    text_add(text, ", \"verdict\": ");
    text_json_string(text, text_string(&verdict));
    text_add(text, ", \"offload_fraction\": ");
    text_json_number(text, prediction->offload_fraction);
    text_format(text, ", \"pilot_samples\": %" PRIu64 ", \"stations\": [",
                prediction->pilot_samples);
    add_stations_json(prediction, text);
    text_add(text, "]}");
    text_finish(&verdict);
}

static double samples_of(const struct experiment *experiment, const struct prediction *predictions)
{
    double samples = 0;
    for (size_t i = 0; i < experiment->simulation_count; i++) {
        const struct experiment_simulation *simulation = &experiment->simulations[i];
        samples += (double)simulation->replications * predictions[simulation->first_point].samples;
    }
    return samples;
}

void report_add_predictions_json(const struct experiment *experiment,
                                 const struct prediction *predictions,
                                 const struct outlook *outlook,
                                 const struct diagnostics *warnings, size_t warning_count,
                                 struct text *text)
{
    text_add(text, "{\"scenario\": ");
    text_json_string(text, experiment->spec->name);
    text_add(text, ", \"points\": [\n");
    for (size_t i = 0; i < experiment->point_count; i++) {
        add_point_json(experiment, &predictions[i], i, text);
        text_add(text, i + 1 < experiment->point_count ? ",\n" : "\n");
    }
    text_add(text, "], \"samples\": ");
    text_json_number(text, samples_of(experiment, predictions));
    text_format(text,
                ", \"replications\": %" PRIu64 ", \"replications_left\": %" PRIu64
                ", \"threads\": %d, \"seconds_left\": ",
                outlook->replications, outlook->replications_left, outlook->threads);
    text_json_number(text, outlook->seconds);
    text_add(text, ", \"warnings\": ");
    report_add_warnings_json(warnings, warning_count, text);
    text_add(text, "}\n");
}

// ---- what running comes to ----

void report_add_effort(const struct experiment *experiment, const struct prediction *predictions,
                       const struct outlook *outlook, struct text *text)
{
    const double samples = samples_of(experiment, predictions);
    if (isfinite(samples)) {
        text_format(text, "%s%.0f samples in ", outlook->has_rules ? "at least " : "", samples);
    }
    text_format(text, "%" PRIu64 " replication%s", outlook->replications,
                outlook->replications == 1 ? "" : "s");
    if (!isnan(outlook->seconds)) {
        text_add(text, ": ");
        report_add_seconds(outlook, text);
    }
    text_add(text, "\n");
}

// ---- beside what it came to ----

// Whether a metric is worth a line: loads and utilisations say the same, and nothing is to be said
// of a station where nobody is expected and nobody came.
static bool is_compared(const struct experiment_point *point, int metric, double predicted)
{
    const char *name = point->names->metric[metric];
    const double simulated = point->estimates[metric].mean;
    return strncmp(name, "offered_load.", strlen("offered_load.")) != 0 &&
           (strchr(name, '.') == NULL || predicted > 0 || simulated > 0);
}

const char *report_why_by_events(const struct experiment *experiment,
                                 const struct prediction *prediction)
{
    return experiment->by_events ? experiment->by_events : prediction->obstacle;
}

// How a point was simulated.
static void add_manner(const struct experiment *experiment, const struct prediction *prediction,
                       struct text *text)
{
    const char *reason = report_why_by_events(experiment, prediction);
    if (reason) {
        text_format(text, "event by event: %s", reason);
    } else {
        text_add(text, "from station to station, without an event queue");
    }
}

// A line for each manner: of all policies at once, or of each.
static void add_manners(const struct experiment *experiment, const struct prediction *predictions,
                        struct text *text)
{
    struct text first = {0};
    struct text own = {0};
    bool is_same = true;
    add_manner(experiment, &predictions[0], &first);
    for (size_t i = 1; i < experiment->point_count && is_same; i++) {
        text_clear(&own);
        add_manner(experiment, &predictions[i], &own);
        is_same = strcmp(text_string(&own), text_string(&first)) == 0;
    }
    if (is_same) {
        text_format(text, "\nsimulated %s\n", text_string(&first));
    } else {
        text_add(text, "\n");
        for (size_t i = 0; i < experiment->point_count; i++) {
            text_format(text, "point %zu, %s: simulated ", i, experiment->points[i].policy);
            add_manner(experiment, &predictions[i], text);
            text_add(text, "\n");
        }
    }
    text_finish(&first);
    text_finish(&own);
}

void report_add_comparison(const struct experiment *experiment,
                           const struct prediction *predictions, enum table_format format,
                           const struct table_style *style, struct text *text)
{
    const bool has_points = experiment->point_count > 1;
    struct table table = {0};
    if (has_points) {
        table_add_column(&table, "point");
        table_add_column(&table, "policy");
    }
    table_add_column(&table, "metric");
    table_add_column(&table, "predicted");
    table_add_column(&table, "simulated");
    table_add_column(&table, "simulated_half_width")->is_half_width = true;
    for (size_t i = 0; i < experiment->point_count; i++) {
        const struct experiment_point *point = &experiment->points[i];
        for (int metric = 0; metric < point->names->metrics; metric++) {
            double predicted;
            if (!prediction_of_metric(&predictions[i], point->names->metric[metric], &predicted) ||
                !is_compared(point, metric, predicted)) {
                continue;
            }
            if (has_points) {
                table_add_integer(&table, (int64_t)i);
                table_add_text(&table, point->policy);
            }
            table_add_text(&table, point->names->metric[metric]);
            table_add_number(&table, finite(predicted));
            const struct experiment_estimate *simulated = &point->estimates[metric];
            table_add_interval(&table, simulated->mean, simulated->half_width, simulated->low,
                               simulated->high);
        }
    }
    text_add(text, "\nprediction and simulation:\n\n");
    table_print(&table, format, style, text);
    table_finish(&table);
    add_notes(experiment, predictions, text);
    add_manners(experiment, predictions, text);
}
