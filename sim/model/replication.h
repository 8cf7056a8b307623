// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_MODEL_REPLICATION_H
#define OFFLOADSIM_MODEL_REPLICATION_H

// One independent run of a world: samples arise, are computed, travel, and are answered or dropped,
// until the scenario's stop. Then no sample arises any more and those under way are followed to
// their end, so that no sample is cut off.
//
// Two things are measured. Samples that were offered after the warm-up are counted one by one
// (counters, latencies, waits). What is an average over time (utilisations, queues, throughput) is
// taken over the window from the end of the warm-up to the last arrival.
//
// A replication uses one thread, shares nothing that it writes, and needs memory for what is in
// flight only.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct replication_batches;
struct replication_result;
struct self_check;
struct text;
struct warmup;
struct world;

// One sample's fate, as told to an observer. Texts live as long as the world.
struct sample_record {
    uint64_t index; // of this device's samples
    uint32_t device;
    uint32_t row; // of the trace
    double arrived_s;
    double ended_s;     // answer back at the origin, or the drop
    double input_bytes; // raw payload
    double wait_s;      // in all queues
    double service_s;   // in all compute stations
    double transfer_s;  // on all links, propagation included
    int answer_exit;    // -1: dropped
    int answer_tier;    // -1: dropped
    int reason;         // of the drop, -1: answered
    double confidence;  // of the exit that answered; NaN: dropped
    // What this sample alone has added to the counters of the replication, [counters.count of the
    // world], zeros if it is not counted; valid during the call. Energy is that beside idle power.
    const double *counted;
    double energy_j;      // of these, all nodes
    double cost;          // of these, at the world's prices; idle power costs no sample anything
    const char *decision; // the reason of the last decision that had one; NULL: none had
    bool is_counted;
    bool is_correct;
    bool is_offloaded;
};

// One visit of a sample to a station, as told to an observer when it ends.
struct visit_record {
    uint64_t index; // of this device's samples
    uint32_t device;
    int station;
    uint32_t lane; // within the station
    double arrived_s;
    double started_s; // service
    double ended_s;
    // Of a computation: which layers of which model. Of a transmission: the size of the message,
    // without what was sent again, and whether it was the raw input, whose size is drawn.
    int model;
    int first_layer;
    int last_layer;
    double bytes;
    double raw_bytes; // 0: it was something else
};

// A station at an instant, all its lanes together.
struct station_state {
    uint64_t waiting;
    uint64_t in_service;
};

// Observers may be NULL. They change nothing of what the run computes.
struct replication_options {
    uint64_t number; // of the replication: part of the key of its random numbers
    void (*observe)(void *context, const struct sample_record *record);
    void (*visited)(void *context, const struct visit_record *visit);
    // At time 0 and every `step_s` from then on, once all that happens at that instant has
    // happened; `states` has one for each station of the world. Returns false to be told no more.
    bool (*look)(void *context, double time_s, const struct station_state *states);
    double step_s;
    // Event by event, also where there is a quicker way (model/pipeline.h) to the same results.
    bool by_events;
    // For tests of the self-checks (model/self_check.h): shown what is checked, which it may
    // change.
    void (*falsify)(void *context, struct self_check *check);
    void *context;
    // With batches and a stop after so many samples: asked when these have come, with the batches
    // so far. Returns how many samples the run is to have instead; it is over if these are no more.
    uint64_t (*go_on)(const void *context, uint64_t samples,
                      const struct replication_batches *batches);
    const void *go_on_context;
    // By model/warmup.h alone; NULL: the warm-up is to be found, if it is `auto`.
    const struct warmup *warmup;
};

// One long run cut into batches of equal simulated time, if the scenario asks for `intervals:
// batch_means` (model/batches.h). `{0}`: it does not.
struct replication_batches {
    size_t count; // at least BATCH_LEAST; 0: the run was too short, or was not asked for any
    double length_s;
    // [count]: what a run that is the batch alone would say, metrics and counters. Nothing else of
    // the results is filled.
    struct replication_result *each;
    // The batch means of a metric are too much alike from one batch to the next, however long
    // batches are made, or the run was too short for batches: its estimate has not converged.
    bool has_not_converged;
    int metric; // that one
};

struct replication_result {
    double *metrics;  // [world->metrics], by the caller; NaN where a run says nothing
    double *counters; // [world->counters.count], by the caller
    uint64_t events;
    double simulated_s;
    double window_s;
    // Of all samples, warm-up included.
    uint64_t offered;
    uint64_t wanted; // of a stop after so many samples: these; fewer came if none were left
    uint64_t answered;
    uint64_t dropped;
    uint64_t in_flight;
    struct replication_batches batches; // the caller ends with replication_batches_finish()
};

void replication_batches_finish(struct replication_batches *batches);

// Runs one replication. Returns -1 with a message in `ret_error` if the policy misbehaved, time
// stood still or a self-check failed; the result is then unspecified.
int replication_run(const struct world *world, const struct replication_options *options,
                    struct replication_result *ret_result, struct text *ret_error);

#endif
