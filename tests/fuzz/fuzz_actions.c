// SPDX-License-Identifier: GPL-3.0-or-later

// A policy that does what the input says, three bytes an action, in a small world: whatever it
// wants, the run ends, either well or with the policy's error. The first byte chooses the world
// and whether the policy claims to decide by the sample alone.

#include "base/check.h"
#include "base/memory.h"
#include "base/text.h"
#include "fuzz.h"
#include "model/replication.h"
#include "model/world.h"
#include "policies/policy.h"
#include "scenario/diagnostics.h"
#include "scenario/read.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const scenarios[] = {
    "scenario: plain\n"
    "stop: {samples: 20}\n"
    "models: {net: {layers: 3, exits: {early: {after: 1}, end: {}}}, other: {}}\n"
    "samples: {payload: 10 B, answer: 1 B, deadline: 2 s}\n"
    "tiers:\n"
    "  - {name: a, nodes: 2, arrivals: {poisson: 1 /s},"
    " compute: {time: {net: [0.1 s, 1 s, 1 s]}}}\n"
    "  - {name: b, compute: {time: {net: [1 s, 1 s, 0 s], other: 0.1 s}}}\n"
    "  - {name: c, compute: {servers: 2, time: {other: 0 s}}}\n"
    "links:\n"
    "  - {from: a, to: b, up: 100 B/s, delay: 0.1 s}\n"
    "  - {from: b, to: c}\n"
    "policy: [tape, tape_by_sample]\n",
    "scenario: troubled\n"
    "stop: {samples: 20}\n"
    "models: {net: {layers: 3, exits: {early: {after: 1}, end: {}}}, other: {}}\n"
    "samples: {payload: 10 B, answer: 1 B}\n"
    "feedback: {when: always, delay: 1 s}\n"
    "tiers:\n"
    "  - {name: a, nodes: 2, arrivals: {poisson: 1 /s},"
    " compute: {time: {net: [1 s, 1 s, 1 s]}}}\n"
    "  - {name: b, compute: {room: 2, discipline: sharing, time: {net: [1 s, 1 s, 1 s]}}}\n"
    "  - {name: c, compute: {batch: {most: 2, wait: 1 s}, time: {other: 1 s}}}\n"
    "links:\n"
    "  - {from: a, to: b, up: 10 B/s, loss: 30 %, count: 1}\n"
    "  - {from: a, to: c, loss: 10 %}\n"
    "policy: [tape, tape_by_sample]\n",
};

enum { WORLDS = sizeof(scenarios) / sizeof(scenarios[0]), POLICIES = 2, BYTES = 3 };

struct tape {
    const uint8_t *bytes;
    size_t left;
};

// Small numbers as they are; the last few stand for those that no index is.
static int number_of(uint8_t byte)
{
    static const int odd[] = {-1, -2, INT_MAX, INT_MIN, 1 << 16, 255};
    const size_t count = sizeof(odd) / sizeof(odd[0]);
    return byte >= 256 - count ? odd[byte - (256 - count)] : byte & 3;
}

// When the tape has run out samples are given up.
static struct policy_action decide(const struct policy_world *world, const void *parameters,
                                   const void *plan, void *state, const struct policy_view *view)
{
    (void)world;
    (void)plan;
    (void)state;
    (void)view;
    struct tape *tape = *(struct tape *const *)parameters;
    if (tape->left < BYTES) {
        return policy_drop(0);
    }
    const struct policy_action action = {.verb = (enum policy_verb)(tape->bytes[0] & 7),
                                         .what = number_of(tape->bytes[1]),
                                         .layer = number_of(tape->bytes[2])};
    tape->bytes += BYTES;
    tape->left -= BYTES;
    return action;
}

static void feedback(const struct policy_world *world, const void *parameters, const void *plan,
                     void *state, const struct policy_feedback *truth)
{
    (void)world;
    (void)parameters;
    (void)plan;
    (void)state;
    for (int i = 0; i < truth->outcome_count; i++) {
        CHECK(NULL, truth->correct[i] <= 1 && truth->outcomes[i].exit >= 0);
    }
}

static const char *const reasons[] = {"end_of_tape", "other", NULL};

static const struct policy_type tape_policy = {
    .api = POLICY_API_VERSION,
    .name = "tape",
    .summary = "does what it is told",
    .paper = "",
    .example = "tape",
    .parameter_bytes = sizeof(struct tape *),
    .reasons = reasons,
    .decide = decide,
    .feedback = feedback,
};

static const struct policy_type tape_by_sample = {
    .api = POLICY_API_VERSION,
    .name = "tape_by_sample",
    .summary = "the same, and says that it decides by the sample alone",
    .paper = "",
    .example = "tape_by_sample",
    .parameter_bytes = sizeof(struct tape *),
    .decides_by_sample = 1,
    .reasons = reasons,
    .decide = decide,
};

// The worlds of all scenarios and policies, built once for the process.
struct worlds {
    struct arena arena;
    const struct world *world[WORLDS][POLICIES];
};

static void build(struct worlds *worlds)
{
    static const struct policy_type *const policies[POLICIES] = {&tape_policy, &tape_by_sample};
    for (size_t i = 0; i < WORLDS; i++) {
        struct diagnostics diagnostics = {0};
        struct text text = {0};
        struct spec *spec;
        memory_file_put("s.yaml", scenarios[i], strlen(scenarios[i]));
        const int status = scenario_read("s.yaml", NULL, 0, policies, POLICIES, &worlds->arena,
                                         &diagnostics, &spec);
        diagnostics_render(&diagnostics, &text);
        fputs(status == 0 ? "" : text_string(&text), stderr);
        CHECK(NULL, status == 0);
        for (int k = 0; k < POLICIES; k++) {
            worlds->world[i][k] = world_build(spec, k, &worlds->arena, &text);
            CHECK(NULL, worlds->world[i][k]);
        }
        text_finish(&text);
        diagnostics_finish(&diagnostics);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static struct worlds worlds;
    if (!worlds.world[0][0]) {
        build(&worlds);
    }
    if (!length) {
        return 0;
    }
    const struct world *world = worlds.world[(bytes[0] >> 1) % WORLDS][bytes[0] & 1];
    struct tape tape = {bytes + 1, length - 1};
    *(struct tape **)world->parameters = &tape; // read-only to all but the one who built it
    struct text error = {0};
    struct replication_result result = {
        .metrics = memory_resize(NULL, (size_t)world->metrics, sizeof(double)),
        .counters = memory_resize(NULL, (size_t)world->counters.count, sizeof(double))};
    const struct replication_options options = {0};
    const int status = replication_run(world, &options, &result, &error);
    // What goes wrong is the policy's fault, and is said to be.
    CHECK(NULL, status == 0 || strncmp(text_string(&error), "policy 'tape", 12) == 0);
    CHECK(NULL, status != 0 || result.offered == result.answered + result.dropped);
    free(result.metrics);
    free(result.counters);
    text_finish(&error);
    return 0;
}
