// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/text.h"

#include "base/decimal.h"
#include "base/memory.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Most texts that are added are shorter, and need not be formatted twice.
enum { SHORT_TEXT = 48 };

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
    text->blames_system = false;
    if (text->data) {
        text->data[0] = '\0';
    }
}

void text_blame(struct text *message, int error)
{
    static const int mistakes[] = {ENOENT, ENOTDIR, EISDIR, ELOOP, ENAMETOOLONG,
                                   EACCES, EPERM,   EROFS,  ENXIO};
    message->blames_system = true;
    for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
        if (error == mistakes[i]) {
            message->blames_system = false;
        }
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
    reserve(text, SHORT_TEXT);
    const size_t room = text->room - text->length;
    const int length = vsnprintf(text->data + text->length, room, format, arguments);
    if (length > 0 && (size_t)length >= room) {
        reserve(text, (size_t)length);
        vsnprintf(text->data + text->length, (size_t)length + 1, format, again);
    }
    va_end(again);
    text->length += length > 0 ? (size_t)length : 0;
    text->data[text->length] = '\0';
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

// A whole number below 10^15 in magnitude, which 15 digits always show as it is. Most numbers are.
static bool write_whole(char buffer[TEXT_NUMBER_ROOM], double value)
{
    if (!(fabs(value) < 1e15) || value != (double)(int64_t)value ||
        (value == 0 && signbit(value))) {
        return false;
    }
    char digits[TEXT_NUMBER_ROOM];
    size_t count = 0;
    for (uint64_t rest = (uint64_t)fabs(value); rest || !count; rest /= 10) {
        digits[count++] = (char)('0' + rest % 10);
    }
    if (value < 0) {
        digits[count++] = '-';
    }
    for (size_t i = 0; i < count; i++) {
        buffer[i] = digits[count - 1 - i];
    }
    buffer[count] = '\0';
    return true;
}

void text_number(char buffer[TEXT_NUMBER_ROOM], double value)
{
    if (write_whole(buffer, value) || decimal_write(buffer, value)) {
        return;
    }
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
    const char *plain = value; // where what can be added as it is begins
    for (const char *c = value; *c; c++) {
        const unsigned char code = (unsigned char)*c;
        if (code >= 0x20 && code != '"' && code != '\\') {
            continue;
        }
        text_add_n(text, plain, (size_t)(c - plain));
        plain = c + 1;
        if (code == '\n') {
            text_add(text, "\\n");
        } else if (code == '\t') {
            text_add(text, "\\t");
        } else if (code < 0x20) {
            text_format(text, "\\u%04x", code);
        } else {
            text_format(text, "\\%c", code);
        }
    }
    text_add(text, plain);
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

void text_csv_string(struct text *text, const char *value)
{
    if (value[0] && !strpbrk(value, ",\"\r\n")) {
        text_add(text, value);
        return;
    }
    text_add_n(text, "\"", 1);
    for (const char *quote; (quote = strchr(value, '"')); value = quote + 1) {
        text_add_n(text, value, (size_t)(quote - value) + 1);
        text_add_n(text, "\"", 1);
    }
    text_add(text, value);
    text_add_n(text, "\"", 1);
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
