// SPDX-License-Identifier: GPL-3.0-or-later

// What befalls the node of a queued lane: it fails and is repaired, it gets cold, its servers come
// and go.

#include "base/text.h"
#include "model/lane_parts.h"

#include <inttypes.h>
#include <math.h>

// ---- failures ----

// Services that start again at each failure and still have not ended by then never will.
enum { MOST_RESTARTS = 1000000 };

// 1 while the node works, 0 while it is repaired.
struct rate_lane lane_works(const struct spot *spot)
{
    struct rate_cursor *cursors = spot->run->lanes.cursors;
    return (struct rate_lane){.rate = &spot->rules->works,
                              .cursor = spot->rules->fails ? &cursors[spot->place] : NULL,
                              .key = spot->run->key,
                              .lane = spot->number - spot->station->first_lane};
}

static void lose(const struct spot *spot, uint32_t slot)
{
    const struct job first = spot->jobs[slot];
    for (uint32_t member = slot; member != JOB_NONE;) {
        struct job *job = &spot->jobs[member];
        const uint32_t next = job->member;
        job->served_s = first.served_s;
        job->worked_s = first.worked_s / first.size;
        job->joules = first.joules / first.size;
        const struct lane_visit visit = lane_leave(spot, member);
        journey_lost_in_service(spot->run, member, &visit, REASON_FAILURE);
        member = next;
    }
}

static void give_up(const struct spot *spot)
{
    struct run *run = spot->run;
    run->has_failed = true;
    text_format(run->error,
                "a node of tier '%s' has failed %d times, and no service that it began has ended "
                "in between: with 'jobs: restart' it must work for as long as one takes (at time "
                "%.9g s, seed %" PRIu64 ", replication %" PRIu64 ")",
                spot->station->name, MOST_RESTARTS, run->now_s, run->key.seed,
                run->key.replication);
}

static void fail(const struct spot *spot)
{
    struct lane *lane = spot->lane;
    const enum spec_failed_jobs what = spot->rules->failed_jobs;
    uint32_t kept = JOB_NONE;
    uint32_t lost = JOB_NONE; // linked by `next`, the first of them first
    while (lane->serving != JOB_NONE) {
        const uint32_t slot = lane->serving;
        struct job *job = &spot->jobs[slot];
        lane_pause(spot, slot);
        if (what == FAILED_LOSE) {
            lane_free(spot, slot);
            job->next = lost;
            lost = slot;
            continue;
        }
        job_queue_pop(spot->jobs, &lane->serving, JOB_LAST);
        job_queue_push(spot->jobs, &kept, JOB_LAST, slot);
        job->state = JOB_SUSPENDED;
        if (what == FAILED_RESTART) {
            job->left = job->amount;
        }
        lane->work += job->left;
    }
    lane->serving = kept;
    lane->is_suspended = kept != JOB_NONE;
    if (what == FAILED_RESTART && ++lane->restarts == MOST_RESTARTS) {
        give_up(spot);
    }
    while (lost != JOB_NONE) {
        const uint32_t next = spot->jobs[lost].next;
        lose(spot, lost);
        lost = next;
    }
}

static void go_on(const struct spot *spot)
{
    struct lane *lane = spot->lane;
    uint32_t kept = JOB_NONE;
    while (lane->serving != JOB_NONE) {
        const uint32_t slot = job_queue_pop(spot->jobs, &lane->serving, JOB_LAST);
        struct job *job = &spot->jobs[slot];
        job_queue_push(spot->jobs, &kept, JOB_LAST, slot);
        job->served_s += spot->run->now_s - job->since_s;
        lane->work -= job->left;
        lane_begin(spot, slot);
    }
    lane->serving = kept;
    lane->is_suspended = false;
}

static void catch_up_failures(const struct spot *spot)
{
    struct lane *lane = spot->lane;
    const struct rate_lane works = lane_works(spot);
    if (lane->fails_s < 0) {
        lane->fails_s = rate_next_stop(&works, 0);
    }
    while (lane->fails_s <= spot->run->now_s) {
        if (lane->in_service && !lane->is_suspended) {
            fail(spot);
        }
        const double back_s = rate_next_go(&works, lane->fails_s);
        lane->ready_s = fmax(lane->ready_s, back_s);
        lane->fails_s = rate_next_stop(&works, back_s);
    }
    if (lane->is_suspended && spot->run->now_s >= lane->ready_s) {
        go_on(spot);
    }
}

// ---- cold starts ----

void lane_warm_up(const struct spot *spot, const struct sample *sample)
{
    const struct lane_rules *rules = spot->rules;
    if (spot->run->now_s - spot->lane->empty_s > rules->cold_idle_s) {
        const struct stream_at at = {spot->run->key, rules->cold_purpose, sample->device,
                                     sample->index};
        spot->lane->ready_s =
            fmax(spot->lane->ready_s, spot->run->now_s + distribution_draw(&rules->cold_time, &at));
    }
}

// ---- scaling ----

// Rounding must not ask for one server more.
#define HARDLY 1e-9

static struct lane_scaling *scaling_of(const struct spot *spot)
{
    return &spot->run->lanes.scaling[spot->place];
}

// Where the servers that review `review` has ordered are noted.
static uint32_t *order_of(const struct spot *spot, uint64_t review)
{
    const uint32_t orders = spot->rules->scaling_orders;
    const uint32_t lane = spot->number - spot->station->first_lane;
    return &spot->run->lanes
                .orders[spot->station->first_order + (size_t)lane * orders + review % orders];
}

// The first review whose orders may still be under way.
static uint64_t first_review(const struct spot *spot)
{
    const uint64_t reviews = scaling_of(spot)->reviews;
    const uint32_t orders = spot->rules->scaling_orders;
    return reviews < orders ? 0 : reviews - orders + 1;
}

static double order_arrives_s(const struct spot *spot, uint64_t review)
{
    const struct spec_scaling *rule = spot->rules->scaling;
    return (double)review * rule->every_s + rule->start_s;
}

void lane_account_scaling(const struct spot *spot, double from_s, double to_s)
{
    const struct lane *lane = spot->lane;
    struct lane_scaling *scaling = scaling_of(spot);
    const uint32_t in_use = lane->busy > lane->servers ? lane->busy : lane->servers;
    scaling->busy_area_s += (to_s - from_s) * lane->busy;
    scaling->present_area_s += (to_s - from_s) * (lane->waiting_count + lane->in_service);
    spot->run->tally->stations[lane->station].server_area_s +=
        tally_in_window(spot->run->tally, from_s, to_s) * in_use;
}

static uint32_t servers_wanted(const struct spot *spot)
{
    const struct spec_scaling *rule = spot->rules->scaling;
    const struct lane_scaling *scaling = scaling_of(spot);
    const double wanted = rule->utilisation > 0
                              ? scaling->busy_area_s / rule->every_s / rule->utilisation
                              : scaling->present_area_s / rule->every_s / rule->queue;
    const double whole = ceil(wanted - HARDLY);
    return whole <= rule->least  ? (uint32_t)rule->least
           : whole >= rule->most ? (uint32_t)rule->most
                                 : (uint32_t)whole;
}

static void review(const struct spot *spot)
{
    struct lane_scaling *scaling = scaling_of(spot);
    struct lane *lane = spot->lane;
    const uint32_t wanted = servers_wanted(spot);
    uint32_t have = lane->servers + scaling->ordered;
    if (wanted > have && spot->rules->scaling->start_s > 0) {
        *order_of(spot, scaling->reviews) = wanted - have;
        scaling->ordered += wanted - have;
    } else if (wanted > have) {
        lane->servers = wanted;
    }
    // What is not there yet goes first, the latest order before the others.
    for (uint64_t k = scaling->reviews + 1; have > wanted && k-- > first_review(spot);) {
        uint32_t *order = order_of(spot, k);
        const uint32_t less = *order < have - wanted ? *order : have - wanted;
        *order -= less;
        scaling->ordered -= less;
        have -= less;
    }
    if (have > wanted) {
        lane->servers -= have - wanted; // those that are busy finish what they do
    }
    scaling->busy_area_s = scaling->present_area_s = 0;
}

// Whether the next review could change anything.
static bool is_reviewed(const struct spot *spot)
{
    const struct lane *lane = spot->lane;
    const struct lane_scaling *scaling = scaling_of(spot);
    return lane->waiting_count || lane->in_service || scaling->ordered ||
           lane->servers > (uint32_t)spot->rules->scaling->least || scaling->present_area_s > 0;
}

static void catch_up_scaling(const struct spot *spot)
{
    struct lane_scaling *scaling = scaling_of(spot);
    const double now_s = spot->run->now_s;
    for (uint64_t k = first_review(spot); scaling->ordered && k <= scaling->reviews; k++) {
        uint32_t *order = order_of(spot, k);
        if (*order && order_arrives_s(spot, k) <= now_s) {
            spot->lane->servers += *order;
            scaling->ordered -= *order;
            *order = 0;
        }
    }
    const double every_s = spot->rules->scaling->every_s;
    if (!is_reviewed(spot) && now_s > (double)(scaling->reviews + 1) * every_s) {
        scaling->reviews = (uint64_t)floor(now_s / every_s) - 1; // nothing has happened meanwhile
    }
    while ((double)(scaling->reviews + 1) * every_s <= now_s) {
        scaling->reviews++;
        review(spot);
    }
}

// ---- all of it ----

void lane_catch_up(const struct spot *spot)
{
    if (spot->rules->fails && spot->rules->discipline != DISCIPLINE_SHARING) {
        catch_up_failures(spot);
    }
    if (spot->rules->scaling) {
        catch_up_scaling(spot);
    }
}

double lane_attention_s(const struct spot *spot)
{
    const struct lane *lane = spot->lane;
    double time_s = INFINITY;
    if (spot->rules->fails && lane->in_service && !lane->is_suspended) {
        time_s = lane->fails_s;
    }
    if (!spot->rules->scaling || !is_reviewed(spot)) {
        return time_s;
    }
    const struct lane_scaling *scaling = scaling_of(spot);
    for (uint64_t k = first_review(spot); scaling->ordered && k <= scaling->reviews; k++) {
        if (*order_of(spot, k)) {
            time_s = fmin(time_s, order_arrives_s(spot, k));
        }
    }
    return fmin(time_s, (double)(scaling->reviews + 1) * spot->rules->scaling->every_s);
}
