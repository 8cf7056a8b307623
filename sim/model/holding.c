// SPDX-License-Identifier: GPL-3.0-or-later

// Blocking before service: a link does not begin to carry a message towards a node that has no
// place for it, and what waits behind it waits too. A place is promised when the transfer begins
// and kept until the sample comes or, if it goes elsewhere then, is given back. Links that are held
// back stand in line before the node, in the order in which they were refused.

#include "model/lane_parts.h"

void holding_init(struct run *run, struct arena *arena)
{
    const struct world *world = run->world;
    bool blocks = false;
    for (int i = 0; i < world->stations; i++) {
        blocks |= world->station[i].blocks;
    }
    if (!blocks) {
        return;
    }
    run->holding = arena_new_array(arena, world->lanes, struct holding);
    for (uint32_t lane = 0; lane < world->lanes; lane++) {
        run->holding[lane] = (struct holding){.first = JOB_NONE, .last = JOB_NONE};
    }
}

// The station where a message on a link will want a place; NULL: nowhere.
static const struct world_station *wanted_station(const struct spot *spot,
                                                  const struct sample *sample)
{
    const struct run *run = spot->run;
    const struct spec_link *link = &run->world->spec->links[spot->station->link];
    const int far = spot->station->role == STATION_UP ? link->to : link->from;
    const int compute = sample_class(run, sample)->tier[far].compute;
    return sample->answer_exit < 0 && sample->target == far && compute >= 0 &&
                   run->world->station[compute].blocks
               ? &run->world->station[compute]
               : NULL;
}

bool holding_allows(const struct spot *spot, uint32_t slot)
{
    struct run *run = spot->run;
    const struct sample *sample = &run->samples[slot];
    const struct world_station *wanted = wanted_station(spot, sample);
    if (!wanted) {
        return true;
    }
    dispatch(run, slot, sample->target);
    const uint32_t number = sample_lane(run, wanted, sample);
    struct holding *holding = &run->holding[number];
    if (lane_has_place(run, wanted, number)) {
        holding->promised++;
        spot->jobs[slot].promise = number;
        return true;
    }
    if (!spot->lane->is_held) {
        spot->lane->is_held = true;
        spot->lane->next_held = JOB_NONE;
        if (holding->last == JOB_NONE) {
            holding->first = spot->place;
        } else {
            run->lanes.lane[holding->last].next_held = spot->place;
        }
        holding->last = spot->place;
    }
    return false;
}

bool holding_keep_promise(struct run *run, uint32_t slot, uint32_t number)
{
    if (!run->holding || run->lanes.jobs[slot].promise != number) {
        return false;
    }
    run->lanes.jobs[slot].promise = JOB_NONE;
    run->holding[number].promised--;
    return true;
}

void holding_let_in(struct run *run, const struct world_station *station, uint32_t number)
{
    if (!station->blocks) {
        return;
    }
    struct holding *holding = &run->holding[number];
    while (holding->first != JOB_NONE && lane_has_place(run, station, number)) {
        const struct spot spot = lane_spot(run, holding->first);
        holding->first = spot.lane->next_held;
        if (holding->first == JOB_NONE) {
            holding->last = JOB_NONE;
        }
        spot.lane->is_held = false;
        lane_account(&spot);
        lane_serve(&spot);
    }
}

void holding_give_back(struct run *run, uint32_t slot)
{
    if (run->lanes.jobs[slot].promise == JOB_NONE) {
        return;
    }
    const uint32_t number = run->lanes.jobs[slot].promise;
    const struct world_station *station = run->world->station;
    while (number - station->first_lane >= station->lanes) {
        station++;
    }
    holding_keep_promise(run, slot, number);
    holding_let_in(run, station, number);
}
