// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_EXP_FIT_H
#define OFFLOADSIM_EXP_FIT_H

// From a trace to the parameters of a generator (model/generator.h), and how well they hold.
//
// Exit by exit, the confidences are taken at a grid of quantiles, and the share of right answers is
// fitted to them as a function that does not fall (isotonic regression by pooling adjacent
// violators; Barlow, Bartholomew, Bremner and Brunk, 1972): that keeps the accuracy and does not
// take the chance of few errors for a law.
//
// The correlations are then found by matching moments. What can be observed of a sample are the K
// confidences and the K answers right or wrong; the fit makes the correlations between all 2 K of
// them, each exit's own pair aside, those of the trace. First those between confidences, which a
// copula can take exactly: each step adds what is still missing to the correlations behind them,
// and eigenvalues that become negative on the way are clipped. Then those of being right with each
// other and with confidences: the numbers behind being right are vectors of length 1, orthogonal to
// that behind their own confidence, which move along the gradient of the squared differences.
// Vectors can have no impossible correlations, and where not all differences can vanish together
// the remaining ones are spread. All steps look at the same samples, so they settle.
//
// Fitting n rows of K exits takes some n log n + 10^7 K^2 steps: seconds.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct spec_generated;
struct text;
struct trace;

// Fewer rows, or fewer right or wrong answers of an exit, say too little.
enum { FIT_LEAST_ROWS = 100, FIT_LEAST_ANSWERS = 5, FIT_MOST_EXITS = 64 };

// What the columns of the trace are called.
struct fit_names {
    const char *generator;
    const char *about;
    const char *const *exits;
    const char *const *features;
};

struct fit {
    struct spec_generated *generated;
    bool is_clipped; // correlations of confidences that no samples can have were moved
    double smallest; // eigenvalue that was found then
};

// Whether the rows are enough for a fit. Returns -1 with a message (lower case, no full stop).
int fit_check(const struct trace *trace, const struct fit_names *names, struct text *ret_error);

// Fits a generator to all rows of a trace. The names must outlive it.
void fit_samples(const struct trace *trace, const struct fit_names *names, uint64_t seed,
                 struct arena *arena, struct fit *ret_fit);

// A random half of the rows, or with `other` the rest of them.
const struct trace *fit_half(const struct trace *trace, uint64_t seed, bool other,
                             struct arena *arena);

// Samples of a generator as rows, with all its exits and features.
const struct trace *fit_draw(const struct spec_generated *generated, uint64_t seed, size_t rows,
                             struct arena *arena);

// What can be observed of K exits: numbers 0 .. K-1 are the confidences, K .. 2K-1 being right.
struct fit_moments {
    int exits;
    double *mean;        // [2K]
    double *deviation;   // [2K]
    double *correlation; // [2K][2K]; 0 where an observable does not vary
    double *right_wrong; // [K][K]: share of samples right at the first and wrong at the second
};

void fit_moments(const struct trace *trace, struct arena *arena, struct fit_moments *ret_moments);

// The largest distance between the distributions of an exit's confidence in two traces, among
// samples about which it is right, or wrong (Kolmogorov and Smirnov). NaN if one has none.
double fit_distance(const struct trace *a, const struct trace *b, int exit, bool is_right,
                    struct arena *arena);

// The difficulty of a row (model/generator.h).
double fit_difficulty(const struct trace *trace, size_t row);

// How far apart features make the pools: for each of easy and moderate, moderate and hard, easy and
// hard, the root of the sum over all features of their squared difference of means in units of the
// mean variance. 0 without features.
void fit_separation(const struct spec_generated *generated, double ret_separation[3]);

// Adds the generator as a YAML file, with `comment` (lines that start with '#') on top.
void fit_write(const struct spec_generated *generated, const char *comment, struct text *ret_text);

#endif
