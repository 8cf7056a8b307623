// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_SCENARIO_CANONICAL_H
#define OFFLOADSIM_SCENARIO_CANONICAL_H

// The resolved scenario as text, and its hash. The text is JSON in one line: all keys in
// a fixed order, with their defaults filled in, and plain numbers in base units. What was left out
// and has no default does not appear. Comments, the order of keys and the choice of units do not
// change the text; the order of the models does, because results are printed in it, and policies
// that are told no model take the first or last that fits.

struct spec;
struct text;

enum { SPEC_HASH_ROOM = 33 }; // 128 bits in hexadecimal digits, and a NUL

enum spec_scope {
    SPEC_WHOLE,
    // What decides what one replication computes: without the scenario's name and description,
    // the number of replications and the confidence of the intervals.
    SPEC_REPLICATION,
    // The same without the prices: what decides the counters of a policy that looks at none.
    SPEC_SIMULATION
};

// Adds the text with all policies, or with policy number `policy` alone if it is not negative.
void spec_canonical(const struct spec *spec, int policy, struct text *ret_text);

// The hash of the canonical text, of the program's version, of the content of the trace or of what
// samples are generated from, and of the plug-ins that the policies come from. Where these files
// are does not matter.
void spec_hash(const struct spec *spec, int policy, enum spec_scope scope,
               char ret_hex[SPEC_HASH_ROOM]);

#endif
