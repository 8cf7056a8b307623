// SPDX-License-Identifier: GPL-3.0-or-later
#include "scenario/plugins.h"

#include "base/check.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/text.h"
#include "policies/policy.h"
#include "scenario/diagnostics.h"
#include "scenario/file.h"
#include "scenario/policy_check.h"
#include "scenario/spec.h"
#include "scenario/tree.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_BYTES = 256 * 1024 * 1024 };

struct known_plugin {
    struct known_plugin *next;
    const char *path;
    const struct policy_type *type;
    uint64_t hash[4];
};

int plugin_load(const struct plugin_opener *opener, const char *path,
                const struct policy_type **ret_type, uint64_t ret_hash[4], struct text *ret_message,
                struct text *ret_hint)
{
    struct file_problem problem;
    char *bytes;
    size_t length;
    if (!opener) {
        text_add(ret_message, "cannot be loaded here");
        text_add(ret_hint, "use a policy that is built in");
        return -1;
    }
    if (file_read(path, MOST_BYTES, &bytes, &length, &problem) != 0) {
        text_add(ret_message, problem.message);
        text_add(ret_hint, problem.hint);
        return -1;
    }
    struct hash hash;
    hash_init(&hash);
    hash_add(&hash, bytes, length);
    hash_finish(&hash, ret_hash);
    const struct policy_type *type =
        opener->open(opener->context, path, bytes, length, ret_message, ret_hint);
    free(bytes);
    if (!type) {
        return -1;
    }
    struct text problem_text = {0};
    const int status = policy_check(type, &problem_text, ret_hint);
    if (status != 0) {
        text_format(ret_message, "makes no sense: %s", text_string(&problem_text));
    } else {
        *ret_type = type;
    }
    text_finish(&problem_text);
    return status;
}

static const struct known_plugin *find_known(const struct plugins *plugins, const char *path)
{
    const struct known_plugin *known = plugins->known;
    while (known && strcmp(known->path, path) != 0) {
        known = known->next;
    }
    return known;
}

static const struct known_plugin *load(struct plugins *plugins, const struct node *node,
                                       const char *path, struct diagnostics *diagnostics)
{
    const struct known_plugin *known = find_known(plugins, path);
    if (known) {
        return known;
    }
    struct known_plugin plugin = {.path = arena_text(plugins->arena, path)};
    struct text message = {0};
    struct text hint = {0};
    if (plugin_load(plugins->opener, path, &plugin.type, plugin.hash, &message, &hint) == 0) {
        struct known_plugin *added = arena_new(plugins->arena, struct known_plugin);
        plugin.next = plugins->known;
        *added = plugin;
        plugins->known = added;
        known = added;
    } else {
        diagnostics_error(diagnostics, &node->mark, "plug-in '%s' %s",
                          diagnostics_quote(diagnostics, node->text), text_string(&message));
        diagnostics_hint(diagnostics, "%s", text_string(&hint));
    }
    text_finish(&message);
    text_finish(&hint);
    return known;
}

// Whether a name is taken already: by a policy of the program or of an earlier plug-in.
static bool is_taken(const struct policy_type *const *types, size_t count, size_t builtin_count,
                     const struct policy_type *type, const struct node *node,
                     struct diagnostics *diagnostics)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(types[i]->name, type->name) != 0) {
            continue;
        }
        const char *file = diagnostics_quote(diagnostics, node->text);
        if (types[i] == type) {
            diagnostics_error(diagnostics, &node->mark, "plug-in '%s' is listed twice", file);
            diagnostics_hint(diagnostics, "remove one of the two");
        } else {
            diagnostics_error(diagnostics, &node->mark,
                              "plug-in '%s' calls its policy '%s' like one of %s", file, type->name,
                              i < builtin_count ? "the program's own" : "another plug-in");
            diagnostics_hint(diagnostics, "give it another '.name'");
        }
        return true;
    }
    return false;
}

void plugins_load(struct plugins *plugins, const struct node *root, const char *scenario_path,
                  const struct field_policies *builtin, struct arena *arena,
                  struct diagnostics *diagnostics, struct field_policies *ret_policies)
{
    const struct node_item *item = root->kind == NODE_MAPPING ? node_find(root, "plugins") : NULL;
    *ret_policies = *builtin;
    if (!item) {
        return;
    }
    // What has no such form is refused when the fields are read.
    const bool is_list = item->value->kind == NODE_SEQUENCE;
    const size_t most = is_list ? item->value->count : 1;
    const struct policy_type **types =
        arena_new_array(arena, builtin->count + most, const struct policy_type *);
    memcpy(types, builtin->types, builtin->count * sizeof(*types));
    size_t count = builtin->count;
    bool is_complete = true;
    for (size_t i = 0; i < most; i++) {
        const struct node *node = is_list ? item->value->items[i].value : item->value;
        const struct known_plugin *known = NULL;
        if (node->kind == NODE_SCALAR && !node_is_null(node)) {
            known = load(plugins, node, file_beside(scenario_path, node->text, arena), diagnostics);
        }
        if (known && !is_taken(types, count, builtin->count, known->type, node, diagnostics)) {
            types[count++] = known->type;
        } else {
            is_complete = false;
        }
    }
    field_policies_init(ret_policies, types, count, arena);
    ret_policies->is_complete = is_complete;
}

void plugins_note(const struct plugins *plugins, const char *scenario_path, struct arena *arena,
                  struct spec *spec)
{
    for (int i = 0; i < spec->plugin_count; i++) {
        struct spec_plugin *plugin = &spec->plugins[i];
        const struct known_plugin *known =
            find_known(plugins, file_beside(scenario_path, plugin->path, arena));
        CHECK(NULL, known);
        plugin->type = known->type;
        memcpy(plugin->hash, known->hash, sizeof(plugin->hash));
    }
}
