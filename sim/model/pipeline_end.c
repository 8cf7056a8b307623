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
        histogram_add(&run->tally->class_latency[flight->device_class], &latency_s, 1);
    }
}

// What the ends of counted samples add to the counters, as far as their paths do not tell.
struct outcome_sums {
    uint64_t answered;
    uint64_t correct;
    uint64_t late_correct; // behind their deadline
    uint64_t deadline_misses;
    double latency_s; // their latencies, one by one, are in the scratch `values`
};

static inline void end_counted(struct pipeline *line, const struct flight *flight, double latency_s,
                               bool is_answered, double deadline_s, struct outcome_sums *sums)
{
    struct run *run = line->run;
    const struct world *world = run->world;
    const bool is_on_time = is_answered && latency_s <= deadline_s;
    if (!is_on_time) {
        sums->deadline_misses += isfinite(deadline_s) ? 1 : 0;
        sums->late_correct += is_answered && flight->is_correct;
    }
    if (is_answered) {
        sums->correct += flight->is_correct;
        sums->latency_s += latency_s;
        line->values[sums->answered++] = latency_s;
        if (world->labels) {
            const struct world_source *source = &world->source[flight->source];
            const size_t label =
                source->generator ? flight->row : (size_t)source->trace->label[flight->row];
            line->labels[label].answers[flight->is_correct]++;
        }
    }
    if (world->has_classes) {
        count_class(line, flight, latency_s, is_answered, is_on_time);
    }
}

// What a stretch's ends of samples add.
struct end_sums {
    struct outcome_sums outcomes;
    uint64_t answered;
    uint64_t answered_in_window;
};

// Of the ends from number `first` on, those that have its window. Returns the number of the next.
static size_t end_part(struct pipeline *line, size_t first, struct end_sums *sums)
{
    struct tally *tally = line->run->tally;
    const struct world_class *classes = line->run->world->classes;
    const struct event *events = line->ends.near;
    const struct window window = pipeline_window(line, &events[first]);
    const size_t end = pipeline_window_end(line, &line->ends, first);
    struct end_sums own = *sums;
    int last_class = -1;
    double deadline_s = INFINITY; // of that class
    uint32_t *free_slot = line->free + line->free_count;
    for (; first < end; first++) {
        const uint32_t slot = event_subject(&events[first]);
        const struct flight *flight = &line->flights[slot];
        const double now_s = events[first].time_s;
        const bool is_answered = flight->step->is_answered;
        if (is_answered) {
            own.answered++;
            own.answered_in_window += (now_s >= window.from_s) & (now_s <= window.to_s);
        } else {
            tally->late_dropped += now_s > window.to_s;
        }
        if (flight->is_counted) {
            if (flight->device_class != last_class) {
                last_class = flight->device_class;
                deadline_s = classes[last_class].deadline_s;
            }
            flight->step->counted++;
            end_counted(line, flight, now_s - flight->arrived_s, is_answered, deadline_s,
                        &own.outcomes);
        } else if (now_s < window.from_s) {
            tally->early_answered += is_answered;
        } else {
            tally->late_uncounted++;
            tally->late_uncounted_until_s = now_s;
        }
        *free_slot++ = slot;
    }
    line->free_count = (uint32_t)(free_slot - line->free);
    *sums = own;
    return end;
}

void pipeline_end_all(struct pipeline *line)
{
    struct run *run = line->run;
    struct tally *tally = run->tally;
    reorder_sort(&line->ends, &line->scratch);
    pipeline_make_scratch(line, line->ends.count);
    struct end_sums sums = {.outcomes.latency_s = tally->counters[COUNTER_LATENCY_S]};
    for (size_t i = 0; i < line->ends.count;) {
        i = end_part(line, i, &sums);
    }
    if (line->ends.count) {
        line->latest = line->ends.near[line->ends.count - 1];
    }
    const struct outcome_sums *outcomes = &sums.outcomes;
    histogram_add(&tally->latency, line->values, outcomes->answered);
    run->answered += sums.answered;
    run->dropped += line->ends.count - sums.answered;
    tally->answered_in_window += sums.answered_in_window;
    tally->counters[COUNTER_CORRECT] += (double)outcomes->correct;
    tally->counters[COUNTER_ERRORS] += (double)(outcomes->answered - outcomes->correct);
    tally->counters[COUNTER_ON_TIME_CORRECT] +=
        (double)(outcomes->correct - outcomes->late_correct);
    tally->counters[COUNTER_DEADLINE_MISSES] += (double)outcomes->deadline_misses;
    tally->counters[COUNTER_LATENCY_S] = outcomes->latency_s;
}

void pipeline_count_paths(struct pipeline *line)
{
    struct tally *tally = line->run->tally;
    for (int i = 0; i < line->run->world->labels; i++) {
        const uint64_t *answers = line->labels[i].answers;
        tally->label_answered[i] = (double)(answers[false] + answers[true]);
        tally->label_correct[i] = (double)answers[true];
    }
    for (int i = 0; i < line->steps_count; i++) {
        const struct path *path = &paths_all(line->paths)[i];
        const double counted = (double)line->steps[i][path->leg_count].counted;
        for (int k = 0; k < path->count_count; k++) {
            line->run->tally->counters[path->counts[k].counter] += counted * path->counts[k].amount;
        }
    }
}
