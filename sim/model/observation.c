// SPDX-License-Identifier: GPL-3.0-or-later

// What devices have noticed of links and nodes: from their own messages, from probes, from the
// answers to what they sent, and from what nodes report. Nothing else reaches a policy, and what it
// does not ask for is not kept up.

#include "model/run.h"

#include <math.h>
#include <stdlib.h>

struct link_estimate {
    double bytes_per_s;
    double seen_s; // when it was last heard of; -INFINITY: never
    double delay_s; // NaN: no message of its own has come through
};

struct return_estimate {
    double mean_s; // NaN: nothing has come back
    double deviation_s;
    double seen_s; // when the last one came back; -INFINITY: none has
};

// What the nodes of a tier have told: the last `kept` reports of each, so that what is under way to
// the devices is there when it comes to them.
struct tier_reports {
    double every_s; // INFINITY: they never report
    double delay_s;
    uint64_t made;
    uint32_t kept;
    uint32_t nodes;
    struct policy_report *reports; // [kept][nodes]
};

struct observations {
    struct link_estimate *links;     // [device * links + link]; NULL: not asked for
    struct return_estimate *returns; // [device]; NULL: not asked for
    double *sent_s;                  // [slot]: when a sample left its device
    uint32_t sent_room;
    struct tier_reports *tiers; // [tiers]; NULL: not asked for
    // Scratch of the view.
    double *bytes_per_s; // [link]
    double *seen_s;
    double *backlog_s;
    double *delay_s;
    struct policy_report *reports; // [tier]
};

static void start_links(struct run *run, struct observations *all, struct arena *arena)
{
    const struct world *world = run->world;
    const size_t links = (size_t)world->view.links;
    all->links = arena_new_array(arena, world->devices * links, struct link_estimate);
    all->bytes_per_s = arena_new_array(arena, links, double);
    all->seen_s = arena_new_array(arena, links, double);
    all->backlog_s = arena_new_array(arena, links, double);
    all->delay_s = arena_new_array(arena, links, double);
    for (size_t i = 0; i < world->devices * links; i++) {
        // Before a device has measured anything, it knows the nominal rates.
        all->links[i] = (struct link_estimate){
            .bytes_per_s = world->view.link[i % links].up_bytes_per_s,
            .seen_s = -INFINITY,
            .delay_s = NAN,
        };
    }
}

static void start_reports(struct run *run, struct observations *all, struct arena *arena)
{
    const struct world *world = run->world;
    all->tiers = arena_new_array(arena, (size_t)world->tiers, struct tier_reports);
    all->reports = arena_new_array(arena, (size_t)world->tiers, struct policy_report);
    for (int i = 0; i < world->tiers; i++) {
        const struct spec_reports *spec = &world->spec->tiers[i].reports;
        struct tier_reports *tier = &all->tiers[i];
        tier->every_s = spec->present && world->tier[i].compute >= 0 ? spec->every_s : INFINITY;
        if (isinf(tier->every_s)) {
            continue;
        }
        tier->delay_s = spec->delay_s;
        tier->nodes = world->tier[i].nodes;
        tier->kept = (uint32_t)(spec->delay_s / spec->every_s) + 2;
        tier->reports =
            arena_new_array(arena, (size_t)tier->kept * tier->nodes, struct policy_report);
        event_queue_push(&run->queue, 0, event_tag(EVENT_REPORT, 0, (uint32_t)i));
        run->awaiting++;
    }
}

void observation_start(struct run *run, struct arena *arena)
{
    const struct world *world = run->world;
    const unsigned asked = world->policy->observes ? world->policy->observes(world->parameters) : 0;
    if (!asked) {
        return;
    }
    struct observations *all = arena_new(arena, struct observations);
    run->observations = all;
    if (asked & POLICY_OBSERVES_LINKS) {
        start_links(run, all, arena);
    }
    if (asked & POLICY_OBSERVES_RETURNS) {
        all->returns = arena_new_array(arena, world->devices, struct return_estimate);
        for (uint64_t i = 0; i < world->devices; i++) {
            all->returns[i] = (struct return_estimate){NAN, NAN, -INFINITY};
        }
    }
    if (asked & POLICY_OBSERVES_REPORTS) {
        start_reports(run, all, arena);
    }
}

void observation_finish(struct run *run)
{
    if (run->observations) {
        free(run->observations->sent_s);
    }
}

// ---- links ----

static struct link_estimate *estimate_of(const struct run *run, const struct sample *sample,
                                         int link)
{
    return &run->observations
                ->links[(size_t)sample->device * (size_t)run->world->view.links + (size_t)link];
}

// Estimates follow each new value half of the way, so that they forget one of n values ago like
// 2^-n.
static double follow(double estimate, double value)
{
    return estimate + (value - estimate) / 2;
}

void observation_transfer(struct run *run, const struct sample *sample, int link, double bytes,
                          double service_s)
{
    if (!run->observations->links) {
        return;
    }
    struct link_estimate *estimate = estimate_of(run, sample, link);
    const double measured = bytes / service_s;
    if (service_s > 0 && isfinite(measured)) {
        estimate->bytes_per_s =
            isinf(estimate->seen_s) ? measured : follow(estimate->bytes_per_s, measured);
    }
    estimate->seen_s = run->now_s;
}

void observation_delivery(struct run *run, const struct sample *sample, int link, double delay_s)
{
    if (run->observations->links) {
        struct link_estimate *estimate = estimate_of(run, sample, link);
        estimate->delay_s =
            isnan(estimate->delay_s) ? delay_s : follow(estimate->delay_s, delay_s);
    }
}

// What the last probe of a link has shown, unless a transfer has shown something since.
static void probe_link(struct run *run, const struct sample *sample, int link)
{
    const struct world *world = run->world;
    struct link_estimate *estimate = estimate_of(run, sample, link);
    const double every_s = world->spec->links[link].probe_s;
    const double probed_s = floor(run->now_s / every_s) * every_s;
    if (probed_s >= estimate->seen_s) {
        const int station = world->stations - 2 * world->view.links + 2 * link;
        const struct world_station *up = &world->station[station];
        const struct rate_lane rate = link_watched_rate(run, up, sample_lane(run, up, sample));
        estimate->bytes_per_s = rate_at(&rate, probed_s);
        estimate->seen_s = probed_s;
    }
}

// A node above the devices measures nothing: it knows the nominal rates.
static void view_links(struct run *run, const struct sample *sample, struct policy_view *view)
{
    const struct world *world = run->world;
    struct observations *all = run->observations;
    const int first_station = world->stations - 2 * world->view.links;
    for (int link = 0; link < world->view.links; link++) {
        all->backlog_s[link] = 0;
        all->bytes_per_s[link] = world->view.link[link].up_bytes_per_s;
        all->seen_s[link] = -INFINITY;
        all->delay_s[link] = NAN;
        if (sample->tier == 0) {
            if (isfinite(world->spec->links[link].probe_s)) {
                probe_link(run, sample, link);
            }
            const struct link_estimate *estimate = estimate_of(run, sample, link);
            all->bytes_per_s[link] = estimate->bytes_per_s;
            all->seen_s[link] = estimate->seen_s;
            all->delay_s[link] = estimate->delay_s;
        }
        if (world->view.link[link].from == sample->tier) {
            const struct world_station *station = &world->station[first_station + 2 * link];
            all->backlog_s[link] = lane_backlog(run, station, sample_lane(run, station, sample));
        }
    }
    view->link_bytes_per_s = all->bytes_per_s;
    view->link_seen_s = all->seen_s;
    view->link_backlog_s = all->backlog_s;
    view->link_delay_s = all->delay_s;
}

// ---- returns ----

void observation_offload(struct run *run, uint32_t slot)
{
    struct observations *all = run->observations;
    if (!all->returns) {
        return;
    }
    if (slot >= all->sent_room) {
        all->sent_s = memory_resize(all->sent_s, run->sample_room, sizeof(*all->sent_s));
        all->sent_room = run->sample_room;
    }
    all->sent_s[slot] = run->now_s;
}

// The estimator of round trips of TCP: V. Paxson et al., RFC 6298, section 2.
void observation_return(struct run *run, uint32_t slot)
{
    struct observations *all = run->observations;
    if (!all->returns) {
        return;
    }
    struct return_estimate *estimate = &all->returns[run->samples[slot].device];
    const double took_s = run->now_s - all->sent_s[slot];
    if (isnan(estimate->mean_s)) {
        estimate->mean_s = took_s;
        estimate->deviation_s = took_s / 2;
    } else {
        estimate->deviation_s += (fabs(took_s - estimate->mean_s) - estimate->deviation_s) / 4;
        estimate->mean_s += (took_s - estimate->mean_s) / 8;
    }
    estimate->seen_s = run->now_s;
}

// ---- reports ----

// No device has a node of its own where nodes share the work.
static void report_mean(struct policy_report *reports, uint32_t nodes)
{
    struct policy_report mean = {.made_s = reports->made_s};
    for (uint32_t node = 0; node < nodes; node++) {
        mean.queue += reports[node].queue / nodes;
        mean.backlog_s += reports[node].backlog_s / nodes;
    }
    for (uint32_t node = 0; node < nodes; node++) {
        reports[node] = mean;
    }
}

// The state of all nodes of the tier now. Nodes that share work out among them all report the mean.
void observation_report(struct run *run, int number)
{
    const struct world *world = run->world;
    struct tier_reports *tier = &run->observations->tiers[number];
    const struct world_station *station = &world->station[world->tier[number].compute];
    struct policy_report *reports =
        tier->reports + (size_t)(tier->made % tier->kept) * tier->nodes;
    for (uint32_t node = 0; node < tier->nodes; node++) {
        const uint32_t lane = station->first_lane + node;
        reports[node] = (struct policy_report){.made_s = run->now_s,
                                               .queue = run->present[lane],
                                               .backlog_s = lane_backlog(run, station, lane)};
    }
    if (world->tier[number].balance != BALANCE_HOME) {
        report_mean(reports, tier->nodes);
    }
    tier->made++;
    event_queue_push(&run->queue, (double)tier->made * tier->every_s,
                     event_tag(EVENT_REPORT, 0, (uint32_t)number));
}

// The last report that has come to the devices by now.
static struct policy_report last_report(const struct run *run, const struct sample *sample,
                                        int number)
{
    const struct tier_reports *tier = &run->observations->tiers[number];
    struct policy_report none = {.made_s = -INFINITY};
    if (isinf(tier->every_s)) {
        return none;
    }
    for (uint64_t back = 1; back <= tier->kept && back <= tier->made; back++) {
        const uint64_t which = tier->made - back;
        if ((double)which * tier->every_s + tier->delay_s <= run->now_s) {
            return tier->reports[(size_t)(which % tier->kept) * tier->nodes +
                                 class_node(sample_class(run, sample), sample->device, number)];
        }
    }
    return none;
}

void observation_view(struct run *run, const struct sample *sample, struct policy_view *view)
{
    struct observations *all = run->observations;
    if (all->links) {
        view_links(run, sample, view);
    }
    view->return_s = view->return_deviation_s = NAN;
    view->return_seen_s = -INFINITY;
    if (all->returns && sample->tier == 0) {
        view->return_s = all->returns[sample->device].mean_s;
        view->return_deviation_s = all->returns[sample->device].deviation_s;
        view->return_seen_s = all->returns[sample->device].seen_s;
    }
    if (all->tiers) {
        for (int tier = 0; tier < run->world->tiers; tier++) {
            all->reports[tier] = last_report(run, sample, tier);
        }
        view->reports = all->reports;
    }
}
