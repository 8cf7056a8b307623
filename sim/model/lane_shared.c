// SPDX-License-Identifier: GPL-3.0-or-later

// Nodes that serve all their samples at the same time, each at its share (model/sharing.h). Nobody
// waits there: a sample is in service from its arrival on. Its server time is its work.

#include "model/lane_parts.h"
#include "model/sharing.h"

#include <math.h>

static struct sharing *sharing_of(const struct spot *spot)
{
    return &spot->run->lanes
                .sharing[spot->station->first_shared + (spot->number - spot->station->first_lane)];
}

static void count_servers(const struct spot *spot)
{
    struct lane *lane = spot->lane;
    lane->busy = lane->in_service < lane->servers ? lane->in_service : lane->servers;
}

void shared_arrive(const struct spot *spot, uint32_t slot)
{
    struct run *run = spot->run;
    const struct sample *sample = &run->samples[slot];
    const struct rate_lane rate = lane_works(spot);
    struct sharing *sharing = sharing_of(spot);
    spot->jobs[slot].state = JOB_SERVING;
    run->samples[slot].visit_start_s = run->now_s;
    spot->lane->work += spot->jobs[slot].left;
    spot->lane->in_service++;
    count_servers(spot);
    sharing_arrive(sharing, run->lanes.sharing_jobs, &rate, run->now_s, slot, 0,
                   spot->jobs[slot].left, 1, workload_rank(run, sample->index, sample->device));
    lane_wake_at(spot, sharing->next_s);
}

void shared_wake(const struct spot *spot)
{
    struct run *run = spot->run;
    const struct rate_lane rate = lane_works(spot);
    struct sharing *sharing = sharing_of(spot);
    while (sharing->next_s <= run->now_s && !run->has_failed) {
        double spent_s; // with standstills; the work itself is known
        const uint32_t slot =
            sharing_depart(sharing, run->lanes.sharing_jobs, &rate, run->now_s, &spent_s);
        struct job *job = &spot->jobs[slot];
        job->served_s = run->now_s - run->samples[slot].visit_start_s;
        job->worked_s = job->amount;
        job->joules = job->amount * spot->station->watts;
        spot->lane->in_service--;
        count_servers(spot);
        const struct lane_visit visit = lane_leave(spot, slot);
        if (!run->present[spot->number]) {
            spot->lane->work = sharing->busy_s[0];
        }
        journey_served(run, slot, &visit);
        holding_let_in(run, spot->station, spot->number);
    }
    lane_wake_at(spot, sharing->next_s);
}

double shared_backlog(const struct spot *spot)
{
    const struct lane *lane = spot->lane;
    if (lane->in_service < lane->servers) {
        return 0;
    }
    const struct rate_lane rate = lane_works(spot);
    struct sharing *sharing = sharing_of(spot);
    sharing_advance(sharing, &rate, spot->run->now_s);
    return fmax(lane->work - sharing->busy_s[0], 0) / lane->servers;
}
