// SPDX-License-Identifier: GPL-3.0-or-later

// The memory of queued lanes.

#include "model/lane_parts.h"
#include "model/sharing.h"

#include <math.h>
#include <stdlib.h>

// What only some of the lanes need.
static void init_parts(struct run *run, const struct world_station *station)
{
    const struct lane_rules *rules = station->rules;
    for (uint32_t i = 0; i < station->lanes; i++) {
        struct lane *lane = &run->lanes.lane[station->first_queued + i];
        *lane = (struct lane){.waiting = JOB_NONE,
                              .serving = JOB_NONE,
                              .servers = station->servers,
                              .station = (uint16_t)(station - run->world->station),
                              .wake_s = INFINITY,
                              .fails_s = -1};
        uint64_t *words = run->lanes.idle + station->first_idle_word + i * lane_idle_words(rules);
        if (rules->discipline == DISCIPLINE_SHARING) {
            sharing_init(&run->lanes.sharing[station->first_shared + i], station->servers);
        }
        for (uint32_t server = 0; rules->speeds && server < station->servers; server++) {
            words[server / 64] |= UINT64_C(1) << server % 64;
        }
    }
}

void lanes_init(struct run *run, struct arena *arena)
{
    const struct world *world = run->world;
    struct lanes *lanes = &run->lanes;
    lanes->free_group = JOB_NONE;
    if (!world->queued) {
        return;
    }
    bool fails = false;
    bool scales = false;
    for (int i = 0; i < world->stations; i++) {
        fails |= world->station[i].rules && world->station[i].rules->fails;
        scales |= world->station[i].rules && world->station[i].rules->scaling;
    }
    lanes->lane = arena_new_array(arena, world->queued, struct lane);
    lanes->idle = arena_new_array(arena, world->idle_words, uint64_t);
    lanes->sharing = arena_new_array(arena, world->shared, struct sharing);
    if (fails) {
        lanes->cursors = arena_new_array(arena, world->queued, struct rate_cursor);
    }
    if (scales) {
        lanes->scaling = arena_new_array(arena, world->queued, struct lane_scaling);
        lanes->orders = arena_new_array(arena, world->orders, uint32_t);
    }
    for (int i = 0; i < world->stations; i++) {
        if (world->station[i].rules) {
            init_parts(run, &world->station[i]);
        }
    }
    holding_init(run, arena);
}

void lanes_grow(struct run *run, uint32_t old_room, uint32_t room)
{
    if (!run->world->queued) {
        return;
    }
    run->lanes.jobs = memory_resize(run->lanes.jobs, room, sizeof(struct job));
    if (run->world->shared) {
        run->lanes.sharing_jobs =
            memory_resize(run->lanes.sharing_jobs, room, sizeof(struct sharing_job));
    }
    for (uint32_t slot = old_room; slot < room; slot++) {
        run->lanes.jobs[slot] = (struct job){.due_s = NAN, .promise = JOB_NONE};
    }
}

void lanes_finish(struct run *run)
{
    free(run->lanes.jobs);
    free(run->lanes.sharing_jobs);
    free(run->lanes.groups);
    free(run->node_at);
}

void lane_account_works(const struct spot *spot, double to_s)
{
    struct tally *tally = spot->run->tally;
    struct rate_cursor from_the_beginning = {0};
    struct rate_lane works = lane_works(spot);
    works.cursor = &from_the_beginning;
    if (to_s > tally->window_from_s && isfinite(to_s)) {
        tally->stations[spot->lane->station].works_area_s +=
            rate_done(&works, tally->window_from_s, to_s);
    }
}

void lanes_close(struct run *run)
{
    for (uint32_t place = 0; place < run->world->queued; place++) {
        const struct spot spot = lane_spot(run, place);
        lane_account(&spot);
        if (spot.rules->fails) {
            lane_account_works(&spot, run->tally->window_to_s);
        }
        if (spot.rules->scaling) {
            // Nothing is there any more; its servers are in use to the end of the window.
            lane_account_scaling(&spot, spot.lane->changed_s, INFINITY);
        }
    }
}
