// SPDX-License-Identifier: GPL-3.0-or-later

// The lines of the input are overrides, as those of --set, of a scenario that has a bit of
// everything. It is loaded once, as by a sweep, and built anew with each input.

#include "base/check.h"
#include "base/memory.h"
#include "base/text.h"
#include "fuzz.h"
#include "policies/registry.h"
#include "scenario/diagnostics.h"
#include "scenario/read.h"

#include <string.h>

static const char yaml[] =
    "scenario: s\n"
    "stop: {samples: 10}\n"
    "models: {net: {layers: 2, exits: {half: {after: 1}, end: {}}}}\n"
    "samples: {payload: {exponential: 10 B}}\n"
    "tiers:\n"
    "  - {name: device, nodes: 2, arrivals: {poisson: 1 /s}, compute: {time: {net: [1 s, 2 s]}}}\n"
    "  - {name: edge, compute: {time: {net: [1 s, 1 s]}}}\n"
    "links: [{from: device, to: edge, up: 1 kB/s}]\n"
    "policy: [full_offload, {hi_threshold: {theta: 0.5}}]\n";

enum { MOST_SETS = 8 };

// What was loaded, and the end of it: files that an input makes the scenario read come behind.
struct loaded {
    struct arena arena;
    struct scenario *scenario;
    const char *end;
};

static void load(struct loaded *loaded)
{
    struct diagnostics diagnostics = {0};
    size_t count;
    const struct policy_type *const *policies = policy_registry(&count);
    arena_finish(&loaded->arena);
    memory_file_put("s.yaml", yaml, sizeof(yaml) - 1);
    CHECK(NULL, scenario_load("s.yaml", policies, count, &loaded->arena, &diagnostics,
                              &loaded->scenario) == 0);
    loaded->end = loaded->arena.next;
    diagnostics_finish(&diagnostics);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static struct loaded loaded;
    if (!loaded.scenario || loaded.arena.next != loaded.end) {
        load(&loaded);
    }
    struct arena arena = {0};
    struct diagnostics diagnostics = {0};
    struct text text = {0};
    struct spec *spec;
    const char *sets[MOST_SETS];
    size_t set_count = 0;
    char *rest = arena_text_n(&arena, (const char *)bytes, length);
    while (rest && set_count < MOST_SETS) {
        sets[set_count++] = rest;
        rest = strchr(rest, '\n');
        if (rest) {
            *rest++ = '\0';
        }
    }
    scenario_build(loaded.scenario, sets, NULL, set_count, &arena, &diagnostics, &spec);
    diagnostics_render(&diagnostics, &text);
    text_finish(&text);
    diagnostics_finish(&diagnostics);
    arena_finish(&arena);
    return 0;
}
