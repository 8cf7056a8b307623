// SPDX-License-Identifier: GPL-3.0-or-later
#include "cli/load.h"

#include "base/text.h"
#include "cli/options.h"
#include "cli/output.h"
#include "exp/effect.h"
#include "exp/predict.h"
#include "policies/registry.h"
#include "scenario/diagnostics.h"
#include "scenario/read.h"
#include "scenario/sweep.h"
#include "scenario/tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_diagnostics(const struct diagnostics *diagnostics, bool is_quiet)
{
    if (is_quiet && !diagnostics->errors) {
        return;
    }
    struct text text = {0};
    diagnostics_render(diagnostics, &text);
    fputs(text_string(&text), stderr);
    text_finish(&text);
}

// The overrides: --set in order, and then the short options, which are overrides like any other.
static const char **collect_sets(const struct arguments *arguments, struct arena *arena,
                                 size_t *ret_count)
{
    size_t count = 0;
    const char **sets = arena_new_array(arena, arguments->set_count + 2, const char *);
    for (size_t i = 0; i < arguments->set_count; i++) {
        sets[count++] = arguments->sets[i];
    }
    if (arguments->seed) {
        sets[count++] = arena_format(arena, "seed=%s", arguments->seed);
    }
    if (arguments->replications) {
        sets[count++] = arena_format(arena, "replications=%s", arguments->replications);
    }
    *ret_count = count;
    return sets;
}

// The seed by which designs are drawn; whether it is a good one shows when the scenario is read.
static uint64_t design_seed(const struct scenario *scenario, const char *const *sets,
                            size_t set_count)
{
    static const char path[] = "seed=";
    const struct node *node = scenario_block(scenario, "seed");
    const char *text = node && node->kind == NODE_SCALAR ? node->text : NULL;
    for (size_t i = 0; i < set_count; i++) {
        text = strncmp(sets[i], path, sizeof(path) - 1) == 0 ? sets[i] + sizeof(path) - 1 : text;
    }
    return text ? strtoull(text, NULL, 10) : 1;
}

static void refuse_axes(const struct sweep *sweep, struct diagnostics *diagnostics)
{
    diagnostics_error(diagnostics, NULL, "'%s' has several values", sweep->axes[0].paths[0]);
    diagnostics_hint(diagnostics, "'offloadsim sweep' runs all of them");
}

static int plan(const struct arguments *arguments, enum load_what what, struct loaded *loaded,
                struct diagnostics *diagnostics)
{
    size_t policy_count;
    const struct policy_type *const *policies = policy_registry(&policy_count);
    struct scenario *scenario;
    if (scenario_load(arguments->operands[0], policies, policy_count, &loaded->arena, diagnostics,
                      &scenario) != 0) {
        return -1;
    }
    loaded->opener = plugin_set_opener(&loaded->plugins);
    scenario_use_plugins(scenario, &loaded->opener);
    size_t set_count;
    const char **sets = collect_sets(arguments, &loaded->arena, &set_count);
    struct sweep *sweep;
    if (sweep_read(scenario, what == LOAD_SWEEP, sets, set_count,
                   design_seed(scenario, sets, set_count), &loaded->arena, diagnostics,
                   &sweep) != 0) {
        return -1;
    }
    if (what == LOAD_ALONE && sweep->axis_count) {
        refuse_axes(sweep, diagnostics);
        return -1;
    }
    if (what == LOAD_ALONE && scenario_block(scenario, "sweep") && !arguments->quiet) {
        fputs("the scenario's sweep is left out; 'offloadsim sweep' runs it\n", stderr);
    }
    return experiment_plan(&loaded->experiment, scenario, sweep, what == LOAD_SWEEP, diagnostics);
}

int load_scenario(const struct arguments *arguments, enum load_what what, struct loaded *ret_loaded)
{
    *ret_loaded = (struct loaded){0};
    struct diagnostics *diagnostics = &ret_loaded->warnings[WARNINGS_READING];
    const int status =
        plan(arguments, what, ret_loaded, diagnostics) == 0 ? STATUS_FINE : STATUS_BAD_INPUT;
    print_diagnostics(diagnostics, arguments->quiet && !arguments->strict);
    return status;
}

struct prediction *load_predict(const struct loaded *loaded, struct arena *arena,
                                struct text *ret_error)
{
    const struct experiment *experiment = &loaded->experiment;
    struct prediction *predictions =
        arena_new_array(arena, experiment->point_count, struct prediction);
    for (size_t i = 0; i < experiment->point_count; i++) {
        if (predict_point(experiment, i, arena, &predictions[i], ret_error) != 0) {
            return NULL;
        }
    }
    return predictions;
}

// ---- settings without effect ----

// With --strict warnings are errors.
static int judge(const struct arguments *arguments, const struct loaded *loaded)
{
    size_t count = 0;
    for (int i = 0; i < WARNINGS_COUNT_; i++) {
        count += loaded->warnings[i].warnings;
    }
    return arguments->strict && count
               ? output_error(STATUS_BAD_INPUT, "'--strict' takes %s for %s",
                              count == 1 ? "a warning" : "warnings",
                              count == 1 ? "an error" : "errors")
               : STATUS_FINE;
}

int load_check_effects(const struct arguments *arguments, struct loaded *loaded,
                       const struct prediction *predictions)
{
    struct diagnostics *warnings = &loaded->warnings[WARNINGS_BEFORE];
    effect_check_scenario(&loaded->experiment, warnings);
    if (predictions) {
        effect_check_predictions(&loaded->experiment, predictions, warnings);
    }
    print_diagnostics(warnings, arguments->quiet && !arguments->strict);
    return judge(arguments, loaded);
}

void load_find_effects_of_run(struct loaded *loaded)
{
    effect_check_results(&loaded->experiment, &loaded->warnings[WARNINGS_AFTER]);
}

int load_print_effects_of_run(const struct arguments *arguments, const struct loaded *loaded)
{
    print_diagnostics(&loaded->warnings[WARNINGS_AFTER], arguments->quiet && !arguments->strict);
    return judge(arguments, loaded);
}

void load_finish(struct loaded *loaded)
{
    experiment_finish(&loaded->experiment);
    for (int i = 0; i < WARNINGS_COUNT_; i++) {
        diagnostics_finish(&loaded->warnings[i]);
    }
    arena_finish(&loaded->arena);
    plugin_set_finish(&loaded->plugins);
}
