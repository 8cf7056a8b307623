// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/memory.h"
#include "rng/distribution.h"
#include "rng/elementary.h"
#include "rng/stream.h"
#include "unit.h"

#include <float.h>
#include <gsl/gsl_cdf.h>
#include <math.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const struct stream_key key = {.seed = 20250117, .replication = 3};

// ---- streams ----

// Of Random123's own tests (kat_vectors, "philox4x64 10"): counter, key, result. The third line's
// arguments are digits of pi.
static const struct {
    uint64_t counter[4];
    uint64_t key[2];
    uint64_t words[4];
} known_answers[] = {
    {{0, 0, 0, 0},
     {0, 0},
     {0x16554d9eca36314c, 0xdb20fe9d672d0fdc, 0xd7e772cee186176b, 0x7e68b68aec7ba23b}},
    {{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX},
     {UINT64_MAX, UINT64_MAX},
     {0x87b092c3013fe90b, 0x438c3c67be8d0224, 0x9cc7d7c69cd777b6, 0xa09caebf594f0ba0}},
    {{0x243f6a8885a308d3, 0x13198a2e03707344, 0xa4093822299f31d0, 0x082efa98ec4e6c89},
     {0x452821e638d01377, 0xbe5466cf34e90c6c},
     {0xa528f45403e61d95, 0x38c72dbd566e9788, 0xa5a1610e72fd18b5, 0x57bd43b5e52b7fe6}},
};

START_TEST(stream_block_is_philox)
{
    const uint64_t *counter = known_answers[_i].counter;
    const struct stream_key known_key = {.seed = known_answers[_i].key[0],
                                         .replication = known_answers[_i].key[1]};
    const philox4x64_ctr_t block =
        stream_block(known_key, counter[2], counter[1], counter[0], counter[3]);
    for (int i = 0; i < 4; i++) {
        ck_assert_uint_eq(block.v[i], known_answers[_i].words[i]);
    }
}
END_TEST

START_TEST(stream_words_follow_their_address)
{
    const struct stream_at at = {key, stream_purpose("service", "edge/large"), 17, 4099};
    const uint64_t word = stream_word(&at);
    ck_assert_uint_eq(stream_word(&at), word);
    struct stream_at others[5];
    for (int i = 0; i < UNIT_COUNT(others); i++) {
        others[i] = at;
    }
    others[0].key.seed++;
    others[1].key.replication++;
    others[2].purpose++;
    others[3].entity++;
    others[4].index++;
    for (int i = 0; i < UNIT_COUNT(others); i++) {
        ck_assert_msg(stream_word(&others[i]) != word, "part %d of the address is ignored", i);
        ck_assert_msg(stream_sub_word(&others[i], 0) != stream_sub_word(&at, 0),
                      "part %d of the address is ignored by sub words", i);
    }
}
END_TEST

static int compare_words(const void *left, const void *right)
{
    const uint64_t a = *(const uint64_t *)left;
    const uint64_t b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

// The words of 256 indices and 16 sub words of each: were an address used twice, two of the 64-bit
// words would be equal, which chance does once in 2^41 runs.
START_TEST(stream_addresses_are_apart)
{
    enum { INDICES = 256, SUBS = 16, WORDS = INDICES * (1 + SUBS) };
    static uint64_t seen[WORDS];
    size_t count = 0;
    for (uint64_t index = 0; index < INDICES; index++) {
        const struct stream_at at = {key, 71, 5, index};
        seen[count++] = stream_word(&at);
        for (uint64_t n = 0; n < SUBS; n++) {
            seen[count++] = stream_sub_word(&at, n);
        }
    }
    ck_assert_uint_eq(count, WORDS);
    qsort(seen, count, sizeof(seen[0]), compare_words);
    for (size_t i = 1; i < count; i++) {
        ck_assert_uint_ne(seen[i - 1], seen[i]);
    }
}
END_TEST

// Antithetic numbers: u and 1 - u add up to 1 without an error.
START_TEST(stream_turned_is_one_minus)
{
    struct stream stream = {0};
    struct stream_key turned_key = key;
    turned_key.turn = STREAM_TURNED;
    for (uint64_t index = 0; index < 1003; index++) {
        const struct stream_at at = {key, 71, 5, index};
        const struct stream_at turned = {turned_key, 71, 5, index};
        ck_assert_uint_eq(stream_word(&turned), ~stream_word(&at));
        ck_assert_uint_eq(stream_sub_word(&turned, index % 9), ~stream_sub_word(&at, index % 9));
        ck_assert_uint_eq(stream_next_word(&stream, turned_key, 71, 5), stream_word(&turned));
        ck_assert(stream_uniform(&at) + stream_uniform(&turned) == 1);
    }
}
END_TEST

START_TEST(stream_in_order_is_random_access)
{
    struct stream stream = {0};
    for (uint64_t index = 0; index < 1003; index++) {
        const struct stream_at at = {key, 71, 5, index};
        ck_assert_uint_eq(stream.next, index);
        ck_assert_uint_eq(stream_next_word(&stream, key, 71, 5), stream_word(&at));
    }
}
END_TEST

START_TEST(stream_purposes_differ)
{
    const uint64_t purposes[] = {
        stream_purpose("service", "edge"), stream_purpose("serviceedge", ""),
        stream_purpose("", "serviceedge"), stream_purpose("servicee", "dge"),
        stream_purpose("edge", "service"), stream_purpose("", ""),
        stream_purpose("service", ""),     stream_purpose("delay", "edge"),
    };
    for (int i = 0; i < UNIT_COUNT(purposes); i++) {
        for (int j = 0; j < i; j++) {
            ck_assert_uint_ne(purposes[i], purposes[j]);
        }
    }
    // FNV-1a of the bytes 'a', 0x1f, by hand: a change of the hash would change every seed's run.
    const uint64_t prime = UINT64_C(0x100000001b3);
    const uint64_t first = (UINT64_C(0xcbf29ce484222325) ^ 'a') * prime;
    ck_assert_uint_eq(stream_purpose("a", ""), (first ^ 0x1f) * prime);
}
END_TEST

START_TEST(stream_unit_is_open)
{
    const double lowest = stream_unit(0);
    const double highest = stream_unit(UINT64_MAX);
    ck_assert(lowest > 0);
    ck_assert(highest < 1);
    ck_assert_double_eq(lowest, 0x1p-53);
    ck_assert_double_eq(1 - highest, 0x1p-53);
    ck_assert_double_eq(stream_unit(UINT64_C(1) << 63), 0.5 + 0x1p-53);
    // Neighbouring cells are apart, and the lowest 12 bits do not count.
    ck_assert(stream_unit(UINT64_MAX) > stream_unit(UINT64_MAX - 4096));
    ck_assert_double_eq(stream_unit(4095), lowest);
    ck_assert(stream_unit(4096) > lowest);
}
END_TEST

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

// ---- elementary functions ----

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

// ---- distributions ----

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
    Suite *suite = suite_create("rng");

    TCase *stream = tcase_create("stream");
    unit_add_table(stream, stream_block_is_philox, known_answers);
    tcase_add_test(stream, stream_words_follow_their_address);
    tcase_add_test(stream, stream_addresses_are_apart);
    tcase_add_test(stream, stream_in_order_is_random_access);
    tcase_add_test(stream, stream_turned_is_one_minus);
    tcase_add_test(stream, stream_purposes_differ);
    tcase_add_test(stream, stream_unit_is_open);
    unit_add_table(stream, stream_permuted_is_a_bijection, permuted_counts);
    unit_add_table(stream, stream_permuted_all_is_each, tabulated_counts);
    tcase_add_test(stream, stream_permuted_known_answers);
    unit_add_table(stream, stream_permuted_passes_differ, permuted_counts);
    tcase_add_test(stream, stream_permuted_is_even);
    suite_add_tcase(suite, stream);

    TCase *elementary = tcase_create("elementary");
    tcase_set_timeout(elementary, 30);
    tcase_add_test(elementary, elementary_log_is_accurate);
    tcase_add_test(elementary, elementary_log_at_the_ends);
    tcase_add_test(elementary, elementary_exp_is_accurate);
    tcase_add_test(elementary, elementary_exp_at_the_ends);
    tcase_add_test(elementary, elementary_normal_inverts_the_integral);
    suite_add_tcase(suite, elementary);

    TCase *distribution = tcase_create("distribution");
    tcase_set_timeout(distribution, 30);
    unit_add_table(distribution, distribution_states_its_mean_and_cv, cases);
    unit_add_table(distribution, distribution_has_its_mean, cases);
    unit_add_table(distribution, distribution_has_its_cv, cases);
    unit_add_table(distribution, distribution_has_its_shape, cases);
    unit_add_table(distribution, distribution_draws_the_same_either_way, cases);
    unit_add_table(distribution, distribution_at_the_ends_of_a_word, cases);
    tcase_add_test(distribution, distribution_constant);
    tcase_add_test(distribution, distribution_column_has_no_moments);
    tcase_add_test_raise_signal(distribution, distribution_column_is_not_drawn, SIGABRT);
    unit_add_table(distribution, distribution_empirical_is_exact, empirical_cases);
    suite_add_tcase(suite, distribution);

    return unit_run(suite);
}
