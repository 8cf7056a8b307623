// SPDX-License-Identifier: GPL-3.0-or-later
#include "rng/gamma.h"

#include "rng/elementary.h"

#include <math.h>

double gamma_draw(double scale, double shape, uint64_t word, const struct stream_at *at,
                  uint64_t *sub)
{
    double factor = scale;
    if (shape < 1) {
        // Through shape + 1 and a power of a uniform number.
        const double u = stream_unit(stream_sub_word(at, (*sub)++));
        factor *= elementary_exp(elementary_log(u) / shape);
        shape += 1;
    }
    const double k = shape - 1.0 / 3;
    const double c = 1 / sqrt(9 * k);
    for (;;) {
        const double x = elementary_normal(stream_unit(word));
        const double t = 1 + c * x;
        const double v = t * t * t;
        if (v > 0) {
            const double u = stream_unit(stream_sub_word(at, (*sub)++));
            const double x2 = x * x;
            if (u < 1 - 0.0331 * x2 * x2 ||
                elementary_log(u) < 0.5 * x2 + k * (1 - v + elementary_log(v))) {
                return factor * k * v;
            }
        }
        word = stream_sub_word(at, (*sub)++);
    }
}
