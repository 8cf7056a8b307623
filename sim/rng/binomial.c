// SPDX-License-Identifier: GPL-3.0-or-later
#include "rng/binomial.h"

#include "rng/elementary.h"
#include "rng/gamma.h"

#define FEW 16.0 // expected successes that are drawn one by one

// log(1 - p), also where 1 - p has lost p.
static double log_of_rest(double p)
{
    return p < 1e-4 ? -p * (1 + p * (1.0 / 2 + p * (1.0 / 3 + p / 4))) : elementary_log(1 - p);
}

uint64_t geometric_draw(uint64_t most, double p, const struct stream_at *at, uint64_t *sub)
{
    if (p >= 1) {
        return 1;
    }
    if (p <= 0) {
        return most + 1;
    }
    const double u = stream_unit(stream_sub_word(at, (*sub)++));
    const double failures = elementary_log(u) / log_of_rest(p);
    return failures < (double)most ? (uint64_t)failures + 1 : most + 1;
}

static uint64_t count_gaps(uint64_t n, double p, const struct stream_at *at, uint64_t *sub)
{
    uint64_t count = 0;
    for (;;) {
        const uint64_t gap = geometric_draw(n, p, at, sub);
        if (gap > n) {
            return count;
        }
        n -= gap;
        count++;
    }
}

static double draw_beta(double a, double b, const struct stream_at *at, uint64_t *sub)
{
    const double x = gamma_draw(1, a, stream_sub_word(at, (*sub)++), at, sub);
    const double y = gamma_draw(1, b, stream_sub_word(at, (*sub)++), at, sub);
    return x / (x + y);
}

uint64_t binomial_draw(uint64_t n, double p, const struct stream_at *at, uint64_t *sub)
{
    uint64_t count = 0;
    while (n > 0 && p > 0) {
        if (p >= 1) {
            return count + n;
        }
        const double rare = p <= 0.5 ? p : 1 - p;
        if ((double)n * rare <= FEW) {
            const uint64_t drawn = count_gaps(n, rare, at, sub);
            return count + (p <= 0.5 ? drawn : n - drawn);
        }
        const uint64_t i = n / 2 + 1;
        const double border = draw_beta((double)i, (double)(n + 1 - i), at, sub);
        if (border <= p) {
            count += i;
            n -= i;
            p = (p - border) / (1 - border);
        } else {
            n = i - 1;
            p = p / border;
        }
    }
    return count;
}
