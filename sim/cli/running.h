// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_CLI_RUNNING_H
#define OFFLOADSIM_CLI_RUNNING_H

// What `run` and `sweep` share: from the command line to the printed table and the database, with
// progress on a terminal and a clean end on Ctrl-C.

#include "cli/load.h"

struct arguments;

// Returns the exit status.
int running_execute(const struct arguments *arguments, enum load_what what);

// The threads that a command uses, and the database that it may look into: NULL if there is none,
// or nothing in it, or if it is to be left alone.
int running_threads(const struct arguments *arguments);
const char *running_database(const struct arguments *arguments);

#endif
