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
    size_t links = (size_t)spec->link_count;
    *names = (struct field_names){
        .names = {[FIELD_MODELS] = arena_new_array(arena, models, const char *),
                  [FIELD_TIERS] = arena_new_array(arena, tiers, const char *),
                  [FIELD_LINKS] = arena_new_array(arena, links, const char *)},
        .count = {[FIELD_MODELS] = models, [FIELD_TIERS] = tiers, [FIELD_LINKS] = links}};
    for (size_t i = 0; i < models; i++) {
        names->names[FIELD_MODELS][i] = spec->models[i].name;
    }
    for (size_t i = 0; i < tiers; i++) {
        names->names[FIELD_TIERS][i] = spec->tiers[i].name;
    }
    for (size_t i = 0; i < links; i++) {
        names->names[FIELD_LINKS][i] =
            arena_format(arena, "%s-%s", spec->tiers[spec->links[i].from].name,
                         spec->tiers[spec->links[i].to].name);
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

void spec_hash(const struct spec *spec, int policy, enum spec_scope scope,
               char ret_hex[SPEC_HASH_ROOM])
{
    struct text text = {0};
    const unsigned without = FIELD_SOURCE | (scope != SPEC_WHOLE ? (unsigned)FIELD_LABEL : 0) |
                             (scope == SPEC_SIMULATION ? (unsigned)FIELD_PRICE : 0);
    write_spec(spec, policy, without, &text);
    text_add(&text, OFFLOADSIM_VERSION);
    if (spec->trace) {
        char digits[4 * 16 + 1];
        hash_hex(spec->trace->hash, 256, digits);
        text_add(&text, digits);
    }
    if (spec->generated) {
        char digits[4 * 16 + 1];
        hash_hex(spec->generated->hash, 256, digits);
        text_add(&text, digits);
    }
    add_plugins(spec, policy, &text);
    struct hash hash;
    uint64_t words[HASH_WORDS];
    hash_init(&hash);
    hash_add(&hash, text_string(&text), text.length);
    hash_finish(&hash, words);
    hash_hex(words, HASH_BITS, ret_hex);
    text_finish(&text);
}
