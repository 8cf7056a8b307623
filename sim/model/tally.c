// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/tally.h"

#include "model/world.h"

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

void tally_add_idle(const struct world *world, struct tally *tally)
{
    const double window_s = tally->window_to_s - tally->window_from_s;
    for (int tier = 0; tier < world->tiers && window_s > 0; tier++) {
        const double joules = idle_power(world, tier) * window_s;
        tally->counters[world->counters.joules + tier] += joules;
        tally->counters[COUNTER_JOULES] += joules;
    }
}

// Whoever adds a sum to a station subtracts it here.
_Static_assert(sizeof(struct station_tally) == 12 * sizeof(double), "a sum is not subtracted");

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
                               .free_last_s = to->free_last_s};
}
