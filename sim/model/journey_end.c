// SPDX-License-Identifier: GPL-3.0-or-later

// The end of a sample's way: what it counts, and who is told.

#include "model/run.h"

#include <math.h>

static bool gets_feedback(const struct run *run, const struct sample *sample)
{
    const enum spec_feedback_when when = run->world->spec->feedback.when;
    return run->world->policy->feedback && sample->reason < 0 &&
           (when == FEEDBACK_ALWAYS || (when == FEEDBACK_OFFLOADED && sample->is_offloaded));
}

// The sample has ended, but its slot is kept until the truth is told.
static void schedule_feedback(struct run *run, uint32_t slot)
{
    struct sample *sample = &run->samples[slot];
    const double delay_s = run->world->spec->feedback.delay_s;
    sample->visit_start_s = run->now_s;
    if (delay_s > 0) {
        const uint64_t rank = workload_rank(run, sample->index, sample->device);
        event_queue_push(&run->queue, run->now_s + delay_s, event_tag(EVENT_FEEDBACK, rank, slot));
        run->awaiting++;
    } else {
        view_feed_back(run, slot);
    }
}

// What the end of a sample adds to the counters of its class.
static void count_class(struct run *run, const struct sample *sample, double latency_s,
                        bool is_correct, bool is_on_time)
{
    const int first = run->world->counters.classes + sample->device_class * CLASS_COUNTER_COUNT;
    const bool is_answered = sample->reason < 0;
    run_count(run, sample, first + CLASS_OFFLOADED, sample->is_offloaded);
    run_count(run, sample, first + CLASS_ON_TIME_CORRECT, is_correct && is_on_time);
    if (isfinite(sample_class(run, sample)->deadline_s)) {
        run_count(run, sample, first + CLASS_DEADLINE_MISSES, !is_on_time);
    }
    if (is_answered) {
        run_count(run, sample, first + CLASS_ANSWERED, 1);
        run_count(run, sample, first + CLASS_CORRECT, is_correct);
        run_count(run, sample, first + CLASS_LATENCY_S, latency_s);
        histogram_add(&run->tally->class_latency[sample->device_class], &latency_s, 1);
    } else {
        run_count(run, sample, first + CLASS_DROPPED, 1);
    }
}

void journey_end(struct run *run, uint32_t slot)
{
    if (run->holding) {
        holding_give_back(run, slot);
    }
    const struct world *world = run->world;
    const struct sample *sample = &run->samples[slot];
    const double latency_s = run->now_s - sample->arrived_s;
    const bool is_answered = sample->reason < 0;
    const bool is_correct =
        is_answered && sample_outcomes(run, sample)[sample->answer_exit].correct;
    const double deadline_s = sample_class(run, sample)->deadline_s;
    const bool is_on_time = is_answered && latency_s <= deadline_s;
    if (is_answered) {
        run->answered++;
        run->tally->answered_in_window +=
            run->now_s >= run->tally->window_from_s && run->now_s <= run->tally->window_to_s;
    } else {
        run->dropped++;
        run->tally->late_dropped += run->now_s > run->tally->window_to_s;
    }
    if (!sample->is_counted) {
        tally_uncounted(run->tally, run->now_s, is_answered);
    } else {
        run_count(run, sample, COUNTER_OFFLOADED, sample->is_offloaded);
        if (is_answered) {
            run_count(run, sample, COUNTER_ANSWERED, 1);
            run_count(run, sample, is_correct ? COUNTER_CORRECT : COUNTER_ERRORS, 1);
            run_count(run, sample, COUNTER_ON_TIME_CORRECT, is_correct && is_on_time);
            run_count(run, sample, COUNTER_LATENCY_S, latency_s);
            run_count(run, sample, world->counters.answered_by + sample->answer_exit, 1);
            run_count(run, sample, world->counters.answered_at + sample->target, 1);
            histogram_add(&run->tally->latency, &latency_s, 1);
        } else {
            run_count(run, sample, COUNTER_DROPPED, 1);
            run_count(run, sample, world->counters.dropped_for + sample->reason, 1);
        }
        if (isfinite(deadline_s)) {
            run_count(run, sample, COUNTER_DEADLINE_MISSES, !is_on_time);
        }
        if (world->has_classes) {
            count_class(run, sample, latency_s, is_correct, is_on_time);
        }
        if (is_answered && world->labels) {
            const size_t label = (size_t)sample_label(run, sample);
            run->tally->label_answered[label]++;
            run->tally->label_correct[label] += is_correct;
        }
    }
    if (run->options->observe) {
        record_sample(run, slot);
    }
    if (run->observations && is_answered && sample->is_offloaded && sample->target > 0) {
        observation_return(run, slot);
    }
    run->in_flight--;
    const uint32_t device = sample->device;
    if (gets_feedback(run, sample)) {
        schedule_feedback(run, slot);
    } else {
        workload_release(run, slot);
    }
    if (run->has_closed_loop) {
        workload_return(run, device);
    }
}

void journey_drop(struct run *run, uint32_t slot, int reason)
{
    run->samples[slot].reason = (int16_t)reason;
    journey_end(run, slot);
}
