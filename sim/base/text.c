// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/text.h"

#include "base/memory.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void text_finish(struct text *text)
{
    if (text) {
        free(text->data);
        *text = (struct text){0};
    }
}

void text_clear(struct text *text)
{
    text->length = 0;
    if (text->data) {
        text->data[0] = '\0';
    }
}

static void reserve(struct text *text, size_t more)
{
    size_t needed = text->length + more + 1;
    if (needed > text->room) {
        size_t room = text->room ? text->room : 64;
        while (room < needed) {
            room *= 2;
        }
        text->data = memory_resize(text->data, room, 1);
        text->room = room;
    }
}

void text_add_n(struct text *text, const char *bytes, size_t length)
{
    reserve(text, length);
    if (length) {
        memcpy(text->data + text->length, bytes, length);
    }
    text->length += length;
    text->data[text->length] = '\0';
}

void text_add(struct text *text, const char *bytes)
{
    text_add_n(text, bytes, strlen(bytes));
}

void text_format_list(struct text *text, const char *format, va_list arguments)
{
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (length > 0) {
        reserve(text, (size_t)length);
        vsnprintf(text->data + text->length, (size_t)length + 1, format, arguments);
        text->length += (size_t)length;
    }
}

void text_format(struct text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    text_format_list(text, format, arguments);
    va_end(arguments);
}

const char *text_string(const struct text *text)
{
    return text->data ? text->data : "";
}

void text_number(char buffer[TEXT_NUMBER_ROOM], double value)
{
    // A normal double holds every decimal of 15 digits, so no fewer need be tried: "%g" drops the
    // zeros. A subnormal one holds fewer.
    const int fewest = fabs(value) < DBL_MIN ? 1 : 15;
    for (int digits = fewest; digits <= 17; digits++) {
        snprintf(buffer, TEXT_NUMBER_ROOM, "%.*g", digits, value);
        if (isnan(value) || strtod(buffer, NULL) == value) {
            return;
        }
    }
}

void text_json_string(struct text *text, const char *value)
{
    text_add(text, "\"");
    for (const unsigned char *c = (const unsigned char *)value; *c; c++) {
        switch (*c) {
        case '"':
            text_add(text, "\\\"");
            break;
        case '\\':
            text_add(text, "\\\\");
            break;
        case '\n':
            text_add(text, "\\n");
            break;
        case '\t':
            text_add(text, "\\t");
            break;
        default:
            if (*c < 0x20) {
                text_format(text, "\\u%04x", *c);
            } else {
                text_add_n(text, (const char *)c, 1);
            }
        }
    }
    text_add(text, "\"");
}

void text_json_number(struct text *text, double value)
{
    if (!isfinite(value)) {
        text_add(text, "null");
        return;
    }
    char buffer[TEXT_NUMBER_ROOM];
    text_number(buffer, value);
    text_add(text, buffer);
}

// Edit distance with swaps of neighbours (optimal string alignment). Names longer than the limit
// have no near name: nobody mistypes a word of 64 letters.
enum { LONGEST_NAME = 64 };

static size_t edit_distance(const char *a, size_t m, const char *b, size_t n)
{
    size_t rows[3][LONGEST_NAME + 1];
    for (size_t j = 0; j <= n; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= m; i++) {
        size_t *now = rows[i % 3];
        const size_t *before = rows[(i + 2) % 3];
        const size_t *two_before = rows[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= n; j++) {
            size_t best = before[j - 1] + (a[i - 1] != b[j - 1]);
            best = before[j] + 1 < best ? before[j] + 1 : best;
            best = now[j - 1] + 1 < best ? now[j - 1] + 1 : best;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                two_before[j - 2] + 1 < best) {
                best = two_before[j - 2] + 1;
            }
            now[j] = best;
        }
    }
    return rows[m % 3][n];
}

const char *text_nearest(const char *name, const char *const *names, size_t count)
{
    size_t length = strlen(name);
    if (length > LONGEST_NAME) {
        return NULL;
    }
    const char *nearest = NULL;
    size_t least = (length + 2) / 3 + 1;
    for (size_t i = 0; i < count; i++) {
        size_t other = strlen(names[i]);
        if (other > LONGEST_NAME) {
            continue;
        }
        size_t distance = edit_distance(name, length, names[i], other);
        if (distance < least && distance < other) {
            least = distance;
            nearest = names[i];
        }
    }
    return nearest;
}
