// SPDX-License-Identifier: GPL-3.0-or-later

// Rates of links out of files: the first byte chooses CSV, in one of two units, or a list of packet
// opportunities that repeats or ends; the rest is the file.

#include "base/memory.h"
#include "base/text.h"
#include "fuzz.h"
#include "policies/registry.h"
#include "scenario/diagnostics.h"
#include "scenario/read.h"

#include <stdio.h>

static const char *const links[] = {
    "trace: {file: r, time: t, rate: r}",
    "trace: {file: r, time: t, rate: r, time_unit: ms, rate_unit: B/s, repeat: false}",
    "mahimahi: {file: r}",
    "mahimahi: {file: r, repeat: false}",
};

enum { LINKS = sizeof(links) / sizeof(links[0]) };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    if (!length) {
        return 0;
    }
    char yaml[512];
    const int written = snprintf(yaml, sizeof(yaml),
                                 "scenario: s\n"
                                 "stop: {samples: 1}\n"
                                 "models: {net: {layers: 1}}\n"
                                 "samples: {payload: 10 B}\n"
                                 "tiers: [{name: a, arrivals: {poisson: 1 /s}},"
                                 " {name: b, compute: {time: {net: 1 s}}}]\n"
                                 "links: [{from: a, to: b, up: {%s}}]\n"
                                 "policy: full_offload\n",
                                 links[bytes[0] % LINKS]);
    memory_file_put("s.yaml", yaml, (size_t)written);
    memory_file_put("r", bytes + 1, length - 1);
    struct arena arena = {0};
    struct diagnostics diagnostics = {0};
    struct text text = {0};
    struct spec *spec;
    size_t count;
    const struct policy_type *const *policies = policy_registry(&count);
    scenario_read("s.yaml", NULL, 0, policies, count, &arena, &diagnostics, &spec);
    diagnostics_render(&diagnostics, &text);
    text_finish(&text);
    diagnostics_finish(&diagnostics);
    arena_finish(&arena);
    return 0;
}
