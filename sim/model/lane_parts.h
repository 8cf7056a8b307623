// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_MODEL_LANE_PARTS_H
#define OFFLOADSIM_MODEL_LANE_PARTS_H

// What the files of queued lanes share. Everyone else takes model/lane.h.

#include "model/lane.h"
#include "model/run.h"

// A lane, and what it takes to work on it.
struct spot {
    struct run *run;
    const struct world_station *station;
    const struct lane_rules *rules;
    struct lane *lane;
    struct job *jobs;
    uint32_t number; // among all lanes of the world
    uint32_t place;  // among the queued ones
};

struct spot lane_spot(struct run *run, uint32_t place);

// lane.c
// Adds up what was, to this moment; before anything in the lane changes.
void lane_account(const struct spot *spot);
// Serves whom it can, and sees to it that the lane is woken when something is due.
void lane_serve(const struct spot *spot);
// Asks for an event of the lane at a time, unless there is an earlier one.
void lane_wake_at(const struct spot *spot, double time_s);
// A job in service stops: what was done of it is noted. Its place in queues and its server stay.
void lane_pause(const struct spot *spot, uint32_t slot);
// It begins, or goes on.
void lane_begin(const struct spot *spot, uint32_t slot);
// A job that was paused gives its server back and leaves the list of those in service.
void lane_free(const struct spot *spot, uint32_t slot);
// Takes a job that waits out of its queue.
void lane_unqueue(const struct spot *spot, uint32_t slot);
// A job has left its queue or its server; it is here no more. What its visit was.
struct lane_visit lane_leave(const struct spot *spot, uint32_t slot);

// lane_init.c
// For how long a node has worked, from the start of the window to a time; nothing keeps count of it
// before.
void lane_account_works(const struct spot *spot, double to_s);

// lane_node.c
// How fast the node works: at 1, and at 0 while it is repaired.
struct rate_lane lane_works(const struct spot *spot);
// What has befallen the node up to now.
void lane_catch_up(const struct spot *spot);
// The first sample comes to an empty node.
void lane_warm_up(const struct spot *spot, const struct sample *sample);
// When the node will need attention.
double lane_attention_s(const struct spot *spot);
void lane_account_scaling(const struct spot *spot, double from_s, double to_s);

// batch.c
void batch_add(const struct spot *spot, uint32_t slot);
void batch_remove(const struct spot *spot, uint32_t slot);
// Takes the next batch out of the queue: returns its first job, to which the others are linked, and
// sets its size and its work. JOB_NONE if none is ready; `ret_ready_s` is when one is, if nothing
// comes. INFINITY if there are none.
uint32_t batch_take(const struct spot *spot, double *ret_ready_s);

// lane_shared.c
void shared_arrive(const struct spot *spot, uint32_t slot);
// Takes out those whose service has ended.
void shared_wake(const struct spot *spot);
double shared_backlog(const struct spot *spot);

// holding.c
void holding_init(struct run *run, struct arena *arena);
// Whether the first sample of a link's lane may be carried; if not, the lane stands in line.
bool holding_allows(const struct spot *spot, uint32_t slot);

#endif
