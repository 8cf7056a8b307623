// SPDX-License-Identifier: GPL-3.0-or-later
#include "scenario/tree.h"

#include "base/memory.h"
#include "scenario/diagnostics.h"
#include "scenario/file.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

struct reader {
    yaml_parser_t parser;
    const struct source *source;
    size_t offset; // of the first byte that is read
    struct mark start;
    struct arena *arena;
    struct diagnostics *diagnostics;
    size_t nodes;
    bool is_broken; // an error after which reading cannot go on
    struct node *open[TREE_MOST_DEPTH];
    struct node_item *waiting[TREE_MOST_DEPTH]; // for its value, in a mapping
    size_t depth;
    struct node *root;
};

struct node *node_new(struct arena *arena, enum node_kind kind, const struct mark *mark)
{
    struct node *node = arena_new(arena, struct node);
    node->kind = kind;
    node->text = "";
    if (mark) {
        node->mark = *mark;
    }
    return node;
}

struct node_item *node_append(struct node *node, struct arena *arena)
{
    if (node->count == node->room) {
        size_t room = node->room ? node->room * 2 : 4;
        struct node_item *items = arena_new_array(arena, room, struct node_item);
        if (node->count) {
            memcpy(items, node->items, node->count * sizeof(*items));
        }
        node->items = items;
        node->room = room;
    }
    return &node->items[node->count++];
}

struct node_item *node_find(const struct node *node, const char *key)
{
    for (size_t i = 0; i < node->count; i++) {
        if (node->items[i].key && strcmp(node->items[i].key, key) == 0) {
            return &node->items[i];
        }
    }
    return NULL;
}

bool node_is_null(const struct node *node)
{
    return node->kind == NODE_SCALAR && !node->is_quoted &&
           (!*node->text || strcmp(node->text, "~") == 0 || strcmp(node->text, "null") == 0);
}

const char *node_name(const struct node *node, struct arena *arena)
{
    if (node->kind != NODE_MAPPING) {
        return NULL;
    }
    static const char *const keys[] = {"name", "from", "to", "class"};
    const char *texts[] = {NULL, NULL, NULL, NULL};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        const struct node_item *item = node_find(node, keys[i]);
        texts[i] = item && item->value->kind == NODE_SCALAR ? item->value->text : NULL;
    }
    if (texts[0] || !texts[1] || !texts[2]) {
        return texts[0];
    }
    return texts[3] ? arena_format(arena, "%s.%s-%s", texts[1], texts[3], texts[2])
                    : arena_format(arena, "%s-%s", texts[1], texts[2]);
}

const char *node_kind_name(enum node_kind kind)
{
    return kind == NODE_SCALAR ? "a value" : kind == NODE_SEQUENCE ? "a list" : "a mapping";
}

struct node *tree_copy(const struct node *node, struct arena *arena)
{
    struct node *copy = arena_new(arena, struct node);
    *copy = *node;
    copy->room = node->count;
    copy->items = arena_new_array(arena, node->count, struct node_item);
    for (size_t i = 0; i < node->count; i++) {
        copy->items[i] = node->items[i];
        copy->items[i].value = tree_copy(node->items[i].value, arena);
    }
    return copy;
}

static struct mark mark_at(const struct reader *reader, yaml_mark_t start, size_t length)
{
    struct mark mark = {.source = reader->source,
                        .line = reader->start.line + start.line,
                        .column = start.column + 1,
                        .length = length};
    if (start.line == 0) {
        mark.column += reader->start.column - 1;
    }
    return mark;
}

static struct mark event_mark(const struct reader *reader, const yaml_event_t *event)
{
    size_t length = event->end_mark.line == event->start_mark.line
                        ? event->end_mark.column - event->start_mark.column
                        : 1;
    return mark_at(reader, event->start_mark, length);
}

// What the messages of libyaml mean to someone who writes a scenario.
static const struct {
    const char *problem;
    const char *hint;
} yaml_hints[] = {
    {"found character that cannot start any token",
     "indent with spaces instead of tabs, and put text that starts with @, ` or % in quotes"},
    {"mapping values are not allowed in this context",
     "check the indentation; a value that holds ': ' needs quotes"},
    {"could not find expected ':'", "write 'key: value', with a space after the colon"},
    {"did not find expected key", "keys of one mapping start in the same column"},
    {"did not find expected '-' indicator", "items of one list start in the same column"},
    {"did not find expected ',' or '}'", "a mapping that starts with '{' ends with '}'"},
    {"did not find expected ',' or ']'", "a list that starts with '[' ends with ']'"},
    {"found unexpected end of stream", "a quote or bracket is not closed"},
    {"control characters are not allowed", "remove the character; YAML is plain text"},
};

// The place of the problem, or, where the text just ends too early, of what is not complete.
static struct mark problem_mark(const struct reader *reader)
{
    const yaml_parser_t *parser = &reader->parser;
    if (parser->error == YAML_READER_ERROR) {
        return source_mark(reader->source, reader->offset + parser->problem_offset);
    }
    struct mark mark = mark_at(reader, parser->problem_mark, 0);
    const char *line;
    size_t length;
    bool is_end = !source_line(reader->source, mark.line, &line, &length) || !length;
    return is_end && parser->context ? mark_at(reader, parser->context_mark, 0) : mark;
}

static void report_yaml(struct reader *reader)
{
    const yaml_parser_t *parser = &reader->parser;
    const char *problem = parser->problem;
    if (!problem || parser->error == YAML_MEMORY_ERROR) {
        memory_give_up(); // nothing else goes without a problem
    }
    const struct mark mark = problem_mark(reader);
    diagnostics_error(reader->diagnostics, &mark, "invalid YAML: %s", problem);
    size_t count = sizeof(yaml_hints) / sizeof(yaml_hints[0]);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(yaml_hints[i].problem, problem) != 0) {
            continue;
        }
        const struct mark start = mark_at(reader, parser->context_mark, 0);
        if (parser->context && (start.line != mark.line || start.column != mark.column)) {
            diagnostics_hint(reader->diagnostics, "%s; this one starts in line %zu, column %zu",
                             yaml_hints[i].hint, start.line, start.column);
        } else {
            diagnostics_hint(reader->diagnostics, "%s", yaml_hints[i].hint);
        }
    }
    reader->is_broken = true;
}

// Anchors and tags are complained of and otherwise ignored, so that what follows is checked too.
static void refuse_extras(struct reader *reader, const struct mark *mark, const yaml_char_t *anchor,
                          const yaml_char_t *tag)
{
    if (anchor) {
        diagnostics_error(reader->diagnostics, mark, "anchors such as '&%s' are not supported",
                          diagnostics_quote(reader->diagnostics, (const char *)anchor));
        diagnostics_hint(reader->diagnostics, "write the value out wherever it is needed");
    }
    if (tag) {
        static const char standard[] = "tag:yaml.org,2002:"; // written as "!!"
        const char *name = (const char *)tag;
        bool is_standard = strncmp(name, standard, sizeof(standard) - 1) == 0;
        diagnostics_error(reader->diagnostics, mark, "tags such as '%s%s' are not supported",
                          is_standard ? "!!" : "",
                          diagnostics_quote(reader->diagnostics,
                                            name + (is_standard ? sizeof(standard) - 1 : 0)));
        diagnostics_hint(reader->diagnostics, "leave the tag out: the key says what its value is");
    }
}

// A key opens an item that waits for its value.
static void add_key(struct reader *reader, struct node *mapping, const yaml_event_t *event,
                    const struct mark *mark)
{
    const char *key = (const char *)event->data.scalar.value;
    struct node_item *item = node_append(mapping, reader->arena);
    *item = (struct node_item){.key = arena_text(reader->arena, key), .key_mark = *mark};
    reader->waiting[reader->depth - 1] = item;
}

static int compare_keys(const void *left, const void *right)
{
    const struct node_item *a = *(const struct node_item *const *)left;
    const struct node_item *b = *(const struct node_item *const *)right;
    int order = strcmp(a->key, b->key);
    return order ? order : a < b ? -1 : a > b;
}

// Duplicates are found by sorting, because a mapping may have a million keys. The first of them
// stays.
static void refuse_duplicates(struct reader *reader, struct node *mapping)
{
    if (mapping->count < 2) {
        return;
    }
    const struct node_item **sorted = memory_resize(NULL, mapping->count, sizeof(*sorted));
    for (size_t i = 0; i < mapping->count; i++) {
        sorted[i] = &mapping->items[i];
    }
    qsort(sorted, mapping->count, sizeof(*sorted), compare_keys);
    const struct node_item *first = sorted[0];
    for (size_t i = 1; i < mapping->count; i++) {
        if (strcmp(sorted[i]->key, first->key) != 0) {
            first = sorted[i];
            continue;
        }
        diagnostics_error(reader->diagnostics, &sorted[i]->key_mark, "duplicate key '%s'",
                          diagnostics_quote(reader->diagnostics, first->key));
        diagnostics_hint(reader->diagnostics, "it was given in line %zu, column %zu already",
                         first->key_mark.line, first->key_mark.column);
    }
    free(sorted);
}

// Puts a finished or opened node where it belongs: the root, a list, or the key that waits.
static void place_node(struct reader *reader, struct node *node)
{
    if (!reader->depth) {
        reader->root = node;
        return;
    }
    struct node *parent = reader->open[reader->depth - 1];
    if (parent->kind == NODE_SEQUENCE) {
        node_append(parent, reader->arena)->value = node;
    } else {
        reader->waiting[reader->depth - 1]->value = node;
        reader->waiting[reader->depth - 1] = NULL;
    }
}

static bool wants_key(const struct reader *reader)
{
    return reader->depth && reader->open[reader->depth - 1]->kind == NODE_MAPPING &&
           !reader->waiting[reader->depth - 1];
}

static void open_node(struct reader *reader, enum node_kind kind, const struct mark *mark)
{
    if (wants_key(reader)) {
        diagnostics_error(reader->diagnostics, mark, "a key must be a plain word, not %s",
                          node_kind_name(kind));
        diagnostics_hint(reader->diagnostics, "write 'key: value'; check the brackets");
        reader->is_broken = true;
        return;
    }
    if (reader->depth == TREE_MOST_DEPTH) {
        diagnostics_error(reader->diagnostics, mark, "nested deeper than %d levels",
                          TREE_MOST_DEPTH);
        diagnostics_hint(reader->diagnostics, "no scenario needs that; check the brackets");
        reader->is_broken = true;
        return;
    }
    struct node *node = node_new(reader->arena, kind, mark);
    place_node(reader, node);
    reader->open[reader->depth] = node;
    reader->waiting[reader->depth] = NULL;
    reader->depth++;
}

static void close_node(struct reader *reader)
{
    reader->depth--;
    if (reader->open[reader->depth]->kind == NODE_MAPPING) {
        refuse_duplicates(reader, reader->open[reader->depth]);
    }
}

static void take_scalar(struct reader *reader, const yaml_event_t *event, const struct mark *mark)
{
    const char *text = (const char *)event->data.scalar.value;
    if (strlen(text) != event->data.scalar.length) {
        diagnostics_error(reader->diagnostics, mark, "a text must not hold NUL characters");
        diagnostics_hint(reader->diagnostics, "remove the '\\0'");
    }
    if (wants_key(reader)) {
        add_key(reader, reader->open[reader->depth - 1], event, mark);
        return;
    }
    struct node *node = node_new(reader->arena, NODE_SCALAR, mark);
    node->text = arena_text(reader->arena, text);
    node->is_quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    place_node(reader, node);
}

static void take_alias(struct reader *reader, const yaml_event_t *event, const struct mark *mark)
{
    diagnostics_error(
        reader->diagnostics, mark, "aliases such as '*%s' are not supported",
        diagnostics_quote(reader->diagnostics, (const char *)event->data.alias.anchor));
    diagnostics_hint(reader->diagnostics, "write the value out; text that starts with '*' needs "
                                          "quotes");
    reader->is_broken = true;
}

static void take_event(struct reader *reader, const yaml_event_t *event)
{
    struct mark mark = event_mark(reader, event);
    if (event->type == YAML_SCALAR_EVENT || event->type == YAML_SEQUENCE_START_EVENT ||
        event->type == YAML_MAPPING_START_EVENT) {
        if (++reader->nodes > TREE_MOST_NODES) {
            diagnostics_error(reader->diagnostics, &mark, "more than %d values", TREE_MOST_NODES);
            diagnostics_hint(reader->diagnostics, "keep tables of numbers in a CSV file");
            reader->is_broken = true;
            return;
        }
    }
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (reader->root) {
            diagnostics_error(reader->diagnostics, &mark, "a second document starts here");
            diagnostics_hint(reader->diagnostics, "keep one scenario a file, without '---' lines");
            reader->is_broken = true;
        }
        break;
    case YAML_ALIAS_EVENT:
        take_alias(reader, event, &mark);
        break;
    case YAML_SCALAR_EVENT:
        refuse_extras(reader, &mark, event->data.scalar.anchor, event->data.scalar.tag);
        take_scalar(reader, event, &mark);
        break;
    case YAML_SEQUENCE_START_EVENT:
        refuse_extras(reader, &mark, event->data.sequence_start.anchor,
                      event->data.sequence_start.tag);
        open_node(reader, NODE_SEQUENCE, &mark);
        break;
    case YAML_MAPPING_START_EVENT:
        refuse_extras(reader, &mark, event->data.mapping_start.anchor,
                      event->data.mapping_start.tag);
        open_node(reader, NODE_MAPPING, &mark);
        break;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        close_node(reader);
        break;
    default:
        break;
    }
}

int tree_parse(const struct source *source, size_t offset, struct arena *arena,
               struct diagnostics *diagnostics, struct node **ret_root)
{
    size_t errors = diagnostics->errors;
    struct reader *reader = arena_new(arena, struct reader);
    *reader = (struct reader){.source = source,
                              .offset = offset,
                              .start = source_mark(source, offset),
                              .arena = arena,
                              .diagnostics = diagnostics};
    if (!yaml_parser_initialize(&reader->parser)) {
        memory_give_up();
    }
    yaml_parser_set_encoding(&reader->parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader->parser, (const unsigned char *)source->text + offset,
                                 source->length - offset);
    bool is_done = false;
    while (!is_done && !reader->is_broken) {
        yaml_event_t event;
        if (!yaml_parser_parse(&reader->parser, &event)) {
            report_yaml(reader);
            break;
        }
        take_event(reader, &event);
        is_done = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&reader->parser);
    if (diagnostics->errors > errors) {
        return -1;
    }
    *ret_root = reader->root ? reader->root : node_new(arena, NODE_SCALAR, &reader->start);
    return 0;
}

// Refuses what is no text, before libyaml meets it with messages of its own.
static int check_text(const struct source *source, struct diagnostics *diagnostics)
{
    for (size_t i = 0; i < source->length;) {
        size_t size = source_character(source->text + i, source->length - i);
        if (size && source->text[i]) {
            i += size;
            continue;
        }
        struct mark mark = source_mark(source, i);
        if (size) {
            diagnostics_error(diagnostics, &mark, "NUL character in the file");
        } else {
            diagnostics_error(diagnostics, &mark, "invalid UTF-8: byte 0x%02x",
                              (unsigned)(unsigned char)source->text[i]);
        }
        diagnostics_hint(diagnostics, "a scenario is a text file in UTF-8");
        return -1;
    }
    return 0;
}

int tree_read(const char *path, struct arena *arena, struct diagnostics *diagnostics,
              struct node **ret_root)
{
    struct source *source = arena_new(arena, struct source);
    source->name = arena_text(arena, path);
    struct mark whole = {.source = source};
    struct file_problem problem;
    char *bytes;
    if (file_read(path, TREE_MOST_BYTES, &bytes, &source->length, &problem) < 0) {
        diagnostics_error(diagnostics, &whole, "%s", problem.message);
        diagnostics_hint(diagnostics, "%s", problem.hint);
        return -1;
    }
    source->text = arena_text_n(arena, bytes, source->length);
    free(bytes);
    if (check_text(source, diagnostics) < 0) {
        return -1;
    }
    struct node *root;
    if (tree_parse(source, 0, arena, diagnostics, &root) < 0) {
        return -1;
    }
    if (node_is_null(root)) {
        diagnostics_error(diagnostics, &whole, "the file is empty");
        diagnostics_hint(diagnostics, "a scenario starts with 'scenario: NAME'");
        return -1;
    }
    *ret_root = root;
    return 0;
}
