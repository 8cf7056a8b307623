// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_TESTS_BENCH_H
#define OFFLOADSIM_TESTS_BENCH_H

// What the benchmarks in C share.

#include <time.h>

// Processor time of this thread, in seconds.
static inline double bench_thread_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

// For qsort(): numbers in ascending order.
static inline int bench_compare(const void *left, const void *right)
{
    const double a = *(const double *)left;
    const double b = *(const double *)right;
    return (a > b) - (a < b);
}

#endif
