// SPDX-License-Identifier: GPL-3.0-or-later

// Hierarchical inference with fixed thresholds: infer locally first, and offload only when the
// local answer is not trusted.
//
// Al-Atat, Fresa, Behera, Moothedath, Gross and Champati, "The case for hierarchical deep learning
// inference at the network edge", NetAISys 2023, DOI 10.1145/3597062.3597278: a sample is accepted
// at the device if the largest class probability p of the small model is at least theta, and
// offloaded otherwise (its rule "offload if p < theta").
//
// Departure from it: the paper has two tiers. Here the rule is applied again at every tier but the
// last, each with a theta of its own. Tiers that can run no model only pass samples on.

#include "policies/policy.h"

#include <stdio.h>

struct hi_parameters {
    struct policy_numbers theta;
    struct policy_indices models;
};

static const struct policy_parameter parameters[] = {
    {.name = "theta",
     .kind = POLICY_NUMBERS,
     .offset = offsetof(struct hi_parameters, theta),
     .unit = "",
     .default_text = NULL,
     .least = 0,
     .most = 1,
     .meaning = "least confidence that is answered at each computing tier but the last (the "
                "paper's theta)"},
    {.name = "models",
     .kind = POLICY_MODELS,
     .offset = offsetof(struct hi_parameters, models),
     .unit = "",
     .default_text = "",
     .meaning = "the model of each computing tier; left out, the first that the origin can run "
                "and the last that each other tier can run"},
    {.name = NULL},
};

// The computing tiers in order. `next` is where a sample goes that is not answered at a tier, -1
// at the last.
struct hi_stage {
    int model; // -1: this tier computes nothing
    int next;
    double theta;
};

struct hi_plan {
    struct hi_stage stage[POLICY_MOST_TIERS];
};

static int hi_plan(const struct policy_world *world, const void *given, void *ret_plan,
                   char *ret_problem)
{
    const struct hi_parameters *p = given;
    struct hi_plan *plan = ret_plan;
    int computing = 0;
    int previous = -1;
    for (int tier = 0; tier < world->tiers; tier++) {
        struct hi_stage *stage = &plan->stage[tier];
        stage->next = -1;
        stage->model = tier == 0 ? policy_first_model(world, tier) : policy_last_model(world, tier);
        if (stage->model < 0) {
            continue;
        }
        if (p->models.count) {
            stage->model = computing < p->models.count ? p->models.values[computing] : -1;
            if (stage->model >= 0 && !policy_can_run(world, tier, stage->model)) {
                snprintf(ret_problem, POLICY_PROBLEM_ROOM,
                         "tier '%s' has no service time for model '%s'; give it one in its "
                         "'compute: time', or change 'models'",
                         world->tier[tier].name, world->model[stage->model].name);
                return -1;
            }
        }
        stage->theta = computing < p->theta.count ? p->theta.values[computing] : 0;
        if (previous >= 0) {
            plan->stage[previous].next = tier;
        }
        previous = tier;
        computing++;
    }
    if (plan->stage[0].model < 0) {
        snprintf(ret_problem, POLICY_PROBLEM_ROOM,
                 "tier '%s' can run no model, so there is no local answer to trust; give it a "
                 "service time, or use policy 'full_offload'",
                 world->tier[0].name);
        return -1;
    }
    if (p->theta.count != computing - 1) {
        snprintf(ret_problem, POLICY_PROBLEM_ROOM,
                 "'theta' has %d entries, but %d tiers compute; it takes one for each but the "
                 "last: %d",
                 p->theta.count, computing, computing - 1);
        return -1;
    }
    if (p->models.count && p->models.count != computing) {
        snprintf(ret_problem, POLICY_PROBLEM_ROOM,
                 "'models' has %d entries, but %d tiers compute; it takes one for each",
                 p->models.count, computing);
        return -1;
    }
    return 0;
}

static struct policy_action hi_decide(const struct policy_world *world, const void *given,
                                      const void *chosen, void *state,
                                      const struct policy_view *view)
{
    (void)given;
    (void)state;
    const struct hi_plan *plan = chosen;
    const struct hi_stage *stage = &plan->stage[view->tier];
    const int exit = policy_last_exit(world, stage->model);
    if (!view->latest || view->latest->exit != exit) {
        return policy_compute(stage->model, policy_last_layer(world, stage->model));
    }
    if (stage->next < 0) {
        return policy_answer(exit);
    }
    if (view->latest->confidence >= stage->theta) {
        return policy_because(policy_answer(exit), "confidence at least theta");
    }
    return policy_because(policy_send(stage->next), "confidence below theta");
}

extern const struct policy_type policy_hi_threshold;
const struct policy_type policy_hi_threshold = {
    .api = POLICY_API_VERSION,
    .name = "hi_threshold",
    .summary = "infer locally first, offload what the local model is not sure of",
    .paper = "Al-Atat et al., NetAISys 2023, DOI 10.1145/3597062.3597278",
    .example = "policy: {hi_threshold: {theta: [0.607]}}",
    .parameters = parameters,
    .parameter_bytes = sizeof(struct hi_parameters),
    .plan_bytes = sizeof(struct hi_plan),
    .plan = hi_plan,
    .decide = hi_decide,
};
