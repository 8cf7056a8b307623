// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_RNG_CORRELATION_H
#define OFFLOADSIM_RNG_CORRELATION_H

// Correlation matrices, and the factors that turn independent normal numbers into correlated ones:
// with R = L L' and e standard normal, L e has the correlations R. Matrices are square and row
// by row, `size` rows of `size` numbers.
//
// Not every symmetric matrix with ones on its diagonal is one of correlations: it must have no
// negative eigenvalue. The factor takes additions, multiplications, divisions and square roots
// only, so it is the same to the bit on every machine; the repair uses GSL and is not.

#include <stdbool.h>
#include <stddef.h>

// The lower triangle L of Cholesky's factor; the numbers above its diagonal are 0. Returns `size`,
// or the number of the first row that cannot belong to correlations together with the rows above
// it; `ret_factor` is then unspecified.
size_t correlation_factor(const double *matrix, size_t size, double *ret_factor);

// Raises eigenvalues below `least` (greater than 0) to it and scales the diagonal back to 1, until
// none is left, for matrices that are nearly correlations: estimated pair by pair, rounded. Returns
// whether anything had to be changed, and the smallest eigenvalue that was found.
bool correlation_repair(double *matrix, size_t size, double least, double *ret_smallest);

#endif
