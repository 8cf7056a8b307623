// SPDX-License-Identifier: GPL-3.0-or-later

// Samples that are served together. Only those of the same model, the same first and the same last
// layer go together, so those who wait are in groups; a lane has as many groups as there are kinds
// of samples waiting at that moment, a handful. A group is ready when it fills a batch or when its
// oldest sample has waited long enough; of those that are ready the one with the first sample in
// the lane's order is next.

#include "base/memory.h"
#include "model/lane_parts.h"

#include <math.h>

static uint32_t take_group(struct lanes *lanes)
{
    if (lanes->free_group == JOB_NONE) {
        const uint32_t old_room = lanes->group_room;
        const uint32_t room = old_room ? 2 * old_room : 16;
        lanes->groups = memory_resize(lanes->groups, room, sizeof(*lanes->groups));
        for (uint32_t group = old_room; group < room; group++) {
            lanes->groups[group].next = group + 1 < room ? group + 1 : JOB_NONE;
        }
        lanes->group_room = room;
        lanes->free_group = old_room;
    }
    const uint32_t group = lanes->free_group;
    lanes->free_group = lanes->groups[group].next;
    return group;
}

static uint32_t find_group(const struct spot *spot, const struct sample *sample)
{
    struct lanes *lanes = &spot->run->lanes;
    for (uint32_t at = spot->lane->waiting; at != JOB_NONE; at = lanes->groups[at].next) {
        const struct lane_group *group = &lanes->groups[at];
        if (group->model == sample->model && group->first == sample->layer + 1 &&
            group->until == sample->until) {
            return at;
        }
    }
    const uint32_t taken = take_group(lanes);
    lanes->groups[taken] = (struct lane_group){.waiting = JOB_NONE,
                                               .oldest = JOB_NONE,
                                               .newest = JOB_NONE,
                                               .next = spot->lane->waiting,
                                               .model = sample->model,
                                               .first = sample->layer + 1,
                                               .until = sample->until};
    spot->lane->waiting = taken;
    return taken;
}

static void free_group(const struct spot *spot, uint32_t group)
{
    struct lanes *lanes = &spot->run->lanes;
    uint32_t *link = &spot->lane->waiting;
    while (*link != group) {
        link = &lanes->groups[*link].next;
    }
    *link = lanes->groups[group].next;
    lanes->groups[group].next = lanes->free_group;
    lanes->free_group = group;
}

void batch_add(const struct spot *spot, uint32_t slot)
{
    const uint32_t number = find_group(spot, &spot->run->samples[slot]);
    struct lane_group *group = &spot->run->lanes.groups[number];
    struct job *job = &spot->jobs[slot];
    job->group = number;
    job->older = group->newest;
    job->newer = JOB_NONE;
    if (group->newest == JOB_NONE) {
        group->oldest = slot;
    } else {
        spot->jobs[group->newest].newer = slot;
    }
    group->newest = slot;
    group->count++;
    job_queue_push(spot->jobs, &group->waiting, JOB_FIRST, slot);
}

void batch_remove(const struct spot *spot, uint32_t slot)
{
    struct job *jobs = spot->jobs;
    const uint32_t number = jobs[slot].group;
    struct lane_group *group = &spot->run->lanes.groups[number];
    const uint32_t older = jobs[slot].older;
    const uint32_t newer = jobs[slot].newer;
    *(older == JOB_NONE ? &group->oldest : &jobs[older].newer) = newer;
    *(newer == JOB_NONE ? &group->newest : &jobs[newer].older) = older;
    job_queue_remove(jobs, &group->waiting, JOB_FIRST, slot);
    if (--group->count == 0) {
        free_group(spot, number);
    }
}

static double ready_at(const struct spot *spot, const struct lane_group *group)
{
    return group->count >= spot->rules->batch_most
               ? -INFINITY
               : spot->jobs[group->oldest].since_s + spot->rules->batch_wait_s;
}

uint32_t batch_take(const struct spot *spot, double *ret_ready_s)
{
    const struct lane_group *groups = spot->run->lanes.groups;
    uint32_t best = JOB_NONE;
    *ret_ready_s = INFINITY;
    for (uint32_t at = spot->lane->waiting; at != JOB_NONE; at = groups[at].next) {
        const double ready_s = ready_at(spot, &groups[at]);
        if (ready_s > spot->run->now_s) {
            *ret_ready_s = fmin(*ret_ready_s, ready_s);
        } else if (best == JOB_NONE || job_is_before(&spot->jobs[groups[at].waiting],
                                                     &spot->jobs[groups[best].waiting])) {
            best = at;
        }
    }
    if (best == JOB_NONE) {
        return JOB_NONE;
    }
    const uint32_t count = groups[best].count;
    const uint32_t size = count < spot->rules->batch_most ? count : spot->rules->batch_most;
    const uint32_t first = groups[best].waiting;
    uint32_t last = JOB_NONE;
    for (uint32_t taken = 0; taken < size; taken++) {
        const uint32_t slot = groups[best].waiting;
        lane_unqueue(spot, slot);
        spot->jobs[slot].member = JOB_NONE;
        if (last != JOB_NONE) {
            spot->jobs[last].member = slot;
        }
        last = slot;
    }
    struct job *job = &spot->jobs[first];
    job->size = (uint16_t)size;
    job->amount = job->left = journey_service_s(spot->run, first, (int)size);
    if (tally_is_in_window(spot->run->tally, spot->run->now_s)) {
        spot->run->tally->stations[spot->lane->station].work_s += job->left;
    }
    return first;
}
