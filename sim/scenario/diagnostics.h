// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_SCENARIO_DIAGNOSTICS_H
#define OFFLOADSIM_SCENARIO_DIAGNOSTICS_H

// What is wrong with an input, collected instead of printed: several errors at once, each with the
// place where it stands and the way out.
//
//     hi.yaml:12:5: error: unknown key 'treshold' in policy 'hi_threshold'
//        12 |     treshold: 0.6
//           |     ^~~~~~~~
//       hint: did you mean 'threshold'?
//
// What was said of a place is not said again: a sweep reads the same scenario many times.
//
// Messages are lower case, without a full stop, with the subject in quotes. The line is copied when
// the diagnostic is added, so the source may go away before it is rendered.

#include "base/memory.h"
#include "scenario/source.h"

#include <stddef.h>

struct text;

// As many errors are shown, and as many warnings; the rest are counted.
enum { DIAGNOSTICS_SHOWN = 10 };

enum diagnostic_severity { DIAGNOSTIC_ERROR, DIAGNOSTIC_WARNING };

struct diagnostic {
    enum diagnostic_severity severity;
    const char *source; // name; NULL: of no source at all
    size_t rank;        // of the source: in the order in which they were first complained of
    size_t order;       // in which they were added
    size_t line;        // 0: the source as a whole
    size_t column;
    const char *message;
    const char *snippet; // the line and the caret, ready to print; NULL without
    const char *hint;    // NULL without
};

// `{0}` is empty and valid.
struct diagnostics {
    struct arena arena;
    struct diagnostic *items;
    size_t count;
    size_t room;
    size_t errors; // also those beyond the limit of what is kept, and those that are repeated
    size_t warnings;
    size_t repeated;  // errors that were there already: nothing to say, but something failed
    bool is_repeated; // the one that was added last was there already
};

void diagnostics_finish(struct diagnostics *diagnostics);

// `mark` may be NULL for what has no place.
void diagnostics_error(struct diagnostics *diagnostics, const struct mark *mark, const char *format,
                       ...) __attribute__((format(printf, 3, 4)));
void diagnostics_warning(struct diagnostics *diagnostics, const struct mark *mark,
                         const char *format, ...) __attribute__((format(printf, 3, 4)));

// The way out of the diagnostic that was added last; replaces an earlier hint.
void diagnostics_hint(struct diagnostics *diagnostics, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// Whether further ones are only counted, so that preparing a message for them is in vain.
bool diagnostics_are_full(const struct diagnostics *diagnostics);

// All of them, sorted by place within each source, errors and warnings in one list; adds nothing
// if there are none.
void diagnostics_render(const struct diagnostics *diagnostics, struct text *ret_text);

// "did you mean 'x'?" if a name is near, else "`what`: a, b, c", cut after a dozen names. Adds
// nothing if there are no names.
void diagnostics_suggest(struct diagnostics *diagnostics, const char *name,
                         const char *const *names, size_t count, const char *what);

// A copy of a user's text that is short enough to be quoted in a message. Belongs to `diagnostics`.
const char *diagnostics_quote(struct diagnostics *diagnostics, const char *text);

#endif
