// SPDX-License-Identifier: GPL-3.0-or-later

// A sample's way through the world: it visits stations, meets decisions, travels, and ends.

#include "base/text.h"
#include "model/controls.h"
#include "model/run.h"
#include "model/station.h"

#include <inttypes.h>
#include <math.h>

// A policy that computes and sends a sample more often than that goes in circles.
enum { MOST_DECISIONS = 60000 };

// A duration of this sample: drawn at its own address, or its own entry in the trace.
static inline double sample_draw(struct run *run, const struct sample *sample,
                                 const struct distribution *distribution,
                                 const struct distribution_parameters *parameters, uint64_t purpose,
                                 uint32_t draws)
{
    if (distribution->kind == DISTRIBUTION_COLUMN) {
        return trace_extra(run->world->source[sample->source].trace, sample->row,
                           parameters->column) *
               parameters->column_scale;
    }
    const struct stream_at at = {run->key, purpose, sample->device, sample->index};
    return draws_look_up(&run->draws, draws, distribution, &at);
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
                run->key.seed, run->options->number);
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

// What the end of a sample adds to the counters of its class.
static void count_class(struct run *run, const struct sample *sample, double latency_s,
                        bool is_correct, bool is_on_time)
{
    const int first = run->world->counters.classes + sample->device_class * CLASS_COUNTER_COUNT;
    const bool is_answered = sample->reason < 0;
    run_count(run, sample, first + CLASS_OFFLOADED, sample->is_offloaded);
    run_count(run, sample, first + CLASS_ON_TIME_CORRECT, is_correct && is_on_time);
    if (isfinite(sample_class(run, sample)->deadline_s)) {
        run_count(run, sample, first + CLASS_DEADLINE_MISSES, !is_on_time);
    }
    if (is_answered) {
        run_count(run, sample, first + CLASS_ANSWERED, 1);
        run_count(run, sample, first + CLASS_CORRECT, is_correct);
        run_count(run, sample, first + CLASS_LATENCY_S, latency_s);
        histogram_add(&run->tally->class_latency[sample->device_class], latency_s);
    } else {
        run_count(run, sample, first + CLASS_DROPPED, 1);
    }
}

// The end of a sample: answered back at its origin, or dropped.
static void end_sample(struct run *run, uint32_t slot)
{
    if (run->holding) {
        holding_give_back(run, slot);
    }
    const struct world *world = run->world;
    const struct sample *sample = &run->samples[slot];
    const double latency_s = run->now_s - sample->arrived_s;
    const bool is_answered = sample->reason < 0;
    const bool is_correct =
        is_answered && sample_outcomes(run, sample)[sample->answer_exit].correct;
    const double deadline_s = sample_class(run, sample)->deadline_s;
    const bool is_on_time = is_answered && latency_s <= deadline_s;
    if (is_answered) {
        run->answered++;
        run->tally->answered_in_window +=
            run->now_s >= run->tally->window_from_s && run->now_s <= run->tally->window_to_s;
    } else {
        run->dropped++;
        run->tally->late_dropped += run->now_s > run->tally->window_to_s;
    }
    if (!sample->is_counted) {
        tally_uncounted(run->tally, run->now_s, is_answered);
    } else {
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
        if (isfinite(deadline_s)) {
            run_count(run, sample, COUNTER_DEADLINE_MISSES, !is_on_time);
        }
        if (world->has_classes) {
            count_class(run, sample, latency_s, is_correct, is_on_time);
        }
        if (is_answered && world->labels) {
            const size_t label = (size_t)sample_label(run, sample);
            run->tally->label_answered[label]++;
            run->tally->label_correct[label] += is_correct;
        }
    }
    if (run->options->observe) {
        record_sample(run, slot);
    }
    if (run->observations && is_answered && sample->is_offloaded && sample->target > 0) {
        observation_return(run, slot);
    }
    run->in_flight--;
    const uint32_t device = sample->device;
    if (gets_feedback(run, sample)) {
        schedule_feedback(run, slot);
    } else {
        workload_release(run, slot);
    }
    if (run->has_closed_loop) {
        workload_return(run, device);
    }
}

void journey_drop(struct run *run, uint32_t slot, int reason)
{
    run->samples[slot].reason = (int16_t)reason;
    end_sample(run, slot);
}

static void expect_departure(struct run *run, uint32_t slot, double end_s)
{
    const struct sample *sample = &run->samples[slot];
    const uint64_t rank = workload_rank(run, sample->index, sample->device);
    event_queue_push(&run->queue, end_s, event_tag(EVENT_DEPART, rank, slot));
}

// A sample will leave its server at `end_s`, and whoever came before it at `before_s`. Its
// departure is due unless that of another one comes before.
static inline void line_enter(struct run *run, struct line *line, uint32_t slot, double before_s,
                              double end_s)
{
    if (line->due && (line->count || end_s > before_s)) {
        if (line->count++) {
            run->samples[line->last].behind = slot;
        } else {
            line->first = slot;
        }
        line->last = slot;
    } else {
        line->due++;
        expect_departure(run, slot, end_s);
    }
}

// The end of the service of the first in a line: when that of the one behind it begins, and of the
// last one when the server is free.
static inline double line_end(const struct run *run, const struct line *line, double free_at_s)
{
    return line->count > 1 ? run->samples[run->samples[line->first].behind].visit_start_s
                           : free_at_s;
}

// A sample has left its server. If no other departure is due, the next one is, with all that are at
// the same instant.
static inline void line_leave(struct run *run, struct line *line, double free_at_s)
{
    if (--line->due || !line->count) {
        return;
    }
    const double end_s = line_end(run, line, free_at_s);
    do {
        expect_departure(run, line->first, end_s);
        line->due++;
        line->first = run->samples[line->first].behind;
        line->count--;
    } while (line->count && line_end(run, line, free_at_s) <= end_s);
}

// A sample arrives at a station: with a service time at a compute station, with bytes at a link.
// Returns false if there was no room, and the sample is gone.
static bool visit(struct run *run, uint32_t slot, int number, double amount)
{
    const struct world_station *station = &run->world->station[number];
    struct station_tally *tally = &run->tally->stations[number];
    struct sample *sample = &run->samples[slot];
    const uint32_t lane = sample_lane(run, station, sample);
    if (station->rules) {
        return lane_arrive(run, slot, number, lane, amount);
    }
    if (station->room >= 0 && !(run->holding && holding_keep_promise(run, slot, lane)) &&
        !lane_has_place(run, station, lane)) {
        journey_drop(run, slot, REASON_FULL);
        return false;
    }
    run->present[lane]++;
    sample->lane = lane;
    sample->station = (int16_t)number;
    sample->visit_arrived_s = run->now_s;
    if (station->is_fair) {
        if (run->present[lane] == 1) {
            tally->free_last_s = run->now_s;
        }
        sample->visit_start_s = run->now_s;
        link_share(run, slot, station, lane, amount);
        return true;
    }
    const uint64_t server = run->world->lane_servers[lane];
    double *free_at_s = &run->free_at_s[server];
    const double before_s = *free_at_s;
    const double start_s = station_start(free_at_s, run->now_s);
    const double end_s = station->role == STATION_COMPUTE ? start_s + amount
                         : station->rate.parts
                             ? link_finish(run, sample, station, lane, start_s, amount)
                             : start_s + amount / station->rate.constant;
    tally->free_last_s = start_s > run->now_s ? tally->free_last_s : run->now_s;
    const bool waits_in_vain = start_s - run->now_s > station->patience_s;
    if (!waits_in_vain) {
        station_take(free_at_s, station->servers, end_s);
    }
    if (tally_is_in_window(run->tally, run->now_s)) {
        tally->arrivals++;
        tally->work_s += end_s - start_s;
    }
    sample->visit_start_s = start_s;
    const double until_s = waits_in_vain ? run->now_s + station->patience_s : end_s;
    const enum event_kinds kind = waits_in_vain ? EVENT_TIMEOUT : EVENT_DEPART;
    if (run->lanes.jobs) {
        run->lanes.jobs[slot].due_s = until_s;
        run->lanes.jobs[slot].due_kind = (uint8_t)kind;
    }
    if (station->is_line) {
        line_enter(run, &run->lines[server], slot, before_s, end_s);
        return true;
    }
    const uint64_t rank = workload_rank(run, sample->index, sample->device);
    event_queue_push(&run->queue, until_s, event_tag(kind, rank, slot));
    return true;
}

void journey_look(const struct run *run, int station, uint32_t lane,
                  struct station_state *ret_state)
{
    // As many as there are servers are in service, for no server of a first-in-first-out lane is
    // idle while a sample waits. In a fair medium all are.
    if (run->world->station[station].rules) {
        lane_look(run, &run->world->station[station], lane, ret_state);
        return;
    }
    const uint32_t servers = run->world->station[station].servers;
    const uint32_t present = run->present[lane];
    const uint32_t in_service =
        present < servers || run->world->station[station].is_fair ? present : servers;
    ret_state->in_service += in_service;
    ret_state->waiting += present - in_service;
}

// What a counted sample has kept a compute station busy for.
static inline void count_work(struct run *run, const struct sample *sample, double worked_s,
                              double joules)
{
    struct station_tally *tally = &run->tally->stations[sample->station];
    tally->counted_s += worked_s;
    tally->joules += joules;
    run_note(run, sample, run->world->counters.busy_s + sample->tier, worked_s);
    run_note_joules(run, sample, sample->tier, joules);
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

void journey_show_visit(const struct run *run, const struct sample *sample)
{
    const struct world_station *station = &run->world->station[sample->station];
    struct visit_record record = {
        .index = sample->index,
        .device = sample->device,
        .station = sample->station,
        .lane = sample->lane - station->first_lane,
        .arrived_s = sample->visit_arrived_s,
        .started_s = sample->visit_start_s,
        .ended_s = run->now_s,
    };
    if (station->role == STATION_COMPUTE) {
        record.model = sample->model;
        record.first_layer = sample->layer + 1;
        record.last_layer = sample->until;
    } else {
        const bool is_raw = sample->answer_exit < 0 && sample->ships_raw;
        record.bytes = message_bytes(run, sample, station->link);
        record.raw_bytes = is_raw ? sample->raw_bytes : 0;
    }
    run->options->visited(run->options->context, &record);
}

// A visit ends: what it adds to the station's sums. Returns the service time.
static inline double end_visit(struct run *run, struct sample *sample)
{
    struct station_tally *tally = &run->tally->stations[sample->station];
    const double wait_s = sample->visit_start_s - sample->visit_arrived_s;
    run->present[sample->lane]--;
    tally->queue_area_s +=
        tally_in_window(run->tally, sample->visit_arrived_s, sample->visit_start_s);
    const double served_s = tally_in_window(run->tally, sample->visit_start_s, run->now_s);
    tally->busy_area_s += served_s;
    tally->serving_area_s += served_s;
    if (sample->is_counted) {
        tally->visits++;
        tally->wait_s += wait_s;
    }
    sample->wait_s += wait_s;
    journey_visited(run, sample);
    return run->now_s - sample->visit_start_s;
}

// Service time of the computation that a sample asks for, in a batch of so many.
static inline double service_time(struct run *run, const struct sample *sample, int size)
{
    const struct world_layer *layers =
        sample_class(run, sample)->tier[sample->tier].layers[sample->model];
    double service_s = 0;
    for (int layer = sample->layer + 1; layer <= sample->until; layer++) {
        const struct world_layer *at = &layers[layer];
        service_s +=
            distribution_is_by_batch(&at->time)
                ? distribution_of_batch(&at->time, size)
                : sample_draw(run, sample, &at->time, at->parameters, at->purpose, at->draws);
    }
    return service_s;
}

double journey_service_s(struct run *run, uint32_t slot, int size)
{
    return service_time(run, &run->samples[slot], size);
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
    const double service_s = service_time(run, sample, 1);
    if (run->controls) {
        controls_serve(run, slot, service_s);
    }
    visit(run, slot, tier->compute, service_s);
}

// Energy of the computation that ends, beside the idle power: as stated for its layers, or what the
// busy server takes.
static double compute_energy(const struct run *run, const struct sample *sample,
                             const struct lane_visit *visit)
{
    const struct world_layer *layers =
        sample_class(run, sample)->tier[sample->tier].layers[sample->model];
    if (isnan(layers[0].joules)) {
        return visit->joules;
    }
    double joules = 0;
    for (int layer = sample->layer + 1; layer <= sample->until; layer++) {
        joules += layers[layer].joules;
    }
    return joules;
}

void journey_lost_in_service(struct run *run, uint32_t slot, const struct lane_visit *visit,
                             int reason)
{
    struct sample *sample = &run->samples[slot];
    sample->service_s += visit->service_s;
    if (sample->is_counted) {
        count_work(run, sample, visit->worked_s, visit->joules);
    }
    journey_drop(run, slot, reason);
}

// A computation ends: the exits that it passed become visible.
static inline void end_compute(struct run *run, struct sample *sample,
                               const struct lane_visit *visit)
{
    const struct world *world = run->world;
    const struct policy_model *model = &world->view.model[sample->model];
    sample->service_s += visit->service_s;
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
        count_work(run, sample, visit->worked_s, compute_energy(run, sample, visit));
    }
    sample->layer = sample->until;
    sample->has_arrived = false;
    if (sample->computations < UINT8_MAX) {
        sample->computations++;
    }
}

// Puts a message on the next link of the way to the sample's target: the answer, when there is
// one, else the raw input or the activation.
static void hop(struct run *run, uint32_t slot)
{
    if (run->holding) {
        holding_give_back(run, slot);
    }
    const struct world *world = run->world;
    struct sample *sample = &run->samples[slot];
    const int number =
        sample_hop(run, sample, sample->answer_exit < 0 ? sample->target : 0)->station;
    const struct world_station *station = &world->station[number];
    double bytes = message_bytes(run, sample, station->link);
    if (station->loss) {
        bytes = link_transmissions(run, sample, station, bytes);
    }
    if (visit(run, slot, number, bytes)) {
        link_count_bytes(run, sample, station, bytes);
        if (sample->is_counted) {
            run_count(run, sample, world->counters.offloads + station->link,
                      station->role == STATION_UP);
        }
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

// A message has come to the far end of a link.
void journey_deliver(struct run *run, uint32_t slot)
{
    const struct world *world = run->world;
    struct sample *sample = &run->samples[slot];
    const bool is_answer = sample->answer_exit >= 0;
    const int to = is_answer ? 0 : sample->target;
    const struct world_hop *way = sample_hop(run, sample, to);
    sample->transfer_s += run->now_s - sample->visit_start_s;
    if (run->observations && sample->tier == 0) {
        observation_delivery(run, sample, world->station[way->station].link,
                             run->now_s - sample->visit_arrived_s);
    }
    sample->tier = (int8_t)way->tier;
    dispatch(run, slot, sample->tier);
    if (sample->ships_raw) {
        sample->raw_at |= (uint16_t)(1u << sample->tier);
        if (!is_answer && sample_is_under_way(world, sample)) {
            sample->model = -1; // it starts again here
            sample->layer = -1;
        }
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

// A message arrives nowhere. Whoever sent it decides again; a lost answer is missed by the device.
static void lose_message(struct run *run, uint32_t slot)
{
    if (run->holding) {
        holding_give_back(run, slot);
    }
    struct sample *sample = &run->samples[slot];
    sample->transfer_s += run->now_s - sample->visit_start_s;
    sample->lost_messages++;
    if (sample->answer_exit >= 0) {
        const struct link_origin *origin = &run->links.origins[slot];
        sample->answer_exit = -1;
        sample->tier = 0;
        sample->exits = origin->exits;
        sample->model = origin->model;
        sample->layer = origin->layer;
        sample->latest_exit = origin->latest_exit;
        sample->computations = origin->computations;
        sample->target = -1;
    }
    sample->has_arrived = false;
    journey_decide(run, slot);
}

void journey_sent(struct run *run, uint32_t slot, double service_s, double own_s)
{
    const struct world *world = run->world;
    struct sample *sample = &run->samples[slot];
    const struct world_station *station = &world->station[sample->station];
    if (sample->is_counted) {
        run->tally->stations[sample->station].counted_s += own_s;
        run_note_joules(run, sample, world->spec->links[station->link].from,
                        station->watts * own_s);
    }
    if (sample->is_lost) {
        lose_message(run, slot);
        return;
    }
    if (run->observations && station->role == STATION_UP && sample->tier == 0) {
        observation_transfer(run, sample, station->link, message_bytes(run, sample, station->link),
                             service_s);
    }
    const double delay_s =
        sample_draw(run, sample, &station->delay, &world->spec->links[station->link].delay,
                    station->purpose, station->draws);
    if (delay_s > 0) {
        const uint64_t rank = workload_rank(run, sample->index, sample->device);
        event_queue_push(&run->queue, run->now_s + delay_s, event_tag(EVENT_DELIVER, rank, slot));
    } else {
        journey_deliver(run, slot);
    }
}

// A sample goes on after a visit that was so.
static inline void go_on(struct run *run, uint32_t slot, const struct lane_visit *visit)
{
    if (run->world->station[run->samples[slot].station].role == STATION_COMPUTE) {
        end_compute(run, &run->samples[slot], visit);
        journey_decide(run, slot);
    } else {
        journey_sent(run, slot, visit->service_s, visit->worked_s);
    }
}

void journey_served(struct run *run, uint32_t slot, const struct lane_visit *visit)
{
    go_on(run, slot, visit);
}

// A service ends: a computation leads to a decision, a transmission to the propagation.
void journey_depart(struct run *run, uint32_t slot)
{
    struct sample *sample = &run->samples[slot];
    const struct world_station *station = &run->world->station[sample->station];
    if (run->lanes.jobs && !lane_is_due(run, slot, EVENT_DEPART)) {
        return; // it stopped before, or began again
    }
    if (station->rules) {
        lane_depart(run, slot);
        return;
    }
    lane_settle(run, slot);
    const uint32_t lane = sample->lane;
    const double service_s = end_visit(run, sample);
    if (station->is_line) {
        const uint64_t server = run->world->lane_servers[lane];
        line_leave(run, &run->lines[server], run->free_at_s[server]);
    }
    const struct lane_visit visit = {service_s, service_s, station->watts * service_s};
    go_on(run, slot, &visit);
    if (station->blocks) {
        holding_let_in(run, station, lane);
    }
}

void journey_time_out(struct run *run, uint32_t slot)
{
    struct sample *sample = &run->samples[slot];
    const struct world_station *station = &run->world->station[sample->station];
    if (run->lanes.jobs && !lane_is_due(run, slot, EVENT_TIMEOUT)) {
        return; // it is served
    }
    if (station->rules) {
        lane_time_out(run, slot);
        return;
    }
    lane_settle(run, slot);
    const uint32_t lane = sample->lane;
    sample->visit_start_s = run->now_s;
    end_visit(run, sample);
    journey_drop(run, slot, REASON_TIMEOUT);
    if (station->blocks) {
        holding_let_in(run, station, lane);
    }
}
