// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_CLI_FIT_PLAN_H
#define OFFLOADSIM_CLI_FIT_PLAN_H

// What `fit` reads of a trace: the columns that its options name or, without them, those that their
// names give away.

#include "exp/fit.h"
#include "scenario/trace_read.h"

struct arena;
struct arguments;
struct diagnostics;

struct fit_plan {
    struct trace_plan trace;
    struct fit_names names;
};

// Looks at the file's header and, in the long layout, at the values of its exit column. Returns 0,
// or -1 with errors.
int fit_plan_make(const struct arguments *arguments, struct arena *arena,
                  struct diagnostics *diagnostics, struct fit_plan *ret_plan);

#endif
