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
    int lists;        // one behind the other, each nearly in order; 0: in no order
    double disorder;  // of these: about how many places their events are away from their own
} patterns[] = {
    {"spread evenly", 100, 0, 10, 0, 0},
    {"in one stretch", 100, 0, INFINITY, 0, 0},
    {"few instants", 100, 10, 25, 0, 0},
    {"one instant", 0, 0, 5, 0, 0},
    {"many short stretches", 100, 0, 0.01, 0, 0},
    {"most at the start of a long stretch", 1e-9, 0, 1000, 0, 0},
    {"in order", 100, 0, 50, 1, 0},
    {"nearly in order", 100, 0, INFINITY, 1, 3},
    {"less so", 100, 0, INFINITY, 1, 40},
    {"two lists", 100, 0, 50, 2, 0},
    {"two lists at the same instants", 100, 10, INFINITY, 2, 0},
    {"two lists, nearly in order", 100, 0, INFINITY, 2, 4},
    {"three lists, nearly in order", 100, 0, INFINITY, 3, 3},
    {"four lists, nearly in order", 100, 0, INFINITY, 4, 2},
    {"five lists", 100, 0, INFINITY, 5, 0},
};

static double time_of(int pattern, uint64_t number)
{
    const struct stream_at at = {{.seed = 7}, 1, 2, number};
    double place = stream_uniform(&at);
    const int lists = patterns[pattern].lists;
    if (lists) {
        const uint64_t length = (uint64_t)(EVENTS / lists);
        place = ((double)(number % length) + patterns[pattern].disorder * place) / (double)length;
    }
    const double time_s = patterns[pattern].spread_s * place;
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
