// SPDX-License-Identifier: GPL-3.0-or-later

// DNN partitioning: a chain of layers is cut so that the first ones run where the sample arises and
// the rest on higher tiers, and what lies at a cut travels. The cuts minimise a prediction from the
// layer profile.
//
// Kang, Hauswald, Gao, Rovinski, Mudge, Mars and Tang, "Neurosurgeon", ASPLOS 2017, DOI
// 10.1145/3037697.3037698: algorithm 1 evaluates every cut of a network between a phone and a
// server and takes the one with the least latency, or the least energy of the phone. Lockhart,
// Harvey, Imai, Willis and Varghese, "Scission", UCC 2020, arXiv 2008.03523: the same over device,
// edge and cloud, also without the device or the edge, ranked.
//
// Here any number of tiers may take part. The cuts are found by dynamic programming over (tier,
// layers done) from the end, which keeps the best few ways to finish from each state, so the
// ranking is exact. A tier that takes part runs at least one layer. With `when: dynamic` the choice
// is made anew for every sample at its origin, from the link rate that its node has measured, and
// from how much work its own compute and its own uplinks have in front of them.
//
// Departures: Neurosurgeon predicts the times of layers by regression and the load of the server by
// probing; here the times are the scenario's and the load of higher tiers is not known. The
// answer's way back counts, as in the simulated system (`samples: answer: free` leaves it out, as
// both papers do). The cost of wrong answers is the same for all cuts and is left out.

#include "policies/policy.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { RANKED = 10 }; // ways to finish that are kept for each state
enum objective { OBJECTIVE_LATENCY, OBJECTIVE_ENERGY, OBJECTIVE_COST };
enum when { WHEN_STATIC, WHEN_DYNAMIC };

static const char *const objectives[] = {"latency", "energy", "cost", NULL};
static const char *const whens[] = {"static", "dynamic", NULL};

struct partition_parameters {
    int model;
    int objective;
    int when;
    struct policy_indices without;
    double most_bytes;
    double refresh_s;
    int when_lost;
};

static const struct policy_parameter parameters[] = {
    {.name = "model",
     .kind = POLICY_MODEL,
     .offset = offsetof(struct partition_parameters, model),
     .unit = "",
     .default_text = "",
     .meaning = "the model to cut; left out, the first one that has more than one layer"},
    {.name = "minimise",
     .kind = POLICY_CHOICE,
     .offset = offsetof(struct partition_parameters, objective),
     .unit = "",
     .default_text = "latency",
     .choices = objectives,
     .meaning = "what the cuts minimise: latency of a sample, energy of the device, or cost by the "
                "scenario's prices"},
    {.name = "when",
     .kind = POLICY_CHOICE,
     .offset = offsetof(struct partition_parameters, when),
     .unit = "",
     .default_text = "static",
     .choices = whens,
     .meaning = "once from nominal figures, or anew for every sample from what its node observes"},
    {.name = "without",
     .kind = POLICY_TIERS,
     .offset = offsetof(struct partition_parameters, without),
     .unit = "",
     .default_text = "",
     .meaning = "tiers that may not compute"},
    {.name = "most_bytes",
     .kind = POLICY_NUMBER,
     .offset = offsetof(struct partition_parameters, most_bytes),
     .unit = "B",
     .default_text = "0 B",
     .least = 0,
     .most = 1e18,
     .meaning = "largest payload that may travel at a cut, without overhead; 0 is no cap"},
    {.name = "refresh",
     .kind = POLICY_NUMBER,
     .offset = offsetof(struct partition_parameters, refresh_s),
     .unit = "s",
     .default_text = "10 s",
     .least = 0,
     .most = 1e12,
     .meaning =
         "dynamic: how long a measured rate is believed; after it the nominal one is, so that "
         "a link that was slow is tried again"},
    POLICY_WHEN_LOST_PARAMETER(struct partition_parameters, when_lost),
    {.name = NULL},
};

// What a part of a way takes.
struct amounts {
    double s;
    double device_j;
    double all_j;
    double cost;  // offloads and layers by their prices
    double bytes; // with overhead
    double payload_bytes;
};

// A way to finish from a state: compute the next layer here (`next` is this tier), send to `next`
// and compute the next layer there, or answer (`next` is -1). `rank` is the way of the state after.
struct way {
    double value;
    int next;
    int rank;
};

struct partition_plan {
    int model;
    int layers;
    int tiers;
    int may_compute[POLICY_MOST_TIERS];
    double return_value[POLICY_MOST_TIERS];
    struct way ways[]; // [tier][layers done, 0 .. layers][RANKED]
};

static struct way *ways_of(const struct partition_plan *plan, int tier, int done)
{
    const size_t state = (size_t)tier * (size_t)(plan->layers + 1) + (size_t)done;
    return (struct way *)plan->ways + state * RANKED;
}

// A price or a power of 0 makes nothing of an endless transfer, too.
static double product(double factor, double amount)
{
    return factor > 0 && amount > 0 ? factor * amount : 0;
}

static double value_of(const struct policy_world *world, const struct partition_parameters *p,
                       const struct amounts *amounts)
{
    switch ((enum objective)p->objective) {
    case OBJECTIVE_LATENCY:
        return amounts->s;
    case OBJECTIVE_ENERGY:
        return amounts->device_j;
    case OBJECTIVE_COST:
        break;
    }
    return amounts->cost + product(world->prices.latency_per_s, amounts->s) +
           product(world->prices.energy_per_j, amounts->all_j) +
           product(world->prices.byte, amounts->bytes);
}

static void add_amounts(struct amounts *sum, const struct amounts *part)
{
    sum->s += part->s;
    sum->device_j += part->device_j;
    sum->all_j += part->all_j;
    sum->cost += part->cost;
    sum->bytes += part->bytes;
    sum->payload_bytes += part->payload_bytes;
}

static struct amounts layer_amounts(const struct policy_world *world,
                                    const struct partition_plan *plan, int tier, int layer)
{
    const double joules = world->tier[tier].layer_mean_j[plan->model][layer];
    return (struct amounts){.s = world->tier[tier].layer_mean_s[plan->model][layer],
                            .device_j = tier == 0 ? joules : 0,
                            .all_j = joules,
                            .cost = world->tier[tier].layer_price};
}

// What travels when `done` layers are done.
static double payload(const struct policy_world *world, const struct partition_plan *plan, int done)
{
    return done ? world->model[plan->model].output_bytes[done - 1] : world->payload_mean_bytes;
}

// One message over one link. A negative `bytes_per_s` stands for the nominal rate; 0 is an outage,
// which nobody knows the end of.
static void add_hop(const struct policy_world *world, int number, int is_up, double content,
                    double bytes_per_s, struct amounts *sum)
{
    const struct policy_link *link = &world->link[number];
    const double bytes = content + link->overhead_bytes;
    const double nominal = is_up ? link->up_bytes_per_s : link->down_bytes_per_s;
    const double seconds = bytes > 0 ? bytes / (bytes_per_s < 0 ? nominal : bytes_per_s) : 0;
    const double joules = product(is_up ? link->send_w : link->receive_w, seconds) +
                          (is_up ? link->send_j_per_byte : link->receive_j_per_byte) * bytes;
    sum->s += seconds + (is_up ? link->up_delay_mean_s : link->down_delay_mean_s);
    sum->device_j += link->from == 0 ? joules : 0;
    sum->all_j += joules;
    sum->bytes += bytes;
    sum->cost += is_up ? link->offload_price : 0;
}

// The way from a tier to a higher one. Returns 0 if none leads upward only.
static int send_amounts(const struct policy_world *world, int from, int to, double content,
                        struct amounts *ret_amounts)
{
    *ret_amounts = (struct amounts){.payload_bytes = content};
    while (from != to) {
        const int link = world->route[from * world->tiers + to];
        if (link < 0 || world->link[link].from != from) {
            return 0;
        }
        add_hop(world, link, 1, content, -1, ret_amounts);
        from = world->link[link].to;
    }
    return 1;
}

static struct amounts return_amounts(const struct policy_world *world, int from)
{
    struct amounts amounts = {0};
    while (from != 0 && world->answer_bytes >= 0) {
        const int number = world->route[from * world->tiers];
        const struct policy_link *link = &world->link[number];
        const int is_up = link->from == from;
        add_hop(world, number, is_up, world->answer_bytes, -1, &amounts);
        from = is_up ? link->to : link->from;
    }
    return amounts;
}

static int may_send(const struct partition_parameters *p, double content)
{
    return !isnan(content) && (p->most_bytes <= 0 || content <= p->most_bytes);
}

// Keeps the best RANKED ways in order; equal ones in the order in which they come.
static void offer(struct way *ways, struct way way)
{
    if (!(way.value < ways[RANKED - 1].value)) {
        return;
    }
    int at = RANKED - 1;
    while (at > 0 && way.value < ways[at - 1].value) {
        ways[at] = ways[at - 1];
        at--;
    }
    ways[at] = way;
}

// All ways that begin with computing layer `done` at `to`, after `before` was paid.
static void offer_layer(const struct policy_world *world, const struct partition_parameters *p,
                        const struct partition_plan *plan, int to, int done, double before,
                        struct way *ways)
{
    const struct amounts layer = layer_amounts(world, plan, to, done);
    const double value = before + value_of(world, p, &layer);
    const struct way *after = ways_of(plan, to, done + 1);
    for (int rank = 0; rank < RANKED && isfinite(after[rank].value); rank++) {
        offer(ways, (struct way){value + after[rank].value, to, rank});
    }
}

static void fill_state(const struct policy_world *world, const struct partition_parameters *p,
                       const struct partition_plan *plan, int tier, int done)
{
    struct way *ways = ways_of(plan, tier, done);
    for (int rank = 0; rank < RANKED; rank++) {
        ways[rank] = (struct way){INFINITY, -1, 0};
    }
    if (done == plan->layers) {
        ways[0].value = plan->return_value[tier];
        return;
    }
    if (plan->may_compute[tier]) {
        offer_layer(world, p, plan, tier, done, 0, ways);
    }
    const double content = payload(world, plan, done);
    // A tier that was sent to computes; only the origin may pass on what it did not touch.
    for (int to = tier + 1; to < plan->tiers && (done || tier == 0); to++) {
        struct amounts sent;
        if (plan->may_compute[to] && may_send(p, content) &&
            send_amounts(world, tier, to, content, &sent)) {
            offer_layer(world, p, plan, to, done, value_of(world, p, &sent), ways);
        }
    }
}

static int chosen_model(const struct policy_world *world, const struct partition_parameters *p)
{
    if (p->model >= 0) {
        return p->model;
    }
    for (int model = 0; model < world->models; model++) {
        if (world->model[model].layers > 1) {
            return model;
        }
    }
    return 0;
}

static size_t partition_more_bytes(const struct policy_world *world, const void *given)
{
    const int layers = world->model[chosen_model(world, given)].layers;
    return sizeof(struct way) * RANKED * (size_t)world->tiers * (size_t)(layers + 1);
}

static int partition_plan(const struct policy_world *world, const void *given, void *ret_plan,
                          char *ret_problem)
{
    const struct partition_parameters *p = given;
    struct partition_plan *plan = ret_plan;
    plan->model = chosen_model(world, p);
    plan->layers = world->model[plan->model].layers;
    plan->tiers = world->tiers;
    for (int tier = 0; tier < world->tiers; tier++) {
        const struct amounts back = return_amounts(world, tier);
        plan->return_value[tier] = value_of(world, p, &back);
        plan->may_compute[tier] = policy_can_run(world, tier, plan->model);
    }
    for (int i = 0; i < p->without.count; i++) {
        plan->may_compute[p->without.values[i]] = 0;
    }
    for (int done = plan->layers; done >= 0; done--) {
        for (int tier = 0; tier < world->tiers; tier++) {
            fill_state(world, p, plan, tier, done);
        }
    }
    if (!isfinite(ways_of(plan, 0, 0)->value)) {
        snprintf(ret_problem, POLICY_PROBLEM_ROOM,
                 "no way leads through model '%s': give tiers that can be reached its service "
                 "times, or loosen 'without' and 'most_bytes'",
                 world->model[plan->model].name);
        return -1;
    }
    return 0;
}

// ---- decisions ----

// Follows a way that begins at a tier: computes as far as it stays, then sends or answers.
static struct policy_action follow(const struct policy_world *world,
                                   const struct partition_plan *plan, int tier, int done)
{
    const int start = done;
    const struct way *way = ways_of(plan, tier, done);
    while (way->next == tier) {
        done++;
        way = ways_of(plan, tier, done);
    }
    if (done > start) {
        return policy_compute(plan->model, done - 1);
    }
    return way->next < 0 ? policy_answer(policy_last_exit(world, plan->model))
                         : policy_send(way->next);
}

// At a tier that was sent to: at least one layer, then as the plan says.
static struct policy_action arrive(const struct partition_plan *plan, int tier, int done)
{
    done++;
    while (ways_of(plan, tier, done)->next == tier) {
        done++;
    }
    return policy_compute(plan->model, done - 1);
}

// The value of sending now from the origin, with what its node observes in place of the nominal
// figures of the first link.
static double observed_send(const struct policy_world *world, const struct partition_parameters *p,
                            const struct policy_view *view, int to, double content)
{
    struct amounts sent;
    if (!send_amounts(world, 0, to, content, &sent)) {
        return INFINITY;
    }
    const int first = world->route[to];
    const int is_fresh = view->now_s - view->link_seen_s[first] <= p->refresh_s;
    struct amounts nominal = {0};
    struct amounts observed = {0};
    add_hop(world, first, 1, content, -1, &nominal);
    add_hop(world, first, 1, content, is_fresh ? view->link_bytes_per_s[first] : -1, &observed);
    observed.s += view->link_backlog_s[first];
    return value_of(world, p, &sent) - value_of(world, p, &nominal) + value_of(world, p, &observed);
}

// The best way from the origin, with `done` layers done, by what is observed now. Higher tiers go
// on as the static plan says, and so does the origin where no way is open: all it could send over
// is out.
static struct policy_action choose(const struct policy_world *world,
                                   const struct partition_parameters *p,
                                   const struct partition_plan *plan,
                                   const struct policy_view *view, int done)
{
    double best = INFINITY;
    int best_cut = done;
    int best_to = -1;
    // Waiting in the own queue is paid by every way that computes here first.
    const struct amounts wait = {.s = view->backlog_s};
    double here = value_of(world, p, &wait);
    for (int cut = done; cut <= plan->layers; cut++) {
        if (cut > done) {
            if (!plan->may_compute[0]) {
                break;
            }
            const struct amounts layer = layer_amounts(world, plan, 0, cut - 1);
            here += value_of(world, p, &layer);
        }
        const double before = cut > done ? here : 0;
        if (cut == plan->layers) {
            if (before + plan->return_value[0] < best) {
                best_cut = cut;
                best_to = -1;
            }
            break;
        }
        const double content = payload(world, plan, cut);
        for (int to = 1; to < plan->tiers && may_send(p, content); to++) {
            if (!plan->may_compute[to] || !isfinite(ways_of(plan, to, cut + 1)->value)) {
                continue;
            }
            const struct amounts layer = layer_amounts(world, plan, to, cut);
            const double value = before + observed_send(world, p, view, to, content) +
                                 value_of(world, p, &layer) + ways_of(plan, to, cut + 1)->value;
            if (value < best) {
                best = value;
                best_cut = cut;
                best_to = to;
            }
        }
    }
    if (best_cut > done) {
        return policy_because(policy_compute(plan->model, best_cut - 1),
                              best_to < 0 ? "best computed here to the end"
                                          : "best sent on after layers here");
    }
    return best_to < 0 ? policy_because(follow(world, plan, 0, done), "no way is open")
                       : policy_because(policy_send(best_to), "best sent on now");
}

static struct policy_action partition_decide(const struct policy_world *world, const void *given,
                                             const void *chosen, void *state,
                                             const struct policy_view *view)
{
    (void)state;
    const struct partition_parameters *p = given;
    const struct partition_plan *plan = chosen;
    struct policy_action lost;
    if (policy_when_lost(world, view, p->when_lost, &lost)) {
        return lost;
    }
    const int done = view->model == plan->model ? view->layer + 1 : 0;
    if (done == plan->layers) {
        return policy_answer(policy_last_exit(world, plan->model));
    }
    if (view->has_arrived) {
        return arrive(plan, view->tier, done);
    }
    if (view->tier == 0 && p->when == WHEN_DYNAMIC) {
        return choose(world, p, plan, view, done);
    }
    return follow(world, plan, view->tier, done);
}

static int partition_uses_prices(const void *given)
{
    const struct partition_parameters *p = given;
    return p->objective == OBJECTIVE_COST;
}

// ---- explanation ----

// Adds "edge 0..19" to the cell, layers by the names of the first and the last; "..." where that
// has no room.
static void add_segment(const struct policy_world *world, const struct partition_plan *plan,
                        int tier, int first, int last, char cell[POLICY_EXPLAIN_ROOM])
{
    static const char more[] = ", ...";
    const struct policy_model *model = &world->model[plan->model];
    const size_t used = strlen(cell);
    char segment[POLICY_EXPLAIN_ROOM];
    const int length =
        snprintf(segment, sizeof(segment), "%s%s %s..%s", used ? ", " : "", world->tier[tier].name,
                 model->layer_names[first], model->layer_names[last]);
    if (used + (size_t)length + sizeof(more) <= POLICY_EXPLAIN_ROOM) {
        memcpy(cell + used, segment, (size_t)length + 1);
    } else if (used + sizeof(more) <= POLICY_EXPLAIN_ROOM) {
        memcpy(cell + used, used ? more : more + 2, used ? sizeof(more) : sizeof(more) - 2);
    }
}

static int partition_explain(const struct policy_world *world, const void *given,
                             const void *chosen, int row,
                             char cells[POLICY_EXPLAIN_CELLS][POLICY_EXPLAIN_ROOM])
{
    static const char *const headings[] = {"rank", "latency_s",  "device_energy_j",
                                           "cost", "sent_bytes", "layers"};
    enum { CELLS = sizeof(headings) / sizeof(headings[0]) };
    const struct partition_parameters *p = given;
    const struct partition_plan *plan = chosen;
    if (row < 0) {
        for (int i = 0; i < CELLS; i++) {
            snprintf(cells[i], POLICY_EXPLAIN_ROOM, "%s", headings[i]);
        }
        return CELLS;
    }
    if (row >= RANKED || !isfinite(ways_of(plan, 0, 0)[row].value)) {
        return 0;
    }
    struct amounts sum = {0};
    int tier = 0;
    int first = 0;
    const struct way *way = &ways_of(plan, 0, 0)[row];
    cells[5][0] = '\0';
    for (int done = 0; done < plan->layers; done++) {
        if (way->next != tier) {
            struct amounts sent;
            send_amounts(world, tier, way->next, payload(world, plan, done), &sent);
            add_amounts(&sum, &sent);
            if (done > first) {
                add_segment(world, plan, tier, first, done - 1, cells[5]);
            }
            tier = way->next;
            first = done;
        }
        const struct amounts layer = layer_amounts(world, plan, tier, done);
        add_amounts(&sum, &layer);
        way = &ways_of(plan, tier, done + 1)[way->rank];
    }
    add_segment(world, plan, tier, first, plan->layers - 1, cells[5]);
    const struct amounts back = return_amounts(world, tier);
    add_amounts(&sum, &back);
    const struct partition_parameters by_cost = {.objective = OBJECTIVE_COST};
    snprintf(cells[0], POLICY_EXPLAIN_ROOM, "%d", row + 1);
    snprintf(cells[1], POLICY_EXPLAIN_ROOM, "%.9g", sum.s);
    snprintf(cells[2], POLICY_EXPLAIN_ROOM, "%.9g", sum.device_j);
    snprintf(cells[3], POLICY_EXPLAIN_ROOM, "%.9g", value_of(world, &by_cost, &sum));
    snprintf(cells[4], POLICY_EXPLAIN_ROOM, "%.9g", sum.payload_bytes);
    (void)p;
    return CELLS;
}

static unsigned partition_observes(const void *given)
{
    const struct partition_parameters *p = given;
    return p->when == WHEN_DYNAMIC ? POLICY_OBSERVES_LINKS : 0;
}

extern const struct policy_type policy_partition;
const struct policy_type policy_partition = {
    .api = POLICY_API_VERSION,
    .name = "partition",
    .summary = "cut a network between tiers where the predicted latency, energy or cost is least",
    .paper =
        "Kang et al. (Neurosurgeon), ASPLOS 2017, DOI 10.1145/3037697.3037698; several hops as "
        "in Lockhart et al. (Scission), UCC 2020, arXiv 2008.03523",
    .example = "policy: {partition: {minimise: latency, when: dynamic}}",
    .decides_by_sample = 1,
    .parameters = parameters,
    .parameter_bytes = sizeof(struct partition_parameters),
    .plan_bytes = sizeof(struct partition_plan),
    .plan_more_bytes = partition_more_bytes,
    .observes = partition_observes,
    .plan = partition_plan,
    .uses_prices = partition_uses_prices,
    .explain = partition_explain,
    .decide = partition_decide,
};
