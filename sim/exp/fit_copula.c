// SPDX-License-Identifier: GPL-3.0-or-later

// The correlations behind confidences and being right, by matching moments (exp/fit.h).

#include "exp/fit_parts.h"

#include "base/memory.h"
#include "model/generator.h"
#include "rng/correlation.h"
#include "rng/elementary.h"
#include "rng/stream.h"
#include "scenario/generated.h"
#include "scenario/spec.h"

#include <math.h>
#include <string.h>

// All steps look at the same samples. Correlations of so many have errors of about 0.005.
enum { DRAWS = 32768, CONFIDENCE_STEPS = 16, RIGHT_STEPS = 120, DECIMALS = 5 };

// Eigenvalues that the confidences may have, and how far the whole matrix is then moved towards
// independence, so that it stays one of correlations when it is rounded.
static const double LEAST_EIGENVALUE = 1e-3;
static const double LEAST_SHRINKAGE = 5e-4;

// Steps along the gradient: their length, how much of the last one is kept, and the weight of
// differences between being right and confidences where that of being right together is 1.
static const double STEP = 0.3;
static const double MOMENTUM = 0.8;
static const double CROSS_WEIGHT = 0.3;

struct search {
    const struct fit_moments *target;
    const struct generator *generator;
    size_t exits;
    size_t size;        // 2 * exits: length of the vectors
    double *normals;    // [DRAWS][size]
    double *sure;       // [exits][size]: the vectors behind confidences
    double *right;      // [exits][size]: those behind being right
    double *confidence; // [DRAWS][exits], centred once they are final, in units of their deviation
    double *threshold;  // [DRAWS][exits]
    double *found;      // [size][size]: correlations, confidences first
};

static double dot(const double *a, const double *b, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += a[i] * b[i];
    }
    return sum;
}

static void init_search(struct search *search, const struct fit_moments *target,
                        const struct spec_generated *generated, uint64_t seed, struct arena *arena)
{
    const size_t exits = (size_t)target->exits;
    int *numbers = arena_new_array(arena, exits, int);
    for (size_t i = 0; i < exits; i++) {
        numbers[i] = (int)i;
    }
    const struct generator_wanted wanted = {.exits = numbers, .exit_count = (int)exits};
    *search = (struct search){
        .target = target,
        .generator = generator_build(generated, &wanted, arena),
        .exits = exits,
        .size = 2 * exits,
        .normals = arena_new_array(arena, DRAWS * 2 * exits, double),
        .sure = arena_new_array(arena, exits * 2 * exits, double),
        .right = arena_new_array(arena, exits * 2 * exits, double),
        .confidence = arena_new_array(arena, DRAWS * exits, double),
        .threshold = arena_new_array(arena, DRAWS * exits, double),
        .found = arena_new_array(arena, 4 * exits * exits, double),
    };
    const struct stream_key key = {.seed = seed};
    const uint64_t purpose = stream_purpose("fit", "copula");
    for (size_t i = 0; i < DRAWS * search->size; i++) {
        const struct stream_at at = {key, purpose, 0, i};
        search->normals[i] = elementary_normal(stream_uniform(&at));
    }
}

// ---- confidences ----

// Draws all confidences and finds their correlations.
static void draw_confidences(struct search *search)
{
    const size_t exits = search->exits;
    double mean[FIT_MOST_EXITS] = {0};
    for (size_t draw = 0; draw < DRAWS; draw++) {
        for (size_t i = 0; i < exits; i++) {
            const double x =
                dot(search->sure + i * search->size, search->normals + draw * search->size, i + 1);
            double *confidence = &search->confidence[draw * exits + i];
            *confidence = generator_confidence(search->generator, (int)i, x,
                                               &search->threshold[draw * exits + i]);
            mean[i] += *confidence / DRAWS;
        }
    }
    double deviation[FIT_MOST_EXITS] = {0};
    for (size_t draw = 0; draw < DRAWS; draw++) {
        for (size_t i = 0; i < exits; i++) {
            double *confidence = &search->confidence[draw * exits + i];
            *confidence -= mean[i];
            deviation[i] += *confidence * *confidence / DRAWS;
        }
    }
    for (size_t i = 0; i < exits; i++) {
        deviation[i] = deviation[i] > 1e-20 ? sqrt(deviation[i]) : INFINITY;
    }
    memset(search->found, 0, search->size * search->size * sizeof(double));
    for (size_t draw = 0; draw < DRAWS; draw++) {
        double *row = search->confidence + draw * exits;
        for (size_t i = 0; i < exits; i++) {
            row[i] /= deviation[i];
            for (size_t k = 0; k <= i; k++) {
                search->found[i * search->size + k] += row[i] * row[k] / DRAWS;
            }
        }
    }
}

static void fit_confidences(struct search *search, struct arena *arena, struct fit *fit)
{
    const size_t exits = search->exits;
    const size_t size = search->size;
    double *matrix = arena_new_array(arena, exits * exits, double);
    double *factor = arena_new_array(arena, exits * exits, double);
    for (size_t i = 0; i < exits; i++) {
        matrix[i * exits + i] = 1;
        search->sure[i * size + i] = 1;
    }
    for (int step = 0; step < CONFIDENCE_STEPS; step++) {
        draw_confidences(search);
        for (size_t i = 0; i < exits; i++) {
            for (size_t k = 0; k < i; k++) {
                const double missing =
                    search->target->correlation[i * size + k] - search->found[i * size + k];
                const double moved = fmin(fmax(matrix[i * exits + k] + missing, -1), 1);
                matrix[i * exits + k] = matrix[k * exits + i] = moved;
            }
        }
        fit->is_clipped = correlation_repair(matrix, exits, LEAST_EIGENVALUE, &fit->smallest);
        correlation_factor(matrix, exits, factor);
        for (size_t i = 0; i < exits; i++) {
            memcpy(search->sure + i * size, factor + i * exits, exits * sizeof(double));
        }
    }
    draw_confidences(search);
}

// ---- being right ----

// Makes the vector behind being right orthogonal to that behind the exit's confidence, of length 1.
static void straighten(struct search *search, size_t exit)
{
    double *right = search->right + exit * search->size;
    const double *sure = search->sure + exit * search->size;
    const double along = dot(right, sure, search->size);
    for (size_t i = 0; i < search->size; i++) {
        right[i] -= along * sure[i];
    }
    const double length = sqrt(dot(right, right, search->size));
    for (size_t i = 0; i < search->size; i++) {
        right[i] /= length;
    }
}

// Finds the correlations of being right, with each other and with confidences.
static void draw_rights(struct search *search)
{
    const size_t exits = search->exits;
    const size_t size = search->size;
    double *together = search->found + exits * size; // rows of being right
    memset(together, 0, exits * size * sizeof(double));
    for (size_t draw = 0; draw < DRAWS; draw++) {
        const double *normals = search->normals + draw * size;
        const double *confidence = search->confidence + draw * exits;
        bool is_right[FIT_MOST_EXITS];
        for (size_t i = 0; i < exits; i++) {
            double *row = together + i * size;
            is_right[i] =
                dot(search->right + i * size, normals, size) > search->threshold[draw * exits + i];
            if (!is_right[i]) {
                continue;
            }
            for (size_t k = 0; k < exits; k++) {
                row[k] += confidence[k];
            }
            for (size_t k = 0; k <= i; k++) {
                row[exits + k] += is_right[k];
            }
        }
    }
    double share[FIT_MOST_EXITS];
    double deviation[FIT_MOST_EXITS];
    for (size_t i = 0; i < exits; i++) {
        share[i] = together[i * size + exits + i] / DRAWS;
        const double variance = share[i] * (1 - share[i]);
        deviation[i] = variance > 0 ? sqrt(variance) : INFINITY;
    }
    for (size_t i = 0; i < exits; i++) {
        double *row = together + i * size;
        for (size_t k = 0; k < exits; k++) {
            row[k] /= DRAWS * deviation[i];
        }
        for (size_t k = 0; k <= i; k++) {
            row[exits + k] =
                (row[exits + k] / DRAWS - share[i] * share[k]) / (deviation[i] * deviation[k]);
        }
    }
}

// The direction in which the vector of an exit diminishes the squared differences.
static void find_gradient(const struct search *search, size_t exit, double *ret_gradient)
{
    const size_t exits = search->exits;
    const size_t size = search->size;
    const double *target = search->target->correlation;
    const size_t row = exits + exit;
    memset(ret_gradient, 0, size * sizeof(double));
    for (size_t k = 0; k < exits; k++) {
        if (k == exit) {
            continue;
        }
        const size_t high = row > exits + k ? row : exits + k;
        const size_t low = row > exits + k ? exits + k : row;
        const double together = target[high * size + low] - search->found[high * size + low];
        const double crossed =
            CROSS_WEIGHT * (target[row * size + k] - search->found[row * size + k]);
        for (size_t i = 0; i < size; i++) {
            ret_gradient[i] +=
                together * search->right[k * size + i] + crossed * search->sure[k * size + i];
        }
    }
    const double *right = search->right + exit * size;
    const double along = dot(ret_gradient, right, size);
    for (size_t i = 0; i < size; i++) {
        ret_gradient[i] -= along * right[i];
    }
}

static void fit_rights(struct search *search, struct arena *arena)
{
    const size_t exits = search->exits;
    const size_t size = search->size;
    double *move = arena_new_array(arena, exits * size, double);
    double *gradient = arena_new_array(arena, size, double);
    for (size_t i = 0; i < exits; i++) {
        search->right[i * size + exits + i] = 1;
    }
    for (int step = 0; step < RIGHT_STEPS; step++) {
        draw_rights(search);
        for (size_t i = 0; i < exits; i++) {
            find_gradient(search, i, gradient);
            for (size_t k = 0; k < size; k++) {
                move[i * size + k] = MOMENTUM * move[i * size + k] + gradient[k];
            }
        }
        for (size_t i = 0; i < exits; i++) {
            for (size_t k = 0; k < size; k++) {
                search->right[i * size + k] += STEP * move[i * size + k];
            }
            straighten(search, i);
        }
    }
}

// ---- the whole ----

static double correlate(const struct search *search, const double *a, size_t i, const double *b,
                        size_t k, double shrinkage)
{
    return fit_round(
        dot(a + i * search->size, b + k * search->size, search->size) / (1 + shrinkage), DECIMALS);
}

static void store_correlations(const struct search *search, double shrinkage, struct arena *arena,
                               struct spec_generated *generated)
{
    for (size_t i = 0; i < search->exits; i++) {
        struct spec_outcome *outcome = &generated->outcomes[i];
        double *confidence_with = arena_new_array(arena, i, double);
        double *right_with = arena_new_array(arena, i, double);
        double *crossed = arena_new_array(arena, search->exits, double);
        for (size_t k = 0; k < i; k++) {
            confidence_with[k] = correlate(search, search->sure, i, search->sure, k, shrinkage);
            right_with[k] = correlate(search, search->right, i, search->right, k, shrinkage);
        }
        for (size_t k = 0; k < search->exits; k++) {
            crossed[k] =
                k == i ? 0 : correlate(search, search->right, i, search->sure, k, shrinkage);
        }
        outcome->confidence_with = confidence_with;
        outcome->confidence_with_count = (int)i;
        outcome->right_with = right_with;
        outcome->right_with_count = (int)i;
        outcome->right_with_confidence = crossed;
        outcome->right_with_confidence_count = (int)search->exits;
    }
}

void fit_copula(const struct fit_moments *target, uint64_t seed, struct arena *arena,
                struct fit *fit)
{
    struct search search;
    init_search(&search, target, fit->generated, seed, arena);
    fit_confidences(&search, arena, fit);
    fit_rights(&search, arena);
    // The vectors may lie in a plane, and rounding then leaves no correlations.
    double shrinkage = LEAST_SHRINKAGE;
    do {
        store_correlations(&search, shrinkage, arena, fit->generated);
        shrinkage *= 2;
    } while (generated_factor(fit->generated, arena) >= 0);
}
