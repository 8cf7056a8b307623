// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_SCENARIO_READ_H
#define OFFLOADSIM_SCENARIO_READ_H

// From a YAML file to a `struct spec`: the tree (scenario/tree.h), overrides (scenario/override.h),
// the field tables (scenario/grammar.h), checks of how the parts fit, and the trace.
//
// A sweep loads the file once and builds a spec for each of its points. A trace is read once for
// each set of columns that is asked of it, and shared by all specs.

#include "scenario/source.h"

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct node;
struct diagnostics;
struct override_origin;
struct plugin_opener;
struct policy_type;
struct spec;

// A file that was loaded. It lives in the arena it was loaded into. Not for several threads at
// once.
struct scenario;

// Reads and parses a file. `policies` are those that a scenario may name; they must outlive the
// scenario. Returns 0, or -1 with errors in `diagnostics`.
int scenario_load(const char *path, const struct policy_type *const *policies, size_t policy_count,
                  struct arena *arena, struct diagnostics *diagnostics,
                  struct scenario **ret_scenario);

// Lets the scenario have plug-ins (scenario/plugins.h), from its next spec on. The opener must
// outlive the scenario.
void scenario_use_plugins(struct scenario *scenario, const struct plugin_opener *opener);

// Makes the spec of the file with overrides, each "PATH=VALUE", applied in their order. `origins`
// tells of each where a file says it (scenario/override.h); NULL if all are from the command line.
// The spec belongs to `arena` and refers to the scenario, which must outlive it. Returns 0, or -1
// with errors; there may be warnings either way.
int scenario_build(struct scenario *scenario, const char *const *sets,
                   const struct override_origin *origins, size_t set_count, struct arena *arena,
                   struct diagnostics *diagnostics, struct spec **ret_spec);

// The part of the file under an outermost key; NULL if it has none.
const struct node *scenario_block(const struct scenario *scenario, const char *key);

// Both at once, all in one arena.
int scenario_read(const char *path, const char *const *sets, size_t set_count,
                  const struct policy_type *const *policies, size_t policy_count,
                  struct arena *arena, struct diagnostics *diagnostics, struct spec **ret_spec);

// Where the value at `slot`, an address within the spec (`&spec->policies[i]`,
// `&spec->tiers[0].nodes`), was written. False if it was left to its default.
bool spec_mark(const struct spec *spec, const void *slot, struct mark *ret_mark);

#endif
