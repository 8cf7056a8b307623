// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/rate.h"

#include <string.h>

// A rate that stands still for as many segments, or fails as often to give time for something, is
// taken for one that does so for ever: two patterns that are never on together, for example.
enum { MOST_STANDSTILLS = 1000 * 1000 };

// ---- steps ----

// The step in which a time of the pattern lies.
static int find_step(const struct rate_part *part, double within_s)
{
    int low = 0;
    int high = part->count - 1;
    while (low < high) {
        const int middle = low + (high - low + 1) / 2;
        if (part->times_s[middle] <= within_s) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    return low;
}

static double whole_periods(const struct rate_part *part, double time_s)
{
    return isfinite(part->period_s) ? floor(time_s / part->period_s) : 0;
}

// When as many periods are over.
static double start_of_period(const struct rate_part *part, double periods)
{
    return periods > 0 ? periods * part->period_s : 0;
}

static void begin_steps(const struct rate_lane *lane, const struct rate_part *part,
                        struct rate_cursor *cursor)
{
    cursor->offset_s = part->start_s;
    if (part->starts_anywhere) {
        const struct stream_at at = {lane->key, part->purpose, lane->lane, 0};
        cursor->offset_s = stream_uniform(&at) * rate_length(part);
    }
}

// `index` counts periods, `state` is the step; part->count stands for what is behind the end.
static void seek_steps(const struct rate_part *part, struct rate_cursor *cursor, double time_s)
{
    const double pattern_s = time_s + cursor->offset_s;
    double periods = whole_periods(part, pattern_s);
    int step = find_step(part, pattern_s - start_of_period(part, periods));
    // Rounding may have found a step that is just over.
    for (;; step++) {
        if (step == part->count && isinf(part->period_s)) {
            cursor->until_s = INFINITY;
            break;
        }
        if (step == part->count) {
            step = 0;
            periods++;
        }
        cursor->until_s =
            start_of_period(part, periods) + rate_step_end(part, step) - cursor->offset_s;
        if (cursor->until_s > time_s) {
            break;
        }
    }
    cursor->index = (uint64_t)periods;
    cursor->state = (uint32_t)step;
}

// When a transfer ends if the steps are all there is: without a look at the cursor, from wherever
// in the pattern it starts.
static double finish_steps(const struct rate_part *part, double start_s, double amount)
{
    if (amount <= 0) {
        return start_s;
    }
    double periods = whole_periods(part, start_s);
    double from_s = start_s - start_of_period(part, periods);
    int step = find_step(part, from_s);
    if (amount <= part->values[step] * (rate_step_end(part, step) - from_s)) {
        return start_s + amount / part->values[step]; // within the step: as for a constant rate
    }
    // What is left is counted down, not what was done up, so that a slow step after fast ones is
    // not timed from the difference of two large numbers.
    for (double left = amount;;) {
        for (; step < part->count; step++) {
            const double done = part->values[step] * (rate_step_end(part, step) - from_s);
            if (part->values[step] > 0 && left <= done) {
                return start_of_period(part, periods) + from_s + left / part->values[step];
            }
            left -= done > 0 ? done : 0;
            from_s = rate_step_end(part, step);
        }
        if (isinf(part->period_s)) {
            return INFINITY;
        }
        // Whole periods at a stride, but for the last, in which the transfer ends.
        const double more = ceil(left / part->period_amount) - 1;
        if (more > 0) {
            left -= more * part->period_amount;
            periods += more;
        }
        periods++;
        from_s = 0;
        step = 0;
    }
}

// ---- Markov ----

static uint32_t pick(const double *cumulative, int count, double u)
{
    int i = 0;
    while (i < count - 1 && u >= cumulative[i]) {
        i++;
    }
    return (uint32_t)i;
}

static double uniform_at(const struct rate_lane *lane, const struct rate_part *part, uint64_t index)
{
    const struct stream_at at = {lane->key, part->purpose, lane->lane, index};
    return stream_uniform(&at);
}

// Number 0 says in which state the chain begins, 2 i + 1 how long segment i lasts, 2 i + 2 which
// state comes after it.
static void begin_markov(const struct rate_lane *lane, const struct rate_part *part,
                         struct rate_cursor *cursor)
{
    cursor->state = pick(part->first, part->count, uniform_at(lane, part, 0));
    cursor->until_s = -part->stay_s[cursor->state] * elementary_log(uniform_at(lane, part, 1));
}

static void seek_markov(const struct rate_lane *lane, const struct rate_part *part,
                        struct rate_cursor *cursor, double time_s)
{
    while (cursor->until_s <= time_s) {
        const double *next = part->next + (size_t)cursor->state * (size_t)part->count;
        cursor->state = pick(next, part->count, uniform_at(lane, part, 2 * cursor->index + 2));
        cursor->index++;
        cursor->until_s += -part->stay_s[cursor->state] *
                           elementary_log(uniform_at(lane, part, 2 * cursor->index + 1));
    }
}

// ---- alternating ----

// Segment i is on if i is even.
static double alternating_length(const struct rate_lane *lane, const struct rate_part *part,
                                 uint64_t index)
{
    const struct stream_at at = {lane->key, part->purpose, lane->lane, index};
    return distribution_draw(index & 1 ? &part->off : &part->on, &at);
}

static void seek_alternating(const struct rate_lane *lane, const struct rate_part *part,
                             struct rate_cursor *cursor, double time_s)
{
    while (cursor->until_s <= time_s) {
        cursor->index++;
        cursor->until_s += alternating_length(lane, part, cursor->index);
    }
}

// ---- all parts ----

static bool is_begun(const struct rate_cursor *cursor)
{
    return cursor->until_s > 0 || cursor->index > 0;
}

static void begin(const struct rate_lane *lane, const struct rate_part *part,
                  struct rate_cursor *cursor)
{
    switch (part->kind) {
    case RATE_PART_STEPS:
        begin_steps(lane, part, cursor);
        return;
    case RATE_PART_MARKOV:
        begin_markov(lane, part, cursor);
        return;
    case RATE_PART_ALTERNATING:
        cursor->until_s = alternating_length(lane, part, 0);
        return;
    }
}

static void seek(const struct rate_lane *lane, const struct rate_part *part,
                 struct rate_cursor *cursor, double time_s)
{
    if (!is_begun(cursor)) {
        begin(lane, part, cursor);
    }
    if (cursor->until_s > time_s) {
        return;
    }
    switch (part->kind) {
    case RATE_PART_STEPS:
        seek_steps(part, cursor, time_s);
        return;
    case RATE_PART_MARKOV:
        seek_markov(lane, part, cursor, time_s);
        return;
    case RATE_PART_ALTERNATING:
        seek_alternating(lane, part, cursor, time_s);
        return;
    }
}

static double value_of(const struct rate_part *part, const struct rate_cursor *cursor)
{
    if (part->kind == RATE_PART_ALTERNATING) {
        return cursor->index & 1 ? 0 : 1;
    }
    return cursor->state < (uint32_t)part->count ? part->values[cursor->state] : 0;
}

// A stretch of time in which the rate is the same; `until_s` is behind the time it was asked for.
struct segment {
    double value;
    double until_s;
};

static struct segment segment_at(const struct rate_lane *lane, struct rate_cursor *cursor,
                                 double time_s)
{
    struct segment segment = {lane->rate->constant, INFINITY};
    double still_s = 0; // one part alone holds the lane up until then, whatever the others do
    for (int i = 0; i < lane->rate->parts; i++) {
        const struct rate_part *part = &lane->rate->part[i];
        seek(lane, part, &cursor[i], time_s);
        const double until_s = cursor[i].until_s;
        const double value = value_of(part, &cursor[i]);
        segment.value = value > 0 ? segment.value * value : 0; // also where it is infinite
        if (segment.value <= 0) {
            segment.value = 0;
        }
        if (value <= 0 && until_s > still_s) {
            still_s = until_s;
        }
        if (until_s < segment.until_s) {
            segment.until_s = until_s;
        }
    }
    if (still_s > segment.until_s) {
        segment.until_s = still_s;
    }
    return segment;
}

// A copy of the lane's cursor, to look ahead with.
static void look_from(const struct rate_lane *lane, struct rate_cursor *ret_ahead)
{
    if (lane->rate->parts) {
        memcpy(ret_ahead, lane->cursor, (size_t)lane->rate->parts * sizeof(*ret_ahead));
    }
}

double rate_at(const struct rate_lane *lane, double time_s)
{
    return segment_at(lane, lane->cursor, time_s).value;
}

double rate_done(const struct rate_lane *lane, double from_s, double to_s)
{
    struct segment segment = segment_at(lane, lane->cursor, from_s);
    if (to_s <= from_s) {
        return 0;
    }
    if (to_s <= segment.until_s) {
        return segment.value * (to_s - from_s);
    }
    struct rate_cursor ahead[RATE_MOST_PARTS];
    look_from(lane, ahead);
    double done = 0;
    while (from_s < to_s) {
        const double end_s = segment.until_s < to_s ? segment.until_s : to_s;
        done += segment.value * (end_s - from_s);
        from_s = end_s;
        segment = segment_at(lane, ahead, from_s);
    }
    return done;
}

static double finish(const struct rate_lane *lane, double start_s, double amount, bool is_anew)
{
    struct segment segment = segment_at(lane, lane->cursor, start_s);
    if (amount <= 0) {
        return start_s;
    }
    if (amount <= segment.value * (segment.until_s - start_s)) {
        return start_s + amount / segment.value;
    }
    struct rate_cursor ahead[RATE_MOST_PARTS];
    look_from(lane, ahead);
    double left = amount;
    double from_s = start_s;
    for (int stops = 0; stops < MOST_STANDSTILLS;) {
        const double done = segment.value > 0 ? segment.value * (segment.until_s - from_s) : 0;
        if (segment.value > 0 && left <= done) {
            return from_s + left / segment.value;
        }
        if (isinf(segment.until_s)) {
            return INFINITY;
        }
        if (segment.value > 0) {
            left -= done;
            stops = is_anew ? stops : 0;
        } else {
            left = is_anew ? amount : left;
            stops++;
        }
        from_s = segment.until_s;
        segment = segment_at(lane, ahead, from_s);
    }
    return INFINITY;
}

double rate_finish_parts(const struct rate_lane *lane, double start_s, double amount)
{
    const struct rate *rate = lane->rate;
    if (rate->parts == 1 && rate->part->kind == RATE_PART_STEPS && rate->constant == 1) {
        if (!is_begun(lane->cursor)) {
            seek(lane, rate->part, lane->cursor, start_s);
        }
        // Rounding must not take an end, moved there and back, before its start.
        const double offset_s = lane->cursor->offset_s;
        const double end_s = finish_steps(rate->part, start_s + offset_s, amount) - offset_s;
        return amount > 0 && end_s > start_s ? end_s : start_s;
    }
    return finish(lane, start_s, amount, false);
}

double rate_finish_anew(const struct rate_lane *lane, double start_s, double amount)
{
    return finish(lane, start_s, amount, true);
}

static double next_time(const struct rate_lane *lane, double from_s, bool wants_stop)
{
    struct segment segment = segment_at(lane, lane->cursor, from_s);
    struct rate_cursor ahead[RATE_MOST_PARTS];
    look_from(lane, ahead);
    int stops = 0;
    while ((segment.value > 0) == wants_stop) {
        stops = segment.value > 0 ? 0 : stops + 1;
        if (isinf(segment.until_s) || stops == MOST_STANDSTILLS) {
            return INFINITY;
        }
        from_s = segment.until_s;
        segment = segment_at(lane, ahead, from_s);
    }
    return from_s;
}

double rate_next_stop(const struct rate_lane *lane, double from_s)
{
    return lane->rate->can_stop ? next_time(lane, from_s, true) : INFINITY;
}

double rate_next_go(const struct rate_lane *lane, double from_s)
{
    return lane->rate->can_stop ? next_time(lane, from_s, false) : from_s;
}

double rate_end(const struct rate_lane *lane)
{
    double end_s = INFINITY;
    for (int i = 0; i < lane->rate->parts; i++) {
        const struct rate_part *part = &lane->rate->part[i];
        if (part->kind != RATE_PART_STEPS || isinf(part->end_s)) {
            continue;
        }
        struct rate_cursor begun = lane->cursor[i];
        if (!is_begun(&begun)) {
            begin(lane, part, &begun);
        }
        const double part_end_s = part->end_s - begun.offset_s;
        end_s = part_end_s < end_s ? part_end_s : end_s;
    }
    return end_s;
}
