// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_SCENARIO_SWEEP_VALUES_H
#define OFFLOADSIM_SCENARIO_SWEEP_VALUES_H

// The values of one axis of a sweep, as YAML texts: lists, ranges, equal ratios, designs.

#include <stddef.h>
#include <stdint.h>

struct arena;
struct diagnostics;
struct node;

enum { SWEEP_MOST_RANGES = 40 };

// A fuzzer would spend its time on long ranges, which are no different from short ones.
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
enum { SWEEP_MOST_VALUES = 1000 };
#else
enum { SWEEP_MOST_VALUES = 1000000 };
#endif

struct sweep_values {
    const char **texts;
    size_t count;
};

// A list, `{from, to, step}`, `{from, to, count}` or `{log: {from, to, count}}`, or a text
// "range(...)" or "log(...)". Returns 0, or -1 with errors.
int sweep_values_read(const struct node *node, struct arena *arena,
                      struct diagnostics *diagnostics, struct sweep_values *ret_values);

// The value of an override, `set` from `offset` on: 1 if it has several values ("a,b,c",
// "range(lo,hi,step)", "log(lo,hi,count)"), 0 if it is a single one, -1 after an error.
int sweep_values_parse(const char *set, size_t offset, struct arena *arena,
                       struct diagnostics *diagnostics, struct sweep_values *ret_values);

// A range between two numbers that have the same unit.
struct sweep_range {
    double from;
    double to;
    const char *unit; // " ms", "" without one
    int is_log;
};

// `{from: 1 ms, to: 5 ms}` or `{log: {from, to}}`.
int sweep_range_read(const struct node *node, struct diagnostics *diagnostics,
                     struct sweep_range *ret_range);

enum sweep_design { SWEEP_LATIN_HYPERCUBE, SWEEP_SOBOL };

// [point][range]: texts.
const char ***sweep_design_values(enum sweep_design design, const struct sweep_range *ranges,
                                  size_t range_count, size_t points, uint64_t seed,
                                  struct arena *arena);

#endif
