// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/reorder.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    FIRST_ROOM = 64,
    // Below so many events insertion alone is quicker.
    FEW = 24,
    MOST_RUNS = 4,
    FAR_AHEAD = 16,
    // More in one bucket are sorted by merging, as insertion takes the square of their number.
    MOST_IN_BUCKET = 64
};

void reorder_finish(struct reorder *reorder)
{
    if (reorder) {
        free(reorder->near);
        event_queue_finish(&reorder->far);
        *reorder = (struct reorder){0};
    }
}

void reorder_scratch_finish(struct reorder_scratch *scratch)
{
    if (scratch) {
        free(scratch->events);
        free(scratch->starts);
        *scratch = (struct reorder_scratch){0};
    }
}

void reorder_begin(struct reorder *reorder, double horizon_s)
{
    reorder->count = 0;
    reorder->is_unsorted = false;
    reorder->from_s = reorder->horizon_s;
    reorder->horizon_s = horizon_s;
    bool is_near = reorder_far_s(reorder) < horizon_s;
    while (is_near && reorder->far.count) {
        const struct event event = event_queue_pop(&reorder->far);
        is_near = event.time_s < horizon_s;
        if (is_near) {
            reorder_put_near(reorder, event.time_s, event.tag);
        } else {
            reorder->far_s = event.time_s;
            event_queue_push(&reorder->far, event.time_s, event.tag);
        }
    }
}

void reorder_grow(struct reorder *reorder)
{
    reorder->room = reorder->room ? 2 * reorder->room : FIRST_ROOM;
    reorder->near = memory_resize(reorder->near, reorder->room, sizeof(*reorder->near));
}

void reorder_put_far(struct reorder *reorder, double time_s, uint64_t tag)
{
    reorder->far_s = reorder->far.count && reorder->far_s < time_s ? reorder->far_s : time_s;
    event_queue_push(&reorder->far, time_s, tag);
}

static void make_room(struct reorder_scratch *scratch, size_t count)
{
    if (scratch->room < count) {
        scratch->room = 2 * count;
        scratch->events = memory_resize(scratch->events, scratch->room, sizeof(struct event));
        scratch->starts = memory_resize(scratch->starts, scratch->room + 1, sizeof(uint32_t));
    }
}

// Moves an event to its place among those before it, from number `first` on, which are in order.
// Returns how many it passes.
static inline size_t insert(struct event *events, size_t first, size_t number)
{
    const struct event event = events[number];
    size_t at = number;
    for (; at > first && event_is_before(&event, &events[at - 1]); at--) {
        events[at] = events[at - 1];
    }
    events[at] = event;
    return number - at;
}

// Parts of a list that are in order.
struct runs {
    size_t first[MOST_RUNS + 1]; // where each begins; behind the last, the end of the list
    int count;
};

// Sorts by insertion, where an event that belongs far ahead begins a run of its own: lists are
// mostly nearly in order, or two or three such lists one behind the other, as where samples come
// from several stations. Returns false where there are more runs, or it takes more moves than there
// are events; the events are in some order then.
static bool find_runs(struct event *events, size_t count, struct runs *ret_runs)
{
    *ret_runs = (struct runs){.count = 1};
    size_t first = 0; // of the run
    size_t moves = 0;
    for (size_t i = 1; i < count; i++) {
        if (!event_is_before(&events[i], &events[i - 1])) {
            continue;
        }
        if (i - first >= FAR_AHEAD && event_is_before(&events[i], &events[i - FAR_AHEAD])) {
            if (ret_runs->count == MOST_RUNS) {
                return false;
            }
            ret_runs->first[ret_runs->count++] = first = i;
            continue;
        }
        moves += insert(events, first, i);
        if (moves > count) {
            return false;
        }
    }
    ret_runs->first[ret_runs->count] = count;
    return true;
}

// Makes the runs one.
static void merge(struct event *events, const struct runs *runs, struct reorder_scratch *scratch)
{
    for (int run = 1; run < runs->count; run++) {
        size_t before = runs->first[run];
        size_t own = runs->first[run + 1] - before;
        make_room(scratch, own);
        struct event *moved = scratch->events;
        memcpy(moved, events + before, own * sizeof(*moved));
        for (size_t to = before + own; own > 0;) {
            events[--to] = before > 0 && event_is_before(&moved[own - 1], &events[before - 1])
                               ? events[--before]
                               : moved[--own];
        }
    }
}

static int compare(const void *left, const void *right)
{
    const struct event *a = left;
    const struct event *b = right;
    return event_is_before(a, b) ? -1 : event_is_before(b, a);
}

// Below 2^32, and so a signed number, which takes one instruction.
static inline int64_t bucket_of(const struct event *event, double first_s, double per_second)
{
    return (int64_t)((event->time_s - first_s) * per_second);
}

// Puts the events into buckets by time, in order of the buckets. Returns how many the fullest has.
static size_t distribute(struct reorder *reorder, struct reorder_scratch *scratch)
{
    const size_t count = reorder->count;
    const struct event *near = reorder->near;
    uint32_t *starts = scratch->starts;
    double first_s = reorder->from_s;
    double last_s = reorder->horizon_s;
    if (isinf(last_s)) {
        for (size_t i = 0; i < count; i++) {
            last_s = i && near[i].time_s < last_s ? last_s : near[i].time_s;
        }
    }
    // A little less than the number of buckets, so that rounding leads to none beyond the last.
    const double per_second = ((double)count - 0.5) / (last_s - first_s);
    if (!(per_second < 1e300)) {
        return count; // all at once, or next to it
    }
    memset(starts, 0, (count + 1) * sizeof(*starts));
    for (size_t i = 0; i < count; i++) {
        starts[bucket_of(&near[i], first_s, per_second) + 1]++;
    }
    size_t fullest = 0;
    for (size_t i = 1; i <= count; i++) {
        fullest = starts[i] > fullest ? starts[i] : fullest;
        starts[i] += starts[i - 1];
    }
    if (fullest <= MOST_IN_BUCKET) {
        for (size_t i = 0; i < count; i++) {
            scratch->events[starts[bucket_of(&near[i], first_s, per_second)]++] = near[i];
        }
    }
    return fullest;
}

void reorder_sort(struct reorder *reorder, struct reorder_scratch *scratch)
{
    if (!reorder->is_unsorted) {
        return;
    }
    reorder->is_unsorted = false;
    if (reorder->count > FEW) {
        struct runs runs;
        if (find_runs(reorder->near, reorder->count, &runs)) {
            merge(reorder->near, &runs, scratch);
            return;
        }
        make_room(scratch, reorder->count);
        if (reorder->count > UINT32_MAX || distribute(reorder, scratch) > MOST_IN_BUCKET) {
            qsort(reorder->near, reorder->count, sizeof(*reorder->near), compare);
            return;
        }
        struct event *sorted = scratch->events;
        const size_t room = scratch->room;
        scratch->events = reorder->near;
        scratch->room = reorder->room < room ? reorder->room : room;
        reorder->near = sorted;
        reorder->room = room;
    }
    for (size_t i = 1; i < reorder->count; i++) {
        insert(reorder->near, 0, i);
    }
}
