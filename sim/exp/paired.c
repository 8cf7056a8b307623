// SPDX-License-Identifier: GPL-3.0-or-later
#include "exp/paired.h"

#include "stats/moments.h"

#include <math.h>
#include <stdbool.h>

struct paired paired_compare(const double *a, const double *b, size_t count, double confidence)
{
    struct moments first = {0};
    struct moments second = {0};
    struct moments difference = {0};
    for (size_t i = 0; i < count; i++) {
        if (!isnan(a[i]) && !isnan(b[i])) {
            moments_add(&first, a[i]);
            moments_add(&second, b[i]);
            moments_add(&difference, b[i] - a[i]);
        }
    }
    struct paired result = {.pairs = difference.count,
                            .mean = difference.count ? difference.mean : NAN,
                            .half_width = moments_half_width(&difference, confidence),
                            .p_value = moments_p_value(&difference)};
    const double apart = moments_variance(&first) + moments_variance(&second);
    const double paired = moments_variance(&difference);
    result.gain = paired > 0 ? apart / paired : apart > 0 ? INFINITY : NAN;
    return result;
}

void paired_holm(const double *p_values, size_t count, double level, unsigned char *ret_significant)
{
    size_t left = 0; // comparisons that say something and are not yet decided
    for (size_t i = 0; i < count; i++) {
        ret_significant[i] = 0;
        left += isnan(p_values[i]) ? 0u : 1u;
    }
    for (; left; left--) {
        size_t least = count;
        for (size_t i = 0; i < count; i++) {
            const bool is_open = !isnan(p_values[i]) && !ret_significant[i];
            if (is_open && (least == count || p_values[i] < p_values[least])) {
                least = i;
            }
        }
        if (p_values[least] > level / (double)left) {
            return;
        }
        ret_significant[least] = 1;
    }
}
