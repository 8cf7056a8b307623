// SPDX-License-Identifier: GPL-3.0-or-later
#include "scenario/override.h"

#include "base/memory.h"
#include "base/text.h"
#include "scenario/diagnostics.h"
#include "scenario/tree.h"

#include <stdlib.h>
#include <string.h>

// The way along one path.
struct walk {
    struct arena *arena;
    struct diagnostics *diagnostics;
    const char *so_far; // path of the node that was reached; "" at the root
};

// What an item of a list is called in a path; NULL if it has no name.
static const char *item_name(const struct node *item, struct arena *arena)
{
    if (item->kind == NODE_SCALAR) {
        char first = item->text[0];
        bool is_word = (first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z');
        return is_word ? item->text : NULL;
    }
    const char *name = node_name(item, arena);
    if (name) {
        return name;
    }
    return item->kind == NODE_MAPPING && item->count == 1 ? item->items[0].key : NULL;
}

// Makes a mapping of a scalar or a list that stands for one.
static void expand(struct node *node, const char *next, const struct mark *mark,
                   struct arena *arena)
{
    struct node *before = arena_new(arena, struct node);
    *before = *node;
    *node = (struct node){.kind = NODE_MAPPING, .mark = before->mark, .text = ""};
    if (node_is_null(before)) {
        return;
    }
    struct node_item *item = node_append(node, arena);
    if (before->kind == NODE_SCALAR && strcmp(before->text, next) == 0) {
        *item = (struct node_item){.key = before->text, .key_mark = before->mark};
        item->value = node_new(arena, NODE_MAPPING, mark);
        return;
    }
    *item = (struct node_item){
        .key = "", .key_mark = before->mark, .is_shorthand = true, .value = before};
}

// What a path means that names an item: the item, or what is behind its only key.
static struct node **enter_item(struct node **item, const char *name, const struct mark *mark,
                                struct arena *arena)
{
    if ((*item)->kind == NODE_SCALAR) {
        expand(*item, name, mark, arena);
    }
    bool is_only_key = (*item)->count == 1 && strcmp((*item)->items[0].key, name) == 0;
    return is_only_key ? &(*item)->items[0].value : item;
}

static bool list_number(const char *text, size_t count, size_t *ret_index)
{
    if (!*text || strlen(text) > 7 || strspn(text, "0123456789") != strlen(text)) {
        return false;
    }
    size_t index = strtoul(text, NULL, 10);
    if (index >= count) {
        return false;
    }
    *ret_index = index;
    return true;
}

static struct node **find_in_list(struct walk *walk, struct node *list, const char *name,
                                  const struct mark *mark)
{
    const char **names = arena_new_array(walk->arena, list->count + 1, const char *);
    size_t named = 0;
    for (size_t i = 0; i < list->count; i++) {
        const char *item = item_name(list->items[i].value, walk->arena);
        if (item && strcmp(item, name) == 0) {
            return enter_item(&list->items[i].value, item, mark, walk->arena);
        }
        if (item) {
            names[named++] = item;
        }
    }
    size_t index;
    if (list_number(name, list->count, &index)) {
        return &list->items[index].value;
    }
    diagnostics_error(walk->diagnostics, mark, "no item '%s' in '%s'",
                      diagnostics_quote(walk->diagnostics, name), walk->so_far);
    if (named) {
        diagnostics_suggest(walk->diagnostics, name, names, named, "its items");
    } else if (list->count) {
        diagnostics_hint(walk->diagnostics, "its items have no names: address them by 0 to %zu",
                         list->count - 1);
    } else {
        diagnostics_hint(walk->diagnostics, "the list is empty: set it as a whole");
    }
    return NULL;
}

// A list of bare numbers is the shorthand of a mapping, a list of things with names is a list.
static bool is_shorthand_list(const struct node *list, const char *next, struct arena *arena)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].value->kind != NODE_SCALAR || item_name(list->items[i].value, arena)) {
            return false;
        }
    }
    return list->count && next[0] && !strchr("0123456789", next[0]);
}

static struct node **step(struct walk *walk, struct node *node, const char *key,
                          const struct mark *mark)
{
    if (node->kind == NODE_SEQUENCE && !is_shorthand_list(node, key, walk->arena)) {
        return find_in_list(walk, node, key, mark);
    }
    if (node->kind != NODE_MAPPING) {
        expand(node, key, mark, walk->arena);
    }
    struct node_item *item = node_find(node, key);
    if (!item || item->is_shorthand) {
        item = node_append(node, walk->arena);
        *item = (struct node_item){.key = key};
        // Null, so that the next step makes a mapping of it.
        item->value = node_new(walk->arena, NODE_SCALAR, mark);
    }
    item->key_mark = *mark;
    return &item->value;
}

static int refuse(struct diagnostics *diagnostics, const struct mark *mark, const char *message)
{
    diagnostics_error(diagnostics, mark, "%s", message);
    diagnostics_hint(diagnostics, "write PATH=VALUE, such as tiers.device.nodes=5");
    return -1;
}

static struct mark mark_of(const struct source *source, size_t offset, size_t length)
{
    struct mark mark = source_mark(source, offset);
    mark.length = length;
    return mark;
}

// The place of a key of the path, `length` bytes from `start` on. If the origin is in quotes, what
// stands there may be longer than the path; then its keys share its place.
static struct mark key_mark(const struct source *source, size_t path_length, size_t start,
                            size_t length, const struct override_origin *origin)
{
    struct mark mark = mark_of(source, start, length);
    if (origin) {
        const size_t before = mark.column - 1;
        mark = origin->path;
        if (mark.length == source_mark(source, path_length).column - 1) {
            mark.column += before;
            mark.length = length;
        }
    }
    return mark;
}

// Gives what was read from the text of an override the places of what was written: of each part
// its own, and where the two are not made alike, as with a range, that of the whole.
static void move_marks(struct node *node, const struct node *written, bool is_alike)
{
    is_alike = is_alike && node->kind == written->kind && node->count == written->count;
    node->mark = written->mark;
    for (size_t i = 0; i < node->count; i++) {
        node->items[i].key_mark = is_alike ? written->items[i].key_mark : written->mark;
        move_marks(node->items[i].value, is_alike ? written->items[i].value : written, is_alike);
    }
}

int override_apply(struct node **root, const char *name, const char *text,
                   const struct override_origin *origin, struct arena *arena,
                   struct diagnostics *diagnostics)
{
    origin = origin && origin->value ? origin : NULL;
    struct source *source = arena_new(arena, struct source);
    *source =
        (struct source){.name = name, .text = arena_text(arena, text), .length = strlen(text)};
    for (size_t i = 0; i < source->length;) {
        size_t size = source_character(source->text + i, source->length - i);
        if (!size) {
            const struct mark mark = mark_of(source, i, 1);
            return refuse(diagnostics, &mark, "invalid UTF-8");
        }
        i += size;
    }
    const char *equals = strchr(source->text, '=');
    if (!equals) {
        const struct mark mark = mark_of(source, 0, source->length);
        return refuse(diagnostics, &mark, "no '=' and no value");
    }
    struct node *value;
    size_t path_length = (size_t)(equals - source->text);
    if (tree_parse(source, path_length + 1, arena, diagnostics, &value) < 0) {
        return -1;
    }
    if (origin) {
        move_marks(value, origin->value, true);
    }
    struct walk walk = {.arena = arena, .diagnostics = diagnostics, .so_far = ""};
    struct node **place = root;
    for (size_t start = 0; start <= path_length;) {
        size_t length = strcspn(source->text + start, ".=");
        const struct mark mark = key_mark(source, path_length, start, length, origin);
        if (!length) {
            refuse(diagnostics, &mark, "a key is missing in the path");
            if (origin) {
                diagnostics_hint(diagnostics, "write 'PATH: [VALUE, VALUE]', such as "
                                              "'tiers.device.nodes: [5, 10]'");
            }
            return -1;
        }
        const char *key = arena_text_n(arena, source->text + start, length);
        place = step(&walk, *place, key, &mark);
        if (!place) {
            return -1;
        }
        start += length + 1;
        walk.so_far = arena_text_n(arena, source->text, start - 1);
    }
    *place = value;
    return 0;
}
