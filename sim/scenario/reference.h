// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_SCENARIO_REFERENCE_H
#define OFFLOADSIM_SCENARIO_REFERENCE_H

// All keys of a scenario as a list, from the tables that read them: for the manual, completion and
// whoever asks what may be set. Words in capitals in a path stand for names: "models.MODEL.layers",
// "links.FROM-TO.up". The keys of distributions are listed once, under "DISTRIBUTION".

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct policy_type;

struct reference_key {
    const char *path;
    const char *type;         // "a time", "the name of a tier"
    const char *unit;         // base unit of a number: "s"; "" if it has none
    const char *default_text; // as a scenario writes it; "" if it has none
    const char *range;        // "at least 0 s"; "" without limits
    const char *meaning;
    bool is_required;
};

// In the order of the tables. Everything belongs to the arena, or is static.
struct reference_key *reference_list(const struct policy_type *const *policies, size_t policy_count,
                                     struct arena *arena, size_t *ret_count);

#endif
