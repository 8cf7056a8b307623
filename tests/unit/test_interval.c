// SPDX-License-Identifier: GPL-3.0-or-later
#include "numbers.h"
#include "stats/interval.h"
#include "unit.h"

#include <math.h>
#include <stdlib.h>

static const double confidences[] = {0.5, 0.8, 0.9, 0.95, 0.99, 0.999};

static void check_interval(struct interval interval, double mean, double low, double high,
                           double tolerance)
{
    ck_assert_double_eq_tol(interval.mean, mean, tolerance);
    ck_assert_double_eq_tol(interval.low, low, tolerance);
    ck_assert_double_eq_tol(interval.high, high, tolerance);
    ck_assert_double_eq_tol(interval.half_width, fmax(mean - low, high - mean), 2 * tolerance);
}

// ---- mean ----

// Additional hours of sleep under two soporifics ("Student", The probable error of a mean, 1908).
static const double sleep_hours[] = {1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4};

START_TEST(mean_of_students_data)
{
    const struct interval interval = interval_of_mean(sleep_hours, 10, 0.95);
    check_interval(interval, 1.58, 0.7001142, 2.4598858, 5e-8);
    ck_assert_uint_eq(interval.units, 10);
}
END_TEST

START_TEST(too_few_units_have_no_bounds)
{
    double scratch[2];
    const double denominators[] = {100, 100};
    const double values[] = {0.2385, 0.4};
    for (size_t n = 0; n < 2; n++) {
        const struct interval intervals[] = {
            interval_of_mean(values, n, 0.95),
            interval_of_median(values, n, 0.95, scratch),
            interval_of_proportion(values, denominators, n, 0.95),
        };
        for (int i = 0; i < UNIT_COUNT(intervals); i++) {
            ck_assert(n ? intervals[i].mean == 0.2385 : isnan(intervals[i].mean) != 0);
            ck_assert(isnan(intervals[i].low));
            ck_assert(isnan(intervals[i].high));
            ck_assert(isnan(intervals[i].half_width));
            ck_assert_uint_eq(intervals[i].units, n);
        }
    }
}
END_TEST

// ---- median ----

// The lower of the two ranks at 95 %, as tables of the sign test have it.
static const struct {
    size_t n;
    size_t rank;
} ranks[] = {
    {6, 1},  {8, 1},  {9, 2},  {11, 2},  {12, 3},  {14, 3},  {15, 4},
    {17, 5}, {20, 6}, {25, 8}, {30, 10}, {40, 14}, {50, 18}, {100, 40},
};

// The numbers 1 to n in a disorder that is the same each time: an order statistic is its rank.
static void ranks_shuffled(double *values, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        values[i] = (double)(i + 1);
    }
    for (size_t i = n; i-- > 1;) {
        const size_t j = (size_t)(numbers_uniform(1, i) * (double)(i + 1));
        const double other = values[j];
        values[j] = values[i];
        values[i] = other;
    }
}

START_TEST(median_ranks_are_those_of_tables)
{
    double values[100];
    double scratch[100];
    const size_t n = ranks[_i].n;
    ranks_shuffled(values, n);
    const double rank = (double)ranks[_i].rank;
    const double middle = (double)(n + 1) / 2;
    check_interval(interval_of_median(values, n, 0.95, scratch), middle, rank, (double)n + 1 - rank,
                   1e-12);
}
END_TEST

// Ranks for all n up to 300 by summing rows of Pascal's triangle.
START_TEST(median_ranks_are_those_of_binomial_sums)
{
    enum { MOST = 300 };
    const double tail = (1 - confidences[_i]) / 2;
    double values[MOST];
    double scratch[MOST];
    double row[MOST + 1] = {1}; // P(Binomial(n, 1/2) = k)
    for (size_t n = 1; n <= MOST; n++) {
        for (size_t k = n; k > 0; k--) {
            row[k] = row[k] / 2 + row[k - 1] / 2;
        }
        row[0] /= 2;
        size_t rank = 0;
        for (double below = row[0]; below <= tail * (1 + 1e-12); below += row[rank]) {
            rank++;
        }
        ck_assert_msg((rank > 0) == (n >= interval_median_least(confidences[_i])), "n %zu", n);
        ranks_shuffled(values, n);
        const struct interval interval = interval_of_median(values, n, confidences[_i], scratch);
        if (rank) {
            ck_assert_double_eq(interval.low, (double)rank);
            ck_assert_double_eq(interval.high, (double)(n + 1 - rank));
        } else {
            const struct interval plain = interval_of_mean(values, n, confidences[_i]);
            ck_assert_double_eq(interval.mean, plain.mean);
            ck_assert(n < 2 || interval.low == plain.low);
        }
    }
}
END_TEST

START_TEST(median_needs_six_units_for_95_percent)
{
    ck_assert_uint_eq(interval_median_least(0.95), 6);
    ck_assert_uint_eq(interval_median_least(0.99), 8);
    ck_assert_uint_eq(interval_median_least(0.9), 5);
}
END_TEST

// Of 4000 experiments with values of a long-tailed law the interval of order statistics covers the
// median at least as often as it promises, at most as often as the ranks make it; the shares are
// binomial, the bounds are 99.9 %.
static const struct {
    size_t n;
    double covers; // 1 - 2 P(Binomial(n, 1/2) < rank)
} median_cases[] = {{6, 0.96875}, {10, 0.978515625}, {17, 0.951000213623}, {30, 0.957225704566}};

START_TEST(median_interval_covers)
{
    enum { EXPERIMENTS = 4000 };
    const size_t n = median_cases[_i].n;
    int covered = 0;
    for (uint64_t i = 0; i < EXPERIMENTS; i++) {
        double values[30];
        double scratch[30];
        for (size_t j = 0; j < n; j++) {
            values[j] = exp(2 * numbers_normal(1000 * n + i, j)); // lognormal, median 1
        }
        const struct interval interval = interval_of_median(values, n, 0.95, scratch);
        covered += interval.low <= 1 && interval.high >= 1;
    }
    const double z = numbers_z(covered, EXPERIMENTS, median_cases[_i].covers);
    ck_assert_msg(fabs(z) < NUMBERS_Z_999, "%d of %d cover, z = %.2f", covered, EXPERIMENTS, z);
    ck_assert(numbers_z(covered, EXPERIMENTS, 0.95) > -NUMBERS_Z_999);
}
END_TEST

// ---- proportions ----

// Score intervals of Newcombe, Two-sided confidence intervals for the single proportion (Statistics
// in Medicine 17, 1998), table I.
static const struct {
    double successes;
    double trials;
    double low;
    double high;
} newcombe[] = {
    {81, 263, 0.2553, 0.3662},
    {15, 148, 0.0624, 0.1605},
    {0, 20, 0, 0.1611},
    {1, 29, 0.0061, 0.1718},
};

// Four units of the same share have no spread, so the interval is Wilson's.
START_TEST(proportion_is_wilson_without_spread)
{
    const double p = newcombe[_i].successes / newcombe[_i].trials;
    const double values[] = {p, p, p, p};
    const double failures[] = {1 - p, 1 - p, 1 - p, 1 - p};
    const double quarter = newcombe[_i].trials / 4;
    const double denominators[] = {quarter, quarter, quarter, quarter};
    const struct interval interval = interval_of_proportion(values, denominators, 4, 0.95);
    check_interval(interval, p, newcombe[_i].low, newcombe[_i].high, 0.00005);
    ck_assert_uint_eq(interval.units, 4);
    const struct interval turned = interval_of_proportion(failures, denominators, 4, 0.95);
    check_interval(turned, 1 - p, 1 - newcombe[_i].high, 1 - newcombe[_i].low, 0.00005);
}
END_TEST

START_TEST(proportion_is_student_with_many_of_both)
{
    const double values[] = {0.2385, 0.2411, 0.2303, 0.2512, 0.2367};
    const double denominators[] = {1000, 1000, 1000, 1000, 1000};
    const struct interval plain = interval_of_mean(values, 5, 0.9);
    const struct interval interval = interval_of_proportion(values, denominators, 5, 0.9);
    ck_assert_double_eq(interval.low, plain.low);
    ck_assert_double_eq(interval.high, plain.high);
}
END_TEST

// Units that vary more than independent trials leave fewer effective trials. By hand: shares 0, 0,
// 0.03 of 100 trials each have p = 0.01, b = 0.000099, s^2 = 0.0003, so 300 trials count as 99,
// with the quantile t(2) = 4.302653.
START_TEST(proportion_counts_effective_trials)
{
    const double values[] = {0, 0, 0.03};
    const double denominators[] = {100, 100, 100};
    const double t2 = 4.302652729911275 * 4.302652729911275;
    const double centre = (0.01 + t2 / 198) / (1 + t2 / 99);
    const double width = 4.302652729911275 / (1 + t2 / 99) * sqrt(0.0099 / 99 + t2 / 99 / 396);
    check_interval(interval_of_proportion(values, denominators, 3, 0.95), 0.01, centre - width,
                   centre + width, 1e-9);
}
END_TEST

// Nine successes are few: Student's interval, 0.00076 to 0.00284, would be too far down.
START_TEST(proportion_is_wilson_with_few_successes)
{
    const double values[] = {0.001, 0.002, 0.001, 0.003, 0.002};
    const double denominators[] = {1000, 1000, 1000, 1000, 1000};
    check_interval(interval_of_proportion(values, denominators, 5, 0.95), 0.0018, 0.000947293507681,
                   0.00341764471037, 1e-9);
}
END_TEST

START_TEST(proportion_stays_within_0_and_1)
{
    const double none[] = {0, 0, 0};
    const double all[] = {1, 1, 1};
    const double trials[] = {17, 1000, 3};
    struct interval interval = interval_of_proportion(none, trials, 3, 0.99);
    ck_assert_double_eq(interval.low, 0);
    ck_assert(interval.high > 0 && interval.high < 0.01);
    interval = interval_of_proportion(all, trials, 3, 0.99);
    ck_assert_double_eq(interval.high, 1);
    ck_assert(interval.low < 1 && interval.low > 0.99);
    const double wide[] = {0.02, 0.9, 0.1};
    const double nothing[] = {0, 0, 0};
    interval = interval_of_proportion(wide, nothing, 3, 0.95); // no trials: clipped
    ck_assert_double_eq(interval.low, 0);
    ck_assert_double_eq(interval.high, 1);
}
END_TEST

// 4000 experiments of ten units of independent trials each: covered at least as often as promised
// but for a slack of a point, which is Wilson's own.
static const struct {
    double p;
    int trials; // a unit
} proportion_cases[] = {{0.001, 1000}, {0.999, 1000}, {0.003, 1000}, {0.02, 500}, {0.4, 200}};

START_TEST(proportion_interval_covers)
{
    enum { EXPERIMENTS = 4000, UNITS = 10 };
    const double p = proportion_cases[_i].p;
    const int trials = proportion_cases[_i].trials;
    int covered = 0;
    uint64_t index = 0;
    for (int i = 0; i < EXPERIMENTS; i++) {
        double values[UNITS];
        double denominators[UNITS];
        for (int unit = 0; unit < UNITS; unit++) {
            // Trials until a success are geometric.
            const double rarer = fmin(p, 1 - p);
            int successes = 0;
            double at = 0;
            for (;;) {
                at += floor(log(numbers_uniform(70 + (uint64_t)_i, index++)) / log1p(-rarer)) + 1;
                if (at > trials) {
                    break;
                }
                successes++;
            }
            values[unit] = (p > 0.5 ? trials - successes : successes) / (double)trials;
            denominators[unit] = trials;
        }
        const struct interval interval = interval_of_proportion(values, denominators, UNITS, 0.95);
        covered += interval.low <= p && p <= interval.high;
    }
    const double z = numbers_z(covered, EXPERIMENTS, 0.94);
    ck_assert_msg(z > -NUMBERS_Z_999, "%d of %d cover %g", covered, EXPERIMENTS, p);
    ck_assert_int_lt(covered, EXPERIMENTS);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("interval");

    TCase *mean = tcase_create("mean");
    tcase_add_test(mean, mean_of_students_data);
    tcase_add_test(mean, too_few_units_have_no_bounds);
    suite_add_tcase(suite, mean);

    TCase *median = tcase_create("median");
    unit_add_table(median, median_ranks_are_those_of_tables, ranks);
    unit_add_table(median, median_ranks_are_those_of_binomial_sums, confidences);
    tcase_add_test(median, median_needs_six_units_for_95_percent);
    unit_add_table(median, median_interval_covers, median_cases);
    suite_add_tcase(suite, median);

    TCase *proportion = tcase_create("proportion");
    unit_add_table(proportion, proportion_is_wilson_without_spread, newcombe);
    tcase_add_test(proportion, proportion_is_student_with_many_of_both);
    tcase_add_test(proportion, proportion_counts_effective_trials);
    tcase_add_test(proportion, proportion_is_wilson_with_few_successes);
    tcase_add_test(proportion, proportion_stays_within_0_and_1);
    unit_add_table(proportion, proportion_interval_covers, proportion_cases);
    suite_add_tcase(suite, proportion);

    return unit_run(suite);
}
