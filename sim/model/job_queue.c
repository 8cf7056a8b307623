// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/job_queue.h"

// Of two roots the one that comes later becomes the first child of the other.
static uint32_t meld(struct job *jobs, enum job_end end, uint32_t a, uint32_t b)
{
    if (a == JOB_NONE || b == JOB_NONE) {
        return a == JOB_NONE ? b : a;
    }
    if (job_is_before(&jobs[b], &jobs[a]) == (end == JOB_FIRST)) {
        const uint32_t swapped = a;
        a = b;
        b = swapped;
    }
    const uint32_t child = jobs[a].child;
    jobs[b].next = child;
    jobs[b].previous = a;
    if (child != JOB_NONE) {
        jobs[child].previous = b;
    }
    jobs[a].child = b;
    return a;
}

// Melds a list of siblings to one heap: in pairs from the left, then these from the right.
static uint32_t meld_siblings(struct job *jobs, enum job_end end, uint32_t first)
{
    uint32_t pairs = JOB_NONE; // linked by `next`, the last one first
    while (first != JOB_NONE) {
        const uint32_t second = jobs[first].next;
        const uint32_t rest = second == JOB_NONE ? JOB_NONE : jobs[second].next;
        jobs[first].next = JOB_NONE;
        if (second != JOB_NONE) {
            jobs[second].next = JOB_NONE;
        }
        const uint32_t pair = meld(jobs, end, first, second);
        jobs[pair].next = pairs;
        pairs = pair;
        first = rest;
    }
    uint32_t root = JOB_NONE;
    while (pairs != JOB_NONE) {
        const uint32_t rest = jobs[pairs].next;
        jobs[pairs].next = JOB_NONE;
        root = meld(jobs, end, root, pairs);
        pairs = rest;
    }
    if (root != JOB_NONE) {
        jobs[root].previous = JOB_NONE;
    }
    return root;
}

void job_queue_push(struct job *jobs, uint32_t *root, enum job_end end, uint32_t slot)
{
    jobs[slot].child = jobs[slot].next = jobs[slot].previous = JOB_NONE;
    *root = meld(jobs, end, *root, slot);
}

uint32_t job_queue_pop(struct job *jobs, uint32_t *root, enum job_end end)
{
    const uint32_t slot = *root;
    *root = meld_siblings(jobs, end, jobs[slot].child);
    return slot;
}

void job_queue_remove(struct job *jobs, uint32_t *root, enum job_end end, uint32_t slot)
{
    if (slot == *root) {
        job_queue_pop(jobs, root, end);
        return;
    }
    const uint32_t previous = jobs[slot].previous;
    const uint32_t next = jobs[slot].next;
    if (jobs[previous].child == slot) {
        jobs[previous].child = next;
    } else {
        jobs[previous].next = next;
    }
    if (next != JOB_NONE) {
        jobs[next].previous = previous;
    }
    *root = meld(jobs, end, *root, meld_siblings(jobs, end, jobs[slot].child));
}
