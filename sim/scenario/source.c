// SPDX-License-Identifier: GPL-3.0-or-later
#include "scenario/source.h"

#include <string.h>

// The length of the line end at `text`, 0 if there is none.
static size_t line_end(const char *text, size_t length)
{
    if (text[0] == '\n') {
        return 1;
    }
    if (text[0] == '\r') {
        return length > 1 && text[1] == '\n' ? 2 : 1;
    }
    if (length > 1 && memcmp(text, "\xc2\x85", 2) == 0) {
        return 2;
    }
    if (length > 2 &&
        (memcmp(text, "\xe2\x80\xa8", 3) == 0 || memcmp(text, "\xe2\x80\xa9", 3) == 0)) {
        return 3;
    }
    return 0;
}

// A byte order mark is no part of the first line.
static size_t text_start(const struct source *source)
{
    return source->length >= 3 && memcmp(source->text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

bool source_line(const struct source *source, size_t line, const char **ret_start,
                 size_t *ret_length)
{
    if (!source->text) {
        return false;
    }
    size_t start = text_start(source);
    size_t at = start;
    size_t now = source->first_line ? source->first_line : 1;
    while (at < source->length) {
        size_t end = line_end(source->text + at, source->length - at);
        if (!end) {
            at++;
            continue;
        }
        if (now == line) {
            break;
        }
        at += end;
        start = at;
        now++;
    }
    if (now != line) {
        return false;
    }
    *ret_start = source->text + start;
    *ret_length = at - start;
    return true;
}

struct mark source_mark(const struct source *source, size_t offset)
{
    struct mark mark = {
        .source = source, .line = source->first_line ? source->first_line : 1, .column = 1};
    size_t at = text_start(source);
    while (at < offset && at < source->length) {
        size_t end = line_end(source->text + at, source->length - at);
        if (end) {
            at += end;
            mark.line++;
            mark.column = 1;
        } else {
            size_t character = source_character(source->text + at, source->length - at);
            at += character ? character : 1;
            mark.column++;
        }
    }
    return mark;
}

size_t source_character(const char *text, size_t length)
{
    const unsigned char *c = (const unsigned char *)text;
    if (!length) {
        return 0;
    }
    if (c[0] < 0x80) {
        return 1;
    }
    size_t size = c[0] < 0xc2 ? 0 : c[0] < 0xe0 ? 2 : c[0] < 0xf0 ? 3 : c[0] < 0xf5 ? 4 : 0;
    if (size > length) {
        return 0;
    }
    for (size_t i = 1; i < size; i++) {
        if ((c[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    // Overlong forms, surrogates and what lies beyond U+10FFFF.
    if ((c[0] == 0xe0 && c[1] < 0xa0) || (c[0] == 0xed && c[1] > 0x9f) ||
        (c[0] == 0xf0 && c[1] < 0x90) || (c[0] == 0xf4 && c[1] > 0x8f)) {
        return 0;
    }
    return size;
}
