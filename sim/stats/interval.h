// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_STATS_INTERVAL_H
#define OFFLOADSIM_STATS_INTERVAL_H

// Confidence intervals from the units of an estimate: values that are independent and of one
// distribution, or nearly so, such as one value per replication, per pair of antithetic ones or per
// batch of one long run. What a unit is, is not this module's matter.
//
// All are two-sided. `confidence` is a share (0.95), `values` is in any order and holds no NaN; the
// caller leaves those out. Too few units give NaN as bounds, never an error. Units of measurement
// are those of the values. Time is O(n), O(n log n) for the median; nothing is allocated.

#include <stddef.h>
#include <stdint.h>

struct interval {
    double mean; // the point estimate, whatever its kind; NaN without units
    double low;  // NaN if there are too few units
    double high;
    double half_width; // max(mean - low, high - mean): how far off on the worse side
    uint64_t units;
};

// Mean, and Student's interval mean -+ t * s / sqrt(n) with n - 1 degrees of freedom. Exact for
// normal units. Bounds need two units.
struct interval interval_of_mean(const double *values, size_t n, double confidence);

// Median, and the interval between two order statistics that covers the median of the units'
// distribution with at least `confidence`, whatever that distribution is: from the k-th least to
// the k-th largest, k the largest number with 2 P(Binomial(n, 1/2) < k) <= 1 - confidence (Thompson
// 1936; David and Nagaraja, Order Statistics, section 7.1). Where even k = 1 covers too little,
// below 6 units for 95 %, it is interval_of_mean(), estimate and all. `scratch` has room for n
// values and may not overlap `values`.
struct interval interval_of_median(const double *values, size_t n, double confidence,
                                   double *scratch);

// The fewest units from which interval_of_median() is one of order statistics: 6 for 0.95.
size_t interval_median_least(double confidence);

// A share of successes: values[i] is the share of denominators[i] trials of unit i. The estimate is
// the mean of the values. The interval is interval_of_mean() where that has a spread, lies within 0
// and 1 and rests on INTERVAL_PROPORTION_EVENTS successes and as many failures; else Wilson's score
// interval (1927) about the pooled share p with an effective number of trials N * min(1, b / s^2):
// N trials in all, s^2 the variance between units, b the p (1 - p) / d that independent trials
// would give them (d: mean denominator), so trials that go together within a unit widen it. Its
// quantile is the normal one; Student's with n - 1 degrees of freedom where s^2 is above b and so
// was estimated. Bounds lie within 0 and 1 and need two units. Without any trials it is that of the
// mean, clipped.
struct interval interval_of_proportion(const double *values, const double *denominators, size_t n,
                                       double confidence);

enum { INTERVAL_PROPORTION_EVENTS = 30 };

#endif
