// SPDX-License-Identifier: GPL-3.0-or-later

// The counters of a world: their names and prices.

#include "base/check.h"
#include "base/memory.h"
#include "model/price.h"
#include "model/world.h"

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

static void name_class_counters(struct world *world, struct arena *arena)
{
    static const char *const names[CLASS_COUNTER_COUNT] = {
        [CLASS_OFFERED] = "class_offered",
        [CLASS_ANSWERED] = "class_answered",
        [CLASS_CORRECT] = "class_correct",
        [CLASS_ON_TIME_CORRECT] = "class_on_time_correct",
        [CLASS_DEADLINE_MISSES] = "class_deadline_misses",
        [CLASS_OFFLOADED] = "class_offloaded",
        [CLASS_DROPPED] = "class_drops",
        [CLASS_LATENCY_S] = "class_latency_s",
    };
    for (int i = 0; i < world->class_count && world->has_classes; i++) {
        const char **first = world->counters.names + world->counters.classes;
        for (int k = 0; k < CLASS_COUNTER_COUNT; k++) {
            first[i * CLASS_COUNTER_COUNT + k] =
                arena_format(arena, "%s.%s", names[k], world->classes[i].name);
        }
    }
}

void world_build_counters(struct world *world, struct arena *arena)
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
    c->calls = reserve_counters(world, spec->model_count);
    c->dropped_for = reserve_counters(world, world->reasons);
    c->bytes = reserve_counters(world, 2 * spec->link_count);
    c->classes =
        reserve_counters(world, world->has_classes ? world->class_count * CLASS_COUNTER_COUNT : 0);
    c->names = arena_new_array(arena, (size_t)c->count, const char *);
    for (int i = 0; i < COUNTER_FIXED_COUNT; i++) {
        c->names[i] = fixed_names[i];
    }
    const int first_link = world->stations - 2 * spec->link_count;
    for (int i = 0; i < spec->link_count; i++) {
        c->names[c->offloads + i] = arena_format(arena, "offloads.%s", spec->links[i].name);
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
    for (int i = 0; i < spec->model_count; i++) {
        c->names[c->calls + i] = arena_format(arena, "calls.%s", spec->models[i].name);
    }
    for (int i = 0; i < world->reasons; i++) {
        c->names[c->dropped_for + i] = arena_format(arena, "drops.%s", world->reason[i]);
    }
    name_class_counters(world, arena);
    build_prices(world, arena);
}
