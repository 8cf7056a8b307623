// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_SCENARIO_GENERATED_H
#define OFFLOADSIM_SCENARIO_GENERATED_H

// The file from which samples are drawn where there is no trace: read from YAML by tables like
// those of a scenario, with every part checked against the others. What the numbers mean is told in
// model/generator.h.

#include "scenario/field.h"

struct arena;
struct diagnostics;
struct mark;
struct spec;
struct spec_generated;

// The keys of the file.
extern const struct field grammar_generated_fields[];

// Reads the file. `mark` is where it was asked for. Returns 0, or -1 with errors.
int generated_read(const char *path, const struct mark *mark, struct arena *arena,
                   struct diagnostics *diagnostics, struct spec_generated **ret_generated);

// Works out the factor of the correlations, row by row: of exit e, row 2 e is the confidence and
// row 2 e + 1 being right. All lists must have their full lengths. Returns -1, or the number of the
// first exit whose correlations contradict those of the exits above it.
int generated_factor(struct spec_generated *generated, struct arena *arena);

// Says which exit of the generator each exit of the scenario is. Returns 0, or -1 with errors.
int generated_match(struct spec *spec, const struct settings *settings,
                    struct diagnostics *diagnostics);

#endif
