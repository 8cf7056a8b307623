// SPDX-License-Identifier: GPL-3.0-or-later
#include "exp/predict_parts.h"

#include "base/memory.h"
#include "model/world.h"
#include "scenario/spec.h"
#include "scenario/trace.h"

#include <math.h>

enum { MOST_PIECES = 96, HALVINGS = 60 };

// How much faster than time the clock of a process runs in the mean over a long time.
static double mean_factor(const struct arrival_clock *clock)
{
    const double steps = isfinite(clock->period_s) ? clock->in_period / clock->period_s
                                                   : clock->factors[clock->steps - 1];
    return steps * clock->piece_factors[clock->pieces - 1];
}

// The trace states all arrivals: as many as it has rows, within the time that they span.
static double traced_rate(const struct world *world, const struct spec_arrivals *arrivals)
{
    const struct trace *trace = world->spec->trace;
    double first = INFINITY;
    double last = -INFINITY;
    for (size_t row = 0; row < trace->rows; row++) {
        const double at = trace_extra(trace, row, arrivals->column_number) * arrivals->column_scale;
        first = fmin(first, at);
        last = fmax(last, at);
    }
    return last > first ? (double)(trace->rows - 1) / (last - first) / (double)world->devices : 0;
}

// Of a device in a closed loop, if nothing ever waited: the most that it can be.
static double closed_rate(const struct prediction_view *view, int number)
{
    const struct arrival *arrival = &view->world->classes[number].arrival;
    const double round_s = arrival->think.mean + view->pilot->stay_s[number];
    return round_s > 0 ? arrival->spec->in_flight / round_s : 0;
}

// Of a device on the clock of its process, bursts left out.
static double own_rate(const struct prediction_view *view, int number)
{
    const struct arrival *arrival = &view->world->classes[number].arrival;
    const double burst_rate =
        arrival->has_bursts ? arrival->burst_samples / arrival->burst_gap.mean : 0;
    double factor;
    switch (arrival->spec->kind) {
    case ARRIVALS_NONE:
        return 0;
    case ARRIVALS_POISSON:
    case ARRIVALS_GAMMA:
        return arrival->spec->rate_per_s;
    case ARRIVALS_DETERMINISTIC:
        return 1 / arrival->spec->period_s;
    case ARRIVALS_CLOSED:
        return closed_rate(view, number);
    case ARRIVALS_TRACE:
        return traced_rate(view->world, arrival->spec);
    case ARRIVALS_MMPP:
    case ARRIVALS_ON_OFF:
    case ARRIVALS_TIMES:
        break;
    }
    factor = mean_factor(&arrival->clock);
    return factor > 0 ? (arrival->mean_rate_per_s - burst_rate) / factor : 0;
}

double prediction_arrival_variability(const struct world *world, int number, const char **ret_why)
{
    const struct arrival *arrival = &world->classes[number].arrival;
    *ret_why = "samples arise in bursts: nothing is known of the wait";
    if (arrival->has_bursts) {
        return NAN;
    }
    switch (arrival->spec->kind) {
    case ARRIVALS_NONE:
    case ARRIVALS_POISSON:
        return 1;
    case ARRIVALS_DETERMINISTIC:
        return 0;
    case ARRIVALS_GAMMA:
        return arrival->spec->cv * arrival->spec->cv;
    case ARRIVALS_CLOSED:
        *ret_why = "a closed loop: loads are the most that there can be, if nothing waited";
        return NAN;
    case ARRIVALS_TRACE:
    case ARRIVALS_TIMES:
        *ret_why = "arrivals as recorded: nothing is known of the wait";
        return NAN;
    case ARRIVALS_MMPP:
    case ARRIVALS_ON_OFF:
        break;
    }
    return NAN;
}

// Samples of all devices up to a time.
static double samples_until(const struct world *world, const double *own, double time_s)
{
    double samples = 0;
    for (int i = 0; i < world->class_count; i++) {
        const struct arrival *arrival = &world->classes[i].arrival;
        double each = own[i] * (arrival->spec->kind == ARRIVALS_CLOSED
                                    ? time_s
                                    : arrival_clock_at(&arrival->clock, time_s));
        if (arrival->has_bursts) {
            each += arrival->burst_samples * time_s / arrival->burst_gap.mean;
        }
        samples += each * world->classes[i].devices;
    }
    return samples;
}

// When so many samples are there; INFINITY if never.
static double time_of(const struct world *world, const double *own, double samples)
{
    double low = 0;
    double high = 1;
    while (samples_until(world, own, high) < samples) {
        low = high;
        high *= 2;
        if (high > 1e15) {
            return INFINITY;
        }
    }
    for (int i = 0; i < HALVINGS; i++) {
        const double middle = low + (high - low) / 2;
        if (samples_until(world, own, middle) < samples) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return high;
}

static bool is_steady(const struct world *world)
{
    for (int i = 0; i < world->class_count; i++) {
        const struct arrival *arrival = &world->classes[i].arrival;
        if (arrival->spec->kind != ARRIVALS_CLOSED && !arrival->clock.is_time) {
            return false;
        }
    }
    return true;
}

// From the end of the warm-up to the end of the run.
static void find_window(const struct world *world, const double *own, double *ret_from_s,
                        double *ret_to_s)
{
    const struct spec *spec = world->spec;
    *ret_from_s = 0;
    if (spec->warmup_kind == WARMUP_TIME) {
        *ret_from_s = spec->warmup_time_s;
    } else if (spec->warmup_kind == WARMUP_SAMPLES) {
        *ret_from_s = time_of(world, own, (double)spec->warmup_samples);
    }
    *ret_to_s = spec->stop_kind == STOP_TIME ? spec->stop_time_s
                                             : time_of(world, own, (double)spec->stop_samples);
}

static double rate_between(const struct world *world, int number, double own, double from_s,
                           double to_s)
{
    const struct arrival *arrival = &world->classes[number].arrival;
    double rate = own;
    if (arrival->spec->kind != ARRIVALS_CLOSED && !arrival->clock.is_time) {
        rate *=
            (arrival_clock_at(&arrival->clock, to_s) - arrival_clock_at(&arrival->clock, from_s)) /
            (to_s - from_s);
    }
    return arrival->has_bursts ? rate + arrival->burst_samples / arrival->burst_gap.mean : rate;
}

void prediction_arrivals_make(const struct prediction_view *view,
                              struct prediction_arrivals *ret_arrivals)
{
    const struct world *world = view->world;
    const size_t classes = (size_t)world->class_count;
    double *own = arena_new_array(view->arena, classes, double);
    for (int i = 0; i < world->class_count; i++) {
        own[i] = own_rate(view, i);
    }
    double from_s;
    double to_s;
    find_window(world, own, &from_s, &to_s);
    const bool is_window = to_s > from_s && isfinite(to_s);
    const int pieces = is_steady(world) || !is_window ? 1 : MOST_PIECES;
    *ret_arrivals = (struct prediction_arrivals){
        .pieces = pieces,
        .rate = arena_new_array(view->arena, (size_t)pieces * classes, double),
        .mean_rate = arena_new_array(view->arena, classes, double),
        .samples = world->spec->stop_kind == STOP_SAMPLES ? (double)world->spec->stop_samples
                                                          : samples_until(world, own, to_s),
        .changes = pieces > 1};
    const double step_s = is_window ? (to_s - from_s) / pieces : 1;
    for (int piece = 0; piece < pieces; piece++) {
        const double start_s = is_window ? from_s + piece * step_s : 0;
        for (int i = 0; i < world->class_count; i++) {
            const double rate = rate_between(world, i, own[i], start_s, start_s + step_s);
            ret_arrivals->rate[piece * world->class_count + i] = rate;
            ret_arrivals->mean_rate[i] += rate / pieces;
        }
    }
}
