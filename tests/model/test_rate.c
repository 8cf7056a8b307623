// SPDX-License-Identifier: GPL-3.0-or-later

// Transfers over links whose rate changes, held against times worked out by hand and, for random
// rates, against a walk over the steps in extended precision.

#include "base/memory.h"
#include "model/rate.h"
#include "tests/model/rate_asked.h"
#include "tests/unit/unit.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>

#define TOLERANCE 1e-9

enum { MOST_STEPS = 8 };

struct pattern {
    int count; // 0: constant
    double times_s[MOST_STEPS];
    double rates[MOST_STEPS];
    double period_s;
};

static struct rate rate_of(const struct pattern *pattern, struct arena *arena)
{
    struct pattern *copy = arena_new(arena, struct pattern);
    *copy = *pattern;
    struct rate rate;
    rate_init(&rate, copy->count ? 1 : copy->rates[0]);
    if (copy->count) {
        rate_add_steps(&rate, arena, copy->times_s, copy->rates, copy->count, copy->period_s,
                       INFINITY);
    }
    return rate;
}

static double done_of(const struct rate *rate, double from_s, double to_s)
{
    struct rate_cursor cursor[RATE_MOST_PARTS] = {{0}};
    const struct rate_lane lane = {rate, cursor, {.seed = 7, .replication = 1}, 3};
    return rate_done(&lane, from_s, to_s);
}

// ---- by hand ----

static const struct pattern constant = {0, {0}, {2.5e6}, 0};
static const struct pattern unlimited = {0, {0}, {INFINITY}, 0};
static const struct pattern falling = {3, {0, 4, 10}, {1000, 250, 50}, INFINITY};
// 8 kB a period: 1000 B/s for 5 s, an outage of 3 s, 500 B/s for 6 s, an outage of 2 s.
static const struct pattern waves = {4, {0, 5, 8, 14}, {1000, 0, 500, 0}, 16};
static const struct pattern late = {2, {0, 3}, {0, 200}, 5};
static const struct pattern single = {1, {0}, {40}, 7};

static const struct {
    const struct pattern *pattern;
    double start_s;
    double bytes;
    double finish_s;
} transfers[] = {
    {&constant, 3.25, 5e6, 5.25}, {&constant, 3.25, 0, 3.25}, {&unlimited, 2.385, 1e12, 2.385},
    {&falling, 0, 1500, 1.5},    // within a step
    {&falling, 0, 4000, 4},      // up to its end
    {&falling, 3.5, 750, 5},     // across one
    {&falling, 2, 3550, 11},     // across two
    {&falling, 2385, 500, 2395}, // the last rate stays
    {&falling, 4, 250, 5},       // from where a step begins
    {&waves, 1, 2000, 3},        //
    {&waves, 4, 1500, 9},        // across an outage
    {&waves, 5, 500, 9},         // from where an outage begins
    {&waves, 6.5, 500, 9},       // from within one
    {&waves, 6.5, 0, 6.5},       // nothing to send
    {&waves, 0, 5000, 5},        // done when the outage begins
    {&waves, 0, 8000, 14},       // the same at the end of the pattern
    {&waves, 15, 1000, 17},      // from an outage into the next period
    {&waves, 0, 8500, 16.5},     //
    {&waves, 2, 16000, 34},      // two whole periods
    {&waves, 0, 800000, 1598},   // a hundred, done when the last outage begins
    {&waves, 1600, 24000, 1646}, //
    {&waves, 1606, 8e6, 17605},  // a thousand from an outage: done at the same place as from 1605
    {&late, 0, 100, 3.5},        // begins with an outage
    {&late, 4.5, 150, 8.25},     //
    {&late, 0, 400, 5},          // done when the period ends
    {&late, 0, 4000, 50},        //
    {&single, 6.5, 40, 7.5},     // one rate, over the end of a period
    {&single, 0, 28e3, 700},     //
};

START_TEST(transfers_take_what_they_must)
{
    struct arena arena = {0};
    const struct rate rate = rate_of(transfers[_i].pattern, &arena);
    const double finish_s = finish_of(&rate, transfers[_i].start_s, transfers[_i].bytes);
    ck_assert_double_eq_tol(finish_s, transfers[_i].finish_s,
                            4 * DBL_EPSILON * transfers[_i].finish_s);
    arena_finish(&arena);
}
END_TEST

// The same over the walk along several parts, of which the others are 1 all the time that matters.
START_TEST(transfers_take_the_same_with_other_parts)
{
    static const double at_s[] = {1e6};
    static const double factor[] = {0.5};
    struct arena arena = {0};
    struct rate rate = rate_of(transfers[_i].pattern, &arena);
    rate_add_factors(&rate, &arena, at_s, factor, 1);
    const double finish_s = finish_of(&rate, transfers[_i].start_s, transfers[_i].bytes);
    ck_assert_double_eq_tol(finish_s, transfers[_i].finish_s,
                            1e3 * DBL_EPSILON * transfers[_i].finish_s);
    if (isfinite(transfers[_i].pattern->rates[0])) {
        ck_assert_double_eq_tol(done_of(&rate, transfers[_i].start_s, finish_s),
                                transfers[_i].bytes, 1e-9 * (transfers[_i].bytes + 1));
    }
    arena_finish(&arena);
}
END_TEST

static const struct {
    const struct pattern *pattern;
    double time_s;
    double rate;
} instants[] = {
    {&constant, 0, 2.5e6}, {&constant, 1e9, 2.5e6},  {&unlimited, 7, INFINITY},
    {&falling, 0, 1000},   {&falling, 3.999, 1000},  {&falling, 4, 250},
    {&falling, 10, 50},    {&falling, 1e9, 50},      {&waves, 4.5, 1000},
    {&waves, 5, 0},        {&waves, 13.999, 500},    {&waves, 15.999, 0},
    {&waves, 16, 1000},    {&waves, 16 * 1e6, 1000}, {&waves, 16 * 1e6 + 9, 500},
    {&late, 2, 0},         {&late, 8, 200},          {&single, 100, 40},
};

START_TEST(rate_is_known_at_any_time)
{
    struct arena arena = {0};
    const struct rate rate = rate_of(instants[_i].pattern, &arena);
    ck_assert_double_eq(value_of(&rate, instants[_i].time_s), instants[_i].rate);
    arena_finish(&arena);
}
END_TEST

static const struct {
    const struct pattern *pattern;
    double nominal;
} nominals[] = {
    {&constant, 2.5e6}, {&unlimited, INFINITY}, {&falling, 50}, {&waves, 500},
    {&late, 80},        {&single, 40},
};

START_TEST(nominal_rate_is_the_mean_or_the_last)
{
    struct arena arena = {0};
    const struct rate rate = rate_of(nominals[_i].pattern, &arena);
    ck_assert_double_eq(rate.nominal, nominals[_i].nominal);
    arena_finish(&arena);
}
END_TEST

// ---- at random ----

enum { CASES = 10000 };

// A generator of its own (Steele, Lea and Flood 2014), so that nothing of the simulator's is used.
static uint64_t next_word(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static double uniform(uint64_t *state)
{
    return (double)(next_word(state) >> 11) * 0x1p-53;
}

static double log_uniform(uint64_t *state, double from, double to)
{
    return from * pow(to / from, uniform(state));
}

static int whole(uint64_t *state, int count)
{
    return (int)(next_word(state) % (uint64_t)count);
}

static struct pattern random_pattern(uint64_t *state)
{
    struct pattern pattern = {.count = 1 + whole(state, MOST_STEPS)};
    const bool is_periodic = whole(state, 4) > 0;
    const bool is_round = whole(state, 2) > 0; // such as people write
    double time_s = 0;
    for (int i = 0; i < pattern.count; i++) {
        pattern.times_s[i] = time_s;
        time_s += is_round ? 1 + whole(state, 60) : log_uniform(state, 1e-3, 1e3);
        pattern.rates[i] = whole(state, 3) == 0 ? 0
                           : is_round           ? 1e3 * (1 + whole(state, 100))
                                                : log_uniform(state, 1e2, 1e9);
    }
    const int sure = is_periodic ? whole(state, pattern.count) : pattern.count - 1;
    if (pattern.rates[sure] <= 0) {
        pattern.rates[sure] = log_uniform(state, 1e2, 1e9);
    }
    pattern.period_s = is_periodic ? time_s : INFINITY;
    return pattern;
}

static double end_of_step(const struct pattern *pattern, int step)
{
    return step + 1 < pattern->count ? pattern->times_s[step + 1] : pattern->period_s;
}

static long double period_bytes(const struct pattern *pattern)
{
    long double sum = 0;
    for (int i = 0; i < pattern->count; i++) {
        sum += (long double)pattern->rates[i] *
               ((long double)end_of_step(pattern, i) - (long double)pattern->times_s[i]);
    }
    return sum;
}

// Walks from the start, step after step, until the bytes are through; whole periods at a stride.
static long double walk(const struct pattern *pattern, double start_s, long double bytes)
{
    const bool is_periodic = isfinite(pattern->period_s);
    const long double period_s = pattern->period_s;
    const long double periods = is_periodic ? floorl(start_s / period_s) : 0;
    long double base_s = periods > 0 ? periods * period_s : 0;
    long double within_s = start_s - base_s;
    if (bytes <= 0) {
        return start_s;
    }
    if (is_periodic && bytes > period_bytes(pattern)) {
        const long double strides = ceill(bytes / period_bytes(pattern)) - 1;
        bytes -= strides * period_bytes(pattern);
        base_s += strides * period_s;
    }
    for (;;) {
        for (int i = 0; i < pattern->count; i++) {
            const long double from_s = fmaxl(within_s, pattern->times_s[i]);
            const long double to_s = end_of_step(pattern, i);
            if (from_s >= to_s || pattern->rates[i] <= 0) {
                continue;
            }
            const long double room = pattern->rates[i] * (to_s - from_s);
            if (bytes <= room) {
                return base_s + from_s + bytes / pattern->rates[i];
            }
            bytes -= room;
        }
        within_s = 0;
        base_s += period_s;
    }
}

static double random_start(const struct pattern *pattern, uint64_t *state)
{
    const double span_s =
        isfinite(pattern->period_s) ? pattern->period_s : pattern->times_s[pattern->count - 1] + 1;
    switch (whole(state, 4)) {
    case 0:
        return uniform(state) * span_s;
    case 1: // where a step begins
        return pattern->times_s[whole(state, pattern->count)];
    case 2: // the same, periods later
        return pattern->times_s[whole(state, pattern->count)] + whole(state, 1000) * span_s;
    default:
        return uniform(state) * 1000 * span_s;
    }
}

static double random_bytes(const struct pattern *pattern, uint64_t *state)
{
    const double one = isfinite(pattern->period_s)
                           ? (double)period_bytes(pattern)
                           : pattern->rates[pattern->count - 1] * (1 + uniform(state));
    switch (whole(state, 5)) {
    case 0:
        return log_uniform(state, 1, 1e6);
    case 1: // whole periods
        return whole(state, 100) * one;
    case 2: // what goes in one step
        return pattern->rates[0] * (pattern->count > 1 ? pattern->times_s[1] : 1);
    case 3:
        return uniform(state) * 1000 * one;
    default:
        return uniform(state) * one;
    }
}

// Where bytes end just before an outage, rounding decides on which side of it; so the time must lie
// between those of a hair less and a hair more.
START_TEST(random_transfers_agree_with_a_walk)
{
    uint64_t state = (uint64_t)_i * 1000003 + 17;
    int crossed = 0;
    for (int i = 0; i < CASES / 10; i++) {
        struct arena arena = {0};
        const struct pattern pattern = random_pattern(&state);
        const struct rate rate = rate_of(&pattern, &arena);
        const double start_s = random_start(&pattern, &state);
        const double bytes = random_bytes(&pattern, &state);
        const double finish_s = finish_of(&rate, start_s, bytes);
        // Where the start is in its period is known to the last bit of the time only.
        const double hair = 8 * DBL_EPSILON * (start_s + finish_s);
        const double early_s =
            (double)walk(&pattern, fmax(start_s - hair, 0), bytes * (1 - 1e-13L));
        const double late_s = (double)walk(&pattern, start_s + hair, bytes * (1 + 1e-13L));
        const double room_s = TOLERANCE * (late_s - start_s) + hair;
        ck_assert_msg(finish_s >= start_s && finish_s >= early_s - room_s &&
                          finish_s <= late_s + room_s,
                      "case %d: %.17g B from %.17g s end at %.17g s, not from %.17g s to %.17g s",
                      i, bytes, start_s, finish_s, early_s, late_s);
        crossed += finish_s - start_s > pattern.times_s[pattern.count - 1];
        arena_finish(&arena);
    }
    ck_assert_int_gt(crossed, CASES / 100); // otherwise little was tested
}
END_TEST

// A transfer in two parts, the second from where the first ended, ends where the whole does.
START_TEST(parts_add_up)
{
    uint64_t state = 2385;
    for (int i = 0; i < CASES / 10; i++) {
        struct arena arena = {0};
        const struct pattern pattern = random_pattern(&state);
        const struct rate rate = rate_of(&pattern, &arena);
        const double start_s = random_start(&pattern, &state);
        const double bytes = uniform(&state) * 10 * (pattern.rates[pattern.count - 1] + 1e4);
        const double part = uniform(&state) * bytes;
        const double whole_s = finish_of(&rate, start_s, bytes);
        const double middle_s = finish_of(&rate, start_s, part);
        const double parts_s = finish_of(&rate, middle_s, bytes - part);
        ck_assert_double_le(middle_s, whole_s);
        ck_assert_double_eq_tol(parts_s, whole_s,
                                TOLERANCE * (whole_s - start_s) + 32 * DBL_EPSILON * whole_s);
        arena_finish(&arena);
    }
}
END_TEST

// In the middle of a step of any period the rate is the step's.
START_TEST(random_rates_are_those_of_their_steps)
{
    uint64_t state = 607;
    for (int i = 0; i < CASES; i++) {
        struct arena arena = {0};
        const struct pattern pattern = random_pattern(&state);
        const struct rate rate = rate_of(&pattern, &arena);
        const int step = whole(&state, pattern.count);
        const bool is_periodic = isfinite(pattern.period_s);
        const double end_s = end_of_step(&pattern, step);
        const double middle_s =
            isfinite(end_s) ? (pattern.times_s[step] + end_s) / 2 : pattern.times_s[step] + 2.385;
        const double base_s = is_periodic ? whole(&state, 1000) * pattern.period_s : 0;
        ck_assert_double_eq(value_of(&rate, base_s + middle_s), pattern.rates[step]);
        const double nominal = is_periodic ? (double)(period_bytes(&pattern) / pattern.period_s)
                                           : pattern.rates[pattern.count - 1];
        ck_assert_double_eq_tol(rate.nominal, nominal, 1e-12 * nominal);
        arena_finish(&arena);
    }
}
END_TEST

// ---- starts and ends ----

START_TEST(pattern_starts_where_it_is_told)
{
    struct arena arena = {0};
    struct rate rate = rate_of(&waves, &arena);
    rate_start_at(&rate, 6);
    ck_assert_double_eq(value_of(&rate, 0), 0);
    ck_assert_double_eq(value_of(&rate, 2), 500);
    ck_assert_double_eq(value_of(&rate, 10), 1000);
    ck_assert_double_eq(finish_of(&rate, 0, 500), 3);
    ck_assert_double_eq(finish_of(&rate, 7, 1000), 10.5); // 500 to 8 s, nothing to 10 s
    ck_assert_double_eq(done_of(&rate, 0, 16), 8000);
    arena_finish(&arena);
}
END_TEST

// 0.1 + 8.1 - 8.1 is less than 0.1.
START_TEST(nothing_ends_before_it_starts)
{
    struct arena arena = {0};
    struct rate rate = rate_of(&waves, &arena);
    rate_start_at(&rate, 8.1);
    ck_assert(0.1 + 8.1 - 8.1 < 0.1);
    ck_assert_double_eq(finish_of(&rate, 0.1, 0), 0.1);
    ck_assert_double_eq(finish_of(&rate, 0.1, 1e-18), 0.1);
    arena_finish(&arena);
}
END_TEST

// Of many lanes that start anywhere, as many are in each step as it is long, and none is where
// another is.
START_TEST(lanes_start_anywhere)
{
    enum { LANES = 1000 };
    struct arena arena = {0};
    struct rate rate = rate_of(&waves, &arena);
    rate_start_anywhere(&rate, stream_purpose("start", "device-edge"));
    double offset_s[LANES];
    int fast = 0;
    for (uint64_t i = 0; i < LANES; i++) {
        struct rate_cursor cursor[1] = {{0}};
        const struct rate_lane lane = lane_of(&rate, cursor, i);
        fast += rate_at(&lane, 0) > 999;
        offset_s[i] = cursor[0].offset_s;
        // A pattern's worth takes at most a period, from wherever in it.
        ck_assert_double_le(rate_finish(&lane, 0, 8000), 16 + TOLERANCE);
        for (uint64_t k = 0; k < i; k++) {
            ck_assert_double_ne(offset_s[i], offset_s[k]);
        }
    }
    // 5 of 16 seconds; 99 % of a binomial law lie within 2.58 standard deviations.
    const double share = 5.0 / 16;
    ck_assert_double_eq_tol(fast, LANES * share, 2.58 * sqrt(LANES * share * (1 - share)));
    arena_finish(&arena);
}
END_TEST

START_TEST(nothing_comes_after_the_end)
{
    static const double times_s[] = {0, 2, 3};
    static const double rates[] = {100, 0, 50};
    struct arena arena = {0};
    struct rate rate;
    rate_init(&rate, 1);
    rate_add_steps(&rate, &arena, times_s, rates, 3, INFINITY, 5);
    struct rate_cursor cursor[1] = {{0}};
    const struct rate_lane lane = lane_of(&rate, cursor, 0);
    ck_assert_double_eq(rate_end(&lane), 5);
    ck_assert_double_eq(rate.nominal, 60);
    ck_assert_double_eq(finish_of(&rate, 0, 300), 5);
    ck_assert_double_eq(finish_of(&rate, 0, 300.001), INFINITY);
    ck_assert_double_eq(finish_of(&rate, 5, 1), INFINITY);
    ck_assert_double_eq(finish_of(&rate, 7, 0), 7);
    ck_assert_double_eq(value_of(&rate, 5), 0);
    ck_assert_double_eq(done_of(&rate, 1, 1000), 200);
    // A factor that becomes 0 for good is an end too.
    static const double at_s[] = {1, 4};
    static const double factors[] = {2, 0};
    rate_add_factors(&rate, &arena, at_s, factors, 2);
    ck_assert_double_eq(rate.nominal, 60);
    ck_assert_double_eq(finish_of(&rate, 0, 400), 4);
    ck_assert_double_eq(finish_of(&rate, 0, 401), INFINITY);
    struct rate_cursor both[2] = {{0}};
    const struct rate_lane drifted = lane_of(&rate, both, 0);
    ck_assert_double_eq(rate_end(&drifted), 4);
    arena_finish(&arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rate");

    TCase *hand = tcase_create("by hand");
    unit_add_table(hand, transfers_take_what_they_must, transfers);
    unit_add_table(hand, transfers_take_the_same_with_other_parts, transfers);
    unit_add_table(hand, rate_is_known_at_any_time, instants);
    unit_add_table(hand, nominal_rate_is_the_mean_or_the_last, nominals);
    suite_add_tcase(suite, hand);

    TCase *ends = tcase_create("starts and ends");
    tcase_add_test(ends, pattern_starts_where_it_is_told);
    tcase_add_test(ends, nothing_ends_before_it_starts);
    tcase_add_test(ends, lanes_start_anywhere);
    tcase_add_test(ends, nothing_comes_after_the_end);
    suite_add_tcase(suite, ends);

    TCase *random = tcase_create("at random");
    tcase_add_loop_test(random, random_transfers_agree_with_a_walk, 0, 10);
    tcase_add_test(random, parts_add_up);
    tcase_add_test(random, random_rates_are_those_of_their_steps);
    suite_add_tcase(suite, random);

    return unit_run(suite);
}
