// SPDX-License-Identifier: GPL-3.0-or-later
#include "scenario/diagnostics.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// More than this are counted only: nobody reads them, and a broken file may hold a million.
enum { MOST_KEPT = 100 };

// A longer line is shown in part, around the place that is meant.
enum { LONGEST_LINE = 120, LINE_BEFORE_MARK = 60 };

enum { LONGEST_QUOTE = 60, MOST_SUGGESTED = 12 };

void diagnostics_finish(struct diagnostics *diagnostics)
{
    if (diagnostics) {
        arena_finish(&diagnostics->arena);
        free(diagnostics->items);
        *diagnostics = (struct diagnostics){0};
    }
}

// Adds one character of user text. What would move the cursor, or change what the terminal does,
// becomes a question mark. Returns the bytes taken.
static size_t add_printable(struct text *text, const char *bytes, size_t length)
{
    size_t size = source_character(bytes, length);
    unsigned char first = (unsigned char)bytes[0];
    bool is_control = first < 0x20 || first == 0x7f;
    bool is_high_control = size == 2 && first == 0xc2 && (unsigned char)bytes[1] < 0xa0;
    if (!size || is_control || is_high_control) {
        text_add(text, "?");
    } else {
        text_add_n(text, bytes, size);
    }
    return size ? size : 1;
}

static char *printable_copy(struct arena *arena, const char *bytes)
{
    struct text text = {0};
    size_t length = strlen(bytes);
    for (size_t i = 0; i < length;) {
        i += add_printable(&text, bytes + i, length - i);
    }
    char *copy = arena_text(arena, text_string(&text));
    text_finish(&text);
    return copy;
}

// Moves over at most `count` characters; returns the bytes they take.
static size_t skip_characters(const char *line, size_t length, size_t count)
{
    size_t at = 0;
    for (; count && at < length; count--) {
        size_t size = source_character(line + at, length - at);
        at += size ? size : 1;
    }
    return at;
}

// The line with its number and a caret under the marked part.
static const char *make_snippet(struct arena *arena, const struct mark *mark)
{
    const char *line;
    size_t length;
    if (!source_line(mark->source, mark->line, &line, &length)) {
        return NULL;
    }
    size_t before = mark->column ? mark->column - 1 : 0;
    bool is_cut = false;
    if (skip_characters(line, length, LONGEST_LINE) < length && before > LINE_BEFORE_MARK) {
        size_t cut = skip_characters(line, length, before - LINE_BEFORE_MARK);
        line += cut;
        length -= cut;
        before = LINE_BEFORE_MARK;
        is_cut = true;
    }
    size_t shown = skip_characters(line, length, LONGEST_LINE);
    struct text text = {0};
    struct text caret = {0};
    text_format(&text, "%5zu | %s", mark->line, is_cut ? "..." : "");
    const int margin = snprintf(NULL, 0, "%5zu", mark->line);
    text_format(&caret, "%*s | %s", margin, "", is_cut ? "   " : "");
    size_t character = 0;
    for (size_t i = 0; i < shown; character++) {
        bool is_tab = line[i] == '\t';
        if (character < before) {
            text_add(&caret, is_tab ? "\t" : " ");
        }
        if (is_tab) {
            text_add(&text, "\t");
            i++;
        } else {
            i += add_printable(&text, line + i, length - i);
        }
    }
    text_add(&text, shown < length ? "...\n" : "\n");
    for (; character < before; character++) {
        text_add(&caret, " ");
    }
    text_add(&caret, "^");
    for (size_t i = 1; i < mark->length && before + i < character; i++) {
        text_add(&caret, "~");
    }
    text_format(&text, "%s\n", text_string(&caret));
    const char *snippet = arena_text(arena, text_string(&text));
    text_finish(&text);
    text_finish(&caret);
    return snippet;
}

bool diagnostics_are_full(const struct diagnostics *diagnostics)
{
    return diagnostics->errors - diagnostics->repeated + diagnostics->warnings > MOST_KEPT;
}

static size_t rank_source(const struct diagnostics *diagnostics, const char *name)
{
    size_t most = 0;
    for (size_t i = 0; i < diagnostics->count; i++) {
        const struct diagnostic *other = &diagnostics->items[i];
        if (name && other->source && strcmp(other->source, name) == 0) {
            return other->rank;
        }
        if (other->rank >= most) {
            most = other->rank + 1;
        }
    }
    return most;
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool is_known(const struct diagnostics *diagnostics, const struct diagnostic *item)
{
    for (size_t i = 0; i < diagnostics->count; i++) {
        const struct diagnostic *other = &diagnostics->items[i];
        if (other->severity == item->severity && other->line == item->line &&
            other->column == item->column && same_text(other->source, item->source) &&
            strcmp(other->message, item->message) == 0) {
            return true;
        }
    }
    return false;
}

static void add(struct diagnostics *diagnostics, enum diagnostic_severity severity,
                const struct mark *mark, const char *format, va_list arguments)
{
    const bool is_error = severity == DIAGNOSTIC_ERROR;
    diagnostics->errors += is_error;
    diagnostics->warnings += !is_error;
    diagnostics->is_repeated = false;
    if (diagnostics_are_full(diagnostics)) {
        return;
    }
    if (diagnostics->count == diagnostics->room) {
        diagnostics->room = diagnostics->room ? diagnostics->room * 2 : 16;
        diagnostics->items =
            memory_resize(diagnostics->items, diagnostics->room, sizeof(*diagnostics->items));
    }
    struct arena *arena = &diagnostics->arena;
    struct text message = {0};
    text_format_list(&message, format, arguments);
    struct diagnostic item = {.severity = severity, .order = diagnostics->count};
    item.message = printable_copy(arena, text_string(&message));
    text_finish(&message);
    if (mark && mark->source) {
        item.source = printable_copy(arena, mark->source->name);
        item.line = mark->line;
        item.column = mark->column;
        item.snippet = mark->line ? make_snippet(arena, mark) : NULL;
    }
    diagnostics->is_repeated = is_known(diagnostics, &item);
    if (diagnostics->is_repeated) {
        diagnostics->repeated += is_error;
        diagnostics->warnings -= !is_error;
        return;
    }
    item.rank = rank_source(diagnostics, item.source);
    diagnostics->items[diagnostics->count++] = item;
}

void diagnostics_error(struct diagnostics *diagnostics, const struct mark *mark, const char *format,
                       ...)
{
    va_list arguments;
    va_start(arguments, format);
    add(diagnostics, DIAGNOSTIC_ERROR, mark, format, arguments);
    va_end(arguments);
}

void diagnostics_warning(struct diagnostics *diagnostics, const struct mark *mark,
                         const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add(diagnostics, DIAGNOSTIC_WARNING, mark, format, arguments);
    va_end(arguments);
}

void diagnostics_hint(struct diagnostics *diagnostics, const char *format, ...)
{
    if (!diagnostics->count || diagnostics->is_repeated || diagnostics_are_full(diagnostics)) {
        return;
    }
    struct text hint = {0};
    va_list arguments;
    va_start(arguments, format);
    text_format_list(&hint, format, arguments);
    va_end(arguments);
    diagnostics->items[diagnostics->count - 1].hint =
        printable_copy(&diagnostics->arena, text_string(&hint));
    text_finish(&hint);
}

void diagnostics_suggest(struct diagnostics *diagnostics, const char *name,
                         const char *const *names, size_t count, const char *what)
{
    if (diagnostics_are_full(diagnostics)) {
        return;
    }
    const char *nearest = text_nearest(name, names, count);
    if (nearest) {
        diagnostics_hint(diagnostics, "did you mean '%s'?", nearest);
        return;
    }
    if (!count) {
        return;
    }
    struct text list = {0};
    for (size_t i = 0; i < count && i < MOST_SUGGESTED; i++) {
        text_format(&list, "%s%s", i ? ", " : "", names[i]);
    }
    if (count > MOST_SUGGESTED) {
        text_format(&list, ", and %zu more", count - MOST_SUGGESTED);
    }
    diagnostics_hint(diagnostics, "%s: %s", what, text_string(&list));
    text_finish(&list);
}

const char *diagnostics_quote(struct diagnostics *diagnostics, const char *text)
{
    size_t length = strlen(text);
    size_t cut = skip_characters(text, length, LONGEST_QUOTE);
    if (cut == length) {
        return text;
    }
    return arena_format(&diagnostics->arena, "%.*s...", (int)cut, text);
}

static int compare(const void *left, const void *right)
{
    const struct diagnostic *a = left;
    const struct diagnostic *b = right;
    if (a->rank != b->rank) {
        return a->rank < b->rank ? -1 : 1;
    }
    if (a->line != b->line) {
        return a->line < b->line ? -1 : 1;
    }
    if (a->column != b->column) {
        return a->column < b->column ? -1 : 1;
    }
    return a->order < b->order ? -1 : a->order > b->order;
}

static void render_one(const struct diagnostic *item, struct text *text)
{
    if (item->source && item->line) {
        text_format(text, "%s:%zu:%zu: ", item->source, item->line, item->column);
    } else if (item->source) {
        text_format(text, "%s: ", item->source);
    }
    text_format(text, "%s: %s\n", item->severity == DIAGNOSTIC_ERROR ? "error" : "warning",
                item->message);
    if (item->snippet) {
        text_add(text, item->snippet);
    }
    if (item->hint) {
        text_format(text, "  hint: %s\n", item->hint);
    }
}

static void render_rest(size_t all, size_t shown, const char *what, struct text *text)
{
    if (all > shown) {
        size_t more = all - shown;
        text_format(text, "and %zu more %s%s\n", more, what, more == 1 ? "" : "s");
    }
}

void diagnostics_render(const struct diagnostics *diagnostics, struct text *ret_text)
{
    if (!diagnostics->count) {
        return;
    }
    struct diagnostic *sorted = memory_resize(NULL, diagnostics->count, sizeof(*sorted));
    memcpy(sorted, diagnostics->items, diagnostics->count * sizeof(*sorted));
    qsort(sorted, diagnostics->count, sizeof(*sorted), compare);
    size_t shown[2] = {0, 0};
    for (size_t i = 0; i < diagnostics->count; i++) {
        if (shown[sorted[i].severity] < DIAGNOSTICS_SHOWN) {
            shown[sorted[i].severity]++;
            render_one(&sorted[i], ret_text);
        }
    }
    free(sorted);
    render_rest(diagnostics->errors - diagnostics->repeated, shown[DIAGNOSTIC_ERROR], "error",
                ret_text);
    render_rest(diagnostics->warnings, shown[DIAGNOSTIC_WARNING], "warning", ret_text);
}
