// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_EXP_EFFECT_PARTS_H
#define OFFLOADSIM_EXP_EFFECT_PARTS_H

// What the rules of exp/effect.h share, for them alone.

#include <stddef.h>

struct diagnostics;
struct experiment;
struct mark;
struct prediction;

enum { NAME_ROOM = 256 };

// What is known of what the samples of all points did.
struct evidence {
    const struct experiment *experiment;
    const struct prediction *predictions; // NULL: what has run, or nothing
    struct diagnostics *diagnostics;
};

// Where a value was written, in `mark`; NULL if it was not.
const struct mark *effect_mark(const struct evidence *evidence, const void *slot,
                               struct mark *mark);

// The mean of a metric in a point; NaN if it is not known.
double effect_value(const struct evidence *evidence, size_t number, const char *family,
                    const char *member);

// The samples that a replication counts, and the share of it that its warm-up takes, as far as the
// scenario says them.
double effect_counted_samples(const struct experiment *experiment, double *ret_warmup);

// Runs that are too short, and arrivals that end before `stop`.
void effect_check_length(const struct evidence *evidence);

// What is to happen only once a run is over. Of a run that stops after so many samples this is
// known once it has run.
void effect_check_late(const struct evidence *evidence);

// What is said of the rate of a link that has no limit.
void effect_check_unlimited(const struct evidence *evidence);

#endif
