// SPDX-License-Identifier: GPL-3.0-or-later

// The world as a policy sees it: nominal figures, in the structures of policies/policy.h.

#include "base/memory.h"
#include "model/world.h"
#include "scenario/profile.h"
#include "scenario/trace.h"

#include <math.h>

static const struct policy_tier *
describe_tiers(const struct world *world, const struct world_class *devices, struct arena *arena)
{
    const struct spec *spec = world->spec;
    struct policy_tier *tiers =
        arena_new_array(arena, (size_t)spec->tier_count, struct policy_tier);
    for (int i = 0; i < spec->tier_count; i++) {
        tiers[i].name = spec->tiers[i].name;
        const struct spec_tier *from = i ? &spec->tiers[i] : devices->spec;
        tiers[i].nodes = from->nodes;
        tiers[i].servers = from->compute.present ? from->compute.servers : 0;
        tiers[i].layer_mean_s = devices->tier[i].layer_mean_s;
        tiers[i].layer_mean_j = devices->tier[i].layer_mean_j;
        tiers[i].layer_price = spec->prices.layer[i];
    }
    return tiers;
}

static const struct policy_model *describe_models(const struct spec *spec, struct arena *arena)
{
    struct policy_model *models =
        arena_new_array(arena, (size_t)spec->model_count, struct policy_model);
    for (int i = 0; i < spec->model_count; i++) {
        const struct spec_model *from = &spec->models[i];
        const size_t layers = (size_t)from->layers;
        double *output_bytes = arena_new_array(arena, layers, double);
        const char **names = arena_new_array(arena, layers, const char *);
        for (size_t k = 0; k < layers; k++) {
            output_bytes[k] = from->output_bytes ? from->output_bytes[k] : NAN;
            names[k] = from->times ? from->times->layers[k] : arena_format(arena, "%zu", k + 1);
        }
        models[i] = (struct policy_model){.name = from->name,
                                          .layers = from->layers,
                                          .first_exit = from->first_exit,
                                          .exits = from->exit_count,
                                          .layer_names = names,
                                          .output_bytes = output_bytes};
    }
    return models;
}

static const struct policy_exit *describe_exits(const struct spec *spec, struct arena *arena)
{
    struct policy_exit *exits =
        arena_new_array(arena, (size_t)spec->exit_count, struct policy_exit);
    for (int i = 0; i < spec->exit_count; i++) {
        exits[i].name = spec->exits[i].name;
        exits[i].model = spec->exits[i].model;
        exits[i].layer = spec->exits[i].after;
    }
    return exits;
}

static const struct policy_link *describe_links(const struct world *world, struct arena *arena)
{
    const struct spec *spec = world->spec;
    const struct world_station *stations = world->station + world->stations - 2 * spec->link_count;
    struct policy_link *links =
        arena_new_array(arena, (size_t)spec->link_count, struct policy_link);
    for (int i = 0; i < spec->link_count; i++) {
        const struct spec_link *link = &spec->links[i];
        const struct world_station *up = &stations[2 * i];
        const struct world_station *down = &stations[2 * i + 1];
        links[i] = (struct policy_link){.from = link->from,
                                        .to = link->to,
                                        .up_bytes_per_s = up->rate.nominal,
                                        .down_bytes_per_s = down->rate.nominal,
                                        .up_delay_mean_s = up->delay.mean,
                                        .down_delay_mean_s = down->delay.mean,
                                        .overhead_bytes = link->overhead_bytes,
                                        .offload_price = spec->prices.offload[i],
                                        .send_w = link->radio.send_w,
                                        .send_j_per_byte = link->radio.send_j_per_byte,
                                        .receive_w = link->radio.receive_w,
                                        .receive_j_per_byte = link->radio.receive_j_per_byte};
    }
    return links;
}

// The first link of the way from each tier to each other.
static const int *describe_routes(const struct world *world, const struct world_class *devices,
                                  struct arena *arena)
{
    const int count = world->tiers * world->tiers;
    int *route = arena_new_array(arena, (size_t)count, int);
    for (int i = 0; i < count; i++) {
        const int station = devices->hops[i].station;
        route[i] = station < 0 ? -1 : world->station[station].link;
    }
    return route;
}

// What is the same for all classes.
static struct policy_world describe_common(const struct world *world, struct arena *arena)
{
    const struct spec *spec = world->spec;
    const struct spec_prices *prices = &spec->prices;
    return (struct policy_world){.tiers = spec->tier_count,
                                 .models = spec->model_count,
                                 .model = describe_models(spec, arena),
                                 .exits = spec->exit_count,
                                 .exit = describe_exits(spec, arena),
                                 .links = spec->link_count,
                                 .link = describe_links(world, arena),
                                 .answer_bytes = spec->samples.answer_bytes,
                                 .features = spec->samples.feature_count,
                                 .prices = {.error = prices->error,
                                            .latency_per_s = prices->latency_per_s,
                                            .energy_per_j = prices->energy_per_j,
                                            .byte = prices->byte,
                                            .deadline_miss = prices->deadline_miss,
                                            .drop = prices->drop}};
}

void world_describe(struct world *world, struct arena *arena)
{
    const struct policy_world common = describe_common(world, arena);
    for (int i = 0; i < world->class_count; i++) {
        struct world_class *devices = &world->classes[i];
        devices->view = common;
        devices->view.tier = describe_tiers(world, devices, arena);
        devices->view.route = describe_routes(world, devices, arena);
        devices->view.payload_mean_bytes =
            world_mean(world, &devices->payload, devices->payload_parameters);
        devices->view.deadline_s = devices->deadline_s;
    }
    world->view = world->classes[0].view;
}
