// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_CLI_ABOUT_H
#define OFFLOADSIM_CLI_ABOUT_H

// What the program says of itself to others: its version to people, its manual page to man(1), its
// commands and options to shells. All of it is made from the tables of cli/options.h, when the
// program is built, so that nothing that is installed can be behind the program.

struct text;

void version_add(struct text *text);

void manual_add(struct text *text);

// Returns -1 for a shell that is not known.
int completion_add(const char *shell, struct text *text);

#endif
