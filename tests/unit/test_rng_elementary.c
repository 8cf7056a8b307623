// SPDX-License-Identifier: GPL-3.0-or-later
#include "rng/elementary.h"
#include "rng/stream.h"
#include "unit.h"

#include <float.h>
#include <gsl/gsl_cdf.h>
#include <math.h>

// The error of `value` in units of the last place of `exact`.
static double error_in_ulp(double value, long double exact)
{
    int exponent;
    frexpl(exact, &exponent);
    return (double)(fabsl((long double)value - exact) / ldexpl(1, exponent - DBL_MANT_DIG));
}

START_TEST(elementary_log_is_accurate)
{
    double worst = 0;
    double worst_at = NAN;
    for (int exponent = -1022; exponent <= 1023; exponent++) {
        for (int i = 0; i < 97; i++) {
            const double x = ldexp(1 + i / 97.0, exponent);
            const double error = x == 1 ? fabs(elementary_log(x)) * 1e16
                                        : error_in_ulp(elementary_log(x), logl((long double)x));
            if (error > worst) {
                worst = error;
                worst_at = x;
            }
        }
    }
    // Near 1, where the logarithm is small, and uniform numbers as streams give them.
    for (int i = 1; i < 200000; i++) {
        const double near[] = {1 + i * 1.1e-8, 1 - i * 1.7e-9,
                               stream_unit((uint64_t)i * UINT64_C(0x9e3779b97f4a7c15))};
        for (int j = 0; j < UNIT_COUNT(near); j++) {
            const double error = error_in_ulp(elementary_log(near[j]), logl((long double)near[j]));
            if (error > worst) {
                worst = error;
                worst_at = near[j];
            }
        }
    }
    ck_assert_msg(worst < 1, "%.3f ulp at %.17g", worst, worst_at);
}
END_TEST

START_TEST(elementary_log_at_the_ends)
{
    ck_assert_double_eq(elementary_log(1), 0);
    ck_assert(error_in_ulp(elementary_log(DBL_MIN), logl((long double)DBL_MIN)) < 1);
    ck_assert(error_in_ulp(elementary_log(DBL_MAX), logl((long double)DBL_MAX)) < 1);
    const double below = nextafter(1, 0);
    const double above = nextafter(1, 2);
    ck_assert(error_in_ulp(elementary_log(below), logl((long double)below)) < 1);
    ck_assert(error_in_ulp(elementary_log(above), logl((long double)above)) < 1);
}
END_TEST

START_TEST(elementary_exp_is_accurate)
{
    double worst = 0;
    double worst_at = NAN;
    for (int i = 0; i <= 400000; i++) {
        const double wide = -700 + i * 0.0035;
        const double narrow = (i - 200000) * 5.3e-6;
        const double tiny = ldexp(1 + i / 400001.0, -(i % 60));
        const double points[] = {wide, narrow, tiny, -tiny};
        for (int j = 0; j < UNIT_COUNT(points); j++) {
            const double x = points[j];
            if (fabs(x) > 700) {
                continue;
            }
            const double error = error_in_ulp(elementary_exp(x), expl((long double)x));
            if (error > worst) {
                worst = error;
                worst_at = x;
            }
        }
    }
    ck_assert_msg(worst < 1, "%.3f ulp at %.17g", worst, worst_at);
}
END_TEST

START_TEST(elementary_exp_at_the_ends)
{
    ck_assert_double_eq(elementary_exp(0), 1);
    ck_assert_double_eq(elementary_exp(-0.0), 1);
    ck_assert_double_eq(elementary_exp(1e-300), 1);
    ck_assert(error_in_ulp(elementary_exp(700), expl(700)) < 1);
    ck_assert(error_in_ulp(elementary_exp(-700), expl(-700)) < 1);
    ck_assert_double_eq(elementary_exp(-700.5), 0);
    ck_assert_double_eq(elementary_exp(-INFINITY), 0);
    ck_assert(isinf(elementary_exp(700.5)) && elementary_exp(700.5) > 0);
    ck_assert(isinf(elementary_exp(INFINITY)));
    ck_assert(isnan(elementary_exp(NAN)));
}
END_TEST

// Against GSL, which computes the same approximation from another library's logarithm, and against
// the definition: Phi(x) = p, which long double's erfc knows to more digits than a double has.
struct normal_error {
    double from_gsl;      // relative
    double from_integral; // relative
    double gsl_at;
    double integral_at;
};

static void note_normal(struct normal_error *error, double p)
{
    const double x = elementary_normal(p);
    const double gsl = gsl_cdf_ugaussian_Pinv(p);
    const double from_gsl = fabs(x - gsl) / fabs(gsl);
    if (!(from_gsl <= error->from_gsl)) {
        error->from_gsl = from_gsl;
        error->gsl_at = p;
    }
    const long double root_half = 0.707106781186547524400844362104849039L;
    const long double root_two_pi = 2.50662827463100050241576528481104525L;
    const long double precise = x;
    // From the nearer end, so that the small share is exact.
    const long double share = erfcl(fabsl(precise) * root_half) / 2;
    const long double wanted = p < 0.5 ? (long double)p : 1 - (long double)p;
    const long double density = expl(-precise * precise / 2) / root_two_pi;
    const double from_integral = (double)(fabsl((share - wanted) / density / precise));
    if (!(from_integral <= error->from_integral)) {
        error->from_integral = from_integral;
        error->integral_at = p;
    }
}

START_TEST(elementary_normal_inverts_the_integral)
{
    struct normal_error error = {0};
    for (int i = 0; i < 20000; i++) {
        note_normal(&error, stream_unit((uint64_t)i * UINT64_C(0x9e3779b97f4a7c15) + 1));
    }
    for (int exponent = -52; exponent < -1; exponent++) {
        note_normal(&error, 1 - ldexp(1, exponent));
    }
    for (int exponent = -1000; exponent < -1; exponent++) {
        note_normal(&error, ldexp(1.2385, exponent));
    }
    // The ends of a stream's range, and where the three approximations meet.
    const double corners[] = {stream_unit(0),       stream_unit(UINT64_MAX), nextafter(0.075, 0),
                              nextafter(0.075, 1),  nextafter(0.925, 0),     nextafter(0.925, 1),
                              1.38879438649640e-11, 1.38879438649641e-11};
    for (int i = 0; i < UNIT_COUNT(corners); i++) {
        note_normal(&error, corners[i]);
    }
    ck_assert_msg(error.from_gsl <= 2e-15, "%.3g from GSL at %.17g", error.from_gsl, error.gsl_at);
    ck_assert_msg(error.from_integral <= 1e-15, "%.3g from the integral at %.17g",
                  error.from_integral, error.integral_at);
    ck_assert_double_eq(elementary_normal(0.5), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rng-elementary");

    TCase *elementary = tcase_create("elementary");
    tcase_set_timeout(elementary, 30);
    if (unit_has_long_double("the accuracy of logarithms and exponentials")) {
        tcase_add_test(elementary, elementary_log_is_accurate);
        tcase_add_test(elementary, elementary_exp_is_accurate);
    }
    tcase_add_test(elementary, elementary_log_at_the_ends);
    tcase_add_test(elementary, elementary_exp_at_the_ends);
    tcase_add_test(elementary, elementary_normal_inverts_the_integral);
    suite_add_tcase(suite, elementary);

    return unit_run(suite);
}
