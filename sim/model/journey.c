// SPDX-License-Identifier: GPL-3.0-or-later

// A sample's way through the world: it visits stations, meets decisions, travels, and ends.

#include "base/text.h"
#include "model/run.h"
#include "model/station.h"

#include <inttypes.h>
#include <math.h>

// A policy that computes and sends a sample more often than that goes in circles.
enum { MOST_DECISIONS = 60000 };

// A duration of this sample: drawn at its own address, or its own entry in the trace.
static double sample_draw(const struct run *run, const struct sample *sample,
                          const struct distribution *distribution,
                          const struct distribution_parameters *parameters, uint64_t purpose)
{
    if (distribution->kind == DISTRIBUTION_COLUMN) {
        const struct trace *trace = run->world->trace;
        return trace->extra[(size_t)sample->row * (size_t)trace->extras +
                            (size_t)parameters->column] *
               parameters->column_scale;
    }
    const struct stream_at at = {run->key, purpose, sample->device, sample->index};
    return distribution_draw(distribution, &at);
}

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
                run->key.seed, run->key.replication);
}

static bool gets_feedback(const struct run *run, const struct sample *sample)
{
    const enum spec_feedback_when when = run->world->spec->feedback.when;
    return run->world->policy->feedback && sample->reason < 0 &&
           (when == FEEDBACK_ALWAYS || (when == FEEDBACK_OFFLOADED && sample->is_offloaded));
}

// The sample has ended, but its slot is kept until the truth is told.
static void schedule_feedback(struct run *run, uint32_t slot)
{
    struct sample *sample = &run->samples[slot];
    const double delay_s = run->world->spec->feedback.delay_s;
    sample->visit_start_s = run->now_s;
    if (delay_s > 0) {
        const uint64_t rank = workload_rank(run, sample->index, sample->device);
        event_queue_push(&run->queue, run->now_s + delay_s, event_tag(EVENT_FEEDBACK, rank, slot));
        run->awaiting++;
    } else {
        view_feed_back(run, slot);
    }
}

// The end of a sample: answered back at its origin, or dropped.
static void end_sample(struct run *run, uint32_t slot)
{
    const struct world *world = run->world;
    const struct sample *sample = &run->samples[slot];
    const double latency_s = run->now_s - sample->arrived_s;
    const bool is_answered = sample->reason < 0;
    const bool is_correct =
        is_answered && sample_outcomes(run, sample)[sample->answer_exit].correct;
    const bool is_on_time = is_answered && latency_s <= world->spec->samples.deadline_s;
    if (is_answered) {
        run->answered++;
        run->tally->answered_in_window +=
            run->now_s >= run->tally->window_from_s && run->now_s <= run->tally->window_to_s;
    } else {
        run->dropped++;
    }
    if (sample->is_counted) {
        run_count(run, sample, COUNTER_OFFLOADED, sample->is_offloaded);
        if (is_answered) {
            run_count(run, sample, COUNTER_ANSWERED, 1);
            run_count(run, sample, is_correct ? COUNTER_CORRECT : COUNTER_ERRORS, 1);
            run_count(run, sample, COUNTER_ON_TIME_CORRECT, is_correct && is_on_time);
            run_count(run, sample, COUNTER_LATENCY_S, latency_s);
            run_count(run, sample, world->counters.answered_by + sample->answer_exit, 1);
            run_count(run, sample, world->counters.answered_at + sample->target, 1);
            histogram_add(&run->tally->latency, latency_s);
        } else {
            run_count(run, sample, COUNTER_DROPPED, 1);
            run_count(run, sample, world->counters.dropped_for + sample->reason, 1);
        }
        if (isfinite(world->spec->samples.deadline_s)) {
            run_count(run, sample, COUNTER_DEADLINE_MISSES, !is_on_time);
        }
    }
    if (run->options->observe) {
        record_sample(run, slot);
    }
    run->in_flight--;
    const uint32_t device = sample->device;
    if (gets_feedback(run, sample)) {
        schedule_feedback(run, slot);
    } else {
        workload_release(run, slot);
    }
    workload_return(run, device);
}

static void drop(struct run *run, uint32_t slot, int reason)
{
    run->samples[slot].reason = (int16_t)reason;
    end_sample(run, slot);
}

// A sample arrives at a station: with a service time at a compute station, with bytes at a link.
// Returns false if there was no room, and the sample is gone.
static bool visit(struct run *run, uint32_t slot, int number, double amount)
{
    const struct world_station *station = &run->world->station[number];
    struct station_tally *tally = &run->tally->stations[number];
    struct sample *sample = &run->samples[slot];
    const uint32_t lane = sample_lane(run, station, sample);
    const bool in_window =
        run->now_s >= run->tally->window_from_s && run->now_s <= run->tally->window_to_s;
    if (station->room >= 0 && run->present[lane] >= station->room + (int64_t)station->servers) {
        drop(run, slot, REASON_FULL);
        return false;
    }
    run->present[lane]++;
    double *free_at_s = &run->free_at_s[run->world->lane_servers[lane]];
    const double start_s = station_start(free_at_s, run->now_s);
    const double end_s = station->role == STATION_COMPUTE
                             ? start_s + amount
                             : rate_finish(&station->rate, start_s, amount);
    station_take(free_at_s, station->servers, end_s);
    if (in_window) {
        tally->arrivals++;
        tally->work_s += end_s - start_s;
    }
    sample->lane = lane;
    sample->station = (int16_t)number;
    sample->visit_arrived_s = run->now_s;
    sample->visit_start_s = start_s;
    const uint64_t rank = workload_rank(run, sample->index, sample->device);
    event_queue_push(&run->queue, end_s, event_tag(EVENT_DEPART, rank, slot));
    return true;
}

// Energy that a counted sample takes from a node of a tier.
static void count_energy(struct run *run, const struct sample *sample, int tier, double joules)
{
    run_count(run, sample, run->world->counters.joules + tier, joules);
    run_count(run, sample, COUNTER_JOULES, joules);
}

// A visit ends: what it adds to the station's sums. Returns the service time.
static double end_visit(struct run *run, struct sample *sample)
{
    struct station_tally *tally = &run->tally->stations[sample->station];
    const double wait_s = sample->visit_start_s - sample->visit_arrived_s;
    run->present[sample->lane]--;
    tally->queue_area_s +=
        tally_in_window(run->tally, sample->visit_arrived_s, sample->visit_start_s);
    tally->busy_area_s += tally_in_window(run->tally, sample->visit_start_s, run->now_s);
    if (sample->is_counted) {
        tally->visits++;
        tally->wait_s += wait_s;
    }
    sample->wait_s += wait_s;
    return run->now_s - sample->visit_start_s;
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
    if (!world->tier[sample->tier].layers[model]) {
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
    double service_s = 0;
    const struct world_layer *layers = world->tier[sample->tier].layers[model];
    for (int layer = first; layer <= action->layer; layer++) {
        service_s += sample_draw(run, sample, &layers[layer].time, layers[layer].parameters,
                                 layers[layer].purpose);
    }
    if (!goes_on) {
        sample->layer = -1;
    }
    sample->model = (int16_t)model;
    sample->until = action->layer;
    visit(run, slot, world->tier[sample->tier].compute, service_s);
}

// Energy of the computation that ends, beside the idle power: as stated for its layers, or what the
// busy server takes.
static double compute_energy(const struct run *run, const struct sample *sample, double service_s)
{
    const struct world_layer *layers = run->world->tier[sample->tier].layers[sample->model];
    if (isnan(layers[0].joules)) {
        return run->world->station[sample->station].watts * service_s;
    }
    double joules = 0;
    for (int layer = sample->layer + 1; layer <= sample->until; layer++) {
        joules += layers[layer].joules;
    }
    return joules;
}

// A computation ends: the exits that it passed become visible.
static void end_compute(struct run *run, struct sample *sample)
{
    const struct world *world = run->world;
    const double service_s = end_visit(run, sample);
    const struct policy_model *model = &world->view.model[sample->model];
    sample->service_s += service_s;
    sample->latest_exit = -1;
    for (int exit = model->first_exit; exit < model->first_exit + model->exits; exit++) {
        const int layer = world->view.exit[exit].layer;
        if (layer > sample->layer && layer <= sample->until) {
            sample->exits |= UINT64_C(1) << exit;
            sample->latest_exit = (int8_t)exit;
        }
    }
    if (sample->is_counted) {
        run_count(run, sample, world->counters.layers + sample->tier,
                  sample->until - sample->layer);
        run_count(run, sample, world->counters.busy_s + sample->tier, service_s);
        count_energy(run, sample, sample->tier, compute_energy(run, sample, service_s));
    }
    sample->layer = sample->until;
    sample->has_arrived = false;
    if (sample->computations < UINT8_MAX) {
        sample->computations++;
    }
}

// The size of the message that a sample is, or its answer, on a link.
static double message_bytes(const struct run *run, const struct sample *sample, int link)
{
    const struct world *world = run->world;
    const double overhead = world->spec->links[link].overhead_bytes;
    if (sample->answer_exit >= 0) {
        return overhead + world->spec->samples.answer_bytes;
    }
    return overhead + (sample->ships_raw
                           ? sample->raw_bytes
                           : world->view.model[sample->model].output_bytes[sample->layer]);
}

// Puts a message on the next link of the way to the sample's target: the answer, when there is
// one, else the raw input or the activation.
static void hop(struct run *run, uint32_t slot)
{
    const struct world *world = run->world;
    struct sample *sample = &run->samples[slot];
    const int number =
        world->hops[sample->tier * world->tiers + (sample->answer_exit < 0 ? sample->target : 0)]
            .station;
    const struct world_station *station = &world->station[number];
    const double bytes = message_bytes(run, sample, station->link);
    const bool is_counted = sample->is_counted;
    if (visit(run, slot, number, bytes) && is_counted) {
        const bool is_down = station->role == STATION_DOWN;
        run_count(run, sample, COUNTER_BYTES, bytes);
        run_count(run, sample, world->counters.bytes + 2 * station->link + is_down, bytes);
        run_count(run, sample, world->counters.offloads + station->link, !is_down);
        count_energy(run, sample, world->spec->links[station->link].from,
                     station->joules_per_byte * bytes);
    }
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
    CHECK(&run->place, world->hops[sample->tier * world->tiers + target].station >= 0);
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
    if (sample->ships_raw && under_way) {
        sample->model = -1; // it starts again at the other end
        sample->layer = -1;
    }
    sample->target = (int8_t)target;
    sample->is_offloaded |= target > sample->tier;
    hop(run, slot);
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
        end_sample(run, slot);
    } else {
        hop(run, slot);
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
        if (action.what >= 0 && action.what < world->reasons - REASON_ENGINE_COUNT) {
            drop(run, slot, REASON_ENGINE_COUNT + action.what);
            return;
        }
        fail(run, sample, &action, "dropped a sample for a reason that it does not list");
        return;
    }
    fail(run, sample, &action, "returned an action that does not exist");
}

// A message has come to the far end of a link.
void journey_deliver(struct run *run, uint32_t slot)
{
    const struct world *world = run->world;
    struct sample *sample = &run->samples[slot];
    const bool is_answer = sample->answer_exit >= 0;
    const int to = is_answer ? 0 : sample->target;
    const struct world_hop *way = &world->hops[sample->tier * world->tiers + to];
    sample->transfer_s += run->now_s - sample->visit_start_s;
    sample->tier = (int8_t)way->tier;
    if (sample->ships_raw) {
        sample->raw_at |= (uint16_t)(1u << sample->tier);
    }
    if (sample->tier != to) {
        hop(run, slot);
    } else if (is_answer) {
        end_sample(run, slot);
    } else {
        sample->has_arrived = true;
        journey_decide(run, slot);
    }
}

// A service ends: a computation leads to a decision, a transmission to the propagation.
void journey_depart(struct run *run, uint32_t slot)
{
    const struct world *world = run->world;
    struct sample *sample = &run->samples[slot];
    const struct world_station *station = &world->station[sample->station];
    if (station->role == STATION_COMPUTE) {
        end_compute(run, sample);
        journey_decide(run, slot);
        return;
    }
    const double service_s = end_visit(run, sample);
    if (run->link_bytes_per_s && station->role == STATION_UP && sample->tier == 0) {
        view_measure_link(run, sample, station->link, message_bytes(run, sample, station->link),
                          service_s);
    }
    if (sample->is_counted && station->watts > 0) {
        count_energy(run, sample, world->spec->links[station->link].from,
                     station->watts * service_s);
    }
    const double delay_s = sample_draw(run, sample, &station->delay,
                                       &world->spec->links[station->link].delay, station->purpose);
    if (delay_s > 0) {
        const uint64_t rank = workload_rank(run, sample->index, sample->device);
        event_queue_push(&run->queue, run->now_s + delay_s, event_tag(EVENT_DELIVER, rank, slot));
    } else {
        journey_deliver(run, slot);
    }
}
