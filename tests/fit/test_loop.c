// SPDX-License-Identifier: GPL-3.0-or-later

// Closing the loop: a fit to samples of a generator finds the generator's parameters.

#include "fit_case.h"
#include "tests/unit/unit.h"

#include <math.h>

static const char known[] = "generator: known\n"
                            "quantiles: [0, 0.2, 0.45, 0.7, 0.9, 1]\n"
                            "exits:\n"
                            "  one:\n"
                            "    confidence: [0.21, 0.4, 0.55, 0.72, 0.91, 0.98]\n"
                            "    right: [0.31, 0.52, 0.74, 0.88, 0.97]\n"
                            "    right_with_confidence: [0, 0.31, 0.22]\n"
                            "  two:\n"
                            "    confidence: [0.18, 0.47, 0.7, 0.83, 0.95, 0.99]\n"
                            "    right: [0.36, 0.65, 0.83, 0.94, 0.99]\n"
                            "    confidence_with: [0.62]\n"
                            "    right_with: [0.57]\n"
                            "    right_with_confidence: [0.11, 0, 0.24]\n"
                            "  three:\n"
                            "    confidence: [0.3, 0.66, 0.84, 0.93, 0.97, 1]\n"
                            "    right: [0.48, 0.78, 0.92, 0.96, 0.995]\n"
                            "    confidence_with: [0.41, 0.68]\n"
                            "    right_with: [0.38, 0.66]\n"
                            "    right_with_confidence: [-0.07, 0.13, 0]\n"
                            "classes: [0.51, 0.23, 0.17, 0.09]\n"
                            "rival: 0.63\n"
                            "pools: [0.27, 0.44]\n"
                            "features:\n"
                            "  shade: {mean: [1.4, -0.3, -2.2], spread: [0.7, 1.1, 0.9]}\n"
                            "  size: {mean: [31, 35, 42], spread: [4.1, 5.3, 6.7]}\n";

static const char *const exit_names[] = {"one", "two", "three"};
static const char *const feature_names[] = {"shade", "size"};
static const struct fit_names names = {"again", "", exit_names, feature_names};

static void compare_lists(const char *what, const double *found, const double *wanted, int count,
                          double tolerance)
{
    for (int i = 0; i < count; i++) {
        ck_assert_msg(fabs(found[i] - wanted[i]) <= tolerance, "%s %d: %.4f, not %.4f", what, i,
                      found[i], wanted[i]);
    }
}

static double expected_accuracy(const struct spec_generated *generated, int exit)
{
    double sum = 0;
    for (int i = 0; i + 1 < generated->quantile_count; i++) {
        sum += generated->outcomes[exit].right[i] *
               (generated->quantiles[i + 1] - generated->quantiles[i]);
    }
    return sum;
}

START_TEST(a_fit_finds_what_was_drawn_from)
{
    struct arena arena = {0};
    const struct spec_generated *wanted = fit_case_generator_of(known, &arena);
    const struct trace *trace = fit_draw(wanted, 2024, 60000, &arena);
    struct fit fit;
    fit_samples(trace, &names, 1, &arena, &fit);
    const struct spec_generated *found = fit.generated;
    ck_assert(!fit.is_clipped);
    for (int i = 0; i < 3; i++) {
        const struct spec_outcome *a = &found->outcomes[i];
        const struct spec_outcome *b = &wanted->outcomes[i];
        ck_assert_double_eq_tol(expected_accuracy(found, i), expected_accuracy(wanted, i), 0.006);
        // The quantiles that both state: 0.2, 0.45, 0.7 and 0.9.
        static const int places[] = {9, 14, 19, 23};
        for (int k = 0; k < 4; k++) {
            ck_assert_double_eq(found->quantiles[places[k]], wanted->quantiles[k + 1]);
            ck_assert_double_eq_tol(a->confidence[places[k]], b->confidence[k + 1], 0.01);
        }
        // In the middle of the stretches between them.
        static const int middles[] = {11, 16, 21};
        for (int k = 0; k < 3; k++) {
            ck_assert_double_eq_tol(a->right[middles[k]], b->right[k + 1], 0.03);
        }
        compare_lists("confidence_with", a->confidence_with, b->confidence_with, i, 0.02);
        compare_lists("right_with", a->right_with, b->right_with, i, 0.04);
        compare_lists("right_with_confidence", a->right_with_confidence, b->right_with_confidence,
                      3, 0.04);
    }
    compare_lists("classes", found->classes, wanted->classes, 4, 0.006);
    ck_assert_double_eq_tol(found->rival, wanted->rival, 0.03);
    arena_finish(&arena);
}
END_TEST

// Pools are refitted as thirds; given the same pools the features come back.
START_TEST(a_fit_finds_the_features)
{
    struct arena arena = {0};
    struct spec_generated *wanted = fit_case_generator_of(known, &arena);
    const struct trace *first = fit_draw(wanted, 2024, 60000, &arena);
    struct fit fit;
    fit_samples(first, &names, 1, &arena, &fit);
    wanted->pools = fit.generated->pools;
    const struct trace *trace = fit_draw(wanted, 2025, 60000, &arena);
    fit_samples(trace, &names, 1, &arena, &fit);
    compare_lists("pools", fit.generated->pools, wanted->pools, 2, 0.006);
    for (int i = 0; i < 2; i++) {
        const double scale = wanted->features[i].spread[0];
        compare_lists("mean", fit.generated->features[i].mean, wanted->features[i].mean, 3,
                      0.05 * scale);
        compare_lists("spread", fit.generated->features[i].spread, wanted->features[i].spread, 3,
                      0.05 * scale);
    }
    double separation[3];
    fit_separation(wanted, separation);
    // Two features: differences of means in units of the mean variance, as a distance.
    ck_assert_double_eq_tol(
        separation[2],
        sqrt(3.6 * 3.6 / ((0.49 + 0.81) / 2) + 11 * 11 / ((4.1 * 4.1 + 6.7 * 6.7) / 2)), 1e-12);
    arena_finish(&arena);
}
END_TEST

START_TEST(the_same_seed_fits_the_same)
{
    struct arena arena = {0};
    const struct spec_generated *wanted = fit_case_generator_of(known, &arena);
    const struct trace *trace = fit_draw(wanted, 7, 500, &arena);
    struct fit one;
    struct fit two;
    fit_samples(trace, &names, 5, &arena, &one);
    fit_samples(trace, &names, 5, &arena, &two);
    for (int i = 0; i < 3; i++) {
        compare_lists("right_with", one.generated->outcomes[i].right_with,
                      two.generated->outcomes[i].right_with, i, 0);
    }
    arena_finish(&arena);
}
END_TEST

// Every row is in one of the halves, and rows stay whole.
START_TEST(halves_are_all_rows_once)
{
    struct arena arena = {0};
    const struct spec_generated *wanted = fit_case_generator_of(known, &arena);
    const struct trace *trace = fit_draw(wanted, 8, 501, &arena);
    const struct trace *halves[] = {fit_half(trace, 3, false, &arena),
                                    fit_half(trace, 3, true, &arena)};
    ck_assert_uint_eq(halves[0]->rows, 250);
    ck_assert_uint_eq(halves[1]->rows, 251);
    size_t moved = 0;
    for (size_t row = 0; row < trace->rows; row++) {
        size_t found = 0;
        for (int half = 0; half < 2; half++) {
            for (size_t i = 0; i < halves[half]->rows; i++) {
                if (halves[half]->feature[2 * i] == trace->feature[2 * row]) {
                    found++;
                    moved += half == 0 && i == row ? 0 : 1;
                    ck_assert_double_eq(halves[half]->feature[2 * i + 1],
                                        trace->feature[2 * row + 1]);
                    ck_assert_int_eq(halves[half]->label[i], trace->label[row]);
                    ck_assert_double_eq(halves[half]->outcomes[3 * i + 2].confidence,
                                        trace->outcomes[3 * row + 2].confidence);
                }
            }
        }
        ck_assert_uint_eq(found, 1);
    }
    ck_assert_uint_gt(moved, 400);
    arena_finish(&arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fit-loop");
    TCase *loop = tcase_create("loop");
    tcase_set_timeout(loop, 120);
    tcase_add_test(loop, a_fit_finds_what_was_drawn_from);
    tcase_add_test(loop, a_fit_finds_the_features);
    tcase_add_test(loop, the_same_seed_fits_the_same);
    tcase_add_test(loop, halves_are_all_rows_once);
    suite_add_tcase(suite, loop);
    return unit_run(suite);
}
