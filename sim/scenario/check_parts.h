// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_SCENARIO_CHECK_PARTS_H
#define OFFLOADSIM_SCENARIO_CHECK_PARTS_H

// What several parts of a scenario have in common and no field can check alone: for the files of
// scenario/check.h. The settings must be sorted. Errors are in `diagnostics`.

struct arena;
struct diagnostics;
struct distribution_parameters;
struct settings;
struct spec_states;

// A chain of states: that something goes on in one of them, and that each leads to each other.
// Rounding errors of its rows are taken out.
void check_chain(struct spec_states *chain, const struct settings *settings, struct arena *arena,
                 struct diagnostics *diagnostics);

// That a time is not always 0: what takes no time would happen without end at one instant.
void check_takes_time(const struct distribution_parameters *parameters, const char *key,
                      const struct settings *settings, struct diagnostics *diagnostics);

#endif
