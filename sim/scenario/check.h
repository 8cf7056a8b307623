// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_SCENARIO_CHECK_H
#define OFFLOADSIM_SCENARIO_CHECK_H

// What no field can check alone: how the parts of a scenario fit together. It also fills in what
// depends on other parts (where exits stand, the last of them, columns by number).

struct arena;
struct diagnostics;
struct settings;
struct spec;
struct trace_plan;

// The settings must be sorted; they are kept up to date with what is moved. Returns 0, or -1 with
// errors.
// Layers, outputs, times and energies of models: from the scenario and from the profiles that it
// names. `scenario` is the path of its file. Comes first.
int check_profiles(struct spec *spec, const char *scenario, struct settings *settings,
                   struct arena *arena, struct diagnostics *diagnostics);

int check_spec(struct spec *spec, struct settings *settings, struct arena *arena,
               struct diagnostics *diagnostics);

// Which columns of the trace the spec asks for, at `path`; numbers the extra columns. Errors if a
// column is missing, or asked for without a trace or in the wrong layout. Returns 0, or -1.
// `*ret_plan` is NULL without a trace.
int check_columns(struct spec *spec, const char *path, const struct settings *settings,
                  struct arena *arena, struct diagnostics *diagnostics,
                  struct trace_plan **ret_plan);

// Whether the share of the trace that is set aside for training leaves rows on both sides. Returns
// 0, or -1 with an error.
int check_training(const struct spec *spec, const struct settings *settings,
                   struct diagnostics *diagnostics);

#endif
