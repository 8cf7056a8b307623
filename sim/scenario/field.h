// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_SCENARIO_FIELD_H
#define OFFLOADSIM_SCENARIO_FIELD_H

// Field tables: what keys there are, what their values look like and where they are stored. One set
// of `static const` tables (scenario/grammar.c, and the parameter tables of the policies) drives
// reading, checking, defaults, the canonical text and the reference of all keys. A new key is a
// line in a table.
//
// A `struct field_type` says what a value is; a `struct field` gives it a key, a place in the
// structure that is filled, a default and a meaning. Defaults are texts, written as a scenario
// would write them and read by the same code.
//
// A variant is a choice among named cases, each with keys of its own, written as a mapping with one
// key: `{lognormal: {mean: 18 ms, cv: 0.2}}`. Three shorthands keep scenarios short: what is not a
// mapping behind the name of a case is the value of its first key (`{exponential: 10 ms}`), a name
// alone is a case without values (`policy: local`), and a bare value may stand for one case
// (`18 ms` is a constant).
//
// Reading collects errors instead of stopping at the first: each has its place, says what is wrong
// and shows the way out.

#include "base/unit.h"
#include "scenario/source.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct diagnostics;
struct node;
struct policy_type;
struct settings;
struct text;

enum field_kind {
    FIELD_TEXT,      // const char *
    FIELD_NAME,      // const char *: letters, digits and `punctuation`
    FIELD_COLUMN,    // const char *: a column of the trace
    FIELD_NUMBER,    // double, in the base unit of `dimension`
    FIELD_UNIT,      // double: base units in one of the unit that is named
    FIELD_INTEGER,   // int
    FIELD_LONG,      // int64_t
    FIELD_UNSIGNED,  // uint64_t below 2^63
    FIELD_BOOLEAN,   // bool
    FIELD_CHOICE,    // enum or int: index into `choices`
    FIELD_REFERENCE, // int: index of a name of `set`; -1 if left out
    FIELD_OBJECT,    // the members of `fields`, in place
    FIELD_VARIANT,   // the index of the case as an int at `kind_offset`, its members in place
    FIELD_POLICY,    // struct spec_policy, whose cases are the policies
    FIELD_LIST,      // pointer to elements; their number is at `count_offset`
    FIELD_MAP,       // the same, with the key of each in the element, at `key_offset`
    FIELD_AMOUNTS,   // double *: one number for each name of `set`, or one for all
    FIELD_ELSEWHERE  // nothing: another part of the program reads it from the tree
};

// Things that have names and that other values refer to.
enum field_set {
    FIELD_NO_SET,
    FIELD_MODELS,
    FIELD_TIERS,
    FIELD_CLASSES,
    FIELD_LINKS,
    FIELD_SET_COUNT_
};

// The dimension of a number that is part of a distribution is that of what is distributed.
#define FIELD_SAME_DIMENSION DIMENSION_COUNT_

enum field_type_flags {
    FIELD_OPEN_LEAST = 1 << 0,   // `least` is not in the range
    FIELD_OPEN_MOST = 1 << 1,    // nor is `most`
    FIELD_OR_SINGLE = 1 << 2,    // list: what is no list is its only item; object: its first value
    FIELD_SAME_COUNT = 1 << 3,   // list: must have as many items as the list before
    FIELD_SIZE_COUNT = 1 << 4,   // list: the number is a size_t, else an int
    FIELD_NO_COLUMN = 1 << 5,    // distribution: may not come from the trace
    FIELD_NOT_EMPTY = 1 << 6,    // list or map: needs an item
    FIELD_HAS_PRESENCE = 1 << 7, // object, variant: a bool at `count_offset` says it was given
    FIELD_FROM_ONE = 1 << 8      // integer: counted from 1 in a scenario, from 0 once checked
};

struct field;
struct field_case;
struct field_names;

struct field_type {
    enum field_kind kind;
    enum dimension dimension;
    unsigned flags;   // of enum field_type_flags
    double least;     // of numbers, and of the number of items of a list
    double most;      // 0 together with a `least` of 0: no limits
    const char *word; // stands for `word_value` instead of a number: "unlimited"
    double word_value;
    const char *punctuation;
    const char *const *choices; // ended by NULL
    enum field_set set;         // a reference: to what; a list or map: what it names
    const char
        *noun; // "tier": an object is called by it and its name, a variant by it and its case
    const struct field *fields;     // object; ended by a NULL name
    const struct field_case *cases; // variant; ended by a NULL name
    const char *bare_case;          // the case of a value without a name; NULL if there is none
    size_t kind_offset;
    const struct field_type *element; // list, map
    size_t element_bytes;
    size_t element_offset; // map: of the value within the element
    size_t key_offset;     // map: a const char *, or an int if `key` is a reference
    const struct field_type *key;
    size_t count_offset; // within the structure that holds the list
    // List: the name of an item, in `arena` if it has to be made; NULL if it has none.
    const char *(*name_item)(const void *item, const struct field_names *names,
                             struct arena *arena);
};

enum field_flags {
    FIELD_OPTIONAL = 1 << 0, // left out, the value stays zero
    FIELD_SECTION = 1 << 1,  // left out, the members get their defaults
    FIELD_LABEL = 1 << 2,    // does not change what one replication computes
    FIELD_SOURCE = 1 << 3,   // says where content is; the content itself is hashed
    FIELD_PRICE = 1 << 4 // is a price: changes the cost, and what policies do that look at prices
};

struct field {
    const char *name;
    size_t offset;
    struct field_type type;
    const char *default_text; // NULL without FIELD_OPTIONAL or FIELD_SECTION: must be given
    unsigned flags;           // of enum field_flags
    const char *meaning;      // one sentence, without its full stop
};

struct field_case {
    const char *name;
    int value;
    const struct field *fields; // ended by a NULL name; NULL if there are none
    bool is_bare;               // the value of its only field stands without the field's name
    const char *meaning;
    // Looks at the members together. Returns what is wrong, or NULL.
    const char *(*check)(const void *members, const char **ret_hint);
    size_t bytes; // policy: size of the parameter structure
};

// The names of each set, in the order of their indices.
struct field_names {
    const char **names[FIELD_SET_COUNT_];
    size_t count[FIELD_SET_COUNT_];
    bool is_complete[FIELD_SET_COUNT_]; // false while they were not read without error
};

struct field_policies {
    const struct policy_type *const *types;
    size_t count;
    const struct field_case *cases; // ended by a NULL name, in the order of `types`
    bool is_complete; // false if a plug-in could not be loaded, which was complained of already
};

// Makes cases of the policies' parameter tables.
void field_policies_init(struct field_policies *policies, const struct policy_type *const *types,
                         size_t count, struct arena *arena);
// The fields of one policy, ended by a NULL name.
const struct field *field_policy_fields(const struct policy_type *type, struct arena *arena);

// What reading needs to know and leaves behind.
struct field_reader {
    struct arena *arena;
    struct diagnostics *diagnostics;
    struct settings *settings;
    const struct field_policies *policies;
    const struct field *root; // the outermost table, to tell where a misplaced key belongs
    struct field_names names;
};

// A value within its surroundings, for messages.
struct field_at {
    const char *key;             // "mean"
    const struct mark *key_mark; // NULL for defaults and list items
    enum dimension dimension;    // what FIELD_SAME_DIMENSION stands for
};

// Fills the structure at `base` from a mapping, or from defaults alone if `node` is NULL. `owner`
// is what the mapping is called in messages: "policy 'local'". `mark` is where it is. Errors are in
// reader->diagnostics; what could not be read stays zero, references -1.
void field_read_members(struct field_reader *reader, const struct field *fields,
                        const struct node *node, void *base, const char *owner,
                        const struct mark *mark, const struct field_at *at);

// One value that is no structure.
void field_read_scalar(struct field_reader *reader, const struct field_type *type,
                       const struct node *node, void *slot, const struct field_at *at);

// Writes the structure at `base` as JSON: all keys, in the order of the tables, in base units.
// Fields with one of `without` (of enum field_flags) are left out. `policy` is the only policy to
// write, or -1.
struct field_writer {
    const struct field_names *names;
    int policy;
    unsigned without;
    enum dimension dimension; // what FIELD_SAME_DIMENSION stands for
};
void field_write_members(const struct field_writer *writer, const struct field *fields,
                         const void *base, struct text *ret_text);

// "greater than 0 s and at most 5 s"; "" if there are no limits. The text belongs to `arena`.
const char *field_range(const struct field_type *type, enum dimension dimension,
                        struct arena *arena);
// What a value looks like: "a time such as 18 ms", "a list of models".
const char *field_type_text(const struct field_type *type, struct arena *arena);
const char *field_set_noun(enum field_set set);
const char *field_set_plural(enum field_set set);
enum dimension field_dimension(const struct field_type *type, enum dimension outer);

#endif
