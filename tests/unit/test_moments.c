// SPDX-License-Identifier: GPL-3.0-or-later
#include "numbers.h"
#include "rng/distribution.h"
#include "stats/moments.h"
#include "unit.h"

#include <math.h>
#include <stdlib.h>

static void check_near(double value, double wanted, double relative)
{
    ck_assert_msg(fabs(value - wanted) <= relative * fabs(wanted), "%.17g instead of %.17g", value,
                  wanted);
}

// Mean and variance in two passes, in long double.
static void two_passes(const double *values, size_t count, double *ret_mean, double *ret_variance)
{
    long double sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += values[i];
    }
    const long double mean = sum / (long double)count;
    long double squares = 0;
    for (size_t i = 0; i < count; i++) {
        squares += (values[i] - mean) * (values[i] - mean);
    }
    *ret_mean = (double)mean;
    *ret_variance = (double)(squares / (long double)(count - 1));
}

static const struct {
    double offset; // added to each value: a large one cancels in a naive sum of squares
    double scale;
    double relative; // error allowed
} moments_cases[] = {
    {0, 2.385, 1e-12},  {1e6, 2.385, 1e-9}, {-1e9, 0.17, 1e-6},
    {0, 1e-150, 1e-12}, {0, 1e150, 1e-12},
};

START_TEST(moments_are_those_of_two_passes)
{
    enum { COUNT = 10007 };
    double *values = numbers_draw(
        &(struct distribution_parameters){.kind = DISTRIBUTION_LOGNORMAL, .mean = 2.385, .cv = 0.7},
        COUNT);
    struct moments moments = {0};
    for (size_t i = 0; i < COUNT; i++) {
        values[i] = moments_cases[_i].offset + moments_cases[_i].scale * values[i];
        moments_add(&moments, values[i]);
    }
    double mean;
    double variance;
    two_passes(values, COUNT, &mean, &variance);
    ck_assert_uint_eq(moments.count, COUNT);
    check_near(moments.mean, mean, 1e-13);
    check_near(moments_variance(&moments), variance, moments_cases[_i].relative);
    free(values);
}
END_TEST

START_TEST(moments_by_hand)
{
    struct moments moments = {0};
    ck_assert(isnan(moments_variance(&moments)));
    ck_assert(isnan(moments_half_width(&moments, 0.95)));
    moments_add(&moments, 2.385);
    ck_assert_double_eq(moments.mean, 2.385);
    ck_assert(isnan(moments_variance(&moments)));
    ck_assert(isnan(moments_half_width(&moments, 0.95)));
    moments_add(&moments, 5.385);
    check_near(moments.mean, 3.885, 1e-15);
    check_near(moments_variance(&moments), 4.5, 1e-15);
    moments_add(&moments, 3.885);
    check_near(moments_variance(&moments), 2.25, 1e-15);
    struct moments same = {0};
    for (int i = 0; i < 100; i++) {
        moments_add(&same, 0.1);
    }
    ck_assert_double_eq(moments_variance(&same), 0);
    ck_assert_double_eq(moments_half_width(&same, 0.95), 0);
}
END_TEST

static void check_same(const struct moments *merged, const struct moments *whole)
{
    ck_assert_uint_eq(merged->count, whole->count);
    check_near(merged->mean, whole->mean, 1e-13);
    check_near(merged->squares, whole->squares, 1e-12);
}

// Ten values in every one of the 512 ways to cut them into runs, merged from the left and from the
// right.
START_TEST(moments_merge_in_any_grouping)
{
    enum { COUNT = 10 };
    double *values = numbers_draw(
        &(struct distribution_parameters){.kind = DISTRIBUTION_EXPONENTIAL, .mean = 2.385}, COUNT);
    struct moments whole = {0};
    for (int i = 0; i < COUNT; i++) {
        moments_add(&whole, values[i]);
    }
    for (unsigned cuts = 0; cuts < 1u << (COUNT - 1); cuts++) {
        struct moments parts[COUNT] = {{0}};
        int count = 0;
        for (int i = 0; i < COUNT; i++) {
            moments_add(&parts[count], values[i]);
            if (cuts >> i & 1) {
                count++;
            }
        }
        struct moments left = {0};
        struct moments right = {0};
        for (int i = 0; i < COUNT; i++) { // the parts past the last are empty
            moments_merge(&left, &parts[i]);
            moments_merge(&right, &parts[COUNT - 1 - i]);
        }
        check_same(&left, &whole);
        check_same(&right, &whole);
    }
    free(values);
}
END_TEST

START_TEST(moments_merge_with_empty_and_large)
{
    struct moments large = {0};
    moments_add(&large, 1e300);
    struct moments empty = {0};
    struct moments copy = large;
    moments_merge(&copy, &empty);
    ck_assert_mem_eq(&copy, &large, sizeof(copy));
    moments_merge(&empty, &large);
    ck_assert_mem_eq(&empty, &large, sizeof(empty));
    struct moments none = {0};
    struct moments nothing = {0};
    moments_merge(&none, &nothing);
    ck_assert_uint_eq(none.count, 0);
    ck_assert_double_eq(none.mean, 0);
}
END_TEST

// Two-sided quantiles of Student's t as tables print them.
static const struct {
    int degrees;
    double confidence;
    double t;
} student[] = {
    {1, 0.90, 6.314},  {1, 0.95, 12.706}, {1, 0.99, 63.657}, {2, 0.95, 4.303},  {3, 0.99, 5.841},
    {4, 0.90, 2.132},  {5, 0.95, 2.571},  {9, 0.90, 1.833},  {9, 0.95, 2.262},  {10, 0.99, 3.169},
    {19, 0.95, 2.093}, {29, 0.95, 2.045}, {30, 0.99, 2.750}, {60, 0.95, 2.000}, {120, 0.95, 1.980},
};

START_TEST(moments_half_width_is_student)
{
    const int count = student[_i].degrees + 1;
    struct moments moments = {0};
    for (int i = 0; i < count; i++) {
        moments_add(&moments, 2.385 + 0.17 * (i * 7 % 11));
    }
    const double error = sqrt(moments_variance(&moments) / count);
    const double t = moments_half_width(&moments, student[_i].confidence) / error;
    ck_assert_double_eq_tol(t, student[_i].t, 0.000501);
}
END_TEST

// Intervals of 4000 experiments of six normal values each: the share that covers the mean is
// binomial; the bound is 99.9 %.
static const double confidences[] = {0.8, 0.9, 0.95, 0.99};

START_TEST(moments_interval_covers)
{
    enum { EXPERIMENTS = 4000, VALUES = 6 };
    const double confidence = confidences[_i];
    int covered = 0;
    for (uint64_t i = 0; i < EXPERIMENTS; i++) {
        struct moments moments = {0};
        for (uint64_t j = 0; j < VALUES; j++) {
            moments_add(&moments, 2.385 + 0.17 * numbers_normal(i, j));
        }
        covered += fabs(moments.mean - 2.385) <= moments_half_width(&moments, confidence);
    }
    const double deviation = sqrt(EXPERIMENTS * confidence * (1 - confidence));
    const double z = (covered - EXPERIMENTS * confidence) / deviation;
    ck_assert_msg(fabs(z) < 3.2905, "%d of %d cover, z = %.2f", covered, EXPERIMENTS, z);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("moments");
    TCase *moments = tcase_create("moments");
    unit_add_table(moments, moments_are_those_of_two_passes, moments_cases);
    tcase_add_test(moments, moments_by_hand);
    tcase_add_test(moments, moments_merge_in_any_grouping);
    tcase_add_test(moments, moments_merge_with_empty_and_large);
    unit_add_table(moments, moments_half_width_is_student, student);
    unit_add_table(moments, moments_interval_covers, confidences);
    suite_add_tcase(suite, moments);
    return unit_run(suite);
}
