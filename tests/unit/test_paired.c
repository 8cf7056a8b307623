// SPDX-License-Identifier: GPL-3.0-or-later
#include "exp/paired.h"
#include "unit.h"

#include <check.h>
#include <math.h>

// By hand: differences 1, 2, 3 have mean 2, variance 1, half width t(0.975, 2) / sqrt(3) =
// 4.302653 / 1.732051; t = 2 sqrt(3), whose two-sided tail with 2 degrees of freedom is
// 1 - t / sqrt(2 + t^2). The two vary by 1 and 3, so an unpaired comparison varies by 4.
START_TEST(differences_by_hand)
{
    const double a[] = {5, 4, 6};
    const double b[] = {6, 6, 9};
    const struct paired result = paired_compare(a, b, 3, 0.95);
    const double t = 2 * sqrt(3);
    ck_assert_uint_eq(result.pairs, 3);
    ck_assert_double_eq_tol(result.mean, 2, 1e-15);
    ck_assert_double_eq_tol(result.half_width, 4.302652729911275 / sqrt(3), 1e-9);
    ck_assert_double_eq_tol(result.p_value, 1 - t / sqrt(2 + t * t), 1e-12);
    ck_assert_double_eq_tol(result.gain, (1 + 3) / 1.0, 1e-12);
}
END_TEST

START_TEST(what_says_nothing_is_left_out)
{
    const double a[] = {1, NAN, 2, 3};
    const double b[] = {2.5, 1, NAN, 4.5};
    const struct paired result = paired_compare(a, b, 4, 0.95);
    ck_assert_uint_eq(result.pairs, 2);
    ck_assert_double_eq(result.mean, 1.5);
    ck_assert_double_eq(result.p_value, 0); // all pairs differ alike
    ck_assert(isinf(result.gain));
    ck_assert(isnan(paired_compare(a, b, 1, 0.95).half_width));
}
END_TEST

START_TEST(equal_systems_do_not_differ)
{
    const double a[] = {1, 2, 3};
    ck_assert_double_eq(paired_compare(a, a, 3, 0.95).p_value, 1);
}
END_TEST

// Holm's own order: 0.01 <= 0.05/4, 0.013 <= 0.05/3, 0.03 > 0.05/2 stops, and 0.04 with it.
START_TEST(holm_steps_down)
{
    const double p_values[] = {0.04, 0.01, NAN, 0.03, 0.013};
    const unsigned char wanted[] = {0, 1, 0, 0, 1};
    unsigned char significant[5];
    paired_holm(p_values, 5, 0.05, significant);
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(significant[i], wanted[i]);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("paired");
    TCase *tests = tcase_create("paired");
    tcase_add_test(tests, differences_by_hand);
    tcase_add_test(tests, what_says_nothing_is_left_out);
    tcase_add_test(tests, equal_systems_do_not_differ);
    tcase_add_test(tests, holm_steps_down);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
