// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/training.h"

#include "base/memory.h"
#include "model/generator.h"
#include "model/world.h"
#include "rng/stream.h"
#include "scenario/trace.h"

#include <string.h>

static void learn_row(struct world *world, const struct trace *trace, size_t from, int row,
                      double *features, double *confidences, unsigned char *correct)
{
    const size_t feature_count = (size_t)trace->features;
    const size_t exits = (size_t)trace->exits;
    const size_t to = (size_t)row;
    if (feature_count) {
        memcpy(features + to * feature_count, trace->feature + from * feature_count,
               feature_count * sizeof(double));
    }
    for (size_t exit = 0; exit < exits; exit++) {
        const struct trace_outcome *outcome = &trace->outcomes[from * exits + exit];
        confidences[to * exits + exit] = outcome->confidence;
        correct[to * exits + exit] = outcome->correct != 0;
    }
    world->view.training.rows = row + 1;
}

// Replications are numbered from 0; what is set aside belongs to none of them.
static struct stream_key training_key(const struct world *world)
{
    return (struct stream_key){.seed = world->spec->seed, .replication = UINT64_MAX};
}

static void draw_training(struct world *world, struct arena *arena)
{
    const size_t count = (size_t)world->spec->samples.train_samples;
    const size_t exits = (size_t)world->view.exits;
    const size_t features = (size_t)world->view.features;
    struct trace_outcome *outcomes = arena_new_array(arena, exits, struct trace_outcome);
    double *seen = arena_new_array(arena, count * features, double);
    double *confidences = arena_new_array(arena, count * exits, double);
    unsigned char *correct = arena_new_array(arena, count * exits, unsigned char);
    for (size_t i = 0; i < count; i++) {
        generator_draw(world->source[0].generator, training_key(world), 0, i, outcomes,
                       seen + i * features);
        for (size_t exit = 0; exit < exits; exit++) {
            confidences[i * exits + exit] = outcomes[exit].confidence;
            correct[i * exits + exit] = outcomes[exit].correct != 0;
        }
    }
    world->view.training = (struct policy_training){
        .rows = (int)count, .features = seen, .confidences = confidences, .correct = correct};
}

static void set_rows_aside(struct world *world, struct arena *arena)
{
    struct world_source *source = &world->source[0];
    const struct trace *trace = source->trace;
    if (source->generator) {
        draw_training(world, arena);
    }
    const size_t count = trace_training_rows(trace, world->spec->samples.train);
    source->rows = (uint32_t)(trace->rows - count);
    source->row = NULL;
    if (!count) {
        return;
    }
    const struct stream_key key = training_key(world);
    const struct stream_permutation order =
        stream_permutation(key, stream_purpose("train", ""), 0, trace->rows);
    unsigned char *is_aside = arena_new_array(arena, trace->rows, unsigned char);
    for (size_t i = 0; i < count; i++) {
        is_aside[stream_permuted(&order, i)] = 1;
    }
    double *features = arena_new_array(arena, count * (size_t)trace->features, double);
    double *confidences = arena_new_array(arena, count * (size_t)trace->exits, double);
    unsigned char *correct = arena_new_array(arena, count * (size_t)trace->exits, unsigned char);
    world->view.training = (struct policy_training){
        .features = features, .confidences = confidences, .correct = correct};
    uint32_t *rows = arena_new_array(arena, source->rows, uint32_t);
    source->row = rows;
    for (size_t row = 0; row < trace->rows; row++) {
        if (is_aside[row]) {
            learn_row(world, trace, row, world->view.training.rows, features, confidences, correct);
        } else {
            *rows++ = (uint32_t)row;
        }
    }
}

void training_set_aside(struct world *world, struct arena *arena)
{
    set_rows_aside(world, arena);
    for (int i = 0; i < world->class_count; i++) {
        world->classes[i].view.training = world->view.training;
    }
}
