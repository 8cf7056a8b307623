// SPDX-License-Identifier: GPL-3.0-or-later

// Processor sharing, held against times worked out by hand and against a simulation that moves all
// jobs forward from one event to the next.

#include "base/memory.h"
#include "model/sharing.h"
#include "tests/unit/unit.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

enum { MOST_JOBS = 400 };

struct shared {
    struct rate rate[SHARING_FLOWS];
    struct rate_cursor cursor[SHARING_FLOWS][RATE_MOST_PARTS];
    struct rate_lane lane[SHARING_FLOWS];
    struct sharing sharing;
    struct sharing_job jobs[MOST_JOBS];
    struct arena arena;
};

static void shared_init(struct shared *shared, uint32_t servers, double first, double second)
{
    *shared = (struct shared){0};
    const double constants[SHARING_FLOWS] = {first, second};
    for (int flow = 0; flow < SHARING_FLOWS; flow++) {
        rate_init(&shared->rate[flow], constants[flow]);
        shared->lane[flow] = (struct rate_lane){
            &shared->rate[flow], shared->cursor[flow], {.seed = 1, .replication = 2}, 0};
    }
    sharing_init(&shared->sharing, servers);
}

static void arrive(struct shared *shared, double now_s, uint32_t slot, uint32_t flow, double amount,
                   double weight)
{
    sharing_arrive(&shared->sharing, shared->jobs, shared->lane, now_s, slot, flow, amount, weight,
                   slot);
}

// The next job to end, and when.
static uint32_t depart(struct shared *shared, double *ret_time_s)
{
    double own_s;
    *ret_time_s = shared->sharing.next_s;
    return sharing_depart(&shared->sharing, shared->jobs, shared->lane, *ret_time_s, &own_s);
}

static void expect(struct shared *shared, uint32_t slot, double time_s)
{
    double found_s;
    ck_assert_uint_eq(depart(shared, &found_s), slot);
    ck_assert_double_eq_tol(found_s, time_s, 1e-12 * time_s);
}

// n messages of B bytes that start together on a link of rate R all end at n B / R, to the bit, in
// the order of their ranks.
START_TEST(equal_jobs_end_together)
{
    const uint32_t count = (uint32_t)_i;
    struct shared shared;
    shared_init(&shared, 0, 2.5e6, 0);
    for (uint32_t slot = 0; slot < count; slot++) {
        arrive(&shared, 0, slot, 0, 20e3, 1);
    }
    for (uint32_t slot = 0; slot < count; slot++) {
        double time_s;
        ck_assert_uint_eq(depart(&shared, &time_s), slot);
        ck_assert_double_eq(time_s, count * 20e3 / 2.5e6);
    }
    ck_assert_double_eq(shared.sharing.next_s, INFINITY);
}
END_TEST

// A link of 100 B/s. Alone for a second, then two that share, then one with three times the weight.
START_TEST(weights_by_hand)
{
    struct shared shared;
    shared_init(&shared, 0, 100, 0);
    arrive(&shared, 0, 0, 0, 300, 1);
    arrive(&shared, 1, 1, 0, 150, 1); // 0 has 200 left; 50 B/s each
    arrive(&shared, 3, 2, 0, 300, 3); // 0: 100, 1: 50; 20, 20 and 60 B/s
    expect(&shared, 1, 5.5);          // 0: 50, 2: 150; 25 and 75 B/s
    expect(&shared, 0, 7.5);          // at the same time as 2
    expect(&shared, 2, 7.5);
    arrive(&shared, 10, 3, 0, 50, 0.5); // alone, whatever the weight
    expect(&shared, 3, 10.5);
}
END_TEST

// Two servers: each of n jobs has the speed min(1, 2 / n).
START_TEST(servers_by_hand)
{
    struct shared shared;
    shared_init(&shared, 2, 1, 0);
    arrive(&shared, 0, 0, 0, 2, 1);
    expect(&shared, 0, 2);
    arrive(&shared, 10, 1, 0, 2, 1);
    arrive(&shared, 10, 2, 0, 3, 1);
    arrive(&shared, 11, 3, 0, 2, 1); // 1: 1 left, 2: 2 left; speed 2/3
    expect(&shared, 1, 12.5);        // 2: 1 left, 3: 1 left; speed 1
    expect(&shared, 2, 13.5);
    expect(&shared, 3, 13.5);
    ck_assert_double_eq_tol(shared.sharing.busy_s[0], 2 + 2 + 2 * 1.5 + 2, 1e-12);
}
END_TEST

// A rate that changes: 100 B/s for 2 s, nothing for 1 s, 40 B/s for 3 s, in turn.
START_TEST(changing_rate_by_hand)
{
    static const double times_s[] = {0, 2, 3};
    static const double rates[] = {100, 0, 40};
    struct shared shared;
    shared_init(&shared, 0, 1, 0);
    rate_add_steps(&shared.rate[0], &shared.arena, times_s, rates, 3, 6, INFINITY);
    arrive(&shared, 1, 0, 0, 80, 1);    // 100 B until 2 s
    arrive(&shared, 1.5, 1, 0, 60, 1);  // 0: 30 left; 25 each until 2 s
    arrive(&shared, 2.5, 2, 0, 100, 2); // 0: 5, 1: 35; from 3 s on 10, 10 and 20 B/s
    expect(&shared, 0, 3.5);            // 1: 30, 2: 90; 40/3 and 80/3 B/s
    expect(&shared, 1, 5.75);           // 2: 30 left; 40 B/s, 10 until 6 s, then 100 B/s
    expect(&shared, 2, 6.2);
    arena_finish(&shared.arena);
}
END_TEST

// Two directions of one medium, 100 B/s up and 300 B/s down: each message has its share of the
// time.
START_TEST(two_flows_by_hand)
{
    struct shared shared;
    shared_init(&shared, 0, 100, 300);
    arrive(&shared, 0, 0, 0, 200, 1);
    arrive(&shared, 1, 1, 1, 150, 1); // 0 has 100 left; half of the time each: 50 and 150 B/s
    expect(&shared, 1, 2);            // 0: 50 left
    arrive(&shared, 2, 2, 1, 300, 3); // 25 and 225 B/s
    expect(&shared, 2, 2 + 4.0 / 3);  // 0: 50 - 25 * 4 / 3
    expect(&shared, 0, 2 + 4.0 / 3 + (50 - 100.0 / 3) / 100);
    ck_assert_double_eq_tol(shared.sharing.busy_s[0] + shared.sharing.busy_s[1], 3.5, 1e-12);
    ck_assert_double_eq_tol(shared.sharing.busy_s[1], 0.5 + 1, 1e-12);
}
END_TEST

START_TEST(jobs_can_be_taken_out)
{
    struct shared shared;
    double left;
    double own_s;
    shared_init(&shared, 0, 100, 0);
    arrive(&shared, 0, 0, 0, 300, 1);
    arrive(&shared, 0, 1, 0, 200, 1);
    ck_assert_uint_eq(sharing_take(&shared.sharing, shared.jobs, shared.lane, 2, 0, &left, &own_s),
                      1);
    ck_assert_double_eq(left, 100);
    ck_assert_double_eq(own_s, 1);
    expect(&shared, 0, 4);
    ck_assert_uint_eq(sharing_take(&shared.sharing, shared.jobs, shared.lane, 5, 0, &left, &own_s),
                      SHARING_NONE);
}
END_TEST

START_TEST(no_limit_takes_no_time)
{
    struct shared shared;
    shared_init(&shared, 0, INFINITY, 0);
    arrive(&shared, 3, 0, 0, 1e9, 1);
    arrive(&shared, 3, 1, 0, 1e6, 1);
    expect(&shared, 1, 3);
    expect(&shared, 0, 3);
}
END_TEST

// ---- at random ----

static uint64_t next_word(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static double uniform(uint64_t *state)
{
    return ((double)(next_word(state) >> 11) + 0.5) * 0x1p-53;
}

struct plain_job {
    double arrives_s;
    double left;
    double weight;
    double ends_s;
    uint32_t flow;
    bool is_here;
};

// Moves all jobs forward from event to event at speeds that are worked out anew each time.
static void walk(struct plain_job *jobs, int count, uint32_t servers, const double *rates)
{
    double now_s = 0;
    int next = 0;
    int left = count;
    while (left) {
        double weight = 0;
        int present = 0;
        for (int i = 0; i < count; i++) {
            weight += jobs[i].is_here ? jobs[i].weight : 0;
            present += jobs[i].is_here;
        }
        const double share = servers ? fmin(1, servers / fmax(present, 1)) : 1 / weight;
        double until_s = next < count ? jobs[next].arrives_s : INFINITY;
        int ends = -1;
        for (int i = 0; i < count; i++) {
            const double speed = share * jobs[i].weight * rates[jobs[i].flow];
            if (jobs[i].is_here && now_s + jobs[i].left / speed < until_s) {
                until_s = now_s + jobs[i].left / speed;
                ends = i;
            }
        }
        for (int i = 0; i < count; i++) {
            if (jobs[i].is_here) {
                jobs[i].left -= (until_s - now_s) * share * jobs[i].weight * rates[jobs[i].flow];
            }
        }
        now_s = until_s;
        if (ends >= 0) {
            jobs[ends].ends_s = now_s;
            jobs[ends].is_here = false;
            left--;
        } else {
            jobs[next++].is_here = true;
        }
    }
}

START_TEST(random_jobs_agree_with_a_walk)
{
    uint64_t state = (uint64_t)_i * 7919 + 2385;
    const uint32_t servers = (uint32_t)(_i % 4);
    const bool has_weights = servers == 0;
    const double rates[SHARING_FLOWS] = {servers ? 1 : 3.5, servers ? 1 : 1.25};
    struct plain_job plain[MOST_JOBS];
    double now_s = 0;
    for (int i = 0; i < MOST_JOBS; i++) {
        now_s -= log(uniform(&state)) * (servers ? 1.1 / servers : 0.7);
        plain[i] = (struct plain_job){.arrives_s = now_s,
                                      .left = -log(uniform(&state)),
                                      .weight = has_weights ? 0.1 + 4 * uniform(&state) : 1,
                                      .flow = has_weights && uniform(&state) < 0.4};
    }
    struct shared shared;
    shared_init(&shared, servers, rates[0], rates[1]);
    double ends_s[MOST_JOBS];
    double work = 0;
    double own_s = 0;
    for (int next = 0, left = MOST_JOBS; left;) {
        if (next < MOST_JOBS && plain[next].arrives_s < shared.sharing.next_s) {
            arrive(&shared, plain[next].arrives_s, (uint32_t)next, plain[next].flow,
                   plain[next].left, plain[next].weight);
            work += plain[next].left / rates[plain[next].flow];
            next++;
        } else {
            const double time_s = shared.sharing.next_s;
            double spent_s;
            const uint32_t slot =
                sharing_depart(&shared.sharing, shared.jobs, shared.lane, time_s, &spent_s);
            ends_s[slot] = time_s;
            own_s += spent_s;
            left--;
        }
    }
    walk(plain, MOST_JOBS, servers, rates);
    for (int i = 0; i < MOST_JOBS; i++) {
        ck_assert_double_eq_tol(ends_s[i], plain[i].ends_s, 1e-9 * plain[i].ends_s);
    }
    // The time that jobs had for themselves is the time that they would have taken alone.
    ck_assert_double_eq_tol(own_s, work, 1e-9 * work);
    ck_assert_double_eq_tol(shared.sharing.busy_s[0] + shared.sharing.busy_s[1], work, 1e-9 * work);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sharing");

    TCase *hand = tcase_create("by hand");
    tcase_add_loop_test(hand, equal_jobs_end_together, 1, 50);
    tcase_add_test(hand, weights_by_hand);
    tcase_add_test(hand, servers_by_hand);
    tcase_add_test(hand, changing_rate_by_hand);
    tcase_add_test(hand, two_flows_by_hand);
    tcase_add_test(hand, jobs_can_be_taken_out);
    tcase_add_test(hand, no_limit_takes_no_time);
    suite_add_tcase(suite, hand);

    TCase *random = tcase_create("at random");
    tcase_add_loop_test(random, random_jobs_agree_with_a_walk, 0, 40);
    suite_add_tcase(suite, random);

    return unit_run(suite);
}
