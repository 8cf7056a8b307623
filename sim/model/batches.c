// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/batches.h"

#include "model/lane_parts.h"
#include "model/warmup.h"
#include "stats/batch_means.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// How many batches a run of a known length is to have, so that none have to be merged.
enum { USUAL_BATCHES = 3 * BATCHES_MOST / 4 };

// What had been summed up at a moment.
struct cut {
    double time_s;
    struct tally tally; // its arrays are the cut's own
};

struct batches {
    double length_s;
    size_t count;                       // cuts: one more than batches
    struct cut *cuts[BATCHES_MOST + 1]; // by time
};

// ---- while the run goes on ----

static void schedule(struct run *run, double time_s)
{
    if (isfinite(time_s)) {
        event_queue_push(&run->queue, time_s, event_tag(EVENT_BATCH, 0, 0));
        run->awaiting++;
    }
}

// The length of the first batches. Where that of the run is not known it is the time of one sample;
// how often batches are merged grows with the logarithm of what it is wrong by.
static double first_length_s(const struct run *run)
{
    const struct spec *spec = run->world->spec;
    const double from_s = run->tally->window_from_s;
    if (spec->stop_kind == STOP_TIME && isfinite(from_s)) {
        // A little less, so that the last cut comes before the end in spite of rounding.
        return fmax(spec->stop_time_s - from_s, 0) * (1 - 1e-9) / USUAL_BATCHES;
    }
    const double rate = world_arrival_rate(run->world);
    const double guess = run->has_closed_loop ? 1024 : 1; // of a loop the rate is no more than that
    return rate > 0 && isfinite(rate) ? 1 / (guess * rate) : 1e-3;
}

void batches_start(struct run *run, struct arena *arena)
{
    const struct world *world = run->world;
    const struct warmup *warmup = run->options->warmup;
    if (world->spec->intervals != INTERVALS_BATCH_MEANS || (warmup && !warmup->settled)) {
        return;
    }
    struct batches *batches = arena_new(arena, struct batches);
    for (size_t i = 0; i <= BATCHES_MOST; i++) {
        batches->cuts[i] = arena_new(arena, struct cut);
        tally_init(&batches->cuts[i]->tally, world, arena);
    }
    batches->length_s = first_length_s(run);
    run->batches = batches;
    const double from_s = run->tally->window_from_s;
    if (batches->length_s > 0) {
        schedule(run, isfinite(from_s) ? from_s : 0);
    }
}

// Queued lanes add to their sums when something happens there. What they have not added yet goes
// into the copy and is left to them.
static void add_pending(struct run *run, struct tally *copy)
{
    struct tally *own = run->tally;
    run->tally = copy;
    for (uint32_t place = 0; place < run->world->queued; place++) {
        const struct spot spot = lane_spot(run, place);
        const struct lane lane = *spot.lane;
        struct lane_scaling *scaling = spot.rules->scaling ? &run->lanes.scaling[place] : NULL;
        const struct lane_scaling before = scaling ? *scaling : (struct lane_scaling){0};
        lane_account(&spot);
        if (spot.rules->fails) {
            lane_account_works(&spot, run->now_s);
        }
        *spot.lane = lane;
        if (scaling) {
            *scaling = before;
        }
    }
    run->tally = own;
}

static void copy_tally(struct run *run, struct tally *copy)
{
    const struct world *world = run->world;
    const struct tally *from = run->tally;
    const struct tally own = *copy;
    *copy = *from;
    copy->counters = own.counters;
    copy->stations = own.stations;
    copy->class_latency = own.class_latency;
    copy->label_answered = own.label_answered;
    copy->label_correct = own.label_correct;
    copy->label_accuracy = own.label_accuracy;
    memcpy(copy->counters, from->counters, (size_t)world->counters.count * sizeof(double));
    memcpy(copy->stations, from->stations, (size_t)world->stations * sizeof(*copy->stations));
    if (from->class_latency) {
        memcpy(copy->class_latency, from->class_latency,
               (size_t)world->class_count * sizeof(*copy->class_latency));
    }
    if (world->labels) {
        memcpy(copy->label_answered, from->label_answered, (size_t)world->labels * sizeof(double));
        memcpy(copy->label_correct, from->label_correct, (size_t)world->labels * sizeof(double));
    }
    add_pending(run, copy);
}

// Two neighbours become one: every other cut is left out.
static void merge_neighbours(struct batches *batches)
{
    batches->count = BATCHES_MOST / 2 + 1;
    for (size_t i = 1; i < batches->count; i++) {
        struct cut *unused = batches->cuts[i];
        batches->cuts[i] = batches->cuts[2 * i];
        batches->cuts[2 * i] = unused;
    }
    batches->length_s *= 2;
}

void batches_cut(struct run *run)
{
    struct batches *batches = run->batches;
    run->awaiting--;
    if (run->now_s > run->tally->window_to_s) {
        return;
    }
    if (run->now_s >= run->tally->window_from_s) {
        struct cut *cut = batches->cuts[batches->count++];
        cut->time_s = run->now_s;
        copy_tally(run, &cut->tally);
        if (batches->count == BATCHES_MOST + 1) {
            merge_neighbours(batches);
        }
    }
    schedule(run, run->now_s + batches->length_s);
}

// ---- once it is over ----

static void subtract_histogram(const struct histogram *to, const struct histogram *from,
                               struct histogram *ret_between)
{
    for (int i = 0; i < HISTOGRAM_BUCKETS; i++) {
        ret_between->counts[i] = to->counts[i] - from->counts[i];
    }
    ret_between->total = to->total - from->total;
    // Of the batch alone they are not known to better than a bucket.
    ret_between->least = to->least;
    ret_between->most = to->most;
}

static void subtract(const double *to, const double *from, int count, double *ret_between)
{
    for (int i = 0; i < count; i++) {
        ret_between[i] = to[i] - from[i];
    }
}

// What happened between two cuts, as the tally of a run of that time alone.
static void find_between(const struct world *world, const struct cut *from, const struct cut *to,
                         struct tally *ret_tally)
{
    const struct tally *a = &from->tally;
    const struct tally *b = &to->tally;
    ret_tally->warmup = b->warmup;
    ret_tally->controls = b->controls; // of the run: units of batches have none of their own
    ret_tally->window_from_s = from->time_s;
    ret_tally->window_to_s = to->time_s;
    ret_tally->answered_in_window = b->answered_in_window - a->answered_in_window;
    subtract(b->counters, a->counters, world->counters.count, ret_tally->counters);
    for (int i = 0; i < world->stations; i++) {
        station_tally_between(&a->stations[i], &b->stations[i], &ret_tally->stations[i]);
    }
    subtract_histogram(&b->latency, &a->latency, &ret_tally->latency);
    for (int i = 0; i < world->class_count && world->has_classes; i++) {
        subtract_histogram(&b->class_latency[i], &a->class_latency[i],
                           &ret_tally->class_latency[i]);
    }
    subtract(b->label_answered, a->label_answered, world->labels, ret_tally->label_answered);
    subtract(b->label_correct, a->label_correct, world->labels, ret_tally->label_correct);
    tally_sum_up(world, ret_tally);
}

// Takes so many neighbours together, from the first on.
static void take_together(const struct world *world, const struct batches *batches, size_t each,
                          struct tally *scratch, struct replication_batches *ret_batches)
{
    ret_batches->count = (batches->count - 1) / each;
    ret_batches->length_s = (double)each * batches->length_s;
    for (size_t i = 0; i < ret_batches->count; i++) {
        struct replication_result *result = &ret_batches->each[i];
        find_between(world, batches->cuts[i * each], batches->cuts[(i + 1) * each], scratch);
        memcpy(result->counters, scratch->counters, (size_t)world->counters.count * sizeof(double));
        metrics_compute(world, scratch, result->metrics);
    }
}

// Whether the batch means of a metric are known and not all the same.
static bool varies(const struct replication_batches *batches, int metric, double *ret_means)
{
    bool varies = false;
    for (size_t i = 0; i < batches->count; i++) {
        ret_means[i] = batches->each[i].metrics[metric];
        varies |= ret_means[i] < ret_means[0] || ret_means[i] > ret_means[0];
    }
    for (size_t i = 0; i < batches->count; i++) {
        varies &= !isnan(ret_means[i]);
    }
    return varies;
}

// The metric whose batch means are least likely to be independent, -1 if all may be. All main
// metrics together are one test, so each of them is tested at its share of the level (Bonferroni).
static int find_correlated(const struct replication_batches *batches, const int *metrics,
                           int metric_count)
{
    double means[BATCHES_MOST];
    double least = INFINITY;
    int worst = -1;
    int tested = 0;
    for (int i = 0; i < metric_count; i++) {
        if (!varies(batches, metrics[i], means)) {
            continue;
        }
        const double p = batch_correlation_p_value(means, batches->count);
        tested++;
        if (p < least) {
            least = p;
            worst = metrics[i];
        }
    }
    return least * tested < BATCH_TEST_LEVEL ? worst : -1;
}

// The first of them is the mean latency.
static int find_main_metrics(const struct world *world, int *ret_metrics)
{
    static const char *const names[] = {"latency_mean_s", "accuracy", "cost_mean"};
    int count = 0;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        for (int metric = 0; metric < world->metrics; metric++) {
            if (strcmp(world->metric[metric].name, names[i]) == 0) {
                ret_metrics[count++] = metric;
            }
        }
    }
    for (int i = 0; i < world->stations; i++) {
        ret_metrics[count++] = world->station[i].first_metric + STATION_WAIT_MEAN;
    }
    return count;
}

static bool some_say_nothing(const struct replication_batches *batches, int metric)
{
    for (size_t i = 0; i < batches->count; i++) {
        if (isnan(batches->each[i].metrics[metric])) {
            return true;
        }
    }
    return false;
}

static void allocate(const struct world *world, size_t most, struct replication_batches *batches)
{
    const size_t values = (size_t)world->metrics + (size_t)world->counters.count;
    double *all = memory_resize(NULL, most * values, sizeof(*all));
    batches->each = memory_resize(NULL, most, sizeof(*batches->each));
    for (size_t i = 0; i < most; i++) {
        batches->each[i] = (struct replication_result){
            .metrics = all + i * values, .counters = all + i * values + world->metrics};
    }
}

void batches_collect(const struct run *run, struct replication_batches *ret_batches)
{
    const struct world *world = run->world;
    const struct batches *batches = run->batches;
    *ret_batches = (struct replication_batches){0};
    if (!batches) {
        return;
    }
    struct arena arena = {0};
    int *metrics = arena_new_array(&arena, 3 + (size_t)world->stations, int);
    const int metric_count = find_main_metrics(world, metrics);
    struct tally *scratch = arena_new(&arena, struct tally);
    tally_init(scratch, world, &arena);
    ret_batches->has_not_converged = true;
    ret_batches->metric = metrics[0];
    const size_t most = batches->count ? batches->count - 1 : 0;
    if (most >= BATCH_LEAST) {
        allocate(world, most, ret_batches);
    }
    size_t each = 1;
    for (; most / each >= BATCH_LEAST && ret_batches->has_not_converged; each++) {
        take_together(world, batches, each, scratch, ret_batches);
        const int worst = some_say_nothing(ret_batches, metrics[0])
                              ? metrics[0]
                              : find_correlated(ret_batches, metrics, metric_count);
        ret_batches->has_not_converged = worst >= 0;
        ret_batches->metric = worst >= 0 ? worst : metrics[0];
    }
    const size_t twice = 2 * (each - 1);
    // NOLINTNEXTLINE(clang-analyzer-core.DivideZero): it has not converged before the first
    if (!ret_batches->has_not_converged && most / twice >= BATCH_LEAST) {
        take_together(world, batches, twice, scratch, ret_batches);
    }
    arena_finish(&arena);
}

bool batches_go_on(struct run *run)
{
    const struct replication_options *options = run->options;
    if (!options->go_on || !run->batches) {
        return false;
    }
    struct replication_batches batches;
    batches_collect(run, &batches);
    const uint64_t wanted = options->go_on(options->go_on_context, run->offered, &batches);
    replication_batches_finish(&batches);
    run->stop_samples = wanted > run->offered ? wanted : run->offered;
    return run->stop_samples > run->offered;
}

void replication_batches_finish(struct replication_batches *batches)
{
    if (batches->each) {
        free(batches->each[0].metrics);
    }
    free(batches->each);
    *batches = (struct replication_batches){0};
}
