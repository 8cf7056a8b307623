// SPDX-License-Identifier: GPL-3.0-or-later

// Early exit with hierarchical inference: the device's small model may answer at an early exit, and
// what not even its last exit is trusted with goes to a large model elsewhere.
//
// Behera, Daubaris, Bravo, Gallego, Morabito, Widmer and Champati, "Exploring the boundaries of
// on-device inference: when tiny falls short, go hierarchical", arXiv 2407.11061 (EE-HI): early
// exits take from hierarchical inference the fixed cost of running the whole local model on every
// sample.
//
// Departure from it: whatever rule a deployment uses to trust an exit, here it is its confidence
// against a threshold of its own, at any number of early exits.

#include "policies/policy.h"

#include <stdbool.h>
#include <stdio.h>

struct ee_hi_parameters {
    struct policy_numbers thresholds;
    double theta;
    int small;
    int large;
    int tier;
    int when_lost;
};

static const struct policy_parameter parameters[] = {
    {.name = "thresholds",
     .kind = POLICY_NUMBERS,
     .offset = offsetof(struct ee_hi_parameters, thresholds),
     .unit = "",
     .default_text = NULL,
     .least = 0,
     .most = 1,
     .meaning = "least confidence that is answered at each exit of the small model but its last; "
                "one for all, or one for each"},
    {.name = "theta",
     .kind = POLICY_NUMBER,
     .offset = offsetof(struct ee_hi_parameters, theta),
     .unit = "",
     .default_text = NULL,
     .least = 0,
     .most = 1,
     .meaning = "least confidence that is answered at the small model's end; the rest is offloaded "
                "(theta of hierarchical inference)"},
    {.name = "small",
     .kind = POLICY_MODEL,
     .offset = offsetof(struct ee_hi_parameters, small),
     .unit = "",
     .default_text = "",
     .meaning = "the model of the origin tier; left out, the first that it can run"},
    {.name = "large",
     .kind = POLICY_MODEL,
     .offset = offsetof(struct ee_hi_parameters, large),
     .unit = "",
     .default_text = "",
     .meaning = "the model that offloaded samples meet; left out, the last that the tier can run"},
    {.name = "tier",
     .kind = POLICY_TIER,
     .offset = offsetof(struct ee_hi_parameters, tier),
     .unit = "",
     .default_text = "",
     .meaning = "where the large model runs; left out, the highest tier"},
    POLICY_WHEN_LOST_PARAMETER(struct ee_hi_parameters, when_lost),
    {.name = NULL},
};

struct ee_hi_plan {
    int small;
    int large;
    int tier;
};

static int refuse_model(const struct policy_world *world, int tier, int model, char *ret_problem)
{
    const char *name = model < 0 ? "" : world->model[model].name;
    snprintf(ret_problem, POLICY_PROBLEM_ROOM,
             "tier '%s' has no service time for %s%s%s; give it one in its 'compute: time'",
             world->tier[tier].name, *name ? "model '" : "any model", name, *name ? "'" : "");
    return -1;
}

static int ee_hi_plan(const struct policy_world *world, const void *given, void *ret_plan,
                      char *ret_problem)
{
    const struct ee_hi_parameters *p = given;
    struct ee_hi_plan *plan = ret_plan;
    plan->tier = p->tier >= 0 ? p->tier : world->tiers - 1;
    if (plan->tier == 0) {
        snprintf(ret_problem, POLICY_PROBLEM_ROOM,
                 "there is no tier above '%s' to offload to; add one, or use policy 'early_exit'",
                 world->tier[0].name);
        return -1;
    }
    plan->small = p->small >= 0 ? p->small : policy_first_model(world, 0);
    plan->large = p->large >= 0 ? p->large : policy_last_model(world, plan->tier);
    if (plan->small < 0 || !policy_can_run(world, 0, plan->small)) {
        return refuse_model(world, 0, plan->small, ret_problem);
    }
    if (plan->large < 0 || !policy_can_run(world, plan->tier, plan->large)) {
        return refuse_model(world, plan->tier, plan->large, ret_problem);
    }
    if (plan->small == plan->large) {
        snprintf(ret_problem, POLICY_PROBLEM_ROOM,
                 "small and large model are both '%s'; name two models, or use policy "
                 "'split_exit'",
                 world->model[plan->small].name);
        return -1;
    }
    const int early = world->model[plan->small].exits - 1;
    if (p->thresholds.count != 1 && p->thresholds.count != early) {
        snprintf(ret_problem, POLICY_PROBLEM_ROOM,
                 "'thresholds' has %d entries, but model '%s' has %d exit%s before its last; give "
                 "one for all, or one for each",
                 p->thresholds.count, world->model[plan->small].name, early, early == 1 ? "" : "s");
        return -1;
    }
    return 0;
}

static struct policy_action decide_small(const struct policy_world *world,
                                         const struct ee_hi_parameters *p,
                                         const struct ee_hi_plan *plan,
                                         const struct policy_view *view)
{
    const int first = world->model[plan->small].first_exit;
    if (!view->latest) {
        return policy_compute(plan->small, world->exit[first].layer);
    }
    const int exit = view->latest->exit;
    const bool is_last = exit == policy_last_exit(world, plan->small);
    const int place = p->thresholds.count == 1 ? 0 : exit - first;
    if (view->latest->confidence >= (is_last ? p->theta : p->thresholds.values[place])) {
        return policy_because(policy_answer(exit), is_last ? "confidence at least theta"
                                                           : "confidence at least threshold");
    }
    return is_last ? policy_because(policy_send(plan->tier), "confidence below theta")
                   : policy_because(policy_compute(plan->small, world->exit[exit + 1].layer),
                                    "confidence below threshold");
}

static struct policy_action ee_hi_decide(const struct policy_world *world, const void *given,
                                         const void *chosen, void *state,
                                         const struct policy_view *view)
{
    (void)state;
    const struct ee_hi_parameters *p = given;
    const struct ee_hi_plan *plan = chosen;
    struct policy_action lost;
    if (policy_when_lost(world, view, p->when_lost, &lost)) {
        return lost;
    }
    if (view->tier != plan->tier) {
        return decide_small(world, given, plan, view);
    }
    const int end = policy_last_exit(world, plan->large);
    return view->latest->exit == end
               ? policy_answer(end)
               : policy_compute(plan->large, policy_last_layer(world, plan->large));
}

extern const struct policy_type policy_ee_hi;
const struct policy_type policy_ee_hi = {
    .api = POLICY_API_VERSION,
    .name = "ee_hi",
    .summary = "early exits within the small model, then hierarchical inference with a large one",
    .paper = "Behera et al., arXiv 2407.11061",
    .example = "policy: {ee_hi: {thresholds: 0.9, theta: 0.6}}",
    .decides_by_sample = 1,
    .parameters = parameters,
    .parameter_bytes = sizeof(struct ee_hi_parameters),
    .plan_bytes = sizeof(struct ee_hi_plan),
    .plan = ee_hi_plan,
    .decide = ee_hi_decide,
};
