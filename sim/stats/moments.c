// SPDX-License-Identifier: GPL-3.0-or-later
#include "stats/moments.h"

#include <gsl/gsl_cdf.h>
#include <math.h>

void moments_add(struct moments *m, double value)
{
    m->count++;
    const double from_old = value - m->mean;
    m->mean += from_old / (double)m->count;
    m->squares += from_old * (value - m->mean);
}

void moments_merge(struct moments *m, const struct moments *other)
{
    if (!other->count) {
        return;
    }
    if (!m->count) {
        *m = *other; // also where the square of the mean would overflow
        return;
    }
    const double count = (double)m->count + (double)other->count;
    const double apart = other->mean - m->mean;
    m->squares +=
        other->squares + apart * apart * ((double)m->count * (double)other->count / count);
    m->mean += apart * ((double)other->count / count);
    m->count += other->count;
}

double moments_variance(const struct moments *m)
{
    return m->count < 2 ? NAN : m->squares / (double)(m->count - 1);
}

double moments_half_width(const struct moments *m, double confidence)
{
    if (m->count < 2) {
        return NAN;
    }
    const double t = gsl_cdf_tdist_Pinv(0.5 + confidence / 2, (double)(m->count - 1));
    return t * sqrt(moments_variance(m) / (double)m->count);
}

double moments_p_value(const struct moments *m)
{
    if (m->count < 2) {
        return NAN;
    }
    const double variance = moments_variance(m);
    if (!(variance > 0)) {
        return m->mean != 0 ? 0 : 1;
    }
    const double t = fabs(m->mean) / sqrt(variance / (double)m->count);
    return 2 * gsl_cdf_tdist_Q(t, (double)(m->count - 1));
}
