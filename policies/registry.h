// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_POLICY_REGISTRY_H
#define OFFLOADSIM_POLICY_REGISTRY_H

// The policies that are built in. A new one is a file in this folder and a line in registry.c.

#include <stddef.h>

struct policy_type;

// All of them, in the order of the documentation.
const struct policy_type *const *policy_registry(size_t *ret_count);

// NULL if there is none of that name.
const struct policy_type *policy_find(const char *name);

#endif
