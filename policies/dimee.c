// SPDX-License-Identifier: GPL-3.0-or-later

// DIMEE: the first layers of one multi-exit model run on the device, more of them at the edge, all
// in the cloud; each sample goes at once to the tier that its features suggest, and exits there
// early.
//
// Bajpai and Hanawal, "Distributed inference on mobile edge and cloud: an early exit based
// clustering approach", arXiv 2410.05338, and the authors' code (github Div290/DIMEE):
//
//   pools      a training sample is easy if some exit within the first tier's layers is sure
//              (confidence at least alpha), moderate if one within the second tier's is, else hard;
//              each pool is known by the centroid of its samples' features
//   inference  a new sample goes to the tier of the nearest centroid, runs there from exit to exit,
//              and is answered at the first that is sure, at the latest at the tier's depth
//   alpha      the candidate with the largest mean reward over the training samples:
//              confidence of the exit that answers - mu * (prices of the layers run + of offloads),
//              the reward of the same authors' SplitEE (arXiv 2309.09195), taken here for DIMEE's,
//              with these tiers' costs
//
// The paper's depths are 3, 6 and 12 of 12 layers, which is the default here as shares.
//
// Departures from it, all parameters: any number of tiers; a metric that knows the features'
// covariance; `escalate` passes on to the next tier what is unsure at the tier's depth, which the
// paper answers; `most_drop` leaves out candidates for alpha that cost more accuracy on the
// training samples. What `escalate` sends is the activation behind the last exit that was run, and
// the next tier continues there; where the scenario does not state the sizes of the model's
// activations, it is the raw input, and the model starts again.

#include "policies/policy.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum dimee_metric { DIMEE_EUCLIDEAN, DIMEE_MAHALANOBIS };

struct dimee_parameters {
    struct policy_numbers alpha;
    double mu;
    double most_drop;
    struct policy_numbers depths;
    int metric;
    bool escalate;
    int model;
    struct policy_numbers centroids;
    int when_lost;
};

#define OFFSET(member) offsetof(struct dimee_parameters, member)

static const char *const metrics[] = {"euclidean", "mahalanobis", NULL};

static const struct policy_parameter parameters[] = {
    {.name = "alpha",
     .kind = POLICY_NUMBERS,
     .offset = OFFSET(alpha),
     .unit = "",
     .default_text = "",
     .least = 0,
     .most = 1,
     .meaning = "least confidence that is answered before a tier's depth (the paper's alpha); of "
                "several, the one with the best mean reward on the training samples; left out, of "
                "thirteen from 0.5 to 0.999"},
    {.name = "mu",
     .kind = POLICY_NUMBER,
     .offset = OFFSET(mu),
     .unit = "",
     .default_text = "1",
     .least = 0,
     .most = 1e15,
     .meaning = "confidence that one unit of cost is worth in the reward"},
    {.name = "most_drop",
     .kind = POLICY_NUMBER,
     .offset = OFFSET(most_drop),
     .unit = "",
     .default_text = "100 %",
     .least = 0,
     .most = 1,
     .meaning = "accuracy that alpha may cost on the training samples against the model's end"},
    {.name = "depths",
     .kind = POLICY_NUMBERS,
     .offset = OFFSET(depths),
     .unit = "",
     .default_text = "",
     .least = 1,
     .most = 10000,
     .meaning = "number of the model's layers that each tier which can run it holds; left out, all "
                "at the highest, and half as many, rounded, at each next lower one"},
    {.name = "metric",
     .kind = POLICY_CHOICE,
     .offset = OFFSET(metric),
     .unit = "",
     .default_text = "euclidean",
     .choices = metrics,
     .meaning =
         "distance to a centroid: of the features as they are, or with the covariance within "
         "the pools of the training samples"},
    {.name = "escalate",
     .kind = POLICY_BOOLEAN,
     .offset = OFFSET(escalate),
     .unit = "",
     .default_text = "false",
     .meaning = "whether what is unsure at a tier's depth goes on to the next tier"},
    {.name = "model",
     .kind = POLICY_MODEL,
     .offset = OFFSET(model),
     .unit = "",
     .default_text = "",
     .meaning = "the model to run; left out, the first that the origin tier can run"},
    {.name = "centroids",
     .kind = POLICY_NUMBERS,
     .offset = OFFSET(centroids),
     .unit = "",
     .default_text = "",
     .least = -1e15,
     .most = 1e15,
     .meaning = "fixed centroids, the features of each pool after the other; left out, those of "
                "the training samples"},
    POLICY_WHEN_LOST_PARAMETER(struct dimee_parameters, when_lost),
    {.name = NULL},
};

// Where the choice of alpha is left open; closer together where confidences crowd.
static const double usual_alphas[] = {0.5,  0.6,  0.7,  0.8,  0.85,  0.9,  0.925,
                                      0.95, 0.97, 0.98, 0.99, 0.995, 0.999};

static struct policy_numbers alphas_of(const struct dimee_parameters *p)
{
    const int usual = (int)(sizeof(usual_alphas) / sizeof(usual_alphas[0]));
    return p->alpha.count ? p->alpha : (struct policy_numbers){usual_alphas, usual};
}

// Reasons of decisions, worded for each pool.
enum { WHY_NEAREST, WHY_SURE, WHY_DEEPEST, WHY_ESCALATED, WHY_COUNT };

static const char *const reasons[WHY_COUNT] = {
    "features nearest to pool %d",
    "pool %d: confidence at least alpha",
    "pool %d: confidence below alpha at its depth",
    "pool %d: confidence below alpha, escalated",
};

enum { WHY_ROOM = 64 };

struct dimee_pool {
    char why[WHY_COUNT][WHY_ROOM];
    int tier;
    int layers;    // that the tier holds
    int last_exit; // within them
    int samples;   // training samples that are such
    bool has_centroid;
};

struct dimee_plan {
    double alpha;
    double reward; // on the training samples
    double accuracy;
    int model;
    int pools;
    bool ships_raw;
    struct dimee_pool pool[POLICY_MOST_TIERS];
    int pool_of_tier[POLICY_MOST_TIERS];
    int assigned[POLICY_MOST_TIERS][POLICY_MOST_TIERS]; // [true pool][nearest]: training samples
};

// Behind the plan: the centroids, [pool][feature]; with the covariance also the centroids after
// whitening, and the whitening itself, a lower triangle [feature][feature]: in whitened features
// the Euclidean distance is that of Mahalanobis.
static double *centroid_of(const struct dimee_plan *plan, const struct policy_world *world,
                           int pool)
{
    return (double *)(plan + 1) + (size_t)pool * (size_t)world->features;
}

static double *white_centroid_of(const struct dimee_plan *plan, const struct policy_world *world,
                                 int pool)
{
    return centroid_of(plan, world, POLICY_MOST_TIERS + pool);
}

static double *whitening_of(const struct dimee_plan *plan, const struct policy_world *world)
{
    return centroid_of(plan, world, 2 * POLICY_MOST_TIERS);
}

static size_t dimee_more_bytes(const struct policy_world *world, const void *given)
{
    const struct dimee_parameters *p = given;
    const size_t features = (size_t)world->features;
    const size_t whitening = p->metric == DIMEE_MAHALANOBIS ? features * features : 0;
    return (2 * POLICY_MOST_TIERS * features + whitening) * sizeof(double);
}

// ---- what becomes of a sample ----

// The pool whose centroid is nearest; among equals the first.
static int nearest_pool(const struct policy_world *world, const struct dimee_parameters *p,
                        const struct dimee_plan *plan, const double *features)
{
    const double *whitening = whitening_of(plan, world);
    double distance[POLICY_MOST_TIERS] = {0};
    for (int i = 0; i < world->features; i++) {
        double value = features[i];
        if (p->metric == DIMEE_MAHALANOBIS) {
            value = 0;
            for (int k = 0; k <= i; k++) {
                value += whitening[i * world->features + k] * features[k];
            }
        }
        for (int pool = 0; pool < plan->pools; pool++) {
            const double away = value - white_centroid_of(plan, world, pool)[i];
            distance[pool] += away * away;
        }
    }
    int nearest = -1;
    for (int pool = 0; pool < plan->pools; pool++) {
        if (plan->pool[pool].has_centroid && (nearest < 0 || distance[pool] < distance[nearest])) {
            nearest = pool;
        }
    }
    return nearest;
}

// What the offloads on the way from one tier to another cost.
static double way_price(const struct policy_world *world, int from, int to)
{
    double price = 0;
    while (from != to) {
        const struct policy_link *link = &world->link[world->route[from * world->tiers + to]];
        price += link->from == from ? link->offload_price : 0;
        from = link->from == from ? link->to : link->from;
    }
    return price;
}

// Whether a sample goes on that is unsure at its tier's depth: some tier must know more of it.
static bool is_escalated(const struct dimee_parameters *p, const struct dimee_plan *plan, int pool)
{
    return p->escalate && plan->pool[pool].last_exit < plan->pool[plan->pools - 1].last_exit;
}

struct dimee_fate {
    int pool; // that the features suggest
    int exit; // that answers
    double cost;
};

// Follows a training sample through the decisions of dimee_decide().
static struct dimee_fate follow(const struct policy_world *world, const struct dimee_parameters *p,
                                const struct dimee_plan *plan, int row)
{
    const double *confidences = world->training.confidences + (size_t)row * (size_t)world->exits;
    const double *features = world->training.features + (size_t)row * (size_t)world->features;
    int pool = nearest_pool(world, p, plan, features);
    int next = world->model[plan->model].first_exit;
    int layers = 0; // run so far
    struct dimee_fate fate = {.pool = pool};
    fate.cost = way_price(world, 0, plan->pool[pool].tier);
    for (;;) {
        const struct dimee_pool *here = &plan->pool[pool];
        while (next <= here->last_exit) {
            const int until = world->exit[next].layer + 1;
            fate.cost += world->tier[here->tier].layer_price * (until - layers);
            layers = until;
            fate.exit = next++;
            if (confidences[fate.exit] >= plan->alpha) {
                return fate;
            }
        }
        if (!is_escalated(p, plan, pool)) {
            return fate;
        }
        pool++;
        fate.cost += way_price(world, here->tier, plan->pool[pool].tier);
        layers = plan->ships_raw ? 0 : layers;
    }
}

// ---- learning from the training samples ----

// The pool to which a training sample belongs: the first tier that would be sure of it.
static int true_pool(const struct policy_world *world, const struct dimee_plan *plan, int row)
{
    const double *confidences = world->training.confidences + (size_t)row * (size_t)world->exits;
    int exit = world->model[plan->model].first_exit;
    for (int pool = 0; pool < plan->pools - 1; pool++) {
        for (; exit <= plan->pool[pool].last_exit; exit++) {
            if (confidences[exit] >= plan->alpha) {
                return pool;
            }
        }
    }
    return plan->pools - 1;
}

static void find_centroids(const struct policy_world *world, const struct dimee_parameters *p,
                           struct dimee_plan *plan)
{
    const int features = world->features;
    double *all = centroid_of(plan, world, 0);
    for (int i = 0; i < plan->pools * features; i++) {
        all[i] = p->centroids.count ? p->centroids.values[i] : 0;
    }
    for (int pool = 0; pool < plan->pools; pool++) {
        plan->pool[pool].samples = 0;
    }
    for (int row = 0; row < world->training.rows; row++) {
        const int pool = true_pool(world, plan, row);
        plan->pool[pool].samples++;
        for (int i = 0; i < features && !p->centroids.count; i++) {
            centroid_of(plan, world, pool)[i] += world->training.features[row * features + i];
        }
    }
    for (int pool = 0; pool < plan->pools; pool++) {
        struct dimee_pool *here = &plan->pool[pool];
        here->has_centroid = p->centroids.count || here->samples;
        for (int i = 0; i < features && here->samples && !p->centroids.count; i++) {
            centroid_of(plan, world, pool)[i] /= here->samples;
        }
    }
    memcpy(white_centroid_of(plan, world, 0), all,
           (size_t)plan->pools * (size_t)features * sizeof(double));
}

// The lower triangle of a covariance becomes the inverse of its Cholesky factor. Returns -1 if the
// features depend on each other, so that there is none.
static int invert_factor(double *matrix, int size)
{
    for (int j = 0; j < size; j++) {
        const double variance = matrix[j * size + j];
        double left = variance;
        for (int k = 0; k < j; k++) {
            left -= matrix[j * size + k] * matrix[j * size + k];
        }
        if (!(left > 1e-12 * variance)) {
            return -1;
        }
        matrix[j * size + j] = sqrt(left);
        for (int i = j + 1; i < size; i++) {
            double sum = matrix[i * size + j];
            for (int k = 0; k < j; k++) {
                sum -= matrix[i * size + k] * matrix[j * size + k];
            }
            matrix[i * size + j] = sum / matrix[j * size + j];
        }
    }
    for (int j = 0; j < size; j++) {
        matrix[j * size + j] = 1 / matrix[j * size + j];
        for (int i = j + 1; i < size; i++) {
            double sum = 0;
            for (int k = j; k < i; k++) {
                sum += matrix[i * size + k] * matrix[k * size + j];
            }
            matrix[i * size + j] = -sum / matrix[i * size + i];
        }
    }
    return 0;
}

// The covariance of the features around the centroid of their pool, and what follows from it.
static int whiten(const struct policy_world *world, struct dimee_plan *plan)
{
    const int features = world->features;
    double *matrix = whitening_of(plan, world);
    memset(matrix, 0, (size_t)features * (size_t)features * sizeof(double));
    for (int row = 0; row < world->training.rows; row++) {
        const double *values = world->training.features + (size_t)row * (size_t)features;
        const double *centre = centroid_of(plan, world, true_pool(world, plan, row));
        for (int i = 0; i < features; i++) {
            for (int k = 0; k <= i; k++) {
                matrix[i * features + k] +=
                    (values[i] - centre[i]) * (values[k] - centre[k]) / world->training.rows;
            }
        }
    }
    if (invert_factor(matrix, features) != 0) {
        return -1;
    }
    for (int pool = 0; pool < plan->pools; pool++) {
        for (int i = 0; i < features; i++) {
            double value = 0;
            for (int k = 0; k <= i; k++) {
                value += matrix[i * features + k] * centroid_of(plan, world, pool)[k];
            }
            white_centroid_of(plan, world, pool)[i] = value;
        }
    }
    return 0;
}

// Learns pools and centroids for one alpha, and what they are worth. Returns -1 if the covariance
// has no inverse.
static int learn(const struct policy_world *world, const struct dimee_parameters *p, double alpha,
                 struct dimee_plan *plan)
{
    const struct policy_training *training = &world->training;
    plan->alpha = alpha;
    plan->reward = plan->accuracy = 0;
    memset(plan->assigned, 0, sizeof(plan->assigned));
    find_centroids(world, p, plan);
    if (p->metric == DIMEE_MAHALANOBIS && whiten(world, plan) != 0) {
        return -1;
    }
    for (int row = 0; row < training->rows; row++) {
        const struct dimee_fate fate = follow(world, p, plan, row);
        const size_t at = (size_t)row * (size_t)world->exits + (size_t)fate.exit;
        plan->assigned[true_pool(world, plan, row)][fate.pool]++;
        plan->reward += (training->confidences[at] - p->mu * fate.cost) / training->rows;
        plan->accuracy += (double)training->correct[at] / training->rows;
    }
    return 0;
}

// Learns with every candidate for alpha, and keeps what the best one gives: of equals the first.
static int choose_alpha(const struct policy_world *world, const struct dimee_parameters *p,
                        struct dimee_plan *plan, char *ret_problem)
{
    const int end = policy_last_exit(world, plan->model);
    double accuracy = 0;
    for (int row = 0; row < world->training.rows; row++) {
        accuracy +=
            (double)world->training.correct[row * world->exits + end] / world->training.rows;
    }
    const struct policy_numbers alphas = alphas_of(p);
    int best = -1;
    double reward = 0;
    for (int i = 0; i < alphas.count; i++) {
        if (learn(world, p, alphas.values[i], plan) != 0) {
            snprintf(ret_problem, POLICY_PROBLEM_ROOM,
                     "the features of the training samples depend on each other, so that their "
                     "covariance has no inverse; leave some out, or use 'metric: euclidean'");
            return -1;
        }
        // Sums of the same numbers in another order may differ in their last bits.
        const bool is_allowed =
            alphas.count == 1 || accuracy - plan->accuracy <= p->most_drop + 1e-9;
        if (is_allowed && (best < 0 || plan->reward > reward)) {
            best = i;
            reward = plan->reward;
        }
    }
    if (best < 0) {
        snprintf(ret_problem, POLICY_PROBLEM_ROOM,
                 "every candidate for 'alpha' costs more accuracy on the training samples than "
                 "'most_drop' allows; add larger ones, raise 'most_drop', or use 'escalate: true'");
        return -1;
    }
    return learn(world, p, alphas.values[best], plan);
}

// ---- the plan ----

static int find_pools(const struct policy_world *world, const struct dimee_parameters *p,
                      struct dimee_plan *plan, char *ret_problem)
{
    plan->model = p->model >= 0 ? p->model : policy_first_model(world, 0);
    for (int tier = 0; tier < world->tiers; tier++) {
        plan->pool_of_tier[tier] = -1;
        if (plan->model >= 0 && policy_can_run(world, tier, plan->model)) {
            plan->pool_of_tier[tier] = plan->pools;
            plan->pool[plan->pools++].tier = tier;
        }
    }
    if (plan->pools < 2) {
        const char *model = plan->model < 0 ? "" : world->model[plan->model].name;
        snprintf(ret_problem, POLICY_PROBLEM_ROOM,
                 "fewer than two tiers have a service time for %s%s%s, so there is nothing to "
                 "choose between; name a model with 'model', or use policy 'early_exit'",
                 *model ? "model '" : "any model", model, *model ? "'" : "");
        return -1;
    }
    if (p->depths.count && p->depths.count != plan->pools) {
        snprintf(ret_problem, POLICY_PROBLEM_ROOM,
                 "'depths' has %d entries, but %d tiers can run model '%s'; it takes one for each",
                 p->depths.count, plan->pools, world->model[plan->model].name);
        return -1;
    }
    return 0;
}

static int find_depths(const struct policy_world *world, const struct dimee_parameters *p,
                       struct dimee_plan *plan, char *ret_problem)
{
    const struct policy_model *model = &world->model[plan->model];
    for (int i = 0; i < plan->pools; i++) {
        struct dimee_pool *pool = &plan->pool[i];
        const double depth = p->depths.count ? p->depths.values[i]
                                             : round(ldexp(model->layers, i - plan->pools + 1));
        pool->layers = (int)depth;
        if (depth != floor(depth) || depth > model->layers ||
            (i && pool->layers < plan->pool[i - 1].layers)) {
            snprintf(ret_problem, POLICY_PROBLEM_ROOM,
                     "a depth of %g at tier '%s' is not possible; depths are whole numbers of "
                     "layers, at most the %d of model '%s', and do not decrease",
                     depth, world->tier[pool->tier].name, model->layers, model->name);
            return -1;
        }
        pool->last_exit = -1;
        for (int exit = model->first_exit; exit < model->first_exit + model->exits; exit++) {
            if (world->exit[exit].layer < pool->layers) {
                pool->last_exit = exit;
            }
        }
        if (pool->last_exit < 0) {
            snprintf(ret_problem, POLICY_PROBLEM_ROOM,
                     "tier '%s' holds the first %d layers of model '%s', and no exit stands within "
                     "them; the first stands after layer %d: set 'depths'",
                     world->tier[pool->tier].name, pool->layers, model->name,
                     world->exit[model->first_exit].layer + 1);
            return -1;
        }
        plan->ships_raw |=
            i < plan->pools - 1 && isnan(model->output_bytes[world->exit[pool->last_exit].layer]);
    }
    return 0;
}

// Pools are counted from 1 in what people read.
static void word_reasons(struct dimee_plan *plan)
{
    for (int pool = 0; pool < plan->pools; pool++) {
        for (int why = 0; why < WHY_COUNT; why++) {
            snprintf(plan->pool[pool].why[why], WHY_ROOM, reasons[why], pool + 1);
        }
    }
}

static int dimee_plan(const struct policy_world *world, const void *given, void *ret_plan,
                      char *ret_problem)
{
    const struct dimee_parameters *p = given;
    struct dimee_plan *plan = ret_plan;
    if (find_pools(world, p, plan, ret_problem) != 0 ||
        find_depths(world, p, plan, ret_problem) != 0) {
        return -1;
    }
    if (!world->features) {
        snprintf(ret_problem, POLICY_PROBLEM_ROOM,
                 "samples show no features to choose a tier by; name columns of the trace in "
                 "'features' of 'samples'");
        return -1;
    }
    if (p->centroids.count && p->centroids.count != plan->pools * world->features) {
        snprintf(ret_problem, POLICY_PROBLEM_ROOM,
                 "'centroids' has %d entries, but %d pools with %d feature%s each need %d",
                 p->centroids.count, plan->pools, world->features, world->features == 1 ? "" : "s",
                 plan->pools * world->features);
        return -1;
    }
    const bool is_given = p->centroids.count && p->alpha.count == 1 && p->metric == DIMEE_EUCLIDEAN;
    if (!world->training.rows && !is_given) {
        snprintf(ret_problem, POLICY_PROBLEM_ROOM,
                 "%s is learned from rows of the trace that are set aside, and there are none; add "
                 "for example 'train: 30 %%' to 'samples'",
                 !p->centroids.count   ? "where the pools lie"
                 : p->alpha.count == 1 ? "the covariance of the features"
                                       : "which 'alpha' is best");
        return -1;
    }
    word_reasons(plan);
    return choose_alpha(world, p, plan, ret_problem);
}

static int dimee_uses_prices(const void *given)
{
    return alphas_of(given).count > 1;
}

// ---- what the plan knows ----

enum { FIRST_ASSIGNED = 4, MOST_ASSIGNED = POLICY_EXPLAIN_CELLS - FIRST_ASSIGNED - 2 };

static void write_headings(const struct policy_world *world, const struct dimee_plan *plan,
                           int assigned, char cells[POLICY_EXPLAIN_CELLS][POLICY_EXPLAIN_ROOM])
{
    static const char *const fixed[FIRST_ASSIGNED] = {"pool", "layers", "samples", "share"};
    for (int i = 0; i < FIRST_ASSIGNED; i++) {
        snprintf(cells[i], POLICY_EXPLAIN_ROOM, "%s", fixed[i]);
    }
    for (int i = 0; i < assigned; i++) {
        snprintf(cells[FIRST_ASSIGNED + i], POLICY_EXPLAIN_ROOM, "sent to %s",
                 world->tier[plan->pool[i].tier].name);
    }
    snprintf(cells[FIRST_ASSIGNED + assigned], POLICY_EXPLAIN_ROOM, "sent right");
    snprintf(cells[FIRST_ASSIGNED + assigned + 1], POLICY_EXPLAIN_ROOM, "centroid");
}

static void write_share(int part, int whole, char *ret_cell)
{
    snprintf(ret_cell, POLICY_EXPLAIN_ROOM, whole ? "%.1f %%" : "-",
             100.0 * part / (whole ? whole : 1));
}

// As many features of the centroid as there is room for.
static void write_centroid(const struct policy_world *world, const struct dimee_plan *plan,
                           int pool, char *ret_cell)
{
    int length = snprintf(ret_cell, POLICY_EXPLAIN_ROOM, "%s",
                          plan->pool[pool].has_centroid ? "" : "none: no sample");
    for (int i = 0; i < world->features && plan->pool[pool].has_centroid; i++) {
        if (length > POLICY_EXPLAIN_ROOM - 16) {
            snprintf(ret_cell + length, (size_t)(POLICY_EXPLAIN_ROOM - length), " ...");
            break;
        }
        length += snprintf(ret_cell + length, (size_t)(POLICY_EXPLAIN_ROOM - length), "%s%.3g",
                           i ? " " : "", centroid_of(plan, world, pool)[i]);
    }
}

// A row for each pool: how many training samples are such, and to which tier their features send
// them. Then one for all, with what was chosen.
static int dimee_explain(const struct policy_world *world, const void *given, const void *chosen,
                         int row, char cells[POLICY_EXPLAIN_CELLS][POLICY_EXPLAIN_ROOM])
{
    (void)given;
    const struct dimee_plan *plan = chosen;
    const int assigned = plan->pools < MOST_ASSIGNED ? plan->pools : MOST_ASSIGNED;
    const bool is_sum = row == plan->pools;
    if (row < 0) {
        write_headings(world, plan, assigned, cells);
    } else if (row <= plan->pools) {
        int samples = 0;
        int right = 0;
        int sent[POLICY_MOST_TIERS] = {0};
        for (int pool = 0; pool < plan->pools; pool++) {
            for (int to = 0; to < plan->pools && (is_sum || pool == row); to++) {
                samples += plan->assigned[pool][to];
                sent[to] += plan->assigned[pool][to];
                right += to == pool ? plan->assigned[pool][to] : 0;
            }
        }
        const struct dimee_pool *pool = &plan->pool[is_sum ? 0 : row];
        snprintf(cells[0], POLICY_EXPLAIN_ROOM, "%s",
                 is_sum ? "all" : world->tier[pool->tier].name);
        snprintf(cells[1], POLICY_EXPLAIN_ROOM, "%d",
                 plan->pool[is_sum ? plan->pools - 1 : row].layers);
        snprintf(cells[2], POLICY_EXPLAIN_ROOM, "%d", samples);
        write_share(samples, world->training.rows, cells[3]);
        for (int to = 0; to < assigned; to++) {
            snprintf(cells[FIRST_ASSIGNED + to], POLICY_EXPLAIN_ROOM, "%d", sent[to]);
        }
        write_share(right, samples, cells[FIRST_ASSIGNED + assigned]);
        char *last = cells[FIRST_ASSIGNED + assigned + 1];
        if (is_sum) {
            snprintf(last, POLICY_EXPLAIN_ROOM, "alpha %g, reward %.4g, accuracy %.4g", plan->alpha,
                     plan->reward, plan->accuracy);
        } else {
            write_centroid(world, plan, row, last);
        }
    }
    return row <= plan->pools ? FIRST_ASSIGNED + assigned + 2 : 0;
}

// ---- decisions ----

static struct policy_action dimee_decide(const struct policy_world *world, const void *given,
                                         const void *chosen, void *state,
                                         const struct policy_view *view)
{
    (void)state;
    const struct dimee_parameters *p = given;
    const struct dimee_plan *plan = chosen;
    struct policy_action lost;
    if (policy_when_lost(world, view, p->when_lost, &lost)) {
        return lost;
    }
    const int first = world->model[plan->model].first_exit;
    if (!view->latest) {
        const struct dimee_pool *nearest =
            &plan->pool[nearest_pool(world, p, plan, view->features)];
        return policy_because(view->tier == nearest->tier
                                  ? policy_compute(plan->model, world->exit[first].layer)
                                  : policy_send(nearest->tier),
                              nearest->why[WHY_NEAREST]);
    }
    const int pool = plan->pool_of_tier[view->tier];
    const struct dimee_pool *here = &plan->pool[pool];
    const int exit = view->latest->exit;
    if (view->latest->confidence >= plan->alpha) {
        return policy_because(policy_answer(exit), here->why[WHY_SURE]);
    }
    if (exit < here->last_exit) {
        return policy_compute(plan->model, world->exit[exit + 1].layer);
    }
    if (!is_escalated(p, plan, pool)) {
        return policy_because(policy_answer(exit), here->why[WHY_DEEPEST]);
    }
    const int tier = plan->pool[pool + 1].tier;
    return policy_because(plan->ships_raw ? policy_send_raw(tier) : policy_send(tier),
                          here->why[WHY_ESCALATED]);
}

extern const struct policy_type policy_dimee;
const struct policy_type policy_dimee = {
    .api = POLICY_API_VERSION,
    .name = "dimee",
    .summary = "send each sample to the tier its features suggest, and exit there early",
    .paper = "Bajpai and Hanawal, arXiv 2410.05338",
    .example = "policy: {dimee: {alpha: 0.9, escalate: true}}",
    .decides_by_sample = 1,
    .parameters = parameters,
    .parameter_bytes = sizeof(struct dimee_parameters),
    .plan_bytes = sizeof(struct dimee_plan),
    .plan_more_bytes = dimee_more_bytes,
    .plan = dimee_plan,
    .uses_prices = dimee_uses_prices,
    .explain = dimee_explain,
    .decide = dimee_decide,
};
