// SPDX-License-Identifier: GPL-3.0-or-later

// The points that would be run, what of them is stored, and how long the rest takes.

#include "cli/report.h"

#include "base/text.h"
#include "exp/experiment.h"
#include "exp/outlook.h"
#include "exp/parameters.h"
#include "exp/until.h"
#include "scenario/diagnostics.h"
#include "scenario/spec.h"

#include <inttypes.h>
#include <math.h>

static const char *const basis_names[OUTLOOK_BASES_] = {
    [OUTLOOK_SIMULATION] = "stored replications of the same points",
    [OUTLOOK_SCENARIO] = "stored replications of this scenario",
    [OUTLOOK_TRIAL] = "a short trial",
};

static const char *const basis_keys[OUTLOOK_BASES_] = {
    [OUTLOOK_SIMULATION] = "same_points",
    [OUTLOOK_SCENARIO] = "same_scenario",
    [OUTLOOK_TRIAL] = "trial",
};

void report_add_parameters(const struct experiment *experiment,
                           const struct experiment_point *point, bool is_for_people,
                           struct text *text)
{
    for (size_t i = 0; i < point->parameter_count; i++) {
        const struct point_parameter *parameter = &point->parameters[i];
        const bool is_shown = is_for_people && parameter->shown;
        text_format(text, "%s%s=%s", i ? ", " : "",
                    experiment->is_sweep ? parameter->path : parameter->name,
                    is_shown ? parameter->shown : parameter->value);
    }
}

static void add_table(const struct experiment *experiment, const struct outlook *outlook,
                      enum table_format format, const struct table_style *style, struct text *text)
{
    struct table table = {0};
    table_add_column(&table, "point");
    table_add_column(&table, "policy");
    table_add_column(&table, "parameters")->is_wrapped = true;
    table_add_column(&table, outlook->has_rules ? "least_replications" : "replications");
    if (outlook->has_rules) {
        table_add_column(&table, "most_replications");
    }
    if (outlook->grows) {
        table_add_column(&table, "least_samples");
        table_add_column(&table, "most_samples");
    }
    table_add_column(&table, "stored");
    for (size_t i = 0; i < experiment->point_count; i++) {
        const struct experiment_point *point = &experiment->points[i];
        struct text parameters = {0};
        report_add_parameters(experiment, point,
                              format == TABLE_ALIGNED || format == TABLE_MARKDOWN, &parameters);
        table_add_integer(&table, (int64_t)point->ordinal);
        table_add_text(&table, point->policy);
        table_add_text(&table, text_string(&parameters));
        table_add_integer(&table, (int64_t)point->replications);
        const bool grows = until_grows(point);
        if (outlook->has_rules) {
            table_add_integer(&table, grows ? 1 : (int64_t)until_most(point));
        }
        if (outlook->grows && grows) {
            table_add_integer(&table, (int64_t)until_first(point));
            table_add_integer(&table, (int64_t)until_most(point));
        } else if (outlook->grows) {
            table_add_text(&table, "");
            table_add_text(&table, "");
        }
        table_add_integer(&table, (int64_t)outlook_stored(experiment, outlook, i));
        text_finish(&parameters);
    }
    table_print(&table, format, style, text);
    table_finish(&table);
}

void report_add_seconds(const struct outlook *outlook, struct text *text)
{
    bool is_first = true;
    text_add(text, outlook->has_rules || outlook->grows ? "the least takes about "
                   : outlook->seconds < 0.1             ? "less than "
                                                        : "about ");
    report_add_duration(fmax(0.1, outlook->seconds), text);
    text_format(text, " with %d thread%s, by ", outlook->threads, outlook->threads == 1 ? "" : "s");
    for (int i = 0; i < OUTLOOK_BASES_; i++) {
        if (outlook->by[i]) {
            text_format(text, "%s%s", is_first ? "" : " and ", basis_names[i]);
            is_first = false;
        }
    }
}

void report_add_outlook(const struct experiment *experiment, const struct outlook *outlook,
                        struct text *text)
{
    if (outlook->has_rules) {
        text_format(text,
                    "at least %" PRIu64 " and at most %" PRIu64
                    " replications are left to run, until intervals are narrow enough",
                    outlook->replications_left, outlook->most_left);
    } else {
        text_format(text,
                    "%zu of %zu points are stored; %" PRIu64 " of %" PRIu64
                    " replications are left to run",
                    outlook->points_stored, experiment->point_count, outlook->replications_left,
                    outlook->replications);
    }
    if (outlook->grows) {
        text_add(text, "\nruns go on from 'least_samples' until intervals are narrow enough, to "
                       "'most_samples' at most");
    }
    if (outlook->replications_left && !isnan(outlook->seconds)) {
        text_add(text, "\n");
        report_add_seconds(outlook, text);
    }
    text_add(text, "\n");
}

void report_add_parameters_json(const struct experiment_point *point, struct text *text)
{
    text_add(text, "{");
    for (size_t k = 0; k < point->parameter_count; k++) {
        text_add(text, k ? ", " : "");
        text_json_string(text, point->parameters[k].path);
        text_format(text, ": %s", point->parameters[k].value);
    }
    text_add(text, "}");
}

static void add_warning_json(const struct diagnostic *warning, struct text *text)
{
    text_add(text, "{\"file\": ");
    if (warning->source) {
        text_json_string(text, warning->source);
        text_format(text, ", \"line\": %zu, \"column\": %zu", warning->line, warning->column);
    } else {
        text_add(text, "null, \"line\": null, \"column\": null");
    }
    text_add(text, ", \"message\": ");
    text_json_string(text, warning->message);
    text_add(text, ", \"hint\": ");
    if (warning->hint) {
        text_json_string(text, warning->hint);
    } else {
        text_add(text, "null");
    }
    text_add(text, "}");
}

void report_add_warnings_json(const struct diagnostics *warnings, size_t count, struct text *text)
{
    bool is_first = true;
    text_add(text, "[");
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < warnings[i].count; k++) {
            text_add(text, is_first ? "" : ", ");
            add_warning_json(&warnings[i].items[k], text);
            is_first = false;
        }
    }
    text_add(text, "]");
}

static void add_json(const struct experiment *experiment, const struct outlook *outlook,
                     struct text *text)
{
    text_add(text, "{\"scenario\": ");
    text_json_string(text, experiment->spec->name);
    text_add(text, ", \"points\": [\n");
    for (size_t i = 0; i < experiment->point_count; i++) {
        const struct experiment_point *point = &experiment->points[i];
        text_format(text, "    {\"point\": %zu, \"policy\": ", point->ordinal);
        text_json_string(text, point->policy);
        text_add(text, ", \"parameters\": ");
        report_add_parameters_json(point, text);
        text_format(text, ", \"replications\": %" PRIu64, point->replications);
        if (until_grows(point)) {
            text_format(text, ", \"samples\": %" PRIu64 ", \"most_samples\": %" PRIu64,
                        until_first(point), until_most(point));
        } else if (point->rule_count) {
            text_format(text, ", \"most_replications\": %" PRIu64, until_most(point));
        }
        text_format(text, ", \"stored\": %" PRIu64 "}%s\n", outlook_stored(experiment, outlook, i),
                    i + 1 < experiment->point_count ? "," : "");
    }
    text_format(text,
                "], \"points_stored\": %zu, \"simulations\": %zu, \"replications\": %" PRIu64
                ", \"replications_left\": %" PRIu64 ", \"most_replications_left\": %" PRIu64
                ", \"threads\": %d, \"seconds_left\": ",
                outlook->points_stored, experiment->simulation_count, outlook->replications,
                outlook->replications_left, outlook->most_left, outlook->threads);
    text_json_number(text, outlook->seconds);
    text_add(text, ", \"seconds_by\": [");
    bool is_first = true;
    for (int i = 0; i < OUTLOOK_BASES_; i++) {
        if (outlook->by[i]) {
            text_add(text, is_first ? "" : ", ");
            text_json_string(text, basis_keys[i]);
            is_first = false;
        }
    }
    text_add(text, "]}\n");
}

void report_add_dry_run(const struct experiment *experiment, const struct outlook *outlook,
                        enum table_format format, const struct table_style *style,
                        struct text *text)
{
    if (format == TABLE_JSON) {
        add_json(experiment, outlook, text);
        return;
    }
    add_table(experiment, outlook, format, style, text);
    if (format != TABLE_CSV) {
        text_add(text, "\n");
        report_add_outlook(experiment, outlook, text);
    }
}
