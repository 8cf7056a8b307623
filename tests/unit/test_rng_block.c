// SPDX-License-Identifier: GPL-3.0-or-later
// Numbers by the array are those of single look-ups to the bit: in every variant of the loops that
// this processor has, and however a range is cut.
#include "base/memory.h"
#include "rng/block.h"
#include "rng/block_loops.h"
#include "rng/gamma.h"
#include "unit.h"

#include <float.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static const struct stream_key key = {.seed = 20250117, .replication = 3};
static const struct stream_key turned = {.seed = 7, .replication = 1, .turn = STREAM_TURNED};

enum { VARIANTS = 3, MILLION = 1000000 };

// How many of the numbers differ in any bit; NaN is equal to itself.
static size_t differing(const double *left, const double *right, size_t count)
{
    size_t different = 0;
    for (size_t i = 0; i < count; i++) {
        different += memcmp(&left[i], &right[i], sizeof(left[i])) != 0;
    }
    return different;
}

// Words with their ends and corners first, then as they come.
static uint64_t *some_words(size_t count)
{
    static const uint64_t corners[] = {
        0, 4095, 4096, UINT64_MAX, UINT64_MAX - 4096, UINT64_C(1) << 63, (UINT64_C(1) << 63) - 1};
    uint64_t *words = malloc(count * sizeof(*words));
    block_words(key, 71, 5, 0, count, words);
    memcpy(words, corners, sizeof(corners));
    // The lowest and highest cells, where the formula of the far tail of the normal law begins.
    for (uint64_t i = 0; i < 1000; i++) {
        words[10 + i] = i * 97 << 12;
        words[2000 + i] = ~(i * 97 << 12);
    }
    return words;
}

static const struct block_loops *variant(int number)
{
    return (size_t)number < block_loops_count() ? block_loops_variant((size_t)number) : NULL;
}

// ---- words ----

static const struct {
    uint64_t first;
    size_t count;
} ranges[] = {
    {0, 1},    {0, 4}, {0, 1000}, {1, 1}, {1, 2},   {1, 3},   {2, 7},       {3, 1},
    {3, 1021}, {4, 3}, {4099, 5}, {5, 0}, {7, 255}, {7, 256}, {6, 1 << 12}, {UINT64_MAX - 9, 9}};

START_TEST(block_words_are_those_of_the_stream)
{
    static uint64_t words[(1 << 12) + 1];
    const size_t count = ranges[_i].count;
    for (int k = 0; k < 2; k++) {
        const struct stream_key of = k ? turned : key;
        words[count] = 17;
        block_words(of, 71, 5, ranges[_i].first, count, words);
        int differ = 0;
        for (size_t i = 0; i < count; i++) {
            const struct stream_at at = {of, 71, 5, ranges[_i].first + i};
            differ += words[i] != stream_word(&at);
        }
        ck_assert_int_eq(differ, 0);
        ck_assert_uint_eq(words[count], 17);
    }
}
END_TEST

START_TEST(block_words_at_any_address)
{
    enum { COUNT = 1003 };
    static uint32_t entities[COUNT];
    static uint64_t indices[COUNT];
    static uint64_t words[COUNT];
    for (uint32_t i = 0; i < COUNT; i++) {
        entities[i] = i % 3 ? i * 2654435761u : UINT32_MAX;
        indices[i] = (uint64_t)i * (i % 5 ? 1 : UINT64_C(0x9e3779b97f4a7c15));
    }
    for (int k = 0; k < 2; k++) {
        const struct stream_key of = k ? turned : key;
        block_words_at(of, 71, entities, indices, COUNT, words);
        int differ = 0;
        for (int i = 0; i < COUNT; i++) {
            const struct stream_at at = {of, 71, entities[i], indices[i]};
            differ += words[i] != stream_word(&at);
        }
        ck_assert_int_eq(differ, 0);
    }
}
END_TEST

// ---- functions ----

static double plain_log(double x)
{
    return elementary_log(x);
}

static double plain_exp(double x)
{
    return elementary_exp(x);
}

static double plain_normal(double p)
{
    return elementary_normal(p);
}

// All of `arguments` in calls of different lengths, to another array and in place.
static void check_function(void (*loop)(const double *x, size_t count, double *ret),
                           double (*plain)(double x), const double *arguments, size_t count)
{
    double *expected = malloc(count * sizeof(*expected));
    double *found = malloc(count * sizeof(*found));
    double *in_place = malloc(count * sizeof(*in_place));
    memcpy(in_place, arguments, count * sizeof(*in_place));
    for (size_t i = 0; i < count; i++) {
        expected[i] = plain(arguments[i]);
    }
    size_t length = 0;
    for (size_t done = 0; done < count; done += length) {
        length = 1 + (length * 7 + 3) % BLOCK_LOOPS_MOST;
        length = length < count - done ? length : count - done;
        loop(arguments + done, length, found + done);
        loop(in_place + done, length, in_place + done);
    }
    ck_assert_uint_eq(differing(found, expected, count), 0);
    ck_assert_uint_eq(differing(in_place, expected, count), 0);
    free(expected);
    free(found);
    free(in_place);
}

START_TEST(block_functions_are_the_plain_ones)
{
    const struct block_loops *loops = variant(_i);
    if (!loops || !loops->is_supported()) {
        return;
    }
    uint64_t *words = some_words(MILLION);
    double *x = malloc(MILLION * sizeof(*x));
    for (size_t i = 0; i < MILLION; i++) {
        x[i] = stream_unit(words[i]);
    }
    check_function(loops->log, plain_log, x, MILLION);
    check_function(loops->normal, plain_normal, x, MILLION);
    static const double corners[] = {0,     -0.0,   700,      -700,      700.5,   -700.5, 1e-300,
                                     1e300, -1e300, INFINITY, -INFINITY, DBL_MIN, DBL_MAX};
    for (size_t i = 0; i < MILLION; i++) {
        x[i] = (x[i] - 0.5) * (i % 2 ? 1450 : 3);
    }
    memcpy(x, corners, sizeof(corners));
    check_function(loops->exp, plain_exp, x, MILLION);
    // Any positive, normal number, and about where the halves of the normal law meet.
    for (size_t i = 0; i < MILLION; i++) {
        const uint64_t bits = (words[i] >> 1) % UINT64_C(0x7fe0000000000000) + (UINT64_C(1) << 52);
        memcpy(&x[i], &bits, sizeof(x[i]));
    }
    check_function(loops->log, plain_log, x, MILLION);
    for (size_t i = 0; i < 1000; i++) {
        x[4 * i] = 0.075 + (double)i * 0x1p-56 - 0x1p-47;
        x[4 * i + 1] = 0.925 + (double)i * 0x1p-53 - 0x1p-44;
        x[4 * i + 2] = 0.5 + (double)i * 0x1p-53;
        x[4 * i + 3] = 1.3888e-11 * (1 + (double)i * 1e-6);
    }
    check_function(loops->normal, plain_normal, x, 4000);
    free(words);
    free(x);
}
END_TEST

START_TEST(block_functions_in_parts)
{
    enum { COUNT = 3 * BLOCK_LOOPS_MOST + 17 };
    static double x[COUNT];
    for (uint64_t i = 0; i < COUNT; i++) {
        const struct stream_at at = {key, 71, 5, i};
        x[i] = stream_uniform(&at);
    }
    static double found[3][COUNT];
    static double expected[3][COUNT];
    block_log(x, COUNT, found[0]);
    block_exp(x, COUNT, found[1]);
    block_normal(x, COUNT, found[2]);
    for (int i = 0; i < COUNT; i++) {
        expected[0][i] = elementary_log(x[i]);
        expected[1][i] = elementary_exp(x[i]);
        expected[2][i] = elementary_normal(x[i]);
    }
    for (int i = 0; i < 3; i++) {
        ck_assert_uint_eq(differing(found[i], expected[i], COUNT), 0);
    }
}
END_TEST

// ---- distributions ----

static const double values[] = {7.5, 2.385, 3.25, 0.5, 11, 12, 13};
static const double weights[] = {1, 0, 2, 5, 0.125, 0.125, 3};

static const struct distribution_parameters kinds[] = {
    {.kind = DISTRIBUTION_CONSTANT, .mean = 2.385},
    {.kind = DISTRIBUTION_UNIFORM, .from = 0.385, .to = 2.385},
    {.kind = DISTRIBUTION_EXPONENTIAL, .mean = 2.385},
    {.kind = DISTRIBUTION_LOGNORMAL, .mean = 0.0183, .cv = 0.23},
    {.kind = DISTRIBUTION_LOGNORMAL, .mean = 2.385, .cv = 2.7},
    {.kind = DISTRIBUTION_GAMMA, .mean = 2.385, .cv = 0.31},
    {.kind = DISTRIBUTION_GAMMA, .mean = 2.385, .cv = 1},
    {.kind = DISTRIBUTION_GAMMA, .mean = 2.385, .cv = 1.0003},
    {.kind = DISTRIBUTION_GAMMA, .mean = 2.385, .cv = 1.7},
    {.kind = DISTRIBUTION_GAMMA, .mean = 2.385, .cv = 17},
    {.kind = DISTRIBUTION_WEIBULL, .mean = 2.385, .shape = 1.7},
    {.kind = DISTRIBUTION_WEIBULL, .mean = 0.0173, .shape = 0.03},
    {.kind = DISTRIBUTION_HYPEREXPONENTIAL, .mean = 2.385, .cv = 2.3},
    {.kind = DISTRIBUTION_HYPEREXPONENTIAL, .mean = 2.385, .cv = 1},
    {.kind = DISTRIBUTION_PARETO, .mean = 2.385, .shape = 1.3},
    {.kind = DISTRIBUTION_EMPIRICAL, .values = values, .weights = weights, .count = 7},
    {.kind = DISTRIBUTION_EMPIRICAL, .values = values, .weights = NULL, .count = 6},
    {.kind = DISTRIBUTION_EMPIRICAL, .values = values, .weights = NULL, .count = 1},
    {.kind = DISTRIBUTION_TABLE, .values = weights, .weights = values, .count = 2},
    {.kind = DISTRIBUTION_LINEAR, .from = 0.385, .to = 2.385},
};

START_TEST(block_loops_draw_the_same)
{
    if (kinds[_i].kind == DISTRIBUTION_GAMMA || kinds[_i].kind == DISTRIBUTION_CONSTANT ||
        kinds[_i].kind >= DISTRIBUTION_COLUMN) {
        return; // it takes more words than one, or none
    }
    struct arena arena = {0};
    struct distribution distribution;
    distribution_init(&distribution, &kinds[_i], &arena);
    uint64_t *words = some_words(MILLION);
    double *expected = malloc(MILLION * sizeof(*expected));
    double *found = malloc(MILLION * sizeof(*found));
    for (size_t i = 0; i < MILLION; i++) {
        expected[i] = distribution_draw_from(&distribution, words[i], NULL);
    }
    size_t length = 0;
    for (int k = 0; k < VARIANTS; k++) {
        const struct block_loops *loops = variant(k);
        if (!loops || !loops->is_supported()) {
            continue;
        }
        memset(found, 0, MILLION * sizeof(*found));
        for (size_t done = 0; done < MILLION; done += length) {
            length = 1 + (length * 7 + 3) % BLOCK_LOOPS_MOST;
            length = length < MILLION - done ? length : MILLION - done;
            loops->draw(&distribution, words + done, length, found + done);
        }
        const size_t wrong = differing(found, expected, MILLION);
        ck_assert_msg(wrong == 0, "%s: %zu differ", loops->name, wrong);
    }
    free(words);
    free(expected);
    free(found);
    arena_finish(&arena);
}
END_TEST

// What differs between gamma_try() of these words and what a loop made of them.
static size_t differing_tries(const struct distribution *distribution,
                              const struct block_loops *loops, const uint64_t *words, size_t count)
{
    double values_found[BLOCK_LOOPS_MOST];
    double bounds[BLOCK_LOOPS_MOST];
    uint16_t doubtful[BLOCK_LOOPS_MOST + 1];
    const size_t doubts = loops->gamma(distribution, words, count, values_found, bounds, doubtful);
    size_t different = 0;
    size_t next = 0;
    for (size_t i = 0; i < count; i++) {
        const struct gamma_try tried = gamma_try(distribution->a, distribution->b, words[i]);
        different += differing(&values_found[i], &tried.value, 1);
        if (gamma_is_doubtful(words[i], tried.bound)) {
            const bool is_said = next < doubts && doubtful[next] == i;
            different += !is_said || differing(&bounds[next], &tried.bound, 1) > 0;
            next += is_said;
        }
    }
    return different + (doubts - next);
}

static const double tried_shapes[] = {0.004, 0.346, 0.999, 1, 1.346, 11};

// The tries of gamma variates by every variant's loop.
START_TEST(block_loops_try_the_same)
{
    enum { COUNT = 100003 };
    const struct distribution distribution = {
        .kind = DISTRIBUTION_GAMMA, .a = 2.385, .b = tried_shapes[_i]};
    uint64_t *words = some_words(COUNT);
    for (int k = 0; k < VARIANTS; k++) {
        const struct block_loops *loops = variant(k);
        if (!loops || !loops->is_supported()) {
            continue;
        }
        size_t different = 0;
        for (size_t done = 0, length = 0; done < COUNT; done += length) {
            length = 1 + (length * 7 + 3) % BLOCK_LOOPS_MOST;
            length = length < COUNT - done ? length : COUNT - done;
            different += differing_tries(&distribution, loops, words + done, length);
        }
        ck_assert_msg(different == 0, "%s: %zu differ", loops->name, different);
    }
    free(words);
}
END_TEST

START_TEST(block_draws_are_single_draws)
{
    enum { COUNT = 20011 };
    static double found[COUNT];
    static double expected[COUNT];
    static uint32_t entities[COUNT];
    static uint64_t indices[COUNT];
    struct arena arena = {0};
    struct distribution distribution;
    distribution_init(&distribution, &kinds[_i], &arena);
    for (int k = 0; k < 2; k++) {
        const struct stream_key of = k ? turned : key;
        for (size_t i = 0; i < COUNT; i++) {
            const struct stream_at at = {of, 71, 5, 9 + i};
            expected[i] = distribution_draw(&distribution, &at);
        }
        block_draw(&distribution, of, 71, 5, 9, COUNT, found);
        ck_assert_uint_eq(differing(found, expected, COUNT), 0);
        // In pieces, the same.
        size_t length = 0;
        for (size_t done = 0; done < COUNT; done += length) {
            length = 1 + (length * 7 + 3) % 1024;
            length = length < COUNT - done ? length : COUNT - done;
            block_draw(&distribution, of, 71, 5, 9 + done, length, found + done);
        }
        ck_assert_uint_eq(differing(found, expected, COUNT), 0);
        for (uint32_t i = 0; i < COUNT; i++) {
            entities[i] = i * 2654435761u;
            indices[i] = i / 3;
            const struct stream_at at = {of, 72, entities[i], indices[i]};
            expected[i] = distribution_draw(&distribution, &at);
        }
        block_draw_at(&distribution, of, 72, entities, indices, COUNT, found);
        ck_assert_uint_eq(differing(found, expected, COUNT), 0);
    }
    arena_finish(&arena);
}
END_TEST

START_TEST(block_column_is_not_drawn)
{
    struct distribution distribution;
    const struct distribution_parameters parameters = {.kind = DISTRIBUTION_COLUMN, .column = 2};
    distribution_init(&distribution, &parameters, NULL);
    double value;
    block_draw(&distribution, key, 71, 5, 0, 1, &value);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rng-block");

    TCase *words = tcase_create("words");
    unit_add_table(words, block_words_are_those_of_the_stream, ranges);
    tcase_add_test(words, block_words_at_any_address);
    suite_add_tcase(suite, words);

    TCase *functions = tcase_create("functions");
    tcase_set_timeout(functions, 60);
    tcase_add_loop_test(functions, block_functions_are_the_plain_ones, 0, VARIANTS);
    tcase_add_test(functions, block_functions_in_parts);
    suite_add_tcase(suite, functions);

    TCase *draws = tcase_create("draws");
    tcase_set_timeout(draws, 60);
    unit_add_table(draws, block_loops_draw_the_same, kinds);
    unit_add_table(draws, block_loops_try_the_same, tried_shapes);
    unit_add_table(draws, block_draws_are_single_draws, kinds);
    tcase_add_test_raise_signal(draws, block_column_is_not_drawn, SIGABRT);
    suite_add_tcase(suite, draws);

    return unit_run(suite);
}
