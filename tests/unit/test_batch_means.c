// SPDX-License-Identifier: GPL-3.0-or-later
#include "numbers.h"
#include "stats/batch_means.h"
#include "unit.h"

#include <math.h>

// p-values from the definition, worked out by an independent program.
static const struct {
    size_t n;
    double means[12];
    double p_value;
} by_hand[] = {
    // Rising: all neighbours are alike.
    {10, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, 0.000440618426415},
    // Alternating: neighbours differ as much as they can.
    {10, {1, -1, 1, -1, 1, -1, 1, -1, 1, -1}, 0.99755543638},
    {12,
     {2.385, 2.411, 2.303, 2.512, 2.367, 2.4, 2.39, 2.45, 2.33, 2.38, 2.42, 2.35},
     0.985735032696},
};

START_TEST(correlation_by_hand)
{
    const double p_value = batch_correlation_p_value(by_hand[_i].means, by_hand[_i].n);
    ck_assert_double_eq_tol(p_value, by_hand[_i].p_value, 1e-9);
    ck_assert_int_eq(batch_correlation_passes(by_hand[_i].means, by_hand[_i].n, 0.1), _i > 0);
}
END_TEST

START_TEST(correlation_at_the_edges)
{
    const double same[BATCH_LEAST] = {0.17, 0.17, 0.17, 0.17, 0.17, 0.17, 0.17, 0.17, 0.17, 0.17};
    ck_assert(isnan(batch_correlation_p_value(same, 0)));
    ck_assert(isnan(batch_correlation_p_value(same, 2)));
    ck_assert_double_eq(batch_correlation_p_value(same, 3), 1);
    ck_assert(!batch_correlation_passes(same, BATCH_LEAST - 1, 0.1));
    ck_assert(batch_correlation_passes(same, BATCH_LEAST, 0.1));
}
END_TEST

// The means of 4000 series of n batches with lag-1 correlation phi: the share that fails at 0.1.
static const struct {
    size_t n;
    double phi;
    double least; // of the share that fails
    double most;
} power[] = {
    // Independent: the size of the test, which the normal law meets to half a point.
    {10, 0, 0.095, 0.105},
    {16, 0, 0.095, 0.105},
    {32, 0, 0.095, 0.105},
    {64, 0, 0.095, 0.105},
    // Correlated: found more often the more batches there are.
    {10, 0.5, 0.35, 1},
    {32, 0.5, 0.9, 1},
    {64, 0.5, 0.99, 1},
    // Neighbours that differ do no harm.
    {32, -0.5, 0, 0.01},
};

START_TEST(correlation_is_found)
{
    enum { SERIES = 4000 };
    const double phi = power[_i].phi;
    int failed = 0;
    for (uint64_t s = 0; s < SERIES; s++) {
        double means[64];
        double state = numbers_normal(30000 + s, 0) / sqrt(1 - phi * phi);
        for (size_t i = 0; i < power[_i].n; i++) {
            means[i] = 2.385 + 0.17 * state;
            state = phi * state + numbers_normal(30000 + s, 1 + i);
        }
        failed += !batch_correlation_passes(means, power[_i].n, BATCH_TEST_LEVEL);
    }
    const double share = (double)failed / SERIES;
    const double slack = NUMBERS_Z_999 * sqrt(0.1 * 0.9 / SERIES);
    ck_assert_msg(share > power[_i].least - slack && share < power[_i].most + slack,
                  "%.4f fail with %d batches", share, (int)power[_i].n);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("batch means");
    TCase *correlation = tcase_create("correlation");
    unit_add_table(correlation, correlation_by_hand, by_hand);
    tcase_add_test(correlation, correlation_at_the_edges);
    unit_add_table(correlation, correlation_is_found, power);
    suite_add_tcase(suite, correlation);
    return unit_run(suite);
}
