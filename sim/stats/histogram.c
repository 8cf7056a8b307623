// SPDX-License-Identifier: GPL-3.0-or-later
#include "stats/histogram.h"

#include <math.h>

void histogram_merge(struct histogram *histogram, const struct histogram *other)
{
    for (int i = 0; i < HISTOGRAM_BUCKETS; i++) {
        histogram->counts[i] += other->counts[i];
    }
    if (other->total && (!histogram->total || other->least < histogram->least)) {
        histogram->least = other->least;
    }
    histogram->most = other->most > histogram->most ? other->most : histogram->most;
    histogram->total += other->total;
}

// The lower edge of a bucket inside the range.
static double edge(int bucket)
{
    const int step = bucket - 1;
    const int per_octave = 1 << HISTOGRAM_BITS;
    const double within = 1 + (double)(step % per_octave) / per_octave;
    return ldexp(within, HISTOGRAM_LOWEST + step / per_octave);
}

double histogram_quantile(const struct histogram *histogram, double p)
{
    if (!histogram->total) {
        return NAN;
    }
    const double rank = p * (double)histogram->total;
    double below = 0;
    for (int i = 0; i < HISTOGRAM_BUCKETS; i++) {
        const double here = (double)histogram->counts[i];
        if (here > 0 && below + here >= rank) {
            if (i == 0) {
                return 0;
            }
            if (i == HISTOGRAM_BUCKETS - 1) {
                return ldexp(1, HISTOGRAM_HIGHEST);
            }
            const double low = edge(i);
            const double value = low + (edge(i + 1) - low) * ((rank - below) / here);
            return fmin(fmax(value, histogram->least), histogram->most);
        }
        below += here;
    }
    return ldexp(1, HISTOGRAM_HIGHEST);
}
