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
//
// Two additions of this program, off unless asked for, lower theta where the way up is bad:
//
//     theta' = max(0, theta - load_aware * D) * P
//
// D is the delay of an offload now beyond that of idle links and servers at their nominal rates:
// the wait in front of the link, F times the time that the message takes at the rate the device has
// measured less that at the nominal one, and the backlog that the next computing tier has reported
// last. Where an error costs e, an offload c and a second t, an offload pays below a confidence of
// 1 - (c + t D) / e; so a theta that is right for idle links falls by t / e for each second, and
// that is the value of `load_aware` to choose.
//
// P, with `deadline_aware`, is the predicted chance that the answer is back in time; an answer that
// comes late is worth nothing, so one from above must be that much more in doubt here. The time
// from an offload to its return is taken as uniform around the smoothed mean m of the device's own
// with their smoothed mean absolute deviation d, which spans m - 2 d to m + 2 d:
//
//     P = (slack - (m - 2 d)) / (4 d), between 0 and 1
//
// where slack is what is left until the deadline. Before anything has come back, and above the
// devices, m is m0, the nominal time of the transfer, the service and the delays, and d half of it,
// as RFC 6298 begins; what was measured counts F of the way from there. Where both additions are
// asked for, m is at least m0 + D.
//
// F makes a device that has stopped offloading try again, as it learns nothing meanwhile: what it
// has measured counts half as much after each `forget` without news, linearly in between. Ten
// seconds are assumed, as for `partition`: fades of a link and rushes of its cell last seconds.

#include "policies/policy.h"

#include <stdbool.h>
#include <stdio.h>

static const double FORGET_S = 10; // as the table says

struct hi_parameters {
    struct policy_numbers theta;
    struct policy_indices models;
    double load_aware;
    bool deadline_aware;
    double forget_s;
    int when_lost;
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
    {.name = "load_aware",
     .kind = POLICY_NUMBER,
     .offset = offsetof(struct hi_parameters, load_aware),
     .unit = "/s",
     .default_text = "0 /s",
     .least = 0,
     .most = 1e6,
     .meaning = "how much theta falls for each second that an offload takes longer now than with "
                "all idle; the price of a second over that of an error is a good value"},
    {.name = "deadline_aware",
     .kind = POLICY_BOOLEAN,
     .offset = offsetof(struct hi_parameters, deadline_aware),
     .unit = "",
     .default_text = "false",
     .meaning = "whether theta is multiplied by the chance that an answer from above is back in "
                "time"},
    {.name = "forget",
     .kind = POLICY_NUMBER,
     .offset = offsetof(struct hi_parameters, forget_s),
     .unit = "s",
     .default_text = "10 s",
     .least = 1e-6,
     .most = 1e12,
     .meaning = "load_aware and deadline_aware: time without news after which what was measured "
                "counts half, so that a device tries again"},
    POLICY_WHEN_LOST_PARAMETER(struct hi_parameters, when_lost),
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
    const bool is_default = p->forget_s >= FORGET_S && p->forget_s <= FORGET_S;
    if (!is_default && !p->deadline_aware && p->load_aware <= 0) {
        snprintf(ret_problem, POLICY_PROBLEM_ROOM,
                 "'forget' has no effect without 'load_aware' or 'deadline_aware'; leave it out, "
                 "or give one of them");
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

static double largest(double a, double b)
{
    return a > b ? a : b;
}

// Time of a message over the first link of the way up, at a rate, without any wait.
static double message_s(const struct policy_link *link, const struct policy_view *view,
                        double bytes_per_s)
{
    return (view->bytes + link->overhead_bytes) / bytes_per_s;
}

// F above, of what was measured last at a time.
static double freshness(const struct hi_parameters *p, double now_s, double seen_s)
{
    double halvings = (now_s - seen_s) / p->forget_s;
    double weight = 1;
    while (halvings >= 1) {
        weight /= 2;
        if (weight < 1e-6) {
            return 0; // also of what was never measured
        }
        halvings--;
    }
    return weight * (1 - halvings / 2);
}

// D above: how much longer an offload takes now.
static double extra_delay_s(const struct policy_world *world, const struct hi_parameters *p,
                            const struct policy_view *view, int next)
{
    const int link = world->route[view->tier * world->tiers + next];
    const struct policy_report *report = &view->reports[next];
    const double transfer_s = message_s(&world->link[link], view, view->link_bytes_per_s[link]) -
                              message_s(&world->link[link], view, world->link[link].up_bytes_per_s);
    const double fresh = freshness(p, view->now_s, view->link_seen_s[link]);
    return largest(0, view->link_backlog_s[link] + fresh * transfer_s + report->backlog_s);
}

// m0 above.
static double nominal_s(const struct policy_world *world, const struct hi_plan *plan,
                        const struct policy_view *view, int next)
{
    const struct policy_link *link = &world->link[world->route[view->tier * world->tiers + next]];
    const int model = plan->stage[next].model;
    double time_s = message_s(link, view, link->up_bytes_per_s) + link->up_delay_mean_s +
                    link->down_delay_mean_s;
    for (int layer = 0; layer < world->model[model].layers; layer++) {
        time_s += world->tier[next].layer_mean_s[model][layer];
    }
    return time_s;
}

// P above.
static double chance_in_time(const struct policy_world *world, const struct hi_parameters *p,
                             const struct hi_plan *plan, const struct policy_view *view, int next,
                             double extra_s)
{
    const double idle_s = nominal_s(world, plan, view, next);
    double mean_s = idle_s;
    double deviation_s = idle_s / 2;
    if (view->return_s >= 0) { // not NaN: something has come back
        const double fresh = freshness(p, view->now_s, view->return_seen_s);
        mean_s += fresh * (view->return_s - mean_s);
        deviation_s += fresh * (view->return_deviation_s - deviation_s);
    }
    mean_s = largest(mean_s, idle_s + extra_s);
    const double early_s = view->deadline_s - view->now_s - (mean_s - 2 * deviation_s);
    if (early_s <= 0) {
        return 0;
    }
    return early_s >= 4 * deviation_s ? 1 : early_s / (4 * deviation_s);
}

static struct policy_action hi_decide(const struct policy_world *world, const void *given,
                                      const void *chosen, void *state,
                                      const struct policy_view *view)
{
    (void)state;
    const struct hi_parameters *p = given;
    const struct hi_plan *plan = chosen;
    struct policy_action lost;
    if (policy_when_lost(world, view, p->when_lost, &lost)) {
        return lost;
    }
    const struct hi_stage *stage = &plan->stage[view->tier];
    const int exit = policy_last_exit(world, stage->model);
    if (!view->latest || view->latest->exit != exit) {
        return policy_compute(stage->model, policy_last_layer(world, stage->model));
    }
    if (stage->next < 0) {
        return policy_answer(exit);
    }
    const double confidence = view->latest->confidence;
    if (confidence >= stage->theta) {
        return policy_because(policy_answer(exit), "confidence at least theta");
    }
    double theta = stage->theta;
    double extra_s = 0;
    if (p->load_aware > 0) {
        extra_s = extra_delay_s(world, p, view, stage->next);
        theta = largest(0, theta - p->load_aware * extra_s);
        if (confidence >= theta) {
            return policy_because(policy_answer(exit), "not worth the delay");
        }
    }
    if (p->deadline_aware &&
        confidence >= theta * chance_in_time(world, p, plan, view, stage->next, extra_s)) {
        return policy_because(policy_answer(exit), "unlikely to be back in time");
    }
    return policy_because(policy_send(stage->next), "confidence below theta");
}

static unsigned hi_observes(const void *given)
{
    const struct hi_parameters *p = given;
    return (p->load_aware > 0 ? POLICY_OBSERVES_LINKS | POLICY_OBSERVES_REPORTS : 0u) |
           (p->deadline_aware ? (unsigned)POLICY_OBSERVES_RETURNS : 0u);
}

extern const struct policy_type policy_hi_threshold;
const struct policy_type policy_hi_threshold = {
    .api = POLICY_API_VERSION,
    .name = "hi_threshold",
    .summary = "infer locally first, offload what the local model is not sure of",
    .paper = "Al-Atat et al., NetAISys 2023, DOI 10.1145/3597062.3597278",
    .example = "policy: {hi_threshold: {theta: [0.607]}}",
    .decides_by_sample = 1,
    .parameters = parameters,
    .parameter_bytes = sizeof(struct hi_parameters),
    .plan_bytes = sizeof(struct hi_plan),
    .plan = hi_plan,
    .observes = hi_observes,
    .decide = hi_decide,
};
