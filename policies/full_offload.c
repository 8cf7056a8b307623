// SPDX-License-Identifier: GPL-3.0-or-later

// Every raw sample is shipped to one tier and computed there: the baseline without inference on
// the device.

#include "policies/policy.h"

#include <stdio.h>

struct full_offload_parameters {
    int tier;
    int model;
    int when_lost;
};

static const struct policy_parameter parameters[] = {
    {.name = "tier",
     .kind = POLICY_TIER,
     .offset = offsetof(struct full_offload_parameters, tier),
     .unit = "",
     .default_text = "",
     .meaning = "where to compute; left out, the highest tier"},
    {.name = "model",
     .kind = POLICY_MODEL,
     .offset = offsetof(struct full_offload_parameters, model),
     .unit = "",
     .default_text = "",
     .meaning = "the model to run; left out, the last that the tier can run"},
    POLICY_WHEN_LOST_PARAMETER(struct full_offload_parameters, when_lost),
    {.name = NULL},
};

struct full_offload_plan {
    int tier;
    int model;
};

static int full_offload_plan(const struct policy_world *world, const void *given, void *ret_plan,
                             char *ret_problem)
{
    const struct full_offload_parameters *p = given;
    struct full_offload_plan *plan = ret_plan;
    plan->tier = p->tier >= 0 ? p->tier : world->tiers - 1;
    plan->model = p->model >= 0 ? p->model : policy_last_model(world, plan->tier);
    if (plan->tier == 0) {
        snprintf(ret_problem, POLICY_PROBLEM_ROOM,
                 "there is no tier above '%s' to offload to; add one, or use policy 'local'",
                 world->tier[0].name);
        return -1;
    }
    if (plan->model < 0 || !policy_can_run(world, plan->tier, plan->model)) {
        snprintf(ret_problem, POLICY_PROBLEM_ROOM,
                 "tier '%s' has no service time for %s; give it one in its 'compute: time'",
                 world->tier[plan->tier].name,
                 plan->model < 0 ? "any model" : world->model[plan->model].name);
        return -1;
    }
    return 0;
}

static struct policy_action full_offload_decide(const struct policy_world *world, const void *given,
                                                const void *chosen, void *state,
                                                const struct policy_view *view)
{
    (void)state;
    const struct full_offload_parameters *p = given;
    const struct full_offload_plan *plan = chosen;
    struct policy_action lost;
    if (policy_when_lost(world, view, p->when_lost, &lost)) {
        return lost;
    }
    if (view->tier != plan->tier) {
        return policy_send(plan->tier);
    }
    if (!view->computations) {
        return policy_compute(plan->model, policy_last_layer(world, plan->model));
    }
    return policy_answer(policy_last_exit(world, plan->model));
}

extern const struct policy_type policy_full_offload;
const struct policy_type policy_full_offload = {
    .api = POLICY_API_VERSION,
    .name = "full_offload",
    .summary = "ship every raw sample to one tier and compute it there",
    .paper = "",
    .example = "policy: {full_offload: {tier: cloud}}",
    .decides_by_sample = 1,
    .parameters = parameters,
    .parameter_bytes = sizeof(struct full_offload_parameters),
    .plan_bytes = sizeof(struct full_offload_plan),
    .plan = full_offload_plan,
    .decide = full_offload_decide,
};
