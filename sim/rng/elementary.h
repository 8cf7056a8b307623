// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_RNG_ELEMENTARY_H
#define OFFLOADSIM_RNG_ELEMENTARY_H

// Logarithm, exponential and normal quantile out of additions, multiplications, divisions and
// square roots alone. IEEE 754 fixes the result of those to the bit, while a C library's log() and
// exp() differ between versions and, inside one library, between processors with and without fused
// multiply-add. Every variate goes through these three, so that a seed means the same run on every
// machine. (One constant does not: the scale of a Weibull law needs GSL's gamma function.)

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

// An integer below 2^52 as a number. 0x433 is the exponent at which the last place counts ones.
// Compilers vectorise this, while processors convert 64-bit integers one by one.
static inline double elementary_number(uint64_t integer)
{
    const uint64_t bits = integer | UINT64_C(0x4330000000000000);
    double shifted;
    memcpy(&shifted, &bits, sizeof(shifted));
    return shifted - 0x1p52;
}

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
    // reach sqrt(2). Adding the exponent of 1 keeps what is shifted positive: it is k + 1023.
    const uint64_t raised = bits - UINT64_C(0x3fe6a09e667f3bcd) + UINT64_C(0x3ff0000000000000);
    bits = bits - (raised & UINT64_C(0xfff0000000000000)) + UINT64_C(0x3ff0000000000000);
    double m;
    memcpy(&m, &bits, sizeof(m));
    const double dk = elementary_number(raised >> 52) - 1023.0;
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
    return dk * ln2_high - ((half_square - (s * (half_square + (even + odd)) + dk * ln2_low)) - f);
}

// Exponential function, error below 1 unit in the last place for |x| <= 700; 0 below, infinity
// above. x = k ln 2 + r with
// |r| <= ln(2) / 2; exp(r) = 1 + r + r c / (2 - c), c = r - r^2 P(r^2), P of degree 4 from
// FreeBSD's e_exp.c (coefficients P1 .. P5).
static inline double elementary_exp(double x)
{
    static const double ln2_high = 6.93147180369123816490e-01;
    static const double ln2_low = 1.90821492927058770002e-10;
    static const double one_over_ln2 = 1.44269504088896338700e+00;
    // Adding 1.5 * 2^52 rounds to the nearest integer, which is then in the lowest bits.
    static const double rounder = 0x1.8p52;
    const double shifted = x * one_over_ln2 + rounder;
    const double k = shifted - rounder;
    const double high = x - k * ln2_high;
    const double low = k * ln2_low;
    const double r = high - low;
    const double t = r * r;
    const double c =
        r - t * (1.66666666666666019037e-01 +
                 t * (-2.77777777770155933842e-03 +
                      t * (6.61375632143793436117e-05 +
                           t * (-1.65339022054652515390e-06 + t * 4.13813679705723846039e-08))));
    const double y = 1.0 - ((low - (r * c) / (2.0 - c)) - high);
    uint64_t integer;
    memcpy(&integer, &shifted, sizeof(integer));
    uint64_t bits;
    memcpy(&bits, &y, sizeof(bits));
    bits += integer << 52;
    double result;
    memcpy(&result, &bits, sizeof(result));
    const double beyond = x < 0 ? 0 : x > 0 ? HUGE_VAL : x;
    return fabs(x) <= 700 ? result : beyond;
}

// Quantile of the standard normal distribution for p in (0, 1): algorithm AS 241, PPND16
// (M. J. Wichura, Applied Statistics 37, 1988); relative error about 1e-16. Three approximations:
// one for the central 85 %, of q = p - 1/2, and two for the tails, of r = sqrt(-log(p or 1 - p)).
static inline bool elementary_normal_is_central(double q)
{
    return fabs(q) <= 0.425;
}

// A ratio of two polynomials of degree 7, constant term first.
static inline double elementary_ratio(const double top[8], const double bottom[8], double x)
{
    double a = top[7];
    double b = bottom[7];
    for (int i = 6; i >= 0; i--) {
        a = a * x + top[i];
        b = b * x + bottom[i];
    }
    return a / b;
}

static inline double elementary_normal_centre(double q)
{
    static const double a[8] = {3.3871328727963666080e0,  1.3314166789178437745e+2,
                                1.9715909503065514427e+3, 1.3731693765509461125e+4,
                                4.5921953931549871457e+4, 6.7265770927008700853e+4,
                                3.3430575583588128105e+4, 2.5090809287301226727e+3};
    static const double b[8] = {1.0,
                                4.2313330701600911252e+1,
                                6.8718700749205790830e+2,
                                5.3941960214247511077e+3,
                                2.1213794301586595867e+4,
                                3.9307895800092710610e+4,
                                2.8729085735721942674e+4,
                                5.2264952788528545610e+3};
    return q * elementary_ratio(a, b, 0.180625 - q * q);
}

// Of the tails up to r = 5, which leaves 3e-11 of all numbers; positive.
static inline double elementary_normal_near(double r)
{
    static const double c[8] = {1.42343711074968357734e0,  4.63033784615654529590e0,
                                5.76949722146069140550e0,  3.64784832476320460504e0,
                                1.27045825245236838258e0,  2.41780725177450611770e-1,
                                2.27238449892691845833e-2, 7.74545014278341407640e-4};
    static const double d[8] = {1.0,
                                2.05319162663775882187e0,
                                1.67638483018380384940e0,
                                6.89767334985100004550e-1,
                                1.48103976427480074590e-1,
                                1.51986665636164571966e-2,
                                5.47593808499534494600e-4,
                                1.05075007164441684324e-9};
    return elementary_ratio(c, d, r - 1.6);
}

double elementary_normal_tail(double p);

static inline double elementary_normal(double p)
{
    const double q = p - 0.5;
    return elementary_normal_is_central(q) ? elementary_normal_centre(q)
                                           : elementary_normal_tail(p);
}

#endif
