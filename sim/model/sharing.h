// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_MODEL_SHARING_H
#define OFFLOADSIM_MODEL_SHARING_H

// A lane that serves all its jobs at the same time: processor sharing.
//
// A link gives each message the share weight / (sum of the weights present) of its rate. A station
// of c servers gives each of n jobs the speed min(1, c / n). Both are a speed per unit of weight
// that is the same for all jobs present, g(t), times the rate of the lane. With a clock that
// advances by g(t) rate(t) dt, a job that arrives when the clock shows V ends when it shows
// V + amount / weight, whatever comes and goes in between (Kleinrock 1976, sec. 4.4; virtual time
// in Parekh and Gallager 1993). So jobs wait in a heap by that number, and arrivals and departures
// cost O(log n). The rate may change (model/rate.h): the next departure is found by integration.
//
// A lane may carry two flows, each with a rate and so with a clock of its own, that share the
// same medium: the two directions of a half-duplex link. Flow 0 is all there is otherwise.
//
// How to use it: a lane has one event pending, at next_s.
//
//     on an arrival      sharing_arrive(); if next_s is not what it was before, push an event at it
//     on an event        if its time is not next_s, it is stale: ignore it; else
//                        sharing_depart() takes the job that ends out and returns its slot; push an
//                        event at the new next_s unless that is INFINITY
//
// Jobs are kept by the slots of their samples in one array for all lanes, which is as long as the
// array of samples and grows with it (`{0}` elements are fine). No memory is taken per event.

#include "model/rate.h"

#include <stdint.h>

enum { SHARING_FLOWS = 2 };
#define SHARING_NONE UINT32_MAX

// A job in a pairing heap (Fredman, Sedgewick, Sleator and Tarjan 1986).
struct sharing_job {
    double ends_at; // on its flow's clock
    double weight;
    double spent_at; // what `spent_s` of its lane was when it came
    uint64_t rank;   // orders jobs that end together
    uint32_t child;
    uint32_t sibling;
};

struct sharing {
    double clock[SHARING_FLOWS];
    uint32_t first[SHARING_FLOWS]; // roots of the heaps
    double weight[SHARING_FLOWS];  // sum of the weights present
    uint32_t present[SHARING_FLOWS];
    uint32_t servers;             // 0: a link
    double since_s;               // the clocks are as of this time
    double spent_s;               // integral of g: the time for itself that a weight of 1 has had
    double busy_s[SHARING_FLOWS]; // integral of the servers in use (a link: of the share of a flow)
    double next_s;                // when the next job ends; INFINITY: none does
    uint32_t next_flow;
};

// `servers` is 0 for a link, whose jobs share the whole of its rate.
void sharing_init(struct sharing *sharing, uint32_t servers);

// A job of `amount` and `weight` (1 at a station with servers) arrives in a flow. `rates` has one
// lane a flow that is used; its cursor moves along with the time.
void sharing_arrive(struct sharing *sharing, struct sharing_job *jobs,
                    const struct rate_lane *rates, double now_s, uint32_t slot, uint32_t flow,
                    double amount, double weight, uint64_t rank);

// At next_s: takes the job that ends out of the lane and returns its slot. `ret_spent_s`: the time
// that it had for itself, which is its service time had it been alone with a full share.
uint32_t sharing_depart(struct sharing *sharing, struct sharing_job *jobs,
                        const struct rate_lane *rates, double now_s, double *ret_spent_s);

// Takes the job of a flow that would end next out before its end; `ret_left` is what is left of its
// amount. Returns its slot, SHARING_NONE if the flow is empty.
uint32_t sharing_take(struct sharing *sharing, struct sharing_job *jobs,
                      const struct rate_lane *rates, double now_s, uint32_t flow, double *ret_left,
                      double *ret_spent_s);

// Brings clocks and integrals up to a time, which no job's end may precede. For averages over time.
void sharing_advance(struct sharing *sharing, const struct rate_lane *rates, double now_s);

#endif
