// SPDX-License-Identifier: GPL-3.0-or-later
// What a pending event costs: the hold model (Vaucher and Duval, "A comparison of simulation event
// list algorithms", CACM 18, 1975). The queue has so many events; a hold takes the earliest out and
// puts one in that happens an exponential time after it. The times are drawn beforehand.
//
// usage: bench_hold [--json]
#include "base/memory.h"
#include "core/event_queue.h"
#include "rng/elementary.h"
#include "rng/stream.h"
#include "tests/bench/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RUNS = 11, GAPS = 1 << 14, LEAST_HOLDS = 500 * 1000, WARM_UPS = 4 };

static void hold(struct event_queue *queue, const double *gaps, size_t holds)
{
    for (size_t i = 0; i < holds; i++) {
        const struct event event = event_queue_pop(queue);
        event_queue_push(queue, event.time_s + gaps[i % GAPS], event_tag(i & 7, i, (uint32_t)i));
    }
}

static void measure(const double *gaps, size_t pending, int is_json)
{
    const size_t holds = pending > LEAST_HOLDS ? pending : LEAST_HOLDS;
    struct event_queue queue = {0};
    for (size_t i = 0; i < pending; i++) {
        event_queue_push(&queue, gaps[i % GAPS] * (1 + 1e-6 * (double)i),
                         event_tag(0, i, (uint32_t)i));
    }
    hold(&queue, gaps, WARM_UPS * pending);
    double ns[RUNS];
    for (int run = 0; run < RUNS; run++) {
        const double start_s = bench_thread_s();
        hold(&queue, gaps, holds);
        ns[run] = 1e9 * (bench_thread_s() - start_s) / (double)holds;
    }
    event_queue_finish(&queue);
    qsort(ns, RUNS, sizeof(ns[0]), bench_compare);
    printf(is_json ? "{\"bench\": \"hold\", \"pending\": %zu, \"median_ns\": %.1f, "
                     "\"least_ns\": %.1f, \"most_ns\": %.1f, \"runs\": %d}\n"
                   : "hold with %7zu pending: %6.1f ns (%.1f to %.1f in %d runs)\n",
           pending, ns[RUNS / 2], ns[0], ns[RUNS - 1], RUNS);
}

int main(int count, char **arguments)
{
    const int is_json = count == 2 && strcmp(arguments[1], "--json") == 0;
    if (count > 2 || (count == 2 && !is_json)) {
        fprintf(stderr, "usage: bench_hold [--json]\n");
        return 2;
    }
    const struct stream_key key = {.seed = 1};
    double *gaps = memory_resize(NULL, GAPS, sizeof(*gaps));
    for (size_t i = 0; i < GAPS; i++) {
        const struct stream_at at = {key, stream_purpose("bench", "hold"), 0, i};
        gaps[i] = -elementary_log(stream_uniform(&at));
    }
    static const size_t pending[] = {10, 50, 1000, 10000, 100000, 1000000};
    for (size_t i = 0; i < sizeof(pending) / sizeof(pending[0]); i++) {
        measure(gaps, pending[i], is_json);
    }
    free(gaps);
    return 0;
}
