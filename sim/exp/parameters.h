// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_EXP_PARAMETERS_H
#define OFFLOADSIM_EXP_PARAMETERS_H

// What sets one point of an experiment apart: the settings that differ from point to point, as
// paths into the scenario and values in JSON. Numbers with units are numbers in base units, as they
// are in the canonical scenario, so that queries can order them; people see what was written.

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct spec;

struct point_parameter {
    const char *path;  // "policy.hi_threshold.theta"
    const char *name;  // "theta"
    const char *value; // JSON: "[0.607]"
    const char *shown; // to people: "5 ms"; NULL: the value
};

// The parameters of policy `policy` of the spec that the scenario sets, in the order of its table;
// those that have their defaults are left out. Everything belongs to `arena`.
const struct point_parameter *point_parameters(const struct spec *spec, int policy,
                                               struct arena *arena, size_t *ret_count);

// The parameter that an override "PATH=VALUE" sets.
struct point_parameter point_parameter_of_set(const char *set, struct arena *arena);

// Whether it is one of another policy than `policy`.
bool point_parameter_is_foreign(const struct point_parameter *parameter, const char *policy);

#endif
