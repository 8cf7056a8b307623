// SPDX-License-Identifier: GPL-3.0-or-later

// What a policy sees of a sample at a decision point, and what it is told of one that was answered.

#include "base/bit.h"
#include "model/run.h"

#include <math.h>

static const double *sample_features(const struct run *run, const struct sample *sample)
{
    const size_t count = (size_t)run->world->view.features;
    if (!count) {
        return NULL;
    }
    const struct world_source *source = &run->world->source[sample->source];
    return source->generator ? run->generated_features + (size_t)(sample - run->samples) * count
                             : source->trace->feature + (size_t)sample->row * count;
}

// What the exits that were computed so far say of the sample, in run->outcomes. Returns their
// number.
static inline int view_outcomes(struct run *run, const struct sample *sample)
{
    const struct trace_outcome *outcomes = sample_outcomes(run, sample);
    int count = 0;
    for (uint64_t left = sample->exits; left; left &= left - 1) {
        const int exit = bit_lowest(left);
        run->outcomes[count++] =
            (struct policy_outcome){outcomes[exit].confidence, outcomes[exit].prediction, exit};
    }
    return count;
}

static void *state_of(const struct run *run, uint32_t device)
{
    return run->states + (size_t)device * run->world->policy->state_bytes;
}

void view_start(struct run *run)
{
    run->truth.correct = run->correct;
    run->view.outcomes = run->outcomes;
    run->view.truth = run->world->policy->is_oracle ? &run->truth : NULL;
}

// The compute station where the sample is, if there is one. A policy that decides by the sample
// and observes nothing does not look at it.
static inline void view_station(struct run *run, const struct sample *sample, int compute)
{
    struct policy_view *view = &run->view;
    view->queue = 0;
    view->backlog_s = 0;
    if (compute >= 0) {
        const struct world_station *station = &run->world->station[compute];
        const uint32_t lane = sample_lane(run, station, sample);
        view->queue = (int)run->present[lane];
        view->backlog_s = run_backlog(run, station, lane);
    }
}

void view_show_sample(struct run *run, const struct sample *sample)
{
    const struct world *world = run->world;
    run->view.device = (int)sample->device;
    run->view.features = sample_features(run, sample);
    if (run->view.truth) {
        const struct trace_outcome *outcomes = sample_outcomes(run, sample);
        for (int exit = 0; exit < world->view.exits; exit++) {
            run->correct[exit] = (unsigned char)outcomes[exit].correct;
        }
    }
    if (world->policy->draws_uniform) {
        const struct stream_at at = {run->key, world->purpose_policy, sample->device,
                                     sample->index};
        run->view.uniform = stream_uniform(&at);
    }
}

// Makes run->view that of a decision point. Only what changes is written: what a policy does not
// ask for stays as it was at the start.
static inline void view_sample(struct run *run, const struct sample *sample,
                               const struct world_class *devices)
{
    const struct world *world = run->world;
    struct policy_view *view = &run->view;
    view->now_s = run->now_s;
    view->arrival_s = sample->arrived_s;
    view->deadline_s = sample->arrived_s + devices->deadline_s;
    view->tier = sample->tier;
    view->model = sample->model;
    view->layer = sample->layer;
    view->has_arrived = sample->has_arrived;
    view->computations = sample->computations;
    view->lost_messages = sample->lost_messages;
    view->is_lost = sample->is_lost;
    view->lost_target = sample->is_lost ? sample->target : -1;
    view->lost_raw = sample->ships_raw;
    view->bytes = sample_is_under_way(world, sample)
                      ? world->view.model[sample->model].output_bytes[sample->layer]
                      : sample->raw_bytes;
    view->outcome_count = sample->exits ? view_outcomes(run, sample) : 0;
    view->latest = NULL;
    for (int i = view->outcome_count; i-- > 0;) {
        if (run->outcomes[i].exit == sample->latest_exit) {
            view->latest = &run->outcomes[i];
            break;
        }
    }
    if (run->observations || !world->policy->decides_by_sample) {
        view_station(run, sample, devices->tier[sample->tier].compute);
    }
    if (run->observations) {
        observation_view(run, sample, view);
    }
}

struct policy_action view_decide(struct run *run, const struct sample *sample)
{
    const struct world *world = run->world;
    const struct world_class *devices = sample_class(run, sample);
    view_show_sample(run, sample);
    view_sample(run, sample, devices);
    return world->policy->decide(&devices->view, world->parameters, devices->plan,
                                 state_of(run, sample->device), &run->view);
}

void view_feed_back(struct run *run, uint32_t slot)
{
    const struct world *world = run->world;
    const struct sample *sample = &run->samples[slot];
    const struct trace_outcome *outcomes = sample_outcomes(run, sample);
    const int count = view_outcomes(run, sample);
    for (int i = 0; i < count; i++) {
        run->correct[i] = (unsigned char)outcomes[run->outcomes[i].exit].correct;
    }
    const struct policy_feedback feedback = {
        .now_s = run->now_s,
        .device = (int)sample->device,
        .exit = sample->answer_exit,
        .is_correct = outcomes[sample->answer_exit].correct,
        .outcomes = run->outcomes,
        .correct = run->correct,
        .outcome_count = count,
        .was_offloaded = sample->is_offloaded,
        .latency_s = sample->visit_start_s - sample->arrived_s,
    };
    const struct world_class *devices = sample_class(run, sample);
    world->policy->feedback(&devices->view, world->parameters, devices->plan,
                            state_of(run, sample->device), &feedback);
    workload_release(run, slot);
}
