// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/world.h"
#include "model/controls.h"

#include "base/memory.h"
#include "base/text.h"
#include "model/self_check.h"
#include "model/tally.h"
#include "model/training.h"

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

// What the nodes of a tier can compute, or the devices of a class; `name` is that of the tier.
static void build_tier(struct world *world, const struct spec_tier *from, const char *name,
                       struct world_tier *tier, struct arena *arena)
{
    const struct spec *spec = world->spec;
    tier->compute = -1;
    tier->nodes = (uint32_t)from->nodes;
    tier->idle_w = from->compute.idle_w;
    tier->balance = from->balance;
    tier->purpose_balance[0] = stream_purpose("balance", name);
    tier->purpose_balance[1] = stream_purpose("balance again", name);
    world->balances |= from->balance != BALANCE_HOME;
    tier->layers = arena_new_array(arena, (size_t)spec->model_count, struct world_layer *);
    tier->layer_mean_s = arena_new_array(arena, (size_t)spec->model_count, const double *);
    tier->layer_mean_j = arena_new_array(arena, (size_t)spec->model_count, const double *);
    const struct world_server server = world_server(&from->compute);
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
            layers[k].purpose = layer_purpose(arena, name, model->name, k);
            layers[k].draws = world->draws++;
            layers[k].joules = stated ? stated[k] : NAN;
            means[k] = world_mean(world, &layers[k].time, &time->layers[k]) / server.speed;
            joules[k] = stated ? stated[k] : server.watts * means[k];
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
    station->patience_s = INFINITY;
    world->lanes += lanes;
    return station;
}

// The compute station of a tier or of a class of devices, if it has one.
static void add_compute(struct world *world, const struct spec_tier *from, const char *name,
                        int number, struct world_tier *tier, struct arena *arena)
{
    if (!from->compute.present) {
        return;
    }
    tier->compute = world->stations;
    struct world_station *station =
        add_station(world, name, STATION_COMPUTE, (uint32_t)from->nodes,
                    (uint32_t)from->compute.servers, from->compute.room);
    station->tier = number;
    world_add_compute(world, station, &from->compute, arena);
}

static void add_computes(struct world *world, struct arena *arena)
{
    const struct spec *spec = world->spec;
    for (int i = 0; i < world->class_count; i++) {
        struct world_class *devices = &world->classes[i];
        const char *name = devices->name ? arena_format(arena, "%s.%s", spec->tiers[0].name,
                                                        devices->name)
                                         : spec->tiers[0].name;
        add_compute(world, devices->spec, name, 0, &devices->tier[0], arena);
    }
    for (int tier = 1; tier < spec->tier_count; tier++) {
        add_compute(world, &spec->tiers[tier], spec->tiers[tier].name, tier,
                    &world->classes[0].tier[tier], arena);
        for (int i = 1; i < world->class_count; i++) {
            world->classes[i].tier[tier] = world->classes[0].tier[tier];
        }
    }
}

// Nodes of the lower tier that use a link.
static int users_of(const struct spec *spec, const struct spec_link *link)
{
    return link->device_class < 0 ? spec->tiers[link->from].nodes
                                  : spec->classes[link->device_class].nodes;
}

static void build_stations(struct world *world, struct arena *arena)
{
    const struct spec *spec = world->spec;
    world->station = arena_new_array(
        arena,
        (size_t)spec->class_count + (size_t)spec->tier_count + 2 * (size_t)spec->link_count,
        struct world_station);
    add_computes(world, arena);
    for (int i = 0; i < spec->link_count; i++) {
        const struct spec_link *link = &spec->links[i];
        const uint32_t lanes = (uint32_t)(link->count ? link->count : users_of(spec, link));
        for (int down = 0; down < 2; down++) {
            const char *end = down ? "down" : "up";
            struct world_station *station =
                add_station(world, arena_format(arena, "%s.%s", link->name, end),
                            down ? STATION_DOWN : STATION_UP, lanes, 1, link->room);
            station->link = i;
            world_add_link(world, station, arena);
            // Devices have numbers of their own, so that links of classes can share an address.
            station->purpose = stream_purpose(
                "delay", arena_format(arena, "%s-%s.%s", spec->tiers[link->from].name,
                                      spec->tiers[link->to].name, end));
            station->watts = down ? link->radio.receive_w : link->radio.send_w;
            station->joules_per_byte =
                down ? link->radio.receive_j_per_byte : link->radio.send_j_per_byte;
            distribution_init(&station->delay, &link->delay, arena);
            station->draws = world->draws++;
        }
    }
    world_add_holding(world, arena);
    for (int i = 0; i < world->stations; i++) {
        struct world_station *station = &world->station[i];
        station->is_line = !station->rules && !station->is_fair && station->servers == 1 &&
                           isinf(station->patience_s);
    }
    world->lane_servers = arena_new_array(arena, world->lanes, uint64_t);
    for (int i = 0; i < world->stations; i++) {
        const struct world_station *station = &world->station[i];
        for (uint32_t lane = 0; lane < station->lanes; lane++) {
            if (station->is_second) {
                world->lane_servers[station->first_lane + lane] =
                    world->lane_servers[(station - 1)->first_lane + lane];
                continue;
            }
            world->lane_servers[station->first_lane + lane] = world->servers;
            world->servers += station->rules ? 0 : station->servers;
        }
    }
}

// Whether devices of a class may use a link: theirs, and those of all classes where they have none
// of their own.
static bool may_use(const struct spec *spec, int number, int device_class)
{
    const struct spec_link *link = &spec->links[number];
    for (int i = 0; i < spec->link_count && link->device_class < 0; i++) {
        const struct spec_link *other = &spec->links[i];
        if (other->device_class == device_class && other->from == link->from &&
            other->to == link->to) {
            return false;
        }
    }
    return link->device_class < 0 || link->device_class == device_class;
}

// The first hop of the way with the fewest links from every tier to every other, found breadth
// first from each destination: among ways of equal length, those over the tiers that the
// destination's own links name first win.
static void build_hops(struct world *world, int device_class, struct arena *arena)
{
    const struct spec *spec = world->spec;
    const int first_link = world->stations - 2 * spec->link_count;
    const size_t tiers = (size_t)world->tiers;
    struct world_hop *hops = arena_new_array(arena, tiers * tiers, struct world_hop);
    int *queue = arena_new_array(arena, tiers, int);
    for (int to = 0; to < world->tiers; to++) {
        for (int from = 0; from < world->tiers; from++) {
            hops[from * world->tiers + to].station = -1;
        }
        int reached = 0;
        queue[reached++] = to;
        for (int next = 0; next < reached; next++) {
            const int here = queue[next];
            for (int i = 0; i < spec->link_count; i++) {
                const struct spec_link *link = &spec->links[i];
                if ((link->from != here && link->to != here) ||
                    !may_use(spec, i, device_class)) {
                    continue;
                }
                const bool is_up = link->to == here;
                const int there = is_up ? link->from : link->to;
                struct world_hop *hop = &hops[there * world->tiers + to];
                if (there != to && hop->station < 0) {
                    hop->station = first_link + 2 * i + (is_up ? 0 : 1);
                    hop->tier = here;
                    queue[reached++] = there;
                }
            }
        }
    }
    world->classes[device_class].hops = hops;
}

static const char *const own_reasons[REASON_ENGINE_COUNT] = {[REASON_FULL] = "full",
                                                             [REASON_TIMEOUT] = "timeout",
                                                             [REASON_LOST] = "lost",
                                                             [REASON_FAILURE] = "failure"};

static int build_reasons(struct world *world, struct arena *arena, struct text *ret_error)
{
    int own = 0;
    while (world->policy->reasons && world->policy->reasons[own]) {
        own++;
    }
    world->reason = arena_new_array(arena, (size_t)(REASON_ENGINE_COUNT + own), const char *);
    for (int k = 0; k < REASON_ENGINE_COUNT; k++) {
        world->reason[k] = own_reasons[k];
    }
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

static int plan_class(struct world *world, struct world_class *devices, struct arena *arena,
                      struct text *ret_error)
{
    const struct policy_type *policy = world->policy;
    const size_t more =
        policy->plan_more_bytes ? policy->plan_more_bytes(&devices->view, world->parameters) : 0;
    void *plan = arena_alloc(arena, policy->plan_bytes + more);
    char problem[POLICY_PROBLEM_ROOM] = "";
    if (policy->plan && policy->plan(&devices->view, world->parameters, plan, problem) != 0) {
        problem[sizeof(problem) - 1] = '\0';
        text_format(ret_error, "policy '%s' cannot work here: ", policy->name);
        if (devices->name) {
            text_format(ret_error, "for class '%s', ", devices->name);
        }
        text_add(ret_error, problem[0] ? problem : "it does not say why");
        return -1;
    }
    devices->plan = plan;
    return 0;
}

static int plan_policy(struct world *world, struct arena *arena, struct text *ret_error)
{
    const struct policy_type *policy = world->policy;
    if (policy->needs_training && !world->view.training.rows) {
        text_format(ret_error,
                    "policy '%s' cannot work here: it learns from %s, and there are none; add for "
                    "example '%s' to 'samples'",
                    policy->name,
                    world->source[0].generator ? "samples that are drawn beforehand"
                                               : "rows of the trace that are set aside",
                    world->source[0].generator ? "train_samples: 1000" : "train: 30 %");
        return -1;
    }
    for (int i = 0; i < world->class_count; i++) {
        if (plan_class(world, &world->classes[i], arena, ret_error) != 0) {
            return -1;
        }
    }
    return 0;
}

static void build_class(struct world *world, int number, uint32_t first_device,
                        struct arena *arena)
{
    const struct spec *spec = world->spec;
    const struct spec_tier *from = &spec->classes[number];
    struct world_class *devices = &world->classes[number];
    devices->name = spec->has_classes ? from->name : NULL;
    devices->spec = from;
    devices->first_device = first_device;
    devices->devices = (uint32_t)from->nodes;
    devices->deadline_s = from->deadline_s > 0 ? from->deadline_s : spec->samples.deadline_s;
    devices->priority = from->priority;
    devices->weight = from->weight > 0 ? from->weight : 1;
    devices->payload_parameters =
        from->payload.present ? &from->payload.bytes : &spec->samples.payload;
    distribution_init(&devices->payload, devices->payload_parameters, arena);
    devices->tier = arena_new_array(arena, (size_t)spec->tier_count, struct world_tier);
    build_tier(world, from, spec->tiers[0].name, &devices->tier[0], arena);
    arrival_build(&devices->arrival, spec, from, first_device, arena);
}

static void build_classes(struct world *world, struct arena *arena)
{
    const struct spec *spec = world->spec;
    world->has_classes = spec->has_classes;
    world->class_count = spec->class_count;
    world->classes = arena_new_array(arena, (size_t)spec->class_count, struct world_class);
    for (int i = 0; i < spec->class_count; i++) {
        build_class(world, i, (uint32_t)world->devices, arena);
        world->devices += world->classes[i].devices;
    }
    world->tier = world->classes[0].tier;
    for (int i = 1; i < spec->tier_count; i++) {
        build_tier(world, &spec->tiers[i], spec->tiers[i].name, &world->tier[i], arena);
    }
}

struct world *world_build(const struct spec *spec, int policy, struct arena *arena,
                          struct text *ret_error)
{
    struct world *world = arena_new(arena, struct world);
    world->spec = spec;
    world->policy = spec->policies[policy].type;
    world->parameters = spec->policies[policy].parameters;
    world->tiers = spec->tier_count;
    world_build_sources(world, arena);
    build_classes(world, arena);
    build_stations(world, arena);
    for (int i = 0; i < world->class_count; i++) {
        build_hops(world, i, arena);
    }
    world_describe(world, arena);
    training_set_aside(world, arena);
    self_check_prepare(world);
    world->purpose_payload = stream_purpose("payload", "");
    world->purpose_policy = stream_purpose("policy", "");
    if (build_reasons(world, arena, ret_error) != 0) {
        return NULL;
    }
    world_build_counters(world, arena);
    controls_define(world, arena);
    metrics_define(world, arena);
    if (plan_policy(world, arena, ret_error) != 0) {
        return NULL;
    }
    return world;
}

double world_arrival_rate(const struct world *world)
{
    double rate = 0;
    for (int i = 0; i < world->class_count; i++) {
        rate += world->classes[i].arrival.mean_rate_per_s * world->classes[i].devices;
    }
    return rate;
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
