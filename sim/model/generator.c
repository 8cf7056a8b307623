// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/generator.h"

#include "base/memory.h"
#include "rng/elementary.h"
#include "scenario/spec.h"
#include "scenario/trace.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { MOST_EXITS = 64 };

// Where the outermost stretches end, in standard deviations: one sample in 30,000 lies beyond.
static const double FARTHEST = 4;

// The samples between two quantiles of an exit's confidence.
struct stretch {
    double from;       // X at its lower end
    double confidence; // there
    double slope;      // of the confidence in X
    double most;       // confidence at its upper end
    double threshold;  // the exit is right if V is above
};

struct exit {
    bool is_drawn;
    struct stretch *stretches;
};

struct feature {
    const struct spec_feature *spec;
    int number;
};

struct generator {
    const struct spec_generated *spec;
    int normals; // that a sample needs
    struct exit exits[MOST_EXITS];
    int stretches;
    const double *bounds; // [stretches - 1]: X between each two
    const int *wanted;
    int wanted_count;
    struct feature *features;
    int feature_count;
    double *class_ends; // shares of the labels, added up
    uint64_t purpose_difficulty;
    uint64_t purpose_label;
    uint64_t purpose_feature;
};

static void build_exit(struct generator *generator, int number, const double *latent,
                       struct arena *arena)
{
    const struct spec_outcome *outcome = &generator->spec->outcomes[number];
    struct exit *exit = &generator->exits[number];
    exit->stretches = arena_new_array(arena, (size_t)generator->stretches, struct stretch);
    for (int i = 0; i < generator->stretches; i++) {
        const double low = outcome->confidence[i];
        const double high = outcome->confidence[i + 1];
        const double right = outcome->right[i];
        exit->stretches[i] = (struct stretch){
            .from = latent[i],
            .confidence = low,
            .slope = (high - low) / (latent[i + 1] - latent[i]),
            .most = high,
            .threshold = right <= 0   ? INFINITY
                         : right >= 1 ? -INFINITY
                                      : -elementary_normal(right),
        };
    }
}

static void build_features(struct generator *generator, const struct generator_wanted *wanted,
                           struct arena *arena)
{
    const struct spec_generated *spec = generator->spec;
    generator->features = arena_new_array(arena, (size_t)wanted->feature_count, struct feature);
    for (int i = 0; i < wanted->feature_count; i++) {
        for (int k = 0; k < spec->feature_count; k++) {
            if (strcmp(spec->features[k].name, wanted->features[i]) == 0) {
                generator->features[i] = (struct feature){&spec->features[k], k};
            }
        }
    }
    generator->feature_count = wanted->feature_count;
}

struct generator *generator_build(const struct spec_generated *generated,
                                  const struct generator_wanted *wanted, struct arena *arena)
{
    struct generator *generator = arena_new(arena, struct generator);
    const size_t quantiles = (size_t)generated->quantile_count;
    generator->spec = generated;
    generator->stretches = (int)quantiles - 1;
    double *latent = arena_new_array(arena, quantiles, double);
    for (size_t i = 0; i < quantiles; i++) {
        const double share = generated->quantiles[i];
        const double x = share <= 0 ? -FARTHEST : share >= 1 ? FARTHEST : elementary_normal(share);
        latent[i] = fmin(fmax(x, -FARTHEST), FARTHEST);
    }
    generator->bounds = latent + 1;
    generator->wanted = wanted->exits;
    generator->wanted_count = wanted->exit_count;
    build_features(generator, wanted, arena);
    // The pool, and with it the features, depends on all exits.
    for (int i = 0; i < generated->outcome_count; i++) {
        generator->exits[i].is_drawn = wanted->feature_count > 0;
    }
    for (int i = 0; i < wanted->exit_count; i++) {
        generator->exits[wanted->exits[i]].is_drawn = true;
    }
    for (int i = 0; i < generated->outcome_count; i++) {
        if (generator->exits[i].is_drawn) {
            build_exit(generator, i, latent, arena);
            generator->normals = 2 * i + 2;
        }
    }
    generator->class_ends = arena_new_array(arena, (size_t)generated->class_count, double);
    double sum = 0;
    for (int i = 0; i < generated->class_count; i++) {
        generator->class_ends[i] = sum += generated->classes[i];
    }
    generator->purpose_difficulty = stream_purpose("difficulty", "");
    generator->purpose_label = stream_purpose("label", "");
    generator->purpose_feature = stream_purpose("feature", "");
    return generator;
}

// The first `count` numbers of a sample for one purpose; the same ones that stream_sub_word()
// gives.
static void draw_normals(const struct stream_at *at, int count, double *ret_normals)
{
    for (int i = 0; i < count; i += 4) {
        const philox4x64_ctr_t block =
            stream_block(at->key, at->purpose, at->entity, at->index, 1 + ((uint64_t)i >> 2));
        for (int k = 0; k < 4 && i + k < count; k++) {
            ret_normals[i + k] = elementary_normal(stream_unit(block.v[k]));
        }
    }
}

static double correlate(const double *row, const double *normals, int count)
{
    double sum = 0;
    for (int i = 0; i < count; i++) {
        // NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): as many are drawn
        sum += row[i] * normals[i];
    }
    return sum;
}

double generator_confidence(const struct generator *generator, int exit, double x,
                            double *ret_threshold)
{
    // The last stretch that does not begin above x.
    int low = 0;
    int high = generator->stretches - 1;
    while (low < high) {
        const int middle = (low + high) / 2;
        if (x < generator->bounds[middle]) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    const struct stretch *stretch = &generator->exits[exit].stretches[low];
    *ret_threshold = stretch->threshold;
    const double confidence = stretch->confidence + (x - stretch->from) * stretch->slope;
    return confidence < stretch->confidence ? stretch->confidence
           : confidence > stretch->most     ? stretch->most
                                            : confidence;
}

static struct trace_outcome draw_exit(const struct generator *generator, int number,
                                      const double *normals)
{
    const size_t size = 2 * (size_t)generator->spec->outcome_count;
    const double *row = generator->spec->factor + 2 * (size_t)number * size;
    const double x = correlate(row, normals, 2 * number + 1);
    const double v = correlate(row + size, normals, 2 * number + 2);
    double threshold;
    const double confidence = generator_confidence(generator, number, x, &threshold);
    return (struct trace_outcome){
        .confidence = confidence, .prediction = -1, .correct = v > threshold};
}

// Words of a sample for its label: the label, the rival, and one for each exit.
enum { WORD_LABEL, WORD_RIVAL, WORD_EXITS };

// The wrong label that is number `u` of (0, 1).
static int32_t wrong_label(int32_t label, int32_t classes, double u)
{
    int32_t step = (int32_t)(u * (double)(classes - 1));
    step = step > classes - 2 ? classes - 2 : step;
    return (label + 1 + step) % classes;
}

static int32_t draw_labels(const struct generator *generator, struct stream_at *at,
                           struct trace_outcome *outcomes)
{
    const int32_t classes = generator->spec->class_count;
    if (!classes) {
        return -1;
    }
    at->purpose = generator->purpose_label;
    const double u =
        stream_unit(stream_sub_word(at, WORD_LABEL)) * generator->class_ends[classes - 1];
    int32_t label = 0;
    while (label < classes - 1 && u >= generator->class_ends[label]) {
        label++;
    }
    const int32_t rival = wrong_label(label, classes, stream_unit(stream_sub_word(at, WORD_RIVAL)));
    const double share = generator->spec->rival;
    for (int i = 0; i < generator->wanted_count; i++) {
        if (outcomes[i].correct) {
            outcomes[i].prediction = label;
            continue;
        }
        const double which =
            stream_unit(stream_sub_word(at, WORD_EXITS + (uint64_t)generator->wanted[i]));
        outcomes[i].prediction =
            which < share ? rival : wrong_label(label, classes, (which - share) / (1 - share));
    }
    return label;
}

static int pool_of(const struct spec_generated *spec, const struct trace_outcome *drawn)
{
    double truth = 0;
    for (int i = 0; i < spec->outcome_count; i++) {
        // NOLINTNEXTLINE(clang-analyzer-core.uninitialized.Branch): features need all exits
        truth += drawn[i].correct ? drawn[i].confidence : 1 - drawn[i].confidence;
    }
    const double difficulty = 1 - truth / (double)spec->outcome_count;
    int pool = 0;
    while (pool < SPEC_POOLS - 1 && difficulty > spec->pools[pool]) {
        pool++;
    }
    return pool;
}

int32_t generator_draw(const struct generator *generator, struct stream_key key, uint64_t device,
                       uint64_t index, struct trace_outcome *ret_outcomes, double *ret_features)
{
    const struct spec_generated *spec = generator->spec;
    struct stream_at at = {key, generator->purpose_difficulty, device, index};
    double normals[2 * MOST_EXITS];
    struct trace_outcome drawn[MOST_EXITS];
    draw_normals(&at, generator->normals, normals);
    for (int i = 0; i < spec->outcome_count; i++) {
        if (generator->exits[i].is_drawn) {
            drawn[i] = draw_exit(generator, i, normals);
        }
    }
    for (int i = 0; i < generator->wanted_count; i++) {
        ret_outcomes[i] = drawn[generator->wanted[i]];
    }
    if (generator->feature_count) {
        const int pool = pool_of(spec, drawn);
        at.purpose = generator->purpose_feature;
        for (int i = 0; i < generator->feature_count; i++) {
            const struct feature *feature = &generator->features[i];
            const double u = stream_unit(stream_sub_word(&at, (uint64_t)feature->number));
            ret_features[i] =
                feature->spec->mean[pool] + feature->spec->spread[pool] * elementary_normal(u);
        }
    }
    return draw_labels(generator, &at, ret_outcomes);
}
