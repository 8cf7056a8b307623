// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_TESTS_RATE_ASKED_H
#define OFFLOADSIM_TESTS_RATE_ASKED_H

// Asking a rate that changes, as the tests of rates do.

#include "model/rate.h"

static inline struct rate_lane lane_of(const struct rate *rate, struct rate_cursor *cursor,
                                       uint64_t lane)
{
    return (struct rate_lane){rate, cursor, {.seed = 2385, .replication = 1}, lane};
}

// A cursor only moves forward; these ask each time from the beginning.
static inline double finish_of(const struct rate *rate, double start_s, double amount)
{
    struct rate_cursor cursor[RATE_MOST_PARTS] = {{0}};
    const struct rate_lane lane = {rate, cursor, {.seed = 7, .replication = 1}, 3};
    return rate_finish(&lane, start_s, amount);
}

static inline double value_of(const struct rate *rate, double time_s)
{
    struct rate_cursor cursor[RATE_MOST_PARTS] = {{0}};
    const struct rate_lane lane = {rate, cursor, {.seed = 7, .replication = 1}, 3};
    return rate_at(&lane, time_s);
}

#endif
