// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_POLICY_PLUGIN_H
#define OFFLOADSIM_POLICY_PLUGIN_H

// A policy that was compiled on its own: a shared object that exports
//
//     const struct policy_type offloadsim_policy = {.api = POLICY_API_VERSION, .name = ...};
//
// It is loaded with all its symbols resolved and none of them given to anybody else, so plug-ins do
// not see each other. What it says of itself is only trusted as far as its API version: the tables
// of its parameters are for scenario/policy_check.h. Its code is not checked at all; it runs with
// the rights of the program.

#include <stddef.h>

struct policy_type;

struct plugin {
    void *handle;
    const struct policy_type *policy; // valid until plugin_close()
};

struct plugin_problem {
    char message[256]; // goes on after the name of the file: "has no 'offloadsim_policy'"
    char hint[256];
};

// Loads the file at `path`, whose content is `bytes`. A path without a folder is a file in the
// current one. Returns 0, or -1 with the problem.
int plugin_open(const char *path, const void *bytes, size_t length, struct plugin *ret_plugin,
                struct plugin_problem *ret_problem);

// Accepts NULL and what was never opened.
void plugin_close(struct plugin *plugin);

#endif
