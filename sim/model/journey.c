// SPDX-License-Identifier: GPL-3.0-or-later

// A sample's way through the world: it visits stations and travels between them.

#include "model/run.h"
#include "model/station.h"

#include <math.h>

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

bool journey_visit(struct run *run, uint32_t slot, int number, double amount)
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

double journey_service_s(struct run *run, uint32_t slot, int size)
{
    return sample_service_s(run, &run->samples[slot], size);
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

void journey_hop(struct run *run, uint32_t slot)
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
    if (journey_visit(run, slot, number, bytes)) {
        link_count_bytes(run, sample, station, bytes);
        if (sample->is_counted) {
            run_count(run, sample, world->counters.offloads + station->link,
                      station->role == STATION_UP);
        }
    }
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
        journey_hop(run, slot);
    } else if (is_answer) {
        journey_end(run, slot);
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
