// SPDX-License-Identifier: GPL-3.0-or-later
#include "rng/gamma.h"

static struct gamma_try try_hat(double scale, double shape, uint64_t word)
{
    const struct gamma_hat hat = gamma_hat(shape);
    const double z = gamma_hat_z(hat, stream_unit(word));
    const double x = hat.start * elementary_exp(z);
    const double log_bound = gamma_hat_log_bound(hat, z, x);
    const double squeeze = gamma_hat_squeeze(log_bound);
    return (struct gamma_try){
        scale * x, gamma_is_doubtful(word, squeeze) ? elementary_exp(log_bound) : squeeze};
}

static struct gamma_try try_cube(double scale, double shape, uint64_t word)
{
    const struct gamma_law law = gamma_law(shape);
    const double x = elementary_normal(stream_unit(word));
    const double squeeze = gamma_squeeze(law.c, x);
    return (struct gamma_try){scale * law.k * gamma_cube(law.c, x),
                              gamma_is_doubtful(word, squeeze) ? gamma_bound(law, x) : squeeze};
}

struct gamma_try gamma_try(double scale, double shape, uint64_t word)
{
    return shape < 1 ? try_hat(scale, shape, word) : try_cube(scale, shape, word);
}

double gamma_draw(double scale, double shape, uint64_t word, const struct stream_at *at,
                  uint64_t *sub)
{
    for (;;) {
        const struct gamma_try tried = gamma_try(scale, shape, word);
        if (!gamma_is_doubtful(word, tried.bound) ||
            gamma_fine(word, stream_sub_word(at, (*sub)++)) < tried.bound) {
            return tried.value;
        }
        word = stream_sub_word(at, (*sub)++);
    }
}
