// SPDX-License-Identifier: GPL-3.0-or-later
#include "rng/stream.h"
#include "unit.h"

#include <gsl/gsl_cdf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const struct stream_key key = {.seed = 20250117, .replication = 3};

static const uint64_t permuted_counts[] = {1, 2, 3, 4, 5, 16, 17, 1797, 4095, 4096, 4097};

static uint64_t permuted(struct stream_key of, uint64_t purpose, uint64_t pass, uint64_t count,
                         uint64_t index)
{
    const struct stream_permutation permutation = stream_permutation(of, purpose, pass, count);
    return stream_permuted(&permutation, index);
}

START_TEST(stream_permuted_is_a_bijection)
{
    const uint64_t count = permuted_counts[_i];
    bool *seen = calloc(count, sizeof(*seen));
    int wrong = 0; // a case may fail once only, so it does not check each of many positions alone
    for (uint64_t pass = 0; pass < 5; pass++) {
        memset(seen, 0, count * sizeof(*seen));
        for (uint64_t index = 0; index < count; index++) {
            const uint64_t value = permuted(key, 71, pass, count, index);
            wrong += value >= count || seen[value];
            seen[value < count ? value : 0] = true;
        }
    }
    free(seen);
    ck_assert_int_eq(wrong, 0);
}
END_TEST

static const uint64_t tabulated_counts[] = {1,    2,    3,    4,    5,     16,    17,
                                            1797, 4095, 4096, 4097, 32769, 65535, 65536};

START_TEST(stream_permuted_all_is_each)
{
    const uint64_t count = tabulated_counts[_i];
    uint16_t *values = malloc((count + 1) * sizeof(*values));
    values[count] = 4711;
    int wrong = 0;
    for (uint64_t pass = 0; pass < 5; pass++) {
        const struct stream_permutation permutation = stream_permutation(key, 71, pass, count);
        stream_permuted_all(&permutation, values);
        for (uint64_t index = 0; index < count; index++) {
            wrong += values[index] != stream_permuted(&permutation, index);
        }
    }
    ck_assert_int_eq(wrong, 0);
    ck_assert_uint_eq(values[count], 4711);
    free(values);
}
END_TEST

// These numbers decide in which order every scenario with a trace meets its rows.
START_TEST(stream_permuted_known_answers)
{
    static const uint64_t counts[] = {2, 17, 1797, UINT64_C(5000000000)};
    static const uint64_t answers[4][6] = {
        {0, 1, 0, 1, 1, 1},
        {15, 4, 9, 9, 16, 10},
        {1779, 1542, 477, 1655, 1196, 1482},
        {1848728115, 1830480566, 3584702951, 3637788879, 2519931921, 1312883196}};
    for (int i = 0; i < UNIT_COUNT(counts); i++) {
        for (uint64_t index = 0; index < 6; index++) {
            ck_assert_uint_eq(permuted(key, 71, index, counts[i], index % counts[i]),
                              answers[i][index]);
        }
    }
}
END_TEST

// For a permutation of n, the number of places where two passes agree has mean 1 and variance 1.
START_TEST(stream_permuted_passes_differ)
{
    const uint64_t count = permuted_counts[_i];
    if (count < 1000) {
        return;
    }
    for (uint64_t pass = 0; pass < 20; pass++) {
        int same_pass = 0;
        int same_key = 0;
        int same_purpose = 0;
        int fixed = 0;
        const struct stream_key other_key = {.seed = key.seed, .replication = key.replication + 1};
        for (uint64_t index = 0; index < count; index++) {
            const uint64_t value = permuted(key, 71, pass, count, index);
            same_pass += value == permuted(key, 71, pass + 1, count, index);
            same_key += value == permuted(other_key, 71, pass, count, index);
            same_purpose += value == permuted(key, 72, pass, count, index);
            fixed += value == index;
        }
        // P(Poisson(1) > 8) is 1e-6.
        ck_assert_int_le(same_pass, 8);
        ck_assert_int_le(same_key, 8);
        ck_assert_int_le(same_purpose, 8);
        ck_assert_int_le(fixed, 8);
    }
}
END_TEST

// Where each of 17 goes over 17000 passes: chi-square of the 17 x 17 counts, whose rows and columns
// are fixed, has 16^2 degrees of freedom.
START_TEST(stream_permuted_is_even)
{
    enum { COUNT = 17, PASSES = 17000 };
    static double counts[COUNT][COUNT];
    for (uint64_t pass = 0; pass < PASSES; pass++) {
        for (uint64_t index = 0; index < COUNT; index++) {
            counts[index][permuted(key, 71, pass, COUNT, index)]++;
        }
    }
    const double expected = (double)PASSES / COUNT;
    double squares = 0;
    for (int i = 0; i < COUNT; i++) {
        for (int j = 0; j < COUNT; j++) {
            const double off = counts[i][j] - expected;
            squares += off * off / expected;
        }
    }
    // A position excludes others in its pass, which makes the deviations COUNT / (COUNT - 1) times
    // as large as those of independent counts.
    const double chi_square = squares * (COUNT - 1) / COUNT;
    const double tail = gsl_cdf_chisq_Q(chi_square, (COUNT - 1) * (COUNT - 1));
    ck_assert_msg(tail > 0.0005 && tail < 0.9995, "chi-square %.1f, tail %.5f", chi_square, tail);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rng-permutation");

    TCase *permutation = tcase_create("permutation");
    unit_add_table(permutation, stream_permuted_is_a_bijection, permuted_counts);
    unit_add_table(permutation, stream_permuted_all_is_each, tabulated_counts);
    tcase_add_test(permutation, stream_permuted_known_answers);
    unit_add_table(permutation, stream_permuted_passes_differ, permuted_counts);
    tcase_add_test(permutation, stream_permuted_is_even);
    suite_add_tcase(suite, permutation);

    return unit_run(suite);
}
