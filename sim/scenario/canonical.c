// SPDX-License-Identifier: GPL-3.0-or-later
#include "scenario/canonical.h"

#include "base/hash.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/version.h"
#include "scenario/field.h"
#include "scenario/grammar.h"
#include "scenario/spec.h"
#include "scenario/trace.h"

enum { HASH_BITS = (SPEC_HASH_ROOM - 1) * 4, NAMES_BLOCK_BYTES = 1024 };

static void collect_names(const struct spec *spec, struct arena *arena, struct field_names *names)
{
    size_t models = (size_t)spec->model_count;
    size_t tiers = (size_t)spec->tier_count;
    size_t classes = spec->has_classes ? (size_t)spec->class_count : 0;
    size_t links = (size_t)spec->link_count;
    *names = (struct field_names){
        .names = {[FIELD_MODELS] = arena_new_array(arena, models, const char *),
                  [FIELD_TIERS] = arena_new_array(arena, tiers, const char *),
                  [FIELD_CLASSES] = arena_new_array(arena, classes, const char *),
                  [FIELD_LINKS] = arena_new_array(arena, links, const char *)},
        .count = {[FIELD_MODELS] = models,
                  [FIELD_TIERS] = tiers,
                  [FIELD_CLASSES] = classes,
                  [FIELD_LINKS] = links}};
    for (size_t i = 0; i < models; i++) {
        names->names[FIELD_MODELS][i] = spec->models[i].name;
    }
    for (size_t i = 0; i < tiers; i++) {
        names->names[FIELD_TIERS][i] = spec->tiers[i].name;
    }
    for (size_t i = 0; i < classes; i++) {
        names->names[FIELD_CLASSES][i] = spec->classes[i].name;
    }
    for (size_t i = 0; i < links; i++) {
        names->names[FIELD_LINKS][i] = spec->links[i].name;
    }
}

static void write_spec(const struct spec *spec, int policy, unsigned without, struct text *ret_text)
{
    struct arena arena;
    struct field_names names;
    arena_init(&arena, NAMES_BLOCK_BYTES);
    collect_names(spec, &arena, &names);
    const struct field_writer writer = {.names = &names, .policy = policy, .without = without};
    field_write_members(&writer, grammar_fields, spec, ret_text);
    arena_finish(&arena);
}

void spec_canonical(const struct spec *spec, int policy, struct text *ret_text)
{
    write_spec(spec, policy, 0, ret_text);
}

// A plug-in that was compiled anew is another policy. Those that no policy comes from change
// nothing.
static void add_plugins(const struct spec *spec, int policy, struct text *text)
{
    for (int i = 0; i < spec->policy_count; i++) {
        for (int k = 0; k < spec->plugin_count && (policy < 0 || i == policy); k++) {
            if (spec->plugins[k].type == spec->policies[i].type) {
                char digits[4 * 16 + 1];
                hash_hex(spec->plugins[k].hash, 256, digits);
                text_add(text, digits);
            }
        }
    }
}

static void add_hash(const uint64_t words[HASH_WORDS], struct text *text)
{
    char digits[4 * 16 + 1];
    hash_hex(words, 256, digits);
    text_add(text, digits);
}

// What the files hold that the scenario names: samples, arrivals, rates, and those of later times.
static void add_files(const struct spec *spec, struct text *text)
{
    if (spec->trace) {
        add_hash(spec->trace->hash, text);
    }
    if (spec->generated) {
        add_hash(spec->generated->hash, text);
    }
    for (int i = 0; i < spec->class_count; i++) {
        if (spec->classes[i].arrivals.times) {
            text_format(text, "arrivals %d ", i);
            add_hash(spec->classes[i].arrivals.times->hash, text);
        }
    }
    for (int i = 0; i < spec->link_count; i++) {
        const struct spec_link *link = &spec->links[i];
        if (link->up.trace) {
            text_format(text, "up %d ", i);
            add_hash(link->up.trace->hash, text);
        }
        if (link->down.trace) {
            text_format(text, "down %d ", i);
            add_hash(link->down.trace->hash, text);
        }
    }
    for (int i = 0; i < spec->drift_count; i++) {
        if (spec->drift[i].trace || spec->drift[i].generated) {
            text_format(text, "drift %d ", i);
            add_hash(spec->drift[i].trace ? spec->drift[i].trace->hash
                                          : spec->drift[i].generated->hash,
                     text);
        }
    }
}

void spec_hash(const struct spec *spec, int policy, enum spec_scope scope,
               char ret_hex[SPEC_HASH_ROOM])
{
    struct text text = {0};
    const unsigned without = FIELD_SOURCE | (scope != SPEC_WHOLE ? (unsigned)FIELD_LABEL : 0) |
                             (scope == SPEC_SIMULATION ? (unsigned)FIELD_PRICE : 0);
    write_spec(spec, policy, without, &text);
    text_add(&text, OFFLOADSIM_VERSION);
    add_files(spec, &text);
    add_plugins(spec, policy, &text);
    struct hash hash;
    uint64_t words[HASH_WORDS];
    hash_init(&hash);
    hash_add(&hash, text_string(&text), text.length);
    hash_finish(&hash, words);
    hash_hex(words, HASH_BITS, ret_hex);
    text_finish(&text);
}
