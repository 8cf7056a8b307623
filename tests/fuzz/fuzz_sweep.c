// SPDX-License-Identifier: GPL-3.0-or-later

// The input is a file with a `sweep` block; what follows a NUL are overrides, one after each NUL.
// Its first and last points are asked for, and where they are written.

#include "base/memory.h"
#include "base/text.h"
#include "fuzz.h"
#include "scenario/diagnostics.h"
#include "scenario/read.h"
#include "scenario/sweep.h"

#include <string.h>

enum { MOST_SETS = 8, LOOKED_AT = 3 };

static void look_at(const struct sweep *sweep, uint64_t number, struct arena *arena)
{
    size_t count;
    size_t swept;
    sweep_point(sweep, number, arena, &count, &swept);
    sweep_point_origins(sweep, number, arena);
}

static void try_sweep(const struct scenario *scenario, const char *const *sets, size_t set_count,
                      struct arena *arena, struct diagnostics *diagnostics)
{
    struct sweep *sweep;
    if (sweep_read(scenario, 1, sets, set_count, 2385, arena, diagnostics, &sweep) != 0) {
        return;
    }
    for (uint64_t i = 0; i < LOOKED_AT && i < sweep->points; i++) {
        look_at(sweep, i, arena);
        look_at(sweep, sweep->points - 1 - i, arena);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct arena arena = {0};
    struct diagnostics diagnostics = {0};
    struct text text = {0};
    struct scenario *scenario;
    const char *sets[MOST_SETS];
    size_t set_count = 0;
    const char *copy = arena_text_n(&arena, (const char *)bytes, length);
    const size_t file = strlen(copy);
    for (size_t at = file + 1; at <= length && set_count < MOST_SETS;) {
        sets[set_count] = copy + at;
        at += strlen(sets[set_count++]) + 1;
    }
    memory_file_put("s.yaml", copy, file);
    if (scenario_load("s.yaml", NULL, 0, &arena, &diagnostics, &scenario) == 0) {
        try_sweep(scenario, sets, set_count, &arena, &diagnostics);
    }
    diagnostics_render(&diagnostics, &text);
    text_finish(&text);
    diagnostics_finish(&diagnostics);
    arena_finish(&arena);
    return 0;
}
