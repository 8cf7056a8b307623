// SPDX-License-Identifier: GPL-3.0-or-later

// Batches: the chain of the numbers that are left behind when a batch ends.

#include "base/memory.h"
#include "exp/queueing.h"

#include <math.h>
#include <stdbool.h>

// More waiting than that are not looked at; if that matters, nothing is said.
enum { MOST_WAITING = 512, MOST_ROUNDS = 2000, MOST_ROUNDS_OF_SEVERAL = 100 };

static const double NEGLIGIBLE = 1e-7;

// What follows when a batch ends and so many wait.
struct step {
    double time_s;    // until the next batch ends
    double area_s;    // of the number waiting over that time
    double service_s; // of that batch
    double served;    // service time of all its samples together
};

struct chain {
    const struct queueing_batches *batches;
    double *now; // [MOST_WAITING]: probability that so many are left behind
    double *next;
    double *arrivals; // [most + 1][MOST_WAITING]: while a batch of each size is served
    int *most_arrivals;
    double *sizes; // [most + 1]: how probable each size of the next batch is, from one state
    double *all;   // [most + 1]: the same from all states below a full batch
};

// Probabilities of 0, 1, ... Poisson events, as long as they matter. Returns how many there are.
static int fill_poisson(double mean, double *ret_probabilities)
{
    int count = 0;
    for (; count < MOST_WAITING; count++) {
        const double log_p = mean > 0 ? count * log(mean) - mean - lgamma(count + 1.0)
                                      : (count ? -INFINITY : 0);
        ret_probabilities[count] = exp(log_p);
        if (count > mean && ret_probabilities[count] < 1e-14) {
            break;
        }
    }
    return count;
}

static void fill_arrivals(struct chain *chain)
{
    const struct queueing_batches *batches = chain->batches;
    for (int size = 1; size <= batches->most; size++) {
        chain->most_arrivals[size] =
            fill_poisson(batches->rate * batches->service_s(batches->context, size),
                         chain->arrivals + (size_t)size * MOST_WAITING);
    }
}

// Fewer than a full batch are left behind, or one comes, and they are held until they fill a batch
// or the oldest has waited long enough. Says how probable each size is then, and returns time and
// area of that.
static struct step hold(struct chain *chain, int left)
{
    const struct queueing_batches *batches = chain->batches;
    const int waiting = left ? left : 1;
    const double before_s = batches->service_s(batches->context, waiting);
    const double age_s = left ? before_s * left / (left + 1) : 0;
    const double mean = batches->rate * fmax(0, batches->hold_s - age_s);
    struct step step = {.time_s = left ? 0 : 1 / batches->rate};
    double below = 1; // probability that more than k come
    double p = exp(-mean);
    for (int size = 0; size <= batches->most; size++) {
        chain->sizes[size] = 0;
    }
    for (int k = 0; waiting + k < batches->most; k++) {
        chain->sizes[waiting + k] = p;
        below = fmax(0, below - p);
        const double stay_s = below / batches->rate; // with k so far
        step.time_s += stay_s;
        step.area_s += (waiting + k) * stay_s;
        p *= mean / (k + 1);
    }
    chain->sizes[batches->most] = below;
    return step;
}

// Adds the service of a batch after which, with those who come meanwhile, `over` more wait.
static void serve(const struct queueing_batches *batches, int size, int over, double weight,
                  struct step *step)
{
    const double service_s = batches->service_s(batches->context, size);
    step->time_s += weight * service_s;
    step->service_s += weight * service_s;
    step->served += weight * service_s * size;
    step->area_s += weight * service_s * (over + batches->rate * service_s / 2);
}

static void arrive(const struct chain *chain, int size, int over, double weight)
{
    const double *arrivals = chain->arrivals + (size_t)size * MOST_WAITING;
    for (int k = 0; k < chain->most_arrivals[size] && over + k < MOST_WAITING; k++) {
        chain->next[over + k] += weight * arrivals[k];
    }
}

// One step of the chain. Returns by how much the distribution has changed.
static double advance(struct chain *chain)
{
    const int most = chain->batches->most;
    for (int i = 0; i < MOST_WAITING; i++) {
        chain->next[i] = 0;
    }
    for (int size = 0; size <= most; size++) {
        chain->all[size] = 0;
    }
    for (int left = 0; left < most; left++) {
        hold(chain, left);
        for (int size = 1; size <= most; size++) {
            chain->all[size] += chain->now[left] * chain->sizes[size];
        }
    }
    for (int size = 1; size <= most; size++) {
        arrive(chain, size, 0, chain->all[size]);
    }
    for (int left = most; left < MOST_WAITING; left++) {
        if (chain->now[left] > 0) {
            arrive(chain, most, left - most, chain->now[left]);
        }
    }
    double sum = 0;
    double change = 0;
    for (int i = 0; i < MOST_WAITING; i++) {
        sum += chain->next[i];
    }
    for (int i = 0; i < MOST_WAITING; i++) {
        const double p = chain->next[i] / sum;
        change += fabs(p - chain->now[i]);
        chain->now[i] = p;
    }
    return change;
}

// Repeats steps until the distribution stays. Returns false if it does not, or has no end in sight.
static bool settle(struct chain *chain)
{
    chain->now[0] = 1;
    for (int round = 0; round < MOST_ROUNDS; round++) {
        if (advance(chain) < NEGLIGIBLE) {
            return chain->now[MOST_WAITING - 1] < NEGLIGIBLE;
        }
    }
    return false;
}

static struct queueing_batched summarise(struct chain *chain)
{
    const struct queueing_batches *batches = chain->batches;
    struct step all = {0};
    for (int left = 0; left < MOST_WAITING; left++) {
        struct step step = {0};
        if (left < batches->most) {
            step = hold(chain, left);
            for (int size = 1; size <= batches->most; size++) {
                serve(batches, size, 0, chain->sizes[size], &step);
            }
        } else {
            serve(batches, batches->most, left - batches->most, 1, &step);
        }
        all.time_s += chain->now[left] * step.time_s;
        all.area_s += chain->now[left] * step.area_s;
        all.service_s += chain->now[left] * step.service_s;
        all.served += chain->now[left] * step.served;
    }
    return (struct queueing_batched){.wait_s = all.area_s / all.time_s / batches->rate,
                                     .size = batches->rate * all.time_s,
                                     .utilisation = all.service_s / all.time_s,
                                     .in_service = all.served / all.time_s};
}

static struct queueing_batched of_one_server(const struct queueing_batches *batches)
{
    struct arena arena = {0};
    const size_t sizes = (size_t)batches->most + 1;
    struct chain chain = {.batches = batches,
                          .now = arena_new_array(&arena, MOST_WAITING, double),
                          .next = arena_new_array(&arena, MOST_WAITING, double),
                          .arrivals = arena_new_array(&arena, sizes * MOST_WAITING, double),
                          .most_arrivals = arena_new_array(&arena, sizes, int),
                          .sizes = arena_new_array(&arena, sizes, double),
                          .all = arena_new_array(&arena, sizes, double)};
    fill_arrivals(&chain);
    const bool is_settled = settle(&chain);
    struct queueing_batched result = summarise(&chain);
    if (!is_settled) {
        result.wait_s = NAN;
    }
    arena_finish(&arena);
    return result;
}

static struct queueing_batched of_several(const struct queueing_batches *batches)
{
    double wait_s = batches->hold_s;
    double size = 1;
    double service_s = 0;
    for (int round = 0; round < MOST_ROUNDS_OF_SEVERAL; round++) {
        size = fmin(batches->most, 1 + batches->rate * wait_s);
        const int low = (int)floor(size);
        const int high = low < batches->most ? low + 1 : low;
        const double above = size - low;
        service_s = (1 - above) * batches->service_s(batches->context, low) +
                    above * batches->service_s(batches->context, high);
        const struct queueing_load load = {batches->rate / size, service_s, 0, 1, batches->servers};
        // Until the first has waited long enough, or the others have come.
        const double fills_s = (batches->most - 1) / batches->rate;
        const double first_s = fmin(batches->hold_s, fills_s) + queueing_wait_s(&load);
        wait_s = isfinite(first_s) ? (wait_s + first_s) / 2 : 2 * wait_s + service_s;
    }
    // The first of a batch waits longest. The last of one that was filled does not wait; others
    // come at any time during the wait.
    const double part = size < batches->most ? (1 + 1 / size) / 2 : 0.5;
    const double utilisation = batches->rate / size * service_s / batches->servers;
    return (struct queueing_batched){.wait_s = wait_s * part,
                                     .size = size,
                                     .utilisation = utilisation,
                                     .in_service = utilisation * batches->servers * size};
}

struct queueing_batched queueing_of_batches(const struct queueing_batches *batches)
{
    const double full_s = batches->service_s(batches->context, batches->most);
    const double load = batches->rate * full_s / (batches->most * batches->servers);
    if (!(batches->rate > 0)) {
        return (struct queueing_batched){.size = 1};
    }
    if (!(load < 1)) {
        return (struct queueing_batched){
            .wait_s = INFINITY, .size = batches->most, .utilisation = load, .in_service = INFINITY};
    }
    // The chain does not look at batches that large.
    return batches->servers > 1 || batches->most >= MOST_WAITING ? of_several(batches)
                                                                 : of_one_server(batches);
}
