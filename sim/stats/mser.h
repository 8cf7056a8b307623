// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_STATS_MSER_H
#define OFFLOADSIM_STATS_MSER_H

// Where a series of observations has left its start behind: MSER-5 (White 1997; White, Cobb and
// Spratt 2000). Observations are averaged in batches of five; of the n batch means Y_1..Y_n the
// first d are cut for which the squared standard error of the mean of the others,
//
//     sum over i > d of (Y_i - mean)^2 / (n - d)^2,
//
// is least: cutting removes bias until it costs more in variance. The smallest such d on a tie. At
// least a quarter of the batches stays, since a few alike at the very end would win otherwise. A
// cut beyond half of the series says that the series was too short to tell, or has no steady state.
//
// A series keeps at most MSER_BATCHES batches: when it is full, neighbours are merged and batches
// are twice as large from then on. 32 KiB a series, no allocation, a few instructions a value.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    MSER_BATCH = 5,
    MSER_BATCHES = 4096, // even
    MSER_LEAST = 10      // fewer batches tell nothing
};

// `{0}` is empty.
struct mser_series {
    uint64_t per_batch; // observations a batch; 0 until the first
    uint64_t in_batch;  // of the batch under way
    double sum;         // of those
    size_t count;       // full batches
    double means[MSER_BATCHES];
};

// `value` is finite.
void mser_add(struct mser_series *series, double value);

// The number of observations to cut, a multiple of the batch size; what is behind the last full
// batch is not looked at. False, and nothing set, where mser_cut() says so.
bool mser_series_cut(const struct mser_series *series, uint64_t *ret_observations);

// The number of batches to cut, of `count`; O(count). False, and nothing set, if there are fewer
// than MSER_LEAST or the cut would be beyond the first half (2 * cut > count).
bool mser_cut(const double *batch_means, size_t count, size_t *ret_cut);

#endif
