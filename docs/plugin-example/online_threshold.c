// SPDX-License-Identifier: GPL-3.0-or-later

// A device that finds its threshold itself: exponential weights over a grid of thresholds, with the
// truth about every sample. This is HIL-F of Moothedath, Champati and Gross, "Online algorithms for
// hierarchical inference in deep learning applications at the edge", arXiv 2304.00891, on a fixed
// grid. Each threshold that would have offloaded a sample is charged the price of the offload, each
// other one the price of the local answer's error; the highest tier is taken to be always right.
// Needs `feedback: {when: always}`.

#include <offloadsim/policy.h>

#include <math.h>
#include <stdio.h>

enum { GRID = 50 };

struct learning {
    double rate;
};

struct device {
    double loss[GRID]; // of threshold k / (GRID - 1), so far, in prices of an error
};

static const struct policy_parameter parameters[] = {
    {"rate", POLICY_NUMBER, offsetof(struct learning, rate), "", "0.2", 1e-6, 10, NULL,
     "how fast weights follow the losses (the paper's eta)"},
    {.name = NULL},
};

static int check(const struct policy_world *world, const void *given, void *plan, char *ret_problem)
{
    (void)given;
    (void)plan;
    if (world->tiers != 2 || policy_first_model(world, 0) < 0 || policy_last_model(world, 1) < 0 ||
        world->prices.error <= 0) {
        snprintf(ret_problem, POLICY_PROBLEM_ROOM,
                 "it takes two tiers that each run a model, and a price of errors");
        return -1;
    }
    return 0;
}

// The probability that a sample of this confidence is offloaded: the weight of higher thresholds.
static double offload_share(const struct device *device, double rate, double confidence)
{
    double least = device->loss[0];
    double above = 0;
    double all = 0;
    for (int k = 1; k < GRID; k++) {
        least = fmin(least, device->loss[k]);
    }
    for (int k = 0; k < GRID; k++) {
        const double weight = exp(-rate * (device->loss[k] - least));
        all += weight;
        above += k > confidence * (GRID - 1) ? weight : 0;
    }
    return above / all;
}

static struct policy_action decide(const struct policy_world *world, const void *given,
                                   const void *plan, void *state, const struct policy_view *view)
{
    (void)plan;
    const struct learning *p = given;
    const int model =
        view->tier ? policy_last_model(world, 1) : policy_first_model(world, view->tier);
    if (!view->computations || view->has_arrived) {
        return policy_compute(model, policy_last_layer(world, model));
    }
    if (!view->tier && view->uniform < offload_share(state, p->rate, view->latest->confidence)) {
        return policy_send(1);
    }
    return policy_answer(view->latest->exit);
}

static void learn(const struct policy_world *world, const void *given, const void *plan,
                  void *state, const struct policy_feedback *feedback)
{
    (void)given;
    (void)plan;
    struct device *device = state;
    const double offload = world->link[0].offload_price / world->prices.error;
    const int local = policy_last_exit(world, policy_first_model(world, 0));
    for (int i = 0; i < feedback->outcome_count; i++) {
        for (int k = 0; feedback->outcomes[i].exit == local && k < GRID; k++) {
            const int offloads = k > feedback->outcomes[i].confidence * (GRID - 1);
            device->loss[k] += offloads ? offload : !feedback->correct[i];
        }
    }
}

static int uses_prices(const void *given)
{
    (void)given;
    return 1;
}

extern const struct policy_type offloadsim_policy;
const struct policy_type offloadsim_policy = {
    .api = POLICY_API_VERSION,
    .name = "online_threshold",
    .summary = "infer locally first, learn from feedback what to offload",
    .paper = "Moothedath, Champati and Gross, arXiv 2304.00891 (HIL-F)",
    .example = "policy: online_threshold",
    .parameters = parameters,
    .parameter_bytes = sizeof(struct learning),
    .state_bytes = sizeof(struct device),
    .draws_uniform = 1,
    .plan = check,
    .uses_prices = uses_prices,
    .decide = decide,
    .feedback = learn,
};
