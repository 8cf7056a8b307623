// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/memory.h"
#include "rng/distribution.h"
#include "stats/histogram.h"
#include "stats/moments.h"
#include "unit.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct stream_key key = {.seed = 20250117, .replication = 5};

// Numbers of a distribution with the given mean and cv; the caller frees them.
static double *draw(enum distribution_kind kind, double mean, double cv, size_t count)
{
    const struct distribution_parameters parameters = {
        .kind = kind, .mean = mean, .cv = cv, .shape = 1.7, .from = 0, .to = 2 * mean};
    struct distribution distribution;
    distribution_init(&distribution, &parameters, NULL);
    double *values = memory_resize(NULL, count, sizeof(*values));
    for (size_t i = 0; i < count; i++) {
        const struct stream_at at = {key, 71, (uint64_t)kind, i};
        values[i] = distribution_draw(&distribution, &at);
    }
    return values;
}

// ---- moments ----

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
    double *values = draw(DISTRIBUTION_LOGNORMAL, 2.385, 0.7, COUNT);
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
    double *values = draw(DISTRIBUTION_EXPONENTIAL, 2.385, 1, COUNT);
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
            const struct stream_at at = {key, 72, i, j};
            moments_add(&moments, 2.385 + 0.17 * elementary_normal(stream_uniform(&at)));
        }
        covered += fabs(moments.mean - 2.385) <= moments_half_width(&moments, confidence);
    }
    const double deviation = sqrt(EXPERIMENTS * confidence * (1 - confidence));
    const double z = (covered - EXPERIMENTS * confidence) / deviation;
    ck_assert_msg(fabs(z) < 3.2905, "%d of %d cover, z = %.2f", covered, EXPERIMENTS, z);
}
END_TEST

// ---- histogram ----

static int compare_doubles(const void *left, const void *right)
{
    const double a = *(const double *)left;
    const double b = *(const double *)right;
    return (a > b) - (a < b);
}

static struct histogram *new_histogram(void)
{
    struct histogram *histogram = memory_resize(NULL, 1, sizeof(*histogram));
    memset(histogram, 0, sizeof(*histogram));
    return histogram;
}

static const struct {
    enum distribution_kind kind;
    double mean;
    double cv;
} histogram_cases[] = {
    {DISTRIBUTION_EXPONENTIAL, 0.0183, 1}, {DISTRIBUTION_LOGNORMAL, 2.385, 3.1},
    {DISTRIBUTION_UNIFORM, 173, 0},        {DISTRIBUTION_PARETO, 0.00023, 0},
    {DISTRIBUTION_GAMMA, 2.385e6, 0.011},
};

static const double shares[] = {1e-9, 0.001, 0.0137, 0.25, 0.5, 0.75, 0.95, 0.99, 0.999, 1};

static const size_t histogram_sizes[] = {1, 2, 19, 1000, 20011};

// The quantile at p is the order statistic of rank p * count, rounded up, to within the stated
// error; that there are few values does not make it worse.
START_TEST(histogram_quantile_is_near_the_order_statistic)
{
    double *values =
        draw(histogram_cases[_i].kind, histogram_cases[_i].mean, histogram_cases[_i].cv, 20011);
    for (int s = 0; s < UNIT_COUNT(histogram_sizes); s++) {
        const size_t count = histogram_sizes[s];
        struct histogram *histogram = new_histogram();
        for (size_t i = 0; i < count; i++) {
            histogram_add(histogram, values[i]);
        }
        double *sorted = memory_resize(NULL, count, sizeof(*sorted));
        memcpy(sorted, values, count * sizeof(*sorted));
        qsort(sorted, count, sizeof(*sorted), compare_doubles);
        for (int i = 0; i < UNIT_COUNT(shares); i++) {
            const double exact = sorted[(size_t)ceil(shares[i] * (double)count) - 1];
            const double quantile = histogram_quantile(histogram, shares[i]);
            ck_assert_msg(fabs(quantile - exact) <= HISTOGRAM_RELATIVE_ERROR * exact,
                          "%d values, share %g: %.17g instead of %.17g", (int)count, shares[i],
                          quantile, exact);
        }
        free(sorted);
        free(histogram);
    }
    free(values);
}
END_TEST

START_TEST(histogram_quantile_rises)
{
    double *values =
        draw(histogram_cases[_i].kind, histogram_cases[_i].mean, histogram_cases[_i].cv, 1009);
    struct histogram *histogram = new_histogram();
    for (size_t i = 0; i < 1009; i++) {
        histogram_add(histogram, values[i]);
    }
    int falls = 0;
    double before = 0;
    for (int i = 1; i <= 10000; i++) {
        const double quantile = histogram_quantile(histogram, i / 10000.0);
        falls += quantile < before;
        before = quantile;
    }
    ck_assert_int_eq(falls, 0);
    free(histogram);
    free(values);
}
END_TEST

// The same values in one histogram and in parts of several sizes, merged in both directions.
START_TEST(histogram_merge_in_any_grouping)
{
    enum { COUNT = 5003, PARTS = 7 };
    double *values =
        draw(histogram_cases[_i].kind, histogram_cases[_i].mean, histogram_cases[_i].cv, COUNT);
    struct histogram *whole = new_histogram();
    struct histogram *parts[PARTS];
    for (int i = 0; i < PARTS; i++) {
        parts[i] = new_histogram();
    }
    for (size_t i = 0; i < COUNT; i++) {
        histogram_add(whole, values[i]);
        histogram_add(parts[i * i % 13 % PARTS], values[i]);
    }
    struct histogram *left = new_histogram();
    struct histogram *right = new_histogram();
    for (int i = 0; i < PARTS; i++) {
        histogram_merge(left, parts[i]);
        histogram_merge(right, parts[PARTS - 1 - i]);
    }
    ck_assert_uint_eq(whole->total, COUNT);
    ck_assert(memcmp(left, whole, sizeof(*whole)) == 0);
    ck_assert(memcmp(right, whole, sizeof(*whole)) == 0);
    for (int i = 0; i < PARTS; i++) {
        free(parts[i]);
    }
    free(left);
    free(right);
    free(whole);
    free(values);
}
END_TEST

START_TEST(histogram_empty_has_no_quantile)
{
    struct histogram *histogram = new_histogram();
    ck_assert(isnan(histogram_quantile(histogram, 0.5)));
    ck_assert(isnan(histogram_quantile(histogram, 1)));
    struct histogram *other = new_histogram();
    histogram_merge(histogram, other);
    ck_assert(isnan(histogram_quantile(histogram, 0.5)));
    free(histogram);
    free(other);
}
END_TEST

// Values at the edges of buckets and of the range; `low` and `high` bound the quantile.
static const struct {
    double value;
    double low;
    double high;
} edges[] = {
    {0, 0, 0},
    {5e-324, 0, 0},
    {DBL_MIN / 3, 0, 0},
    {DBL_MIN, 0, 0},
    {1e-300, 0, 0},
    {0x1.fffffffffffffp-31, 0, 0},
    {0x1p-30, 0x1p-30, 0x1.02p-30},
    {0x1.0000000000001p-30, 0x1p-30, 0x1.02p-30},
    {0x1.01fffffffffffp-30, 0x1p-30, 0x1.02p-30},
    {0x1.02p-30, 0x1.02p-30, 0x1.04p-30},
    {0x1.fffffffffffffp-2, 0x1.fep-2, 0x1p-1},
    {0.5, 0.5, 0x1.02p-1},
    {1, 1, 0x1.02p+0},
    {2, 2, 0x1.02p+1},
    {1024, 1024, 1032},
    {0x1.fffffffffffffp+33, 0x1.fep+33, 0x1p+34},
    {0x1p+34, 0x1p+34, 0x1p+34},
    {1e300, 0x1p+34, 0x1p+34},
    {DBL_MAX, 0x1p+34, 0x1p+34},
    {INFINITY, 0x1p+34, 0x1p+34},
};

START_TEST(histogram_takes_any_value)
{
    struct histogram *histogram = new_histogram();
    histogram_add(histogram, edges[_i].value);
    ck_assert_uint_eq(histogram->total, 1);
    for (int i = 0; i < UNIT_COUNT(shares); i++) {
        const double quantile = histogram_quantile(histogram, shares[i]);
        ck_assert_msg(quantile >= edges[_i].low && quantile <= edges[_i].high,
                      "%a at share %g gives %a", edges[_i].value, shares[i], quantile);
    }
    free(histogram);
}
END_TEST

// A power of two opens a bucket: it shares none with the double just below.
START_TEST(histogram_powers_of_two_open_a_bucket)
{
    for (int exponent = HISTOGRAM_LOWEST; exponent <= HISTOGRAM_HIGHEST; exponent++) {
        struct histogram *histogram = new_histogram();
        const double power = ldexp(1, exponent);
        histogram_add(histogram, nextafter(power, 0));
        histogram_add(histogram, power);
        const double lower = histogram_quantile(histogram, 0.5);
        ck_assert_msg(lower <= power, "2^%d: %a", exponent, lower);
        ck_assert_msg(histogram_quantile(histogram, 1) >= power, "2^%d", exponent);
        uint64_t largest = 0;
        for (int i = 0; i < HISTOGRAM_BUCKETS; i++) {
            largest = histogram->counts[i] > largest ? histogram->counts[i] : largest;
        }
        ck_assert_uint_eq(largest, 1);
        free(histogram);
    }
}
END_TEST

// The median of values on both sides of the range is still found among those inside.
// Values that are all alike have their value as every quantile, not a place within its bucket; no
// quantile lies beyond the largest value, also after a merge.
START_TEST(histogram_stays_within_its_values)
{
    struct histogram *histogram = calloc(2, sizeof(*histogram));
    for (int i = 0; i < 7; i++) {
        histogram_add(&histogram[0], 2.385e-3);
    }
    ck_assert_double_eq(histogram_quantile(&histogram[0], 0.01), 2.385e-3);
    ck_assert_double_eq(histogram_quantile(&histogram[0], 0.999), 2.385e-3);
    histogram_add(&histogram[1], 2.386e-3); // the same bucket
    histogram_add(&histogram[1], 1.5e-3);
    histogram_merge(&histogram[1], &histogram[0]);
    ck_assert_double_eq(histogram_quantile(&histogram[1], 1), 2.386e-3);
    ck_assert_double_eq(histogram_quantile(&histogram[1], 0.01), 1.5e-3);
    free(histogram);
}
END_TEST

START_TEST(histogram_outside_values_keep_their_rank)
{
    struct histogram *histogram = new_histogram();
    const double values[] = {0, 1e-12, 2.385, 1e12, 1e13};
    for (int i = 0; i < UNIT_COUNT(values); i++) {
        histogram_add(histogram, values[i]);
    }
    ck_assert_double_eq(histogram_quantile(histogram, 0.4), 0);
    ck_assert_double_eq_tol(histogram_quantile(histogram, 0.5), 2.385,
                            2.385 * HISTOGRAM_RELATIVE_ERROR);
    ck_assert_double_eq(histogram_quantile(histogram, 0.8), 0x1p+34);
    free(histogram);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("stats");

    TCase *moments = tcase_create("moments");
    unit_add_table(moments, moments_are_those_of_two_passes, moments_cases);
    tcase_add_test(moments, moments_by_hand);
    tcase_add_test(moments, moments_merge_in_any_grouping);
    tcase_add_test(moments, moments_merge_with_empty_and_large);
    unit_add_table(moments, moments_half_width_is_student, student);
    unit_add_table(moments, moments_interval_covers, confidences);
    suite_add_tcase(suite, moments);

    TCase *histogram = tcase_create("histogram");
    unit_add_table(histogram, histogram_quantile_is_near_the_order_statistic, histogram_cases);
    unit_add_table(histogram, histogram_quantile_rises, histogram_cases);
    unit_add_table(histogram, histogram_merge_in_any_grouping, histogram_cases);
    tcase_add_test(histogram, histogram_empty_has_no_quantile);
    unit_add_table(histogram, histogram_takes_any_value, edges);
    tcase_add_test(histogram, histogram_powers_of_two_open_a_bucket);
    tcase_add_test(histogram, histogram_outside_values_keep_their_rank);
    tcase_add_test(histogram, histogram_stays_within_its_values);
    suite_add_tcase(suite, histogram);

    return unit_run(suite);
}
