// SPDX-License-Identifier: GPL-3.0-or-later

// Priority queues of jobs against a list that is searched from end to end.

#include "model/job_queue.h"
#include "rng/stream.h"
#include "tests/unit/unit.h"

#include <stdbool.h>

enum { JOBS = 300, STEPS = 20000 };

static uint32_t number(uint64_t index, uint32_t below)
{
    const struct stream_at at = {{.seed = 7}, stream_purpose("test", "queue"), 0, index};
    const uint32_t drawn = (uint32_t)(stream_uniform(&at) * below);
    return drawn < below ? drawn : below - 1;
}

// The job at an end of those that are in.
static uint32_t search(const struct job *jobs, const bool *is_in, enum job_end end)
{
    uint32_t found = JOB_NONE;
    for (uint32_t i = 0; i < JOBS; i++) {
        if (is_in[i] &&
            (found == JOB_NONE || job_is_before(&jobs[i], &jobs[found]) == (end == JOB_FIRST))) {
            found = i;
        }
    }
    return found;
}

START_TEST(the_end_is_at_the_root)
{
    const enum job_end end = _i ? JOB_LAST : JOB_FIRST;
    static struct job jobs[JOBS];
    bool is_in[JOBS] = {false};
    uint32_t root = JOB_NONE;
    uint64_t draw = 0;
    for (uint64_t step = 0; step < STEPS; step++) {
        const uint32_t slot = number(draw++, JOBS);
        if (!is_in[slot]) {
            // Few ranks, so that the order of arrival decides often.
            jobs[slot].rank = number(draw++, 5);
            jobs[slot].order = step;
            job_queue_push(jobs, &root, end, slot);
            is_in[slot] = true;
        } else if (number(draw++, 2)) {
            job_queue_remove(jobs, &root, end, slot);
            is_in[slot] = false;
        } else {
            const uint32_t popped = job_queue_pop(jobs, &root, end);
            ck_assert_uint_eq(popped, search(jobs, is_in, end));
            is_in[popped] = false;
        }
        ck_assert_uint_eq(root, search(jobs, is_in, end));
    }
    while (root != JOB_NONE) {
        const uint32_t wanted = search(jobs, is_in, end);
        ck_assert_uint_eq(job_queue_pop(jobs, &root, end), wanted);
        is_in[wanted] = false;
    }
    ck_assert_uint_eq(search(jobs, is_in, end), JOB_NONE);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("queues of jobs");
    TCase *queues = tcase_create("queues");
    tcase_add_loop_test(queues, the_end_is_at_the_root, 0, 2);
    suite_add_tcase(suite, queues);
    return unit_run(suite);
}
