// SPDX-License-Identifier: GPL-3.0-or-later
#include "scenario/read.h"

#include "base/memory.h"
#include "base/text.h"
#include "scenario/arrival_times.h"
#include "scenario/check.h"
#include "scenario/diagnostics.h"
#include "scenario/field.h"
#include "scenario/file.h"
#include "scenario/generated.h"
#include "scenario/grammar.h"
#include "scenario/override.h"
#include "scenario/plugins.h"
#include "scenario/rate_trace.h"
#include "scenario/settings.h"
#include "scenario/spec.h"
#include "scenario/trace_read.h"
#include "scenario/tree.h"

#include <string.h>

// A trace that was read, and what was asked of it.
struct known_trace {
    struct known_trace *next;
    const char *plan;
    struct trace *trace;
};

// The same for a file to generate samples from.
struct known_generated {
    struct known_generated *next;
    const char *path;
    struct spec_generated *generated;
};

// The same for times of arrival.
struct known_times {
    struct known_times *next;
    const char *path;
    const char *column;
    double scale;
    struct spec_times *times;
};

struct scenario {
    const char *path;
    struct arena *arena;
    struct node *root;
    struct field_policies policies; // without those of plug-ins
    struct plugins plugins;
    struct known_trace *traces;
    struct known_generated *generated;
    struct known_times *times;
    struct rate_traces rates;
};

int scenario_load(const char *path, const struct policy_type *const *policies, size_t policy_count,
                  struct arena *arena, struct diagnostics *diagnostics,
                  struct scenario **ret_scenario)
{
    struct scenario *scenario = arena_new(arena, struct scenario);
    scenario->path = arena_text(arena, path);
    scenario->arena = arena;
    field_policies_init(&scenario->policies, policies, policy_count, arena);
    if (tree_read(path, arena, diagnostics, &scenario->root) < 0) {
        return -1;
    }
    scenario->plugins.arena = arena;
    scenario->rates = (struct rate_traces){.scenario = scenario->path, .arena = arena};
    *ret_scenario = scenario;
    return 0;
}

void scenario_use_plugins(struct scenario *scenario, const struct plugin_opener *opener)
{
    scenario->plugins.opener = opener;
}

static void add_column(struct text *text, const struct trace_column *column)
{
    text_json_string(text, column->name ? column->name : "");
}

// All that decides what is read from a file, as a text that can be compared.
static void plan_text(const struct trace_plan *plan, struct text *text)
{
    text_json_string(text, plan->path);
    text_format(text, "%d %zu %zu %zu", (int)plan->layout, plan->exit_count, plan->feature_count,
                plan->extra_count);
    add_column(text, &plan->label);
    add_column(text, &plan->sample);
    add_column(text, &plan->exit);
    add_column(text, &plan->confidence);
    add_column(text, &plan->prediction);
    add_column(text, &plan->correct);
    for (size_t i = 0; i < plan->exit_count; i++) {
        add_column(text, &plan->exits[i].confidence);
        add_column(text, &plan->exits[i].prediction);
        add_column(text, &plan->exits[i].correct);
        text_json_string(text, plan->exits[i].value ? plan->exits[i].value : "");
    }
    for (size_t i = 0; i < plan->feature_count; i++) {
        add_column(text, &plan->features[i]);
    }
    for (size_t i = 0; i < plan->extra_count; i++) {
        add_column(text, &plan->extras[i].column);
        text_format(text, "%d", plan->extras[i].must_not_decrease);
    }
}

static int find_trace(struct scenario *scenario, const struct trace_plan *plan,
                      struct diagnostics *diagnostics, struct trace **ret_trace)
{
    struct text wanted = {0};
    plan_text(plan, &wanted);
    struct known_trace *known = scenario->traces;
    while (known && strcmp(known->plan, text_string(&wanted)) != 0) {
        known = known->next;
    }
    if (!known) {
        struct trace *trace;
        if (trace_read(plan, scenario->arena, diagnostics, &trace) < 0) {
            text_finish(&wanted);
            return -1;
        }
        known = arena_new(scenario->arena, struct known_trace);
        known->trace = trace;
        known->plan = arena_text(scenario->arena, text_string(&wanted));
        known->next = scenario->traces;
        scenario->traces = known;
    }
    text_finish(&wanted);
    *ret_trace = known->trace;
    return 0;
}

// `slot` is where the spec has the path.
static int find_generated(struct scenario *scenario, struct spec *spec, const char *const *slot,
                          struct diagnostics *diagnostics,
                          const struct spec_generated **ret_generated)
{
    const char *wanted = *slot;
    struct known_generated *known = scenario->generated;
    while (known && strcmp(known->path, wanted) != 0) {
        known = known->next;
    }
    if (!known) {
        struct mark mark = {0};
        const bool has_mark = spec_mark(spec, slot, &mark);
        struct spec_generated *generated;
        if (generated_read(file_beside(scenario->path, wanted, scenario->arena),
                           has_mark ? &mark : NULL, scenario->arena, diagnostics, &generated) < 0) {
            return -1;
        }
        known = arena_new(scenario->arena, struct known_generated);
        known->path = arena_text(scenario->arena, wanted);
        known->generated = generated;
        known->next = scenario->generated;
        scenario->generated = known;
    }
    *ret_generated = known->generated;
    return 0;
}

static int find_times(struct scenario *scenario, struct spec *spec, struct spec_arrivals *arrivals,
                      struct diagnostics *diagnostics)
{
    const char *column = arrivals->column ? arrivals->column : "";
    struct known_times *known = scenario->times;
    while (known && (strcmp(known->path, arrivals->path) != 0 ||
                     strcmp(known->column, column) != 0 ||
                     known->scale < arrivals->column_scale ||
                     known->scale > arrivals->column_scale)) {
        known = known->next;
    }
    if (!known) {
        struct arrival_times_request request = {
            .path = file_beside(scenario->path, arrivals->path, scenario->arena),
            .column = arrivals->column,
            .scale = arrivals->column_scale};
        spec_mark(spec, &arrivals->path, &request.mark);
        spec_mark(spec, &arrivals->column, &request.column_mark);
        struct spec_times *times;
        if (arrival_times_read(&request, scenario->arena, diagnostics, &times) < 0) {
            return -1;
        }
        known = arena_new(scenario->arena, struct known_times);
        *known = (struct known_times){scenario->times,
                                      arena_text(scenario->arena, arrivals->path),
                                      arena_text(scenario->arena, column), arrivals->column_scale,
                                      times};
        scenario->times = known;
    }
    arrivals->times = known->times;
    return 0;
}

// The trace, or what samples are generated from, and the times of arrivals.
static int read_sources(struct scenario *scenario, struct spec *spec,
                        const struct trace_plan *plan, struct diagnostics *diagnostics)
{
    if (plan && find_trace(scenario, plan, diagnostics, &spec->trace) < 0) {
        return -1;
    }
    if (spec->samples.generated_path &&
        (find_generated(scenario, spec, &spec->samples.generated_path, diagnostics,
                        &spec->generated) < 0 ||
         generated_match(spec, spec->settings, diagnostics) < 0)) {
        return -1;
    }
    for (int i = 0; i < spec->class_count; i++) {
        struct spec_arrivals *arrivals = &spec->classes[i].arrivals;
        if (arrivals->kind == ARRIVALS_TIMES &&
            find_times(scenario, spec, arrivals, diagnostics) < 0) {
            return -1;
        }
    }
    return 0;
}

// Which exits of a later generator those of the scenario are.
static int match_later(struct spec *spec, struct spec_drift *change, struct arena *arena,
                       struct diagnostics *diagnostics)
{
    const struct spec_generated *first = spec->generated;
    int *outcomes = arena_new_array(arena, (size_t)spec->exit_count, int);
    int *before = arena_new_array(arena, (size_t)spec->exit_count, int);
    for (int i = 0; i < spec->exit_count; i++) {
        before[i] = spec->exits[i].outcome;
    }
    spec->generated = change->generated;
    const int status = generated_match(spec, spec->settings, diagnostics);
    spec->generated = first;
    for (int i = 0; i < spec->exit_count; i++) {
        outcomes[i] = spec->exits[i].outcome;
        spec->exits[i].outcome = before[i];
    }
    change->outcomes = outcomes;
    return status;
}

// Where samples come from later.
static int read_later(struct scenario *scenario, struct spec *spec, const struct trace_plan *plan,
                      struct arena *arena, struct diagnostics *diagnostics)
{
    for (int i = 0; i < spec->drift_count; i++) {
        struct spec_drift *change = &spec->drift[i];
        if (change->trace_path && plan) {
            struct trace_plan later = *plan;
            struct trace *trace;
            later.path = file_beside(scenario->path, change->trace_path, scenario->arena);
            spec_mark(spec, &change->trace_path, &later.path_mark);
            if (find_trace(scenario, &later, diagnostics, &trace) < 0) {
                return -1;
            }
            change->trace = trace;
        }
        if (change->generated_path &&
            (find_generated(scenario, spec, &change->generated_path, diagnostics,
                            &change->generated) < 0 ||
             match_later(spec, change, arena, diagnostics) < 0)) {
            return -1;
        }
    }
    return 0;
}

static int read_fields(struct scenario *scenario, const struct node *root, struct arena *arena,
                       struct diagnostics *diagnostics, struct settings *settings,
                       struct spec *spec)
{
    struct mark mark = {.source = root->mark.source};
    if (root->kind != NODE_MAPPING) {
        diagnostics_error(diagnostics, &root->mark, "a scenario is a mapping, not %s",
                          node_kind_name(root->kind));
        diagnostics_hint(diagnostics, "write its keys as 'key: value', one a line");
        return -1;
    }
    size_t errors = diagnostics->errors;
    struct field_policies policies;
    plugins_load(&scenario->plugins, root, scenario->path, &scenario->policies, arena, diagnostics,
                 &policies);
    struct field_reader reader = {.arena = arena,
                                  .diagnostics = diagnostics,
                                  .settings = settings,
                                  .policies = &policies,
                                  .root = grammar_fields};
    struct field_at at = {.key = "scenario"};
    field_read_members(&reader, grammar_fields, root, spec, "the scenario", &mark, &at);
    return diagnostics->errors > errors ? -1 : 0;
}

int scenario_build(struct scenario *scenario, const char *const *sets,
                   const struct override_origin *origins, size_t set_count, struct arena *arena,
                   struct diagnostics *diagnostics, struct spec **ret_spec)
{
    struct node *root = tree_copy(scenario->root, arena);
    bool is_fine = true;
    for (size_t i = 0; i < set_count; i++) {
        is_fine = override_apply(&root, "--set", sets[i], origins ? &origins[i] : NULL, arena,
                                 diagnostics) == 0 &&
                  is_fine;
    }
    struct settings *settings = arena_new(arena, struct settings);
    settings->arena = arena;
    struct spec *spec = arena_new(arena, struct spec);
    spec->settings = settings;
    if (read_fields(scenario, root, arena, diagnostics, settings, spec) < 0 || !is_fine) {
        return -1;
    }
    settings_sort(settings);
    plugins_note(&scenario->plugins, scenario->path, arena, spec);
    if (check_classes(spec, settings, arena, diagnostics) < 0 ||
        check_profiles(spec, scenario->path, settings, arena, diagnostics) < 0 ||
        check_spec(spec, settings, arena, diagnostics) < 0) {
        return -1;
    }
    const char *path = spec->samples.trace_path;
    if (path) {
        // Beside the scenario, in its arena, because the trace may outlive this spec.
        path = file_beside(scenario->path, path, scenario->arena);
    }
    struct trace_plan *plan;
    if (check_columns(spec, path, settings, arena, diagnostics, &plan) < 0 ||
        read_sources(scenario, spec, plan, diagnostics) < 0 ||
        read_later(scenario, spec, plan, arena, diagnostics) < 0 ||
        rate_traces_read(&scenario->rates, spec, diagnostics) < 0 ||
        check_training(spec, settings, diagnostics) < 0 ||
        check_labels(spec, settings, diagnostics) < 0) {
        return -1;
    }
    *ret_spec = spec;
    return 0;
}

const struct node *scenario_block(const struct scenario *scenario, const char *key)
{
    const struct node_item *item =
        scenario->root->kind == NODE_MAPPING ? node_find(scenario->root, key) : NULL;
    return item ? item->value : NULL;
}

int scenario_read(const char *path, const char *const *sets, size_t set_count,
                  const struct policy_type *const *policies, size_t policy_count,
                  struct arena *arena, struct diagnostics *diagnostics, struct spec **ret_spec)
{
    struct scenario *scenario;
    if (scenario_load(path, policies, policy_count, arena, diagnostics, &scenario) < 0) {
        return -1;
    }
    return scenario_build(scenario, sets, NULL, set_count, arena, diagnostics, ret_spec);
}

bool spec_mark(const struct spec *spec, const void *slot, struct mark *ret_mark)
{
    const struct setting *setting = settings_find(spec->settings, slot);
    if (!setting) {
        return false;
    }
    *ret_mark = setting->value;
    return true;
}
