// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_SCENARIO_PLUGINS_H
#define OFFLOADSIM_SCENARIO_PLUGINS_H

// The policies that a scenario brings along: `plugins: [./mypolicy.so]`. They are loaded before
// anything else of the scenario is read, because their tables say what may be written under
// `policy`. This room opens no shared objects; whoever reads the scenario lends it a function that
// does.

#include "scenario/field.h"

#include <stddef.h>
#include <stdint.h>

struct arena;
struct diagnostics;
struct node;
struct policy_type;
struct spec;
struct text;

struct plugin_opener {
    // Opens the file at `path`, whose content is `bytes`. Returns its policy, or NULL with a
    // message that goes on after the name of the file, and a hint. The policy must outlive the
    // scenario and all that comes of it.
    const struct policy_type *(*open)(void *context, const char *path, const void *bytes,
                                      size_t length, struct text *ret_message,
                                      struct text *ret_hint);
    void *context;
};

// Those that were loaded so far, each file once. `{0}` is empty.
struct plugins {
    const struct plugin_opener *opener; // NULL: a scenario must have none
    struct arena *arena;
    struct known_plugin *known;
};

// Reads the file of a plug-in, opens it and checks its policy. Returns 0, or -1 with a message that
// goes on after the name of the file, and a hint. `ret_hash` is that of its bytes.
int plugin_load(const struct plugin_opener *opener, const char *path,
                const struct policy_type **ret_type, uint64_t ret_hash[4], struct text *ret_message,
                struct text *ret_hint);

// Loads what the tree lists, in its order, with paths that start in the folder of `scenario_path`.
// `*ret_policies` are `builtin` and these; `is_complete` is false, and `diagnostics` has errors, if
// not all of them could be had.
void plugins_load(struct plugins *plugins, const struct node *root, const char *scenario_path,
                  const struct field_policies *builtin, struct arena *arena,
                  struct diagnostics *diagnostics, struct field_policies *ret_policies);

// Notes in the spec, which was read from the same tree, what each of its plug-ins is.
void plugins_note(const struct plugins *plugins, const char *scenario_path, struct arena *arena,
                  struct spec *spec);

#endif
