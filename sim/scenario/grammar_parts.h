// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_SCENARIO_GRAMMAR_PARTS_H
#define OFFLOADSIM_SCENARIO_GRAMMAR_PARTS_H

// What the files of the grammar share. Everyone else takes scenario/grammar.h.

#include "rng/distribution.h"
#include "scenario/grammar.h"

#include <stddef.h>

// Beyond these a sum of times or sizes would lose its small parts, or overflow.
#define MOST_TIME 1e12
#define MOST_BYTES 1e18
#define MOST_NUMBER 1e15
#define MOST_COUNT 1e6
// Bytes per second; below it a transfer would outlast every simulation.
#define LEAST_RATE 1e-3

#define RANGE(low, high) .least = (low), .most = (high)
#define ABOVE(low, high) .least = (low), .most = (high), .flags = FIELD_OPEN_LEAST

#define ROOM_TYPE                                                                                  \
    {                                                                                              \
        .kind = FIELD_LONG, RANGE(0, 1e12), .word = "unlimited", .word_value = -1                  \
    }

#define DISTRIBUTION_OFFSET(member) offsetof(struct distribution_parameters, member)

#define DISTRIBUTION(of, more)                                                                     \
    {                                                                                              \
        .kind = FIELD_VARIANT, .dimension = (of), .flags = (more), .noun = "distribution",         \
        .cases = grammar_distributions, .bare_case = "constant",                                   \
        .kind_offset = DISTRIBUTION_OFFSET(kind)                                                   \
    }

// Items of lists and maps.
extern const struct field_type grammar_model; // struct spec_model
extern const struct field_type grammar_model_name;
extern const struct field_type grammar_tier; // struct spec_tier
extern const struct field_type grammar_link; // struct spec_link
extern const struct field_type grammar_drift; // struct spec_drift
extern const struct field_type grammar_until; // struct spec_until

// Parts of a link.
extern const struct field_case grammar_rates[]; // struct spec_rate
// Of Markov chains, struct spec_states: a mean time in a state, and the row of what comes after it.
extern const struct field_type grammar_mean_stay;
extern const struct field_type grammar_chain_row;

// Parts of a tier.
extern const struct field grammar_compute[]; // struct spec_compute
extern const char *const grammar_balances[]; // of enum spec_balance
extern const struct field_case grammar_arrivals[]; // struct spec_arrivals
extern const struct field grammar_pattern[];       // struct spec_pattern
extern const struct field grammar_bursts[];        // struct spec_bursts

const char *grammar_tier_name(const void *item, const struct field_names *names,
                              struct arena *arena);
const char *grammar_link_name(const void *item, const struct field_names *names,
                              struct arena *arena);

#endif
