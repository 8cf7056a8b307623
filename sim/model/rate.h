// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_MODEL_RATE_H
#define OFFLOADSIM_MODEL_RATE_H

// The data rate of a link over time, and how long a transfer takes: exactly, by integrating the
// rate from the start of the transfer until its bytes are through, also across changes and outages.
// Bytes per second and seconds.

#include "scenario/spec.h"

struct rate {
    double constant; // INFINITY: no limit; NaN: it changes
    int steps;
    const double *times_s; // when each rate begins, from 0
    const double *rates;
    double period_s; // INFINITY: the last rate stays
    double period_bytes;
    double nominal; // the constant; mean over the period; or the last rate
};

// The steps stay those of the spec.
void rate_init(struct rate *rate, const struct spec_rate *spec);

// The rate at a time.
double rate_at(const struct rate *rate, double time_s);

// When a transfer of `bytes` that starts at `start_s` ends.
double rate_finish_steps(const struct rate *rate, double start_s, double bytes);

static inline double rate_finish(const struct rate *rate, double start_s, double bytes)
{
    return rate->steps ? rate_finish_steps(rate, start_s, bytes) : start_s + bytes / rate->constant;
}

#endif
