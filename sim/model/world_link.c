// SPDX-License-Identifier: GPL-3.0-or-later

// Links, of what the scenario says of them: rates over time, losses, shared media.

#include "base/memory.h"
#include "model/world.h"

#include <math.h>

static void add_trace(struct rate *rate, const struct spec_rate *spec, struct arena *arena)
{
    const struct spec_rate_trace *trace = spec->trace;
    rate_add_steps(rate, arena, trace->times_s, trace->rates, trace->count,
                   spec->repeats ? trace->length_s : INFINITY,
                   spec->repeats ? INFINITY : trace->length_s);
}

static void add_chain(struct rate *rate, const struct spec_states *chain, uint64_t purpose,
                      struct arena *arena)
{
    const size_t count = (size_t)chain->count;
    double *next = arena_new_array(arena, count * count, double);
    for (size_t i = 0; i < count * count; i++) {
        const size_t from = i / count;
        const size_t to = i % count;
        const double others = count > 1 ? 1.0 / (double)(count - 1) : 0;
        next[i] = chain->next ? chain->next[from].values[to] : from == to ? 0 : others;
    }
    rate_add_markov(rate, arena, chain->rates, chain->stays_s, next, chain->count, purpose);
}

static void add_two_states(struct rate *rate, const struct spec_rate *spec, uint64_t purpose,
                           struct arena *arena)
{
    static const double next[] = {0, 1, 1, 0};
    double *values = arena_new_array(arena, 2, double);
    double *stays_s = arena_new_array(arena, 2, double);
    values[0] = spec->good;
    values[1] = spec->bad;
    stays_s[0] = spec->good_stay_s;
    stays_s[1] = spec->bad_stay_s;
    rate_add_markov(rate, arena, values, stays_s, next, 2, purpose);
}

// Both directions of a medium start at the same place in their patterns.
static void start_pattern(struct rate *rate, const struct spec_rate *spec,
                          const struct spec_link *link)
{
    if (spec->start_s < 0) {
        rate_start_anywhere(rate, stream_purpose("start", link->name));
    } else {
        rate_start_at(rate, spec->start_s);
    }
}

static void add_base(struct rate *rate, const char *name, const struct spec_rate *spec,
                     const struct spec_link *link, struct arena *arena)
{
    rate_init(rate, spec->kind == RATE_CONSTANT ? spec->bytes_per_s : 1);
    switch (spec->kind) {
    case RATE_CONSTANT:
        return;
    case RATE_STEPS:
        rate_add_steps(rate, arena, spec->times_s, spec->rates, spec->count, spec->period_s,
                       INFINITY);
        start_pattern(rate, spec, link);
        return;
    case RATE_TRACE:
    case RATE_MAHIMAHI:
        add_trace(rate, spec, arena);
        start_pattern(rate, spec, link);
        return;
    case RATE_MARKOV:
        add_chain(rate, &spec->chain, stream_purpose("rate", name), arena);
        return;
    case RATE_GILBERT_ELLIOTT:
        add_two_states(rate, spec, stream_purpose("rate", name), arena);
        return;
    }
}

static void add_outages(struct rate *rate, const struct spec_link *link, struct arena *arena)
{
    const struct spec_outages *outages = &link->outages;
    if (!outages->present) {
        return;
    }
    if (outages->kind == OUTAGES_RANDOM) {
        // One address for both directions, which fail together.
        rate_add_alternating(rate, arena, &outages->every, &outages->last,
                             stream_purpose("outages", link->name));
    } else {
        rate_add_standstills(rate, arena, outages->starts_s, outages->lasts_s, outages->count,
                             outages->period_s);
    }
}

static void add_drift(struct rate *rate, const struct spec *spec, int link, struct arena *arena)
{
    double *times_s = arena_new_array(arena, (size_t)spec->drift_count, double);
    double *factors = arena_new_array(arena, (size_t)spec->drift_count, double);
    int count = 0;
    for (int i = 0; i < spec->drift_count; i++) {
        const struct spec_drift *change = &spec->drift[i];
        for (int k = 0; k < change->link_count; k++) {
            if (change->links[k].link == link) {
                times_s[count] = change->at_s;
                factors[count++] = change->links[k].factor;
            }
        }
    }
    if (count) {
        rate_add_factors(rate, arena, times_s, factors, count);
    }
}

void world_add_link(struct world *world, struct world_station *station, struct arena *arena)
{
    const struct spec *spec = world->spec;
    const struct spec_link *link = &spec->links[station->link];
    const bool is_down = station->role == STATION_DOWN;
    add_base(&station->rate, station->name, is_down ? &link->down : &link->up, link, arena);
    add_outages(&station->rate, link, arena);
    add_drift(&station->rate, spec, station->link, arena);
    station->first_cursor = world->cursors;
    world->cursors += (uint64_t)station->lanes * (uint64_t)station->rate.parts;
    if (link->loss.present && link->loss.probability > 0) {
        station->loss = &link->loss;
        station->purpose_loss = stream_purpose("loss", station->name);
    }
    world->loses_messages |= station->loss || station->rate.can_stop;
    const bool is_second = is_down && link->duplex == DUPLEX_HALF;
    if (link->sharing == SHARING_FAIR) {
        station->is_fair = true;
        station->flow = is_second;
        station->first_medium = is_second ? (station - 1)->first_medium : world->media;
        world->media += is_second ? 0 : station->lanes;
    }
    station->is_second = is_second;
}
