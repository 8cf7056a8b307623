// SPDX-License-Identifier: GPL-3.0-or-later

// The ends of samples, and what they add to the counters.

#include "model/pipeline_parts.h"

#include <math.h>

static void count_class(struct pipeline *line, const struct flight *flight, double latency_s,
                        bool is_answered, bool is_on_time)
{
    struct run *run = line->run;
    double *counters = run->tally->counters + run->world->counters.classes +
                       flight->device_class * CLASS_COUNTER_COUNT;
    counters[CLASS_ON_TIME_CORRECT] += flight->is_correct && is_on_time;
    if (isfinite(run->world->classes[flight->device_class].deadline_s)) {
        counters[CLASS_DEADLINE_MISSES] += !is_on_time;
    }
    if (is_answered) {
        counters[CLASS_CORRECT] += flight->is_correct;
        counters[CLASS_LATENCY_S] += latency_s;
        histogram_add(&run->tally->class_latency[flight->device_class], latency_s);
    }
}

// What the ends of counted samples add to the counters, as far as their paths do not tell.
struct outcome_sums {
    uint64_t answered;
    uint64_t correct;
    uint64_t late_correct; // behind their deadline
    uint64_t deadline_misses;
    double latency_s;
};

static inline void end_counted(struct pipeline *line, const struct flight *flight, double latency_s,
                               bool is_answered, double deadline_s, struct outcome_sums *sums)
{
    struct run *run = line->run;
    const struct world *world = run->world;
    const bool is_on_time = is_answered && latency_s <= deadline_s;
    if (!is_on_time) {
        sums->deadline_misses += isfinite(deadline_s);
        sums->late_correct += is_answered && flight->is_correct;
    }
    if (is_answered) {
        sums->answered++;
        sums->correct += flight->is_correct;
        sums->latency_s += latency_s;
        histogram_add(&run->tally->latency, latency_s);
        if (world->labels) {
            const struct world_source *source = &world->source[flight->source];
            const size_t label =
                source->generator ? flight->row : (size_t)source->trace->label[flight->row];
            run->tally->label_answered[label]++;
            run->tally->label_correct[label] += flight->is_correct;
        }
    }
    if (world->has_classes) {
        count_class(line, flight, latency_s, is_answered, is_on_time);
    }
}

void pipeline_end_all(struct pipeline *line)
{
    struct run *run = line->run;
    struct tally *tally = run->tally;
    const struct world_class *classes = run->world->classes;
    const struct reorder *ends = &line->ends;
    reorder_sort(&line->ends, &line->scratch);
    const struct window window = pipeline_window(line, ends);
    struct outcome_sums sums = {.latency_s = tally->counters[COUNTER_LATENCY_S]};
    uint64_t answered_in_window = 0;
    uint64_t answered = 0;
    int last_class = -1;
    double deadline_s = INFINITY; // of that class
    for (size_t i = 0; i < ends->count; i++) {
        const struct event *event = &ends->near[i];
        const uint32_t slot = event_subject(event);
        const struct flight *flight = &line->flights[slot];
        const double now_s = event->time_s;
        const double from_s = window_from_s(&window, event);
        const bool is_answered = flight->step->is_answered;
        if (is_answered) {
            answered++;
            answered_in_window += (now_s >= from_s) & (now_s <= window.to_s);
        } else {
            tally->late_dropped += now_s > window.to_s;
        }
        if (flight->is_counted) {
            if (flight->device_class != last_class) {
                last_class = flight->device_class;
                deadline_s = classes[last_class].deadline_s;
            }
            flight->step->counted++;
            end_counted(line, flight, now_s - flight->arrived_s, is_answered, deadline_s, &sums);
        } else if (now_s < from_s) {
            tally->early_answered += is_answered;
        } else {
            tally->late_uncounted++;
            tally->late_uncounted_until_s = now_s;
        }
        line->free[line->free_count++] = slot;
    }
    if (ends->count) {
        line->latest = ends->near[ends->count - 1];
    }
    run->answered += answered;
    run->dropped += ends->count - answered;
    tally->answered_in_window += answered_in_window;
    tally->counters[COUNTER_CORRECT] += (double)sums.correct;
    tally->counters[COUNTER_ERRORS] += (double)(sums.answered - sums.correct);
    tally->counters[COUNTER_ON_TIME_CORRECT] += (double)(sums.correct - sums.late_correct);
    tally->counters[COUNTER_DEADLINE_MISSES] += (double)sums.deadline_misses;
    tally->counters[COUNTER_LATENCY_S] = sums.latency_s;
}

void pipeline_count_paths(struct pipeline *line)
{
    for (int i = 0; i < line->steps_count; i++) {
        const struct path *path = &paths_all(line->paths)[i];
        const double counted = (double)line->steps[i][path->leg_count].counted;
        for (int k = 0; k < path->count_count; k++) {
            line->run->tally->counters[path->counts[k].counter] += counted * path->counts[k].amount;
        }
    }
}
