// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/event_queue.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// ---- the heap ----

// The children of node i are 4i + 1 .. 4i + 4. The root is put at slot 3 of an array that starts
// on a cache line, so that every group of four children fills one line exactly.
enum { CHILDREN = 4, LINE_BYTES = 64, ROOT_SLOT = 3, FIRST_ROOM = 252 };

struct event_heap {
    struct event *events; // the root is events[0]
    size_t count;
    size_t room;
    size_t patience; // pushes until buckets are tried again
    void *memory;
};

static void heap_grow(struct event_heap *heap)
{
    const size_t room = heap->room ? 2 * heap->room : FIRST_ROOM;
    char *memory = memory_resize(NULL, LINE_BYTES + (room + ROOT_SLOT) * sizeof(struct event), 1);
    const size_t skew = (size_t)((uintptr_t)memory % LINE_BYTES);
    char *line = memory + (skew ? LINE_BYTES - skew : 0);
    struct event *events = (struct event *)(void *)line + ROOT_SLOT;
    if (heap->count) {
        memcpy(events, heap->events, heap->count * sizeof(*events));
    }
    free(heap->memory);
    heap->memory = memory;
    heap->events = events;
    heap->room = room;
}

// Puts an event into the hole at `at`, or above it where it belongs.
static inline void heap_place(struct event *events, size_t at, struct event event)
{
    while (at > 0) {
        const size_t parent = (at - 1) / CHILDREN;
        if (!event_is_before(&event, &events[parent])) {
            break;
        }
        events[at] = events[parent];
        at = parent;
    }
    events[at] = event;
}

static void heap_push(struct event_heap *heap, struct event event)
{
    if (heap->count == heap->room) {
        heap_grow(heap);
    }
    heap_place(heap->events, heap->count++, event);
}

// The hole that the root leaves is moved down to a leaf along the least children, and the last
// event goes from there up to its place: it mostly belongs near the leaves, so comparing it on the
// way down would be in vain (Wegener, "Bottom-up heapsort", 1993).
static struct event heap_pop(struct event_heap *heap)
{
    struct event *events = heap->events;
    const struct event first = events[0];
    const size_t count = --heap->count;
    const struct event last = events[count];
    size_t at = 0;
    size_t child = 1;
    while (child < count) {
        size_t least = child;
        for (size_t i = child + 1; i < child + CHILDREN && i < count; i++) {
            least = event_is_before(&events[i], &events[least]) ? i : least;
        }
        events[at] = events[least];
        at = least;
        child = CHILDREN * at + 1;
    }
    heap_place(events, at, last);
    return first;
}

// ---- the ladder ----

// Buckets of equal width, each a list of events in no order; a rung is a row of them (Tang, Goh and
// Thng, "Ladder queue: an O(1) priority queue structure for large-scale discrete event simulation",
// ACM TOMACS 15, 2005). The outermost rung spans all events that were pending when it was made;
// what is pushed behind its end waits `beyond` it for the next one. A bucket whose turn comes and
// that holds more than the array is cut into a rung of its own.
//
// Which bucket an event belongs to is computed by the same formula in the same way each time, and
// the formula grows with time; so no event can come into a bucket behind one that is later than it.
enum { RUNGS = 8, LEAST_BUCKETS = 16, EVENTS_A_BUCKET = 2, MOST_BUCKETS = 1 << 22 };

static const uint32_t NONE = UINT32_MAX;

struct rung {
    double start_s;
    double buckets_per_s;
    int64_t buckets;
    int64_t current; // the bucket that was taken last; -1: none was
    uint32_t *first; // [buckets]: of the list of each
    int64_t room;
};

struct event_ladder {
    struct event *events; // the nodes of all lists
    uint32_t *next;
    size_t room;
    uint32_t free;
    uint32_t beyond;
    size_t beyond_count;
    int rungs;
    struct rung rung[RUNGS];
};

// A list of nodes.
struct event_list {
    uint32_t first;
    size_t count;
};

static void list_add(struct event_ladder *ladder, struct event_list *list, struct event event)
{
    if (ladder->free == NONE) {
        const size_t room = ladder->room ? 2 * ladder->room : FIRST_ROOM;
        ladder->events = memory_resize(ladder->events, room, sizeof(*ladder->events));
        ladder->next = memory_resize(ladder->next, room, sizeof(*ladder->next));
        for (size_t i = ladder->room; i < room; i++) {
            ladder->next[i] = i + 1 < room ? (uint32_t)(i + 1) : NONE;
        }
        ladder->free = (uint32_t)ladder->room;
        ladder->room = room;
    }
    const uint32_t node = ladder->free;
    ladder->free = ladder->next[node];
    ladder->events[node] = event;
    ladder->next[node] = list->first;
    list->first = node;
    list->count++;
}

static struct event list_take(struct event_ladder *ladder, struct event_list *list)
{
    const uint32_t node = list->first;
    list->first = ladder->next[node];
    list->count--;
    ladder->next[node] = ladder->free;
    ladder->free = node;
    return ladder->events[node];
}

// Where an event lies on a rung, in buckets from its start.
static inline double rung_place(const struct rung *rung, double time_s)
{
    return (time_s - rung->start_s) * rung->buckets_per_s;
}

// What lies behind the end of an inner rung belongs to its last bucket, for there is nothing else
// before the next bucket of the rung outside of it.
static inline int64_t rung_bucket(const struct rung *rung, double place)
{
    return place < (double)rung->buckets ? (int64_t)place : rung->buckets - 1;
}

// Takes an event, unless it belongs to what was taken out already.
static bool ladder_push(struct event_ladder *ladder, struct event event)
{
    for (int i = 0; i < ladder->rungs; i++) {
        struct rung *rung = &ladder->rung[i];
        const double place = rung_place(rung, event.time_s);
        if (i == 0 && place >= (double)rung->buckets) {
            struct event_list beyond = {ladder->beyond, ladder->beyond_count};
            list_add(ladder, &beyond, event);
            ladder->beyond = beyond.first;
            ladder->beyond_count = beyond.count;
            return true;
        }
        if (place >= 0) {
            const int64_t bucket = rung_bucket(rung, place);
            if (bucket > rung->current) {
                struct event_list list = {rung->first[bucket], 0};
                list_add(ladder, &list, event);
                rung->first[bucket] = list.first;
                return true;
            }
        }
    }
    return false;
}

// Makes a rung inside of all others out of a list. Returns false if it cannot be cut.
static bool ladder_cut(struct event_ladder *ladder, struct event_list list)
{
    double least_s = INFINITY;
    double most_s = 0;
    for (uint32_t node = list.first; node != NONE; node = ladder->next[node]) {
        const double time_s = ladder->events[node].time_s;
        least_s = time_s < least_s ? time_s : least_s;
        most_s = time_s > most_s ? time_s : most_s;
    }
    int64_t buckets = (int64_t)(list.count / EVENTS_A_BUCKET);
    buckets = buckets < LEAST_BUCKETS ? LEAST_BUCKETS : buckets;
    buckets = buckets > MOST_BUCKETS ? MOST_BUCKETS : buckets;
    // A little less than would put the last event at the end, where it must not lie.
    const double buckets_per_s = (double)buckets * (1 - 0x1p-40) / (most_s - least_s);
    if (!(buckets_per_s > 0 && isfinite(buckets_per_s)) || ladder->rungs == RUNGS) {
        return false; // all at once, or for ever apart
    }
    struct rung *rung = &ladder->rung[ladder->rungs++];
    if (rung->room < buckets) {
        rung->first = memory_resize(rung->first, (size_t)buckets, sizeof(*rung->first));
        rung->room = buckets;
    }
    memset(rung->first, 0xff, (size_t)buckets * sizeof(*rung->first)); // NONE
    rung->start_s = least_s;
    rung->buckets_per_s = buckets_per_s;
    rung->buckets = buckets;
    rung->current = -1;
    while (list.first != NONE) {
        const uint32_t node = list.first;
        list.first = ladder->next[node];
        const int64_t bucket = rung_bucket(rung, rung_place(rung, ladder->events[node].time_s));
        ladder->next[node] = rung->first[bucket];
        rung->first[bucket] = node;
    }
    return true;
}

// The next events in time: a list of at most so many as the array takes, or more if they cannot be
// told apart.
static struct event_list ladder_next(struct event_ladder *ladder)
{
    for (;;) {
        struct rung *rung = ladder->rungs ? &ladder->rung[ladder->rungs - 1] : NULL;
        struct event_list list = {NONE, 0};
        if (rung) {
            while (list.first == NONE && rung->current + 1 < rung->buckets) {
                list.first = rung->first[++rung->current];
            }
            if (list.first == NONE && ladder->rungs > 1) {
                ladder->rungs--;
                continue;
            }
        }
        if (list.first == NONE) {
            list = (struct event_list){ladder->beyond, ladder->beyond_count};
            ladder->beyond = NONE;
            ladder->beyond_count = 0;
            ladder->rungs = 0;
        } else {
            for (uint32_t node = list.first; node != NONE; node = ladder->next[node]) {
                list.count++;
            }
        }
        // The last bucket of an inner rung is all that is left of it.
        const bool is_last = ladder->rungs > 1 && rung->current + 1 == rung->buckets;
        if (list.count > EVENT_QUEUE_NEAR) {
            ladder->rungs -= is_last;
            if (ladder_cut(ladder, list)) {
                continue;
            }
            ladder->rungs += is_last;
        }
        return list;
    }
}

// ---- the queue ----

void event_queue_finish(struct event_queue *queue)
{
    if (!queue) {
        return;
    }
    if (queue->ladder) {
        for (int i = 0; i < RUNGS; i++) {
            free(queue->ladder->rung[i].first);
        }
        free(queue->ladder->events);
        free(queue->ladder->next);
        free(queue->ladder);
    }
    if (queue->heap) {
        free(queue->heap->memory);
        free(queue->heap);
    }
    *queue = (struct event_queue){0};
}

static void make_far(struct event_queue *queue)
{
    queue->ladder = memory_resize(NULL, 1, sizeof(*queue->ladder));
    *queue->ladder = (struct event_ladder){.free = NONE, .beyond = NONE};
    queue->heap = memory_resize(NULL, 1, sizeof(*queue->heap));
    *queue->heap = (struct event_heap){0};
}

// Moves a list to where the next events are. If the heap takes it, it will be asked for some time
// before buckets are tried again.
static void load(struct event_queue *queue, struct event_list list)
{
    const bool is_near = list.count <= EVENT_QUEUE_NEAR;
    queue->heap->patience = 2 * list.count;
    while (list.count) {
        const struct event event = list_take(queue->ladder, &list);
        if (is_near) {
            event_queue_insert(queue, event);
        } else {
            heap_push(queue->heap, event);
        }
    }
}

// All that comes next, and one event more, goes back into buckets, if they can tell it apart.
static void spread(struct event_queue *queue, struct event event)
{
    struct event_list list = {NONE, 0};
    list_add(queue->ladder, &list, event);
    while (queue->near_count) {
        list_add(queue->ladder, &list, queue->near[--queue->near_count]);
    }
    while (queue->heap->count) {
        list_add(queue->ladder, &list, queue->heap->events[--queue->heap->count]);
    }
    load(queue, ladder_cut(queue->ladder, list) ? ladder_next(queue->ladder) : list);
}

void event_queue_push_far(struct event_queue *queue, struct event event)
{
    if (!queue->ladder) {
        make_far(queue);
    }
    if (queue->near_count + queue->heap->count + 1 == queue->count) {
        queue->ladder->rungs = 0; // nothing is there, and the array may hold any time
    }
    if (ladder_push(queue->ladder, event)) {
        return;
    }
    if (queue->heap->count && --queue->heap->patience) {
        heap_push(queue->heap, event);
    } else if (!queue->heap->count && queue->near_count < EVENT_QUEUE_NEAR) {
        event_queue_insert(queue, event);
    } else {
        spread(queue, event);
    }
}

struct event event_queue_pop_far(struct event_queue *queue)
{
    struct event_heap *heap = queue->heap;
    if (!heap->count) {
        load(queue, ladder_next(queue->ladder));
    }
    if (!heap->count) {
        return queue->near[--queue->near_count];
    }
    const struct event first = heap_pop(heap);
    while (heap->count && heap->count <= EVENT_QUEUE_NEAR / 2) {
        event_queue_insert(queue, heap->events[--heap->count]);
    }
    return first;
}

static void each_of_list(const struct event_ladder *ladder, uint32_t node,
                         void (*each)(const struct event *event, void *context), void *context)
{
    for (; node != NONE; node = ladder->next[node]) {
        each(&ladder->events[node], context);
    }
}

void event_queue_each(const struct event_queue *queue,
                      void (*each)(const struct event *event, void *context), void *context)
{
    for (size_t i = 0; i < queue->near_count; i++) {
        each(&queue->near[i], context);
    }
    const struct event_ladder *ladder = queue->ladder;
    if (!ladder) {
        return;
    }
    for (size_t i = 0; i < queue->heap->count; i++) {
        each(&queue->heap->events[i], context);
    }
    each_of_list(ladder, ladder->beyond, each, context);
    for (int i = 0; i < ladder->rungs; i++) {
        for (int64_t bucket = ladder->rung[i].current + 1; bucket < ladder->rung[i].buckets;
             bucket++) {
            each_of_list(ladder, ladder->rung[i].first[bucket], each, context);
        }
    }
}
