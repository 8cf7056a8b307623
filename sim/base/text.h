// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_BASE_TEXT_H
#define OFFLOADSIM_BASE_TEXT_H

// A text that grows: bytes, always ended by a NUL. `{0}` is the empty text; text_finish() frees it.

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct text {
    char *data; // NULL while nothing was added
    size_t length;
    size_t room;
    bool blames_system; // of a message: what it tells is no mistake of whoever asked
};

void text_finish(struct text *text);
void text_clear(struct text *text);
void text_add(struct text *text, const char *bytes);
void text_add_n(struct text *text, const char *bytes, size_t length);
void text_format(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_format_list(struct text *text, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

// Says of a message whether the system is to blame for this error of it (errno), rather than the
// name of a file or the permissions.
void text_blame(struct text *message, int error);

// The text as a C string; "" while it is empty. Valid until the text changes.
const char *text_string(const struct text *text);

// The shortest decimal that reads back as the same double ("0.1", "1e+300", "nan", "inf").
enum { TEXT_NUMBER_ROOM = 32 };
void text_number(char buffer[TEXT_NUMBER_ROOM], double value);

// Adds `value` as a JSON string with its quotes, or, for the second, as a JSON number: shortest
// round-trip form, `null` for what JSON has no number for (NaN, infinities).
void text_json_string(struct text *text, const char *value);
void text_json_number(struct text *text, double value);

// Adds `value` as a field of CSV (RFC 4180): in quotes if it has to be, and if it is empty, so that
// it differs from a field that is not there.
void text_csv_string(struct text *text, const char *value);

// The entry of `names` nearest to `name`, the first of several, if it is near enough to be a slip
// of the fingers: at most one edit (insertion, deletion, substitution, swap of neighbours) for
// every three characters of `name` or part of three. Returns NULL when none is.
const char *text_nearest(const char *name, const char *const *names, size_t count);

#endif
