// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_CLI_LOAD_H
#define OFFLOADSIM_CLI_LOAD_H

// From the words on the command line to an experiment that is ready to run.

#include "base/memory.h"
#include "cli/plugin_set.h"
#include "exp/experiment.h"

struct arguments;
struct spec;

// Stays where it is: the scenario knows the address of its plug-ins.
struct loaded {
    struct arena arena;
    struct plugin_set plugins;
    struct plugin_opener opener;
    struct spec *spec;
    struct experiment experiment;
};

// Reads the scenario that is the first operand, with --set, --seed and --replications applied, and
// builds its points. Warnings and errors go to standard error. Returns an exit status; with any but
// STATUS_FINE there is nothing to use. The caller ends with load_finish() in either case.
int load_scenario(const struct arguments *arguments, struct loaded *ret_loaded);
void load_finish(struct loaded *loaded);

#endif
