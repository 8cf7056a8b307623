// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_TESTS_NUMBERS_H
#define OFFLOADSIM_TESTS_NUMBERS_H

// Random numbers for tests of statistics, the same on every run and machine.

#include <stddef.h>
#include <stdint.h>

struct distribution_parameters;

// `count` independent values of a law; the caller frees them. Each kind has numbers of its own.
double *numbers_draw(const struct distribution_parameters *parameters, size_t count);

// The index-th uniform, exponential (mean 1) or standard normal number of a series. The three are
// of the same uniform.
double numbers_uniform(uint64_t series, uint64_t index);
double numbers_exponential(uint64_t series, uint64_t index);
double numbers_normal(uint64_t series, uint64_t index);

// For qsort(), least first.
int numbers_compare(const void *left, const void *right);

// How many standard deviations `count` of `trials` is above what is expected at probability `p`.
double numbers_z(int count, int trials, double p);

// What a standard normal number exceeds, in absolute value, once in a thousand times.
#define NUMBERS_Z_999 3.2905

#endif
