// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_SCENARIO_TREE_H
#define OFFLOADSIM_SCENARIO_TREE_H

// YAML as a tree of nodes, each with the place where it was written. The tree knows nothing of what
// the keys mean; the field tables (scenario/field.h) give it sense.
//
// It is the plain half of YAML: scalars, lists and mappings with scalar keys, in one document.
// Anchors, aliases and tags are refused, because they would make a file mean something that its
// lines do not say; so are duplicate keys, which YAML forbids and most readers let pass.
//
// Limits, so that no input exhausts the machine: 64 levels of nesting, 1 000 000 nodes, 64 MiB of
// text. Texts and nodes belong to the arena; marks point at the source.

#include "scenario/source.h"

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct diagnostics;

enum { TREE_MOST_DEPTH = 64, TREE_MOST_NODES = 1000000, TREE_MOST_BYTES = 64 * 1024 * 1024 };

enum node_kind { NODE_SCALAR, NODE_SEQUENCE, NODE_MAPPING };

struct node_item {
    const char *key; // of a mapping; NULL in a sequence
    struct mark key_mark;
    // An override turned `{exponential: 10 ms}` into a mapping: this item is what stood there, the
    // value of the first key. Nothing that is written in YAML makes one.
    bool is_shorthand;
    struct node *value;
};

struct node {
    enum node_kind kind;
    bool is_quoted; // scalar in quotes, or a block scalar
    struct mark mark;
    const char *text; // of a scalar
    struct node_item *items;
    size_t count;
    size_t room;
};

// Reads `source` from the byte at `offset` to its end: all of a file, the value of an override.
// Returns 0, or -1 with errors in `diagnostics`. An empty text gives an empty scalar.
int tree_parse(const struct source *source, size_t offset, struct arena *arena,
               struct diagnostics *diagnostics, struct node **ret_root);

// Reads a file. An empty one is an error.
int tree_read(const char *path, struct arena *arena, struct diagnostics *diagnostics,
              struct node **ret_root);

// A copy whose nodes may be changed; texts and marks are shared with the original.
struct node *tree_copy(const struct node *node, struct arena *arena);

// The item of a mapping with this key, NULL if there is none.
struct node_item *node_find(const struct node *node, const char *key);

// A scalar that was left empty or says `null` or `~`.
bool node_is_null(const struct node *node);

// What a mapping is called in paths and messages: its `name`, or FROM-TO if it has those two keys,
// FROM.CLASS-TO with a third; NULL if it has neither.
const char *node_name(const struct node *node, struct arena *arena);

// "a list", "a mapping", "a value", for messages.
const char *node_kind_name(enum node_kind kind);

struct node *node_new(struct arena *arena, enum node_kind kind, const struct mark *mark);
struct node_item *node_append(struct node *node, struct arena *arena);

#endif
