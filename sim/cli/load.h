// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_CLI_LOAD_H
#define OFFLOADSIM_CLI_LOAD_H

// From the words on the command line to an experiment that is ready to run.

#include "base/memory.h"
#include "cli/plugin_set.h"
#include "exp/experiment.h"

struct arguments;

// Stays where it is: the scenario knows the address of its plug-ins.
struct loaded {
    struct arena arena;
    struct plugin_set plugins;
    struct plugin_opener opener;
    struct experiment experiment;
};

enum load_what {
    LOAD_ALONE, // the scenario itself; its sweep block is left out, several values are an error
    LOAD_SWEEP  // all points of its sweep
};

// Reads the scenario that is the first operand, with --set, --seed and --replications applied, and
// plans its points. Warnings and errors go to standard error. Returns an exit status; with any but
// STATUS_FINE there is nothing to use. The caller ends with load_finish() in either case.
int load_scenario(const struct arguments *arguments, enum load_what what,
                  struct loaded *ret_loaded);
void load_finish(struct loaded *loaded);

#endif
