// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_RNG_GAMMA_H
#define OFFLOADSIM_RNG_GAMMA_H

// A gamma variate of shape >= 1 (Marsaglia and Tsang, "A simple method for generating gamma
// variables", ACM TOMS 26, 2000): a squeezed rejection that takes 1.05 tries at worst.
//
// A try is a normal number x, from the upper 52 bits of a word, and a uniform one that decides
// whether to keep it. Of that the word's lower 12 bits are the first ones. Nine times in ten they
// say enough; else a further word supplies the rest.

#include "rng/elementary.h"
#include "rng/stream.h"

// The law of a shape: what is kept is k v with v = (1 + c x)^3.
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

// A multiple of 2^-12, which the uniform number of a try exceeds by less than 2^-12.
static inline double gamma_coarse(uint64_t word)
{
    return elementary_number(word & 4095) * 0x1p-12;
}

static inline double gamma_fine(uint64_t word, uint64_t rest)
{
    return gamma_coarse(word) + stream_unit(rest) * 0x1p-12;
}

// x is kept wherever the uniform number is below this. Of shape 1, where c^2 is 1/6, it is the
// authors' 1 - 0.0331 x^4. For larger shapes: with y = c x the exact bound is exp(f(y) / c^2), and
// exp(f / c^2) - 1 + s y^4 / c^2 is convex in 1 / c^2 and 0 at 0, so it stays positive beyond 6.
// Where this is positive, v is too.
static inline double gamma_squeeze(double c, double x)
{
    const double xy = x * (c * x);
    return 1 - 6 * 0.0331 * (xy * xy);
}

// Whether x is kept, given the uniform number and its logarithm.
static inline bool gamma_is_kept(struct gamma_law law, double x, double u, double log_u)
{
    const double v = gamma_cube(law.c, x);
    const bool is_below = log_u < 0.5 * x * x + law.k * (1 - v + elementary_log(v));
    return u < gamma_squeeze(law.c, x) || (v > 0 && is_below);
}

// The first try uses `word`; further words come from the sequence that belongs to the address, from
// number `*sub` on, which is moved behind those that were taken: the rest of the uniform number of
// a try, then the word of the next try.
double gamma_draw(double scale, double shape, uint64_t word, const struct stream_at *at,
                  uint64_t *sub);

#endif
