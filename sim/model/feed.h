// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_MODEL_FEED_H
#define OFFLOADSIM_MODEL_FEED_H

// The arrivals of all devices in the order of time, a stretch after the other.
//
// With few devices each is asked in turn for all its arrivals in the stretch, which are then
// sorted; with many, so that most have none in it, the next arrival of each waits in a heap.

#include "core/reorder.h"

#include <stdbool.h>

struct arena;
struct run;

struct feed {
    struct run *run;
    struct reorder stretch; // the arrivals: events whose subject is the device
    struct reorder_scratch scratch;
    double *next_s;          // [devices]: of each device; INFINITY: none. NULL: in the heap
    struct event_queue heap; // many devices
    double length_s;         // of a stretch
    double horizon_s;        // end of the stretch
    bool is_over;            // nothing comes behind it
    bool cannot_go_on;       // a device has arrivals without end at one instant
};

void feed_init(struct feed *feed, struct run *run, struct arena *arena);
void feed_finish(struct feed *feed);

// Makes the next stretch: feed->stretch is sorted, and all arrivals before feed->horizon_s have
// been given by then.
void feed_next(struct feed *feed);

// Makes stretches longer or shorter, towards as many arrivals in each as are wanted, or whatever
// `happened` counts.
void feed_adapt(struct feed *feed, uint64_t happened);

// How many devices have an arrival that was scheduled and not taken, before the event (time_s,
// tag); `taken` arrivals of the last stretch were. `last` is a device that has scheduled none.
uint64_t feed_pending_before(const struct feed *feed, size_t taken, uint32_t last,
                             const struct event *event);

#endif
