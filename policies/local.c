// SPDX-License-Identifier: GPL-3.0-or-later

// Everything is computed and answered where it arises: the baseline without a network.

#include "policies/policy.h"

#include <stdio.h>

struct local_parameters {
    int model;
};

static const struct policy_parameter parameters[] = {
    {.name = "model",
     .kind = POLICY_MODEL,
     .offset = offsetof(struct local_parameters, model),
     .unit = "",
     .default_text = "",
     .meaning = "the model to run; left out, the first that the origin tier can run"},
    {.name = NULL},
};

struct local_plan {
    int model;
};

static int local_plan(const struct policy_world *world, const void *given, void *ret_plan,
                      char *ret_problem)
{
    const struct local_parameters *p = given;
    struct local_plan *plan = ret_plan;
    plan->model = p->model >= 0 ? p->model : policy_first_model(world, 0);
    if (plan->model < 0 || !policy_can_run(world, 0, plan->model)) {
        snprintf(ret_problem, POLICY_PROBLEM_ROOM,
                 "tier '%s' has no service time for %s%s%s; give it one in its 'compute: time'",
                 world->tier[0].name, plan->model < 0 ? "any model" : "model '",
                 plan->model < 0 ? "" : world->model[plan->model].name, plan->model < 0 ? "" : "'");
        return -1;
    }
    return 0;
}

static struct policy_action local_decide(const struct policy_world *world, const void *given,
                                         const void *chosen, void *state,
                                         const struct policy_view *view)
{
    (void)given;
    (void)state;
    const struct local_plan *plan = chosen;
    if (!view->computations) {
        return policy_compute(plan->model, policy_last_layer(world, plan->model));
    }
    return policy_answer(policy_last_exit(world, plan->model));
}

extern const struct policy_type policy_local;
const struct policy_type policy_local = {
    .api = POLICY_API_VERSION,
    .name = "local",
    .summary = "compute and answer everything where it arises",
    .paper = "",
    .example = "policy: local",
    .decides_by_sample = 1,
    .parameters = parameters,
    .parameter_bytes = sizeof(struct local_parameters),
    .plan_bytes = sizeof(struct local_plan),
    .plan = local_plan,
    .decide = local_decide,
};
