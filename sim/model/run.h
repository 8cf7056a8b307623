// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_MODEL_RUN_H
#define OFFLOADSIM_MODEL_RUN_H

// The moving parts of one replication, shared by the files that move them:
//
//     workload.c     where samples come from: arrivals, rows of the trace, payloads
//     journey.c      what happens to them: stations, decisions, links, ends
//     view.c         what policies see of all that, and what they are told
//     record.c       what observers are told of single samples
//     replication.c  when: set-up, run loop, close

#include "base/check.h"
#include "base/memory.h"
#include "core/event_queue.h"
#include "model/replication.h"
#include "model/tally.h"
#include "model/world.h"
#include "scenario/trace.h"

#include <stdbool.h>
#include <stdint.h>

// Simultaneous events happen in this order: what is learnt is known to all that happens then, and
// what ends makes room for what begins.
enum event_kinds { EVENT_FEEDBACK, EVENT_DEPART, EVENT_DELIVER, EVENT_ARRIVE };

// A sample in flight. At most 128 bytes: two cache lines.
struct sample {
    uint64_t index; // of its device's samples
    double arrived_s;
    double raw_bytes;
    double visit_arrived_s; // at the station where it is
    double visit_start_s;   // once it was answered and waits for its feedback: when it was answered
    double wait_s;          // sums over all visits so far
    double service_s;
    double transfer_s;
    uint64_t exits; // bit e: the outcome of exit e of the world is known
    uint32_t device;
    uint32_t row; // of the trace; in a free slot: the next free slot
    uint32_t lane;
    int16_t station;
    int16_t model;       // under way or last; -1: none yet
    int32_t layer;       // last one run
    int32_t until;       // last one of the computation under way
    int16_t answer_exit; // -1: none yet
    int16_t reason;      // of its drop, -1: none
    int8_t latest_exit;  // deepest of the last computation, -1: none
    int8_t tier;
    int8_t target;        // tier where it is sent
    uint8_t computations; // stops counting at 255
    uint16_t decisions;
    uint16_t raw_at; // bit t: the raw input is at tier t
    bool ships_raw;
    bool has_arrived; // was sent here, and nothing was computed here yet
    bool is_counted;
    bool is_offloaded;
};

_Static_assert(sizeof(struct sample) <= 128, "a sample in flight takes at most two cache lines");

struct device {
    struct stream arrivals;
    double next_s;      // open arrivals: when the next sample arises
    uint64_t scheduled; // arrivals scheduled so far
    uint64_t index;     // samples offered so far
};

enum { ORDERS_KEPT = 16 };

struct run {
    const struct world *world;
    const struct replication_options *options;
    struct stream_key key;
    double now_s;
    struct check_place place;
    struct event_queue queue;
    double *free_at_s; // [servers of the world]
    uint32_t *present; // [lanes]: waiting or in service
    struct sample *samples;
    uint32_t sample_room;
    // What was generated for the samples in flight, by slot.
    struct trace_outcome *generated; // [sample_room][exits]
    double *generated_features;      // [sample_room][features]
    // What observers are told beyond that, by slot; NULL if nobody observes.
    double *counted;    // [sample_room][counters]: what a sample alone has counted
    const char **why;   // [sample_room]: of its last decision that had a reason
    uint32_t free_slot; // first of the free list, NO_SLOT: none
    struct device *devices;
    // The order of the trace's rows in the passes that were looked up last, by pass modulo: devices
    // are not all in the same pass.
    struct stream_permutation order[ORDERS_KEPT];
    char *states; // of the policy, one a device
    // What devices have measured on links upward, for policies that look: [device * links + link].
    double *link_bytes_per_s;
    double *link_seen_s;
    double *link_nominal_per_s;      // [link]: what other nodes, which measure nothing, know
    double *link_never_s;            // [link]: -INFINITY
    double *link_backlog_s;          // [link]: scratch of the view
    struct policy_outcome *outcomes; // scratch of the view
    unsigned char *correct;          // scratch of the oracle's view
    struct tally *tally;
    bool is_open; // samples still arise
    uint64_t offered;
    uint64_t answered;
    uint64_t dropped;
    uint64_t in_flight;
    size_t awaiting; // answered samples whose feedback is an event in the queue
    bool has_failed;
    struct text *error;
};

#define NO_SLOT UINT32_MAX

// workload.c
// Schedules the first arrivals of all devices.
void workload_start(struct run *run);
// Handles an arrival at a device: makes the sample and schedules the device's next one. Returns the
// sample's slot, or NO_SLOT if samples arise no more.
uint32_t workload_arrive(struct run *run, uint32_t device);
// Closed loop: a sample of this device has ended; it thinks and sends another.
void workload_return(struct run *run, uint32_t device);
// Gives back the slot of a sample that has ended.
void workload_release(struct run *run, uint32_t slot);

// journey.c
// A decision point of a sample: asks the policy and does what it says.
void journey_decide(struct run *run, uint32_t slot);
// A service ends: a computation leads to a decision, a transmission to the propagation.
void journey_depart(struct run *run, uint32_t slot);
// A message has come to the far end of a link.
void journey_deliver(struct run *run, uint32_t slot);

// view.c
// Asks the policy at a decision point of a sample.
struct policy_action view_decide(struct run *run, const struct sample *sample);
// A device has sent so many bytes upward over a link, and that took `service_s`.
void view_measure_link(struct run *run, const struct sample *sample, int link, double bytes,
                       double service_s);
// The truth about an answered sample has come back to the state that decided; the sample is gone.
void view_feed_back(struct run *run, uint32_t slot);

// record.c
// Tells the observer of a sample that has ended.
void record_sample(const struct run *run, uint32_t slot);

// The rank of a sample among simultaneous events: samples in order of their number at their
// device, then of the device. The same number addresses the trace.
static inline uint64_t workload_rank(const struct run *run, uint64_t index, uint32_t device)
{
    return index * run->world->devices + device;
}

// What all exits of the world say of a sample, computed or not.
static inline const struct trace_outcome *sample_outcomes(const struct run *run,
                                                          const struct sample *sample)
{
    if (run->world->generator) {
        return run->generated + (size_t)(sample - run->samples) * (size_t)run->world->view.exits;
    }
    const struct trace *trace = run->world->trace;
    return trace->outcomes + (size_t)sample->row * (size_t)trace->exits;
}

// Whether a sample stands in the middle of a model.
static inline bool sample_is_under_way(const struct world *world, const struct sample *sample)
{
    return sample->model >= 0 && sample->layer + 1 < world->view.model[sample->model].layers;
}

// The node of a device at a tier: devices are spread over the nodes in blocks.
static inline uint32_t run_node(const struct run *run, uint32_t device, int tier)
{
    const uint32_t nodes = run->world->tier[tier].nodes;
    if (nodes == 1) {
        return 0;
    }
    return nodes == run->world->devices
               ? device
               : (uint32_t)((uint64_t)device * nodes / run->world->devices);
}

// Where a sample queues at a station.
static inline uint32_t sample_lane(const struct run *run, const struct world_station *station,
                                   const struct sample *sample)
{
    if (station->lanes == 1) {
        return station->first_lane;
    }
    if (station->role == STATION_COMPUTE) {
        return station->first_lane + run_node(run, sample->device, station->tier);
    }
    const int from = run->world->spec->links[station->link].from;
    const uint64_t node = run_node(run, sample->device, from);
    return station->first_lane + (uint32_t)(node * station->lanes / run->world->tier[from].nodes);
}

// Counts something of a counted sample.
static inline void run_count(struct run *run, const struct sample *sample, int counter,
                             double amount)
{
    run->tally->counters[counter] += amount;
    if (run->counted) {
        const size_t slot = (size_t)(sample - run->samples);
        run->counted[slot * (size_t)run->world->counters.count + (size_t)counter] += amount;
    }
}

#endif
