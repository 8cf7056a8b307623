// SPDX-License-Identifier: GPL-3.0-or-later

// The input is a scenario, read as `check` reads it, up to its canonical text and its messages, and
// if it is small, up to the worlds of its policies. It may name "trace.csv", "profile.csv",
// "rates.csv" and "model.yaml".

#include "base/check.h"
#include "base/memory.h"
#include "base/text.h"
#include "fuzz.h"
#include "model/world.h"
#include "policies/registry.h"
#include "scenario/canonical.h"
#include "scenario/diagnostics.h"
#include "scenario/read.h"
#include "scenario/spec.h"

enum { MOST_NODES = 1000 };

static const char trace[] = "label,c,p,ok,bytes\n1,0.25,1,1,10\n0,0.5,1,0,20\n1,0.75,0,0,30\n";
static const char profile[] = "platform,layer,name,time_s,output_bytes\na,1,x,0.1,10\na,2,y,1,2\n";
static const char rates[] = "t,r\n0,1\n1,2\n2,0\n";
static const char model[] = "classes: 2\nexits: [{name: s, accuracy: 0.8}]\n";

static void build_worlds(const struct spec *spec, struct arena *arena)
{
    int nodes = 0;
    for (int i = 0; i < spec_places(spec) && nodes <= MOST_NODES; i++) {
        const struct spec_tier *tier = spec_place(spec, i);
        nodes += tier->nodes > MOST_NODES || tier->compute.servers > MOST_NODES
                     ? MOST_NODES + 1
                     : tier->nodes * (1 + tier->compute.servers);
    }
    for (int policy = 0; policy < spec->policy_count && nodes <= MOST_NODES; policy++) {
        struct text error = {0};
        const struct world *world = world_build(spec, policy, arena, &error);
        CHECK(NULL, !world == !!*text_string(&error));
        text_finish(&error);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    memory_file_put("s.yaml", bytes, length);
    memory_file_put("trace.csv", trace, sizeof(trace) - 1);
    memory_file_put("profile.csv", profile, sizeof(profile) - 1);
    memory_file_put("rates.csv", rates, sizeof(rates) - 1);
    memory_file_put("model.yaml", model, sizeof(model) - 1);
    struct arena arena = {0};
    struct diagnostics diagnostics = {0};
    struct text text = {0};
    struct spec *spec;
    size_t count;
    const struct policy_type *const *policies = policy_registry(&count);
    if (scenario_read("s.yaml", NULL, 0, policies, count, &arena, &diagnostics, &spec) == 0) {
        char hash[SPEC_HASH_ROOM];
        spec_canonical(spec, -1, &text);
        spec_hash(spec, 0, SPEC_SIMULATION, hash);
        build_worlds(spec, &arena);
    }
    diagnostics_render(&diagnostics, &text);
    text_finish(&text);
    diagnostics_finish(&diagnostics);
    arena_finish(&arena);
    return 0;
}
