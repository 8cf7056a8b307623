// SPDX-License-Identifier: GPL-3.0-or-later
#include "stats/interval.h"

#include "stats/moments.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static struct interval interval_make(double mean, double low, double high, size_t n)
{
    return (struct interval){
        .mean = mean,
        .low = low,
        .high = high,
        .half_width = isnan(low) || isnan(high) ? NAN : fmax(mean - low, high - mean),
        .units = n,
    };
}

static struct moments moments_of(const double *values, size_t n)
{
    struct moments moments = {0};
    for (size_t i = 0; i < n; i++) {
        moments_add(&moments, values[i]);
    }
    return moments;
}

struct interval interval_of_mean(const double *values, size_t n, double confidence)
{
    const struct moments moments = moments_of(values, n);
    const double mean = n ? moments.mean : NAN;
    const double half_width = moments_half_width(&moments, confidence);
    struct interval interval = interval_make(mean, mean - half_width, mean + half_width, n);
    interval.half_width = half_width; // not what rounding has left of it
    return interval;
}

// ---- median ----

static int compare_doubles(const void *left, const void *right)
{
    const double a = *(const double *)left;
    const double b = *(const double *)right;
    return (a > b) - (a < b);
}

// The largest k with P(Binomial(n, 1/2) < k) <= tail, 0 if there is none. By bisection: the left
// side rises with k and is above a half where k is above half of n + 1.
static size_t rank_below(size_t n, double tail)
{
    size_t holds = 0;
    size_t fails = n / 2 + 1;
    while (fails - holds > 1) {
        const size_t k = holds + (fails - holds) / 2;
        if (gsl_cdf_binomial_P((unsigned)(k - 1), 0.5, (unsigned)n) <= tail) {
            holds = k;
        } else {
            fails = k;
        }
    }
    return holds;
}

size_t interval_median_least(double confidence)
{
    size_t n = 1;
    while (ldexp(1, -(int)n) > (1 - confidence) / 2) { // P(Binomial(n, 1/2) = 0)
        n++;
    }
    return n;
}

struct interval interval_of_median(const double *values, size_t n, double confidence,
                                   double *scratch)
{
    const size_t rank = rank_below(n, (1 - confidence) / 2);
    if (!rank) {
        return interval_of_mean(values, n, confidence);
    }
    memcpy(scratch, values, n * sizeof(*values));
    qsort(scratch, n, sizeof(*scratch), compare_doubles);
    const double median = scratch[(n - 1) / 2] / 2 + scratch[n / 2] / 2;
    return interval_make(median, scratch[rank - 1], scratch[n - rank], n);
}

// ---- proportions ----

// Wilson's interval of a share `p` of `trials`, a quantile `z` of the standardised error wide.
static struct interval wilson(double mean, double p, double trials, double z, size_t n)
{
    const double square = z * z / trials;
    const double centre = (p + square / 2) / (1 + square);
    const double width = sqrt(square * (p * (1 - p) + square / 4)) / (1 + square);
    // Rounding must not exclude 0 where nothing succeeded, nor 1 where nothing failed.
    const double low = p > 0 ? fmax(centre - width, 0) : 0;
    const double high = p < 1 ? fmin(centre + width, 1) : 1;
    return interval_make(mean, low, high, n);
}

struct interval interval_of_proportion(const double *values, const double *denominators, size_t n,
                                       double confidence)
{
    double trials = 0;
    double successes = 0;
    for (size_t i = 0; i < n; i++) {
        trials += denominators[i];
        successes += denominators[i] > 0 ? values[i] * denominators[i] : 0;
    }
    const struct interval plain = interval_of_mean(values, n, confidence);
    if (n < 2) {
        return plain;
    }
    if (!(trials > 0)) {
        return interval_make(plain.mean, fmax(plain.low, 0), fmin(plain.high, 1), n);
    }
    const struct moments moments = moments_of(values, n);
    const double variance = moments_variance(&moments);
    if (variance > 0 && plain.low >= 0 && plain.high <= 1 &&
        fmin(successes, trials - successes) >= INTERVAL_PROPORTION_EVENTS) {
        return plain;
    }
    const double p = fmin(successes / trials, 1);
    const double independent = p * (1 - p) * (double)n / trials;
    // Where units vary more than independent trials would, that is an estimate too: Student's
    // quantile.
    const bool together = variance > independent;
    const double z = together ? gsl_cdf_tdist_Pinv(0.5 + confidence / 2, (double)(n - 1))
                              : gsl_cdf_ugaussian_Pinv(0.5 + confidence / 2);
    return wilson(plain.mean, p, together ? trials * independent / variance : trials, z, n);
}
