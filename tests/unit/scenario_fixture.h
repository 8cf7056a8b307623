// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_TESTS_SCENARIO_FIXTURE_H
#define OFFLOADSIM_TESTS_SCENARIO_FIXTURE_H

// What the tests of scenarios share: a folder of its own for each test, a scenario that is read
// from a text, and policies that exist for these tests: `plain`, without parameters, and `tuned`,
// with one of each kind.

#include "base/memory.h"
#include "policies/policy.h"
#include "scenario/canonical.h"
#include "scenario/diagnostics.h"
#include "scenario/spec.h"

#include <check.h>
#include <stdbool.h>
#include <stddef.h>

struct tuned_parameters {
    double threshold;
    double wait_s;
    int most;
    int mode;
    int tier;
    int model;
    bool eager;
    struct policy_numbers steps;
    struct policy_indices models;
    struct policy_indices tiers;
};

enum { TEST_POLICIES = 2 };
extern const struct policy_type tuned_policy;
extern const struct policy_type *const test_policies[TEST_POLICIES];

// Of the test that runs.
extern char folder[];
extern struct arena arena;
extern struct diagnostics diagnostics;

// Two tiers, two models, one of them with layers, a link, three policies.
extern const char base_yaml[];

TCase *add_case(Suite *suite, const char *name);

// Files in the folder of the test: only those whose names tear_down() knows.
const char *path_of(const char *name);
void write_file_n(const char *name, const char *bytes, size_t length);
void write_file(const char *name, const char *bytes);

// What has been diagnosed, as text.
const char *rendered(void);

// The scenario of a text, with settings; NULL if it is bad. The second one must be good.
struct spec *try_read(const char *yaml, const char *const *sets, size_t set_count);
struct spec *read_set(const char *yaml, const char *set);

const char *canonical(const struct spec *spec);
const char *hash_of(const struct spec *spec, int policy, enum spec_scope scope);

#endif
