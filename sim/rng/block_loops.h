// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_RNG_BLOCK_LOOPS_H
#define OFFLOADSIM_RNG_BLOCK_LOOPS_H

// The loops behind rng/block.h, compiled several times for processors of different width. All
// variants give the same bits, because each lane does the same operations of IEEE 754 as the plain
// functions do, whose code they share (rng/elementary.h), and contraction into fused multiply-add
// is off.

#include "rng/distribution.h"

// At most so many numbers are handed to a loop at once, so that what lies between its steps stays
// in the cache nearest to the processor.
enum { BLOCK_LOOPS_MOST = 512 };

struct block_loops {
    const char *name;
    bool (*is_supported)(void);

    // In place, or from one array to another that does not overlap it.
    void (*log)(const double *x, size_t count, double *ret_logarithms);
    void (*exp)(const double *x, size_t count, double *ret_exponentials);
    void (*normal)(const double *p, size_t count, double *ret_quantiles);

    // What distribution_draw_from() makes of each word. Only for kinds that take
    // just one.
    void (*draw)(const struct distribution *distribution, const uint64_t *words, size_t count,
                 double *ret_values);

    // gamma_try() of each word. Returns how many are doubtful; these are their places and bounds.
    size_t (*gamma)(const struct distribution *distribution, const uint64_t *words, size_t count,
                    double *ret_values, double *ret_bounds, uint16_t *ret_doubtful);
};

// The widest that this processor has.
const struct block_loops *block_loops(void);

// All, the widest first; the last one, which is supported everywhere, has number
// block_loops_count() - 1.
size_t block_loops_count(void);
const struct block_loops *block_loops_variant(size_t number);

#endif
