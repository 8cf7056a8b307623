// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_SCENARIO_OVERRIDE_H
#define OFFLOADSIM_SCENARIO_OVERRIDE_H

// Values that replace those of the file: `--set tiers.device.nodes=1`, and the points of a sweep.
//
// A path is keys with dots between them. An item of a list is addressed by its `name`, by `FROM-TO`
// if it has those two keys, by its only key or its own text (a list of policies), or by its number,
// counted from 0. A key that is not there is made, so that any setting that was left to its default
// can be set. Where the file has a shorthand, the path may go on as if it were written out:
// `policy: hi_threshold` is the mapping `hi_threshold: {}`, and `{exponential: 10 ms}` keeps its
// 10 ms as the value of the first key.
//
// The tree is changed in place; what the keys mean is checked when it is read.

#include "scenario/source.h"

#include <stddef.h>

struct arena;
struct diagnostics;
struct node;

// Where a file says what became an override: an axis of its `sweep` block.
struct override_origin {
    struct mark path;         // the key that is the path
    const struct node *value; // what is written of the value: itself, or a range that it is one of;
                              // NULL: it is written nowhere but in the override
};

// `text` is "path=value", the value in YAML. What is wrong with it is reported at its origin; if
// that is NULL or empty, within the text, which messages call `name` ("--set"). Returns 0, or -1
// with an error.
int override_apply(struct node **root, const char *name, const char *text,
                   const struct override_origin *origin, struct arena *arena,
                   struct diagnostics *diagnostics);

#endif
