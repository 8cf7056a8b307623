// SPDX-License-Identifier: GPL-3.0-or-later
#include "exp/queueing.h"
#include "unit.h"

#include <check.h>
#include <math.h>

// ---- one by one ----

// M/M/1 with load 0.83: C = 0.83, wait = load / (mu - lambda).
START_TEST(one_exponential_server)
{
    const struct queueing_load load = {.rate = 2.49,
                                       .service_s = 1 / 3.0,
                                       .service_variability = 1,
                                       .arrival_variability = 1,
                                       .servers = 1};
    ck_assert_double_eq_tol(queueing_utilisation(&load), 0.83, 1e-15);
    ck_assert_double_eq_tol(queueing_all_busy(0.83, 1), 0.83, 1e-15);
    ck_assert_double_eq_tol(queueing_wait_s(&load), 0.83 / (3 - 2.49), 1e-12);
    ck_assert_double_eq_tol(queueing_sharing_s(&load), 0.83 / (3 - 2.49), 1e-12);
    ck_assert_double_eq_tol(queueing_departures(&load), 1, 1e-15);
}
END_TEST

// Three servers, 2.4 Erlang, by the sum that defines Erlang's formula:
// (a^3/3!)(3/(3-a)) / (1 + a + a^2/2 + (a^3/3!)(3/(3-a))).
START_TEST(three_exponential_servers)
{
    const double a = 2.4;
    const double last = a * a * a / 6 * (3 / (3 - a));
    const double busy = last / (1 + a + a * a / 2 + last);
    const struct queueing_load load = {.rate = 2.4,
                                       .service_s = 1,
                                       .service_variability = 1,
                                       .arrival_variability = 1,
                                       .servers = 3};
    ck_assert_double_eq_tol(queueing_all_busy(a, 3), busy, 1e-15);
    ck_assert_double_eq_tol(queueing_wait_s(&load), busy / (3 - 2.4), 1e-12);
    ck_assert_double_eq_tol(queueing_departures(&load), 1, 1e-15);
}
END_TEST

// Pollaczek and Khinchine: wait = rate * E[S^2] / (2 (1 - load)).
static const double variabilities[] = {0, 0.04, 0.385, 1, 5.29};

START_TEST(any_service)
{
    const double c2 = variabilities[_i];
    const double mean = 0.0743;
    const double rate = 8.35;
    const struct queueing_load load = {.rate = rate,
                                       .service_s = mean,
                                       .service_variability = c2,
                                       .arrival_variability = 1,
                                       .servers = 1};
    const double wait = rate * mean * mean * (1 + c2) / (2 * (1 - rate * mean));
    ck_assert_double_eq_tol(queueing_wait_s(&load), wait, 1e-12);
}
END_TEST

START_TEST(what_has_no_finite_wait)
{
    struct queueing_load load = {.rate = 2,
                                 .service_s = 0.5,
                                 .service_variability = 1,
                                 .arrival_variability = 1,
                                 .servers = 1};
    ck_assert(isinf(queueing_wait_s(&load)));
    ck_assert(isinf(queueing_sharing_s(&load)));
    load.rate = 1;
    load.service_variability = INFINITY;
    ck_assert(isinf(queueing_wait_s(&load)));
    ck_assert_double_eq(queueing_departures(&load), 1);
    load.rate = 0;
    ck_assert_double_eq(queueing_wait_s(&load), 0);
}
END_TEST

// Deterministic in, deterministic out; nothing waits.
START_TEST(without_chance)
{
    const struct queueing_load load = {.rate = 1.3, .service_s = 0.71, .servers = 1};
    ck_assert_double_eq(queueing_wait_s(&load), 0);
    ck_assert_double_eq_tol(queueing_departures(&load), 0, 1e-15);
}
END_TEST

static double merged_variability(const struct queueing_stream *streams, int count,
                                 double utilisation)
{
    const struct queueing_merged merged = queueing_merge(streams, count);
    return queueing_merged_variability(&merged, utilisation);
}

// Poisson streams stay Poisson; many regular ones become Poisson where the queue is short; one
// alone stays what it is.
START_TEST(streams)
{
    const struct queueing_stream poisson[] = {{0.31, 1, 1}, {2.7, 1, 13}};
    ck_assert_double_eq_tol(merged_variability(poisson, 2, 0.77), 1, 1e-15);
    const struct queueing_stream one = {0.31, 0.2, 1};
    ck_assert_double_eq_tol(merged_variability(&one, 1, 0.77), 0.2, 1e-15);
    const struct queueing_stream many = {3, 0.2, 1000};
    ck_assert_double_gt(merged_variability(&many, 1, 0.1), 0.999);
    ck_assert_double_lt(merged_variability(&many, 1, 0.999), 0.5);
    ck_assert_double_eq(merged_variability(NULL, 0, 0), 1);
}
END_TEST

// Two streams, one of twice the rate: the mean by rate, and 9/5 as many as two alike.
START_TEST(merged_by_hand)
{
    const struct queueing_stream two[] = {{1.5, 0.4, 1}, {3, 2.2, 1}};
    const struct queueing_merged merged = queueing_merge(two, 2);
    ck_assert_double_eq_tol(merged.rate, 4.5, 1e-15);
    ck_assert_double_eq_tol(merged.variability, 1.6, 1e-15);
    ck_assert_double_eq_tol(merged.parts, 1.8, 1e-15);
    const double weight = 1 / (1 + 4 * 0.3 * 0.3 * 0.8);
    ck_assert_double_eq_tol(queueing_merged_variability(&merged, 0.7), 1 + weight * 0.6, 1e-15);
}
END_TEST

// ---- batches ----

static double constant_s(void *context, int size)
{
    (void)size;
    return *(const double *)context;
}

static double linear_s(void *context, int size)
{
    return *(const double *)context + 0.003 * size;
}

// A largest batch of one: M/D/1.
START_TEST(batches_of_one)
{
    double service_s = 0.37;
    const double rate = 1.9;
    const struct queueing_batches batches = {
        .rate = rate, .servers = 1, .most = 1, .service_s = constant_s, .context = &service_s};
    const struct queueing_batched result = queueing_of_batches(&batches);
    const double load = rate * service_s;
    ck_assert_double_eq_tol(result.wait_s, load * service_s / (2 * (1 - load)), 1e-5);
    ck_assert_double_eq_tol(result.utilisation, load, 1e-6);
    ck_assert_double_eq_tol(result.in_service, load, 1e-6);
    ck_assert_double_eq_tol(result.size, 1, 1e-6);
}
END_TEST

// A batch takes all who wait and lasts s: after it nobody waits with probability exp(-rate s), so a
// cycle lasts s + exp(-rate s) / rate, in which rate s^2 / 2 is waited.
START_TEST(batches_without_limit)
{
    double service_s = 0.37;
    const double rate = 5.3;
    const struct queueing_batches batches = {
        .rate = rate, .servers = 1, .most = 60, .service_s = constant_s, .context = &service_s};
    const struct queueing_batched result = queueing_of_batches(&batches);
    const double cycle_s = service_s + exp(-rate * service_s) / rate;
    ck_assert_double_eq_tol(result.wait_s, service_s * service_s / 2 / cycle_s, 1e-9);
    ck_assert_double_eq_tol(result.utilisation, service_s / cycle_s, 1e-9);
    ck_assert_double_eq_tol(result.size, rate * cycle_s, 1e-9);
}
END_TEST

// Held for so long that each batch is full, the i-th of n waits for those after it.
START_TEST(batches_that_fill)
{
    double service_s = 0.001;
    const double rate = 2;
    const struct queueing_batches batches = {.rate = rate,
                                             .servers = 1,
                                             .most = 4,
                                             .hold_s = 1000,
                                             .service_s = constant_s,
                                             .context = &service_s};
    const struct queueing_batched result = queueing_of_batches(&batches);
    ck_assert_double_eq_tol(result.size, 4, 1e-6);
    ck_assert_double_eq_tol(result.wait_s, 1.5 / rate, 1e-3);
}
END_TEST

// 8 in 34 ms is 235 a second.
START_TEST(batches_at_their_limit)
{
    double base_s = 0.01;
    struct queueing_batches batches = {
        .rate = 236, .servers = 1, .most = 8, .service_s = linear_s, .context = &base_s};
    ck_assert(isinf(queueing_of_batches(&batches).wait_s));
    batches.rate = 100;
    ck_assert(isfinite(queueing_of_batches(&batches).wait_s));
    batches.servers = 2;
    batches.rate = 236;
    ck_assert(isfinite(queueing_of_batches(&batches).wait_s));
    batches.rate = 0;
    ck_assert_double_eq(queueing_of_batches(&batches).wait_s, 0);
}
END_TEST

static Suite *queueing_suite(void)
{
    Suite *suite = suite_create("queueing");
    TCase *single = tcase_create("one by one");
    tcase_add_test(single, one_exponential_server);
    tcase_add_test(single, three_exponential_servers);
    unit_add_table(single, any_service, variabilities);
    tcase_add_test(single, what_has_no_finite_wait);
    tcase_add_test(single, without_chance);
    tcase_add_test(single, streams);
    tcase_add_test(single, merged_by_hand);
    suite_add_tcase(suite, single);
    TCase *batches = tcase_create("batches");
    tcase_add_test(batches, batches_of_one);
    tcase_add_test(batches, batches_without_limit);
    tcase_add_test(batches, batches_that_fill);
    tcase_add_test(batches, batches_at_their_limit);
    suite_add_tcase(suite, batches);
    return suite;
}

int main(void)
{
    return unit_run(queueing_suite());
}
