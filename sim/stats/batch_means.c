// SPDX-License-Identifier: GPL-3.0-or-later
#include "stats/batch_means.h"

#include "stats/moments.h"

#include <gsl/gsl_cdf.h>
#include <math.h>

double batch_correlation_p_value(const double *means, size_t n)
{
    if (n < 3) {
        return NAN;
    }
    struct moments moments = {0};
    double differences = 0;
    for (size_t i = 0; i < n; i++) {
        const double step = i ? means[i] - means[i - 1] : 0;
        differences += step * step;
        moments_add(&moments, means[i]);
    }
    if (!(moments.squares > 0)) {
        return 1;
    }
    const double count = (double)n;
    const double variance = 4 * (count - 2) / (count * count - 1);
    return gsl_cdf_ugaussian_P((differences / moments.squares - 2) / sqrt(variance));
}

bool batch_correlation_passes(const double *means, size_t n, double level)
{
    return n >= BATCH_LEAST && batch_correlation_p_value(means, n) >= level;
}
