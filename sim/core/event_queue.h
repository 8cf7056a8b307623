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
// The structure is a heap of four children a node: half as deep as a binary one, and the four
// children that are compared lie in one cache line. Pushing and popping cost O(log n).

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

// `{0}` is an empty queue. It owns one array on the heap, which doubles when it is full.
struct event_queue {
    struct event *events; // the root is events[0]; see event_queue.c for the alignment
    size_t count;
    size_t room;
    void *memory;
};

void event_queue_finish(struct event_queue *queue);
void event_queue_push(struct event_queue *queue, double time_s, uint64_t tag);

// Removes and returns the earliest event; the queue must not be empty.
struct event event_queue_pop(struct event_queue *queue);

#endif
