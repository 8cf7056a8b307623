// SPDX-License-Identifier: GPL-3.0-or-later
#include "stats/mser.h"

// Merges neighbours of a full series.
static void mser_double(struct mser_series *series)
{
    for (size_t i = 0; i < MSER_BATCHES / 2; i++) {
        series->means[i] = series->means[2 * i] / 2 + series->means[2 * i + 1] / 2;
    }
    series->count = MSER_BATCHES / 2;
    series->per_batch *= 2;
}

void mser_add(struct mser_series *series, double value)
{
    if (!series->per_batch) {
        series->per_batch = MSER_BATCH;
    }
    series->sum += value;
    if (++series->in_batch < series->per_batch) {
        return;
    }
    series->means[series->count++] = series->sum / (double)series->per_batch;
    series->sum = 0;
    series->in_batch = 0;
    if (series->count == MSER_BATCHES) {
        mser_double(series);
    }
}

bool mser_series_cut(const struct mser_series *series, uint64_t *ret_observations)
{
    size_t cut;
    if (!mser_cut(series->means, series->count, &cut)) {
        return false;
    }
    *ret_observations = cut * series->per_batch;
    return true;
}

bool mser_cut(const double *batch_means, size_t count, size_t *ret_cut)
{
    if (count < MSER_LEAST) {
        return false;
    }
    // From the end, so that the batches after each cut are met one by one.
    const size_t latest = count - (count + 3) / 4;
    double mean = 0;
    double squares = 0;
    double least = 0;
    size_t best = count;
    for (size_t cut = count; cut-- > 0;) {
        const double stay = (double)(count - cut);
        const double from_old = batch_means[cut] - mean;
        mean += from_old / stay;
        squares += from_old * (batch_means[cut] - mean);
        const double error = squares / (stay * stay);
        if (cut <= latest && (best == count || error <= least)) {
            least = error;
            best = cut;
        }
    }
    if (2 * best > count) {
        return false;
    }
    *ret_cut = best;
    return true;
}
