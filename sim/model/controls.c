// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/controls.h"

#include "base/memory.h"
#include "model/run.h"
#include "scenario/trace.h"

#include <math.h>

// A queue into which every sample brings the same work.
struct plain_queue {
    double empty_at_s; // all work in it is done then
    double seen_s;     // up to when it has been followed
};

struct controls {
    double *sums;                // [world->controls]
    struct plain_queue *devices; // [device]
    struct plain_queue *tiers;   // [tier]
};

// ---- which there are ----

struct definer {
    struct world *world;
    struct arena *arena;
    struct world_control *next;
};

static void add(struct definer *definer, const struct world_control *control, const char *family,
                const char *member)
{
    *definer->next = *control;
    definer->next->name = arena_format(definer->arena, "%s.%s", family, member);
    definer->next++;
}

// Whether samples of a class arise as a Poisson process of constant rate.
static bool is_poisson(const struct world_class *devices)
{
    const struct arrival *arrival = &devices->arrival;
    return arrival->spec->kind == ARRIVALS_POISSON && arrival->clock.is_time &&
           !arrival->has_bursts;
}

static bool all_are(const struct world *world, bool (*is)(const struct world_class *devices))
{
    for (int i = 0; i < world->class_count; i++) {
        if (!is(&world->classes[i])) {
            return false;
        }
    }
    return true;
}

static bool is_open_loop(const struct world_class *devices)
{
    return devices->arrival.spec->kind != ARRIVALS_CLOSED;
}

// The longest mean time that a model takes at a tier, for one of all its servers; 0 if it has none.
static double work_at(const struct world *world, const struct world_tier *tier, double servers)
{
    double longest = 0;
    for (int model = 0; model < world->view.models && tier->compute >= 0; model++) {
        double sum = 0;
        for (int layer = 0; tier->layers[model] && layer < world->view.model[model].layers;
             layer++) {
            sum += tier->layers[model][layer].time.mean;
        }
        longest = sum > longest ? sum : longest;
    }
    return isfinite(longest) ? longest / servers : 0;
}

static const char *class_name(const struct world *world, int number)
{
    const char *name = world->classes[number].name;
    return name ? name : world->view.tier[0].name;
}

// A queue that gets more work than it can do is like none that anybody asks about.
static void define_queues(struct definer *definer)
{
    const struct world *world = definer->world;
    for (int i = 0; i < world->class_count; i++) {
        const struct world_class *devices = &world->classes[i];
        const int station = devices->tier[0].compute;
        const double servers = station < 0 ? 1 : (double)world->station[station].servers;
        const double rate_per_s = devices->arrival.spec->rate_per_s;
        const double work_s = work_at(world, &devices->tier[0], servers);
        if (is_poisson(devices) && work_s > 0 && rate_per_s * work_s < 1) {
            add(definer,
                &(struct world_control){.kind = CONTROL_QUEUE_OF_DEVICES,
                                        .number = i,
                                        .rate_per_s = rate_per_s,
                                        .work_s = work_s},
                "queue", class_name(world, i));
        }
    }
    const double rate_per_s = world_arrival_rate(world);
    for (int i = 1; i < world->tiers && all_are(world, is_poisson); i++) {
        const int station = world->tier[i].compute;
        const double servers =
            station < 0 ? 1
                        : (double)world->station[station].lanes * world->station[station].servers;
        const double work_s = work_at(world, &world->tier[i], servers);
        if (work_s > 0 && rate_per_s * work_s < 1) {
            add(definer,
                &(struct world_control){.kind = CONTROL_QUEUE_OF_TIER,
                                        .number = i,
                                        .rate_per_s = rate_per_s,
                                        .work_s = work_s},
                "queue", world->view.tier[i].name);
        }
    }
}

static void define_arrivals(struct definer *definer)
{
    const struct world *world = definer->world;
    for (int i = 0; i < world->class_count; i++) {
        const struct world_class *devices = &world->classes[i];
        if (is_poisson(devices)) {
            add(definer,
                &(struct world_control){.kind = CONTROL_ARRIVALS,
                                        .number = i,
                                        .rate_per_s = devices->arrival.spec->rate_per_s},
                "arrivals", class_name(world, i));
        }
    }
}

static bool is_random(const struct distribution *time)
{
    return time->kind != DISTRIBUTION_CONSTANT && time->kind != DISTRIBUTION_COLUMN &&
           !distribution_is_by_batch(time) && isfinite(time->mean) && isfinite(time->cv);
}

// Whether some layer takes a random time at a tier, and all have a mean.
static bool has_random_service(const struct world *world, const struct world_tier *tier)
{
    bool is_some = false;
    for (int model = 0; model < world->view.models && tier->compute >= 0; model++) {
        for (int layer = 0; tier->layers[model] && layer < world->view.model[model].layers;
             layer++) {
            is_some |= is_random(&tier->layers[model][layer].time);
        }
    }
    return is_some;
}

static void define_services(struct definer *definer)
{
    const struct world *world = definer->world;
    for (int i = 0; i < world->class_count + world->tiers - 1; i++) {
        const struct world_tier *tier = i < world->class_count
                                            ? &world->classes[i].tier[0]
                                            : &world->tier[i - world->class_count + 1];
        if (has_random_service(world, tier)) {
            add(definer, &(struct world_control){.kind = CONTROL_SERVICE, .number = tier->compute},
                "service", world->station[tier->compute].name);
        }
    }
}

static double mean_over_rows(const struct world *world, int exit, bool is_confidence)
{
    const struct world_source *source = &world->source[0];
    double sum = 0;
    for (uint32_t i = 0; i < source->rows; i++) {
        const size_t row = source->row ? source->row[i] : i;
        const struct trace_outcome *outcome =
            &source->trace->outcomes[row * (size_t)source->trace->exits + (size_t)exit];
        sum += is_confidence ? outcome->confidence : outcome->correct;
    }
    return sum / source->rows;
}

static void define_outcomes(struct definer *definer)
{
    const struct world *world = definer->world;
    const bool is_drawn = world->spec->trace && world->sources == 1 &&
                          !world->source[0].generator && world->spec->samples.order != ORDER_AS_IS;
    for (int k = 0; k < 2 * world->view.exits; k++) {
        const int number = k % world->view.exits;
        const bool is_confidence = k >= world->view.exits;
        const struct policy_exit *exit = &world->view.exit[number];
        if (is_drawn && all_are(world, is_open_loop)) {
            add(definer,
                &(struct world_control){.kind =
                                            is_confidence ? CONTROL_CONFIDENCE : CONTROL_CORRECT,
                                        .number = number,
                                        .mean = mean_over_rows(world, number, is_confidence)},
                is_confidence ? "confidence" : "correct",
                arena_format(definer->arena, "%s.%s", world->view.model[exit->model].name,
                             exit->name));
        }
    }
}

void controls_define(struct world *world, struct arena *arena)
{
    if (!world->spec->control_variates) {
        return;
    }
    const int most = 3 * world->class_count + 2 * world->tiers + 2 * world->view.exits;
    world->control = arena_new_array(arena, (size_t)most, struct world_control);
    struct definer definer = {.world = world, .arena = arena, .next = world->control};
    define_queues(&definer);
    define_arrivals(&definer);
    define_services(&definer);
    define_outcomes(&definer);
    world->controls = (int)(definer.next - world->control);
}

// ---- the run ----

void controls_init(struct run *run, struct arena *arena)
{
    const struct world *world = run->world;
    if (world->controls) {
        run->controls = arena_new(arena, struct controls);
        run->controls->sums = arena_new_array(arena, (size_t)world->controls, double);
        run->controls->devices = arena_new_array(arena, world->devices, struct plain_queue);
        run->controls->tiers = arena_new_array(arena, (size_t)world->tiers, struct plain_queue);
        run->tally->controls = run->controls->sums;
    }
}

// Follows a queue up to `until_s`. Returns rate * work in it, integrated over what of that time
// lies in the window.
static double follow(const struct run *run, struct plain_queue *queue, double rate_per_s,
                     double until_s)
{
    const double from_s = fmax(queue->seen_s, run->tally->window_from_s);
    const double first = fmax(0, queue->empty_at_s - from_s);
    const double last = fmax(0, queue->empty_at_s - until_s);
    queue->seen_s = until_s;
    return from_s < until_s ? rate_per_s * (first * first - last * last) / 2 : 0;
}

// An arrival at a queue: what it finds less what was to be expected of the time since the last one.
static double arrive(const struct run *run, const struct world_control *control,
                     struct plain_queue *queue)
{
    const double expected = follow(run, queue, control->rate_per_s, run->now_s);
    const double found_s = fmax(0, queue->empty_at_s - run->now_s);
    queue->empty_at_s = run->now_s + found_s + control->work_s;
    // The sample at whose arrival the window begins is the first in it; what chance makes of it
    // lies before.
    return (run->now_s > run->tally->window_from_s ? found_s : 0) - expected;
}

void controls_arrive(struct run *run, const struct sample *sample)
{
    struct controls *controls = run->controls;
    const struct world *world = run->world;
    for (int i = 0; controls && i < world->controls; i++) {
        const struct world_control *control = &world->control[i];
        const struct trace_outcome *outcome;
        switch (control->kind) {
        case CONTROL_QUEUE_OF_DEVICES:
            if (control->number == sample->device_class) {
                controls->sums[i] += arrive(run, control, &controls->devices[sample->device]);
            }
            break;
        case CONTROL_QUEUE_OF_TIER:
            controls->sums[i] += arrive(run, control, &controls->tiers[control->number]);
            break;
        case CONTROL_ARRIVALS:
            controls->sums[i] +=
                control->number == sample->device_class && run->now_s > run->tally->window_from_s;
            break;
        case CONTROL_SERVICE:
            break;
        case CONTROL_CORRECT:
        case CONTROL_CONFIDENCE:
            outcome = &sample_outcomes(run, sample)[control->number];
            if (sample->is_counted) {
                controls->sums[i] +=
                    (control->kind == CONTROL_CORRECT ? outcome->correct : outcome->confidence) -
                    control->mean;
            }
            break;
        }
    }
}

// A model that starts again after it was run to its end takes the time that it took: that is no
// draw.
static bool has_run(const struct run *run, const struct sample *sample)
{
    const struct policy_model *model = &run->world->view.model[sample->model];
    return sample->exits >> (model->first_exit + model->exits - 1) & 1;
}

void controls_serve(struct run *run, uint32_t slot, double service_s)
{
    const struct world *world = run->world;
    const struct sample *sample = &run->samples[slot];
    if (!sample->is_counted || has_run(run, sample)) {
        return;
    }
    const int station = sample_class(run, sample)->tier[sample->tier].compute;
    for (int i = 0; i < world->controls; i++) {
        if (world->control[i].kind == CONTROL_SERVICE && world->control[i].number == station) {
            run->controls->sums[i] += service_s - journey_expected_s(run, sample);
        }
    }
}

void controls_close(struct run *run)
{
    struct controls *controls = run->controls;
    const struct world *world = run->world;
    const struct tally *tally = run->tally;
    for (int i = 0; controls && i < world->controls && tally->window_to_s > tally->window_from_s;
         i++) {
        const struct world_control *control = &world->control[i];
        if (control->kind == CONTROL_QUEUE_OF_TIER) {
            controls->sums[i] -= follow(run, &controls->tiers[control->number], control->rate_per_s,
                                        tally->window_to_s);
        } else if (control->kind == CONTROL_QUEUE_OF_DEVICES || control->kind == CONTROL_ARRIVALS) {
            const struct world_class *devices = &world->classes[control->number];
            const double window_s = tally->window_to_s - tally->window_from_s;
            for (uint32_t k = 0; k < devices->devices; k++) {
                controls->sums[i] -=
                    control->kind == CONTROL_ARRIVALS
                        ? control->rate_per_s * window_s
                        : follow(run, &controls->devices[devices->first_device + k],
                                 control->rate_per_s, tally->window_to_s);
            }
        }
    }
}
