// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/text.h"
#include "cli/load.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/report_predict.h"
#include "cli/running.h"
#include "cli/verbs.h"
#include "exp/outlook.h"
#include "exp/predict.h"
#include "model/world.h"
#include "policies/policy.h"
#include "scenario/spec.h"
#include "scenario/trace.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

// With rules there may be more of them, or one that is longer.
static void add_replications(const struct spec *spec, struct text *text)
{
    int count = spec->replications;
    if (spec->until_count && spec->intervals == INTERVALS_BATCH_MEANS) {
        text_add(text, " or more, one replication");
        return;
    }
    for (int i = 0; i < spec->until_count; i++) {
        count = i == 0 || spec->until[i].least > count ? spec->until[i].least : count;
    }
    text_format(text, " a replication, %d replication%s%s", count, count == 1 ? "" : "s",
                spec->until_count ? " or more" : "");
}

static void add_samples(const struct spec *spec, struct text *text)
{
    if (spec->stop_kind == STOP_SAMPLES) {
        text_format(text, "%" PRIu64 " samples", spec->stop_samples);
    } else {
        text_format(text, "%g s", spec->stop_time_s);
    }
    add_replications(spec, text);
    text_format(text, ", seed %" PRIu64 "\n", spec->seed);
    if (spec->generated) {
        text_format(text, "samples generated from %s\n", spec->samples.generated_path);
    }
    if (spec->trace) {
        static const char *const orders[] = {[ORDER_AS_IS] = "as they are",
                                             [ORDER_SHUFFLE] = "shuffled anew in each replication",
                                             [ORDER_RESAMPLE] = "resampled"};
        const size_t aside = trace_training_rows(spec->trace, spec->samples.train);
        text_format(text, "%zu samples of %s, %s\n", spec->trace->rows - aside, spec->trace->path,
                    orders[spec->samples.order]);
        if (aside) {
            text_format(text, "%zu more set aside for training\n", aside);
        }
    }
}

// What the policy of a point predicts for a class of devices, cell by cell.
static void add_class(const struct world *world, const struct world_class *devices,
                      enum table_format format, const struct table_style *style, struct text *text)
{
    char cells[POLICY_EXPLAIN_CELLS][POLICY_EXPLAIN_ROOM];
    struct table table = {0};
    const int columns =
        world->policy->explain(&devices->view, world->parameters, devices->plan, -1, cells);
    for (int i = 0; i < columns; i++) {
        table_add_column(&table, arena_text(&table.arena, cells[i]))->is_wrapped = true;
    }
    for (int row = 0;
         world->policy->explain(&devices->view, world->parameters, devices->plan, row, cells) > 0;
         row++) {
        for (int i = 0; i < columns; i++) {
            char *end;
            const double number = strtod(cells[i], &end);
            if (end != cells[i] && !*end) {
                table_add_number(&table, number);
            } else {
                table_add_text(&table, cells[i]);
            }
        }
    }
    table_print(&table, format, style, text);
    table_finish(&table);
}

// What the policy of point `number` predicts, for each class of devices.
static void add_explanation(const struct world *world, size_t number, enum table_format format,
                            const struct table_style *style, bool *is_first, struct text *text)
{
    for (int i = 0; i < world->class_count; i++) {
        const struct world_class *devices = &world->classes[i];
        if (format == TABLE_JSON) {
            text_format(text, "%s{\"point\": %zu, \"policy\": \"%s\", ", *is_first ? "" : ",\n",
                        number, world->policy->name);
            if (devices->name) {
                text_format(text, "\"class\": \"%s\", ", devices->name);
            }
            text_add(text, "\"explanation\": ");
        } else if (format != TABLE_CSV) {
            text_format(text, "\npoint %zu, policy '%s'", number, world->policy->name);
            if (devices->name) {
                text_format(text, ", class '%s'", devices->name);
            }
            text_add(text, ":\n\n");
        }
        add_class(world, devices, format, style, text);
        text_add(text, format == TABLE_JSON ? "}" : "");
        *is_first = false;
    }
}

static void add_explanations(const struct experiment *experiment, enum table_format format,
                             const struct table_style *style, struct text *text)
{
    const bool is_json = format == TABLE_JSON;
    bool is_first = true;
    text_add(text, is_json ? "[" : "");
    for (size_t i = 0; i < experiment->point_count; i++) {
        struct arena arena = {0};
        const struct world *world = experiment_world(experiment, i, &arena);
        if (world->policy->explain) {
            add_explanation(world, i, format, style, &is_first, text);
        }
        arena_finish(&arena);
    }
    text_add(text, is_json ? "]\n" : "");
    if (is_first && !is_json && format != TABLE_CSV) {
        text_add(text, "\nno policy here has anything to explain\n");
    }
}

// How long running all of it takes, by the database if it tells, else by trials. A database
// that cannot be read tells nothing; it is for 'run' to say so.
static int make_outlook(const struct arguments *arguments, const struct experiment *experiment,
                        struct arena *arena, struct outlook *ret_outlook)
{
    struct text ignored = {0};
    struct outlook_options options = {.database = running_database(arguments),
                                      .again = true,
                                      .threads = running_threads(arguments)};
    int status = outlook_make(experiment, &options, arena, ret_outlook, &ignored);
    if (status != 0) {
        options.database = NULL;
        text_clear(&ignored);
        status = outlook_make(experiment, &options, arena, ret_outlook, &ignored);
    }
    text_finish(&ignored);
    return status;
}

static void add_head(const struct arguments *arguments, const struct spec *spec, struct text *text)
{
    text_format(text, "%s: fine\n", arguments->operands[0]);
    add_samples(spec, text);
    text_add(text, "\n");
}

// Everything that is known before a run.
static int print_check(const struct arguments *arguments, struct loaded *loaded,
                       enum table_format format, struct text *ret_error)
{
    const struct table_style style = output_style();
    const struct experiment *experiment = &loaded->experiment;
    const bool is_for_people = format == TABLE_ALIGNED || format == TABLE_MARKDOWN;
    struct arena arena = {0};
    struct text text = {0};
    struct outlook outlook;
    const struct prediction *predictions = load_predict(loaded, &arena, ret_error);
    int status = STATUS_RUN_FAILED;
    if (!predictions || make_outlook(arguments, experiment, &arena, &outlook) != 0) {
        goto end;
    }
    const int verdict = load_check_effects(arguments, loaded, predictions);
    if (is_for_people) {
        add_head(arguments, experiment->spec, &text);
    }
    if (arguments->explain && !is_for_people) {
        add_explanations(experiment, format, &style, &text);
    } else if (format == TABLE_JSON) {
        report_add_predictions_json(experiment, predictions, &outlook, loaded->warnings,
                                    WARNINGS_COUNT_, &text);
    } else {
        report_add_predictions(experiment, predictions, format, &style, &text);
        if (arguments->explain) {
            add_explanations(experiment, format, &style, &text);
        }
    }
    status = output_text(&text);
    if (status == STATUS_FINE && format != TABLE_JSON && !arguments->quiet) {
        text_clear(&text);
        report_add_effort(experiment, predictions, &outlook, &text);
        fputs(text_string(&text), stderr);
    }
    status = status == STATUS_FINE ? verdict : status;
end:
    text_finish(&text);
    arena_finish(&arena);
    return status;
}

int verb_check(const struct arguments *arguments)
{
    enum table_format format;
    struct text error = {0};
    struct loaded loaded = {0};
    int status = STATUS_BAD_INPUT;
    if (table_format_parse(arguments->format, &format, &error) == 0) {
        status = load_scenario(arguments, LOAD_ALONE, &loaded);
        if (status == STATUS_FINE) {
            status = print_check(arguments, &loaded, format, &error);
        }
    }
    status = output_message(status, &error);
    load_finish(&loaded);
    text_finish(&error);
    return status;
}
