// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/tally.h"

#include "base/memory.h"
#include "model/world.h"

void tally_init(struct tally *tally, const struct world *world, struct arena *arena)
{
    const size_t labels = (size_t)world->labels;
    tally->counters = arena_new_array(arena, (size_t)world->counters.count, double);
    tally->stations = arena_new_array(arena, (size_t)world->stations, struct station_tally);
    if (world->has_classes) {
        tally->class_latency = arena_new_array(arena, (size_t)world->class_count, struct histogram);
    }
    tally->label_answered = arena_new_array(arena, labels, double);
    tally->label_correct = arena_new_array(arena, labels, double);
    tally->label_accuracy = arena_new_array(arena, labels, double);
}

static double idle_power(const struct world *world, int tier)
{
    if (tier > 0) {
        return world->tier[tier].idle_w * world->tier[tier].nodes;
    }
    double watts = 0;
    for (int i = 0; i < world->class_count; i++) {
        watts += world->classes[i].tier[0].idle_w * world->classes[i].devices;
    }
    return watts;
}

static void add_joules(const struct world *world, struct tally *tally, int tier, double joules)
{
    tally->counters[world->counters.joules + tier] += joules;
    tally->counters[COUNTER_JOULES] += joules;
}

static void add_station(const struct world *world, struct tally *tally, int number)
{
    const struct world_station *station = &world->station[number];
    const struct station_tally *sums = &tally->stations[number];
    if (station->role == STATION_COMPUTE) {
        tally->counters[world->counters.busy_s + station->tier] += sums->counted_s;
        add_joules(world, tally, station->tier, sums->joules);
        return;
    }
    const int is_down = station->role == STATION_DOWN;
    tally->counters[COUNTER_BYTES] += sums->bytes;
    tally->counters[world->counters.bytes + 2 * station->link + is_down] += sums->bytes;
    add_joules(world, tally, world->spec->links[station->link].from,
               station->joules_per_byte * sums->bytes + station->watts * sums->counted_s);
}

void tally_sum_up(const struct world *world, struct tally *tally)
{
    for (int i = 0; i < world->stations; i++) {
        add_station(world, tally, i);
    }
    const double window_s = tally->window_to_s - tally->window_from_s;
    for (int tier = 0; tier < world->tiers && window_s > 0; tier++) {
        add_joules(world, tally, tier, idle_power(world, tier) * window_s);
    }
}

// Whoever adds a sum to a station subtracts it here.
_Static_assert(sizeof(struct station_tally) == 15 * sizeof(double), "a sum is not subtracted");

void station_tally_between(const struct station_tally *from, const struct station_tally *to,
                           struct station_tally *ret_between)
{
    *ret_between =
        (struct station_tally){.arrivals = to->arrivals - from->arrivals,
                               .visits = to->visits - from->visits,
                               .wait_s = to->wait_s - from->wait_s,
                               .queue_area_s = to->queue_area_s - from->queue_area_s,
                               .busy_area_s = to->busy_area_s - from->busy_area_s,
                               .serving_area_s = to->serving_area_s - from->serving_area_s,
                               .server_area_s = to->server_area_s - from->server_area_s,
                               .works_area_s = to->works_area_s - from->works_area_s,
                               .batches = to->batches - from->batches,
                               .batched = to->batched - from->batched,
                               .work_s = to->work_s - from->work_s,
                               .free_last_s = to->free_last_s,
                               .counted_s = to->counted_s - from->counted_s,
                               .joules = to->joules - from->joules,
                               .bytes = to->bytes - from->bytes};
}
