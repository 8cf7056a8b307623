// SPDX-License-Identifier: GPL-3.0-or-later
#include "cli/load.h"

#include "base/text.h"
#include "cli/options.h"
#include "cli/output.h"
#include "policies/registry.h"
#include "scenario/diagnostics.h"
#include "scenario/read.h"
#include "scenario/spec.h"

#include <stdio.h>

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

static int read_spec(const struct arguments *arguments, struct loaded *loaded,
                     struct diagnostics *diagnostics)
{
    // The short options are overrides like any other and come last.
    size_t count = 0;
    const char **sets = arena_new_array(&loaded->arena, arguments->set_count + 2, const char *);
    for (size_t i = 0; i < arguments->set_count; i++) {
        sets[count++] = arguments->sets[i];
    }
    if (arguments->seed) {
        sets[count++] = arena_format(&loaded->arena, "seed=%s", arguments->seed);
    }
    if (arguments->replications) {
        sets[count++] = arena_format(&loaded->arena, "replications=%s", arguments->replications);
    }
    size_t policy_count;
    const struct policy_type *const *policies = policy_registry(&policy_count);
    struct scenario *scenario;
    if (scenario_load(arguments->operands[0], policies, policy_count, &loaded->arena, diagnostics,
                      &scenario) != 0) {
        return -1;
    }
    loaded->opener = plugin_set_opener(&loaded->plugins);
    scenario_use_plugins(scenario, &loaded->opener);
    return scenario_build(scenario, sets, count, &loaded->arena, diagnostics, &loaded->spec);
}

int load_scenario(const struct arguments *arguments, struct loaded *ret_loaded)
{
    *ret_loaded = (struct loaded){0};
    struct diagnostics diagnostics = {0};
    struct text problem = {0};
    int status = STATUS_BAD_INPUT;
    if (read_spec(arguments, ret_loaded, &diagnostics) == 0) {
        int policy = 0;
        if (experiment_init(&ret_loaded->experiment, ret_loaded->spec, &policy, &problem) == 0) {
            status = STATUS_FINE;
        } else {
            struct mark mark;
            const bool has_mark =
                spec_mark(ret_loaded->spec, &ret_loaded->spec->policies[policy], &mark);
            diagnostics_error(&diagnostics, has_mark ? &mark : NULL, "%s", text_string(&problem));
        }
    }
    print_diagnostics(&diagnostics, arguments->quiet);
    diagnostics_finish(&diagnostics);
    text_finish(&problem);
    return status;
}

void load_finish(struct loaded *loaded)
{
    experiment_finish(&loaded->experiment);
    arena_finish(&loaded->arena);
    plugin_set_finish(&loaded->plugins);
}
