// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_MODEL_STATION_H
#define OFFLOADSIM_MODEL_STATION_H

// A lane of a first-in-first-out station: one queue, c servers.
//
// In such a queue a job starts when the first server is free of all jobs that came before, so its
// start and its departure are known the moment it arrives (Kiefer and Wolfowitz 1955; for one
// server, Lindley 1952). A lane is therefore nothing but the times at which its servers become
// free, kept as a binary heap with the earliest first, and a visit needs one event: its departure.

#include <stdint.h>

// Moves the root of a heap of `count` times down to its place.
void station_sift(double *free_at_s, uint32_t count);

// A job of `service_s` arrives at `now_s`. Returns when it starts; the server that it takes is free
// again at the returned time plus `service_s`.
static inline double station_admit(double *free_at_s, uint32_t servers, double now_s,
                                   double service_s)
{
    const double start_s = free_at_s[0] > now_s ? free_at_s[0] : now_s;
    free_at_s[0] = start_s + service_s;
    if (servers > 1) {
        station_sift(free_at_s, servers);
    }
    return start_s;
}

#endif
