// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_MODEL_TALLY_H
#define OFFLOADSIM_MODEL_TALLY_H

// What one replication has measured, and the metrics that follow from it.

#include "stats/histogram.h"

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct warmup;
struct world;

// Sums over all lanes of a station. "Counted" visits are those of counted samples; the others are
// of everything that happens inside the window.
struct station_tally {
    uint64_t arrivals;     // in the window
    uint64_t visits;       // counted, ended
    double wait_s;         // counted: time in the queue, before service
    double queue_area_s;   // in the window: integral of the number waiting
    double busy_area_s;    // in the window: integral of the number of busy servers
    double serving_area_s; // in the window: integral of the number in service
    double server_area_s;  // in the window: integral of the servers in use, where that changes
    double works_area_s;   // in the window: integral of the nodes that work, where they fail
    uint64_t batches;      // that started in the window
    uint64_t batched;      // samples in them
    double work_s;         // service time that arrived in the window
    double free_last_s;    // when a sample that came was last served at once; 0: none was
    double counted_s;      // counted: time of servers; links: for which the radio was on
    double joules;         // compute, counted: beside the idle power
    double bytes;          // links, counted
};

struct tally {
    double window_from_s; // INFINITY until the warm-up is over
    double window_to_s;   // INFINITY until the last arrival
    uint64_t answered_in_window;
    // At the edges of the window: samples that are not counted and were answered before it; those
    // that ended later, and when the last of them did; drops behind the window.
    uint64_t early_answered;
    uint64_t late_uncounted;
    double late_uncounted_until_s;
    uint64_t late_dropped;
    double *counters;                // [world->counters.count]
    struct station_tally *stations;  // [world->stations]
    struct histogram latency;        // of counted, answered samples
    struct histogram *class_latency; // [class], if classes have names
    // [label], if samples carry them: counted samples that were answered, and rightly.
    double *label_answered;
    double *label_correct;
    double *label_accuracy;      // scratch
    const double *controls;      // [world->controls]: sums of mean 0
    const struct warmup *warmup; // that was found; NULL: it was given
};

// Gives a zeroed tally its arrays, from `arena`.
void tally_init(struct tally *tally, const struct world *world, struct arena *arena);

// The part of [from, to] that lies in a window, in seconds.
static inline double tally_overlap(double from, double to, double window_from, double window_to)
{
    const double start = from > window_from ? from : window_from;
    const double end = to < window_to ? to : window_to;
    return end > start ? end - start : 0;
}

// The same for the window of the tally.
static inline double tally_in_window(const struct tally *tally, double from, double to)
{
    return tally_overlap(from, to, tally->window_from_s, tally->window_to_s);
}

static inline bool tally_is_in_window(const struct tally *tally, double time_s)
{
    return time_s >= tally->window_from_s && time_s <= tally->window_to_s;
}

// A sample that is not counted has ended.
static inline void tally_uncounted(struct tally *tally, double time_s, bool is_answered)
{
    if (time_s < tally->window_from_s) {
        tally->early_answered += is_answered;
    } else {
        tally->late_uncounted++;
        tally->late_uncounted_until_s = time_s;
    }
}

// Once a run, or a batch of it, is over: adds what stations have summed up of work, bytes and
// energy to the counters. The idle power of nodes is an average over time: what of it falls to the
// window becomes part of the energy of the samples.
//
// Stations sum up for themselves, in the order in which visits begin or end there, so that these
// sums do not depend on what happens elsewhere in between.
void tally_sum_up(const struct world *world, struct tally *tally);

// What was added to the sums of a station between two moments.
void station_tally_between(const struct station_tally *from, const struct station_tally *to,
                           struct station_tally *ret_between);

// Fills world->metric with the names and units of all metrics of this world.
void metrics_define(struct world *world, struct arena *arena);

// Their values, in the same order; NaN where the run says nothing about one.
void metrics_compute(const struct world *world, const struct tally *tally, double *ret_values);

#endif
