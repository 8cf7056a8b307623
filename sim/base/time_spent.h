// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_BASE_TIME_SPENT_H
#define OFFLOADSIM_BASE_TIME_SPENT_H

// What a part of the program takes of the time of its thread: by the clock, and without what it
// waits and what others have of its processor. Reading both clocks takes about half a microsecond.

struct time_spent {
    double wall_s;
    double processor_s;
};

// The clock alone, from some moment in the past; it is never set.
double time_spent_clock_s(void);

// From some moment in the past until now, on the calling thread.
struct time_spent time_spent_so_far(void);

// Adds what was spent since, on the same thread.
void time_spent_add_since(const struct time_spent *since, struct time_spent *total);

#endif
