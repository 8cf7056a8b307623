// SPDX-License-Identifier: GPL-3.0-or-later

// Rates of links out of files: the first byte chooses CSV, in one of two units, or a list of packet
// opportunities that repeats or ends; the rest is the file.

#include "base/check.h"
#include "base/memory.h"
#include "base/text.h"
#include "fuzz.h"
#include "policies/registry.h"
#include "scenario/diagnostics.h"
#include "scenario/rate_trace.h"
#include "scenario/read.h"

#include <stdio.h>
#include <string.h>

// A link, and a file that fits it.
static const struct {
    const char *rate;
    const char *file;
} links[] = {
    {"trace: {file: r, time: t, rate: r}", "t,r\n0,1\n1,2\n"},
    {"trace: {file: r, time: t, rate: r, time_unit: ms, rate_unit: B/s, repeat: false}",
     "t,r\n0,1\n1,2\n"},
    {"mahimahi: {file: r}", "1\n2\n"},
    {"mahimahi: {file: r, repeat: false}", "1\n2\n"},
};

enum { LINKS = sizeof(links) / sizeof(links[0]) };

// The scenarios of all links, read once for the process.
struct specs {
    struct arena arena;
    struct spec *spec[LINKS];
};

static void read_specs(struct specs *specs)
{
    size_t count;
    const struct policy_type *const *policies = policy_registry(&count);
    for (size_t i = 0; i < LINKS; i++) {
        struct diagnostics diagnostics = {0};
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
                                     links[i].rate);
        memory_file_put("s.yaml", yaml, (size_t)written);
        memory_file_put("r", links[i].file, strlen(links[i].file));
        CHECK(NULL, scenario_read("s.yaml", NULL, 0, policies, count, &specs->arena, &diagnostics,
                                  &specs->spec[i]) == 0);
        diagnostics_finish(&diagnostics);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static struct specs specs;
    if (!specs.spec[0]) {
        read_specs(&specs);
    }
    if (!length) {
        return 0;
    }
    memory_file_put("r", bytes + 1, length - 1);
    struct arena arena = {0};
    struct diagnostics diagnostics = {0};
    struct text text = {0};
    struct rate_traces rates = {.scenario = "s.yaml", .arena = &arena};
    rate_traces_read(&rates, specs.spec[bytes[0] % LINKS], &diagnostics);
    diagnostics_render(&diagnostics, &text);
    text_finish(&text);
    diagnostics_finish(&diagnostics);
    arena_finish(&arena);
    return 0;
}
