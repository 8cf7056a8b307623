// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_SCENARIO_GRAMMAR_H
#define OFFLOADSIM_SCENARIO_GRAMMAR_H

// The keys of a scenario, as field tables over `struct spec`.

#include "scenario/field.h"

// The outermost keys; they lead to all others. Their order is that of reading (a name is known
// before it is referred to), of the canonical text and of the reference.
extern const struct field grammar_fields[];

// The cases of any distribution, for the reference: ended by a NULL name.
extern const struct field_case grammar_distributions[];
// Of times of a computation: all of these, and behind them the first of those that are for batches.
extern const struct field_case grammar_service_times[];
extern const struct field_case *const grammar_batch_times;

#endif
