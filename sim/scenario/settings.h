// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_SCENARIO_SETTINGS_H
#define OFFLOADSIM_SCENARIO_SETTINGS_H

// Which values of a spec its author wrote, and where. What is not listed was left to its default.
// It lets a problem that shows late (a policy that does not fit its world, a setting without
// effect) be reported at the line that it is about.
//
// A value is known by its slot: the address within the spec where it is stored. A structure and its
// first member share an address; the member counts.

#include "scenario/source.h"

#include <stdbool.h>
#include <stddef.h>

struct arena;

struct setting {
    const void *slot;
    size_t order;          // in which it was read
    const void *next_slot; // where the value is moving to; NULL if it stays
    struct mark key;       // of a list item: the same as `value`
    struct mark value;
};

struct settings {
    struct arena *arena;
    struct setting *items; // sorted by slot once settings_sort() was called
    size_t count;
    size_t room;
};

void settings_add(struct settings *settings, const void *slot, const struct mark *key,
                  const struct mark *value);

// To be called after the last settings_add(), before anything else.
void settings_sort(struct settings *settings);

// Follows `bytes` bytes of values that were copied from `from` to `to`. Several moves are noted and
// take effect together with the next settings_sort().
void settings_move(struct settings *settings, const void *from, size_t bytes, const void *to);

// NULL if the value was not written.
const struct setting *settings_find(const struct settings *settings, const void *slot);

#endif
