// SPDX-License-Identifier: GPL-3.0-or-later

// What rates are made of besides steps: failures, standstills and Markov chains, held against times
// worked out by hand and against shares of time by theory.

#include "base/memory.h"
#include "model/rate.h"
#include "tests/model/rate_asked.h"
#include "tests/unit/unit.h"

#include <math.h>
#include <stdint.h>

// ---- standstills ----

static const struct distribution_parameters three_s = {.kind = DISTRIBUTION_CONSTANT, .mean = 3};
static const struct distribution_parameters one_s = {.kind = DISTRIBUTION_CONSTANT, .mean = 1};

// A node that works for 3 s and is repaired for 1 s, in turn.
START_TEST(failures_by_hand)
{
    struct arena arena = {0};
    struct rate rate;
    rate_init(&rate, 1);
    rate_add_alternating(&rate, &arena, &three_s, &one_s, stream_purpose("failure", "edge"));
    ck_assert_double_eq(rate.nominal, 0.75);
    static const struct {
        double start_s;
        double amount;
        double resumed_s;
        double anew_s;
    } jobs[] = {{0, 2, 2, 2}, {0, 3, 3, 3},        {2, 2, 5, 6},
                {3, 1, 5, 5}, {3.5, 3, 7, 7},      {0, 3.5, 4.5, INFINITY},
                {5, 2, 7, 7}, {5, 2.5, 8.5, 10.5}, {1, 10, 14, INFINITY}};
    for (int i = 0; i < UNIT_COUNT(jobs); i++) {
        struct rate_cursor cursor[1] = {{0}};
        const struct rate_lane lane = lane_of(&rate, cursor, 0);
        ck_assert_double_eq(rate_finish(&lane, jobs[i].start_s, jobs[i].amount), jobs[i].resumed_s);
        ck_assert_double_eq(rate_finish_anew(&lane, jobs[i].start_s, jobs[i].amount),
                            jobs[i].anew_s);
    }
    struct rate_cursor cursor[1] = {{0}};
    const struct rate_lane lane = lane_of(&rate, cursor, 0);
    ck_assert_double_eq(rate_next_stop(&lane, 0), 3);
    ck_assert_double_eq(rate_next_go(&lane, 0), 0);
    ck_assert_double_eq(rate_next_stop(&lane, 3), 3);
    ck_assert_double_eq(rate_next_go(&lane, 3), 4);
    ck_assert_double_eq(rate_next_stop(&lane, 4), 7);
    ck_assert_double_eq(rate_next_go(&lane, 7.25), 8);
    arena_finish(&arena);
}
END_TEST

START_TEST(scheduled_standstills_by_hand)
{
    static const double starts_s[] = {0, 4, 5, 9};
    static const double lasts_s[] = {1, 1, 0.5, 1};
    struct arena arena = {0};
    struct rate rate;
    rate_init(&rate, 100);
    rate_add_standstills(&rate, &arena, starts_s, lasts_s, 4, 10);
    ck_assert_double_eq_tol(rate.nominal, 65, 1e-12);
    ck_assert_double_eq(finish_of(&rate, 0, 100), 2);
    ck_assert_double_eq(finish_of(&rate, 3, 150), 6);
    ck_assert_double_eq(finish_of(&rate, 8, 200), 12);
    ck_assert_double_eq(finish_of(&rate, 0, 6500), 99);
    ck_assert_double_eq(value_of(&rate, 9.5), 0);
    ck_assert_double_eq(value_of(&rate, 10.5), 0);
    ck_assert_double_eq(value_of(&rate, 11), 100);
    arena_finish(&arena);
}
END_TEST

// A thousand transfers that walked from one random outage to the next until they gave up would take
// minutes.
START_TEST(what_is_over_for_good_is_seen_at_once)
{
    static const double from_start_s[] = {0};
    static const double bytes_per_s[] = {100};
    struct arena arena = {0};
    struct rate rate;
    rate_init(&rate, 1);
    rate_add_steps(&rate, &arena, from_start_s, bytes_per_s, 1, INFINITY, 5);
    rate_add_alternating(&rate, &arena, &three_s, &one_s, stream_purpose("outages", "device-edge"));
    for (int i = 0; i < 1000; i++) {
        ck_assert_double_eq(finish_of(&rate, 0, 400), 5);
        ck_assert_double_eq(finish_of(&rate, 0, 401), INFINITY);
        ck_assert_double_eq(finish_of(&rate, 5.385, 1), INFINITY);
    }
    struct rate_cursor cursor[2] = {{0}};
    const struct rate_lane lane = lane_of(&rate, cursor, 0);
    ck_assert_double_eq(rate_next_go(&lane, 3.385), 4);
    ck_assert_double_eq(rate_next_go(&lane, 5), INFINITY);
    arena_finish(&arena);
}
END_TEST

// Two patterns that are never on together: it is found out, and not waited for.
START_TEST(what_never_works_is_given_up)
{
    static const double first_s[] = {0};
    static const double second_s[] = {5};
    static const double five_s[] = {5};
    struct arena arena = {0};
    struct rate rate;
    rate_init(&rate, 1);
    rate_add_standstills(&rate, &arena, first_s, five_s, 1, 10);
    rate_add_standstills(&rate, &arena, second_s, five_s, 1, 10);
    ck_assert_double_eq(finish_of(&rate, 0, 1), INFINITY);
    struct rate_cursor cursor[2] = {{0}};
    const struct rate_lane lane = lane_of(&rate, cursor, 0);
    ck_assert_double_eq(rate_next_go(&lane, 0), INFINITY);
    arena_finish(&arena);
}
END_TEST

START_TEST(no_limit_has_standstills_too)
{
    static const double starts_s[] = {1};
    static const double lasts_s[] = {2};
    struct arena arena = {0};
    struct rate rate;
    rate_init(&rate, INFINITY);
    rate_add_standstills(&rate, &arena, starts_s, lasts_s, 1, INFINITY);
    ck_assert_double_eq(finish_of(&rate, 0.5, 1e12), 0.5);
    ck_assert_double_eq(finish_of(&rate, 1.5, 1e12), 3);
    ck_assert_double_eq(value_of(&rate, 2), 0);
    ck_assert_double_eq(value_of(&rate, 4), INFINITY);
    arena_finish(&arena);
}
END_TEST

// ---- Markov ----

enum { STATES = 3, CHAINS = 60 };

// Jumps and mean stays whose stationary shares are those below, by pi Q = 0.
static const double next_state[STATES * STATES] = {0, 0.25, 0.75, 0.5, 0, 0.5, 1, 0, 0};
static const double stays_s[STATES] = {2, 4, 1};

// Jumps: x0 = x1 / 2 + x2, x1 = x0 / 4, x2 = 3 x0 / 4 + x1 / 2: (8, 2, 7) / 17. Times: 16, 8, 7.
static const double shares[STATES] = {16.0 / 31, 8.0 / 31, 7.0 / 31};

START_TEST(chain_spends_its_stationary_shares)
{
    const double length_s = 5000;
    double mean[STATES] = {0};
    double square[STATES] = {0};
    for (int state = 0; state < STATES; state++) {
        struct arena arena = {0};
        double values[STATES] = {0};
        values[state] = 1;
        struct rate rate;
        rate_init(&rate, 1);
        rate_add_markov(&rate, &arena, values, stays_s, next_state, STATES,
                        stream_purpose("rate", "device-edge.up"));
        ck_assert_double_eq_tol(rate.nominal, shares[state], 1e-14);
        for (uint64_t i = 0; i < CHAINS; i++) {
            struct rate_cursor cursor[1] = {{0}};
            const struct rate_lane lane = lane_of(&rate, cursor, i);
            const double share = rate_done(&lane, 0, length_s) / length_s;
            mean[state] += share / CHAINS;
            square[state] += share * share / CHAINS;
        }
        arena_finish(&arena);
    }
    for (int state = 0; state < STATES; state++) {
        const double deviation = sqrt((square[state] - mean[state] * mean[state]) / (CHAINS - 1));
        // The same numbers for each state, so the shares are of the same chains.
        ck_assert_double_eq_tol(mean[state], shares[state], 2.66 * deviation);
        ck_assert_double_lt(deviation, 0.01);
    }
    ck_assert_double_eq_tol(mean[0] + mean[1] + mean[2], 1, 1e-9);
}
END_TEST

// It is in equilibrium from the start: at time 0 the states have their shares of time, not those of
// jumps (8, 2, 7) / 17.
START_TEST(chain_begins_in_equilibrium)
{
    enum { LANES = 4000 };
    static const double values[STATES] = {1, 2, 3};
    struct arena arena = {0};
    struct rate rate;
    rate_init(&rate, 1);
    rate_add_markov(&rate, &arena, values, stays_s, next_state, STATES, stream_purpose("rate", ""));
    int found[STATES] = {0};
    for (uint64_t i = 0; i < LANES; i++) {
        struct rate_cursor cursor[1] = {{0}};
        const struct rate_lane lane = lane_of(&rate, cursor, i);
        found[(int)rate_at(&lane, 0) - 1]++;
    }
    for (int state = 0; state < STATES; state++) {
        const double room = 2.58 * sqrt(LANES * shares[state] * (1 - shares[state]));
        ck_assert_double_eq_tol(found[state], LANES * shares[state], room);
    }
    arena_finish(&arena);
}
END_TEST

// However a cursor has come to where it is, it sees the same rate: transfers end at the same times
// after each other as each from the beginning.
START_TEST(cursors_see_the_same_rate)
{
    static const double values[STATES] = {1e3, 0, 5e4};
    static const double starts_s[] = {3};
    static const double lasts_s[] = {2};
    const struct distribution_parameters gamma = {.kind = DISTRIBUTION_GAMMA, .mean = 5, .cv = 1.4};
    struct arena arena = {0};
    struct rate rate;
    rate_init(&rate, 1);
    rate_add_markov(&rate, &arena, values, stays_s, next_state, STATES, stream_purpose("rate", ""));
    rate_add_alternating(&rate, &arena, &gamma, &one_s, stream_purpose("outages", ""));
    rate_add_standstills(&rate, &arena, starts_s, lasts_s, 1, 11);
    for (uint64_t number = 0; number < 20; number++) {
        struct rate_cursor cursor[3] = {{0}};
        struct rate_cursor watch[3] = {{0}};
        const struct rate_lane lane = lane_of(&rate, cursor, number);
        const struct rate_lane watched = lane_of(&rate, watch, number);
        double time_s = 0;
        double sent = 0;
        for (int i = 0; i < 200; i++) {
            const double bytes = 100.0 * (1 + i % 37);
            struct rate_cursor fresh[3] = {{0}};
            const struct rate_lane again = lane_of(&rate, fresh, number);
            const double end_s = rate_finish(&lane, time_s, bytes);
            ck_assert_double_eq(rate_finish(&again, time_s, bytes), end_s);
            ck_assert_double_eq(rate_at(&again, end_s), rate_at(&watched, end_s));
            ck_assert_double_ge(end_s, time_s);
            time_s = end_s;
            sent += bytes;
        }
        struct rate_cursor fresh[3] = {{0}};
        const struct rate_lane again = lane_of(&rate, fresh, number);
        ck_assert_double_eq_tol(rate_done(&again, 0, time_s), sent, 1e-9 * sent);
    }
    arena_finish(&arena);
}
END_TEST

START_TEST(alternating_is_on_for_its_share)
{
    const struct distribution_parameters on = {.kind = DISTRIBUTION_LOGNORMAL, .mean = 9, .cv = 1};
    const struct distribution_parameters off = {.kind = DISTRIBUTION_EXPONENTIAL, .mean = 1};
    const double length_s = 20000;
    struct arena arena = {0};
    struct rate rate;
    rate_init(&rate, 1);
    rate_add_alternating(&rate, &arena, &on, &off, stream_purpose("outages", "device-edge"));
    ck_assert_double_eq(rate.nominal, 0.9);
    double mean = 0;
    double square = 0;
    for (uint64_t i = 0; i < CHAINS; i++) {
        struct rate_cursor cursor[1] = {{0}};
        const struct rate_lane lane = lane_of(&rate, cursor, i);
        const double share = rate_done(&lane, 0, length_s) / length_s;
        mean += share / CHAINS;
        square += share * share / CHAINS;
    }
    const double deviation = sqrt((square - mean * mean) / (CHAINS - 1));
    ck_assert_double_eq_tol(mean, 0.9, 2.66 * deviation);
    ck_assert_double_lt(deviation, 0.002);
    arena_finish(&arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rate-parts");

    TCase *standstills = tcase_create("standstills");
    tcase_add_test(standstills, failures_by_hand);
    tcase_add_test(standstills, scheduled_standstills_by_hand);
    tcase_add_test(standstills, what_is_over_for_good_is_seen_at_once);
    tcase_add_test(standstills, what_never_works_is_given_up);
    tcase_add_test(standstills, no_limit_has_standstills_too);
    suite_add_tcase(suite, standstills);

    TCase *markov = tcase_create("Markov");
    tcase_add_test(markov, chain_spends_its_stationary_shares);
    tcase_add_test(markov, chain_begins_in_equilibrium);
    tcase_add_test(markov, cursors_see_the_same_rate);
    tcase_add_test(markov, alternating_is_on_for_its_share);
    suite_add_tcase(suite, markov);

    return unit_run(suite);
}
