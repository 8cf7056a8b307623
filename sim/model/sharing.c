// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/sharing.h"

// ---- the heap of a flow ----

static bool ends_before(const struct sharing_job *jobs, uint32_t left, uint32_t right)
{
    return jobs[left].ends_at < jobs[right].ends_at ||
           (jobs[left].ends_at == jobs[right].ends_at && jobs[left].rank < jobs[right].rank);
}

static uint32_t meld(struct sharing_job *jobs, uint32_t left, uint32_t right)
{
    if (left == SHARING_NONE || right == SHARING_NONE) {
        return left == SHARING_NONE ? right : left;
    }
    if (ends_before(jobs, right, left)) {
        const uint32_t swapped = left;
        left = right;
        right = swapped;
    }
    jobs[right].sibling = jobs[left].child;
    jobs[left].child = right;
    return left;
}

// What is left of a heap without its root: its children are melded in pairs from the left, and the
// pairs from the right.
static uint32_t without_root(struct sharing_job *jobs, uint32_t root)
{
    uint32_t pairs = SHARING_NONE;
    uint32_t next = jobs[root].child;
    while (next != SHARING_NONE) {
        const uint32_t left = next;
        const uint32_t right = jobs[left].sibling;
        next = right == SHARING_NONE ? SHARING_NONE : jobs[right].sibling;
        const uint32_t pair = meld(jobs, left, right);
        jobs[pair].sibling = pairs;
        pairs = pair;
    }
    uint32_t heap = SHARING_NONE;
    while (pairs != SHARING_NONE) {
        const uint32_t pair = pairs;
        pairs = jobs[pair].sibling;
        heap = meld(jobs, heap, pair);
    }
    return heap;
}

// ---- shares ----

static uint32_t present(const struct sharing *sharing)
{
    return sharing->present[0] + sharing->present[1];
}

// By what the time for itself of a weight of 1 is slower than time: 1 / g, which is a whole number
// where g is its reciprocal, so that n equal jobs take exactly n times as long.
static double slowness(const struct sharing *sharing)
{
    if (!sharing->servers) {
        return sharing->weight[0] + sharing->weight[1];
    }
    const uint32_t count = present(sharing);
    return count > sharing->servers ? (double)count / sharing->servers : 1;
}

static double servers_in_use(const struct sharing *sharing, uint32_t flow)
{
    if (!sharing->servers) {
        return sharing->weight[flow] / (sharing->weight[0] + sharing->weight[1]);
    }
    return sharing->present[flow] / slowness(sharing);
}

static void find_next(struct sharing *sharing, const struct sharing_job *jobs,
                      const struct rate_lane *rates)
{
    sharing->next_s = INFINITY;
    for (uint32_t flow = 0; flow < SHARING_FLOWS; flow++) {
        if (!sharing->present[flow]) {
            continue;
        }
        const double left = jobs[sharing->first[flow]].ends_at - sharing->clock[flow];
        const double end_s =
            rate_finish(&rates[flow], sharing->since_s, left > 0 ? left * slowness(sharing) : 0);
        if (end_s < sharing->next_s) {
            sharing->next_s = end_s;
            sharing->next_flow = flow;
        }
    }
}

void sharing_init(struct sharing *sharing, uint32_t servers)
{
    *sharing = (struct sharing){
        .first = {SHARING_NONE, SHARING_NONE}, .servers = servers, .next_s = INFINITY};
}

void sharing_advance(struct sharing *sharing, const struct rate_lane *rates, double now_s)
{
    const double elapsed_s = now_s - sharing->since_s;
    if (elapsed_s <= 0) {
        return; // also for a rate without a limit, of which nothing is taken in no time
    }
    if (present(sharing)) {
        const double slow = slowness(sharing);
        for (uint32_t flow = 0; flow < SHARING_FLOWS; flow++) {
            if (sharing->present[flow]) {
                sharing->clock[flow] += rate_done(&rates[flow], sharing->since_s, now_s) / slow;
                sharing->busy_s[flow] += elapsed_s * servers_in_use(sharing, flow);
            }
        }
        sharing->spent_s += elapsed_s / slow;
    }
    sharing->since_s = now_s;
}

void sharing_arrive(struct sharing *sharing, struct sharing_job *jobs,
                    const struct rate_lane *rates, double now_s, uint32_t slot, uint32_t flow,
                    double amount, double weight, uint64_t rank)
{
    sharing_advance(sharing, rates, now_s);
    jobs[slot] = (struct sharing_job){.ends_at = sharing->clock[flow] + amount / weight,
                                      .weight = weight,
                                      .spent_at = sharing->spent_s,
                                      .rank = rank,
                                      .child = SHARING_NONE,
                                      .sibling = SHARING_NONE};
    sharing->first[flow] = meld(jobs, sharing->first[flow], slot);
    sharing->weight[flow] += weight;
    sharing->present[flow]++;
    find_next(sharing, jobs, rates);
}

static uint32_t take_out(struct sharing *sharing, struct sharing_job *jobs,
                         const struct rate_lane *rates, uint32_t flow, double *ret_spent_s)
{
    const uint32_t slot = sharing->first[flow];
    *ret_spent_s = jobs[slot].weight * (sharing->spent_s - jobs[slot].spent_at);
    sharing->first[flow] = without_root(jobs, slot);
    sharing->present[flow]--;
    sharing->weight[flow] -= jobs[slot].weight;
    if (!sharing->present[flow]) {
        // Sums start anew, so that rounding does not gather.
        sharing->weight[flow] = 0;
        sharing->clock[flow] = 0;
    }
    if (!present(sharing)) {
        sharing->spent_s = 0;
    }
    find_next(sharing, jobs, rates);
    return slot;
}

uint32_t sharing_depart(struct sharing *sharing, struct sharing_job *jobs,
                        const struct rate_lane *rates, double now_s, double *ret_spent_s)
{
    const uint32_t flow = sharing->next_flow;
    sharing_advance(sharing, rates, now_s);
    sharing->clock[flow] = jobs[sharing->first[flow]].ends_at;
    return take_out(sharing, jobs, rates, flow, ret_spent_s);
}

uint32_t sharing_take(struct sharing *sharing, struct sharing_job *jobs,
                      const struct rate_lane *rates, double now_s, uint32_t flow, double *ret_left,
                      double *ret_spent_s)
{
    if (!sharing->present[flow]) {
        return SHARING_NONE;
    }
    sharing_advance(sharing, rates, now_s);
    const struct sharing_job *job = &jobs[sharing->first[flow]];
    const double left = (job->ends_at - sharing->clock[flow]) * job->weight;
    *ret_left = left > 0 ? left : 0;
    return take_out(sharing, jobs, rates, flow, ret_spent_s);
}
