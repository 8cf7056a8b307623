// SPDX-License-Identifier: GPL-3.0-or-later

// Events come out in order, stretch by stretch, however they were put in.

#include "core/reorder.h"
#include "rng/stream.h"
#include "unit.h"

#include <math.h>
#include <stdlib.h>

enum { EVENTS = 3000 };

static const struct {
    const char *name;
    double spread_s;  // times are this times a number between 0 and 1
    double grain_s;   // rounded down to multiples of this; 0: as they are
    double stretch_s; // INFINITY: all at once
} patterns[] = {
    {"spread evenly", 100, 0, 10},          {"in one stretch", 100, 0, INFINITY},
    {"few instants", 100, 10, 25},          {"one instant", 0, 0, 5},
    {"many short stretches", 100, 0, 0.01}, {"most at the start of a long stretch", 1e-9, 0, 1000},
};

static double time_of(int pattern, uint64_t number)
{
    const struct stream_at at = {{.seed = 7}, 1, 2, number};
    const double time_s = patterns[pattern].spread_s * stream_uniform(&at);
    const double grain_s = patterns[pattern].grain_s;
    return grain_s > 0 ? floor(time_s / grain_s) * grain_s : time_s;
}

static int by_order(const void *left, const void *right)
{
    const struct event *a = left;
    const struct event *b = right;
    return event_is_before(a, b) ? -1 : event_is_before(b, a);
}

START_TEST(reorder_sorts_stretches)
{
    static struct event expected[EVENTS];
    struct reorder reorder = {0};
    struct reorder_scratch scratch = {0};
    for (uint64_t i = 0; i < EVENTS; i++) {
        const struct stream_at at = {{.seed = 7}, 3, 4, i};
        expected[i] = (struct event){time_of(_i, i), stream_word(&at)};
    }
    double horizon_s = patterns[_i].stretch_s;
    reorder_begin(&reorder, horizon_s);
    for (int i = 0; i < EVENTS; i++) {
        reorder_put(&reorder, expected[i].time_s, expected[i].tag);
    }
    qsort(expected, EVENTS, sizeof(expected[0]), by_order);
    size_t taken = 0;
    while (taken < EVENTS) {
        reorder_sort(&reorder, &scratch);
        for (size_t i = 0; i < reorder.count; i++, taken++) {
            ck_assert_double_eq(reorder.near[i].time_s, expected[taken].time_s);
            ck_assert_uint_eq(reorder.near[i].tag, expected[taken].tag);
            ck_assert_double_lt(reorder.near[i].time_s, horizon_s);
        }
        horizon_s += patterns[_i].stretch_s;
        ck_assert(taken == EVENTS || expected[taken].time_s >= horizon_s - patterns[_i].stretch_s);
        reorder_begin(&reorder, horizon_s);
    }
    ck_assert_uint_eq(reorder.count, 0);
    reorder_finish(&reorder);
    reorder_scratch_finish(&scratch);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("reorder");
    TCase *sorting = tcase_create("sorting");
    unit_add_table(sorting, reorder_sorts_stretches, patterns);
    suite_add_tcase(suite, sorting);
    return unit_run(suite);
}
