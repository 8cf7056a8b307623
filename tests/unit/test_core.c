// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/memory.h"
#include "core/event_queue.h"
#include "unit.h"

#include <math.h>
#include <stdlib.h>

// ---- tags ----

static const struct {
    unsigned kind;
    uint64_t rank;
    uint32_t subject;
} tags[] = {
    {0, 0, 0},
    {2, 7, 11},
    {15, (UINT64_C(1) << 28) - 1, UINT32_MAX},
    {1, 0, UINT32_MAX},
};

START_TEST(event_tag_keeps_its_parts)
{
    const struct event event = {2.385, event_tag(tags[_i].kind, tags[_i].rank, tags[_i].subject)};
    ck_assert_uint_eq(event_kind(&event), tags[_i].kind);
    ck_assert_uint_eq(event_subject(&event), tags[_i].subject);
    ck_assert_uint_eq(event.tag >> EVENT_SUBJECT_BITS & ((UINT64_C(1) << EVENT_RANK_BITS) - 1),
                      tags[_i].rank);
}
END_TEST

// A rank of more than 28 bits must not reach into the kind.
START_TEST(event_tag_cuts_long_ranks)
{
    const uint64_t rank = (UINT64_C(1) << 28) * 5 + 17;
    ck_assert_uint_eq(event_tag(3, rank, 23), event_tag(3, 17, 23));
}
END_TEST

// Among simultaneous events the kind decides, then the rank, then the subject.
static const struct {
    uint64_t first;
    uint64_t second;
} tag_orders[] = {
    {0, 1},
    {(UINT64_C(0) << 60) | UINT64_C(0x0fffffffffffffff), UINT64_C(1) << 60},
    {(UINT64_C(4) << 32) | 9, (UINT64_C(5) << 32) | 3},
    {(UINT64_C(15) << 60) - 1, UINT64_C(15) << 60}, // not compared as signed numbers
};

START_TEST(event_queue_breaks_ties_by_tag)
{
    for (int swapped = 0; swapped < 2; swapped++) {
        struct event_queue queue = {0};
        event_queue_push(&queue, 2.385, swapped ? tag_orders[_i].second : tag_orders[_i].first);
        event_queue_push(&queue, 2.385, swapped ? tag_orders[_i].first : tag_orders[_i].second);
        ck_assert_uint_eq(event_queue_pop(&queue).tag, tag_orders[_i].first);
        ck_assert_uint_eq(event_queue_pop(&queue).tag, tag_orders[_i].second);
        ck_assert_uint_eq(queue.count, 0);
        event_queue_finish(&queue);
    }
}
END_TEST

// ---- the queue against a sorted array ----

static int compare_events(const void *a, const void *b)
{
    const struct event *left = a;
    const struct event *right = b;
    if (left->time_s != right->time_s) {
        return left->time_s < right->time_s ? -1 : 1;
    }
    return (left->tag > right->tag) - (left->tag < right->tag);
}

// Knuth's MMIX generator: enough for tests, and not the one under test.
static uint64_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 11;
}

// `times` different times, so that few of them mean many ties.
static const struct {
    size_t events;
    uint64_t times;
} loads[] = {
    {1, 1},     {2, 1},    {5, 2},      {59, 1000},   {60, 1000},      {61, 1000},
    {1000, 10}, {1000, 1}, {4097, 300}, {20000, 900}, {20000, 100000},
};

START_TEST(event_queue_sorts)
{
    const size_t count = loads[_i].events;
    struct event *expected = memory_resize(NULL, count, sizeof(*expected));
    struct event_queue queue = {0};
    uint64_t state = 17 + (uint64_t)_i;
    for (size_t i = 0; i < count; i++) {
        const double time_s = 0.37 * (double)(next_random(&state) % loads[_i].times);
        expected[i] = (struct event){time_s, event_tag((unsigned)(i % 3), i / 2, (uint32_t)i)};
        event_queue_push(&queue, expected[i].time_s, expected[i].tag);
        ck_assert_uint_eq(queue.count, i + 1);
    }
    qsort(expected, count, sizeof(*expected), compare_events);
    size_t wrong = 0;
    for (size_t i = 0; i < count; i++) {
        const struct event event = event_queue_pop(&queue);
        wrong += event.time_s != expected[i].time_s || event.tag != expected[i].tag;
    }
    ck_assert_uint_eq(wrong, 0);
    ck_assert_uint_eq(queue.count, 0);
    event_queue_finish(&queue);
    free(expected);
}
END_TEST

// The way a simulation uses it: pushes and pops alternate at random, nothing is pushed into the
// past. What is pending is kept in a sorted array beside it.
START_TEST(event_queue_sorts_while_it_changes)
{
    enum { STEPS = 20000, MOST = 300 };
    struct event pending[MOST];
    size_t count = 0;
    struct event_queue queue = {0};
    uint64_t state = 23 + (uint64_t)_i;
    double now_s = 0;
    size_t wrong = 0;
    for (uint32_t step = 0; step < STEPS; step++) {
        if (count == 0 || (count < MOST && next_random(&state) % 2)) {
            const double time_s = now_s + 0.37 * (double)(next_random(&state) % 50);
            const struct event event = {time_s,
                                        event_tag((unsigned)(next_random(&state) % 3), step, step)};
            event_queue_push(&queue, event.time_s, event.tag);
            size_t at = count++;
            for (; at > 0 && compare_events(&event, &pending[at - 1]) > 0; at--) {
                pending[at] = pending[at - 1];
            }
            pending[at] = event; // the earliest is the last
        } else {
            const struct event event = event_queue_pop(&queue);
            count--;
            wrong += compare_events(&event, &pending[count]) != 0;
            wrong += event.time_s < now_s;
            now_s = event.time_s;
        }
        wrong += queue.count != count;
    }
    ck_assert_uint_eq(wrong, 0);
    event_queue_finish(&queue);
}
END_TEST

// The same with many pending, in the ways in which times come to lie together: `step` draws how far
// ahead of now an event is pushed. Checked against a heap so plain that it cannot be wrong in the
// same way.
struct plain_heap {
    struct event *events; // [0] is not used
    size_t count;
};

static void plain_push(struct plain_heap *heap, struct event event)
{
    size_t at = ++heap->count;
    for (; at > 1 && compare_events(&event, &heap->events[at / 2]) < 0; at /= 2) {
        heap->events[at] = heap->events[at / 2];
    }
    heap->events[at] = event;
}

static struct event plain_pop(struct plain_heap *heap)
{
    const struct event first = heap->events[1];
    const struct event last = heap->events[heap->count--];
    size_t at = 1;
    for (size_t child = 2; child <= heap->count; child = 2 * at) {
        child += child < heap->count &&
                 compare_events(&heap->events[child + 1], &heap->events[child]) < 0;
        if (compare_events(&last, &heap->events[child]) <= 0) {
            break;
        }
        heap->events[at] = heap->events[child];
        at = child;
    }
    heap->events[at] = last;
    return first;
}

static double ahead_evenly(uint64_t random)
{
    return 1e-6 * (double)(random % 1000000);
}

static double ahead_by_seconds(uint64_t random) // ties without end
{
    return (double)(random % 3);
}

static double ahead_at_once(uint64_t random) // with somebody who waits for ever
{
    return random % 4096 ? 0 : INFINITY;
}

static double ahead_by_decades(uint64_t random) // from nanoseconds to centuries
{
    return 0.37e-9 * (double)(UINT64_C(1) << random % 60);
}

static double ahead_with_outliers(uint64_t random)
{
    return random % 1000 ? ahead_evenly(random / 1000) : 1e9;
}

static double ahead_too_little(uint64_t random) // the sum is mostly the time itself
{
    return 1e-17 * (double)(random % 50);
}

static const struct {
    const char *what;
    double (*ahead_s)(uint64_t random);
    size_t pending;
} patterns[] = {
    {"evenly, few", ahead_evenly, 63},
    {"evenly, just more than the array has room for", ahead_evenly, 66},
    {"evenly, many", ahead_evenly, 20000},
    {"by seconds, few", ahead_by_seconds, 70},
    {"by seconds, many", ahead_by_seconds, 5000},
    {"at once", ahead_at_once, 3000},
    {"by decades", ahead_by_decades, 5000},
    {"with outliers", ahead_with_outliers, 5000},
    {"too little", ahead_too_little, 3000},
};

static void count_event(const struct event *event, void *context)
{
    (void)event;
    ++*(size_t *)context;
}

START_TEST(event_queue_sorts_many)
{
    const size_t pending = patterns[_i].pending;
    struct plain_heap heap = {memory_resize(NULL, 2 * pending + 4, sizeof(struct event)), 0};
    struct event_queue queue = {0};
    uint64_t state = 29 + (uint64_t)_i;
    double now_s = 1;
    size_t wrong = 0;
    // It fills, is held at that, and empties, and does so again.
    for (uint32_t step = 0; step < 14 * pending; step++) {
        const size_t phase = step / pending % 7;
        const bool pushes = phase == 0 || (phase < 5 && next_random(&state) % 2);
        if (heap.count == 0 || (pushes && heap.count < 2 * pending)) {
            const struct event event = {now_s + patterns[_i].ahead_s(next_random(&state)),
                                        event_tag((unsigned)(next_random(&state) % 3), step, step)};
            event_queue_push(&queue, event.time_s, event.tag);
            plain_push(&heap, event);
        } else {
            const struct event event = event_queue_pop(&queue);
            const struct event expected = plain_pop(&heap);
            wrong += compare_events(&event, &expected) != 0;
            now_s = isfinite(event.time_s) ? event.time_s : now_s;
        }
        wrong += queue.count != heap.count;
    }
    ck_assert_msg(wrong == 0, "%s: %zu wrong", patterns[_i].what, wrong);
    size_t seen = 0;
    event_queue_each(&queue, count_event, &seen);
    ck_assert_uint_eq(seen, queue.count);
    event_queue_finish(&queue);
    free(heap.events);
}
END_TEST

// ---- memory ----

START_TEST(event_queue_finish_takes_anything)
{
    event_queue_finish(NULL);
    struct event_queue queue = {0};
    event_queue_finish(&queue);
    event_queue_push(&queue, 0, 5);
    event_queue_finish(&queue);
    event_queue_finish(&queue);
    ck_assert_ptr_null(queue.ladder);
    event_queue_push(&queue, 2.385, 7);
    const struct event event = event_queue_pop(&queue);
    ck_assert_double_eq(event.time_s, 2.385);
    ck_assert_uint_eq(event.tag, 7);
    event_queue_finish(&queue);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("core");

    TCase *tag = tcase_create("tags");
    unit_add_table(tag, event_tag_keeps_its_parts, tags);
    tcase_add_test(tag, event_tag_cuts_long_ranks);
    unit_add_table(tag, event_queue_breaks_ties_by_tag, tag_orders);
    suite_add_tcase(suite, tag);

    TCase *order = tcase_create("order");
    unit_add_table(order, event_queue_sorts, loads);
    tcase_add_loop_test(order, event_queue_sorts_while_it_changes, 0, 4);
    unit_add_table(order, event_queue_sorts_many, patterns);
    suite_add_tcase(suite, order);

    TCase *memory = tcase_create("memory");
    tcase_add_test(memory, event_queue_finish_takes_anything);
    suite_add_tcase(suite, memory);

    return unit_run(suite);
}
