// SPDX-License-Identifier: GPL-3.0-or-later

// Offloads exactly the samples whose local answer is wrong. No real policy can know that: it is
// the bound for hierarchical inference, the least offloading that any rule on the local answer
// needs to correct all that the next tier can correct. With more than two tiers the rule is applied
// again at each tier but the last. A sample of which a message was lost is answered with what is
// known where that was sent.

#include "policies/policy.h"

#include <stdio.h>

// Model and next computing tier of each tier; model -1: this tier computes nothing, next -1: last.
struct oracle_plan {
    int model[POLICY_MOST_TIERS];
    int next[POLICY_MOST_TIERS];
};

static int oracle_plan(const struct policy_world *world, const void *given, void *ret_plan,
                       char *ret_problem)
{
    (void)given;
    struct oracle_plan *plan = ret_plan;
    int previous = -1;
    for (int tier = 0; tier < world->tiers; tier++) {
        plan->next[tier] = -1;
        plan->model[tier] =
            tier == 0 ? policy_first_model(world, tier) : policy_last_model(world, tier);
        if (plan->model[tier] >= 0) {
            if (previous >= 0) {
                plan->next[previous] = tier;
            }
            previous = tier;
        }
    }
    if (plan->model[0] < 0) {
        snprintf(ret_problem, POLICY_PROBLEM_ROOM,
                 "tier '%s' can run no model, so there is no local answer to judge; give it a "
                 "service time",
                 world->tier[0].name);
        return -1;
    }
    return 0;
}

static struct policy_action oracle_decide(const struct policy_world *world, const void *given,
                                          const void *chosen, void *state,
                                          const struct policy_view *view)
{
    (void)given;
    (void)state;
    const struct oracle_plan *plan = chosen;
    struct policy_action lost;
    if (policy_when_lost(world, view, POLICY_WHEN_LOST_LOCAL, &lost)) {
        return lost;
    }
    const int model = plan->model[view->tier];
    const int exit = policy_last_exit(world, model);
    if (!view->latest || view->latest->exit != exit) {
        return policy_compute(model, policy_last_layer(world, model));
    }
    if (plan->next[view->tier] < 0) {
        return policy_answer(exit);
    }
    if (view->truth->correct[exit]) {
        return policy_because(policy_answer(exit), "the answer is right");
    }
    return policy_because(policy_send(plan->next[view->tier]), "the answer is wrong");
}

extern const struct policy_type policy_oracle;
const struct policy_type policy_oracle = {
    .api = POLICY_API_VERSION,
    .name = "oracle",
    .summary = "offload exactly the samples whose local answer is wrong: the bound, not a policy",
    .paper = "",
    .example = "policy: oracle",
    .is_oracle = 1,
    .decides_by_sample = 1,
    .plan_bytes = sizeof(struct oracle_plan),
    .plan = oracle_plan,
    .decide = oracle_decide,
};
