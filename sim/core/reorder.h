// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_CORE_REORDER_H
#define OFFLOADSIM_CORE_REORDER_H

// Events that come about in some order and are wanted in the order of time, a stretch of time after
// the other: all events before a horizon are put in before any is taken out.
//
// What lies before the horizon goes to an array, which is sorted once if it has to be: a few lists
// one behind the other, each nearly in order, by insertion and merging; else by a distribution into
// as many buckets of equal width as there are events, then by insertion, which takes linear time
// where events are spread over the stretch. What lies behind the horizon waits in a heap. Where a
// stretch is long against the time that events stay ahead, nearly all go through the array, at a
// few nanoseconds each.

#include "core/event_queue.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

// `{0}` is empty. It owns its arrays.
struct reorder {
    struct event *near; // before the horizon
    size_t count;
    size_t room;
    bool is_unsorted;
    double last_s; // time of the last one that was put in
    double from_s; // the stretch: all that is put in comes at or after this
    double horizon_s;
    struct event_queue far;
    double far_s; // time of the first of those, if there are any
};

// What sorting needs; one will do for any number of them. `{0}` is empty.
struct reorder_scratch {
    struct event *events;
    uint32_t *starts;
    size_t room;
};

void reorder_finish(struct reorder *reorder);
void reorder_scratch_finish(struct reorder_scratch *scratch);

// Begins the next stretch, where the last one ended: what was taken out of that is forgotten.
void reorder_begin(struct reorder *reorder, double horizon_s);

__attribute__((cold)) void reorder_grow(struct reorder *reorder);

// An event that is known to come behind it.
__attribute__((cold)) void reorder_put_far(struct reorder *reorder, double time_s, uint64_t tag);

// An event that is known to come before the horizon.
static inline void reorder_put_near(struct reorder *reorder, double time_s, uint64_t tag)
{
    if (reorder->count == reorder->room) {
        reorder_grow(reorder);
    }
    struct event *event = &reorder->near[reorder->count++];
    *event = (struct event){time_s, tag};
    // Mostly the time alone tells.
    if (!(time_s > reorder->last_s)) {
        reorder->is_unsorted |= reorder->count > 1 && event_is_before(event, event - 1);
    }
    reorder->last_s = time_s;
}

// Room for as many events that are known to come before the horizon; reorder_add() says how many
// were put there, in their order.
static inline struct event *reorder_room(struct reorder *reorder, size_t count)
{
    while (reorder->room - reorder->count < count) {
        reorder_grow(reorder);
    }
    return reorder->near + reorder->count;
}

static inline void reorder_add(struct reorder *reorder, size_t count)
{
    if (count) {
        const struct event *first = reorder->near + reorder->count;
        reorder->is_unsorted |= reorder->count && event_is_before(first, first - 1);
        reorder->count += count;
        reorder->last_s = first[count - 1].time_s;
    }
}

static inline void reorder_put(struct reorder *reorder, double time_s, uint64_t tag)
{
    if (time_s < reorder->horizon_s) {
        reorder_put_near(reorder, time_s, tag);
    } else {
        reorder_put_far(reorder, time_s, tag);
    }
}

// Time of the first event behind the horizon; INFINITY if there is none.
static inline double reorder_far_s(const struct reorder *reorder)
{
    return reorder->far.count ? reorder->far_s : INFINITY;
}

// All events of the stretch in order: reorder->near, reorder->count of them.
void reorder_sort(struct reorder *reorder, struct reorder_scratch *scratch);

#endif
