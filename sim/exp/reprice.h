// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_EXP_REPRICE_H
#define OFFLOADSIM_EXP_REPRICE_H

// A stored experiment at other prices, without simulating: cost is prices times counters, and the
// counters are stored. The new prices are overrides as those of a sweep, "prices.offload=0.1,0.2",
// read by the same tables; prices that are not set stay as they were. The result is that of a sweep
// over the same prices, to the bit.
//
// Stored points that differ in nothing but a price that is set anew become one.

#include "base/memory.h"
#include "exp/experiment.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct diagnostics;
struct point_parameter;
struct stored_experiment;
struct stored_point;
struct sweep;

// More rows, points times settings, are refused: nobody would look at them.
#define REPRICE_MOST_ROWS 1000000

struct reprice {
    struct arena arena;
    const struct stored_experiment *experiment;
    const struct stored_point **points; // what is left of them
    size_t point_count;
    struct sweep *sweep;
    uint64_t settings; // of the new prices
    bool *is_new;      // [experiment->counters.count]: has a new price
    bool *is_replaced; // [experiment->parameter_count]: was a price and says nothing any more
    // One setting of them.
    struct arena scratch;
    double *prices;
    struct point_parameter *parameters;
    size_t parameter_count;
};

// Reads all settings of the new prices. `experiment` must outlive the result. Returns 0, or -1 with
// errors. The caller ends with reprice_finish() in either case.
int reprice_begin(struct reprice *reprice, const struct stored_experiment *experiment,
                  const char *const *sets, size_t set_count, struct diagnostics *diagnostics);
void reprice_finish(struct reprice *reprice);

// Chooses a setting of the new prices, from 0. They combine as the axes of a sweep do, the first
// one varying slowest.
void reprice_set(struct reprice *reprice, uint64_t setting);

// The cost of point `point` of those that are left, at the setting that was chosen.
struct experiment_estimate reprice_cost(const struct reprice *reprice, size_t point);

// Its parameters: those that are stored, and then the new prices. Valid until the next
// reprice_set().
const struct point_parameter *reprice_parameters(struct reprice *reprice, size_t point,
                                                 size_t *ret_count);

#endif
