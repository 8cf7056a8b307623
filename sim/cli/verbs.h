// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_CLI_VERBS_H
#define OFFLOADSIM_CLI_VERBS_H

// One file a command. Each takes the parsed command line and returns the exit status.

struct arguments;

int verb_run(const struct arguments *arguments);
int verb_check(const struct arguments *arguments);
int verb_policies(const struct arguments *arguments);
int verb_compare(const struct arguments *arguments);
int verb_sweep(const struct arguments *arguments);
int verb_reprice(const struct arguments *arguments);
int verb_keys(const struct arguments *arguments);
int verb_fit(const struct arguments *arguments);
int verb_query(const struct arguments *arguments);
int verb_export(const struct arguments *arguments);
int verb_merge(const struct arguments *arguments);

#endif
