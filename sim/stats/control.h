// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_STATS_CONTROL_H
#define OFFLOADSIM_STATS_CONTROL_H

// Control variates: the mean of y by regression on controls, values of the same units whose true
// means are known (Lavenberg and Welch 1981). The estimate is where the least-squares fit of y on
// the controls is at their known means; it is as if each unit were corrected for what its controls
// say of its luck.
//
// The interval about it is Student's with n - q - 1 degrees of freedom; the variance is
//
//     s^2 (1/n + c' S^-1 c)
//
// with s^2 the residual variance, c the mean of the controls less the known one and S the sums of
// squares and products of their deviations. Exact if y and controls are jointly normal. A control
// that does not vary, or is a combination of earlier ones, is left out and does not count in q.

#include "stats/interval.h"

#include <stdbool.h>
#include <stddef.h>

enum { CONTROL_MOST = 16 };

struct control_result {
    struct interval interval;
    double variance_ratio; // the plain mean's variance over this one's: the gain; NaN if both are 0
    size_t used;           // controls that vary on their own
};

// values[n]; controls[n * q], row by row: unit i's j-th control is controls[i * q + j]; known[q].
// All finite. False, and nothing set, if n < q + 3, q is 0 or above CONTROL_MOST, or no control
// varies. O(n q^3), nothing allocated.
bool control_estimate(const double *values, const double *controls, const double *known, size_t n,
                      size_t q, double confidence, struct control_result *ret_result);

#endif
