// SPDX-License-Identifier: GPL-3.0-or-later

// Early exits on one machine: the model runs from exit to exit and answers at the first that is
// sure enough, at the latest at its end.
//
// Teerapittayanon, McDanel and Kung, "BranchyNet: Fast inference via early exiting from deep neural
// networks", ICPR 2016, arXiv 1709.01686, Algorithm 1: at exit n the sample is answered if its
// uncertainty is below a threshold T_n of that exit, and goes on to the next exit otherwise; the
// last exit answers what is left.
//
// Departure from it: the paper's uncertainty is the entropy of the predicted classes. Here an exit
// is known by its confidence alone, so it answers if the confidence is at least its threshold.

#include "policies/policy.h"

#include <stdio.h>

struct early_exit_parameters {
    struct policy_numbers thresholds;
    int tier;
    int model;
    int when_lost;
};

static const struct policy_parameter parameters[] = {
    {.name = "thresholds",
     .kind = POLICY_NUMBERS,
     .offset = offsetof(struct early_exit_parameters, thresholds),
     .unit = "",
     .default_text = NULL,
     .least = 0,
     .most = 1,
     .meaning = "least confidence that is answered at each exit but the last; one for all, or one "
                "for each"},
    {.name = "tier",
     .kind = POLICY_TIER,
     .offset = offsetof(struct early_exit_parameters, tier),
     .unit = "",
     .default_text = "",
     .meaning = "where to compute; left out, the lowest tier that can run the model"},
    {.name = "model",
     .kind = POLICY_MODEL,
     .offset = offsetof(struct early_exit_parameters, model),
     .unit = "",
     .default_text = "",
     .meaning = "the model to run; left out, the first that the tier can run"},
    POLICY_WHEN_LOST_PARAMETER(struct early_exit_parameters, when_lost),
    {.name = NULL},
};

struct early_exit_plan {
    int tier;
    int model;
};

// Fills in what was left open.
static void choose(const struct policy_world *world, const struct early_exit_parameters *p,
                   struct early_exit_plan *plan)
{
    plan->tier = p->tier;
    plan->model = p->model;
    for (int tier = 0; tier < world->tiers && plan->tier < 0; tier++) {
        if (p->model >= 0 ? policy_can_run(world, tier, p->model)
                          : policy_first_model(world, tier) >= 0) {
            plan->tier = tier;
        }
    }
    if (plan->model < 0 && plan->tier >= 0) {
        plan->model = policy_first_model(world, plan->tier);
    }
}

static int early_exit_plan(const struct policy_world *world, const void *given, void *ret_plan,
                           char *ret_problem)
{
    const struct early_exit_parameters *p = given;
    struct early_exit_plan *plan = ret_plan;
    choose(world, p, plan);
    if (plan->tier < 0 || plan->model < 0 || !policy_can_run(world, plan->tier, plan->model)) {
        const char *tier = plan->tier < 0 ? "" : world->tier[plan->tier].name;
        const char *model = plan->model < 0 ? "" : world->model[plan->model].name;
        snprintf(ret_problem, POLICY_PROBLEM_ROOM,
                 "%s%s%s has %s service time for %s%s%s; give one in 'compute: time'",
                 *tier ? "tier '" : "no tier", tier, *tier ? "'" : "", *tier ? "no" : "a",
                 *model ? "model '" : "any model", model, *model ? "'" : "");
        return -1;
    }
    const int early = world->model[plan->model].exits - 1;
    if (p->thresholds.count != 1 && p->thresholds.count != early) {
        snprintf(ret_problem, POLICY_PROBLEM_ROOM,
                 "'thresholds' has %d entries, but model '%s' has %d exit%s before its last; give "
                 "one for all, or one for each",
                 p->thresholds.count, world->model[plan->model].name, early, early == 1 ? "" : "s");
        return -1;
    }
    return 0;
}

static struct policy_action early_exit_decide(const struct policy_world *world, const void *given,
                                              const void *chosen, void *state,
                                              const struct policy_view *view)
{
    (void)state;
    const struct early_exit_parameters *p = given;
    const struct early_exit_plan *plan = chosen;
    struct policy_action lost;
    if (policy_when_lost(world, view, p->when_lost, &lost)) {
        return lost;
    }
    const int first = world->model[plan->model].first_exit;
    if (view->tier != plan->tier) {
        return policy_send(plan->tier);
    }
    if (!view->latest) {
        return policy_compute(plan->model, world->exit[first].layer);
    }
    const int exit = view->latest->exit;
    if (exit == policy_last_exit(world, plan->model)) {
        return policy_answer(exit);
    }
    const int place = p->thresholds.count == 1 ? 0 : exit - first;
    if (view->latest->confidence >= p->thresholds.values[place]) {
        return policy_because(policy_answer(exit), "confidence at least threshold");
    }
    return policy_because(policy_compute(plan->model, world->exit[exit + 1].layer),
                          "confidence below threshold");
}

extern const struct policy_type policy_early_exit;
const struct policy_type policy_early_exit = {
    .api = POLICY_API_VERSION,
    .name = "early_exit",
    .summary = "run from exit to exit on one tier, answer at the first that is sure enough",
    .paper = "Teerapittayanon et al., ICPR 2016, arXiv 1709.01686",
    .example = "policy: {early_exit: {thresholds: 0.9, tier: edge}}",
    .decides_by_sample = 1,
    .parameters = parameters,
    .parameter_bytes = sizeof(struct early_exit_parameters),
    .plan_bytes = sizeof(struct early_exit_plan),
    .plan = early_exit_plan,
    .decide = early_exit_decide,
};
