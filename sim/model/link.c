// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/link.h"

#include "model/run.h"
#include "rng/binomial.h"

#include <math.h>
#include <stdlib.h>

// ---- memory ----

void links_init(struct run *run, struct arena *arena)
{
    const struct world *world = run->world;
    struct links *links = &run->links;
    links->cursors = arena_new_array(arena, world->cursors, struct rate_cursor);
    links->watched = arena_new_array(arena, world->cursors, struct rate_cursor);
    links->media = arena_new_array(arena, world->media, struct link_medium);
    for (int i = 0; i < world->stations; i++) {
        const struct world_station *station = &world->station[i];
        if (!station->is_fair || station->is_second) {
            continue;
        }
        for (uint32_t lane = 0; lane < station->lanes; lane++) {
            struct link_medium *medium = &links->media[station->first_medium + lane];
            *medium = (struct link_medium){.wake_s = INFINITY, .station = (int16_t)i, .lane = lane};
            sharing_init(&medium->sharing, 0);
        }
    }
}

void links_grow(struct run *run, uint32_t room)
{
    struct links *links = &run->links;
    if (run->world->loses_messages) {
        links->origins = memory_resize(links->origins, room, sizeof(*links->origins));
    }
    if (run->world->media) {
        links->jobs = memory_resize(links->jobs, room, sizeof(*links->jobs));
    }
}

void links_finish(struct run *run)
{
    free(run->links.origins);
    free(run->links.jobs);
}

// ---- rates ----

static struct rate_lane lane_rate(const struct run *run, const struct world_station *station,
                                  uint32_t number, struct rate_cursor *cursors)
{
    const uint32_t lane = number - station->first_lane;
    const uint64_t parts = (uint64_t)station->rate.parts;
    return (struct rate_lane){&station->rate, cursors + station->first_cursor + lane * parts,
                              run->key, lane};
}

struct rate_lane link_rate(const struct run *run, const struct world_station *station,
                           uint32_t number)
{
    return lane_rate(run, station, number, run->links.cursors);
}

struct rate_lane link_watched_rate(const struct run *run, const struct world_station *station,
                                   uint32_t number)
{
    return lane_rate(run, station, number, run->links.watched);
}

// When what cannot get through is given up: when there is no rate any more.
static double give_up_s(const struct rate_lane *rate, double from_s)
{
    const double end_s = rate_end(rate);
    return isfinite(end_s) && end_s > from_s ? end_s : from_s;
}

double link_finish(struct run *run, struct sample *sample, const struct world_station *station,
                   uint32_t number, double start_s, double bytes)
{
    const struct rate_lane rate = link_rate(run, station, number);
    double end_s = rate_finish(&rate, start_s, bytes);
    if (isinf(end_s)) {
        end_s = give_up_s(&rate, start_s);
        sample->is_lost = true;
        link_count_bytes(run, sample, station, rate_done(&rate, start_s, end_s) - bytes);
    }
    return end_s;
}

// ---- loss ----

static double transmit_packets(const struct spec_loss *loss, double bytes,
                               const struct stream_at *at, uint64_t sub, bool *ret_is_lost)
{
    const double packets = fmax(ceil(bytes / loss->packet_bytes), 1);
    const double last_bytes = bytes - (packets - 1) * loss->packet_bytes;
    const uint64_t most = (uint64_t)loss->retries + 1;
    // Round after round: what was lost of the full packets goes into the next.
    uint64_t left = (uint64_t)packets - 1;
    double sent = 0;
    for (uint64_t round = 0; round < most && left; round++) {
        sent += (double)left;
        left = binomial_draw(left, loss->probability, at, &sub);
    }
    const uint64_t tries = geometric_draw(most, 1 - loss->probability, at, &sub);
    *ret_is_lost = left > 0 || tries > most;
    return sent * loss->packet_bytes + (double)(tries > most ? most : tries) * last_bytes;
}

double link_transmissions(const struct run *run, struct sample *sample,
                          const struct world_station *station, double bytes)
{
    const struct spec_loss *loss = station->loss;
    const struct stream_at at = {run->key, station->purpose_loss, sample->device, sample->index};
    // A sample that is sent again after a loss must not meet the same one again.
    uint64_t sub = (uint64_t)sample->lost_messages << 32;
    if (loss->unit == LOSS_PACKET) {
        return transmit_packets(loss, bytes, &at, sub, &sample->is_lost);
    }
    const uint64_t most = (uint64_t)loss->retries + 1;
    const uint64_t tries = geometric_draw(most, 1 - loss->probability, &at, &sub);
    sample->is_lost = tries > most;
    return bytes * (double)(sample->is_lost ? most : tries);
}

void link_count_bytes(struct run *run, const struct sample *sample,
                      const struct world_station *station, double bytes)
{
    if (!sample->is_counted) {
        return;
    }
    const struct world_counters *counters = &run->world->counters;
    const int tier = run->world->spec->links[station->link].from;
    const double joules = station->joules_per_byte * bytes;
    run->tally->stations[station - run->world->station].bytes += bytes;
    run_note(run, sample, COUNTER_BYTES, bytes);
    run_note(run, sample, counters->bytes + 2 * station->link + (station->role == STATION_DOWN),
             bytes);
    run_note_joules(run, sample, tier, joules);
}

// ---- fair media ----

struct rates {
    struct rate_lane of[SHARING_FLOWS];
};

static struct rates medium_rates(const struct run *run, const struct link_medium *medium)
{
    const struct world_station *station = &run->world->station[medium->station];
    struct rates rates = {{link_rate(run, station, station->first_lane + medium->lane)}};
    if (station->role == STATION_UP && (station + 1)->is_second) {
        rates.of[1] = link_rate(run, station + 1, (station + 1)->first_lane + medium->lane);
    }
    return rates;
}

// Brings the medium up to this moment, and the tally with it.
static void advance(struct run *run, struct link_medium *medium, const struct rates *rates)
{
    struct sharing *sharing = &medium->sharing;
    const double from_s = sharing->since_s;
    if (run->now_s <= from_s) {
        return;
    }
    const double before_s[SHARING_FLOWS] = {sharing->busy_s[0], sharing->busy_s[1]};
    sharing_advance(sharing, rates->of, run->now_s);
    const double in_window_s = tally_in_window(run->tally, from_s, run->now_s);
    for (uint32_t flow = 0; flow < SHARING_FLOWS; flow++) {
        if (sharing->present[flow]) {
            struct station_tally *tally = &run->tally->stations[medium->station + (int)flow];
            const double busy_s = sharing->busy_s[flow] - before_s[flow];
            tally->busy_area_s += busy_s * (in_window_s / (run->now_s - from_s));
            tally->serving_area_s += in_window_s * sharing->present[flow];
        }
    }
}

// When something is due: a message is through, or a rate has ended.
static void expect(struct run *run, struct link_medium *medium, const struct rates *rates)
{
    const struct sharing *sharing = &medium->sharing;
    double wake_s = sharing->next_s;
    for (uint32_t flow = 0; flow < SHARING_FLOWS; flow++) {
        const double end_s = sharing->present[flow] ? rate_end(&rates->of[flow]) : INFINITY;
        if (isfinite(end_s)) {
            wake_s = fmin(wake_s, fmax(end_s, run->now_s));
        }
    }
    if (isinf(wake_s) && sharing->present[0] + sharing->present[1]) {
        wake_s = run->now_s; // what is here can never get through
    }
    if (wake_s < medium->wake_s || wake_s > medium->wake_s) {
        medium->wake_s = wake_s;
        const uint64_t number = (uint64_t)(medium - run->links.media);
        if (isfinite(wake_s)) {
            event_queue_push(&run->queue, wake_s,
                             event_tag(EVENT_MEDIUM, number, (uint32_t)number));
        }
    }
}

void link_share(struct run *run, uint32_t slot, const struct world_station *station,
                uint32_t number, double bytes)
{
    struct sample *sample = &run->samples[slot];
    struct station_tally *tally = &run->tally->stations[station - run->world->station];
    struct link_medium *medium =
        &run->links.media[station->first_medium + (number - station->first_lane)];
    const struct rates rates = medium_rates(run, medium);
    if (tally_is_in_window(run->tally, run->now_s)) {
        tally->arrivals++;
        tally->work_s += station->rate.nominal > 0 ? bytes / station->rate.nominal : 0;
    }
    advance(run, medium, &rates);
    sharing_arrive(&medium->sharing, run->links.jobs, rates.of, run->now_s, slot, station->flow,
                   bytes, sample_class(run, sample)->weight,
                   workload_rank(run, sample->index, sample->device));
    expect(run, medium, &rates);
}

// A message leaves its medium.
static void leave(struct run *run, uint32_t slot, double own_s)
{
    struct sample *sample = &run->samples[slot];
    struct station_tally *tally = &run->tally->stations[sample->station];
    run->present[sample->lane]--;
    tally->visits += sample->is_counted;
    journey_visited(run, sample);
    journey_sent(run, slot, run->now_s - sample->visit_start_s, own_s);
}

// Takes out what can never get through.
static bool give_up(struct run *run, struct link_medium *medium, const struct rates *rates)
{
    const bool is_stuck = isinf(medium->sharing.next_s);
    for (uint32_t flow = 0; flow < SHARING_FLOWS; flow++) {
        if (!medium->sharing.present[flow] ||
            !(is_stuck || rate_end(&rates->of[flow]) <= run->now_s)) {
            continue;
        }
        double left;
        double own_s;
        const uint32_t slot = sharing_take(&medium->sharing, run->links.jobs, rates->of, run->now_s,
                                           flow, &left, &own_s);
        struct sample *sample = &run->samples[slot];
        sample->is_lost = true;
        link_count_bytes(run, sample, &run->world->station[sample->station], -left);
        expect(run, medium, rates);
        leave(run, slot, own_s);
        return true;
    }
    return false;
}

void link_wake(struct run *run, uint32_t number, double time_s)
{
    struct link_medium *medium = &run->links.media[number];
    if (time_s < medium->wake_s || time_s > medium->wake_s) {
        return; // stale
    }
    medium->wake_s = INFINITY;
    const struct rates rates = medium_rates(run, medium);
    advance(run, medium, &rates);
    if (time_s < medium->sharing.next_s && give_up(run, medium, &rates)) {
        return;
    }
    double own_s;
    const uint32_t slot =
        sharing_depart(&medium->sharing, run->links.jobs, rates.of, run->now_s, &own_s);
    expect(run, medium, &rates);
    leave(run, slot, own_s);
}
