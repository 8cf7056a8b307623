// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_STATS_MOMENTS_H
#define OFFLOADSIM_STATS_MOMENTS_H

// Count, mean and sum of squared deviations of numbers met one by one (Welford 1962), and the
// confidence interval of their mean. Meant for values across replications: independent, few,
// roughly normal. `{0}` is empty.

#include <stdint.h>

struct moments {
    uint64_t count;
    double mean;    // 0 while empty
    double squares; // sum of (x - mean)^2
};

void moments_add(struct moments *moments, double value);
// Adds all of `other` (Chan, Golub and LeVeque 1979).
void moments_merge(struct moments *moments, const struct moments *other);
// Unbiased variance; NaN for fewer than two values.
double moments_variance(const struct moments *moments);

// Half the width of the two-sided interval mean +- t * sqrt(variance / count), t the Student
// quantile with count - 1 degrees of freedom. NaN for fewer than two values.
double moments_half_width(const struct moments *moments, double confidence);

// The two-sided p-value of Student's t-test that the mean is 0. NaN for fewer than two values; 0 or
// 1 if they do not vary.
double moments_p_value(const struct moments *moments);

#endif
