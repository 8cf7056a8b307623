// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_RNG_GAMMA_H
#define OFFLOADSIM_RNG_GAMMA_H

// A gamma variate, by rejection. A try makes a number of the upper 52 bits of a word, and keeps it
// if a uniform number is below a bound that depends on it. Of that the word's lower 12 bits are the
// first ones, which nearly always are enough to keep it; else a further word supplies the rest, and
// another one is the next try.
//
// Shape >= 1: a squeezed rejection from the normal law that takes 1.05 tries at worst (Marsaglia
// and Tsang, "A simple method for generating gamma variables", ACM TOMS 26, 2000).
//
// Shape a < 1: a rejection from a hat over the density of log x, of the kind that L. Devroye,
// "Non-uniform random variate generation", 1986, chapter VII.2, has for log-concave densities. The
// density is greatest at x = a. With z = log(x / a) + 1 its logarithm is, less what it is there,
// a z - x. That is below its tangents: below a z, which is the one at x = 0, below 0, and below the
// one at x = a + s, which is -s (z - w) with w = (1 + a / s) log(1 + s / a). So the hat is exp(a z)
// up to z = 0, then 1 up to w, and exp(-s (z - w)) from there on, with areas of 1 / a, w and 1 / s,
// and z is a rising function of the word. The best tangent is that where the density has fallen to
// 1 / e of its greatest; s = 1 + sqrt(a) comes close to it. This takes 1.16 tries at worst, near
// shape 1, and 1.07 at shape 1 / 3.

#include "rng/elementary.h"
#include "rng/stream.h"

// A multiple of 2^-12, which the uniform number of a try exceeds by less than 2^-12.
static inline double gamma_coarse(uint64_t word)
{
    return elementary_number(word & 4095) * 0x1p-12;
}

static inline double gamma_fine(uint64_t word, uint64_t rest)
{
    return gamma_coarse(word) + stream_unit(rest) * 0x1p-12;
}

// Whether the word alone does not say that its try is kept.
static inline bool gamma_is_doubtful(uint64_t word, double bound)
{
    return gamma_coarse(word) + 0x1p-12 > bound;
}

// ---- shape >= 1 ----

// The law of a shape: what is kept is k v with v = (1 + c x)^3, x normal.
struct gamma_law {
    double k;
    double c;
};

static inline struct gamma_law gamma_law(double shape)
{
    const double k = shape - 1.0 / 3;
    return (struct gamma_law){k, 1 / sqrt(9 * k)};
}

static inline double gamma_cube(double c, double x)
{
    const double t = 1 + c * x;
    return t * t * t;
}

static inline double gamma_bound(struct gamma_law law, double x)
{
    const double v = gamma_cube(law.c, x);
    const double bound = elementary_exp(0.5 * x * x + law.k * (1 - v + elementary_log(v)));
    return v > 0 ? bound : 0;
}

// Nowhere above the bound. Of shape 1, where c^2 is 1/6, it is the authors' 1 - 0.0331 x^4. For
// larger shapes: with y = c x the bound is exp(f(y) / c^2), and exp(f / c^2) - 1 + s y^4 / c^2 is
// convex in 1 / c^2 and 0 at 0, so it stays positive beyond 6. Where this is positive, v is too.
static inline double gamma_squeeze(double c, double x)
{
    const double xy = x * (c * x);
    return 1 - 6 * 0.0331 * (xy * xy);
}

// ---- shape < 1 ----

struct gamma_hat {
    double shape;
    double inverse_shape;
    double slope;
    double inverse_slope;
    double width;
    double left;  // uniform number times this: 1 where the middle begins
    double right; // one minus it, times this: 1 where the middle ends
    double start; // x where z is 0
};

static inline struct gamma_hat gamma_hat(double shape)
{
    const double slope = 1 + sqrt(shape);
    const double width = (1 + shape / slope) * elementary_log(1 + slope / shape);
    const double area = 1 / shape + width + 1 / slope;
    return (struct gamma_hat){.shape = shape,
                              .inverse_shape = 1 / shape,
                              .slope = slope,
                              .inverse_slope = 1 / slope,
                              .width = width,
                              .left = area * shape,
                              .right = area * slope,
                              .start = shape * 0x1.78b56362cef38p-2}; // exp(-1)
}

// Of a uniform number.
static inline double gamma_hat_z(struct gamma_hat hat, double u)
{
    const double left = u * hat.left;
    const double right = (1 - u) * hat.right;
    const double logarithm = elementary_log(left < 1 ? left : right);
    const double middle = (left - 1) * hat.inverse_shape;
    const double beyond = hat.width - logarithm * hat.inverse_slope;
    return left < 1 ? logarithm * hat.inverse_shape : right < 1 ? beyond : middle;
}

// By how much the density is below the hat: the logarithm of the bound.
static inline double gamma_hat_log_bound(struct gamma_hat hat, double z, double x)
{
    const double beyond = z - hat.width;
    return hat.shape * (z > 0 ? z : 0) + hat.slope * (beyond > 0 ? beyond : 0) - x;
}

// Nowhere above the bound: the exponential series of a negative number, up to an odd power.
static inline double gamma_hat_squeeze(double log_bound)
{
    return 1 + log_bound * (1 + log_bound * (1.0 / 2 + log_bound * (1.0 / 6)));
}

// ---- both ----

// What a word makes: a number, and its bound, for which the squeeze stands in where it is enough.
struct gamma_try {
    double value;
    double bound;
};

struct gamma_try gamma_try(double scale, double shape, uint64_t word);

// The first try uses `word`; further words come from the sequence that belongs to the address, from
// number `*sub` on, which is moved behind those that were taken: the rest of the uniform number of
// a try, then the word of the next try.
double gamma_draw(double scale, double shape, uint64_t word, const struct stream_at *at,
                  uint64_t *sub);

#endif
