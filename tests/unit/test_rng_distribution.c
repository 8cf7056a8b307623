// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/memory.h"
#include "rng/distribution.h"
#include "rng/gamma.h"
#include "rng/stream.h"
#include "unit.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>

static const struct stream_key key = {.seed = 20250117, .replication = 3};

static double cdf_uniform(double x, const struct distribution_parameters *p)
{
    return gsl_cdf_flat_P(x, p->from, p->to);
}

static double cdf_exponential(double x, const struct distribution_parameters *p)
{
    return gsl_cdf_exponential_P(x, p->mean);
}

static double cdf_lognormal(double x, const struct distribution_parameters *p)
{
    const double sigma = sqrt(log(1 + p->cv * p->cv));
    return gsl_cdf_lognormal_P(x, log(p->mean) - sigma * sigma / 2, sigma);
}

static double cdf_gamma(double x, const struct distribution_parameters *p)
{
    return gsl_cdf_gamma_P(x, 1 / (p->cv * p->cv), p->mean * p->cv * p->cv);
}

static double cdf_weibull(double x, const struct distribution_parameters *p)
{
    return gsl_cdf_weibull_P(x, p->mean / tgamma(1 + 1 / p->shape), p->shape);
}

// Two exponential phases, of which each carries half of the mean.
static double cdf_hyperexponential(double x, const struct distribution_parameters *p)
{
    const double square = p->cv * p->cv;
    const double first = 0.5 * (1 + sqrt((square - 1) / (square + 1)));
    return first * gsl_cdf_exponential_P(x, p->mean / 2 / first) +
           (1 - first) * gsl_cdf_exponential_P(x, p->mean / 2 / (1 - first));
}

static double cdf_pareto(double x, const struct distribution_parameters *p)
{
    const double least = p->mean * (p->shape - 1) / p->shape;
    return x < least ? 0 : gsl_cdf_pareto_P(x, p->shape, least);
}

static double weibull_cv(double shape)
{
    const double first = tgamma(1 + 1 / shape);
    return sqrt(tgamma(1 + 2 / shape) / (first * first) - 1);
}

static double pareto_cv(double shape)
{
    return 1 / sqrt(shape * (shape - 2));
}

// Mean and cv by theory are worked out in theory_of(). `rough`: too few moments exist for the
// observed cv (or the observed mean) to be near normal in a sample of this size.
enum rough { FINE, ROUGH_CV, ROUGH_MEAN };

static const struct {
    struct distribution_parameters parameters;
    double (*cdf)(double x, const struct distribution_parameters *p);
    enum rough rough;
} cases[] = {
    {{.kind = DISTRIBUTION_UNIFORM, .from = 0.385, .to = 2.385}, cdf_uniform, FINE},
    {{.kind = DISTRIBUTION_UNIFORM, .from = 0, .to = 0.0173}, cdf_uniform, FINE},
    {{.kind = DISTRIBUTION_EXPONENTIAL, .mean = 2.385}, cdf_exponential, FINE},
    {{.kind = DISTRIBUTION_LOGNORMAL, .mean = 0.0183, .cv = 0.23}, cdf_lognormal, FINE},
    {{.kind = DISTRIBUTION_LOGNORMAL, .mean = 2.385, .cv = 0.017}, cdf_lognormal, FINE},
    {{.kind = DISTRIBUTION_LOGNORMAL, .mean = 2.385, .cv = 2.7}, cdf_lognormal, ROUGH_CV},
    {{.kind = DISTRIBUTION_GAMMA, .mean = 2.385, .cv = 0.31}, cdf_gamma, FINE},
    {{.kind = DISTRIBUTION_GAMMA, .mean = 0.0023, .cv = 1}, cdf_gamma, FINE},
    {{.kind = DISTRIBUTION_GAMMA, .mean = 2.385, .cv = 1.7}, cdf_gamma, FINE},
    {{.kind = DISTRIBUTION_GAMMA, .mean = 173, .cv = 0.011}, cdf_gamma, FINE},
    {{.kind = DISTRIBUTION_GAMMA, .mean = 2.385, .cv = 1.0003}, cdf_gamma, FINE},
    {{.kind = DISTRIBUTION_GAMMA, .mean = 2.385, .cv = 1.27}, cdf_gamma, FINE},
    {{.kind = DISTRIBUTION_GAMMA, .mean = 2.385, .cv = 3.1}, cdf_gamma, ROUGH_CV},
    {{.kind = DISTRIBUTION_WEIBULL, .mean = 2.385, .shape = 1.7}, cdf_weibull, FINE},
    {{.kind = DISTRIBUTION_WEIBULL, .mean = 0.0173, .shape = 0.63}, cdf_weibull, FINE},
    {{.kind = DISTRIBUTION_WEIBULL, .mean = 173, .shape = 9.1}, cdf_weibull, FINE},
    {{.kind = DISTRIBUTION_HYPEREXPONENTIAL, .mean = 2.385, .cv = 2.3}, cdf_hyperexponential, FINE},
    {{.kind = DISTRIBUTION_HYPEREXPONENTIAL, .mean = 2.385, .cv = 1}, cdf_hyperexponential, FINE},
    {{.kind = DISTRIBUTION_PARETO, .mean = 2.385, .shape = 9.3}, cdf_pareto, FINE},
    {{.kind = DISTRIBUTION_PARETO, .mean = 0.0173, .shape = 2.6}, cdf_pareto, ROUGH_CV},
    {{.kind = DISTRIBUTION_PARETO, .mean = 2.385, .shape = 1.3}, cdf_pareto, ROUGH_MEAN},
};

static void theory_of(const struct distribution_parameters *p, double *ret_mean, double *ret_cv)
{
    double mean = p->mean;
    double cv = p->cv;
    if (p->kind == DISTRIBUTION_UNIFORM) {
        mean = (p->from + p->to) / 2;
        cv = (p->to - p->from) / sqrt(12) / mean;
    } else if (p->kind == DISTRIBUTION_EXPONENTIAL) {
        cv = 1;
    } else if (p->kind == DISTRIBUTION_WEIBULL) {
        cv = weibull_cv(p->shape);
    } else if (p->kind == DISTRIBUTION_PARETO) {
        cv = p->shape > 2 ? pareto_cv(p->shape) : INFINITY;
    }
    *ret_mean = mean;
    *ret_cv = cv;
}

// Two-sided 99.9 % quantile of the normal distribution, and of sqrt(n) times the largest distance
// between an observed and a true distribution function (Kolmogorov).
static const double normal_bound = 3.2905;
static const double kolmogorov_bound = 1.9495;

enum { DRAWS = 100000 };

// DRAWS variates of a case, on a stream of its own; the caller frees them.
static double *draw_case(int number, struct distribution *ret_distribution)
{
    struct arena arena = {0};
    distribution_init(ret_distribution, &cases[number].parameters, &arena);
    arena_finish(&arena); // only empirical tables live there
    double *values = malloc(DRAWS * sizeof(*values));
    for (uint64_t i = 0; i < DRAWS; i++) {
        const struct stream_at at = {key, stream_purpose("test", "draws"), (uint64_t)number, i};
        values[i] = distribution_draw(ret_distribution, &at);
    }
    return values;
}

START_TEST(distribution_states_its_mean_and_cv)
{
    struct distribution distribution;
    struct arena arena = {0};
    distribution_init(&distribution, &cases[_i].parameters, &arena);
    arena_finish(&arena);
    double mean;
    double cv;
    theory_of(&cases[_i].parameters, &mean, &cv);
    ck_assert_double_eq_tol(distribution.mean, mean, 1e-14 * mean);
    if (isinf(cv)) {
        ck_assert(isinf(distribution.cv));
    } else {
        ck_assert_double_eq_tol(distribution.cv, cv, 1e-12 * cv);
    }
}
END_TEST

START_TEST(distribution_has_its_mean)
{
    if (cases[_i].rough == ROUGH_MEAN) {
        return; // the variance is infinite; distribution_has_its_shape still looks at the draws
    }
    struct distribution distribution;
    double *values = draw_case(_i, &distribution);
    double theory;
    double cv;
    theory_of(&cases[_i].parameters, &theory, &cv);
    double sum = 0;
    int improper = 0;
    for (int i = 0; i < DRAWS; i++) {
        improper += !(values[i] >= 0 && isfinite(values[i]));
        sum += values[i];
    }
    free(values);
    ck_assert_int_eq(improper, 0);
    const double z = (sum / DRAWS - theory) / (theory * cv / sqrt(DRAWS));
    ck_assert_msg(fabs(z) < normal_bound, "mean %.6g instead of %.6g, z = %.2f", sum / DRAWS,
                  theory, z);
}
END_TEST

// The error of an observed cv s/m to first order, per value x, with the true mean m and deviation
// s: ((x - m)^2 - s^2) / (2 s m) - s (x - m) / m^2.
START_TEST(distribution_has_its_cv)
{
    if (cases[_i].rough != FINE) {
        return;
    }
    struct distribution distribution;
    double *values = draw_case(_i, &distribution);
    double mean;
    double cv;
    theory_of(&cases[_i].parameters, &mean, &cv);
    const double deviation = mean * cv;
    double sum = 0;
    double squares = 0;
    double influence = 0;
    for (int i = 0; i < DRAWS; i++) {
        const double from_mean = values[i] - mean;
        sum += from_mean;
        squares += from_mean * from_mean;
        const double psi =
            (from_mean * from_mean - deviation * deviation) / (2 * deviation * mean) -
            deviation * from_mean / (mean * mean);
        influence += psi * psi;
    }
    free(values);
    const double off = sum / DRAWS;
    const double observed = sqrt(squares / DRAWS - off * off) / (mean + off);
    const double z = (observed - cv) / sqrt(influence / DRAWS / DRAWS);
    ck_assert_msg(fabs(z) < normal_bound, "cv %.6g instead of %.6g, z = %.2f", observed, cv, z);
}
END_TEST

static int compare_doubles(const void *left, const void *right)
{
    const double a = *(const double *)left;
    const double b = *(const double *)right;
    return (a > b) - (a < b);
}

START_TEST(distribution_has_its_shape)
{
    struct distribution distribution;
    double *values = draw_case(_i, &distribution);
    qsort(values, DRAWS, sizeof(*values), compare_doubles);
    double distance = 0;
    for (int i = 0; i < DRAWS; i++) {
        const double share = cases[_i].cdf(values[i], &cases[_i].parameters);
        distance = fmax(distance, fabs(share - (double)i / DRAWS));
        distance = fmax(distance, fabs(share - (i + 1.0) / DRAWS));
    }
    free(values);
    const double scaled = distance * sqrt(DRAWS);
    ck_assert_msg(scaled < kolmogorov_bound, "distance %.5f, scaled %.3f", distance, scaled);
}
END_TEST

// The inline shortcut and the general routine are one function, and the first word decides alone
// where the header says so.
START_TEST(distribution_draws_the_same_either_way)
{
    struct distribution distribution;
    struct arena arena = {0};
    distribution_init(&distribution, &cases[_i].parameters, &arena);
    const bool first_word_only = distribution.kind != DISTRIBUTION_GAMMA;
    double before = NAN;
    int differ = 0;
    int rises = 0;
    int falls = 0;
    for (uint64_t i = 0; i < 1000; i++) {
        const struct stream_at at = {key, 71, 5, i};
        const struct stream_at elsewhere = {key, 72, 6, i};
        const uint64_t word = stream_word(&at);
        const double value = distribution_draw(&distribution, &at);
        differ += value != distribution_draw_from(&distribution, word, &at);
        if (first_word_only) {
            differ += value != distribution_draw_from(&distribution, word, &elsewhere);
            const double ordered =
                distribution_draw_from(&distribution, i * (UINT64_MAX / 1000), &at);
            rises += ordered > before;
            falls += ordered < before;
            before = ordered;
        }
    }
    ck_assert_int_eq(differ, 0);
    if (first_word_only && distribution.kind != DISTRIBUTION_HYPEREXPONENTIAL) {
        ck_assert_msg(rises == 999 || falls == 999, "%d rises, %d falls", rises, falls);
    }
    arena_finish(&arena);
}
END_TEST

START_TEST(distribution_at_the_ends_of_a_word)
{
    struct distribution distribution;
    struct arena arena = {0};
    distribution_init(&distribution, &cases[_i].parameters, &arena);
    const struct stream_at at = {key, 71, 5, 9};
    const double lowest = distribution_draw_from(&distribution, 0, &at);
    const double highest = distribution_draw_from(&distribution, UINT64_MAX, &at);
    ck_assert(isfinite(lowest) && lowest >= 0);
    ck_assert(isfinite(highest) && highest >= 0);
    // A gamma variate may reject both words and go on with the same further ones.
    ck_assert(distribution.kind == DISTRIBUTION_GAMMA || lowest != highest);
    arena_finish(&arena);
}
END_TEST

static const double shapes[] = {1, 1.001, 1.1, 1.346, 2, 3.7, 11, 170, 1e4, 1e7};

// A short cut must not keep what the exact rule rejects.
START_TEST(distribution_gamma_short_cut_is_sound)
{
    const struct gamma_law law = gamma_law(shapes[_i]);
    const double rounding = 1e-15 * (1 + law.k);
    int wrong = 0;
    int positive = 0;
    for (int i = -60000; i <= 60000; i++) {
        const double x = 1e-4 * i;
        const double v = gamma_cube(law.c, x);
        const double squeeze = gamma_squeeze(law.c, x);
        if (squeeze > 0) {
            positive++;
            const double exact = 0.5 * x * x + law.k * (1 - v + log(v));
            wrong += !(v > 0 && log(squeeze) <= exact + rounding);
        }
    }
    ck_assert_int_eq(wrong, 0);
    ck_assert_int_gt(positive, 46000);
}
END_TEST

static const double low_shapes[] = {1e-9, 0.004, 0.1, 1.0 / 3, 0.346, 0.5, 0.83, 0.999, 1 - 1e-15};

// Below shape 1: nothing that is tried has a bound above 1, tries rise with the uniform number, the
// short cut is below the bound, and the bounds are on average what part of the area is kept.
START_TEST(distribution_gamma_tries_are_sound)
{
    enum { CELLS = 1000000 };
    const double shape = low_shapes[_i];
    const struct gamma_hat hat = gamma_hat(shape);
    double before = -INFINITY;
    double kept = 0;
    int wrong = 0;
    for (int i = 0; i < CELLS; i++) {
        const double z = gamma_hat_z(hat, (i + 0.5) / CELLS);
        const double log_bound = gamma_hat_log_bound(hat, z, hat.start * elementary_exp(z));
        wrong += !(log_bound < 1e-14) || z < before;
        wrong += gamma_hat_squeeze(log_bound) > exp(log_bound) + 1e-14;
        before = z;
        kept += exp(log_bound) / CELLS;
    }
    ck_assert_int_eq(wrong, 0);
    // The area below exp(a z - x), where x = (a / e) exp(z), is that of the hat times what is kept;
    // hat.left is the hat's times a.
    const double area = tgamma(1 + shape) * exp(shape * (1 - log(shape))) / hat.left;
    ck_assert_double_eq_tol(kept, area, 1e-6);
    ck_assert_double_gt(kept, 0.86);
}
END_TEST

START_TEST(distribution_constant)
{
    struct distribution distribution;
    const struct distribution_parameters parameters = {.kind = DISTRIBUTION_CONSTANT,
                                                       .mean = 2.385};
    distribution_init(&distribution, &parameters, NULL);
    for (uint64_t i = 0; i < 10; i++) {
        const struct stream_at at = {key, 71, 5, i};
        ck_assert_double_eq(distribution_draw(&distribution, &at), 2.385);
        ck_assert_double_eq(distribution_draw_from(&distribution, stream_word(&at), &at), 2.385);
    }
    ck_assert_double_eq(distribution.mean, 2.385);
    ck_assert_double_eq(distribution.cv, 0);
}
END_TEST

START_TEST(distribution_column_has_no_moments)
{
    struct distribution distribution;
    const struct distribution_parameters parameters = {.kind = DISTRIBUTION_COLUMN, .column = 2};
    distribution_init(&distribution, &parameters, NULL);
    ck_assert(isnan(distribution.mean));
    ck_assert(isnan(distribution.cv));
}
END_TEST

START_TEST(distribution_column_is_not_drawn)
{
    struct distribution distribution;
    const struct distribution_parameters parameters = {.kind = DISTRIBUTION_COLUMN, .column = 2};
    distribution_init(&distribution, &parameters, NULL);
    const struct stream_at at = {key, 71, 5, 9};
    distribution_draw(&distribution, &at);
}
END_TEST

// Weights that are eighths of 1024 evenly spaced words: the counts must come out exactly.
static const struct {
    double values[4];
    double weights[4];
    bool weighted;
    size_t count;
    double distinct[4];
    int hits[4]; // of `distinct`, among 1024 words
    double mean;
    double cv;
} empirical_cases[] = {
    {{7.5, 2.385, 3.25}, {1, 2, 5}, true, 3, {2.385, 3.25, 7.5}, {256, 640, 128}, 3.565, 0.429607},
    {{7.5, 2.385, 3.25, 0.5},
     {0},
     false,
     4,
     {0.5, 2.385, 3.25, 7.5},
     {256, 256, 256, 256},
     3.40875,
     0.751839},
    {{4, 2.5, 4, 2.5}, {1, 3, 3, 1}, true, 4, {2.5, 4}, {512, 512}, 3.25, 0.23077},
    {{9, 3, 1}, {0, 0.75, 0.25}, true, 3, {1, 3, 9}, {256, 768, 0}, 2.5, 0.34641},
    {{1, 3, 9}, {0, 0.75, 0.25}, true, 3, {1, 3, 9}, {0, 768, 256}, 4.5, 0.57735},
    {{2.385}, {17}, true, 1, {2.385}, {1024}, 2.385, 0},
};

START_TEST(distribution_empirical_is_exact)
{
    struct arena arena = {0};
    struct distribution distribution;
    const struct distribution_parameters parameters = {
        .kind = DISTRIBUTION_EMPIRICAL,
        .values = empirical_cases[_i].values,
        .weights = empirical_cases[_i].weighted ? empirical_cases[_i].weights : NULL,
        .count = empirical_cases[_i].count,
    };
    distribution_init(&distribution, &parameters, &arena);
    const struct stream_at at = {key, 71, 5, 9};
    int hits[4] = {0};
    int others = 0;
    for (uint64_t i = 0; i < 1024; i++) {
        const double value = distribution_draw_from(&distribution, i << 54 | 1u << 20, &at);
        int found = 0;
        for (int j = 0; j < 4; j++) {
            if (!found && value == empirical_cases[_i].distinct[j]) {
                hits[j]++;
                found = 1;
            }
        }
        others += !found;
    }
    ck_assert_int_eq(others, 0);
    for (int j = 0; j < 4; j++) {
        ck_assert_int_eq(hits[j], empirical_cases[_i].hits[j]);
    }
    ck_assert_double_eq_tol(distribution.mean, empirical_cases[_i].mean, 5e-5);
    ck_assert_double_eq_tol(distribution.cv, empirical_cases[_i].cv, 5e-5);
    // The ends of the range of words stay in the table.
    ck_assert(isfinite(distribution_draw_from(&distribution, 0, &at)));
    ck_assert(isfinite(distribution_draw_from(&distribution, UINT64_MAX, &at)));
    arena_finish(&arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rng-distribution");

    TCase *distribution = tcase_create("distribution");
    tcase_set_timeout(distribution, 30);
    unit_add_table(distribution, distribution_states_its_mean_and_cv, cases);
    unit_add_table(distribution, distribution_has_its_mean, cases);
    unit_add_table(distribution, distribution_has_its_cv, cases);
    unit_add_table(distribution, distribution_has_its_shape, cases);
    unit_add_table(distribution, distribution_draws_the_same_either_way, cases);
    unit_add_table(distribution, distribution_at_the_ends_of_a_word, cases);
    unit_add_table(distribution, distribution_gamma_short_cut_is_sound, shapes);
    unit_add_table(distribution, distribution_gamma_tries_are_sound, low_shapes);
    tcase_add_test(distribution, distribution_constant);
    tcase_add_test(distribution, distribution_column_has_no_moments);
    tcase_add_test_raise_signal(distribution, distribution_column_is_not_drawn, SIGABRT);
    unit_add_table(distribution, distribution_empirical_is_exact, empirical_cases);
    suite_add_tcase(suite, distribution);

    return unit_run(suite);
}
