// SPDX-License-Identifier: GPL-3.0-or-later

// Binomial and geometric numbers against their laws: chi-square of many draws at fixed addresses,
// means and variances where there are too many values to count.

#include "rng/binomial.h"
#include "unit.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_randist.h>
#include <math.h>
#include <stdint.h>

enum { DRAWS = 20000, MOST_BINS = 4000 };

static uint64_t draw(uint64_t n, double p, uint64_t index)
{
    const struct stream_at at = {
        {.seed = 2385, .replication = 7}, stream_purpose("loss", "test"), 3, index};
    uint64_t sub = 0;
    return binomial_draw(n, p, &at, &sub);
}

// Chi-square over bins in which at least ten are expected.
static void check_fit(const double *expected, const double *found, int count, const char *what)
{
    double chi_square = 0;
    double wanted = 0;
    double got = 0;
    int bins = 0;
    for (int i = 0; i < count; i++) {
        wanted += expected[i];
        got += found[i];
        double rest = 0;
        for (int k = i + 1; k < count; k++) {
            rest += expected[k];
        }
        if (wanted >= 10 && (rest >= 10 || i + 1 == count)) {
            chi_square += (got - wanted) * (got - wanted) / wanted;
            wanted = got = 0;
            bins++;
        }
    }
    const double tail = gsl_cdf_chisq_Q(chi_square, bins - 1);
    ck_assert_int_gt(bins, 1);
    ck_assert_msg(tail > 0.0005 && tail < 0.9995, "%s: chi-square %.1f in %d bins, tail %.5f", what,
                  chi_square, bins, tail);
}

static const struct {
    uint64_t n;
    double p;
} laws[] = {
    {1, 0.3},  {5, 0.5},     {13, 0.01},  {13, 0.99},  {100, 0.07},
    {67, 0.4}, {1000, 0.02}, {1000, 0.9}, {3000, 0.5},
};

START_TEST(draws_have_the_law)
{
    const uint64_t n = laws[_i].n;
    double expected[MOST_BINS] = {0};
    double found[MOST_BINS] = {0};
    for (uint64_t k = 0; k <= n; k++) {
        expected[k] = DRAWS * gsl_ran_binomial_pdf((unsigned)k, laws[_i].p, (unsigned)n);
    }
    for (uint64_t i = 0; i < DRAWS; i++) {
        const uint64_t drawn = draw(n, laws[_i].p, i);
        ck_assert_uint_le(drawn, n);
        found[drawn]++;
    }
    check_fit(expected, found, (int)n + 1, "binomial");
}
END_TEST

static const struct {
    uint64_t n;
    double p;
} large[] = {
    {1000000, 0.3},
    {UINT64_C(1000000000000), 0.01},
    {UINT64_C(1000000000000000), 1e-14},
};

START_TEST(large_numbers_have_mean_and_variance)
{
    const double n = (double)large[_i].n;
    const double mean = n * large[_i].p;
    const double variance = mean * (1 - large[_i].p);
    double sum = 0;
    double squares = 0;
    for (uint64_t i = 0; i < DRAWS; i++) {
        const double off = ((double)draw(large[_i].n, large[_i].p, i) - mean) / sqrt(variance);
        sum += off;
        squares += off * off;
    }
    ck_assert_double_eq_tol(sum / DRAWS, 0, 2.58 / sqrt(DRAWS));
    // The fourth moment of the standardised law is 3 + (1 - 6 p (1 - p)) / variance.
    const double fourth = 2 + (1 - 6 * large[_i].p * (1 - large[_i].p)) / variance;
    ck_assert_double_eq_tol(squares / DRAWS, 1, 2.58 * sqrt(fourth / DRAWS));
}
END_TEST

START_TEST(borders)
{
    ck_assert_uint_eq(draw(0, 0.4, 1), 0);
    ck_assert_uint_eq(draw(1000000, 0, 1), 0);
    ck_assert_uint_eq(draw(1000000, 1, 1), 1000000);
    const struct stream_at at = {{.seed = 1, .replication = 1}, 1, 1, 1};
    uint64_t sub = 0;
    ck_assert_uint_eq(geometric_draw(7, 0, &at, &sub), 8);
    ck_assert_uint_eq(geometric_draw(7, 1, &at, &sub), 1);
    ck_assert_uint_eq(sub, 0);
}
END_TEST

START_TEST(geometric_is_cut_off)
{
    enum { MOST = 4 };
    const double p = 0.3;
    double expected[MOST + 1];
    double found[MOST + 1] = {0};
    for (int k = 0; k < MOST; k++) {
        expected[k] = DRAWS * p * pow(1 - p, k);
    }
    expected[MOST] = DRAWS * pow(1 - p, MOST);
    for (uint64_t i = 0; i < DRAWS; i++) {
        const struct stream_at at = {
            {.seed = 2385, .replication = 7}, stream_purpose("loss", "geometric"), 3, i};
        uint64_t sub = 0;
        const uint64_t drawn = geometric_draw(MOST, p, &at, &sub);
        ck_assert(drawn >= 1 && drawn <= MOST + 1);
        found[drawn - 1]++;
    }
    check_fit(expected, found, MOST + 1, "geometric");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("binomial");
    TCase *tcase = tcase_create("binomial");
    unit_add_table(tcase, draws_have_the_law, laws);
    unit_add_table(tcase, large_numbers_have_mean_and_variance, large);
    tcase_add_test(tcase, borders);
    tcase_add_test(tcase, geometric_is_cut_off);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
