// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/world.h"

#include "base/check.h"
#include "base/memory.h"
#include "base/text.h"
#include "model/generator.h"
#include "model/price.h"
#include "model/tally.h"
#include "model/training.h"
#include "scenario/trace.h"

#include <math.h>

// A purpose for what belongs to a layer of a model at a tier, named by their names.
static uint64_t layer_purpose(struct arena *arena, const char *tier, const char *model, int layer)
{
    return stream_purpose("service", arena_format(arena, "%s/%s/%d", tier, model, layer));
}

// The energy of a model's layers where the scenario states it; NULL where the power tells.
static const double *stated_energy(const struct spec_tier *tier, int model)
{
    for (int i = 0; i < tier->compute.energy_count; i++) {
        if (tier->compute.energies[i].model == model) {
            return tier->compute.energies[i].layers;
        }
    }
    return NULL;
}

static void build_tier(struct world *world, int index, struct arena *arena)
{
    const struct spec *spec = world->spec;
    const struct spec_tier *from = &spec->tiers[index];
    struct world_tier *tier = &world->tier[index];
    tier->compute = -1;
    tier->nodes = (uint32_t)from->nodes;
    tier->idle_w = from->compute.idle_w;
    tier->layers = arena_new_array(arena, (size_t)spec->model_count, struct world_layer *);
    tier->layer_mean_s = arena_new_array(arena, (size_t)spec->model_count, const double *);
    tier->layer_mean_j = arena_new_array(arena, (size_t)spec->model_count, const double *);
    const double watts =
        (from->compute.active_w - from->compute.idle_w) / (double)from->compute.servers;
    for (int i = 0; i < from->compute.time_count; i++) {
        const struct spec_time *time = &from->compute.times[i];
        const struct spec_model *model = &spec->models[time->model];
        struct world_layer *layers =
            arena_new_array(arena, (size_t)model->layers, struct world_layer);
        double *means = arena_new_array(arena, (size_t)model->layers, double);
        double *joules = arena_new_array(arena, (size_t)model->layers, double);
        const double *stated = stated_energy(from, time->model);
        for (int k = 0; k < model->layers; k++) {
            distribution_init(&layers[k].time, &time->layers[k], arena);
            layers[k].parameters = &time->layers[k];
            layers[k].purpose = layer_purpose(arena, from->name, model->name, k);
            layers[k].joules = stated ? stated[k] : NAN;
            means[k] = layers[k].time.mean;
            joules[k] = stated ? stated[k] : watts * means[k];
        }
        tier->layer_mean_j[time->model] = joules;
        tier->layers[time->model] = layers;
        tier->layer_mean_s[time->model] = means;
    }
}

static struct world_station *add_station(struct world *world, const char *name,
                                         enum station_role role, uint32_t lanes, uint32_t servers,
                                         int64_t room)
{
    struct world_station *station = &world->station[world->stations++];
    station->name = name;
    station->role = role;
    station->tier = station->link = -1;
    station->lanes = lanes;
    station->first_lane = world->lanes;
    station->servers = servers;
    station->room = room;
    world->lanes += lanes;
    return station;
}

static void build_stations(struct world *world, struct arena *arena)
{
    const struct spec *spec = world->spec;
    world->station = arena_new_array(arena, (size_t)spec->tier_count + 2 * (size_t)spec->link_count,
                                     struct world_station);
    for (int i = 0; i < spec->tier_count; i++) {
        const struct spec_tier *tier = &spec->tiers[i];
        if (tier->compute.present) {
            world->tier[i].compute = world->stations;
            struct world_station *station =
                add_station(world, tier->name, STATION_COMPUTE, (uint32_t)tier->nodes,
                            (uint32_t)tier->compute.servers, tier->compute.room);
            station->tier = i;
            station->watts =
                (tier->compute.active_w - tier->compute.idle_w) / tier->compute.servers;
        }
    }
    for (int i = 0; i < spec->link_count; i++) {
        const struct spec_link *link = &spec->links[i];
        const char *from = spec->tiers[link->from].name;
        const char *to = spec->tiers[link->to].name;
        const uint32_t lanes =
            (uint32_t)(link->count ? link->count : spec->tiers[link->from].nodes);
        for (int down = 0; down < 2; down++) {
            const char *name = arena_format(arena, "%s-%s.%s", from, to, down ? "down" : "up");
            struct world_station *station =
                add_station(world, name, down ? STATION_DOWN : STATION_UP, lanes, 1, link->room);
            station->link = i;
            rate_init(&station->rate, down ? &link->down : &link->up);
            station->purpose = stream_purpose("delay", name);
            station->watts = down ? link->radio.receive_w : link->radio.send_w;
            station->joules_per_byte =
                down ? link->radio.receive_j_per_byte : link->radio.send_j_per_byte;
            distribution_init(&station->delay, &link->delay, arena);
        }
    }
    world->lane_servers = arena_new_array(arena, world->lanes, uint64_t);
    for (int i = 0; i < world->stations; i++) {
        const struct world_station *station = &world->station[i];
        for (uint32_t lane = 0; lane < station->lanes; lane++) {
            world->lane_servers[station->first_lane + lane] = world->servers;
            world->servers += station->servers;
        }
    }
}

// The first hop of the way with the fewest links from every tier to every other, found breadth
// first from each destination: among ways of equal length, those over the tiers that the
// destination's own links name first win.
static void build_hops(struct world *world, struct arena *arena)
{
    const struct spec *spec = world->spec;
    const int first_link = world->stations - 2 * spec->link_count;
    const size_t tiers = (size_t)world->tiers;
    world->hops = arena_new_array(arena, tiers * tiers, struct world_hop);
    int *queue = arena_new_array(arena, tiers, int);
    for (int to = 0; to < world->tiers; to++) {
        for (int from = 0; from < world->tiers; from++) {
            world->hops[from * world->tiers + to].station = -1;
        }
        int reached = 0;
        queue[reached++] = to;
        for (int next = 0; next < reached; next++) {
            const int here = queue[next];
            for (int i = 0; i < spec->link_count; i++) {
                const struct spec_link *link = &spec->links[i];
                if (link->from != here && link->to != here) {
                    continue;
                }
                const bool is_up = link->to == here;
                const int there = is_up ? link->from : link->to;
                struct world_hop *hop = &world->hops[there * world->tiers + to];
                if (there != to && hop->station < 0) {
                    hop->station = first_link + 2 * i + (is_up ? 0 : 1);
                    hop->tier = here;
                    queue[reached++] = there;
                }
            }
        }
    }
}

// Samples without a trace are all alike: every exit is sure and right.
static const struct trace *sure_trace(const struct spec *spec, struct arena *arena)
{
    struct trace *trace = arena_new(arena, struct trace);
    trace->path = "";
    trace->rows = 1;
    trace->exits = spec->exit_count;
    trace->outcomes = arena_new_array(arena, (size_t)spec->exit_count, struct trace_outcome);
    for (int i = 0; i < spec->exit_count; i++) {
        trace->outcomes[i] =
            (struct trace_outcome){.confidence = 1, .prediction = -1, .correct = 1};
    }
    return trace;
}

static int build_reasons(struct world *world, struct arena *arena, struct text *ret_error)
{
    int own = 0;
    while (world->policy->reasons && world->policy->reasons[own]) {
        own++;
    }
    world->reason = arena_new_array(arena, (size_t)(REASON_ENGINE_COUNT + own), const char *);
    world->reason[REASON_FULL] = "full";
    for (int i = 0; i < own; i++) {
        const char *name = world->policy->reasons[i];
        for (int k = 0; k < REASON_ENGINE_COUNT; k++) {
            if (strcmp(world->reason[k], name) == 0) {
                text_format(ret_error,
                            "policy '%s' cannot work here: '%s' is the simulator's own reason of a "
                            "drop; call the policy's differently",
                            world->policy->name, name);
                return -1;
            }
        }
        world->reason[REASON_ENGINE_COUNT + i] = name;
    }
    world->reasons = REASON_ENGINE_COUNT + own;
    return 0;
}

// Reserves `count` counters and returns the number of the first.
static int reserve_counters(struct world *world, int count)
{
    const int first = world->counters.count;
    world->counters.count += count;
    return first;
}

// A price for each counter that the table weighs; counters of a family are in the order of the
// links or tiers.
static void build_prices(struct world *world, struct arena *arena)
{
    const struct spec *spec = world->spec;
    struct world_counters *c = &world->counters;
    c->prices = arena_new_array(arena, (size_t)c->count, double);
    for (const struct price *price = price_table; price->key; price++) {
        const int wanted = price->each == PRICE_EACH_LINK   ? spec->link_count
                           : price->each == PRICE_EACH_TIER ? spec->tier_count
                                                            : 1;
        int found = 0;
        for (int i = 0; i < c->count; i++) {
            if (price_weighs(price, c->names[i])) {
                c->prices[i] = price_value(price, &spec->prices, (size_t)found);
                found++;
            }
        }
        CHECK(NULL, found == wanted);
    }
}

static void build_counters(struct world *world, struct arena *arena)
{
    static const char *const fixed_names[COUNTER_FIXED_COUNT] = {
        [COUNTER_OFFERED] = "offered",
        [COUNTER_ANSWERED] = "answered",
        [COUNTER_CORRECT] = "correct",
        [COUNTER_ERRORS] = "errors",
        [COUNTER_ON_TIME_CORRECT] = "on_time_correct",
        [COUNTER_DEADLINE_MISSES] = "deadline_misses",
        [COUNTER_OFFLOADED] = "offloaded",
        [COUNTER_DROPPED] = "drops",
        [COUNTER_LATENCY_S] = "latency_s",
        [COUNTER_BYTES] = "bytes",
        [COUNTER_JOULES] = "energy_j",
    };
    const struct spec *spec = world->spec;
    struct world_counters *c = &world->counters;
    c->count = COUNTER_FIXED_COUNT;
    c->offloads = reserve_counters(world, spec->link_count);
    c->layers = reserve_counters(world, spec->tier_count);
    c->busy_s = reserve_counters(world, spec->tier_count);
    c->joules = reserve_counters(world, spec->tier_count);
    c->answered_at = reserve_counters(world, spec->tier_count);
    c->answered_by = reserve_counters(world, spec->exit_count);
    c->dropped_for = reserve_counters(world, world->reasons);
    c->bytes = reserve_counters(world, 2 * spec->link_count);
    c->names = arena_new_array(arena, (size_t)c->count, const char *);
    for (int i = 0; i < COUNTER_FIXED_COUNT; i++) {
        c->names[i] = fixed_names[i];
    }
    const int first_link = world->stations - 2 * spec->link_count;
    for (int i = 0; i < spec->link_count; i++) {
        c->names[c->offloads + i] =
            arena_format(arena, "offloads.%s-%s", spec->tiers[spec->links[i].from].name,
                         spec->tiers[spec->links[i].to].name);
        for (int down = 0; down < 2; down++) {
            c->names[c->bytes + 2 * i + down] =
                arena_format(arena, "bytes.%s", world->station[first_link + 2 * i + down].name);
        }
    }
    for (int i = 0; i < spec->tier_count; i++) {
        const char *name = spec->tiers[i].name;
        c->names[c->layers + i] = arena_format(arena, "layers.%s", name);
        c->names[c->busy_s + i] = arena_format(arena, "busy_s.%s", name);
        c->names[c->joules + i] = arena_format(arena, "energy_j.%s", name);
        c->names[c->answered_at + i] = arena_format(arena, "answered.%s", name);
    }
    for (int i = 0; i < spec->exit_count; i++) {
        c->names[c->answered_by + i] = arena_format(
            arena, "exits.%s.%s", spec->models[spec->exits[i].model].name, spec->exits[i].name);
    }
    for (int i = 0; i < world->reasons; i++) {
        c->names[c->dropped_for + i] = arena_format(arena, "drops.%s", world->reason[i]);
    }
    build_prices(world, arena);
}

static const struct generator *build_generator(const struct spec *spec, struct arena *arena)
{
    if (!spec->generated) {
        return NULL;
    }
    int *exits = arena_new_array(arena, (size_t)spec->exit_count, int);
    for (int i = 0; i < spec->exit_count; i++) {
        exits[i] = spec->exits[i].outcome;
    }
    const struct generator_wanted wanted = {.exits = exits,
                                            .exit_count = spec->exit_count,
                                            .features = spec->samples.feature_columns,
                                            .feature_count = spec->samples.feature_count};
    return generator_build(spec->generated, &wanted, arena);
}

static int plan_policy(struct world *world, struct arena *arena, struct text *ret_error)
{
    const struct policy_type *policy = world->policy;
    const size_t more =
        policy->plan_more_bytes ? policy->plan_more_bytes(&world->view, world->parameters) : 0;
    void *plan = arena_alloc(arena, policy->plan_bytes + more);
    char problem[POLICY_PROBLEM_ROOM] = "";
    if (policy->needs_training && !world->view.training.rows) {
        text_format(ret_error,
                    "policy '%s' cannot work here: it learns from %s, and there are none; add for "
                    "example '%s' to 'samples'",
                    policy->name,
                    world->generator ? "samples that are drawn beforehand"
                                     : "rows of the trace that are set aside",
                    world->generator ? "train_samples: 1000" : "train: 30 %");
        return -1;
    }
    if (policy->plan && policy->plan(&world->view, world->parameters, plan, problem) != 0) {
        problem[sizeof(problem) - 1] = '\0';
        text_format(ret_error, "policy '%s' cannot work here: %s", policy->name,
                    problem[0] ? problem : "it does not say why");
        return -1;
    }
    world->plan = plan;
    return 0;
}

struct world *world_build(const struct spec *spec, int policy, struct arena *arena,
                          struct text *ret_error)
{
    struct world *world = arena_new(arena, struct world);
    world->spec = spec;
    world->trace = spec->trace ? spec->trace : sure_trace(spec, arena);
    world->generator = build_generator(spec, arena);
    world->policy = spec->policies[policy].type;
    world->parameters = spec->policies[policy].parameters;
    world->tiers = spec->tier_count;
    world->tier = arena_new_array(arena, (size_t)spec->tier_count, struct world_tier);
    for (int i = 0; i < spec->tier_count; i++) {
        build_tier(world, i, arena);
    }
    distribution_init(&world->payload, &spec->samples.payload, arena);
    build_stations(world, arena);
    build_hops(world, arena);
    world_describe(world, arena);
    training_set_aside(world, arena);
    world->devices = (uint64_t)spec->tiers[0].nodes;
    if (spec->tiers[0].arrivals.kind == ARRIVALS_CLOSED) {
        distribution_init(&world->think, &spec->tiers[0].arrivals.think, arena);
    }
    world->purpose_arrival = stream_purpose("arrival", spec->tiers[0].name);
    world->purpose_think = stream_purpose("think", spec->tiers[0].name);
    world->purpose_order = stream_purpose("order", "");
    world->purpose_payload = stream_purpose("payload", "");
    world->purpose_policy = stream_purpose("policy", "");
    if (build_reasons(world, arena, ret_error) != 0) {
        return NULL;
    }
    build_counters(world, arena);
    metrics_define(world, arena);
    if (plan_policy(world, arena, ret_error) != 0) {
        return NULL;
    }
    return world;
}

bool world_uses_prices(const struct world *world)
{
    return world->policy->uses_prices && world->policy->uses_prices(world->parameters);
}

double world_cost(const double *prices, const double *counters, int count)
{
    double cost = 0;
    for (int i = 0; i < count; i++) {
        cost += prices[i] * counters[i];
    }
    return cost / counters[COUNTER_OFFERED];
}
