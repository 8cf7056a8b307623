// SPDX-License-Identifier: GPL-3.0-or-later

// What a policy sees of the world, and what it is told: a sample at a decision point, links as the
// device's transfers and probes have shown them, and the truth about a sample that was answered.

#include "base/bit.h"
#include "model/run.h"
#include "model/station.h"

#include <math.h>

static const double *sample_features(const struct run *run, const struct sample *sample)
{
    const size_t count = (size_t)run->world->view.features;
    if (!count) {
        return NULL;
    }
    return run->world->generator ? run->generated_features + (size_t)(sample - run->samples) * count
                                 : run->world->trace->feature + (size_t)sample->row * count;
}

// Time until a server of a lane is free of what is there.
static double backlog_of(const struct run *run, uint32_t lane)
{
    const double *free_at_s = &run->free_at_s[run->world->lane_servers[lane]];
    return station_start(free_at_s, run->now_s) - run->now_s;
}

// A device's estimate of a link's rate follows each of its transfers half of the way, so that it
// forgets a transfer of n transfers ago like 2^-n.
void view_measure_link(struct run *run, const struct sample *sample, int link, double bytes,
                       double service_s)
{
    const size_t at = (size_t)sample->device * (size_t)run->world->view.links + (size_t)link;
    const double measured = bytes / service_s;
    if (service_s > 0 && isfinite(measured)) {
        const bool is_first = isinf(run->link_seen_s[at]);
        run->link_bytes_per_s[at] =
            is_first ? measured
                     : run->link_bytes_per_s[at] + (measured - run->link_bytes_per_s[at]) / 2;
    }
    run->link_seen_s[at] = run->now_s;
}

// What the last probe of a link has shown, unless a transfer has shown something since.
static void probe_link(struct run *run, const struct sample *sample, int link)
{
    const struct world *world = run->world;
    const size_t at = (size_t)sample->device * (size_t)world->view.links + (size_t)link;
    const double every_s = world->spec->links[link].probe_s;
    const double probed_s = floor(run->now_s / every_s) * every_s;
    if (probed_s >= run->link_seen_s[at]) {
        const int station = world->stations - 2 * world->view.links + 2 * link;
        run->link_bytes_per_s[at] = rate_at(&world->station[station].rate, probed_s);
        run->link_seen_s[at] = probed_s;
    }
}

static void view_links(struct run *run, const struct sample *sample, struct policy_view *ret_view)
{
    const struct world *world = run->world;
    const size_t first = (size_t)sample->device * (size_t)world->view.links;
    const int first_station = world->stations - 2 * world->view.links;
    const bool is_device = sample->tier == 0;
    for (int link = 0; link < world->view.links; link++) {
        run->link_backlog_s[link] = 0;
        if (is_device && isfinite(world->spec->links[link].probe_s)) {
            probe_link(run, sample, link);
        }
        if (world->view.link[link].from == sample->tier) {
            const struct world_station *station = &world->station[first_station + 2 * link];
            run->link_backlog_s[link] = backlog_of(run, sample_lane(run, station, sample));
        }
    }
    ret_view->link_bytes_per_s =
        is_device ? run->link_bytes_per_s + first : run->link_nominal_per_s;
    ret_view->link_seen_s = is_device ? run->link_seen_s + first : run->link_never_s;
    ret_view->link_backlog_s = run->link_backlog_s;
}

// What the exits that were computed so far say of the sample, in run->outcomes. Returns their
// number.
static int view_outcomes(struct run *run, const struct sample *sample)
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

static void view_sample(struct run *run, const struct sample *sample, struct policy_view *ret_view)
{
    const struct world *world = run->world;
    const int compute = world->tier[sample->tier].compute;
    *ret_view = (struct policy_view){
        .now_s = run->now_s,
        .arrival_s = sample->arrived_s,
        .deadline_s = sample->arrived_s + world->spec->samples.deadline_s,
        .device = (int)sample->device,
        .origin = 0,
        .tier = sample->tier,
        .model = sample->model,
        .layer = sample->layer,
        .has_arrived = sample->has_arrived,
        .computations = sample->computations,
        .bytes = sample_is_under_way(world, sample)
                     ? world->view.model[sample->model].output_bytes[sample->layer]
                     : sample->raw_bytes,
        .outcomes = run->outcomes,
        .features = sample_features(run, sample),
    };
    ret_view->outcome_count = view_outcomes(run, sample);
    for (int i = 0; i < ret_view->outcome_count; i++) {
        if (run->outcomes[i].exit == sample->latest_exit) {
            ret_view->latest = &run->outcomes[i];
        }
    }
    if (compute >= 0) {
        const uint32_t lane = sample_lane(run, &world->station[compute], sample);
        ret_view->queue = (int)run->present[lane];
        ret_view->backlog_s = backlog_of(run, lane);
    }
    if (run->link_bytes_per_s) {
        view_links(run, sample, ret_view);
    }
    if (world->policy->draws_uniform) {
        const struct stream_at at = {run->key, world->purpose_policy, sample->device,
                                     sample->index};
        ret_view->uniform = stream_uniform(&at);
    }
}

struct policy_action view_decide(struct run *run, const struct sample *sample)
{
    const struct world *world = run->world;
    struct policy_view view;
    view_sample(run, sample, &view);
    struct policy_truth truth = {run->correct};
    if (world->policy->is_oracle) {
        for (int exit = 0; exit < world->view.exits; exit++) {
            run->correct[exit] = (unsigned char)sample_outcomes(run, sample)[exit].correct;
        }
        view.truth = &truth;
    }
    return world->policy->decide(&world->view, world->parameters, world->plan,
                                 state_of(run, sample->device), &view);
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
    world->policy->feedback(&world->view, world->parameters, world->plan,
                            state_of(run, sample->device), &feedback);
    workload_release(run, slot);
}
