// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/time_spent.h"

#include <time.h>

static double read_clock(clockid_t clock)
{
    struct timespec now = {0};
    clock_gettime(clock, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

double time_spent_clock_s(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

struct time_spent time_spent_so_far(void)
{
    return (struct time_spent){.wall_s = time_spent_clock_s(),
                               .processor_s = read_clock(CLOCK_THREAD_CPUTIME_ID)};
}

void time_spent_add_since(const struct time_spent *since, struct time_spent *total)
{
    const struct time_spent now = time_spent_so_far();
    total->wall_s += now.wall_s - since->wall_s;
    total->processor_s += now.processor_s - since->processor_s;
}
