// SPDX-License-Identifier: GPL-3.0-or-later

// Where a world's samples come from, at first and after each change.

#include "base/memory.h"
#include "model/generator.h"
#include "model/world.h"
#include "scenario/trace.h"

// Samples without a trace are all alike: every exit is sure and right.
static const struct trace *sure_trace(const struct spec *spec, struct arena *arena)
{
    struct trace *trace = arena_new(arena, struct trace);
    trace->path = "";
    trace->rows = 1;
    trace->exits = spec->exit_count;
    trace->outcomes = arena_new_array(arena, (size_t)spec->exit_count, struct trace_outcome);
    for (int i = 0; i < spec->exit_count; i++) {
        trace->outcomes[i] =
            (struct trace_outcome){.confidence = 1, .prediction = -1, .correct = 1};
    }
    return trace;
}

// `outcomes` says which exit of the generator each exit of the scenario is.
static const struct generator *build_generator(const struct spec *spec,
                                               const struct spec_generated *generated,
                                               const int *outcomes, struct arena *arena)
{
    const struct generator_wanted wanted = {.exits = outcomes,
                                            .exit_count = spec->exit_count,
                                            .features = spec->samples.feature_columns,
                                            .feature_count = spec->samples.feature_count};
    return generator_build(generated, &wanted, arena);
}

static void note_labels(struct world *world, const struct trace *trace,
                        const struct spec_generated *generated)
{
    const int labels = generated ? generated->class_count : trace->label ? trace->classes : 0;
    world->labels = labels > world->labels ? labels : world->labels;
}

static void build_first(struct world *world, struct arena *arena)
{
    const struct spec *spec = world->spec;
    struct world_source *source = &world->source[world->sources++];
    source->trace = spec->trace ? spec->trace : sure_trace(spec, arena);
    source->purpose_order = stream_purpose("order", "");
    if (spec->generated) {
        int *outcomes = arena_new_array(arena, (size_t)spec->exit_count, int);
        for (int i = 0; i < spec->exit_count; i++) {
            outcomes[i] = spec->exits[i].outcome;
        }
        source->generator = build_generator(spec, spec->generated, outcomes, arena);
    }
    note_labels(world, source->trace, spec->generated);
}

void world_build_sources(struct world *world, struct arena *arena)
{
    const struct spec *spec = world->spec;
    world->source = arena_new_array(arena, (size_t)spec->drift_count + 1, struct world_source);
    build_first(world, arena);
    for (int i = 0; i < spec->drift_count; i++) {
        const struct spec_drift *change = &spec->drift[i];
        if (!change->trace && !change->generated) {
            continue;
        }
        struct world_source *source = &world->source[world->sources];
        *source = world->source[0];
        source->from_s = change->at_s;
        // Orders of different traces have nothing to do with each other.
        source->purpose_order = stream_purpose("order", arena_format(arena, "%d", world->sources));
        if (change->trace) {
            source->trace = change->trace;
        } else {
            source->generator = build_generator(spec, change->generated, change->outcomes, arena);
        }
        source->rows = (uint32_t)source->trace->rows; // none of them is set aside
        note_labels(world, change->trace, change->generated);
        world->sources++;
    }
}

double world_mean(const struct world *world, const struct distribution *distribution,
                  const struct distribution_parameters *parameters)
{
    if (distribution->kind != DISTRIBUTION_COLUMN) {
        return distribution->mean;
    }
    const struct trace *trace = world->source[0].trace;
    double sum = 0;
    for (size_t row = 0; row < trace->rows; row++) {
        sum += trace_extra(trace, row, parameters->column);
    }
    return sum / (double)trace->rows * parameters->column_scale;
}
