// SPDX-License-Identifier: GPL-3.0-or-later
#include "cli/plugin_set.h"

#include "base/memory.h"
#include "base/text.h"
#include "policies/plugin.h"

#include <stdlib.h>

static const struct policy_type *open_plugin(void *context, const char *path, const void *bytes,
                                             size_t length, struct text *ret_message,
                                             struct text *ret_hint)
{
    struct plugin_set *set = context;
    struct plugin plugin;
    struct plugin_problem problem;
    if (plugin_open(path, bytes, length, &plugin, &problem) != 0) {
        text_add(ret_message, problem.message);
        text_add(ret_hint, problem.hint);
        return NULL;
    }
    set->items = memory_resize(set->items, set->count + 1, sizeof(*set->items));
    set->items[set->count++] = plugin;
    return plugin.policy;
}

struct plugin_opener plugin_set_opener(struct plugin_set *set)
{
    return (struct plugin_opener){.open = open_plugin, .context = set};
}

void plugin_set_finish(struct plugin_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        plugin_close(&set->items[i]);
    }
    free(set->items);
    *set = (struct plugin_set){0};
}
