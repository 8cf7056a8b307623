// SPDX-License-Identifier: GPL-3.0-or-later
#include "policies/registry.h"

#include "policies/policy.h"

#include <string.h>

extern const struct policy_type policy_local;
extern const struct policy_type policy_full_offload;
extern const struct policy_type policy_hi_threshold;
extern const struct policy_type policy_random;
extern const struct policy_type policy_oracle;
extern const struct policy_type policy_early_exit;
extern const struct policy_type policy_split_exit;
extern const struct policy_type policy_ee_hi;
extern const struct policy_type policy_dimee;
extern const struct policy_type policy_partition;

static const struct policy_type *const policies[] = {
    &policy_local,  &policy_full_offload, &policy_hi_threshold, &policy_random,
    &policy_oracle, &policy_early_exit,   &policy_split_exit,   &policy_ee_hi,
    &policy_dimee,  &policy_partition,
};

const struct policy_type *const *policy_registry(size_t *ret_count)
{
    *ret_count = sizeof(policies) / sizeof(policies[0]);
    return policies;
}

const struct policy_type *policy_find(const char *name)
{
    for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
        if (strcmp(policies[i]->name, name) == 0) {
            return policies[i];
        }
    }
    return NULL;
}
