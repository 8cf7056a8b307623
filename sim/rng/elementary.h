// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_RNG_ELEMENTARY_H
#define OFFLOADSIM_RNG_ELEMENTARY_H

// Logarithm, exponential and normal quantile out of additions, multiplications, divisions and
// square roots alone. IEEE 754 fixes the result of those to the bit, while a C library's log() and
// exp() differ between versions and, inside one library, between processors with and without fused
// multiply-add. Every variate goes through these three, so that a seed means the same run on every
// machine. (One constant does not: the scale of a Weibull law needs GSL's gamma function.)

#include <stdint.h>
#include <string.h>

// Natural logarithm of a positive, normal, finite number; error below 1 unit in the last place.
// x = 2^k m with m in [sqrt(1/2), sqrt(2)); with f = m - 1 and s = f / (2 + f),
// log(1 + f) = f - s (f - R(s^2)), R the degree-7 minimax polynomial of FreeBSD's e_log.c
// (coefficients Lg1 .. Lg7).
static inline double elementary_log(double x)
{
    static const double ln2_high = 6.93147180369123816490e-01;
    static const double ln2_low = 1.90821492927058770002e-10;
    uint64_t bits;
    memcpy(&bits, &x, sizeof(bits));
    // 0x3fe6a09e... is sqrt(1/2): subtracting it carries into the exponent just when m would
    // reach sqrt(2).
    const uint64_t shifted = bits - UINT64_C(0x3fe6a09e667f3bcd);
    const int64_t k = (int64_t)shifted >> 52;
    bits -= (uint64_t)k << 52;
    double m;
    memcpy(&m, &bits, sizeof(m));
    const double f = m - 1.0;
    const double s = f / (2.0 + f);
    const double z = s * s;
    const double w = z * z;
    const double even = w * (3.999999999940941908e-01 +
                             w * (2.222219843214978396e-01 + w * 1.531383769920937332e-01));
    const double odd = z * (6.666666666666735130e-01 +
                            w * (2.857142874366239149e-01 +
                                 w * (1.818357216161805012e-01 + w * 1.479819860511658591e-01)));
    const double half_square = 0.5 * f * f;
    const double dk = (double)k;
    return dk * ln2_high - ((half_square - (s * (half_square + (even + odd)) + dk * ln2_low)) - f);
}

// Exponential function, error below 1 unit in the last place for |x| <= 700; 0 below, infinity
// above. x = k ln 2 + r with
// |r| <= ln(2) / 2; exp(r) = 1 + r + r c / (2 - c), c = r - r^2 P(r^2), P of degree 4 from
// FreeBSD's e_exp.c (coefficients P1 .. P5).
double elementary_exp(double x);

// Quantile of the standard normal distribution for p in (0, 1): algorithm AS 241, PPND16
// (M. J. Wichura, Applied Statistics 37, 1988); relative error about 1e-16.
double elementary_normal(double p);

#endif
