// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_STATS_BATCH_MEANS_H
#define OFFLOADSIM_STATS_BATCH_MEANS_H

// Whether the means of consecutive batches of one long run may be treated as independent: von
// Neumann's test (1941) of the ratio of the mean square of successive differences to the variance,
//
//     r = sum (Y_i+1 - Y_i)^2 / sum (Y_i - mean)^2  ~  2 (1 - lag-1 correlation),
//
// which has mean 2 and variance 4 (n - 2) / (n^2 - 1) if the batch means are independent and
// normal, and is nearly normal from n = 10. One-sided: neighbours that are alike make an interval
// too narrow, those that differ make it too wide, which does no harm. Constant memory.
//
// The level is the size of the test: the share of series of independent means that fail. A large
// one finds weak correlation more often (Fishman 1978 and LBATCH use 0.1).

#include <stdbool.h>
#include <stddef.h>

enum { BATCH_LEAST = 10 }; // fewer batches can neither be tested nor give a useful interval

#define BATCH_TEST_LEVEL 0.1

// The chance of an r at most as large as that of `means` if they are independent. 1 if they do not
// vary; NaN below three.
double batch_correlation_p_value(const double *means, size_t n);

// Whether the p-value is at least `level`; never with fewer than BATCH_LEAST means.
bool batch_correlation_passes(const double *means, size_t n, double level);

#endif
