// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_MODEL_LANE_H
#define OFFLOADSIM_MODEL_LANE_H

// Lanes whose order of service is not known when a sample arrives: an explicit queue and explicit
// servers. (In a plain first-in-first-out lane it is known; see model/station.h.)
//
// A sample in such a lane is a job (model/job_queue.h). It waits, is served, perhaps stops and goes
// on, and leaves: after its service, when its patience ends, or with the node that fails. The ends
// of its wait and of its service are events of the sample; what befalls the lane as a whole (a
// node fails, is repaired or has warmed up, a batch has waited long enough, servers come and go) is
// an event of the lane. A lane has one such event that counts, the one at wake_s; all others are
// stale and do nothing. What is due is worked out when a lane is looked at, so a lane with nothing
// in it has no events.
//
//     lane.c         the queue and the servers: who is served when
//     lane_node.c    the node: failures, cold starts, scaling
//     batch.c        who is served together
//     holding.c      links that hold samples back before a full node
//     lane_shared.c  lanes without a queue, in which all are served at once
//
// In the tally, a sample waits while no server works on it, unless it keeps a server while its node
// is repaired; a server that keeps a sample is busy.

#include "model/job_queue.h"
#include "model/rate.h"
#include "rng/distribution.h"
#include "scenario/spec.h"

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct run;
struct sharing;
struct sharing_job;
struct station_state;
struct world;
struct world_station;

// How the lanes of a station work; part of the world. `{0}` but for servers and batch_most is a
// first-in-first-out queue.
struct lane_rules {
    enum spec_discipline discipline;
    const double *speeds; // [servers], the fastest first; NULL: all 1
    bool makes_batches;
    uint32_t batch_most; // 1 without batches
    double batch_wait_s;
    double cold_idle_s; // INFINITY: it never gets cold
    struct distribution cold_time;
    uint64_t cold_purpose;
    bool fails;
    struct rate works; // 1, and 0 while the node is repaired
    enum spec_failed_jobs failed_jobs;
    const struct spec_scaling *scaling; // NULL: none
    uint32_t scaling_orders;            // reviews whose servers may be under way at a time
    const struct spec_step *steps;      // NULL: one speed
    int step_count;
    const double *step_watts; // of a server at each step, beside the idle power
    uint32_t most_servers;    // of a lane, ever
    bool holds;               // a link that leads to nodes before which samples are held back
    bool lists_serving;       // who is in service must be known
    double capacity;          // work per second of a lane with all its first servers busy
};

// Words of the set of idle servers of a lane whose speeds differ.
static inline uint64_t lane_idle_words(const struct lane_rules *rules)
{
    return rules->speeds ? (rules->most_servers + 63) / 64 : 0;
}

// The state of a queued lane.
struct lane {
    uint32_t waiting; // queue of those who wait; with batches the first group
    uint32_t serving; // queue of those in service, the last of them first; if it is kept
    uint32_t waiting_count;
    uint32_t in_service; // samples
    uint32_t busy;       // servers
    uint32_t servers;    // in use
    uint32_t restarts;   // failures since a service ended that made services start again
    uint32_t next_held;  // lanes that are held back in a line before a node
    uint16_t station;
    bool is_held;
    bool is_suspended; // a failure keeps those in service
    double wake_s;
    double ready_s;   // nothing is served before
    double fails_s;   // when it fails next; negative: not looked up yet
    double changed_s; // sums are up to date as of this time
    double empty_s;   // since when nothing is here
    double work;      // of those who wait or are suspended
    double until_s;   // sum of the ends of services under way
};

// Samples that may be served together.
struct lane_group {
    uint32_t waiting; // queue
    uint32_t oldest;  // those of the queue by age
    uint32_t newest;
    uint32_t count;
    uint32_t next; // of the lane; in the free list
    int16_t model;
    int32_t first; // layer
    int32_t until;
};

// A lane whose number of servers changes.
struct lane_scaling {
    uint64_t reviews;   // so far
    double busy_area_s; // since the last one
    double present_area_s;
    uint32_t ordered; // servers under way
};

// All that queued lanes need while a run goes on.
struct lanes {
    struct lane *lane;
    struct job *jobs; // by slot; NULL: no lane of the world has a queue
    uint64_t order;
    uint64_t *idle; // servers of lanes whose speeds differ, a bit each
    struct lane_group *groups;
    uint32_t group_room;
    uint32_t free_group;
    struct lane_scaling *scaling;
    uint32_t *orders;            // [lane][scaling_orders]: servers ordered at a review
    struct rate_cursor *cursors; // where lanes whose nodes fail stand in time
    struct sharing *sharing;
    struct sharing_job *sharing_jobs; // by slot
};

// Links that are held back before a lane of a node.
struct holding {
    uint32_t promised; // places, to messages under way
    uint32_t first;    // of the line of lanes, by their places among the queued ones
    uint32_t last;
};

// What a visit was, as it ends.
struct lane_visit {
    double service_s; // time in service
    double worked_s;  // server time that the sample took; of a batch its share
    double joules;    // of the server, beside the idle power
};

void lanes_init(struct run *run, struct arena *arena);
void lanes_finish(struct run *run);
// As many jobs as there are slots.
void lanes_grow(struct run *run, uint32_t old_room, uint32_t room);
// At the end of a run: brings sums over time up to date.
void lanes_close(struct run *run);

// A sample arrives with an amount of work: seconds of service, or bytes. Returns false if there was
// no room, and the sample is gone.
bool lane_arrive(struct run *run, uint32_t slot, int station, uint32_t number, double amount);
// Its service ends.
void lane_depart(struct run *run, uint32_t slot);
// Its patience ends.
void lane_time_out(struct run *run, uint32_t slot);
// Something is due in a lane, by its place among the queued ones.
void lane_wake(struct run *run, uint32_t place, double time_s);

// Whether an event of this kind is the one that a sample waits for. A stale one may be due at the
// same instant, so once it has come the sample waits for none: see lane_settle() in model/run.h.
bool lane_is_due(const struct run *run, uint32_t slot, unsigned kind);

// Expected time until a server of a lane is free of what is there; any lane of any station.
double lane_backlog(struct run *run, const struct world_station *station, uint32_t number);

void lane_look(const struct run *run, const struct world_station *station, uint32_t number,
               struct station_state *ret_state);

// Whether a lane's node has a place for one more.
bool lane_has_place(const struct run *run, const struct world_station *station, uint32_t number);

// Whether a sample that comes to a lane was promised a place there, which it takes.
bool holding_keep_promise(struct run *run, uint32_t slot, uint32_t number);
// A node has room: those who stand in line before it go on.
void holding_let_in(struct run *run, const struct world_station *station, uint32_t number);
// A sample goes elsewhere than to the place that it was promised, if it was.
void holding_give_back(struct run *run, uint32_t slot);

#endif
