// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_STATS_HISTOGRAM_H
#define OFFLOADSIM_STATS_HISTOGRAM_H

// A histogram of positive numbers in buckets of equal relative width, for quantiles in constant
// memory. Every power of two is cut into 128 equal buckets, so a bucket is at most 1/128 of its
// value wide; a quantile is interpolated inside its bucket and so is off by at most 0.8 % from the
// order statistic, whatever the distribution (HISTOGRAM_RELATIVE_ERROR), and never beyond the least
// and the largest value. Finding the bucket takes a shift of the number's bits.
//
// Values below 2^-30 (a nanosecond, for times) count as 0 and those from 2^34 (five centuries) as
// 2^34. Merging adds integer counts, so any grouping gives the same bits.

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
    HISTOGRAM_BITS = 7, // log2 of buckets per power of two
    HISTOGRAM_LOWEST = -30,
    HISTOGRAM_HIGHEST = 34,
    HISTOGRAM_BUCKETS = ((HISTOGRAM_HIGHEST - HISTOGRAM_LOWEST) << HISTOGRAM_BITS) + 2
};

#define HISTOGRAM_RELATIVE_ERROR (1.0 / 128)

// Bucket 0 holds what is below the range and the last one what is above. 64 KiB, of which a run
// touches the few pages where its values lie. `{0}` is empty.
struct histogram {
    uint64_t total;
    double least; // of the values; 0 while empty
    double most;
    uint64_t counts[HISTOGRAM_BUCKETS];
};

// Counts some values, none of them negative.
static inline void histogram_add(struct histogram *histogram, const double *values, size_t count)
{
    enum { SHIFT = 52 - HISTOGRAM_BITS };
    const int64_t first = (int64_t)(1023 + HISTOGRAM_LOWEST) << HISTOGRAM_BITS;
    double least = histogram->total || !count ? histogram->least : values[0];
    double most = histogram->most;
    for (size_t i = 0; i < count; i++) {
        const double value = values[i];
        int64_t bits; // of a non-negative double: ordered as the number is
        memcpy(&bits, &value, sizeof(bits));
        int64_t bucket = (bits >> SHIFT) - first + 1;
        bucket = bucket < 0 ? 0 : bucket;
        bucket = bucket > HISTOGRAM_BUCKETS - 1 ? HISTOGRAM_BUCKETS - 1 : bucket;
        least = value < least ? value : least;
        most = value > most ? value : most;
        histogram->counts[bucket]++;
    }
    histogram->least = least;
    histogram->most = most;
    histogram->total += count;
}

void histogram_merge(struct histogram *histogram, const struct histogram *other);

// The number below which a share `p` (0 < p <= 1) of the values lies; NaN while empty.
double histogram_quantile(const struct histogram *histogram, double p);

#endif
