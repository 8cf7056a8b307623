// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_SCENARIO_SOURCE_H
#define OFFLOADSIM_SCENARIO_SOURCE_H

// Where something was written: a source is a text with a name (a file, or one argument of --set),
// and a mark is a place in it. Marks are plain values that point at their source; the source must
// live as long as they do.

#include <stdbool.h>
#include <stddef.h>

struct source {
    const char *name; // as messages show it: "hi.yaml", "--set"
    const char *text; // may be NULL if nothing could be read
    size_t length;
    size_t first_line; // the number of the first line of `text`; 0 stands for 1
};

// Line and column count from 1, columns in characters. Line 0 is the source as a whole. A length
// of 0 marks a single place.
struct mark {
    const struct source *source;
    size_t line;
    size_t column;
    size_t length; // characters, all in this line
};

// The bytes of line `line` without its end; false if the source has fewer lines. Lines end
// where YAML says so: at LF, CR, CR LF and the Unicode separators U+0085, U+2028 and U+2029.
bool source_line(const struct source *source, size_t line, const char **ret_start,
                 size_t *ret_length);

// The mark of the byte at `offset`.
struct mark source_mark(const struct source *source, size_t offset);

// The length in bytes of the UTF-8 character at `text`; 0 if it is not valid (RFC 3629).
size_t source_character(const char *text, size_t length);

#endif
