// SPDX-License-Identifier: GPL-3.0-or-later

// Values with structure: objects and variants. Lists and maps are in field_list.c.

#include "scenario/field_parts.h"

#include "base/memory.h"
#include "base/text.h"
#include "policies/policy.h"
#include "scenario/diagnostics.h"
#include "scenario/settings.h"
#include "scenario/spec.h"
#include "scenario/tree.h"

#include <string.h>

static size_t count_fields(const struct field *fields)
{
    size_t count = 0;
    while (fields && fields[count].name) {
        count++;
    }
    return count;
}

// Finds in which section a key belongs that was written elsewhere. Objects only: below lists and
// variants the same names mean many things.
static const char *find_home(const struct field *fields, const char *key, const char *path,
                             struct arena *arena)
{
    for (const struct field *field = fields; field && field->name; field++) {
        if (field->type.kind == FIELD_OBJECT) {
            const char *below = arena_format(arena, "%s%s%s", path, *path ? "." : "", field->name);
            for (const struct field *f = field->type.fields; f->name; f++) {
                if (strcmp(f->name, key) == 0) {
                    return below;
                }
            }
            const char *home = find_home(field->type.fields, key, below, arena);
            if (home) {
                return home;
            }
        }
    }
    return NULL;
}

static void refuse_key(struct field_reader *reader, const struct field *fields,
                       const struct node_item *item, const char *owner)
{
    struct diagnostics *diagnostics = reader->diagnostics;
    diagnostics_error(diagnostics, &item->key_mark, "unknown key '%s' in %s",
                      diagnostics_quote(diagnostics, item->key), owner);
    if (diagnostics_are_full(diagnostics)) {
        return;
    }
    size_t count = count_fields(fields);
    const char **names = arena_new_array(&diagnostics->arena, count + 1, const char *);
    for (size_t i = 0; i < count; i++) {
        names[i] = fields[i].name;
    }
    if (!count) {
        diagnostics_hint(diagnostics, "%s takes no keys: remove it", owner);
        return;
    }
    if (!text_nearest(item->key, names, count)) {
        for (const struct field *field = reader->root; field && field->name; field++) {
            if (strcmp(field->name, item->key) == 0) {
                diagnostics_hint(diagnostics,
                                 "'%s' is a key of the scenario itself: check the indentation",
                                 field->name);
                return;
            }
        }
        const char *home = find_home(reader->root, item->key, "", &diagnostics->arena);
        if (home) {
            diagnostics_hint(diagnostics, "'%s' belongs in '%s'", item->key, home);
            return;
        }
    }
    diagnostics_suggest(diagnostics, item->key, names, count, "its keys");
}

static const struct field *find_field(const struct field *fields, const char *key)
{
    for (const struct field *field = fields; field && field->name; field++) {
        if (strcmp(field->name, key) == 0) {
            return field;
        }
    }
    return NULL;
}

// The item that gives a field its value: by its key or, for the first field, the shorthand.
static const struct node_item *find_item(const struct field *fields, const struct field *field,
                                         const struct node *node)
{
    if (!node) {
        return NULL;
    }
    const struct node_item *item = node_find(node, field->name);
    if (!item && field == fields && node->count && node->items[0].is_shorthand) {
        item = &node->items[0];
    }
    return item;
}

static void read_default(struct field_reader *reader, const struct field *field, char *base,
                         const struct field_at *around)
{
    struct field_at at = {.key = field->name, .dimension = around->dimension};
    const bool defines = field->type.kind == FIELD_LIST || field->type.kind == FIELD_MAP;
    if (defines && !reader->names.names[field->type.set]) {
        reader->names.is_complete[field->type.set] = true; // and empty
    }
    if (field->flags & FIELD_SECTION) {
        struct mark nowhere = {0};
        field_read_members(reader, field->type.fields, NULL, base + field->offset, field->name,
                           &nowhere, &at);
    } else if (field->default_text) {
        struct node node = {.kind = NODE_SCALAR, .text = field->default_text, .is_quoted = true};
        bool is_left_out = !*field->default_text && field->type.kind == FIELD_LIST;
        if (!is_left_out) {
            field_read_value(reader, &field->type, &node, base, field->offset, &at);
        }
    }
}

static void refuse_missing(struct field_reader *reader, const struct field *field,
                           const char *owner, const struct mark *mark)
{
    diagnostics_error(reader->diagnostics, mark, "%s lacks the key '%s'", owner, field->name);
    diagnostics_hint(reader->diagnostics, "'%s': %s (%s)", field->name, field->meaning,
                     field_type_text(&field->type, &reader->diagnostics->arena));
}

void field_read_members(struct field_reader *reader, const struct field *fields,
                        const struct node *node, void *base, const char *owner,
                        const struct mark *mark, const struct field_at *around)
{
    for (size_t i = 0; node && i < node->count; i++) {
        const struct node_item *item = &node->items[i];
        if (!(item->is_shorthand && fields) && !find_field(fields, item->key)) {
            refuse_key(reader, fields, item, owner);
        }
    }
    for (const struct field *field = fields; field && field->name; field++) {
        const struct node_item *item = find_item(fields, field, node);
        if (!item) {
            bool is_required =
                !field->default_text && !(field->flags & (FIELD_OPTIONAL | FIELD_SECTION));
            if (is_required) {
                refuse_missing(reader, field, owner, mark);
            } else {
                read_default(reader, field, base, around);
            }
            continue;
        }
        struct field_at at = {
            .key = field->name, .key_mark = &item->key_mark, .dimension = around->dimension};
        field_read_value(reader, &field->type, item->value, base, field->offset, &at);
    }
}

// What an object is called: "tier 'edge'" by its name or, in a list, its number; else its key.
static const char *object_owner(struct field_reader *reader, const struct field_type *type,
                                const struct node *node, const struct field_at *at)
{
    struct arena *arena = &reader->diagnostics->arena;
    if (!type->noun) {
        return arena_format(arena, "'%s'", at->key);
    }
    const char *name = node_name(node, arena);
    return arena_format(arena, "%s '%s'", type->noun, name ? name : at->key);
}

static void read_object(struct field_reader *reader, const struct field_type *type,
                        const struct node *node, char *place, const struct field_at *at)
{
    const char *owner = object_owner(reader, type, node, at);
    // A bare value may stand for the first key; the others get their defaults.
    struct node_item item = {
        .key = "", .key_mark = node->mark, .is_shorthand = true, .value = (struct node *)node};
    const struct node mapping = {
        .kind = NODE_MAPPING, .mark = node->mark, .text = "", .items = &item, .count = 1};
    if ((type->flags & FIELD_OR_SINGLE) && node->kind == NODE_SCALAR && !node_is_null(node)) {
        node = &mapping;
    }
    if (node->kind != NODE_MAPPING && !node_is_null(node)) {
        diagnostics_error(reader->diagnostics, &node->mark, "%s must be a mapping, not %s", owner,
                          node->kind == NODE_SCALAR ? "a single value" : "a list");
        diagnostics_hint(reader->diagnostics, "write its keys as '%s: ...', one a line",
                         type->fields[0].name);
        return;
    }
    if (type->flags & FIELD_HAS_PRESENCE) {
        *(bool *)(place + type->count_offset) = true;
    }
    struct field_at below = *at;
    below.dimension = field_dimension(type, at->dimension);
    field_read_members(reader, type->fields, node->kind == NODE_MAPPING ? node : NULL, place, owner,
                       at->key_mark ? at->key_mark : &node->mark, &below);
}

// The choice of a variant: a case, and the node that holds its values (NULL if there is none).
struct choice {
    const struct field_case *chosen;
    const struct node *values;
    bool is_bare_value; // `values` is a value without the name of the case
    struct mark mark;   // of the name
};

static const struct field_case *find_case(const struct field_case *cases, const char *name)
{
    for (const struct field_case *c = cases; c->name; c++) {
        if (strcmp(c->name, name) == 0) {
            return c;
        }
    }
    return NULL;
}

static void refuse_case(struct field_reader *reader, const struct field_case *cases,
                        const char *name, const struct mark *mark, const char *noun)
{
    struct diagnostics *diagnostics = reader->diagnostics;
    size_t count = 0;
    while (cases[count].name) {
        count++;
    }
    const char **names = arena_new_array(&diagnostics->arena, count + 1, const char *);
    for (size_t i = 0; i < count; i++) {
        names[i] = cases[i].name;
    }
    diagnostics_error(diagnostics, mark, "unknown %s '%s'", noun,
                      diagnostics_quote(diagnostics, name));
    diagnostics_suggest(diagnostics, name, names, count, "it is one of");
}

static bool is_word(const char *text)
{
    return (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z');
}

// Of several keys the one that counts: an override that adds a case replaces what was chosen.
static const struct node_item *only_item(struct field_reader *reader, const struct node *node,
                                         const char *noun, const struct field_at *at)
{
    const struct node_item *last = &node->items[node->count - 1];
    for (size_t i = 0; i + 1 < node->count; i++) {
        const struct node_item *item = &node->items[i];
        if (item->is_shorthand || item->key_mark.source != last->key_mark.source) {
            continue;
        }
        diagnostics_error(reader->diagnostics, &last->key_mark, "'%s' has both '%s' and '%s'",
                          at->key, diagnostics_quote(reader->diagnostics, item->key),
                          diagnostics_quote(reader->diagnostics, last->key));
        diagnostics_hint(reader->diagnostics, "it takes one %s: remove the others", noun);
        return NULL;
    }
    return last;
}

static void hint_cases(struct field_reader *reader, const struct field_case *cases,
                       const char *bare_case, const struct field_at *at)
{
    struct text names = {0};
    for (const struct field_case *c = cases; c->name; c++) {
        text_format(&names, "%s%s", c == cases ? "" : ", ", c->name);
    }
    diagnostics_hint(reader->diagnostics, "write %s'%s: {KIND: ...}', KIND being one of %s",
                     bare_case ? "a single value, or " : "", at->key, text_string(&names));
    text_finish(&names);
}

// Whether a word stands for the first value of a case: "unlimited".
static bool is_word_of(const struct field_case *chosen, const char *text)
{
    const char *word = chosen->fields ? chosen->fields[0].type.word : NULL;
    return word && strcmp(word, text) == 0;
}

static bool choose(struct field_reader *reader, const struct field_case *cases,
                   const char *bare_case, const char *noun, const struct node *node,
                   const struct field_at *at, struct choice *ret_choice)
{
    struct choice choice = {.mark = at->key_mark ? *at->key_mark : node->mark};
    const char *name = node->text;
    if (node->kind == NODE_SCALAR) {
        choice.mark = node->mark;
        const struct field_case *bare = bare_case ? find_case(cases, bare_case) : NULL;
        if (bare && (node_is_null(node) || !is_word(name) || is_word_of(bare, name))) {
            choice.chosen = bare;
            choice.values = node;
            choice.is_bare_value = true;
            *ret_choice = choice;
            return true;
        }
    }
    if (node->kind == NODE_SEQUENCE || !(node->kind == NODE_SCALAR ? *name != 0 : node->count)) {
        const struct mark *mark = node->kind == NODE_SEQUENCE ? &node->mark : &choice.mark;
        diagnostics_error(reader->diagnostics, mark, "'%s' must name one %s", at->key, noun);
        hint_cases(reader, cases, bare_case, at);
        return false;
    }
    if (node->kind == NODE_MAPPING) {
        const struct node_item *item = only_item(reader, node, noun, at);
        if (!item) {
            return false;
        }
        name = item->key;
        choice.mark = item->key_mark;
        choice.values = item->value;
    }
    choice.chosen = find_case(cases, name);
    if (!choice.chosen && cases == reader->policies->cases && !reader->policies->is_complete) {
        return false;
    }
    if (!choice.chosen) {
        refuse_case(reader, cases, name, &choice.mark, noun);
        return false;
    }
    *ret_choice = choice;
    return true;
}

// Reads the values behind the name of a case.
static void read_case(struct field_reader *reader, const struct choice *choice, const char *noun,
                      char *place, const struct field_at *at)
{
    const struct field_case *chosen = choice->chosen;
    const struct node *values = choice->values;
    const char *owner = arena_format(&reader->diagnostics->arena, "%s '%s'", noun, chosen->name);
    size_t errors = reader->diagnostics->errors;
    struct field_at below = *at;
    below.key_mark = &choice->mark;
    bool is_empty = !values || (node_is_null(values) && !choice->is_bare_value);
    if (choice->is_bare_value) {
        below.key = at->key;
        field_read_scalar(reader, &chosen->fields->type, values, place + chosen->fields->offset,
                          &below);
    } else if (chosen->is_bare) {
        struct node none = {.kind = NODE_SCALAR, .mark = choice->mark, .text = ""};
        below.key = chosen->name;
        field_read_value(reader, &chosen->fields->type, values ? values : &none, place,
                         chosen->fields->offset, &below);
    } else if (is_empty || values->kind == NODE_MAPPING) {
        field_read_members(reader, chosen->fields, is_empty ? NULL : values, place, owner,
                           &choice->mark, &below);
    } else if (!count_fields(chosen->fields)) {
        diagnostics_error(reader->diagnostics, &values->mark, "%s has no parameters", owner);
        diagnostics_hint(reader->diagnostics, "write '%s' alone", chosen->name);
    } else {
        // The one value is that of the first key; the others get their defaults.
        struct node_item item = {.key = "",
                                 .key_mark = choice->mark,
                                 .is_shorthand = true,
                                 .value = (struct node *)values};
        struct node mapping = {
            .kind = NODE_MAPPING, .mark = values->mark, .text = "", .items = &item, .count = 1};
        field_read_members(reader, chosen->fields, &mapping, place, owner, &choice->mark, &below);
    }
    const char *hint = "";
    const char *problem =
        chosen->check && reader->diagnostics->errors == errors ? chosen->check(place, &hint) : NULL;
    if (problem) {
        diagnostics_error(reader->diagnostics, &choice->mark, "%s: %s", owner, problem);
        diagnostics_hint(reader->diagnostics, "%s", hint);
    }
}

static void read_variant(struct field_reader *reader, const struct field_type *type,
                         const struct node *node, char *place, const struct field_at *at)
{
    struct choice choice;
    if (!choose(reader, type->cases, type->bare_case, type->noun, node, at, &choice)) {
        return;
    }
    if ((type->flags & FIELD_NO_COLUMN) && strcmp(choice.chosen->name, "column") == 0) {
        diagnostics_error(reader->diagnostics, &choice.mark,
                          "'%s' cannot come from a column of the trace", at->key);
        diagnostics_hint(reader->diagnostics, "it belongs to no sample; give a distribution");
        return;
    }
    *(int *)(place + type->kind_offset) = choice.chosen->value;
    if (type->flags & FIELD_HAS_PRESENCE) {
        *(bool *)(place + type->count_offset) = true;
    }
    struct field_at below = *at;
    below.dimension = field_dimension(type, at->dimension);
    read_case(reader, &choice, type->noun, place, &below);
}

static void read_policy(struct field_reader *reader, const struct node *node,
                        struct spec_policy *place, const struct field_at *at)
{
    struct choice choice;
    if (!choose(reader, reader->policies->cases, NULL, "policy", node, at, &choice)) {
        return;
    }
    place->type = reader->policies->types[choice.chosen->value];
    place->parameters = arena_alloc(reader->arena, choice.chosen->bytes);
    read_case(reader, &choice, "policy", place->parameters, at);
}

// Notes where a value was written. A section has no slot of its own.
static void remember(struct field_reader *reader, const struct field_type *type,
                     const struct node *node, const char *place, const struct field_at *at)
{
    bool is_section =
        type->kind == FIELD_OBJECT && !type->noun && !(type->flags & FIELD_HAS_PRESENCE);
    if (node->mark.source && !is_section) {
        size_t within = type->kind == FIELD_VARIANT ? type->kind_offset : 0;
        settings_add(reader->settings, place + within, at->key_mark, &node->mark);
    }
}

void field_read_value(struct field_reader *reader, const struct field_type *type,
                      const struct node *node, char *base, size_t offset, const struct field_at *at)
{
    char *place = base + offset;
    if (type->kind == FIELD_ELSEWHERE) {
        return;
    }
    remember(reader, type, node, place, at);
    switch (type->kind) {
    case FIELD_OBJECT:
        read_object(reader, type, node, place, at);
        break;
    case FIELD_VARIANT:
        read_variant(reader, type, node, place, at);
        break;
    case FIELD_POLICY:
        read_policy(reader, node, (struct spec_policy *)(void *)place, at);
        break;
    case FIELD_LIST:
        field_read_list(reader, type, node, base, offset, at);
        break;
    case FIELD_MAP:
        field_read_map(reader, type, node, base, offset, at);
        break;
    case FIELD_AMOUNTS:
        field_read_amounts(reader, type, node, (double **)(void *)place, at);
        break;
    default:
        field_read_scalar(reader, type, node, place, at);
    }
}
