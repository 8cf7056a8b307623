// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_EXP_PAIRED_H
#define OFFLOADSIM_EXP_PAIRED_H

// The comparison of two systems on common random numbers: replication i of both met the same
// samples, so what is estimated is the mean of the differences, pair by pair (Law, "Simulation
// Modeling and Analysis", 5th ed., sec. 10.2). Where the two rise and fall together, differences
// vary far less than the two do alone.

#include <stddef.h>

struct paired {
    size_t pairs;
    double mean;       // of b - a
    double half_width; // of its Student-t interval; NaN for fewer than two pairs
    double p_value;    // two-sided, of no difference; 1 if no pair differs, 0 if all do alike
    double gain;       // variance of an unpaired comparison / that of the paired one; INFINITY if
                       // the differences do not vary while the two do; NaN if neither does
};

// Pairs with a NaN are left out.
struct paired paired_compare(const double *a, const double *b, size_t count, double confidence);

// Which of several comparisons are significant together at `level`, by Holm's step-down procedure
// (Scandinavian Journal of Statistics 6, 1979): the chance that any of them is a false alarm is at
// most `level`.
void paired_holm(const double *p_values, size_t count, double level,
                 unsigned char *ret_significant);

#endif
