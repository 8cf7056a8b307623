// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_TESTS_FIT_CASE_H
#define OFFLOADSIM_TESTS_FIT_CASE_H

// What the tests of generated samples share: generators and traces from files, and the comparison
// of the two.

#include "base/memory.h"
#include "exp/fit.h"
#include "scenario/spec.h"
#include "scenario/trace.h"

enum { FIT_CASE_DRAWS = 1000000 };

// A path within the project, from the environment variable OFFLOADSIM_ROOT.
const char *fit_case_path(const char *name, struct arena *arena);

// Reads a generator, which must be without errors.
struct spec_generated *fit_case_generator(const char *path, struct arena *arena);
// The same from a text.
struct spec_generated *fit_case_generator_of(const char *yaml, struct arena *arena);

// Reads a wide trace whose exits are called as in the generator: X_conf, X_pred, X_ok.
const struct trace *fit_case_wide(const char *path, const struct spec_generated *generated,
                                  struct arena *arena);
// Reads a long trace whose exits hold 0, 1, 2, ... in the order of the generator.
const struct trace *fit_case_long(const char *path, const struct spec_generated *generated,
                                  struct arena *arena);

// What a generator promises of the trace it was fitted to: each accuracy within 0.3 percentage
// points, each correlation of two confidences within 0.05, confidences given right and given wrong
// as they were, and shares of samples right at one exit and wrong at another within `lost`.
void fit_case_compare(const struct spec_generated *generated, const struct trace *trace,
                      double lost, struct arena *arena);

#endif
