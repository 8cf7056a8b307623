// SPDX-License-Identifier: GPL-3.0-or-later
#include "rng/block_loops.h"

#include "rng/gamma.h"

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
    double shares[BLOCK_LOOPS_MOST];
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
        shares[i] = tails[i] < 0.5 ? tails[i] : 1 - tails[i];
    }
    log_loop(shares, found, quantiles);
    for (size_t i = 0; i < found; i++) {
        const double near = elementary_normal_near(sqrt(-quantiles[i]));
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
    double logarithms[BLOCK_LOOPS_MOST];
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
            logarithms[i] = -elementary_log(stream_unit(words[i]));
        }
        log_loop(logarithms, count, ret_values);
        for (size_t i = 0; i < count; i++) {
            ret_values[i] = a * elementary_exp(b * ret_values[i]);
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
            logarithms[i] = elementary_log(stream_unit(words[i]));
        }
        for (size_t i = 0; i < count; i++) {
            ret_values[i] = a * elementary_exp(-b * logarithms[i]);
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

// gamma_try() of shapes below 1: the values, the logarithms of their bounds, and what is positive
// where the squeeze does not say that they are kept.
LOOP void gamma_hat_loop(const struct distribution *d, const uint64_t *words, size_t count,
                         double *ret_values, double *ret_log_bounds, double *ret_over)
{
    const struct gamma_hat hat = gamma_hat(d->b);
    const double scale = d->a;
    double z[BLOCK_LOOPS_MOST];
    for (size_t i = 0; i < count; i++) {
        z[i] = gamma_hat_z(hat, stream_unit(words[i]));
    }
    exp_loop(z, count, ret_values);
    for (size_t i = 0; i < count; i++) {
        const double x = hat.start * ret_values[i];
        ret_values[i] = scale * x;
        ret_log_bounds[i] = gamma_hat_log_bound(hat, z[i], x);
        ret_over[i] = gamma_coarse(words[i]) + 0x1p-12 - gamma_hat_squeeze(ret_log_bounds[i]);
    }
}

// The same of the other shapes, with the normal numbers that their bounds depend on.
LOOP void gamma_cube_loop(const struct distribution *d, const uint64_t *words, size_t count,
                          double *ret_values, double *ret_normals, double *ret_over)
{
    const struct gamma_law law = gamma_law(d->b);
    const double scale = d->a * law.k;
    double units[BLOCK_LOOPS_MOST];
    for (size_t i = 0; i < count; i++) {
        units[i] = stream_unit(words[i]);
    }
    normal_loop(units, count, ret_normals);
    for (size_t i = 0; i < count; i++) {
        ret_values[i] = scale * gamma_cube(law.c, ret_normals[i]);
    }
    for (size_t i = 0; i < count; i++) {
        ret_over[i] = gamma_coarse(words[i]) + 0x1p-12 - gamma_squeeze(law.c, ret_normals[i]);
    }
}

// The bounds are worked out where the squeeze does not do, one in ten.
LOOP size_t gamma_loop(const struct distribution *d, const uint64_t *words, size_t count,
                       double *ret_values, double *ret_bounds, uint16_t *ret_doubtful)
{
    const bool is_hat = d->b < 1;
    double of_bounds[BLOCK_LOOPS_MOST];
    double over[BLOCK_LOOPS_MOST];
    double bounds[BLOCK_LOOPS_MOST];
    uint16_t places[BLOCK_LOOPS_MOST];
    if (is_hat) {
        gamma_hat_loop(d, words, count, ret_values, of_bounds, over);
    } else {
        gamma_cube_loop(d, words, count, ret_values, of_bounds, over);
    }
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        places[found] = (uint16_t)i;
        found += over[i] > 0 ? 1 : 0;
    }
    for (size_t i = 0; i < found; i++) {
        bounds[i] = of_bounds[places[i]];
    }
    if (is_hat) {
        exp_loop(bounds, found, bounds);
    } else {
        const struct gamma_law law = gamma_law(d->b);
        for (size_t i = 0; i < found; i++) {
            bounds[i] = gamma_bound(law, bounds[i]);
        }
    }
    size_t doubtful = 0;
    for (size_t i = 0; i < found; i++) {
        ret_doubtful[doubtful] = places[i];
        ret_bounds[doubtful] = bounds[i];
        doubtful += gamma_is_doubtful(words[places[i]], bounds[i]) ? 1 : 0;
    }
    return doubtful;
}

// The functions of a variant. An attribute cannot stand in parentheses.
// NOLINTBEGIN(bugprone-macro-parentheses)
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
                                      const uint64_t *words, size_t count, double *ret_values,     \
                                      double *ret_bounds, uint16_t *ret_doubtful)                  \
    {                                                                                              \
        return gamma_loop(distribution, words, count, ret_values, ret_bounds, ret_doubtful);       \
    }
// NOLINTEND(bugprone-macro-parentheses)
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
