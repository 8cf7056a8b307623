// SPDX-License-Identifier: GPL-3.0-or-later

// A coin decides, before anything is computed, whether a sample is shipped to one tier or computed
// where it arises: the baseline that a policy with the same share of offloads has to beat.

#include "policies/policy.h"

#include <stdio.h>

struct random_parameters {
    double p;
    int tier;
    int model;
    int local_model;
    int when_lost;
};

static const struct policy_parameter parameters[] = {
    {.name = "p",
     .kind = POLICY_NUMBER,
     .offset = offsetof(struct random_parameters, p),
     .unit = "",
     .default_text = NULL,
     .least = 0,
     .most = 1,
     .meaning = "probability that a sample is offloaded"},
    {.name = "tier",
     .kind = POLICY_TIER,
     .offset = offsetof(struct random_parameters, tier),
     .unit = "",
     .default_text = "",
     .meaning = "where offloaded samples go; left out, the highest tier"},
    {.name = "model",
     .kind = POLICY_MODEL,
     .offset = offsetof(struct random_parameters, model),
     .unit = "",
     .default_text = "",
     .meaning = "the model they meet; left out, the last that the tier can run"},
    {.name = "local_model",
     .kind = POLICY_MODEL,
     .offset = offsetof(struct random_parameters, local_model),
     .unit = "",
     .default_text = "",
     .meaning = "the model of all others; left out, the first that the origin tier can run"},
    POLICY_WHEN_LOST_PARAMETER(struct random_parameters, when_lost),
    {.name = NULL},
};

// Where each of the two sides computes and what.
struct random_side {
    int tier;
    int model;
};

struct random_plan {
    struct random_side away;
    struct random_side home;
};

static int check_side(const struct policy_world *world, const struct random_side *side,
                      char *ret_problem)
{
    if (side->model < 0 || !policy_can_run(world, side->tier, side->model)) {
        snprintf(ret_problem, POLICY_PROBLEM_ROOM,
                 "tier '%s' has no service time for %s; give it one in its 'compute: time'",
                 world->tier[side->tier].name,
                 side->model < 0 ? "any model" : world->model[side->model].name);
        return -1;
    }
    return 0;
}

static int random_plan(const struct policy_world *world, const void *given, void *ret_plan,
                       char *ret_problem)
{
    const struct random_parameters *p = given;
    struct random_plan *plan = ret_plan;
    plan->away.tier = p->tier >= 0 ? p->tier : world->tiers - 1;
    plan->away.model = p->model >= 0 ? p->model : policy_last_model(world, plan->away.tier);
    plan->home.tier = 0;
    plan->home.model = p->local_model >= 0 ? p->local_model : policy_first_model(world, 0);
    if (plan->away.tier == 0) {
        snprintf(ret_problem, POLICY_PROBLEM_ROOM,
                 "there is no tier above '%s' to offload to; add one, or use policy 'local'",
                 world->tier[0].name);
        return -1;
    }
    return check_side(world, &plan->away, ret_problem) ||
                   check_side(world, &plan->home, ret_problem)
               ? -1
               : 0;
}

static struct policy_action random_decide(const struct policy_world *world, const void *given,
                                          const void *chosen, void *state,
                                          const struct policy_view *view)
{
    (void)state;
    const struct random_parameters *p = given;
    const struct random_plan *plan = chosen;
    struct policy_action lost;
    if (policy_when_lost(world, view, p->when_lost, &lost)) {
        return lost;
    }
    const struct random_side *side = view->uniform < p->p ? &plan->away : &plan->home;
    if (view->tier != side->tier) {
        return policy_because(policy_send(side->tier), "drawn to be offloaded");
    }
    if (!view->computations) {
        const struct policy_action compute =
            policy_compute(side->model, policy_last_layer(world, side->model));
        return side == &plan->home ? policy_because(compute, "drawn to stay") : compute;
    }
    return policy_answer(policy_last_exit(world, side->model));
}

extern const struct policy_type policy_random;
const struct policy_type policy_random = {
    .api = POLICY_API_VERSION,
    .name = "random",
    .summary = "offload with a fixed probability, without looking at the sample",
    .paper = "",
    .example = "policy: {random: {p: 0.4}}",
    .decides_by_sample = 1,
    .parameters = parameters,
    .parameter_bytes = sizeof(struct random_parameters),
    .plan_bytes = sizeof(struct random_plan),
    .draws_uniform = 1,
    .plan = random_plan,
    .decide = random_decide,
};
