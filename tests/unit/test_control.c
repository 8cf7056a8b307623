// SPDX-License-Identifier: GPL-3.0-or-later
#include "numbers.h"
#include "stats/control.h"
#include "unit.h"

#include <gsl/gsl_multifit.h>
#include <math.h>

static void check_near(double value, double wanted, double relative)
{
    ck_assert_msg(fabs(value - wanted) <= relative * fabs(wanted), "%.17g instead of %.17g", value,
                  wanted);
}

// Longley's data of 1967, the National Institute of Standards and Technology's reference for linear
// regression of higher difficulty. The estimate at controls of 0 is the intercept.
static const double employed[16] = {60323, 61122, 60171, 61187, 63221, 63639, 64989, 63761,
                                    66019, 67857, 68169, 66513, 68655, 69564, 69331, 70551};
static const double longley[16 * 6] = {
    83.0,  234289, 2356, 1590, 107608, 1947, //
    88.5,  259426, 2325, 1456, 108632, 1948, //
    88.2,  258054, 3682, 1616, 109773, 1949, //
    89.5,  284599, 3351, 1650, 110929, 1950, //
    96.2,  328975, 2099, 3099, 112075, 1951, //
    98.1,  346999, 1932, 3594, 113270, 1952, //
    99.0,  365385, 1870, 3547, 115094, 1953, //
    100.0, 363112, 3578, 3350, 116219, 1954, //
    101.2, 397469, 2904, 3048, 117388, 1955, //
    104.6, 419180, 2822, 2857, 118734, 1956, //
    108.4, 442769, 2936, 2798, 120445, 1957, //
    110.8, 444546, 4681, 2637, 121950, 1958, //
    112.6, 482704, 3813, 2552, 123366, 1959, //
    114.2, 502601, 3931, 2514, 125368, 1960, //
    115.7, 518173, 4806, 2572, 127852, 1961, //
    116.9, 554894, 4007, 2827, 130081, 1962, //
};

START_TEST(control_is_the_certified_intercept)
{
    const double known[6] = {0};
    struct control_result result;
    ck_assert(control_estimate(employed, longley, known, 16, 6, 0.95, &result));
    check_near(result.interval.mean, -3482258.63459582, 1e-9);
    const double t9 = 2.2621571627409915;
    check_near(result.interval.half_width, t9 * 890420.383607373, 1e-9);
    ck_assert_uint_eq(result.used, 6);
    ck_assert_uint_eq(result.interval.units, 16);
}
END_TEST

// Values of a unit: y depends on three controls and on luck of its own. The mean of y is 2.385.
enum { CONTROLS = 3 };
static const double control_known[CONTROLS] = {0.17, -4, 1000};

static void draw_units(uint64_t series, size_t n, double *values, double *controls)
{
    uint64_t index = 0;
    for (size_t i = 0; i < n; i++) {
        const double a = numbers_normal(series, index++);
        const double b = numbers_normal(series, index++);
        const double c = numbers_normal(series, index++);
        controls[i * CONTROLS + 0] = 0.17 + 0.01 * a;
        controls[i * CONTROLS + 1] = -4 + a + 2 * b;
        controls[i * CONTROLS + 2] = 1000 + 3 * c;
        values[i] = 2.385 + a - 0.7 * b + numbers_normal(series, index++);
    }
}

// Against GSL's least squares by singular values, with a column of ones first.
START_TEST(control_agrees_with_least_squares)
{
    enum { UNITS = 23 };
    double values[UNITS];
    double controls[UNITS * CONTROLS];
    draw_units(40000, UNITS, values, controls);
    gsl_matrix *x = gsl_matrix_alloc(UNITS, CONTROLS + 1);
    gsl_matrix *covariance = gsl_matrix_alloc(CONTROLS + 1, CONTROLS + 1);
    gsl_vector *coefficients = gsl_vector_alloc(CONTROLS + 1);
    for (size_t i = 0; i < UNITS; i++) {
        gsl_matrix_set(x, i, 0, 1);
        for (size_t j = 0; j < CONTROLS; j++) {
            gsl_matrix_set(x, i, j + 1, controls[i * CONTROLS + j] - control_known[j]);
        }
    }
    gsl_multifit_linear_workspace *workspace = gsl_multifit_linear_alloc(UNITS, CONTROLS + 1);
    gsl_vector_const_view y = gsl_vector_const_view_array(values, UNITS);
    double squares;
    gsl_multifit_linear(x, &y.vector, coefficients, covariance, &squares, workspace);

    struct control_result result;
    ck_assert(control_estimate(values, controls, control_known, UNITS, CONTROLS, 0.9, &result));
    const double t19 = 1.729132811521367;
    check_near(result.interval.mean, gsl_vector_get(coefficients, 0), 1e-12);
    check_near(result.interval.half_width, t19 * sqrt(gsl_matrix_get(covariance, 0, 0)), 1e-10);
    check_near(result.interval.mean - result.interval.low, result.interval.half_width, 1e-12);
    check_near(result.interval.high - result.interval.mean, result.interval.half_width, 1e-12);
    const struct interval plain = interval_of_mean(values, UNITS, 0.9);
    const double t22 = 1.717144374380242;
    const double gain = pow(plain.half_width / t22, 2) / gsl_matrix_get(covariance, 0, 0);
    check_near(result.variance_ratio, gain, 1e-10);
    gsl_multifit_linear_free(workspace);
    gsl_vector_free(coefficients);
    gsl_matrix_free(covariance);
    gsl_matrix_free(x);
}
END_TEST

// 4000 experiments of so many units: the interval covers the mean as often as it says. Without its
// controls y has a variance of 2.49 and with them of 1, and three coefficients that are estimated
// leave (n - 5) / (n - 2) of that gain (Lavenberg and Welch).
static const size_t sizes[] = {6, 10, 30};

START_TEST(control_interval_covers)
{
    enum { EXPERIMENTS = 4000 };
    const size_t n = sizes[_i];
    int covered = 0;
    double squares = 0;
    double plain_squares = 0;
    for (uint64_t i = 0; i < EXPERIMENTS; i++) {
        double values[30];
        double controls[30 * CONTROLS];
        draw_units(50000 + i, n, values, controls);
        struct control_result result;
        ck_assert(control_estimate(values, controls, control_known, n, CONTROLS, 0.95, &result));
        covered += result.interval.low <= 2.385 && result.interval.high >= 2.385;
        squares += pow(result.interval.mean - 2.385, 2);
        plain_squares += pow(interval_of_mean(values, n, 0.95).mean - 2.385, 2);
    }
    const double z = numbers_z(covered, EXPERIMENTS, 0.95);
    ck_assert_msg(fabs(z) < NUMBERS_Z_999, "%d of %d cover, z = %.2f", covered, EXPERIMENTS, z);
    if (n >= 10) { // below, squared errors have too long a tail to compare
        const double gain = 2.49 * ((double)n - 5) / ((double)n - 2);
        ck_assert_msg(fabs(plain_squares / squares / gain - 1) < 0.15, "gain %.3f, not %.3f",
                      plain_squares / squares, gain);
    }
}
END_TEST

// Controls that do not vary, or repeat others, change nothing and cost no degree of freedom.
START_TEST(control_leaves_out_what_says_nothing)
{
    enum { UNITS = 11, MORE = 6 };
    double values[UNITS];
    double controls[UNITS * CONTROLS];
    double more[UNITS * MORE];
    draw_units(60000, UNITS, values, controls);
    for (size_t i = 0; i < UNITS; i++) {
        const double *row = &controls[i * CONTROLS];
        const double all[MORE] = {0.3,    row[0], 1e6 + 1e-11 * (double)i,
                                  row[1], row[2], 5 * row[0] - row[1] + 2};
        for (size_t j = 0; j < MORE; j++) {
            more[i * MORE + j] = all[j];
        }
    }
    const double known[MORE] = {0.3,
                                control_known[0],
                                1e6,
                                control_known[1],
                                control_known[2],
                                5 * control_known[0] - control_known[1] + 2};
    struct control_result few;
    struct control_result many;
    ck_assert(control_estimate(values, controls, control_known, UNITS, CONTROLS, 0.95, &few));
    ck_assert(control_estimate(values, more, known, UNITS, MORE, 0.95, &many));
    ck_assert_uint_eq(many.used, CONTROLS);
    check_near(many.interval.mean, few.interval.mean, 1e-12);
    check_near(many.interval.half_width, few.interval.half_width, 1e-12);
}
END_TEST

START_TEST(control_refuses)
{
    double values[20];
    double controls[20 * CONTROLS];
    draw_units(60001, 20, values, controls);
    struct control_result result = {.used = 77};
    const double constant[8] = {0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3};
    ck_assert(!control_estimate(values, controls, control_known, 5, CONTROLS, 0.95, &result));
    ck_assert(!control_estimate(values, controls, control_known, 20, 0, 0.95, &result));
    ck_assert(!control_estimate(values, constant, control_known, 8, 1, 0.95, &result));
    ck_assert(
        !control_estimate(values, controls, control_known, 200, CONTROL_MOST + 1, 0.95, &result));
    ck_assert_uint_eq(result.used, 77);
    ck_assert(control_estimate(values, controls, control_known, 6, CONTROLS, 0.95, &result));
}
END_TEST

START_TEST(control_of_constant_values)
{
    const double values[6] = {0.3, 0.3, 0.3, 0.3, 0.3, 0.3};
    const double controls[6] = {1, 2, 3, 4, 5, 7};
    const double known[1] = {4};
    struct control_result result;
    ck_assert(control_estimate(values, controls, known, 6, 1, 0.95, &result));
    ck_assert_double_eq(result.interval.mean, 0.3);
    ck_assert_double_eq(result.interval.half_width, 0);
    ck_assert(isnan(result.variance_ratio));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("control");
    TCase *control = tcase_create("control");
    tcase_add_test(control, control_is_the_certified_intercept);
    tcase_add_test(control, control_agrees_with_least_squares);
    unit_add_table(control, control_interval_covers, sizes);
    tcase_add_test(control, control_leaves_out_what_says_nothing);
    tcase_add_test(control, control_refuses);
    tcase_add_test(control, control_of_constant_values);
    suite_add_tcase(suite, control);
    return unit_run(suite);
}
