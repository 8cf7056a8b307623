// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_MODEL_JOB_QUEUE_H
#define OFFLOADSIM_MODEL_JOB_QUEUE_H

// Jobs: what a sample is to the lane where it queues (model/lane.h), kept by its slot, and the
// priority queues that they wait in.
//
// A queue is a pairing heap (Fredman, Sedgewick, Sleator and Tarjan, "The pairing heap", 1986)
// whose links are in the jobs: a queue is nothing but the slot of its root, so an idle lane costs
// four bytes and no memory is taken per event. Jobs are ordered by rank and, among equals, by their
// order of arrival; a queue gives the first of them, or the last. Pushing is O(1), taking out is
// O(log n) amortised, also from the middle.

#include <stdbool.h>
#include <stdint.h>

#define JOB_NONE UINT32_MAX // no slot

enum job_state {
    JOB_AWAY, // in no queued lane
    JOB_WAITING,
    JOB_SERVING,
    JOB_SUSPENDED // it keeps its server, but the node is being repaired
};

struct job {
    double rank;     // of its discipline: the lower, the sooner
    uint64_t order;  // of its arrival, among all of the run
    double amount;   // of work: seconds at speed 1, or bytes; of a batch: of all of it
    double left;     // of that
    double due_s;    // when the event is due that ends its wait or its service; NaN: none is
    double since_s;  // in its state
    double speed;    // of the service under way
    double watts;    // of the server meanwhile, beside the idle power
    double waited_s; // in this visit
    double served_s;
    double worked_s; // server time without standstills; of a batch: its share
    double joules;
    uint32_t child; // links of the heap
    uint32_t next;
    uint32_t previous; // the sibling before, or the parent
    uint32_t group;    // batches: with whom it may be served
    uint32_t older;    // of its group
    uint32_t newer;
    uint32_t member; // the next one of its batch in service
    uint32_t server;
    uint32_t promise; // lane of the node that keeps a place for it
    uint16_t size;    // of its batch
    uint8_t state;    // of enum job_state
    uint8_t due_kind; // of the event
};

// Which end of the queue is at hand.
enum job_end { JOB_FIRST, JOB_LAST };

void job_queue_push(struct job *jobs, uint32_t *root, enum job_end end, uint32_t slot);
// Takes the root out and returns it; the queue is not empty.
uint32_t job_queue_pop(struct job *jobs, uint32_t *root, enum job_end end);
// Takes out any job of the queue.
void job_queue_remove(struct job *jobs, uint32_t *root, enum job_end end, uint32_t slot);

// Whether one job is ahead of another.
static inline bool job_is_before(const struct job *a, const struct job *b)
{
    return a->rank < b->rank || (a->rank <= b->rank && a->order < b->order);
}

#endif
