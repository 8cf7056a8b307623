// SPDX-License-Identifier: GPL-3.0-or-later
#include "rng/elementary.h"

double elementary_normal_tail(double p)
{
    static const double e[8] = {6.65790464350110377720e0,  5.46378491116411436990e0,
                                1.78482653991729133580e0,  2.96560571828504891230e-1,
                                2.65321895265761230930e-2, 1.24266094738807843860e-3,
                                2.71155556874348757815e-5, 2.01033439929228813265e-7};
    static const double f[8] = {1.0,
                                5.99832206555887937690e-1,
                                1.36929880922735805310e-1,
                                1.48753612908506148525e-2,
                                7.86869131145613259100e-4,
                                1.84631831751005468180e-5,
                                1.42151175831644588870e-7,
                                2.04426310338993978564e-15};
    const bool is_low = p < 0.5;
    const double tail = is_low ? p : 1 - p;
    const double r = sqrt(-elementary_log(tail));
    const double value = r <= 5 ? elementary_normal_near(r) : elementary_ratio(e, f, r - 5);
    return is_low ? -value : value;
}
