// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_CLI_LOAD_H
#define OFFLOADSIM_CLI_LOAD_H

// From the words on the command line to an experiment that is ready to run.

#include "base/memory.h"
#include "cli/plugin_set.h"
#include "exp/experiment.h"
#include "scenario/diagnostics.h"

struct arguments;
struct prediction;
struct text;

// When a warning was given.
enum load_warnings { WARNINGS_READING, WARNINGS_BEFORE, WARNINGS_AFTER, WARNINGS_COUNT_ };

// Stays where it is: the scenario knows the address of its plug-ins.
struct loaded {
    struct arena arena;
    struct plugin_set plugins;
    struct plugin_opener opener;
    struct experiment experiment;
    struct diagnostics warnings[WARNINGS_COUNT_];
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

// What is expected of each point (exp/predict.h), in `arena`; NULL with a message if a pilot
// failed.
struct prediction *load_predict(const struct loaded *loaded, struct arena *arena,
                                struct text *ret_error);

// Looks for settings without effect (exp/effect.h) in what was loaded, and prints the warnings.
// `predictions`, one a point, may be NULL. Returns STATUS_FINE, or with --strict and any warning,
// also of the reading, STATUS_BAD_INPUT with a message.
int load_check_effects(const struct arguments *arguments, struct loaded *loaded,
                       const struct prediction *predictions);
// The same of an experiment that ran: finds them, and, once its results are printed, prints them.
void load_find_effects_of_run(struct loaded *loaded);
int load_print_effects_of_run(const struct arguments *arguments, const struct loaded *loaded);

#endif
