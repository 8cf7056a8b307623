// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_CLI_PLUGIN_SET_H
#define OFFLOADSIM_CLI_PLUGIN_SET_H

// The shared objects that a command has opened. They stay open until it ends, because policies are
// called wherever they are.

#include "scenario/plugins.h"

#include <stddef.h>

struct plugin;

// `{0}` is empty. It must stay where it is once its opener was lent to a scenario.
struct plugin_set {
    struct plugin *items;
    size_t count;
};

// An opener that keeps what it opens in `set`.
struct plugin_opener plugin_set_opener(struct plugin_set *set);
void plugin_set_finish(struct plugin_set *set);

#endif
