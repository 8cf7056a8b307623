// SPDX-License-Identifier: GPL-3.0-or-later

// How compute stations work, of what the scenario says of their servers and queues; and which links
// hold samples back before them.

#include "base/memory.h"
#include "model/lane.h"
#include "model/world.h"

#include <math.h>
#include <stdlib.h>

static int compare_speeds(const void *left, const void *right)
{
    const double a = *(const double *)left;
    const double b = *(const double *)right;
    return (b > a) - (b < a);
}

// The fastest first.
static const double *sorted_speeds(const struct spec_compute *compute, struct arena *arena)
{
    const size_t count = (size_t)compute->speed_count;
    double *speeds = arena_new_array(arena, count, double);
    for (size_t i = 0; i < count; i++) {
        speeds[i] = compute->speeds[i];
    }
    qsort(speeds, count, sizeof(*speeds), compare_speeds);
    return speeds;
}

// Whether the order of service is known when a sample arrives.
static bool is_direct(const struct spec_compute *compute)
{
    return compute->discipline == DISCIPLINE_FIFO && !compute->speeds && !compute->batch.present &&
           !compute->failures.present && !compute->cold_start.present &&
           !compute->scaling.present && !compute->steps;
}

// The sum of the speeds of all servers.
static double capacity_of(const struct spec_compute *compute)
{
    double capacity = compute->speeds ? 0 : compute->servers;
    for (int i = 0; compute->speeds && i < compute->speed_count; i++) {
        capacity += compute->speeds[i];
    }
    return capacity;
}

// Those that share the active power of a node.
static int most_servers(const struct spec_compute *compute)
{
    return compute->scaling.present ? compute->scaling.most : compute->servers;
}

struct world_server world_server(const struct spec_compute *compute)
{
    struct world_server server = {capacity_of(compute) / compute->servers,
                                  (compute->active_w - compute->idle_w) / most_servers(compute)};
    if (compute->steps) {
        const struct spec_step *last = &compute->steps[compute->step_count - 1];
        server.speed *= last->speed;
        server.watts = (last->active_w - compute->idle_w) / most_servers(compute);
    }
    return server;
}

static void add_scaling(struct lane_rules *rules, const struct spec_compute *compute)
{
    const struct spec_scaling *scaling = &compute->scaling;
    if (scaling->present) {
        rules->scaling = scaling;
        rules->scaling_orders = (uint32_t)(scaling->start_s / scaling->every_s) + 2;
        rules->most_servers = (uint32_t)scaling->most;
    }
}

static void add_steps(struct lane_rules *rules, const struct spec_compute *compute,
                      struct arena *arena)
{
    if (!compute->steps) {
        return;
    }
    double *watts = arena_new_array(arena, (size_t)compute->step_count, double);
    for (int i = 0; i < compute->step_count; i++) {
        watts[i] = (compute->steps[i].active_w - compute->idle_w) / rules->most_servers;
    }
    rules->steps = compute->steps;
    rules->step_count = compute->step_count;
    rules->step_watts = watts;
}

static void add_failures(struct lane_rules *rules, const char *name,
                         const struct spec_failures *failures, struct arena *arena)
{
    rules->fails = failures->present;
    if (failures->present) {
        rules->failed_jobs = failures->jobs;
        rate_add_alternating(&rules->works, arena, &failures->every, &failures->repair,
                             stream_purpose("failure", name));
    }
}

static void add_cold_start(struct lane_rules *rules, const char *name,
                           const struct spec_cold_start *cold, struct arena *arena)
{
    rules->cold_idle_s = INFINITY;
    if (cold->present) {
        rules->cold_idle_s = cold->idle_s;
        distribution_init(&rules->cold_time, &cold->time, arena);
        rules->cold_purpose = stream_purpose("cold", name);
    }
}

// A station with a queue gets a place for each of its lanes among all that have one.
static void add_rules(struct world *world, struct world_station *station,
                      const struct lane_rules *rules)
{
    station->rules = rules;
    station->first_queued = world->queued;
    world->queued += station->lanes;
    station->first_idle_word = world->idle_words;
    world->idle_words += (uint64_t)station->lanes * lane_idle_words(rules);
    station->first_shared = world->shared;
    world->shared += rules->discipline == DISCIPLINE_SHARING ? station->lanes : 0;
    station->first_order = world->orders;
    world->orders += (uint64_t)station->lanes * rules->scaling_orders;
}

void world_add_compute(struct world *world, struct world_station *station,
                       const struct spec_compute *compute, struct arena *arena)
{
    station->patience_s = compute->patience_s;
    station->blocks = compute->full == FULL_BLOCK && compute->room >= 0;
    station->watts = (compute->active_w - compute->idle_w) / most_servers(compute);
    if (is_direct(compute)) {
        return;
    }
    struct lane_rules *rules = arena_new(arena, struct lane_rules);
    rules->discipline = compute->discipline;
    rules->speeds = compute->speeds ? sorted_speeds(compute, arena) : NULL;
    rules->capacity = capacity_of(compute);
    rules->makes_batches = compute->batch.present;
    rules->batch_most = compute->batch.present ? (uint32_t)compute->batch.most : 1;
    rules->batch_wait_s = compute->batch.wait_s;
    rate_init(&rules->works, 1);
    rules->most_servers = station->servers;
    add_scaling(rules, compute);
    add_steps(rules, compute, arena);
    add_failures(rules, station->name, &compute->failures, arena);
    add_cold_start(rules, station->name, &compute->cold_start, arena);
    rules->lists_serving = rules->fails || rules->discipline == DISCIPLINE_PREEMPTIVE;
    add_rules(world, station, rules);
}

// Whether some node that a link leads to, in one of its directions, holds samples back.
static bool leads_to_blocking(const struct world *world, const struct world_station *station)
{
    const struct spec_link *link = &world->spec->links[station->link];
    const int far = station->role == STATION_UP ? link->to : link->from;
    const int compute = world->classes[0].tier[far].compute;
    return compute >= 0 && world->station[compute].blocks;
}

void world_add_holding(struct world *world, struct arena *arena)
{
    for (int i = 0; i < world->stations; i++) {
        struct world_station *station = &world->station[i];
        if (station->role == STATION_COMPUTE || station->rules ||
            !leads_to_blocking(world, station)) {
            continue;
        }
        struct lane_rules *rules = arena_new(arena, struct lane_rules);
        rules->capacity = station->rate.nominal;
        rules->batch_most = 1;
        rules->most_servers = station->servers;
        rules->cold_idle_s = INFINITY;
        rules->holds = true;
        add_rules(world, station, rules);
    }
}
