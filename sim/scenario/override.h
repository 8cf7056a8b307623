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

#include <stddef.h>

struct arena;
struct diagnostics;
struct node;

// `text` is "path=value", the value in YAML. Messages call it `name` ("--set"). Returns 0, or -1
// with an error.
int override_apply(struct node **root, const char *name, const char *text, struct arena *arena,
                   struct diagnostics *diagnostics);

#endif
