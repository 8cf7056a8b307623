// SPDX-License-Identifier: GPL-3.0-or-later

// `reprice`: a stored experiment at other prices.

#include "exp/reprice.h"

#include "base/text.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "exp/parameters.h"
#include "exp/stored.h"
#include "scenario/diagnostics.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

// JSON goes out in pieces of about this size.
enum { PIECE_BYTES = 1024 * 1024 };

static void add_row(struct reprice *reprice, size_t number, bool is_for_people, struct table *table)
{
    const struct stored_point *point = reprice->points[number];
    const struct experiment_estimate cost = reprice_cost(reprice, number);
    size_t count;
    const struct point_parameter *parameters = reprice_parameters(reprice, number, &count);
    struct text text = {0};
    table_add_integer(table, point->ordinal);
    text_format(&text, "%s%s", point->policy, is_for_people && point->is_oracle ? " (bound)" : "");
    table_add_text(table, text_string(&text));
    text_clear(&text);
    for (size_t i = 0; i < count; i++) {
        text_format(&text, "%s%s=%s",
                    !i              ? ""
                    : is_for_people ? ", "
                                    : "; ",
                    parameters[i].path, parameters[i].value);
    }
    table_add_text(table, text_string(&text));
    table_add_interval(table, cost.mean, cost.half_width, cost.low, cost.high);
    if (!is_for_people) {
        table_add_number(table, point->confidence);
    }
    table_add_integer(table, (int64_t)point->replications);
    table_add_text(table, point->verdict);
    text_finish(&text);
}

// One row a point and setting of the prices.
static int print_table(struct reprice *reprice, enum table_format format)
{
    const bool is_for_people = format == TABLE_ALIGNED || format == TABLE_MARKDOWN;
    struct table table = {.key_columns = 3};
    table_add_column(&table, "point");
    table_add_column(&table, "policy")->is_wrapped = true;
    table_add_column(&table, "parameters")->is_wrapped = true;
    table_add_column(&table, "cost_mean");
    table_add_column(&table, "cost_mean_half_width");
    if (!is_for_people) {
        table_add_column(&table, "confidence");
    }
    table_add_column(&table, "replications");
    table_add_column(&table, "verdict");
    table_pair_half_widths(&table);
    for (uint64_t setting = 0; setting < reprice->settings; setting++) {
        reprice_set(reprice, setting);
        for (size_t i = 0; i < reprice->point_count; i++) {
            add_row(reprice, i, is_for_people, &table);
        }
    }
    struct text text = {0};
    const struct table_style style = output_style();
    table_print(&table, format, &style, &text);
    const int status = output_text(&text);
    text_finish(&text);
    table_finish(&table);
    return status;
}

static void add_estimate(struct text *text, const struct stored_estimate *estimate)
{
    text_add(text, "      ");
    text_json_string(text, estimate->metric);
    text_add(text, ": {\"mean\": ");
    text_json_number(text, estimate->mean);
    text_add(text, ", \"half_width\": ");
    text_json_number(text, estimate->half_width);
    text_add(text, ", \"low\": ");
    text_json_number(text, estimate->low);
    text_add(text, ", \"high\": ");
    text_json_number(text, estimate->high);
    text_add(text, ", \"confidence\": ");
    text_json_number(text, estimate->confidence);
    text_add(text, "}");
}

// The metrics of a point but for its cost, which are the same at all prices.
static const char *other_metrics(struct reprice *reprice, const struct stored_point *point)
{
    struct text text = {0};
    for (size_t i = 0; i < point->estimate_count; i++) {
        const struct stored_estimate *estimate =
            &reprice->experiment->estimates[point->first_estimate + i];
        if (strcmp(estimate->metric, "cost_mean") != 0) {
            text_add(&text, ",\n");
            add_estimate(&text, estimate);
        }
    }
    const char *copy = arena_text(&reprice->arena, text_string(&text));
    text_finish(&text);
    return copy;
}

static void add_point_json(struct reprice *reprice, size_t number, const char *others,
                           struct text *text)
{
    const struct stored_point *point = reprice->points[number];
    const struct experiment_estimate cost = reprice_cost(reprice, number);
    size_t count;
    const struct point_parameter *parameters = reprice_parameters(reprice, number, &count);
    text_add(text, "    {\"policy\": ");
    text_json_string(text, point->policy);
    text_add(text, ", \"parameters\": {");
    for (size_t i = 0; i < count; i++) {
        text_add(text, i ? ", " : "");
        text_json_string(text, parameters[i].path);
        text_format(text, ": %s", parameters[i].value);
    }
    text_format(text, "}, \"replications\": %" PRIu64 ", \"verdict\": ", point->replications);
    text_json_string(text, point->verdict);
    text_add(text, ", \"metrics\": {\n");
    add_estimate(text, &(struct stored_estimate){.metric = "cost_mean",
                                                 .mean = cost.mean,
                                                 .low = cost.low,
                                                 .high = cost.high,
                                                 .half_width = cost.half_width,
                                                 .confidence = point->confidence});
    text_add(text, others);
    text_add(text, "}}");
}

// The shape is that of `sweep --format json`.
static int print_json(struct reprice *reprice)
{
    const struct stored_experiment *experiment = reprice->experiment;
    const char **others = arena_new_array(&reprice->arena, reprice->point_count, const char *);
    for (size_t i = 0; i < reprice->point_count; i++) {
        others[i] = other_metrics(reprice, reprice->points[i]);
    }
    struct text text = {0};
    int status = STATUS_FINE;
    text_format(&text, "{\"experiment\": %" PRId64 ", \"scenario\": ", experiment->id);
    text_json_string(&text, experiment->scenario);
    text_add(&text, ", \"points\": [\n");
    for (uint64_t setting = 0; setting < reprice->settings && status == STATUS_FINE; setting++) {
        reprice_set(reprice, setting);
        for (size_t i = 0; i < reprice->point_count && status == STATUS_FINE; i++) {
            text_add(&text, setting || i ? ",\n" : "");
            add_point_json(reprice, i, others[i], &text);
            if (text.length > PIECE_BYTES) {
                status = output_text(&text);
                text_clear(&text);
            }
        }
    }
    text_add(&text, "\n]}\n");
    status = status == STATUS_FINE ? output_text(&text) : status;
    text_finish(&text);
    return status;
}

static void print_remark(const struct reprice *reprice)
{
    fprintf(stderr,
            "%zu point%s of experiment %" PRId64 " at %" PRIu64 " setting%s of prices, from stored "
            "counters; %g %% intervals\n",
            reprice->point_count, reprice->point_count == 1 ? "" : "s", reprice->experiment->id,
            reprice->settings, reprice->settings == 1 ? "" : "s",
            100 * reprice->points[0]->confidence);
}

static int reprice_all(const struct arguments *arguments,
                       const struct stored_experiment *experiment, enum table_format format)
{
    struct diagnostics diagnostics = {0};
    struct reprice reprice;
    int status = STATUS_BAD_INPUT;
    if (reprice_begin(&reprice, experiment, arguments->sets, arguments->set_count, &diagnostics) ==
        0) {
        status = format == TABLE_JSON ? print_json(&reprice) : print_table(&reprice, format);
        if (status == STATUS_FINE && !arguments->quiet) {
            print_remark(&reprice);
        }
    } else {
        struct text text = {0};
        diagnostics_render(&diagnostics, &text);
        fputs(text_string(&text), stderr);
        text_finish(&text);
    }
    reprice_finish(&reprice);
    diagnostics_finish(&diagnostics);
    return status;
}

int verb_reprice(const struct arguments *arguments)
{
    enum table_format format;
    struct text error = {0};
    struct stored_experiment experiment = {0};
    int status = STATUS_BAD_INPUT;
    if (table_format_parse(arguments->format, &format, &error) != 0) {
        goto end;
    }
    if (!arguments->experiment || !arguments->set_count) {
        text_format(&error, "'%s' is missing; usage: offloadsim reprice %s",
                    arguments->experiment ? "--set" : "--experiment",
                    command_find("reprice")->operands);
        goto end;
    }
    if (stored_read(arguments->db, (int64_t)arguments->experiment, format == TABLE_JSON,
                    &experiment, &error) == 0) {
        status = reprice_all(arguments, &experiment, format);
    }
end:
    status = output_message(status, &error);
    stored_finish(&experiment);
    text_finish(&error);
    return status;
}
