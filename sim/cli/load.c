// SPDX-License-Identifier: GPL-3.0-or-later
#include "cli/load.h"

#include "base/text.h"
#include "cli/options.h"
#include "cli/output.h"
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
    struct diagnostics diagnostics = {0};
    const int status =
        plan(arguments, what, ret_loaded, &diagnostics) == 0 ? STATUS_FINE : STATUS_BAD_INPUT;
    print_diagnostics(&diagnostics, arguments->quiet);
    diagnostics_finish(&diagnostics);
    return status;
}

void load_finish(struct loaded *loaded)
{
    experiment_finish(&loaded->experiment);
    arena_finish(&loaded->arena);
    plugin_set_finish(&loaded->plugins);
}
