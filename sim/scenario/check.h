// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_SCENARIO_CHECK_H
#define OFFLOADSIM_SCENARIO_CHECK_H

// What no field can check alone: how the parts of a scenario fit together. It also fills in what
// depends on other parts (where exits stand, the last of them, columns by number).

struct arena;
struct diagnostics;
struct settings;
struct spec;
struct spec_tier;
struct trace_plan;

// Finds the classes of devices and gives links their names. Comes first. Returns 0, or -1 with
// errors, as all that follow.
int check_classes(struct spec *spec, const struct settings *settings, struct arena *arena,
                  struct diagnostics *diagnostics);

// "tier" or "class", whatever the devices or nodes are called.
const char *check_noun(const struct spec *spec, const struct spec_tier *tier);

// Arrivals, what changes their rate, and drift.
int check_workload(struct spec *spec, const struct settings *settings, struct arena *arena,
                   struct diagnostics *diagnostics);

// Whether there are labels where their accuracy is asked for; the samples must have been read.
int check_labels(const struct spec *spec, const struct settings *settings,
                 struct diagnostics *diagnostics);

// The settings must be sorted; they are kept up to date with what is moved. Returns 0, or -1 with
// errors.
// Layers, outputs, times and energies of models: from the scenario and from the profiles that it
// names. `scenario` is the path of its file.
int check_profiles(struct spec *spec, const char *scenario, struct settings *settings,
                   struct arena *arena, struct diagnostics *diagnostics);

int check_spec(struct spec *spec, struct settings *settings, struct arena *arena,
               struct diagnostics *diagnostics);

// What it says of servers and their queues; part of check_spec().
void check_compute(struct spec *spec, const struct settings *settings,
                   struct diagnostics *diagnostics);

// How many replications there are, and what their estimates are made of; part of check_spec().
void check_precision(const struct spec *spec, const struct settings *settings,
                     struct diagnostics *diagnostics);

// What it says of each link; part of check_spec().
void check_links_alone(struct spec *spec, const struct settings *settings, struct arena *arena,
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
