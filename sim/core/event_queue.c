// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/event_queue.h"

#include "base/bit.h"
#include "base/memory.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

// The children of node i are 4i + 1 .. 4i + 4. The root is put at slot 3 of an array that starts
// on a cache line, so that every group of four children fills one line exactly.
enum { CHILDREN = 4, LINE_BYTES = 64, ROOT_SLOT = 3, FIRST_ROOM = 60 };

void event_queue_finish(struct event_queue *queue)
{
    if (queue) {
        free(queue->memory);
        *queue = (struct event_queue){0};
    }
}

static void grow(struct event_queue *queue)
{
    const size_t room = queue->room ? 2 * queue->room : FIRST_ROOM;
    char *memory = memory_resize(NULL, LINE_BYTES + (room + ROOT_SLOT) * sizeof(struct event), 1);
    const size_t skew = (size_t)((uintptr_t)memory % LINE_BYTES);
    char *line = memory + (skew ? LINE_BYTES - skew : 0);
    struct event *events = (struct event *)(void *)line + ROOT_SLOT;
    if (queue->count) {
        memcpy(events, queue->events, queue->count * sizeof(*events));
    }
    free(queue->memory);
    queue->memory = memory;
    queue->events = events;
    queue->room = room;
}

// Times are not negative, so their bits are ordered as they are; time and tag together are compared
// as one number of 128 bits, without a branch that could be predicted wrongly.
static inline bool is_before(const struct event *a, const struct event *b)
{
    return bit_pair(bit_of_double(a->time_s), a->tag) < bit_pair(bit_of_double(b->time_s), b->tag);
}

// Puts an event into the hole at `at`, or above it where it belongs.
static inline void place(struct event *events, size_t at, struct event event)
{
    while (at > 0) {
        const size_t parent = (at - 1) / CHILDREN;
        if (!is_before(&event, &events[parent])) {
            break;
        }
        events[at] = events[parent];
        at = parent;
    }
    events[at] = event;
}

void event_queue_push(struct event_queue *queue, double time_s, uint64_t tag)
{
    if (queue->count == queue->room) {
        grow(queue);
    }
    place(queue->events, queue->count++, (struct event){time_s, tag});
}

// The hole that the root leaves is moved down to a leaf along the least children, and the last
// event goes from there up to its place: it mostly belongs near the leaves, so comparing it on the
// way down would be in vain (Wegener, "Bottom-up heapsort", 1993).
struct event event_queue_pop(struct event_queue *queue)
{
    struct event *events = queue->events;
    const struct event first = events[0];
    const size_t count = --queue->count;
    const struct event last = events[count];
    size_t at = 0;
    size_t child = 1;
    while (child + CHILDREN <= count) {
        const size_t left = child + is_before(&events[child + 1], &events[child]);
        const size_t right = child + 2 + is_before(&events[child + 3], &events[child + 2]);
        const size_t least = is_before(&events[right], &events[left]) ? right : left;
        events[at] = events[least];
        at = least;
        child = CHILDREN * at + 1;
    }
    if (child < count) {
        size_t least = child;
        for (size_t i = child + 1; i < count; i++) {
            least = is_before(&events[i], &events[least]) ? i : least;
        }
        events[at] = events[least];
        at = least;
    }
    place(events, at, last);
    return first;
}
