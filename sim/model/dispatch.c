// SPDX-License-Identifier: GPL-3.0-or-later

// Which node of a tier takes a sample. A sample that comes to a tier whose nodes share the work is
// given one of them there, by what is at the nodes at that moment, and stays with it: whenever it
// is at this tier it is at that node, and its answer leaves over that node's link.

#include "model/lane.h"
#include "model/run.h"

// The number of a draw of a sample for a tier.
static double draw(const struct run *run, const struct sample *sample, int tier, unsigned which)
{
    const struct stream_at at = {run->key, run->world->tier[tier].purpose_balance[which],
                                 sample->device, sample->index};
    return stream_uniform(&at);
}

static uint32_t pick(double uniform, uint32_t count)
{
    const uint32_t picked = (uint32_t)(uniform * count);
    return picked < count ? picked : count - 1;
}

static double burden(struct run *run, int tier, uint32_t node, enum spec_balance balance)
{
    const struct world_station *station = &run->world->station[run->world->tier[tier].compute];
    const uint32_t number = station->first_lane + node;
    return balance == BALANCE_LEAST_WAIT ? lane_backlog(run, station, number)
                                         : run->present[number];
}

// The node with the least burden; if several have it, one of them at random.
static uint32_t least_of_all(struct run *run, const struct sample *sample, int tier,
                             enum spec_balance balance)
{
    const uint32_t nodes = run->world->tier[tier].nodes;
    double least = burden(run, tier, 0, balance);
    uint32_t equal = 1;
    for (uint32_t node = 1; node < nodes; node++) {
        const double here = burden(run, tier, node, balance);
        equal = here < least ? 1 : equal + (here <= least);
        least = here < least ? here : least;
    }
    uint32_t left = pick(draw(run, sample, tier, 0), equal);
    for (uint32_t node = 0;; node++) {
        if (burden(run, tier, node, balance) <= least && left-- == 0) {
            return node;
        }
    }
}

static uint32_t better_of_two(struct run *run, const struct sample *sample, int tier)
{
    const uint32_t nodes = run->world->tier[tier].nodes;
    const uint32_t one = pick(draw(run, sample, tier, 0), nodes);
    if (nodes == 1) {
        return one;
    }
    const uint32_t among_others = pick(draw(run, sample, tier, 1), nodes - 1);
    const uint32_t two = among_others + (among_others >= one);
    return burden(run, tier, two, BALANCE_SHORTEST_QUEUE) <
                   burden(run, tier, one, BALANCE_SHORTEST_QUEUE)
               ? two
               : one;
}

void dispatch(struct run *run, uint32_t slot, int tier)
{
    if (!run->node_at) {
        return;
    }
    const struct sample *sample = &run->samples[slot];
    uint32_t *node = &run->node_at[(size_t)slot * (size_t)run->world->tiers + (size_t)tier];
    const enum spec_balance balance = run->world->tier[tier].balance;
    if (*node != NO_NODE || balance == BALANCE_HOME) {
        return;
    }
    switch (balance) {
    case BALANCE_HOME:
        break;
    case BALANCE_ROUND_ROBIN:
        *node = run->turn[tier]++ % run->world->tier[tier].nodes;
        break;
    case BALANCE_RANDOM:
        *node = pick(draw(run, sample, tier, 0), run->world->tier[tier].nodes);
        break;
    case BALANCE_TWO_CHOICES:
        *node = better_of_two(run, sample, tier);
        break;
    case BALANCE_SHORTEST_QUEUE:
    case BALANCE_LEAST_WAIT:
        *node = least_of_all(run, sample, tier, balance);
        break;
    }
}

void dispatch_grow(struct run *run, uint32_t room)
{
    if (run->world->balances) {
        run->node_at =
            memory_resize(run->node_at, (size_t)room * (size_t)run->world->tiers, sizeof(uint32_t));
    }
}

void dispatch_forget(struct run *run, uint32_t slot)
{
    for (int tier = 0; run->node_at && tier < run->world->tiers; tier++) {
        run->node_at[(size_t)slot * (size_t)run->world->tiers + (size_t)tier] = NO_NODE;
    }
}
