// SPDX-License-Identifier: GPL-3.0-or-later

// Split computing with an early exit: the device runs the first layers, answers at the exit behind
// them if that is sure, and ships the activation to a server that runs the rest otherwise.
//
// Bajpai, Trivedi, Yadav and Hanawal, "SplitEE: Early exit in deep neural networks with split
// computing", AIMLSystems 2023, arXiv 2309.09195: with splitting layer i and threshold alpha, a
// sample exits at layer i if its confidence there is at least alpha, and else is offloaded and
// answered at the last layer. With i = L, the last layer, the device answers everything.
//
// Departure from it: the paper learns the splitting layer online as the arm of a bandit. Here it is
// fixed; a sweep over `split` shows what there was to learn.

#include "policies/policy.h"

#include <math.h>
#include <stdio.h>

struct split_exit_parameters {
    int split;
    double alpha;
    int model;
    int tier;
    int when_lost;
};

static const struct policy_parameter parameters[] = {
    {.name = "split",
     .kind = POLICY_INTEGER,
     .offset = offsetof(struct split_exit_parameters, split),
     .unit = "",
     .default_text = NULL,
     .least = 1,
     .most = 10000,
     .meaning = "last layer that the device runs, counted from 1; an exit stands behind it (the "
                "paper's splitting layer i)"},
    {.name = "alpha",
     .kind = POLICY_NUMBER,
     .offset = offsetof(struct split_exit_parameters, alpha),
     .unit = "",
     .default_text = NULL,
     .least = 0,
     .most = 1,
     .meaning = "least confidence that is answered at the splitting layer (the paper's alpha)"},
    {.name = "model",
     .kind = POLICY_MODEL,
     .offset = offsetof(struct split_exit_parameters, model),
     .unit = "",
     .default_text = "",
     .meaning = "the model to split; left out, the first that the origin tier can run"},
    {.name = "tier",
     .kind = POLICY_TIER,
     .offset = offsetof(struct split_exit_parameters, tier),
     .unit = "",
     .default_text = "",
     .meaning = "where the rest runs; left out, the highest tier that can run the model"},
    POLICY_WHEN_LOST_PARAMETER(struct split_exit_parameters, when_lost),
    {.name = NULL},
};

struct split_exit_plan {
    int model;
    int tier; // 0: nothing is offloaded
    int exit; // behind the splitting layer
};

static int exit_behind(const struct policy_world *world, int model, int layer)
{
    const int first = world->model[model].first_exit;
    for (int exit = first; exit < first + world->model[model].exits; exit++) {
        if (world->exit[exit].layer == layer) {
            return exit;
        }
    }
    return -1;
}

// Lists the layers behind which an exit stands, as far as there is room.
static void refuse_split(const struct policy_world *world, int model, int split, char *ret_problem)
{
    const int first = world->model[model].first_exit;
    int length = snprintf(ret_problem, POLICY_PROBLEM_ROOM,
                          "model '%s' has no exit behind layer %d to split at; it has one behind",
                          world->model[model].name, split);
    for (int exit = first; exit < first + world->model[model].exits; exit++) {
        if (length >= POLICY_PROBLEM_ROOM - 16) {
            break;
        }
        length += snprintf(ret_problem + length, (size_t)(POLICY_PROBLEM_ROOM - length), "%s %d",
                           exit == first ? "" : ",", world->exit[exit].layer + 1);
    }
}

static int split_exit_plan(const struct policy_world *world, const void *given, void *ret_plan,
                           char *ret_problem)
{
    const struct split_exit_parameters *p = given;
    struct split_exit_plan *plan = ret_plan;
    plan->model = p->model >= 0 ? p->model : policy_first_model(world, 0);
    if (plan->model < 0 || !policy_can_run(world, 0, plan->model)) {
        const char *model = plan->model < 0 ? "" : world->model[plan->model].name;
        snprintf(ret_problem, POLICY_PROBLEM_ROOM,
                 "tier '%s' has no service time for %s%s%s; give it one in its 'compute: time'",
                 world->tier[0].name, *model ? "model '" : "any model", model, *model ? "'" : "");
        return -1;
    }
    plan->exit = exit_behind(world, plan->model, p->split - 1);
    if (plan->exit < 0) {
        refuse_split(world, plan->model, p->split, ret_problem);
        return -1;
    }
    if (plan->exit == policy_last_exit(world, plan->model)) {
        plan->tier = 0;
        return 0;
    }
    plan->tier = p->tier;
    for (int tier = world->tiers - 1; tier > 0 && plan->tier < 0; tier--) {
        if (policy_can_run(world, tier, plan->model)) {
            plan->tier = tier;
        }
    }
    if (plan->tier <= 0 || !policy_can_run(world, plan->tier, plan->model)) {
        snprintf(ret_problem, POLICY_PROBLEM_ROOM,
                 "%s%s%s cannot run the rest of model '%s'; name a tier above '%s' that has a "
                 "service time for it",
                 plan->tier < 0 ? "no tier" : "tier '",
                 plan->tier < 0 ? "" : world->tier[plan->tier].name, plan->tier < 0 ? "" : "'",
                 world->model[plan->model].name, world->tier[0].name);
        return -1;
    }
    if (isnan(world->model[plan->model].output_bytes[p->split - 1])) {
        snprintf(ret_problem, POLICY_PROBLEM_ROOM,
                 "the size of what model '%s' ships after layer %d is not known; add 'output' to "
                 "the model, with a size for each layer",
                 world->model[plan->model].name, p->split);
        return -1;
    }
    return 0;
}

static struct policy_action split_exit_decide(const struct policy_world *world, const void *given,
                                              const void *chosen, void *state,
                                              const struct policy_view *view)
{
    (void)state;
    const struct split_exit_parameters *p = given;
    const struct split_exit_plan *plan = chosen;
    struct policy_action lost;
    if (policy_when_lost(world, view, p->when_lost, &lost)) {
        return lost;
    }
    if (!view->latest) {
        return policy_compute(plan->model, world->exit[plan->exit].layer);
    }
    if (view->tier > 0) {
        return view->latest->exit == plan->exit
                   ? policy_compute(plan->model, policy_last_layer(world, plan->model))
                   : policy_answer(view->latest->exit);
    }
    if (plan->tier == 0) {
        return policy_answer(plan->exit);
    }
    if (view->latest->confidence >= p->alpha) {
        return policy_because(policy_answer(plan->exit), "confidence at least alpha");
    }
    return policy_because(policy_send(plan->tier), "confidence below alpha");
}

extern const struct policy_type policy_split_exit;
const struct policy_type policy_split_exit = {
    .api = POLICY_API_VERSION,
    .name = "split_exit",
    .summary = "answer at a split layer's exit if it is sure, else offload the activation",
    .paper = "Bajpai et al., AIMLSystems 2023, arXiv 2309.09195",
    .example = "policy: {split_exit: {split: 3, alpha: 0.9}}",
    .decides_by_sample = 1,
    .parameters = parameters,
    .parameter_bytes = sizeof(struct split_exit_parameters),
    .plan_bytes = sizeof(struct split_exit_plan),
    .plan = split_exit_plan,
    .decide = split_exit_decide,
};
