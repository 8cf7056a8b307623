// SPDX-License-Identifier: GPL-3.0-or-later
#include "rng/gamma.h"

double gamma_draw(double scale, double shape, uint64_t word, const struct stream_at *at,
                  uint64_t *sub)
{
    const struct gamma_law law = gamma_law(shape);
    for (;;) {
        const double x = elementary_normal(stream_unit(word));
        bool is_kept = gamma_coarse(word) + 0x1p-12 <= gamma_squeeze(law.c, x);
        if (!is_kept) {
            const double u = gamma_fine(word, stream_sub_word(at, (*sub)++));
            is_kept = gamma_is_kept(law, x, u, elementary_log(u));
        }
        if (is_kept) {
            return scale * law.k * gamma_cube(law.c, x);
        }
        word = stream_sub_word(at, (*sub)++);
    }
}
