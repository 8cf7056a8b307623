// SPDX-License-Identifier: GPL-3.0-or-later
#include "rng/block_loops.h"

// The loops are written once, plainly, and compiled into each variant's functions, for which
// compilers vectorise them.
#if defined(__GNUC__)
#define LOOP static inline __attribute__((always_inline))
#else
#define LOOP static inline
#endif

// OFFLOADSIM_PLAIN leaves the plain variant alone, to compare with.
#if defined(__GNUC__) && defined(__x86_64__) && !defined(OFFLOADSIM_PLAIN)
#define HAS_WIDE_VARIANTS 1
#else
#define HAS_WIDE_VARIANTS 0
#endif

LOOP void log_loop(const double *x, size_t count, double *ret_logarithms)
{
    for (size_t i = 0; i < count; i++) {
        ret_logarithms[i] = elementary_log(x[i]);
    }
}

LOOP void exp_loop(const double *x, size_t count, double *ret_exponentials)
{
    for (size_t i = 0; i < count; i++) {
        ret_exponentials[i] = elementary_exp(x[i]);
    }
}

// The formula of the centre is computed for all, and 15 % are then replaced: those of the tails are
// brought together, so that they are vectorised too.
LOOP void normal_loop(const double *p, size_t count, double *ret_quantiles)
{
    double tails[BLOCK_LOOPS_MOST];
    double quantiles[BLOCK_LOOPS_MOST];
    uint16_t places[BLOCK_LOOPS_MOST];
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        tails[found] = p[i];
        places[found] = (uint16_t)i;
        found += elementary_normal_is_central(p[i] - 0.5) ? 0 : 1;
    }
    for (size_t i = 0; i < count; i++) {
        ret_quantiles[i] = elementary_normal_centre(p[i] - 0.5);
    }
    for (size_t i = 0; i < found; i++) {
        const double share = tails[i] < 0.5 ? tails[i] : 1 - tails[i];
        const double r = sqrt(-elementary_log(share));
        const double near = elementary_normal_near(r);
        quantiles[i] = tails[i] < 0.5 ? -near : near;
    }
    for (size_t i = 0; i < found; i++) {
        ret_quantiles[places[i]] = quantiles[i];
    }
    for (size_t i = 0; i < found; i++) {
        // exp(-5^2) is 1.39e-11: what may be farther out is left to the plain function.
        if (tails[i] < 1.4e-11 || tails[i] > 1 - 1.4e-11) {
            ret_quantiles[places[i]] = elementary_normal_tail(tails[i]);
        }
    }
}

// distribution_empirical() for all numbers together, one step of the search after the other.
LOOP void empirical_loop(const struct distribution *d, const uint64_t *words, size_t count,
                         double *ret_values)
{
    const double *steps = d->steps;
    double units[BLOCK_LOOPS_MOST];
    uint64_t places[BLOCK_LOOPS_MOST];
    for (size_t i = 0; i < count; i++) {
        units[i] = stream_unit(words[i]);
        places[i] = 0;
    }
    for (uint64_t left = d->count; left > 1; left -= left / 2) {
        const uint64_t half = left / 2;
        for (size_t i = 0; i < count; i++) {
            places[i] += steps[places[i] + half - 1] < units[i] ? half : 0;
        }
    }
    for (size_t i = 0; i < count; i++) {
        ret_values[i] = d->values[places[i]];
    }
}

LOOP void lognormal_loop(const struct distribution *d, const uint64_t *words, size_t count,
                         double *ret_values)
{
    double units[BLOCK_LOOPS_MOST];
    double normals[BLOCK_LOOPS_MOST];
    for (size_t i = 0; i < count; i++) {
        units[i] = stream_unit(words[i]);
    }
    normal_loop(units, count, normals);
    for (size_t i = 0; i < count; i++) {
        ret_values[i] = elementary_exp(d->a + d->b * normals[i]);
    }
}

// The formulas are those of distribution_draw_from().
LOOP void draw_loop(const struct distribution *d, const uint64_t *words, size_t count,
                    double *ret_values)
{
    // Copies, so that compilers see that writing values does not change them.
    const double a = d->a;
    const double b = d->b;
    const double c = d->c;
    switch (d->kind) {
    case DISTRIBUTION_UNIFORM:
        for (size_t i = 0; i < count; i++) {
            ret_values[i] = a + b * stream_unit(words[i]);
        }
        return;
    case DISTRIBUTION_EXPONENTIAL:
        for (size_t i = 0; i < count; i++) {
            ret_values[i] = -a * elementary_log(stream_unit(words[i]));
        }
        return;
    case DISTRIBUTION_LOGNORMAL:
        lognormal_loop(d, words, count, ret_values);
        return;
    case DISTRIBUTION_WEIBULL:
        for (size_t i = 0; i < count; i++) {
            const double gap = -elementary_log(stream_unit(words[i]));
            ret_values[i] = a * elementary_exp(b * elementary_log(gap));
        }
        return;
    case DISTRIBUTION_HYPEREXPONENTIAL:
        for (size_t i = 0; i < count; i++) {
            const double u = stream_unit(words[i]);
            const bool is_first = u < c;
            const double part = (is_first ? u : u - c) / (is_first ? c : 1 - c);
            ret_values[i] = (is_first ? -a : -b) * elementary_log(part);
        }
        return;
    case DISTRIBUTION_PARETO:
        for (size_t i = 0; i < count; i++) {
            ret_values[i] = a * elementary_exp(-b * elementary_log(stream_unit(words[i])));
        }
        return;
    case DISTRIBUTION_EMPIRICAL:
        empirical_loop(d, words, count, ret_values);
        return;
    case DISTRIBUTION_CONSTANT:
    case DISTRIBUTION_TABLE:
    case DISTRIBUTION_LINEAR:
    case DISTRIBUTION_GAMMA:
    case DISTRIBUTION_COLUMN:
        return; // takes no word, or more than one
    }
}

// Formulas and names are those of gamma_draw().
LOOP size_t gamma_loop(const struct distribution *d, const uint64_t *words,
                       const uint64_t (*further)[2], size_t count, double *ret_values,
                       uint16_t *ret_rejected)
{
    const double scale = d->a;
    const bool is_below_1 = d->b < 1;
    const double shape = is_below_1 ? d->b + 1 : d->b;
    const double k = shape - 1.0 / 3;
    const double c = 1 / sqrt(9 * k);
    double x[BLOCK_LOOPS_MOST];
    double u[BLOCK_LOOPS_MOST];
    double v[BLOCK_LOOPS_MOST];
    double quick[BLOCK_LOOPS_MOST]; // what u must be less than to be accepted without a logarithm
    for (size_t i = 0; i < count; i++) {
        u[i] = stream_unit(words[i]);
    }
    normal_loop(u, count, x);
    for (size_t i = 0; i < count; i++) {
        u[i] = stream_unit(further[i][is_below_1]);
        const double t = 1 + c * x[i];
        v[i] = t * t * t;
        const double x2 = x[i] * x[i];
        quick[i] = v[i] > 0 ? 1 - 0.0331 * x2 * x2 : 0;
    }
    if (is_below_1) {
        for (size_t i = 0; i < count; i++) {
            const double power = elementary_exp(elementary_log(stream_unit(further[i][0])) / d->b);
            ret_values[i] = scale * power * k * v[i];
        }
    } else {
        for (size_t i = 0; i < count; i++) {
            ret_values[i] = scale * k * v[i];
        }
    }
    size_t slow = 0;
    for (size_t i = 0; i < count; i++) {
        ret_rejected[slow] = (uint16_t)i;
        slow += u[i] < quick[i] ? 0 : 1;
    }
    for (size_t i = 0; i < slow; i++) {
        const size_t from = ret_rejected[i];
        x[i] = x[from];
        u[i] = u[from];
        v[i] = v[from];
    }
    for (size_t i = 0; i < slow; i++) {
        const double x2 = x[i] * x[i];
        const double limit = 0.5 * x2 + k * (1 - v[i] + elementary_log(v[i]));
        quick[i] = v[i] > 0 && elementary_log(u[i]) < limit ? 1 : 0;
    }
    size_t rejected = 0;
    for (size_t i = 0; i < slow; i++) {
        ret_rejected[rejected] = ret_rejected[i];
        rejected += quick[i] > 0 ? 0 : 1;
    }
    return rejected;
}

// The functions of a variant.
#define VARIANT(NAME, TARGET)                                                                      \
    TARGET static void log_##NAME(const double *x, size_t count, double *ret_logarithms)           \
    {                                                                                              \
        log_loop(x, count, ret_logarithms);                                                        \
    }                                                                                              \
    TARGET static void exp_##NAME(const double *x, size_t count, double *ret_exponentials)         \
    {                                                                                              \
        exp_loop(x, count, ret_exponentials);                                                      \
    }                                                                                              \
    TARGET static void normal_##NAME(const double *p, size_t count, double *ret_quantiles)         \
    {                                                                                              \
        normal_loop(p, count, ret_quantiles);                                                      \
    }                                                                                              \
    TARGET static void draw_##NAME(const struct distribution *distribution, const uint64_t *words, \
                                   size_t count, double *ret_values)                               \
    {                                                                                              \
        draw_loop(distribution, words, count, ret_values);                                         \
    }                                                                                              \
    TARGET static size_t gamma_##NAME(const struct distribution *distribution,                     \
                                      const uint64_t *words, const uint64_t(*further)[2],          \
                                      size_t count, double *ret_values, uint16_t *ret_rejected)    \
    {                                                                                              \
        return gamma_loop(distribution, words, further, count, ret_values, ret_rejected);          \
    }
#define ROW(NAME)                                                                                  \
    {                                                                                              \
#NAME, is_supported_##NAME, log_##NAME, exp_##NAME, normal_##NAME, draw_##NAME,            \
            gamma_##NAME                                                                           \
    }

VARIANT(plain, )

static bool is_supported_plain(void)
{
    return true;
}

#if HAS_WIDE_VARIANTS
#if defined(__clang__)
#define AVX512 "avx512f,avx512dq,avx512vl"
#else
#define AVX512 "avx512f,avx512dq,avx512vl,prefer-vector-width=512"
#endif
VARIANT(avx2, __attribute__((target("avx2"))))
VARIANT(avx512, __attribute__((target(AVX512))))

static bool is_supported_avx2(void)
{
    return __builtin_cpu_supports("avx2");
}

static bool is_supported_avx512(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
}
#endif

static const struct block_loops variants[] = {
#if HAS_WIDE_VARIANTS
    ROW(avx512),
    ROW(avx2),
#endif
    ROW(plain),
};

size_t block_loops_count(void)
{
    return sizeof(variants) / sizeof(variants[0]);
}

const struct block_loops *block_loops_variant(size_t number)
{
    return &variants[number];
}

const struct block_loops *block_loops(void)
{
    const struct block_loops *loops = variants;
    while (!loops->is_supported()) {
        loops++;
    }
    return loops;
}
