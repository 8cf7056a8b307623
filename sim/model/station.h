// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_MODEL_STATION_H
#define OFFLOADSIM_MODEL_STATION_H

// A lane of a first-in-first-out station: one queue, c servers.
//
// In such a queue a job starts when the first server is free of all jobs that came before, so its
// start and its departure are known the moment it arrives (Kiefer and Wolfowitz 1955; for one
// server, Lindley 1952). A lane is therefore nothing but the times at which its servers become
// free, kept as a binary heap with the earliest first, and a visit needs one event: its departure.

//
// With one server and without an end of patience, departures come in the order of arrivals. So only
// the next one of a lane is in the event queue, and those behind it stand in a line of their own:
// however long a queue is, it costs no more. Of departures that are due at the same instant all are
// in the event queue, which knows their order.

#include <stdint.h>

// Samples of a server whose departures are not in the event queue yet.
struct line {
    uint32_t first; // by slot; only if there is one
    uint32_t last;
    uint32_t count;
    uint32_t due; // departures in the event queue
};

// Moves the root of a heap of `count` times down to its place.
void station_sift(double *free_at_s, uint32_t count);

// When the service of a job that arrives at `now_s` starts.
static inline double station_start(const double *free_at_s, double now_s)
{
    return free_at_s[0] > now_s ? free_at_s[0] : now_s;
}

// The job keeps the server that is free first until `end_s`.
static inline void station_take(double *free_at_s, uint32_t servers, double end_s)
{
    free_at_s[0] = end_s;
    if (servers > 1) {
        station_sift(free_at_s, servers);
    }
}

#endif
