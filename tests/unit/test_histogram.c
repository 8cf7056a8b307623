// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/memory.h"
#include "numbers.h"
#include "rng/distribution.h"
#include "stats/histogram.h"
#include "unit.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct histogram *new_histogram(void)
{
    struct histogram *histogram = memory_resize(NULL, 1, sizeof(*histogram));
    memset(histogram, 0, sizeof(*histogram));
    return histogram;
}

// What latencies look like: short and long tails, no tail, two humps far apart.
static const struct {
    const char *name;
    struct distribution_parameters parts[2]; // every other value is drawn from each
} laws[] = {
    {"exponential", {{.kind = DISTRIBUTION_EXPONENTIAL, .mean = 0.0183}}},
    {"lognormal, cv 2", {{.kind = DISTRIBUTION_LOGNORMAL, .mean = 2.385, .cv = 2}}},
    {"Weibull, shape 0.5", {{.kind = DISTRIBUTION_WEIBULL, .mean = 7310, .shape = 0.5}}},
    {"uniform", {{.kind = DISTRIBUTION_UNIFORM, .from = 0, .to = 346}}},
    {"bimodal",
     {{.kind = DISTRIBUTION_GAMMA, .mean = 0.0031, .cv = 0.1},
      {.kind = DISTRIBUTION_GAMMA, .mean = 2.385, .cv = 0.1}}},
    {"Pareto", {{.kind = DISTRIBUTION_PARETO, .mean = 0.00023, .shape = 1.7}}},
    {"narrow", {{.kind = DISTRIBUTION_GAMMA, .mean = 2.385e6, .cv = 0.011}}},
};

// `count` values of a law; the caller frees them.
static double *draw_law(int law, size_t count)
{
    double *values = numbers_draw(&laws[law].parts[0], count);
    if (laws[law].parts[1].mean > 0) {
        double *others = numbers_draw(&laws[law].parts[1], count);
        for (size_t i = 1; i < count; i += 2) {
            values[i] = others[i];
        }
        free(others);
    }
    return values;
}

static const double shares[] = {1e-9, 0.001, 0.0137, 0.25, 0.5, 0.75, 0.95, 0.99, 0.999, 1};

static const size_t histogram_sizes[] = {1, 2, 19, 1000, 100003};

// The quantile at p is the order statistic of rank p * count, rounded up, to within the stated
// error; that there are few values does not make it worse.
START_TEST(histogram_quantile_is_near_the_order_statistic)
{
    double *values = draw_law(_i, 100003);
    for (int s = 0; s < UNIT_COUNT(histogram_sizes); s++) {
        const size_t count = histogram_sizes[s];
        struct histogram *histogram = new_histogram();
        for (size_t i = 0; i < count; i++) {
            histogram_add(histogram, &values[i], 1);
        }
        double *sorted = memory_resize(NULL, count, sizeof(*sorted));
        memcpy(sorted, values, count * sizeof(*sorted));
        qsort(sorted, count, sizeof(*sorted), numbers_compare);
        for (int i = 0; i < UNIT_COUNT(shares); i++) {
            const double exact = sorted[(size_t)ceil(shares[i] * (double)count) - 1];
            const double quantile = histogram_quantile(histogram, shares[i]);
            ck_assert_msg(fabs(quantile - exact) <= HISTOGRAM_RELATIVE_ERROR * exact,
                          "%s, %d values, share %g: %.17g instead of %.17g", laws[_i].name,
                          (int)count, shares[i], quantile, exact);
        }
        free(sorted);
        free(histogram);
    }
    free(values);
}
END_TEST

START_TEST(histogram_quantile_rises)
{
    double *values = draw_law(_i, 1009);
    struct histogram *histogram = new_histogram();
    for (size_t i = 0; i < 1009; i++) {
        histogram_add(histogram, &values[i], 1);
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
    double *values = draw_law(_i, COUNT);
    struct histogram *whole = new_histogram();
    struct histogram *parts[PARTS];
    for (int i = 0; i < PARTS; i++) {
        parts[i] = new_histogram();
    }
    for (size_t i = 0; i < COUNT; i++) {
        histogram_add(whole, &values[i], 1);
        histogram_add(parts[i * i % 13 % PARTS], &values[i], 1);
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
    histogram_add(histogram, &edges[_i].value, 1);
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
        histogram_add(histogram, (double[]){nextafter(power, 0)}, 1);
        histogram_add(histogram, (double[]){power}, 1);
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
        histogram_add(&histogram[0], (double[]){2.385e-3}, 1);
    }
    ck_assert_double_eq(histogram_quantile(&histogram[0], 0.01), 2.385e-3);
    ck_assert_double_eq(histogram_quantile(&histogram[0], 0.999), 2.385e-3);
    histogram_add(&histogram[1], (double[]){2.386e-3}, 1); // the same bucket
    histogram_add(&histogram[1], (double[]){1.5e-3}, 1);
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
        histogram_add(histogram, &values[i], 1);
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
    Suite *suite = suite_create("histogram");
    TCase *histogram = tcase_create("histogram");
    unit_add_table(histogram, histogram_quantile_is_near_the_order_statistic, laws);
    unit_add_table(histogram, histogram_quantile_rises, laws);
    unit_add_table(histogram, histogram_merge_in_any_grouping, laws);
    tcase_add_test(histogram, histogram_empty_has_no_quantile);
    unit_add_table(histogram, histogram_takes_any_value, edges);
    tcase_add_test(histogram, histogram_powers_of_two_open_a_bucket);
    tcase_add_test(histogram, histogram_outside_values_keep_their_rank);
    tcase_add_test(histogram, histogram_stays_within_its_values);
    suite_add_tcase(suite, histogram);

    return unit_run(suite);
}
