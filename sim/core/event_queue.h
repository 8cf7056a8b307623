// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_CORE_EVENT_QUEUE_H
#define OFFLOADSIM_CORE_EVENT_QUEUE_H

// The pending events of one run, earliest first.
//
// An event is 16 bytes: its time and a tag. The tag says what happens and to whom, and also breaks
// ties: simultaneous events happen in the order of their tags, compared as integers. A tag is
// built from what an event is about (its kind first, then the rank of its sample) and not from when
// it was scheduled, so the order of simultaneous events does not depend on the path by which a
// program came to schedule them.
//
// What comes next is a short sorted array, the earliest event last: popping is a decrement, and a
// push moves those that come before it, which are few for what happens soon. As soon as more
// events are pending than the array has room for, what comes later waits in buckets by time
// (core/event_ladder.h) until its turn comes, so that a hold costs about the same for dozens and
// for many thousands. Events that no bucket can tell apart, because very many of them are
// simultaneous, are kept in a heap until they are few.

#include "base/bit.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event {
    double time_s; // never negative, never NaN
    uint64_t tag;
};

enum event_tag_bits { EVENT_SUBJECT_BITS = 32, EVENT_RANK_BITS = 28 };

// kind: 0 .. 15, the lowest first among simultaneous events. rank: orders events of a kind; its
// low 28 bits are kept. subject: whatever the handler needs.
static inline uint64_t event_tag(unsigned kind, uint64_t rank, uint32_t subject)
{
    const uint64_t rank_mask = (UINT64_C(1) << EVENT_RANK_BITS) - 1;
    return (uint64_t)kind << 60 | (rank & rank_mask) << EVENT_SUBJECT_BITS | subject;
}

static inline unsigned event_kind(const struct event *event)
{
    return (unsigned)(event->tag >> 60);
}

static inline uint32_t event_subject(const struct event *event)
{
    return (uint32_t)event->tag;
}

// Times are not negative, so their bits are ordered as they are; time and tag together are compared
// as one number of 128 bits, without a branch that could be predicted wrongly.
static inline bool event_is_before(const struct event *a, const struct event *b)
{
    return bit_pair(bit_of_double(a->time_s), a->tag) < bit_pair(bit_of_double(b->time_s), b->tag);
}

struct event_heap;
struct event_ladder;

enum { EVENT_QUEUE_NEAR = 64 };

// `{0}` is an empty queue. It owns its ladder and its heap, which double when they are full.
struct event_queue {
    size_t count;                        // of all that are pending
    size_t near_count;                   // 0 while there is something in the heap
    struct event near[EVENT_QUEUE_NEAR]; // the earliest is the last
    struct event_ladder *ladder;         // NULL: was not needed yet
    struct event_heap *heap;             // the same
};

void event_queue_finish(struct event_queue *queue);

// What event_queue_push() and event_queue_pop() do where the array alone will not do.
void event_queue_push_far(struct event_queue *queue, struct event event);
struct event event_queue_pop_far(struct event_queue *queue);

// Puts an event into the array where it belongs; there must be room.
static inline void event_queue_insert(struct event_queue *queue, struct event event)
{
    struct event *near = queue->near;
    size_t at = queue->near_count++;
    for (; at > 0 && event_is_before(&near[at - 1], &event); at--) {
        near[at] = near[at - 1];
    }
    near[at] = event;
}

static inline void event_queue_push(struct event_queue *queue, double time_s, uint64_t tag)
{
    const struct event event = {time_s, tag};
    queue->count++;
    if (queue->count <= EVENT_QUEUE_NEAR && queue->count == queue->near_count + 1) {
        event_queue_insert(queue, event);
    } else {
        event_queue_push_far(queue, event);
    }
}

// Removes and returns the earliest event; the queue must not be empty.
static inline struct event event_queue_pop(struct event_queue *queue)
{
    queue->count--;
    if (queue->near_count) {
        return queue->near[--queue->near_count];
    }
    return event_queue_pop_far(queue);
}

// Returns the earliest event, which stays; the queue must not be empty.
static inline struct event event_queue_first(struct event_queue *queue)
{
    if (queue->near_count) {
        return queue->near[queue->near_count - 1];
    }
    const struct event first = event_queue_pop(queue);
    event_queue_push(queue, first.time_s, first.tag);
    return first;
}

// Calls `each` for every pending event, in any order.
void event_queue_each(const struct event_queue *queue,
                      void (*each)(const struct event *event, void *context), void *context);

#endif
