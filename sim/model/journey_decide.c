// SPDX-License-Identifier: GPL-3.0-or-later

// What a policy decides for a sample, and what follows from it.

#include "base/text.h"
#include "model/controls.h"
#include "model/run.h"

#include <inttypes.h>
#include <math.h>

// A policy that computes and sends a sample more often than that goes in circles.
enum { MOST_DECISIONS = 60000 };

// An action as the policy wrote it.
static void add_action(struct text *text, const struct policy_action *action)
{
    switch (action->verb) {
    case POLICY_COMPUTE:
        text_format(text, "policy_compute(%d, %d)", action->what, action->layer);
        return;
    case POLICY_SEND:
        text_format(text, "policy_send(%d)", action->what);
        return;
    case POLICY_SEND_RAW:
        text_format(text, "policy_send_raw(%d)", action->what);
        return;
    case POLICY_ANSWER:
        text_format(text, "policy_answer(%d)", action->what);
        return;
    case POLICY_DROP:
        text_format(text, "policy_drop(%d)", action->what);
        return;
    }
    text_format(text, "{%d, %d, %d}", (int)action->verb, action->what, action->layer);
}

// The policy has misbehaved: the run ends with a message that tells its author where.
static void fail(struct run *run, const struct sample *sample, const struct policy_action *action,
                 const char *what)
{
    run->has_failed = true;
    text_format(run->error, "policy '%s' %s: ", run->world->policy->name, what);
    add_action(run->error, action);
    text_format(run->error,
                " for sample %" PRIu64 " of device %" PRIu32
                " at time %.9g s, tier '%s' (seed %" PRIu64 ", replication %" PRIu64 ")",
                sample->index, sample->device, run->now_s, run->world->view.tier[sample->tier].name,
                run->key.seed, run->options->number);
}

double journey_expected_s(struct run *run, const struct sample *sample)
{
    const struct world_layer *layers =
        sample_class(run, sample)->tier[sample->tier].layers[sample->model];
    double expected_s = 0;
    for (int layer = sample->layer + 1; layer <= sample->until; layer++) {
        const struct world_layer *at = &layers[layer];
        expected_s +=
            at->time.kind == DISTRIBUTION_COLUMN
                ? sample_draw(run, sample, &at->time, at->parameters, at->purpose, at->draws)
                : at->time.mean;
    }
    return expected_s;
}

static void start_compute(struct run *run, uint32_t slot, const struct policy_action *action)
{
    const struct world *world = run->world;
    struct sample *sample = &run->samples[slot];
    const int model = action->what;
    if (model < 0 || model >= world->view.models) {
        fail(run, sample, action, "asked to compute a model that does not exist");
        return;
    }
    const struct world_tier *tier = &sample_class(run, sample)->tier[sample->tier];
    if (!tier->layers[model]) {
        fail(run, sample, action, "asked to compute a model that has no service time at this tier");
        return;
    }
    // A model goes on where it stands, if what it needs for that is here; else it starts again.
    const bool goes_on = sample->model == model && sample_is_under_way(world, sample);
    const int first = goes_on ? sample->layer + 1 : 0;
    if (action->layer < first || action->layer >= world->view.model[model].layers) {
        fail(run, sample, action,
             "asked to compute up to a layer that is behind the sample or past the end");
        return;
    }
    if (first == 0 && !(sample->raw_at & 1u << sample->tier)) {
        fail(run, sample, action,
             "asked to start a model where only an activation of another one has come");
        return;
    }
    if (!goes_on) {
        sample->layer = -1;
    }
    sample->model = (int16_t)model;
    sample->until = action->layer;
    if (sample->is_counted) {
        run_count(run, sample, world->counters.calls + model, 1);
    }
    const double service_s = sample_service_s(run, sample, 1);
    if (run->controls) {
        controls_serve(run, slot, service_s);
    }
    journey_visit(run, slot, tier->compute, service_s);
}

static void send(struct run *run, uint32_t slot, const struct policy_action *action)
{
    const struct world *world = run->world;
    struct sample *sample = &run->samples[slot];
    const int target = action->what;
    if (target < 0 || target >= world->tiers || target == sample->tier) {
        fail(run, sample, action,
             "asked to send a sample to a tier that does not exist or where it is");
        return;
    }
    // The reader sees to it that every tier can be reached, and links work both ways.
    CHECK(&run->place, sample_hop(run, sample, target)->station >= 0);
    const bool under_way = sample_is_under_way(world, sample);
    sample->ships_raw = action->verb == POLICY_SEND_RAW || !under_way;
    if (sample->ships_raw && !(sample->raw_at & 1u << sample->tier)) {
        fail(run, sample, action,
             "asked to send the raw input from a tier that has only an activation");
        return;
    }
    if (!sample->ships_raw && isnan(world->view.model[sample->model].output_bytes[sample->layer])) {
        fail(run, sample, action,
             "asked to send an activation whose size the scenario does not state");
        return;
    }
    sample->target = (int8_t)target;
    sample->is_offloaded |= target > sample->tier;
    if (run->observations && sample->tier == 0) {
        observation_offload(run, slot);
    }
    if (run->links.origins && sample->tier == 0) {
        run->links.origins[slot] = (struct link_origin){sample->exits, sample->layer, sample->model,
                                                        sample->latest_exit, sample->computations};
    }
    journey_hop(run, slot);
}

static void answer(struct run *run, uint32_t slot, const struct policy_action *action)
{
    struct sample *sample = &run->samples[slot];
    if (action->what < 0 || action->what >= run->world->view.exits ||
        !(sample->exits & UINT64_C(1) << action->what)) {
        fail(run, sample, action, "answered with an exit that was not computed");
        return;
    }
    sample->answer_exit = (int16_t)action->what;
    sample->target = sample->tier; // where the answer was given
    if (sample->tier == 0 || run->world->spec->samples.answer_bytes < 0) {
        journey_end(run, slot);
    } else {
        journey_hop(run, slot);
    }
}

void journey_decide(struct run *run, uint32_t slot)
{
    const struct world *world = run->world;
    struct sample *sample = &run->samples[slot];
    const struct policy_action action = view_decide(run, sample);
    if (run->why && action.why) {
        run->why[slot] = action.why;
    }
    sample->is_lost = false;
    if (++sample->decisions == MOST_DECISIONS) {
        fail(run, sample, &action, "has come to no end after 60000 decisions");
        return;
    }
    switch (action.verb) {
    case POLICY_COMPUTE:
        start_compute(run, slot, &action);
        return;
    case POLICY_SEND:
    case POLICY_SEND_RAW:
        send(run, slot, &action);
        return;
    case POLICY_ANSWER:
        answer(run, slot, &action);
        return;
    case POLICY_DROP:
        if (action.what == POLICY_LOST && sample->lost_messages) {
            journey_drop(run, slot, REASON_LOST);
            return;
        }
        if (action.what >= 0 && action.what < world->reasons - REASON_ENGINE_COUNT) {
            journey_drop(run, slot, REASON_ENGINE_COUNT + action.what);
            return;
        }
        fail(run, sample, &action, "dropped a sample for a reason that it does not list");
        return;
    }
    fail(run, sample, &action, "returned an action that does not exist");
}
