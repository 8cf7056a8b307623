// SPDX-License-Identifier: GPL-3.0-or-later

// Which columns of the trace a scenario asks for.

#include "base/memory.h"
#include "scenario/check.h"
#include "scenario/diagnostics.h"
#include "scenario/settings.h"
#include "scenario/spec.h"
#include "scenario/trace.h"
#include "scenario/trace_read.h"

#include <string.h>

struct columns {
    struct spec *spec;
    const struct settings *settings;
    struct arena *arena;
    struct diagnostics *diagnostics;
    struct trace_plan *plan;
    size_t extra_room;
};

static const struct mark *mark_of(const struct columns *columns, const void *slot)
{
    const struct setting *setting = settings_find(columns->settings, slot);
    return setting ? &setting->value : NULL;
}

static struct trace_column column_at(const struct columns *columns, const char *const *slot)
{
    struct trace_column column = {.name = *slot};
    const struct mark *mark = mark_of(columns, slot);
    if (mark) {
        column.mark = *mark;
    }
    return column;
}

static void refuse(const struct columns *columns, const void *slot, const char *key,
                   const char *problem, const char *hint)
{
    diagnostics_error(columns->diagnostics, mark_of(columns, slot), "'%s' %s", key, problem);
    diagnostics_hint(columns->diagnostics, "%s", hint);
}

static const char no_trace[] = "names a column, but the scenario has no trace";

static const char *no_trace_hint(const struct columns *columns)
{
    return columns->spec->samples.generated_path
               ? "samples are generated and have no columns: remove the key"
               : "add 'trace: FILE.csv' to 'samples', or remove the key";
}

// ---- what belongs together with the layout ----

struct key_slot {
    const char *key;
    const char *const *slot;
};

// Refuses those of `slots` that are given.
static void refuse_given(const struct columns *columns, const struct key_slot *slots, size_t count,
                         const char *problem, const char *hint)
{
    for (size_t i = 0; i < count; i++) {
        if (*slots[i].slot) {
            refuse(columns, slots[i].slot, slots[i].key, problem, hint);
        }
    }
}

enum { EXIT_COLUMNS = 3, SAMPLE_COLUMNS = 5 };

static void check_exit(const struct columns *columns, const struct spec_exit *exit)
{
    const struct key_slot slots[EXIT_COLUMNS] = {{"confidence", &exit->confidence_column},
                                                 {"prediction", &exit->prediction_column},
                                                 {"correct", &exit->correct_column}};
    const struct key_slot value = {"value", &exit->value};
    const struct key_slot outcome = {"outcome", &exit->outcome_name};
    const struct spec_samples *samples = &columns->spec->samples;
    if (!samples->generated_path) {
        refuse_given(columns, &outcome, 1, "belongs to generated samples, but these are not",
                     "add 'generated: FILE.yaml' to 'samples', or remove the key");
    }
    if (!columns->plan) {
        refuse_given(columns, slots, EXIT_COLUMNS, no_trace, no_trace_hint(columns));
        refuse_given(columns, &value, 1, "belongs to a trace, but the scenario has none",
                     no_trace_hint(columns));
    } else if (samples->layout == LAYOUT_LONG) {
        refuse_given(columns, slots, EXIT_COLUMNS, "of an exit is for the wide layout",
                     "name the column in 'samples', once for all exits");
    } else {
        refuse_given(columns, &value, 1, "is for the long layout",
                     "name the exit's columns with 'confidence' and 'correct'");
    }
}

static void check_samples(const struct columns *columns)
{
    const struct spec_samples *samples = &columns->spec->samples;
    const struct key_slot slots[SAMPLE_COLUMNS] = {{"sample", &samples->sample_column},
                                                   {"exit", &samples->exit_column},
                                                   {"confidence", &samples->confidence_column},
                                                   {"prediction", &samples->prediction_column},
                                                   {"correct", &samples->correct_column}};
    const struct key_slot label = {"label", &samples->label_column};
    if (!columns->plan) {
        refuse_given(columns, slots, SAMPLE_COLUMNS, no_trace, no_trace_hint(columns));
        refuse_given(columns, &label, 1, no_trace, no_trace_hint(columns));
        for (int i = 0; i < samples->feature_count && !samples->generated_path; i++) {
            refuse(columns, &samples->feature_columns[i], "features", no_trace,
                   no_trace_hint(columns));
        }
        if (samples->train > 0) {
            refuse(columns, &samples->train, "train",
                   "sets rows of a trace aside, but the scenario has none", no_trace_hint(columns));
        }
    } else if (samples->layout == LAYOUT_WIDE) {
        refuse_given(columns, slots, SAMPLE_COLUMNS, "of all samples is for the long layout",
                     "name the columns at each exit, or add 'layout: long'");
    }
}

// Settings that the author may believe in, but that change nothing.
static void warn_of_idle(const struct columns *columns)
{
    const struct spec_samples *samples = &columns->spec->samples;
    const struct key_slot slots[] = {
        {"order", (const char *const *)(const void *)&samples->order},
        {"layout", (const char *const *)(const void *)&samples->layout}};
    for (size_t i = 0; !columns->plan && i < sizeof(slots) / sizeof(slots[0]); i++) {
        const struct mark *mark = mark_of(columns, slots[i].slot);
        if (mark && samples->generated_path) {
            refuse(columns, slots[i].slot, slots[i].key, "has no meaning for generated samples",
                   "each is drawn for itself: remove the key");
        } else if (mark) {
            diagnostics_warning(columns->diagnostics, mark, "'%s' has no effect without a trace",
                                slots[i].key);
            diagnostics_hint(columns->diagnostics, "%s", no_trace_hint(columns));
        }
    }
}

// ---- what must be there ----

static void require_wide(const struct columns *columns, const struct spec_exit *exit)
{
    const struct spec_model *model = &columns->spec->models[exit->model];
    const struct setting *setting = settings_find(columns->settings, exit);
    if (!setting) {
        setting = settings_find(columns->settings, model);
    }
    const struct mark *mark = setting ? &setting->key : NULL;
    if (!exit->confidence_column) {
        diagnostics_error(columns->diagnostics, mark,
                          "exit '%s' of model '%s' names no column for its confidence", exit->name,
                          model->name);
        diagnostics_hint(columns->diagnostics,
                         "add 'exits: {%s: {confidence: COLUMN, correct: COLUMN}}' to the model",
                         exit->name);
    } else if (!exit->correct_column &&
               !(exit->prediction_column && columns->spec->samples.label_column)) {
        diagnostics_error(columns->diagnostics, mark,
                          "nothing says whether exit '%s' of model '%s' is right", exit->name,
                          model->name);
        diagnostics_hint(columns->diagnostics, "name its column 'correct', or 'prediction' here "
                                               "and 'label' in 'samples'");
    }
}

static void require_long(const struct columns *columns)
{
    const struct spec_samples *samples = &columns->spec->samples;
    const struct key_slot slots[] = {{"sample", &samples->sample_column},
                                     {"exit", &samples->exit_column},
                                     {"confidence", &samples->confidence_column}};
    const struct mark *mark = mark_of(columns, &samples->layout);
    for (size_t i = 0; i < sizeof(slots) / sizeof(slots[0]); i++) {
        if (!*slots[i].slot) {
            diagnostics_error(columns->diagnostics, mark, "the long layout needs '%s' in 'samples'",
                              slots[i].key);
            diagnostics_hint(columns->diagnostics, "add '%s: COLUMN'", slots[i].key);
        }
    }
    if (!samples->correct_column && !(samples->prediction_column && samples->label_column)) {
        diagnostics_error(columns->diagnostics, mark, "nothing says which answers are right");
        diagnostics_hint(columns->diagnostics,
                         "name the column 'correct', or both 'prediction' and 'label'");
    }
}

// ---- extra columns ----

static int add_extra(struct columns *columns, const char *const *slot, const char *key,
                     bool must_not_decrease)
{
    if (!columns->plan) {
        refuse(columns, slot, key, no_trace, no_trace_hint(columns));
        return 0;
    }
    struct trace_plan *plan = columns->plan;
    for (size_t i = 0; i < plan->extra_count; i++) {
        if (strcmp(plan->extras[i].column.name, *slot) == 0) {
            plan->extras[i].must_not_decrease |= must_not_decrease;
            return (int)i;
        }
    }
    if (plan->extra_count == columns->extra_room) {
        size_t room = columns->extra_room ? columns->extra_room * 2 : 8;
        struct trace_extra *extras = arena_new_array(columns->arena, room, struct trace_extra);
        if (plan->extra_count) {
            memcpy(extras, plan->extras, plan->extra_count * sizeof(*extras));
        }
        plan->extras = extras;
        columns->extra_room = room;
    }
    plan->extras[plan->extra_count] = (struct trace_extra){.column = column_at(columns, slot),
                                                           .must_not_decrease = must_not_decrease};
    return (int)plan->extra_count++;
}

static void add_distribution(struct columns *columns, struct distribution_parameters *parameters,
                             const char *key)
{
    if (parameters->kind == DISTRIBUTION_COLUMN) {
        parameters->column = add_extra(columns, &parameters->column_name, key, false);
    }
}

static void add_extras(struct columns *columns)
{
    struct spec *spec = columns->spec;
    add_distribution(columns, &spec->samples.payload, "payload");
    for (int i = 0; i < spec->class_count; i++) {
        struct spec_arrivals *arrivals = &spec->classes[i].arrivals;
        if (arrivals->kind == ARRIVALS_TRACE) {
            arrivals->column_number = add_extra(columns, &arrivals->column, "arrivals", true);
        }
        if (spec->classes[i].payload.present) {
            add_distribution(columns, &spec->classes[i].payload.bytes, "payload");
        }
    }
    for (int i = 0; i < spec_places(spec); i++) {
        const struct spec_compute *compute = &spec_place(spec, i)->compute;
        for (int j = 0; j < compute->time_count; j++) {
            // The reader's own memory, const for those who come after it.
            struct distribution_parameters *layers =
                (struct distribution_parameters *)compute->times[j].layers;
            for (int k = 0; k < compute->times[j].layer_count; k++) {
                add_distribution(columns, &layers[k], "time");
            }
        }
    }
    for (int i = 0; i < spec->link_count; i++) {
        add_distribution(columns, &spec->links[i].delay, "delay");
    }
}

// ---- the plan ----

static void add_exits(struct columns *columns)
{
    struct spec *spec = columns->spec;
    struct trace_plan *plan = columns->plan;
    size_t count = (size_t)spec->exit_count;
    plan->exits = arena_new_array(columns->arena, count, struct trace_exit);
    plan->exit_count = count;
    for (size_t i = 0; i < count; i++) {
        struct spec_exit *exit = &spec->exits[i];
        if (plan->layout == LAYOUT_LONG && !exit->value) {
            exit->value = exit->name;
        }
        struct trace_exit *planned = &plan->exits[i];
        planned->name =
            arena_format(columns->arena, "%s.%s", spec->models[exit->model].name, exit->name);
        planned->value = exit->value;
        planned->confidence = column_at(columns, &exit->confidence_column);
        planned->prediction = column_at(columns, &exit->prediction_column);
        planned->correct = column_at(columns, &exit->correct_column);
        const struct setting *setting = settings_find(columns->settings, &exit->value);
        if (!setting) {
            setting = settings_find(columns->settings, exit);
        }
        if (!setting) {
            setting = settings_find(columns->settings, &spec->models[exit->model]);
        }
        if (setting) {
            planned->mark = setting->slot == &exit->value ? setting->value : setting->key;
        }
    }
}

// Two exits that look for the same value would get the same outcomes, whatever the trace holds.
static void refuse_same_values(const struct columns *columns)
{
    const struct trace_plan *plan = columns->plan;
    for (size_t i = 0; i < plan->exit_count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (strcmp(plan->exits[i].value, plan->exits[j].value) != 0) {
                continue;
            }
            diagnostics_error(columns->diagnostics, &plan->exits[i].mark,
                              "exits '%s' and '%s' both look for '%s' in the trace",
                              plan->exits[j].name, plan->exits[i].name, plan->exits[i].value);
            diagnostics_hint(columns->diagnostics,
                             "say what the exit column holds for each with 'value'");
            break;
        }
    }
}

int check_training(const struct spec *spec, const struct settings *settings,
                   struct diagnostics *diagnostics)
{
    if (!spec->trace || !(spec->samples.train > 0)) {
        return 0;
    }
    const size_t rows = spec->trace->rows;
    const size_t aside = trace_training_rows(spec->trace, spec->samples.train);
    if (aside > 0 && aside < rows) {
        return 0;
    }
    const struct setting *setting = settings_find(settings, &spec->samples.train);
    diagnostics_error(diagnostics, setting ? &setting->value : NULL,
                      "'train' sets %s of the trace's %zu row%s aside", aside ? "all" : "none",
                      rows, rows == 1 ? "" : "s");
    diagnostics_hint(diagnostics,
                     aside ? "lower it, so that at least one row is left to simulate"
                           : "raise it, so that there is at least one row to learn from, or remove "
                             "the key");
    return -1;
}

static void fill_plan(struct columns *columns, const char *path)
{
    const struct spec_samples *samples = &columns->spec->samples;
    struct trace_plan *plan = columns->plan;
    plan->path = path;
    const struct mark *mark = mark_of(columns, &samples->trace_path);
    if (mark) {
        plan->path_mark = *mark;
    }
    plan->layout = samples->layout;
    plan->label = column_at(columns, &samples->label_column);
    plan->sample = column_at(columns, &samples->sample_column);
    plan->exit = column_at(columns, &samples->exit_column);
    plan->confidence = column_at(columns, &samples->confidence_column);
    plan->prediction = column_at(columns, &samples->prediction_column);
    plan->correct = column_at(columns, &samples->correct_column);
    plan->feature_count = (size_t)samples->feature_count;
    plan->features = arena_new_array(columns->arena, plan->feature_count, struct trace_column);
    for (size_t i = 0; i < plan->feature_count; i++) {
        plan->features[i] = column_at(columns, &samples->feature_columns[i]);
    }
    add_exits(columns);
}

int check_columns(struct spec *spec, const char *path, const struct settings *settings,
                  struct arena *arena, struct diagnostics *diagnostics,
                  struct trace_plan **ret_plan)
{
    size_t errors = diagnostics->errors;
    struct columns columns = {
        .spec = spec, .settings = settings, .arena = arena, .diagnostics = diagnostics};
    if (spec->samples.trace_path) {
        columns.plan = arena_new(arena, struct trace_plan);
        fill_plan(&columns, path);
    }
    if (columns.plan && spec->samples.generated_path) {
        refuse(&columns, &spec->samples.generated_path, "generated", "excludes 'trace'",
               "samples are those of a trace, or are drawn: remove one of the two keys");
        return -1;
    }
    if (spec->samples.train_samples && !spec->samples.generated_path) {
        refuse(&columns, &spec->samples.train_samples, "train_samples",
               "belongs to generated samples, but these are not",
               "set a share of the trace aside with 'train', or remove the key");
    }
    check_samples(&columns);
    warn_of_idle(&columns);
    for (int i = 0; i < spec->exit_count; i++) {
        check_exit(&columns, &spec->exits[i]);
        if (columns.plan && spec->samples.layout == LAYOUT_WIDE) {
            require_wide(&columns, &spec->exits[i]);
        }
    }
    if (columns.plan && spec->samples.layout == LAYOUT_LONG) {
        require_long(&columns);
        refuse_same_values(&columns);
    }
    add_extras(&columns);
    if (diagnostics->errors > errors) {
        return -1;
    }
    *ret_plan = columns.plan;
    return 0;
}
