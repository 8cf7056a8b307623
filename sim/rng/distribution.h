// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_RNG_DISTRIBUTION_H
#define OFFLOADSIM_RNG_DISTRIBUTION_H

// Distributions of times and sizes: non-negative, described by what people know of them (mean and
// coefficient of variation where that is natural), drawn from keyed streams (rng/stream.h).
//
// `struct distribution_parameters` is plain data as a scenario states it. distribution_init() turns
// it into `struct distribution`, the constants that drawing needs.

#include "rng/elementary.h"
#include "rng/stream.h"

#include <stdbool.h>
#include <stddef.h>

enum distribution_kind {
    DISTRIBUTION_CONSTANT,         // mean
    DISTRIBUTION_UNIFORM,          // from, to
    DISTRIBUTION_EXPONENTIAL,      // mean
    DISTRIBUTION_LOGNORMAL,        // mean, cv
    DISTRIBUTION_GAMMA,            // mean, cv
    DISTRIBUTION_WEIBULL,          // mean, shape
    DISTRIBUTION_HYPEREXPONENTIAL, // mean, cv >= 1: two phases with balanced means
    DISTRIBUTION_PARETO,           // mean, shape > 1: density from a least value upward
    DISTRIBUTION_EMPIRICAL,        // values, weights
    DISTRIBUTION_COLUMN,           // the sample's own value from a column of its trace
    // Times of a batch by its size, not random; a draw is the time of one sample.
    DISTRIBUTION_TABLE, // values at sizes `weights`, which start at 1 and increase
    DISTRIBUTION_LINEAR // from + to * size
};

struct distribution_parameters {
    enum distribution_kind kind;
    double mean;
    double cv;    // standard deviation / mean
    double shape; // Weibull's k, Pareto's alpha
    double from;
    double to;
    const double *values;  // empirical, table; borrowed
    const double *weights; // as many as values, or NULL for equal weights; table: sizes
    size_t count;
    const char *column_name; // column; borrowed
    double column_scale;     // column: base units in one unit of the column
    int column;              // column: its number among the trace's extra columns
};

struct distribution {
    enum distribution_kind kind;
    double a; // what a and b mean depends on the kind; see distribution.c
    double b;
    double c;
    double mean;          // NaN for a column
    double cv;            // INFINITY where the variance is infinite, NaN for a column
    const double *values; // empirical: sorted values; table: times
    const double *steps;  // empirical: cumulative weights, the last one is 1; table: sizes
    size_t count;
};

struct arena;

// Prepares `distribution` from parameters that are in range (the scenario checks them). Memory for
// empirical tables comes from `arena`. Unit of the variate: that of the parameters.
void distribution_init(struct distribution *distribution,
                       const struct distribution_parameters *parameters, struct arena *arena);

// The variate at an address. `word` must be stream_word(at); a caller that reads the stream in
// order has it at hand. Every kind but gamma and hyperexponential is a monotone function of
// stream_unit(word) and needs nothing else. Not for columns.
double distribution_draw_from(const struct distribution *distribution, uint64_t word,
                              const struct stream_at *at);

// The first of the sorted values whose step reaches u. The half of the search that is left is
// chosen without a branch, which a random number would make processors mispredict.
static inline double distribution_empirical(const struct distribution *distribution, double u)
{
    const double *steps = distribution->steps;
    size_t left = distribution->count;
    while (left > 1) {
        const size_t half = left / 2;
        steps += half & -(size_t)(steps[half - 1] < u);
        left -= half;
    }
    return distribution->values[steps - distribution->steps];
}

// The time of a batch of so many samples, where it depends on that.
static inline bool distribution_is_by_batch(const struct distribution *distribution)
{
    return distribution->kind == DISTRIBUTION_TABLE || distribution->kind == DISTRIBUTION_LINEAR;
}
double distribution_of_batch(const struct distribution *distribution, double size);

static inline double distribution_draw(const struct distribution *distribution,
                                       const struct stream_at *at)
{
    if (distribution->kind == DISTRIBUTION_CONSTANT) {
        return distribution->a;
    }
    const uint64_t word = stream_word(at);
    if (distribution->kind == DISTRIBUTION_EXPONENTIAL) {
        return -distribution->a * elementary_log(stream_unit(word));
    }
    return distribution_draw_from(distribution, word, at);
}

#endif
