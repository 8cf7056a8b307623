// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_MODEL_RUN_H
#define OFFLOADSIM_MODEL_RUN_H

// The moving parts of one replication, shared by the files that move them:
//
//     workload.c     where samples come from: arrivals, rows of the trace, payloads
//     journey.c      what happens to them: stations, decisions, links, ends
//     lane.c         queues with an order of their own (see model/lane.h)
//     dispatch.c     which node of a tier takes a sample
//     link.c         what is special of links: rates over time, losses, shared media
//     view.c         what policies see of all that, and what they are told
//     observation.c  what devices have noticed of links and nodes, for policies that look
//     record.c       what observers are told of single samples
//     batches.c      what one long run says of its parts
//     replication.c  when: set-up, run loop, close

#include "base/check.h"
#include "base/memory.h"
#include "core/event_queue.h"
#include "model/draws.h"
#include "model/lane.h"
#include "model/link.h"
#include "model/order.h"
#include "model/replication.h"
#include "model/station.h"
#include "model/tally.h"
#include "model/world.h"
#include "scenario/trace.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

struct batches;

// Simultaneous events happen in this order: a report says what was before, what is learnt is known
// to all that happens then, and what ends makes room for what begins. A batch ends with all of it.
enum event_kinds {
    EVENT_REPORT,
    EVENT_FEEDBACK,
    EVENT_DEPART,
    EVENT_MEDIUM,
    EVENT_LANE,
    EVENT_TIMEOUT,
    EVENT_DELIVER,
    EVENT_ARRIVE,
    EVENT_BURST,
    EVENT_BATCH
};

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
    uint32_t behind; // in a line: who is served next
    int16_t station;
    int16_t model;       // under way or last; -1: none yet
    int32_t layer;       // last one run
    int32_t until;       // last one of the computation under way
    int16_t answer_exit; // -1: none yet
    int16_t reason;      // of its drop, -1: none
    int8_t latest_exit;  // deepest of the last computation, -1: none
    int8_t tier;
    int8_t target; // tier where it is sent
    uint8_t device_class;
    uint16_t source;      // of the world, that its outcomes come from
    uint8_t computations; // stops counting at 255
    uint16_t decisions;
    uint16_t raw_at; // bit t: the raw input is at tier t
    bool ships_raw;
    bool has_arrived; // was sent here, and nothing was computed here yet
    bool is_counted;
    bool is_offloaded;
    bool is_lost; // the message under way arrives nowhere; at a decision: that was it
    uint16_t lost_messages;
};

_Static_assert(sizeof(struct sample) <= 128, "a sample in flight takes at most two cache lines");

struct device {
    struct arrival_process arrivals;
    uint64_t scheduled; // arrivals scheduled so far
    uint64_t index;     // samples offered so far
};

struct run {
    const struct world *world;
    const struct replication_options *options;
    struct stream_key key;
    double now_s;
    struct check_place place;
    struct event_queue queue;
    double *free_at_s;                // [servers of the world]
    struct line *lines;               // [the same]; see model/station.h
    uint32_t *present;                // [lanes]: waiting or in service
    struct lanes lanes;               // those with a queue
    struct holding *holding;          // [lanes]; NULL: no node holds samples back
    uint32_t *node_at;                // [sample_room][tiers]: chosen; NULL: no tier chooses
    uint32_t turn[POLICY_MOST_TIERS]; // of nodes that take turns
    struct sample *samples;
    uint32_t sample_room;
    // What was generated for the samples in flight, by slot.
    struct trace_outcome *generated; // [sample_room][exits]
    double *generated_features;      // [sample_room][features]
    int32_t *generated_label;        // [sample_room]
    // What observers are told beyond that, by slot; NULL if nobody observes.
    double *counted;    // [sample_room][counters]: what a sample alone has counted
    const char **why;   // [sample_room]: of its last decision that had a reason
    uint32_t free_slot; // first of the free list, NO_SLOT: none
    struct device *devices;
    struct arrival_state *arrival_states; // [device], where a class has states; else NULL
    struct arrival_burst *bursts;         // [device], where a class has bursts; else NULL
    uint64_t *burst_samples;              // [device], the same: how many of those scheduled
    uint64_t pending;                     // arrivals in the event queue
    bool has_closed_loop;
    struct orders orders;              // in which the trace's rows come
    char *states;                      // of the policy, one a device
    struct observations *observations; // of policies that look; NULL: this one does not
    struct policy_view view;           // scratch: what the policy sees at a decision point
    struct policy_truth truth;         // of the oracle's view
    struct policy_outcome *outcomes;   // of the view
    unsigned char *correct;            // of the oracle's view
    struct links links;
    struct draws draws;
    struct tally *tally;
    struct controls *controls;   // NULL: no control variates
    struct station_state *looks; // [stations]: scratch for an observer of states; NULL: none
    uint64_t looks_done;
    bool is_open; // samples still arise
    uint64_t stop_samples; // so many may be offered, if samples decide; batches_go_on() raises it
    uint64_t offered;
    uint64_t answered;
    uint64_t dropped;
    uint64_t in_flight;
    size_t awaiting; // events in the queue that keep no run going: feedback, reports, batches
    struct batches *batches; // NULL: not asked for
    bool has_failed;
    struct text *error;
};

#define NO_SLOT UINT32_MAX
#define NO_NODE UINT32_MAX

// workload.c
// Schedules the first arrivals of all devices.
void workload_start(struct run *run);
// Handles an arrival at a device, of its own or of a burst: makes the sample and schedules the next
// one. Returns the sample's slot, or NO_SLOT if samples arise no more.
uint32_t workload_arrive(struct run *run, uint32_t device, bool is_burst);
// Parts of it, for those who need no event: the time of the next arrival of a device's own process,
// which the caller counts as scheduled, INFINITY if there is none; a slot; a sample as it arises,
// before anything is known of it; and a sample of a device that arises now.
double workload_next(struct run *run, const struct world_class *devices, uint32_t device);
uint32_t workload_take_slot(struct run *run);
struct sample workload_fresh_sample(void);
void workload_make(struct run *run, uint32_t slot, const struct world_class *devices,
                   uint32_t device, uint64_t index);
// The rows of the trace that some samples take, which are given by device and number.
void workload_rows(struct run *run, const struct world_source *source, const uint32_t *devices,
                   const uint64_t *indices, size_t count, uint32_t *ret_rows);
// Closed loop: a sample of this device has ended; it thinks and sends another.
void workload_return(struct run *run, uint32_t device);

// journey_decide.c
// A decision point of a sample: asks the policy and does what it says.
void journey_decide(struct run *run, uint32_t slot);
// What is expected of it: a column of the trace is known.
double journey_expected_s(struct run *run, const struct sample *sample);

// journey.c
// A sample arrives at a station: with a service time at a compute station, with bytes at a link.
// Returns false if there was no room, and the sample is gone.
bool journey_visit(struct run *run, uint32_t slot, int number, double amount);
// Puts a message on the next link of the way to the sample's target: the answer, when there is
// one, else the raw input or the activation.
void journey_hop(struct run *run, uint32_t slot);
// A service ends: a computation leads to a decision, a transmission to the propagation.
void journey_depart(struct run *run, uint32_t slot);
// The patience of a sample that waits ends.
void journey_time_out(struct run *run, uint32_t slot);
// sample_service_s() for queued lanes.
double journey_service_s(struct run *run, uint32_t slot, int size);
// A transmission ends, after `service_s`, of which the message had the medium for itself for
// `own_s`.
void journey_sent(struct run *run, uint32_t slot, double service_s, double own_s);
// A message has come to the far end of a link.
void journey_deliver(struct run *run, uint32_t slot);
// For queued lanes: a visit to a station was so, and the sample goes on; or it is lost there.
void journey_served(struct run *run, uint32_t slot, const struct lane_visit *visit);
void journey_lost_in_service(struct run *run, uint32_t slot, const struct lane_visit *visit,
                             int reason);
// Adds what is in a lane of a station at this instant.
void journey_look(const struct run *run, int station, uint32_t lane,
                  struct station_state *ret_state);
// Tells the observer of visits of one that ends: journey_visited() where there is an observer.
void journey_show_visit(const struct run *run, const struct sample *sample);

// journey_end.c
// The end of a sample: answered back at its origin, or dropped.
void journey_end(struct run *run, uint32_t slot);
void journey_drop(struct run *run, uint32_t slot, int reason);

// dispatch.c
// Chooses the node of a tier for a sample, unless it has one.
void dispatch(struct run *run, uint32_t slot, int tier);
void dispatch_grow(struct run *run, uint32_t room);
// A new sample is in this slot.
void dispatch_forget(struct run *run, uint32_t slot);

// view.c
// Sets what is the same in all that the policy sees.
void view_start(struct run *run);
// Shows what is the same at all decision points of a sample, which is all that there is besides
// where it stands for policies that decide by the sample alone.
void view_show_sample(struct run *run, const struct sample *sample);
// Asks the policy at a decision point of a sample.
struct policy_action view_decide(struct run *run, const struct sample *sample);
// The truth about an answered sample has come back to the state that decided; the sample is gone.
void view_feed_back(struct run *run, uint32_t slot);

// record.c
// Tells the observer of a sample that has ended.
void record_sample(const struct run *run, uint32_t slot);

// observation.c
// Sets up what the policy asks for, from `arena`, with the first reports scheduled.
void observation_start(struct run *run, struct arena *arena);
void observation_finish(struct run *run);
// A device has sent so many bytes upward over a link, and that took `service_s` without the wait.
void observation_transfer(struct run *run, const struct sample *sample, int link, double bytes,
                          double service_s);
// A message of a device has come to the far end of a link, `delay_s` after it was to be sent.
void observation_delivery(struct run *run, const struct sample *sample, int link, double delay_s);
// A sample leaves its device; its answer has come back there.
void observation_offload(struct run *run, uint32_t slot);
void observation_return(struct run *run, uint32_t slot);
// The nodes of a tier report.
void observation_report(struct run *run, int tier);
// Adds what is known at a decision point.
void observation_view(struct run *run, const struct sample *sample, struct policy_view *view);

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
    if (run->world->source[0].generator) {
        return run->generated + (size_t)(sample - run->samples) * (size_t)run->world->view.exits;
    }
    const struct trace *trace = run->world->source[sample->source].trace;
    return trace->outcomes + (size_t)sample->row * (size_t)trace->exits;
}

// Whether a sample stands in the middle of a model.
static inline bool sample_is_under_way(const struct world *world, const struct sample *sample)
{
    return sample->model >= 0 && sample->layer + 1 < world->view.model[sample->model].layers;
}

static inline const struct world_class *sample_class(const struct run *run,
                                                     const struct sample *sample)
{
    return &run->world->classes[sample->device_class];
}

// The class of a device.
static inline const struct world_class *run_class(const struct run *run, uint32_t device)
{
    const struct world_class *devices = run->world->classes;
    while (device >= devices->first_device + devices->devices) {
        devices++;
    }
    return devices;
}

// The node of a device at a tier, at the first one among its class: the devices of a class are
// spread over `nodes` in blocks.
static inline uint32_t class_node(const struct world_class *devices, uint32_t device, int tier)
{
    const uint32_t nodes = devices->tier[tier].nodes;
    const uint32_t within = device - devices->first_device;
    if (nodes == 1) {
        return 0;
    }
    return nodes == devices->devices ? within
                                     : (uint32_t)((uint64_t)within * nodes / devices->devices);
}

// Where a sample goes next on its way to a tier.
static inline const struct world_hop *sample_hop(const struct run *run, const struct sample *sample,
                                                 int to)
{
    return &sample_class(run, sample)->hops[sample->tier * run->world->tiers + to];
}

// The label of a sample; there must be labels.
static inline int32_t sample_label(const struct run *run, const struct sample *sample)
{
    const struct world_source *source = &run->world->source[sample->source];
    return source->generator ? run->generated_label[sample - run->samples]
                             : source->trace->label[sample->row];
}

// The node of a sample at a tier: that which was chosen for it, else that of its device.
static inline uint32_t sample_node(const struct run *run, const struct sample *sample, int tier)
{
    if (run->node_at) {
        const size_t slot = (size_t)(sample - run->samples);
        const uint32_t node = run->node_at[slot * (size_t)run->world->tiers + (size_t)tier];
        if (node != NO_NODE) {
            return node;
        }
    }
    return class_node(sample_class(run, sample), sample->device, tier);
}

// Where a sample queues at a station.
static inline uint32_t sample_lane(const struct run *run, const struct world_station *station,
                                   const struct sample *sample)
{
    if (station->lanes == 1) {
        return station->first_lane;
    }
    if (station->role == STATION_COMPUTE) {
        return station->first_lane + sample_node(run, sample, station->tier);
    }
    const int from = run->world->spec->links[station->link].from;
    if (from == 0 && station->lanes == run->world->devices) {
        return station->first_lane + sample->device; // every device has its own
    }
    const uint64_t node = sample_node(run, sample, from);
    const uint32_t nodes = sample_class(run, sample)->tier[from].nodes;
    return station->first_lane + (uint32_t)(node * station->lanes / nodes);
}

// A duration of this sample: drawn at its own address, or its own entry in the trace.
static inline double sample_draw(struct run *run, const struct sample *sample,
                                 const struct distribution *distribution,
                                 const struct distribution_parameters *parameters, uint64_t purpose,
                                 uint32_t draws)
{
    if (distribution->kind == DISTRIBUTION_COLUMN) {
        return trace_extra(run->world->source[sample->source].trace, sample->row,
                           parameters->column) *
               parameters->column_scale;
    }
    const struct stream_at at = {run->key, purpose, sample->device, sample->index};
    return draws_look_up(&run->draws, draws, distribution, &at);
}

// Service time of the computation that a sample asks for, in a batch of so many.
static inline double sample_service_s(struct run *run, const struct sample *sample, int size)
{
    const struct world_layer *layers =
        sample_class(run, sample)->tier[sample->tier].layers[sample->model];
    double service_s = 0;
    for (int layer = sample->layer + 1; layer <= sample->until; layer++) {
        const struct world_layer *at = &layers[layer];
        service_s +=
            distribution_is_by_batch(&at->time)
                ? distribution_of_batch(&at->time, size)
                : sample_draw(run, sample, &at->time, at->parameters, at->purpose, at->draws);
    }
    return service_s;
}

// A visit ends: tells an observer of visits, if there is one.
static inline void journey_visited(const struct run *run, const struct sample *sample)
{
    if (run->options->visited) {
        journey_show_visit(run, sample);
    }
}

// Once an event of a sample has come: it waits for none. See lane_is_due().
static inline void lane_settle(const struct run *run, uint32_t slot)
{
    if (run->lanes.jobs) {
        run->lanes.jobs[slot].due_s = NAN;
    }
}

// Gives back the slot of a sample that has ended.
static inline void workload_release(struct run *run, uint32_t slot)
{
    run->samples[slot].row = run->free_slot;
    run->free_slot = slot;
}

// Expected time until a server of a lane is free of what is there.
static inline double run_backlog(struct run *run, const struct world_station *station,
                                 uint32_t lane)
{
    if (station->rules) {
        return lane_backlog(run, station, lane);
    }
    return station_start(&run->free_at_s[run->world->lane_servers[lane]], run->now_s) - run->now_s;
}

// Tells an observer what a counted sample has added to a counter, if there is one.
static inline void run_note(struct run *run, const struct sample *sample, int counter,
                            double amount)
{
    if (run->counted) {
        const size_t slot = (size_t)(sample - run->samples);
        run->counted[slot * (size_t)run->world->counters.count + (size_t)counter] += amount;
    }
}

// Counts something of a counted sample.
static inline void run_count(struct run *run, const struct sample *sample, int counter,
                             double amount)
{
    run->tally->counters[counter] += amount;
    run_note(run, sample, counter, amount);
}

// The same for energy of a node of a tier, which stations sum up (tally_sum_up()).
static inline void run_note_joules(struct run *run, const struct sample *sample, int tier,
                                   double joules)
{
    run_note(run, sample, run->world->counters.joules + tier, joules);
    run_note(run, sample, COUNTER_JOULES, joules);
}

#endif
