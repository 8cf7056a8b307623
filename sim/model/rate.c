// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/rate.h"

#include <math.h>

static double end_of_step(const struct rate *rate, int step)
{
    return step + 1 < rate->steps ? rate->times_s[step + 1] : rate->period_s;
}

void rate_init(struct rate *rate, const struct spec_rate *spec)
{
    *rate = (struct rate){.constant = spec->bytes_per_s, .nominal = spec->bytes_per_s};
    if (spec->kind == RATE_CONSTANT) {
        return;
    }
    const int last = spec->count - 1;
    rate->constant = NAN;
    rate->steps = spec->count;
    rate->times_s = spec->times_s;
    rate->rates = spec->rates;
    rate->period_s = spec->period_s;
    rate->nominal = spec->rates[last];
    if (isfinite(spec->period_s)) {
        for (int i = 0; i <= last; i++) {
            rate->period_bytes += spec->rates[i] * (end_of_step(rate, i) - spec->times_s[i]);
        }
        rate->nominal = rate->period_bytes / spec->period_s;
    }
}

// The step in which a time of the pattern lies.
static int find_step(const struct rate *rate, double within_s)
{
    int low = 0;
    int high = rate->steps - 1;
    while (low < high) {
        const int middle = low + (high - low + 1) / 2;
        if (rate->times_s[middle] <= within_s) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    return low;
}

static double whole_periods(const struct rate *rate, double time_s)
{
    return isfinite(rate->period_s) ? floor(time_s / rate->period_s) : 0;
}

// When as many periods are over.
static double start_of_period(const struct rate *rate, double periods)
{
    return periods > 0 ? periods * rate->period_s : 0;
}

double rate_at(const struct rate *rate, double time_s)
{
    if (!rate->steps) {
        return rate->constant;
    }
    const double base_s = start_of_period(rate, whole_periods(rate, time_s));
    return rate->rates[find_step(rate, time_s - base_s)];
}

double rate_finish_steps(const struct rate *rate, double start_s, double bytes)
{
    if (bytes <= 0) {
        return start_s;
    }
    double periods = whole_periods(rate, start_s);
    double from_s = start_s - start_of_period(rate, periods);
    int step = find_step(rate, from_s);
    if (bytes <= rate->rates[step] * (end_of_step(rate, step) - from_s)) {
        return start_s + bytes / rate->rates[step]; // within the step: as for a constant rate
    }
    // What is left is counted down, not what was sent up, so that a slow step after fast ones is
    // not timed from the difference of two large numbers.
    for (double left = bytes;;) {
        for (; step < rate->steps; step++) {
            const double sent = rate->rates[step] * (end_of_step(rate, step) - from_s);
            if (rate->rates[step] > 0 && left <= sent) {
                return start_of_period(rate, periods) + from_s + left / rate->rates[step];
            }
            left -= sent > 0 ? sent : 0;
            from_s = end_of_step(rate, step);
        }
        // Whole periods at a stride, but for the last, in which the transfer ends.
        const double more = ceil(left / rate->period_bytes) - 1;
        if (more > 0) {
            left -= more * rate->period_bytes;
            periods += more;
        }
        periods++;
        from_s = 0;
        step = 0;
    }
}
