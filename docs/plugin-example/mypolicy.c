// SPDX-License-Identifier: GPL-3.0-or-later

// A policy of one's own: the device answers what it is sure of and sends the rest to the highest
// tier. What counts as sure differs by chance from sample to sample: the threshold lies anywhere
// between theta - spread / 2 and theta + spread / 2. Without a spread this is the program's own
// hi_threshold with two tiers.

#include <offloadsim/policy.h>

#include <stdio.h>

struct mine {
    double theta;
    double spread;
};

static const struct policy_parameter parameters[] = {
    {"theta", POLICY_NUMBER, offsetof(struct mine, theta), "", NULL, 0, 1, NULL,
     "least confidence, on average, that the device answers"},
    {"spread", POLICY_NUMBER, offsetof(struct mine, spread), "", "0", 0, 1, NULL,
     "width of the range in which the thresholds lie"},
    {.name = NULL},
};

static int check(const struct policy_world *world, const void *given, void *plan, char *ret_problem)
{
    (void)given;
    (void)plan;
    if (policy_first_model(world, 0) < 0 || policy_last_model(world, world->tiers - 1) < 0) {
        snprintf(ret_problem, POLICY_PROBLEM_ROOM, "the first and the last tier must run a model");
        return -1;
    }
    return 0;
}

static struct policy_action decide(const struct policy_world *world, const void *given,
                                   const void *plan, void *state, const struct policy_view *view)
{
    (void)plan;
    (void)state;
    const struct mine *p = given;
    const int is_device = view->tier == view->origin;
    const int model =
        is_device ? policy_first_model(world, 0) : policy_last_model(world, view->tier);
    if (!view->computations || view->has_arrived) {
        return policy_compute(model, policy_last_layer(world, model));
    }
    const double threshold = p->theta + p->spread * (view->uniform - 0.5);
    if (is_device && world->tiers > 1 && view->latest->confidence < threshold) {
        return policy_because(policy_send(world->tiers - 1), "confidence below threshold");
    }
    return policy_answer(view->latest->exit);
}

extern const struct policy_type offloadsim_policy;
const struct policy_type offloadsim_policy = {
    .api = POLICY_API_VERSION,
    .name = "mypolicy",
    .summary = "infer locally first, offload below a threshold that differs by chance",
    .example = "policy: {mypolicy: {theta: 0.6, spread: 0.2}}",
    .parameters = parameters,
    .parameter_bytes = sizeof(struct mine),
    .draws_uniform = 1,
    .plan = check,
    .decide = decide,
};
