// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/lane.h"

#include "base/bit.h"
#include "model/lane_parts.h"
#include "model/station.h"

#include <math.h>
#include <stdlib.h>

enum { WORD_BITS = 64 };

struct spot lane_spot(struct run *run, uint32_t place)
{
    struct lane *lane = &run->lanes.lane[place];
    const struct world_station *station = &run->world->station[lane->station];
    return (struct spot){.run = run,
                         .station = station,
                         .rules = station->rules,
                         .lane = lane,
                         .jobs = run->lanes.jobs,
                         .number = station->first_lane + (place - station->first_queued),
                         .place = place};
}

static struct spot spot_of(struct run *run, const struct world_station *station, uint32_t number)
{
    return lane_spot(run, station->first_queued + (number - station->first_lane));
}

// ---- sums over time ----

void lane_account(const struct spot *spot)
{
    struct lane *lane = spot->lane;
    const double now_s = spot->run->now_s;
    if (now_s > lane->changed_s) {
        struct station_tally *tally = &spot->run->tally->stations[lane->station];
        const double in_window_s = tally_in_window(spot->run->tally, lane->changed_s, now_s);
        tally->queue_area_s += in_window_s * lane->waiting_count;
        tally->busy_area_s += in_window_s * lane->busy;
        tally->serving_area_s += in_window_s * lane->in_service;
        if (spot->rules->scaling) {
            lane_account_scaling(spot, lane->changed_s, now_s);
        }
        lane->changed_s = now_s;
    }
}

// ---- events ----

static uint64_t rank_of(const struct spot *spot, uint32_t slot)
{
    const struct sample *sample = &spot->run->samples[slot];
    return workload_rank(spot->run, sample->index, sample->device);
}

static void expect(const struct spot *spot, uint32_t slot, enum event_kinds kind, double time_s)
{
    struct job *job = &spot->jobs[slot];
    job->due_s = time_s;
    job->due_kind = (uint8_t)kind;
    if (isfinite(time_s)) {
        event_queue_push(&spot->run->queue, time_s, event_tag(kind, rank_of(spot, slot), slot));
    }
}

bool lane_is_due(const struct run *run, uint32_t slot, unsigned kind)
{
    const struct job *job = &run->lanes.jobs[slot];
    return job->due_kind == kind && job->due_s >= run->now_s && job->due_s <= run->now_s;
}

void lane_wake_at(const struct spot *spot, double time_s)
{
    if (time_s < spot->lane->wake_s) {
        spot->lane->wake_s = time_s;
        event_queue_push(&spot->run->queue, time_s,
                         event_tag(EVENT_LANE, spot->place, spot->place));
    }
}

// ---- servers ----

static uint64_t *idle_words(const struct spot *spot)
{
    return spot->run->lanes.idle + spot->station->first_idle_word +
           lane_idle_words(spot->rules) * (spot->number - spot->station->first_lane);
}

// Takes the fastest server that is free: the first, for they are in that order.
static uint32_t take_server(const struct spot *spot)
{
    spot->lane->busy++;
    if (!spot->rules->speeds) {
        return 0;
    }
    uint64_t *words = idle_words(spot);
    uint32_t word = 0;
    while (!words[word]) {
        word++;
    }
    const uint32_t bit = (uint32_t)bit_lowest(words[word]);
    words[word] &= words[word] - 1;
    return word * WORD_BITS + bit;
}

static void give_server(const struct spot *spot, uint32_t server)
{
    spot->lane->busy--;
    if (spot->rules->speeds) {
        idle_words(spot)[server / WORD_BITS] |= UINT64_C(1) << server % WORD_BITS;
    }
}

// ---- service ----

// The speed step of a node with so many samples.
static int step_of(const struct lane_rules *rules, uint32_t present)
{
    int step = 0;
    while (step + 1 < rules->step_count && (int64_t)present > rules->steps[step].most_present) {
        step++;
    }
    return step;
}

void lane_begin(const struct spot *spot, uint32_t slot)
{
    struct run *run = spot->run;
    struct job *job = &spot->jobs[slot];
    job->speed = spot->rules->speeds ? spot->rules->speeds[job->server] : 1;
    job->watts = spot->station->watts;
    if (spot->rules->steps) {
        const int step = step_of(spot->rules, run->present[spot->number]);
        job->speed *= spot->rules->steps[step].speed;
        job->watts = spot->rules->step_watts[step];
    }
    double end_s = run->now_s + job->left / job->speed;
    if (spot->station->role != STATION_COMPUTE) {
        end_s = link_finish(run, &run->samples[slot], spot->station, spot->number, run->now_s,
                            job->left);
    }
    job->state = JOB_SERVING;
    job->since_s = run->now_s;
    spot->lane->until_s += end_s;
    expect(spot, slot, EVENT_DEPART, end_s);
}

void lane_pause(const struct spot *spot, uint32_t slot)
{
    struct job *job = &spot->jobs[slot];
    const double served_s = spot->run->now_s - job->since_s;
    spot->lane->until_s -= job->due_s;
    job->left = fmax(job->left - served_s * job->speed, 0);
    job->served_s += served_s;
    job->worked_s += served_s;
    job->joules += served_s * job->watts;
    job->since_s = spot->run->now_s;
    job->due_s = NAN;
}

void lane_free(const struct spot *spot, uint32_t slot)
{
    struct job *job = &spot->jobs[slot];
    if (spot->rules->lists_serving) {
        job_queue_remove(spot->jobs, &spot->lane->serving, JOB_LAST, slot);
    }
    give_server(spot, job->server);
    spot->lane->in_service -= job->size;
}

// A job, or the first of a batch, that was taken from those who wait.
static void put_in_service(const struct spot *spot, uint32_t slot)
{
    struct run *run = spot->run;
    struct job *first = &spot->jobs[slot];
    for (uint32_t member = slot; member != JOB_NONE; member = spot->jobs[member].member) {
        struct job *job = &spot->jobs[member];
        job->waited_s += run->now_s - job->since_s;
        job->state = JOB_SERVING;
        job->due_s = NAN;
        if (isnan(run->samples[member].visit_start_s)) {
            run->samples[member].visit_start_s = run->now_s;
        }
    }
    spot->lane->in_service += first->size;
    if (spot->rules->makes_batches && tally_is_in_window(run->tally, run->now_s)) {
        run->tally->stations[spot->lane->station].batches++;
        run->tally->stations[spot->lane->station].batched += first->size;
    }
    first->server = take_server(spot);
    if (spot->rules->lists_serving) {
        job_queue_push(spot->jobs, &spot->lane->serving, JOB_LAST, slot);
    }
    lane_begin(spot, slot);
}

// ---- the queue ----

static void queue(const struct spot *spot, uint32_t slot)
{
    struct job *job = &spot->jobs[slot];
    job->state = JOB_WAITING;
    job->since_s = spot->run->now_s;
    job->size = 1;
    job->member = JOB_NONE;
    spot->lane->waiting_count++;
    spot->lane->work += job->left;
    if (spot->rules->batch_most > 1) {
        batch_add(spot, slot);
    } else {
        job_queue_push(spot->jobs, &spot->lane->waiting, JOB_FIRST, slot);
    }
}

void lane_unqueue(const struct spot *spot, uint32_t slot)
{
    spot->lane->waiting_count--;
    spot->lane->work -= spot->jobs[slot].left;
    if (spot->rules->batch_most > 1) {
        batch_remove(spot, slot);
    } else {
        job_queue_remove(spot->jobs, &spot->lane->waiting, JOB_FIRST, slot);
    }
}

// Whether the first of those who wait may disturb the last of those in service, and does.
static bool preempt(const struct spot *spot)
{
    struct lane *lane = spot->lane;
    if (spot->rules->discipline != DISCIPLINE_PREEMPTIVE || lane->serving == JOB_NONE ||
        spot->jobs[lane->waiting].rank >= spot->jobs[lane->serving].rank) {
        return false;
    }
    const uint32_t slot = lane->serving;
    lane_pause(spot, slot);
    lane_free(spot, slot);
    queue(spot, slot);
    return true;
}

static void serve_batches(const struct spot *spot)
{
    while (spot->lane->busy < spot->lane->servers) {
        double ready_s;
        const uint32_t first = batch_take(spot, &ready_s);
        if (first == JOB_NONE) {
            lane_wake_at(spot, ready_s);
            return;
        }
        put_in_service(spot, first);
    }
}

static void serve_one_by_one(const struct spot *spot)
{
    struct lane *lane = spot->lane;
    while (lane->waiting != JOB_NONE) {
        if (lane->busy >= lane->servers && !preempt(spot)) {
            return;
        }
        const uint32_t slot = lane->waiting;
        if (spot->rules->holds && !holding_allows(spot, slot)) {
            return;
        }
        lane_unqueue(spot, slot);
        put_in_service(spot, slot);
    }
}

void lane_serve(const struct spot *spot)
{
    struct lane *lane = spot->lane;
    const double now_s = spot->run->now_s;
    if (now_s >= lane->ready_s) {
        if (spot->rules->batch_most > 1) {
            serve_batches(spot);
        } else {
            serve_one_by_one(spot);
        }
    } else if (lane->waiting_count || lane->is_suspended) {
        lane_wake_at(spot, lane->ready_s);
    }
    if (spot->rules->fails || spot->rules->scaling) {
        lane_wake_at(spot, lane_attention_s(spot));
    }
}

// ---- coming and going ----

bool lane_has_place(const struct run *run, const struct world_station *station, uint32_t number)
{
    if (station->room < 0) {
        return true;
    }
    int64_t places = station->servers;
    if (station->rules) {
        const uint32_t place = station->first_queued + (number - station->first_lane);
        places = (int64_t)run->lanes.lane[place].servers * station->rules->batch_most;
    }
    const uint32_t promised = station->blocks ? run->holding[number].promised : 0;
    return run->present[number] + (int64_t)promised < station->room + places;
}

static double rank_by(const struct spot *spot, const struct sample *sample)
{
    switch (spot->rules->discipline) {
    case DISCIPLINE_PRIORITY:
    case DISCIPLINE_PREEMPTIVE:
        return -(double)sample_class(spot->run, sample)->priority;
    case DISCIPLINE_SHORTEST:
        return journey_expected_s(spot->run, sample);
    case DISCIPLINE_FIFO:
    case DISCIPLINE_SHARING:
        break;
    }
    return 0;
}

// How long work takes at the mean speed of the servers.
static double work_s(const struct spot *spot, double amount)
{
    return spot->station->role == STATION_COMPUTE
               ? amount * spot->station->servers / spot->rules->capacity
               : amount / spot->rules->capacity;
}

bool lane_arrive(struct run *run, uint32_t slot, int station, uint32_t number, double amount)
{
    const struct spot spot = spot_of(run, &run->world->station[station], number);
    struct sample *sample = &run->samples[slot];
    struct job *job = &spot.jobs[slot];
    struct station_tally *tally = &run->tally->stations[station];
    if (!holding_keep_promise(run, slot, number) && !lane_has_place(run, spot.station, number)) {
        journey_drop(run, slot, REASON_FULL);
        return false;
    }
    lane_account(&spot);
    if (tally_is_in_window(run->tally, run->now_s)) {
        tally->arrivals++;
        tally->work_s += spot.rules->batch_most > 1 ? 0 : work_s(&spot, amount);
    }
    sample->lane = number;
    sample->station = (int16_t)station;
    sample->visit_arrived_s = run->now_s;
    sample->visit_start_s = NAN;
    *job = (struct job){.rank = rank_by(&spot, sample),
                        .order = run->lanes.order++,
                        .amount = amount,
                        .left = amount,
                        .due_s = NAN,
                        .promise = JOB_NONE};
    if (spot.rules->batch_most > 1) {
        job->left = journey_service_s(run, slot, (int)spot.rules->batch_most) /
                    spot.rules->batch_most; // as it may be at best; known when the batch starts
    }
    if (spot.rules->fails || spot.rules->scaling) {
        lane_catch_up(&spot);
    }
    if (!run->present[number]) {
        lane_warm_up(&spot, sample);
    }
    if (run->present[number] < (uint64_t)spot.lane->servers) {
        tally->free_last_s = run->now_s;
    }
    run->present[number]++;
    if (spot.rules->discipline == DISCIPLINE_SHARING) {
        shared_arrive(&spot, slot);
        return true;
    }
    queue(&spot, slot);
    lane_serve(&spot);
    if (job->state == JOB_WAITING && isfinite(spot.station->patience_s)) {
        expect(&spot, slot, EVENT_TIMEOUT, run->now_s + spot.station->patience_s);
    }
    return true;
}

struct lane_visit lane_leave(const struct spot *spot, uint32_t slot)
{
    struct run *run = spot->run;
    struct sample *sample = &run->samples[slot];
    struct job *job = &spot->jobs[slot];
    struct station_tally *tally = &run->tally->stations[sample->station];
    job->state = JOB_AWAY;
    job->due_s = NAN;
    if (--run->present[spot->number] == 0) {
        spot->lane->empty_s = run->now_s;
        spot->lane->work = 0; // no error of rounding stays
        spot->lane->until_s = 0;
    }
    if (sample->is_counted) {
        tally->visits++;
        tally->wait_s += job->waited_s;
    }
    sample->wait_s += job->waited_s;
    if (isnan(sample->visit_start_s)) {
        sample->visit_start_s = run->now_s; // it was never served
    }
    journey_visited(run, sample);
    return (struct lane_visit){job->served_s, job->worked_s, job->joules};
}

void lane_depart(struct run *run, uint32_t slot)
{
    const struct sample *sample = &run->samples[slot];
    const struct spot spot = spot_of(run, &run->world->station[sample->station], sample->lane);
    lane_account(&spot);
    lane_pause(&spot, slot);
    lane_free(&spot, slot);
    spot.lane->restarts = 0;
    // What a batch has had is shared by its samples.
    const struct job first = spot.jobs[slot];
    for (uint32_t member = slot; member != JOB_NONE; member = spot.jobs[member].member) {
        struct job *job = &spot.jobs[member];
        job->served_s = first.served_s;
        job->worked_s = first.worked_s / first.size;
        job->joules = first.joules / first.size;
        lane_leave(&spot, member);
    }
    lane_serve(&spot);
    for (uint32_t member = slot; member != JOB_NONE && !run->has_failed;) {
        const struct job job = spot.jobs[member];
        const struct lane_visit visit = {job.served_s, job.worked_s, job.joules};
        const uint32_t next = job.member;
        journey_served(run, member, &visit);
        member = next;
    }
    holding_let_in(run, spot.station, spot.number);
}

void lane_time_out(struct run *run, uint32_t slot)
{
    const struct sample *sample = &run->samples[slot];
    const struct spot spot = spot_of(run, &run->world->station[sample->station], sample->lane);
    lane_account(&spot);
    spot.jobs[slot].waited_s += run->now_s - spot.jobs[slot].since_s;
    lane_unqueue(&spot, slot);
    lane_leave(&spot, slot);
    journey_drop(run, slot, REASON_TIMEOUT);
    holding_let_in(run, spot.station, spot.number);
}

void lane_wake(struct run *run, uint32_t place, double time_s)
{
    const struct spot spot = lane_spot(run, place);
    if (time_s < spot.lane->wake_s || time_s > spot.lane->wake_s) {
        return; // stale
    }
    spot.lane->wake_s = INFINITY;
    lane_account(&spot);
    if (spot.rules->discipline == DISCIPLINE_SHARING) {
        shared_wake(&spot);
        return;
    }
    lane_catch_up(&spot);
    lane_serve(&spot);
    holding_let_in(run, spot.station, spot.number); // samples are lost, or servers have come
}

// ---- what others see ----

double lane_backlog(struct run *run, const struct world_station *station, uint32_t number)
{
    if (!station->rules) {
        const double *free_at_s = &run->free_at_s[run->world->lane_servers[number]];
        return station_start(free_at_s, run->now_s) - run->now_s;
    }
    const struct spot spot = spot_of(run, station, number);
    const struct lane *lane = spot.lane;
    if (station->rules->discipline == DISCIPLINE_SHARING) {
        return shared_backlog(&spot);
    }
    const double away_s = fmax(lane->ready_s - run->now_s, 0);
    if (lane->busy < lane->servers && lane->waiting_count == 0) {
        return away_s;
    }
    const double serving = lane->is_suspended ? 0 : lane->busy;
    const double in_service_s = fmax(lane->until_s - serving * run->now_s, 0);
    const double servers = lane->servers;
    return away_s + in_service_s / servers +
           fmax(lane->work, 0) / (station->rules->capacity / station->servers * servers);
}

void lane_look(const struct run *run, const struct world_station *station, uint32_t number,
               struct station_state *ret_state)
{
    const uint32_t place = station->first_queued + (number - station->first_lane);
    ret_state->waiting += run->lanes.lane[place].waiting_count;
    ret_state->in_service += run->lanes.lane[place].in_service;
}
