// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/arrival.h"

#include "base/memory.h"
#include "rng/block.h"
#include "scenario/spec.h"

#include <math.h>

// ---- the chain ----

// The stationary probabilities of a chain's next states: elimination without subtractions, so that
// no digit is lost (Grassmann, Taksar and Heyman, "Regenerative analysis and steady state
// distributions for Markov chains", Operations Research 33, 1985). `work` holds the [count][count]
// probabilities and is overwritten.
static void solve_chain(double *work, int count, double *ret_share)
{
    for (int n = count - 1; n > 0; n--) {
        double left = 0;
        for (int k = 0; k < n; k++) {
            left += work[n * count + k];
        }
        for (int i = 0; i < n; i++) {
            work[i * count + n] /= left;
            for (int k = 0; k < n; k++) {
                work[i * count + k] += work[i * count + n] * work[n * count + k];
            }
        }
    }
    ret_share[0] = 1;
    for (int n = 1; n < count; n++) {
        ret_share[n] = 0;
        for (int i = 0; i < n; i++) {
            ret_share[n] += ret_share[i] * work[i * count + n];
        }
    }
}

static double probability(const struct spec_states *chain, int from, int to)
{
    if (chain->next) {
        return chain->next[from].values[to];
    }
    return chain->count == 1 ? 1 : from == to ? 0 : 1.0 / (chain->count - 1);
}

static void build_chain(struct arrival *arrival, const struct spec_states *chain,
                        struct arena *arena)
{
    const int count = chain->count;
    const size_t size = (size_t)count;
    double *work = arena_new_array(arena, size * size, double);
    double *next = arena_new_array(arena, size * size, double);
    double *first = arena_new_array(arena, size, double);
    for (int from = 0; from < count; from++) {
        double sum = 0;
        for (int to = 0; to < count; to++) {
            work[from * count + to] = probability(chain, from, to);
            next[from * count + to] = sum += work[from * count + to];
        }
    }
    solve_chain(work, count, first);
    // The share of time in a state is that of its visits times how long one lasts.
    double time = 0;
    double arrivals = 0;
    for (int i = 0; i < count; i++) {
        time += first[i] * chain->stays_s[i];
        arrivals += first[i] * chain->stays_s[i] * chain->rates[i];
        first[i] = time;
    }
    for (int i = 0; i < count; i++) {
        first[i] /= time;
    }
    arrival->states = count;
    arrival->rates = chain->rates;
    arrival->stays_s = chain->stays_s;
    arrival->first = first;
    arrival->next = next;
    arrival->mean_rate_per_s = arrivals / time;
}

// ---- the clock ----

static void build_steps(struct arrival_clock *clock, const struct spec_pattern *profile,
                        struct arena *arena)
{
    static const double zero = 0;
    static const double one = 1;
    clock->steps = profile->present ? profile->count : 1;
    clock->times_s = profile->present ? profile->times_s : &zero;
    clock->factors = profile->present ? profile->factors : &one;
    clock->period_s = profile->present ? profile->period_s : INFINITY;
    double *before = arena_new_array(arena, (size_t)clock->steps, double);
    double sum = 0;
    for (int i = 0; i < clock->steps; i++) {
        before[i] = sum;
        const double end_s = i + 1 < clock->steps ? clock->times_s[i + 1] : clock->period_s;
        sum += isfinite(end_s) ? clock->factors[i] * (end_s - clock->times_s[i]) : 0;
    }
    clock->before = before;
    clock->in_period = isfinite(clock->period_s) ? sum : INFINITY;
}

// The last of `count` increasing numbers that is not above `value`.
static int find_last(const double *numbers, int count, double value)
{
    int low = 0;
    int high = count - 1;
    while (low < high) {
        const int middle = low + (high - low + 1) / 2;
        if (numbers[middle] <= value) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    return low;
}

static double steps_at(const struct arrival_clock *clock, double time_s)
{
    const double periods = isfinite(clock->period_s) ? floor(time_s / clock->period_s) : 0;
    const double within_s = periods > 0 ? time_s - periods * clock->period_s : time_s;
    const int step = find_last(clock->times_s, clock->steps, within_s);
    return (periods > 0 ? periods * clock->in_period : 0) + clock->before[step] +
           clock->factors[step] * (within_s - clock->times_s[step]);
}

static double steps_time(const struct arrival_clock *clock, double own)
{
    const double periods = isfinite(clock->period_s) ? floor(own / clock->in_period) : 0;
    const double within = periods > 0 ? own - periods * clock->in_period : own;
    // Of steps that begin with the same number, the last one: in the others nothing arises.
    const int step = find_last(clock->before, clock->steps, within);
    if (clock->factors[step] <= 0) {
        // Only at the end: a last factor of 0 stays, or the next period begins.
        int first = 0;
        while (clock->factors[first] <= 0) {
            first++;
        }
        return isfinite(clock->period_s) ? (periods + 1) * clock->period_s + clock->times_s[first]
                                         : INFINITY;
    }
    return (periods > 0 ? periods * clock->period_s : 0) + clock->times_s[step] +
           (within - clock->before[step]) / clock->factors[step];
}

static void build_clock(struct arrival_clock *clock, const struct spec *spec,
                        const struct spec_pattern *profile, struct arena *arena)
{
    const size_t room = (size_t)spec->drift_count + 1;
    double *from_s = arena_new_array(arena, room, double);
    double *factors = arena_new_array(arena, room, double);
    double *before = arena_new_array(arena, room, double);
    double *steps = arena_new_array(arena, room, double);
    build_steps(clock, profile, arena);
    int last = 0;
    factors[0] = 1;
    for (int i = 0; i < spec->drift_count; i++) {
        const struct spec_drift *change = &spec->drift[i];
        if (change->arrivals < 0) {
            continue;
        }
        last += change->at_s > 0;
        from_s[last] = change->at_s;
        factors[last] = change->arrivals;
        steps[last] = steps_at(clock, change->at_s);
        before[last] =
            last ? before[last - 1] + factors[last - 1] * (steps[last] - steps[last - 1]) : 0;
    }
    clock->pieces = last + 1;
    clock->from_s = from_s;
    clock->piece_factors = factors;
    clock->piece_before = before;
    clock->steps_at_piece = steps;
    clock->is_time = !profile->present && last == 0 && factors[0] >= 1 && factors[0] <= 1;
}

double arrival_clock_at(const struct arrival_clock *clock, double time_s)
{
    if (clock->is_time || !isfinite(time_s)) {
        return time_s;
    }
    const int piece = find_last(clock->from_s, clock->pieces, time_s);
    return clock->piece_before[piece] +
           clock->piece_factors[piece] * (steps_at(clock, time_s) - clock->steps_at_piece[piece]);
}

double arrival_clock_time(const struct arrival_clock *clock, double own)
{
    if (clock->is_time || !isfinite(own)) {
        return own;
    }
    const int piece = find_last(clock->piece_before, clock->pieces, own);
    if (clock->piece_factors[piece] <= 0) {
        return INFINITY;
    }
    return steps_time(clock, clock->steps_at_piece[piece] +
                                 (own - clock->piece_before[piece]) / clock->piece_factors[piece]);
}

// How much faster than time the clock runs in the mean.
static double mean_factor(const struct arrival_clock *clock)
{
    const double steps = isfinite(clock->period_s) ? clock->in_period / clock->period_s
                                                   : clock->factors[clock->steps - 1];
    return steps * clock->piece_factors[clock->pieces - 1];
}

// ---- processes ----

static void build_gamma(struct arrival *arrival, struct arena *arena)
{
    const struct spec_arrivals *spec = arrival->spec;
    const double shape = 1 / (spec->cv * spec->cv);
    struct distribution_parameters gap = {
        .kind = DISTRIBUTION_GAMMA, .mean = 1 / spec->rate_per_s, .cv = spec->cv};
    distribution_init(&arrival->gap, &gap, arena);
    // Drawn in proportion to its length, a gamma variate of shape k is one of shape k + 1 and the
    // same scale.
    gap.mean *= (shape + 1) / shape;
    gap.cv = 1 / sqrt(shape + 1);
    distribution_init(&arrival->start, &gap, arena);
    arrival->mean_rate_per_s = spec->rate_per_s;
}

static void build_on_off(struct arrival *arrival, struct arena *arena)
{
    distribution_init(&arrival->stay[0], &arrival->spec->off, arena);
    distribution_init(&arrival->stay[1], &arrival->spec->on, arena);
    const double on_s = arrival->stay[1].mean;
    arrival->share_on = on_s / (on_s + arrival->stay[0].mean);
    arrival->mean_rate_per_s = arrival->spec->rate_per_s * arrival->share_on;
}

static void build_times(struct arrival *arrival)
{
    const struct spec_arrivals *spec = arrival->spec;
    const double share = spec->to == TIMES_DEAL ? arrival->devices : 1;
    const double own_rate = (double)spec->times->count / spec->times->period_s / share;
    arrival->times_scale = spec->rate_per_s > 0 ? own_rate / spec->rate_per_s : 1;
    arrival->mean_rate_per_s = own_rate / arrival->times_scale;
}

static void build_process(struct arrival *arrival, struct arena *arena)
{
    const struct spec_arrivals *spec = arrival->spec;
    switch (spec->kind) {
    case ARRIVALS_POISSON:
        arrival->mean_rate_per_s = spec->rate_per_s;
        return;
    case ARRIVALS_DETERMINISTIC:
        arrival->mean_rate_per_s = 1 / spec->period_s;
        return;
    case ARRIVALS_GAMMA:
        build_gamma(arrival, arena);
        return;
    case ARRIVALS_MMPP:
        build_chain(arrival, &spec->chain, arena);
        return;
    case ARRIVALS_ON_OFF:
        build_on_off(arrival, arena);
        return;
    case ARRIVALS_TIMES:
        build_times(arrival);
        return;
    case ARRIVALS_CLOSED:
        distribution_init(&arrival->think, &spec->think, arena);
        arrival->mean_rate_per_s = spec->in_flight;
        return;
    case ARRIVALS_TRACE:
    case ARRIVALS_NONE:
        arrival->mean_rate_per_s = 1;
        return;
    }
}

void arrival_build(struct arrival *arrival, const struct spec *spec,
                   const struct spec_tier *devices, uint32_t first_device, struct arena *arena)
{
    // The address of a number holds the device, so classes need no purposes of their own.
    const char *name = spec->tiers[0].name;
    *arrival = (struct arrival){.spec = &devices->arrivals,
                                .first_device = first_device,
                                .devices = (uint32_t)devices->nodes,
                                .last = INFINITY,
                                .purpose = stream_purpose("arrival", name),
                                .purpose_start = stream_purpose("arrival-start", name),
                                .purpose_state = stream_purpose("arrival-state", name),
                                .purpose_think = stream_purpose("think", name),
                                .purpose_burst = stream_purpose("burst", name),
                                .purpose_spread = stream_purpose("burst-spread", name)};
    build_process(arrival, arena);
    build_clock(&arrival->clock, spec, &devices->profile, arena);
    if (devices->arrivals.kind != ARRIVALS_CLOSED) {
        arrival->mean_rate_per_s *= mean_factor(&arrival->clock);
    }
    if (spec->stop_kind == STOP_TIME) {
        arrival->last = arrival_clock_at(&arrival->clock, spec->stop_time_s);
    }
    if (devices->bursts.present) {
        arrival->has_bursts = true;
        arrival->burst_samples = devices->bursts.samples;
        arrival->burst_spread_s = devices->bursts.spread_s;
        distribution_init(&arrival->burst_gap, &devices->bursts.every, arena);
        arrival->mean_rate_per_s += arrival->burst_samples / arrival->burst_gap.mean;
    }
}

static double draw_exponential(const struct arrival *arrival, struct stream_key key,
                               uint32_t device, struct arrival_process *process)
{
    return -elementary_log(
        stream_unit(stream_next_word(&process->stream, key, arrival->purpose, device)));
}

static uint32_t pick_state(const double *sums, int count, double u)
{
    int state = 0;
    while (state < count - 1 && u >= sums[state]) {
        state++;
    }
    return (uint32_t)state;
}

// The first state, or the one that follows, and how long it lasts.
static void change_state(const struct arrival *arrival, struct stream_key key, uint32_t device,
                         bool is_first, struct arrival_state *state)
{
    const struct stream_at start = {key, arrival->purpose_start, device, 0};
    struct stream_at at = {key, arrival->purpose_state, device, state->changes};
    const bool is_chain = arrival->spec->kind == ARRIVALS_MMPP;
    if (is_first) {
        const double u = stream_uniform(&start);
        state->state =
            is_chain ? pick_state(arrival->first, arrival->states, u) : u < arrival->share_on;
    } else {
        at.index = ++state->changes;
        state->state =
            is_chain ? pick_state(arrival->next + (size_t)state->state * (size_t)arrival->states,
                                  arrival->states, stream_unit(stream_sub_word(&at, 0)))
                     : !state->state;
    }
    state->until += is_chain ? -arrival->stays_s[state->state] * elementary_log(stream_uniform(&at))
                             : distribution_draw(&arrival->stay[state->state], &at);
}

// A Poisson process whose rate depends on the state: the time in which the integral of the rate
// grows by an exponential number.
static double next_modulated(const struct arrival *arrival, struct stream_key key, uint32_t device,
                             uint64_t number, struct arrival_process *process,
                             struct arrival_state *state)
{
    if (number == 0) {
        change_state(arrival, key, device, true, state);
    }
    double left = draw_exponential(arrival, key, device, process);
    while (process->at <= arrival->last) {
        const double rate = arrival->spec->kind == ARRIVALS_MMPP ? arrival->rates[state->state]
                            : state->state                       ? arrival->spec->rate_per_s
                                                                 : 0;
        const double rest = rate * (state->until - process->at);
        if (rate > 0 && left <= rest) {
            return process->at += left / rate;
        }
        left -= rest;
        process->at = state->until;
        change_state(arrival, key, device, false, state);
    }
    return INFINITY;
}

static double next_gamma(const struct arrival *arrival, struct stream_key key, uint32_t device,
                         uint64_t number, struct arrival_process *process)
{
    if (number == 0) {
        const struct stream_at at = {key, arrival->purpose_start, device, 0};
        const struct stream_at part = {key, arrival->purpose_start, device, 1};
        return process->at = distribution_draw(&arrival->start, &at) * stream_uniform(&part);
    }
    const struct stream_at at = {key, arrival->purpose, device, process->stream.next};
    const uint64_t word = stream_next_word(&process->stream, key, arrival->purpose, device);
    return process->at += distribution_draw_from(&arrival->gap, word, &at);
}

static double start_of(const struct arrival *arrival, struct stream_key key, uint32_t device)
{
    const struct stream_at at = {key, arrival->purpose_start, device, 0};
    return stream_uniform(&at);
}

static double next_of_file(const struct arrival *arrival, struct stream_key key, uint32_t device,
                           uint64_t number)
{
    const struct spec_arrivals *spec = arrival->spec;
    const struct spec_times *times = spec->times;
    double from_s = 0;
    uint64_t n = number;
    if (spec->to == TIMES_DEAL) {
        n = number * arrival->devices + (device - arrival->first_device);
    } else {
        from_s = start_of(arrival, key, device) * times->period_s;
        uint64_t low = 0;
        uint64_t high = times->count;
        while (low < high) { // the first time that is not before
            const uint64_t middle = low + (high - low) / 2;
            if (times->at_s[middle] < from_s) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        n += low;
    }
    // NOLINTNEXTLINE(clang-analyzer-core.DivideZero): a file without times is refused
    const uint64_t pass = n / times->count;
    if (pass > 0 && !spec->repeats) {
        return INFINITY;
    }
    return (times->at_s[n % times->count] - from_s + (double)pass * times->period_s) *
           arrival->times_scale;
}

void arrival_draw_gaps(const struct arrival *arrival, struct stream_key key, uint32_t device,
                       uint64_t first, uint32_t count, double *ret_gaps)
{
    const double rate_per_s = arrival->spec->rate_per_s;
    if (count > ARRIVAL_GAPS) {
        static const struct distribution one = {.kind = DISTRIBUTION_EXPONENTIAL, .a = 1};
        block_draw(&one, key, arrival->purpose, device, first, count, ret_gaps);
        for (uint32_t i = 0; i < count; i++) {
            ret_gaps[i] /= rate_per_s;
        }
        return;
    }
    const philox4x64_ctr_t block = stream_block(key, arrival->purpose, device, first >> 2, 0);
    for (uint32_t i = 0; i < count; i++) {
        ret_gaps[i] = -elementary_log(stream_unit(block.v[i])) / rate_per_s;
    }
}

double arrival_next_other(const struct arrival *arrival, struct stream_key key, uint32_t device,
                          uint64_t number, struct arrival_process *process,
                          struct arrival_state *state)
{
    const struct spec_arrivals *spec = arrival->spec;
    double own = INFINITY;
    switch (spec->kind) {
    case ARRIVALS_GAMMA:
        own = next_gamma(arrival, key, device, number, process);
        break;
    case ARRIVALS_DETERMINISTIC:
        own =
            (spec->phase_s < 0 ? start_of(arrival, key, device) * spec->period_s : spec->phase_s) +
            (double)number * spec->period_s;
        break;
    case ARRIVALS_MMPP:
    case ARRIVALS_ON_OFF:
        own = next_modulated(arrival, key, device, number, process, state);
        break;
    case ARRIVALS_TIMES:
        own = next_of_file(arrival, key, device, number);
        break;
    case ARRIVALS_POISSON: // arrival_next() itself sees to it
    case ARRIVALS_CLOSED:
    case ARRIVALS_TRACE:
    case ARRIVALS_NONE:
        break;
    }
    return arrival_clock_time(&arrival->clock, own);
}

// ---- bursts ----

static double gap_after(const struct arrival *arrival, struct stream_key key, uint32_t burst)
{
    const struct stream_at at = {key, arrival->purpose_burst, arrival->first_device, burst};
    return distribution_draw(&arrival->burst_gap, &at);
}

double arrival_next_burst(const struct arrival *arrival, struct stream_key key, uint32_t device,
                          struct arrival_burst *burst)
{
    const uint32_t samples = (uint32_t)arrival->burst_samples;
    if (burst->sample == 0) {
        burst->from_s = gap_after(arrival, key, 0);
        burst->next_s = burst->from_s + gap_after(arrival, key, 1);
    } else if (burst->sample == samples) {
        burst->number++;
        burst->sample = 0;
        burst->within = 0;
        burst->from_s = burst->next_s;
        burst->next_s += gap_after(arrival, key, burst->number + 1);
    }
    if (arrival->burst_spread_s <= 0) {
        burst->sample++;
        return burst->from_s;
    }
    // The smallest of the uniform numbers that are left, each in the rest of the spread.
    const struct stream_at at = {key, arrival->purpose_spread, device,
                                 (uint64_t)burst->number * samples + burst->sample};
    const double left = (double)(samples - burst->sample);
    burst->within +=
        (1 - burst->within) * (1 - elementary_exp(elementary_log(stream_uniform(&at)) / left));
    burst->sample++;
    const double room_s = burst->next_s - burst->from_s;
    const double spread_s = arrival->burst_spread_s < room_s ? arrival->burst_spread_s : room_s;
    return burst->from_s + burst->within * spread_s;
}
