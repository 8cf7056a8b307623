// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_RESULTS_MEANING_H
#define OFFLOADSIM_RESULTS_MEANING_H

// What the names of metrics and counters mean. A name is a family, alone or followed by a point and
// what it is about: "accuracy", "answered_fraction.edge", "exit_fraction.small.end". The store
// writes unit and meaning beside each name that it meets; messages and tables use them too.

struct meaning {
    const char *family;
    const char *member; // what follows the point: "TIER", "STATION"; NULL if nothing does
    const char *unit;   // as in base/unit.h: "s", "B", "/s", "J"; "" for a plain number
    const char *meaning;
};

// The description of a name, or NULL for a name of no known family.
const struct meaning *meaning_of_metric(const char *name);
const struct meaning *meaning_of_counter(const char *name);

// The tables themselves, in the order of the reference, ended by a NULL family.
extern const struct meaning metric_meanings[];
extern const struct meaning counter_meanings[];

#endif
