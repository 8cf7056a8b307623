// SPDX-License-Identifier: GPL-3.0-or-later

// Generated samples: what they are fitted to they reproduce, and each is its own.

#include "fit_case.h"
#include "model/generator.h"
#include "tests/unit/unit.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const char digits_file[] = "scenarios/models/digits.yaml";

START_TEST(digits_are_as_they_were)
{
    struct arena arena = {0};
    const struct spec_generated *generated =
        fit_case_generator(fit_case_path(digits_file, &arena), &arena);
    const struct trace *trace =
        fit_case_wide(fit_case_path("scenarios/data/digits.csv", &arena), generated, &arena);
    ck_assert_uint_eq(trace->rows, 1797);
    fit_case_compare(generated, trace, 0.006, &arena);
    arena_finish(&arena);
}
END_TEST

// What is asked of many samples is asked of the same ones: drawing them is what takes time.
static struct arena many_arena;
static const struct spec_generated *fitted;
static const struct trace *many;

static void draw_many(void)
{
    fitted = fit_case_generator(fit_case_path(digits_file, &many_arena), &many_arena);
    many = fit_draw(fitted, 31, 300000, &many_arena);
}

static void forget_many(void)
{
    arena_finish(&many_arena);
}

// A threshold on one exit's confidence decides about the answers of another: the joint behaviour
// that hierarchical inference lives on. Early exits, where late ones correct early ones, too.
static const struct {
    int first;
    int second;
    double threshold;
} cascades[] = {{0, 1, 0.3}, {0, 1, 0.55}, {0, 1, 0.607}, {0, 1, 0.8},
                {2, 7, 0.7}, {2, 7, 0.9},  {3, 5, 0.95},  {4, 7, 0.99}};

static double cascade_accuracy(const struct trace *trace, int row)
{
    double right = 0;
    for (size_t i = 0; i < trace->rows; i++) {
        const struct trace_outcome *outcomes = trace->outcomes + i * (size_t)trace->exits;
        const struct trace_outcome *first = &outcomes[cascades[row].first];
        right += first->confidence >= cascades[row].threshold
                     ? first->correct
                     : outcomes[cascades[row].second].correct;
    }
    return right / (double)trace->rows;
}

START_TEST(cascades_are_as_they_were)
{
    struct arena arena = {0};
    const struct trace *trace =
        fit_case_wide(fit_case_path("scenarios/data/digits.csv", &arena), fitted, &arena);
    const double found = cascade_accuracy(many, _i);
    const double wanted = cascade_accuracy(trace, _i);
    ck_assert_msg(fabs(found - wanted) <= 0.01, "accuracy %.4f, not %.4f", found, wanted);
    arena_finish(&arena);
}
END_TEST

START_TEST(labels_are_as_they_were)
{
    double share[10] = {0};
    size_t wrong = 0; // an assertion for each would take most of the time
    for (size_t row = 0; row < many->rows; row++) {
        share[many->label[row]] += 1 / (double)many->rows;
        for (int i = 0; i < many->exits; i++) {
            const struct trace_outcome *outcome =
                &many->outcomes[row * (size_t)many->exits + (size_t)i];
            wrong += outcome->prediction < 0 || outcome->prediction >= 10 ||
                     (outcome->prediction == many->label[row]) != outcome->correct;
        }
    }
    ck_assert_uint_eq(wrong, 0);
    for (int i = 0; i < 10; i++) {
        ck_assert_double_eq_tol(share[i], fitted->classes[i], 0.004);
    }
}
END_TEST

// Each feature within each pool, and the pools themselves.
START_TEST(features_are_as_they_were)
{
    ck_assert_int_eq(many->features, 8);
    for (int feature = 0; feature < many->features; feature++) {
        double count[3] = {0};
        double sum[3] = {0};
        double squares[3] = {0};
        for (size_t row = 0; row < many->rows; row++) {
            const double difficulty = fit_difficulty(many, row);
            const int pool = (difficulty > fitted->pools[0]) + (difficulty > fitted->pools[1]);
            const double value = many->feature[row * 8 + (size_t)feature];
            count[pool]++;
            sum[pool] += value;
            squares[pool] += value * value;
        }
        for (int pool = 0; pool < 3; pool++) {
            const double mean = sum[pool] / count[pool];
            const double spread = sqrt(squares[pool] / count[pool] - mean * mean);
            // The pools were thirds of the trace. That they are thirds of what is generated is not
            // fitted; it follows as far as all exits together are as they were.
            ck_assert_double_eq_tol(count[pool] / (double)many->rows, 1.0 / 3, 0.05);
            ck_assert_double_eq_tol(mean, fitted->features[feature].mean[pool], 0.02 * spread);
            ck_assert_double_eq_tol(spread, fitted->features[feature].spread[pool], 0.02 * spread);
        }
    }
}
END_TEST

static uint64_t add_bits(uint64_t hash, const void *bytes, size_t length)
{
    const unsigned char *at = bytes;
    for (size_t i = 0; i < length; i++) {
        hash = (hash ^ at[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

// One seed is the same samples on every machine, to the bit.
START_TEST(a_seed_is_the_same_bits)
{
    struct arena arena = {0};
    const struct spec_generated *generated =
        fit_case_generator(fit_case_path(digits_file, &arena), &arena);
    const struct trace *drawn = fit_draw(generated, 12, 2000, &arena);
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < drawn->rows * (size_t)drawn->exits; i++) {
        hash = add_bits(hash, &drawn->outcomes[i].confidence, sizeof(double));
        hash = add_bits(hash, &drawn->outcomes[i].prediction, sizeof(int32_t));
        hash = add_bits(hash, &drawn->outcomes[i].correct, sizeof(int32_t));
    }
    hash = add_bits(hash, drawn->feature, drawn->rows * 8 * sizeof(double));
    ck_assert_msg(hash == UINT64_C(0xe5ce77ec4488f402), "hash %#llx", (unsigned long long)hash);
    arena_finish(&arena);
}
END_TEST

// A sample depends neither on what was drawn before it nor on which exits are wanted.
START_TEST(samples_are_looked_up)
{
    struct arena arena = {0};
    const struct spec_generated *generated =
        fit_case_generator(fit_case_path(digits_file, &arena), &arena);
    const int all[] = {0, 1, 2, 3, 4, 5, 6, 7};
    const int some[] = {5, 1};
    const char *features[] = {"f3", "f7"};
    const struct generator_wanted everything = {all, 8, features, 2};
    const struct generator_wanted part = {some, 2, NULL, 0};
    const struct generator *whole = generator_build(generated, &everything, &arena);
    const struct generator *few = generator_build(generated, &part, &arena);
    const struct stream_key key = {.seed = 3, .replication = 14};
    bool devices_differ = false;
    bool replications_differ = false;
    for (uint64_t index = 200; index-- > 0;) {
        struct trace_outcome one[8];
        struct trace_outcome two[2];
        struct trace_outcome three[8];
        double seen[2];
        const int32_t label = generator_draw(whole, key, 7, index, one, seen);
        ck_assert_int_eq(generator_draw(few, key, 7, index, two, NULL), label);
        for (int i = 0; i < 2; i++) {
            ck_assert(two[i].confidence == one[some[i]].confidence);
            ck_assert_int_eq(two[i].prediction, one[some[i]].prediction);
            ck_assert_int_eq(two[i].correct, one[some[i]].correct);
            ck_assert(isfinite(seen[i]));
        }
        generator_draw(whole, key, 8, index, three, seen);
        devices_differ = devices_differ || three[0].confidence != one[0].confidence;
        generator_draw(whole, (struct stream_key){.seed = 3, .replication = 15}, 7, index, three,
                       seen);
        replications_differ = replications_differ || three[0].confidence != one[0].confidence;
    }
    ck_assert(devices_differ);
    ck_assert(replications_differ);
    arena_finish(&arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fit-generator");
    TCase *whole = tcase_create("whole");
    tcase_set_timeout(whole, 120);
    tcase_add_test(whole, digits_are_as_they_were);
    suite_add_tcase(suite, whole);
    TCase *together = tcase_create("together");
    tcase_set_timeout(together, 120);
    tcase_add_unchecked_fixture(together, draw_many, forget_many);
    unit_add_table(together, cascades_are_as_they_were, cascades);
    tcase_add_test(together, labels_are_as_they_were);
    tcase_add_test(together, features_are_as_they_were);
    suite_add_tcase(suite, together);
    TCase *keyed = tcase_create("keyed");
    tcase_add_test(keyed, a_seed_is_the_same_bits);
    tcase_add_test(keyed, samples_are_looked_up);
    suite_add_tcase(suite, keyed);
    return unit_run(suite);
}
