// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/decimal.h"

#include "base/bit.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

// A double is m 2^e with m of 53 bits. Times 10^p it has 17 digits before the point; all of
// 4 m 5^p, the value, and of 2 * 5^p, half the distance to its neighbours, are whole numbers, to be
// divided by 2^shift. In the range taken, p is 2 to 27, the first is below 2^118, and `shift` is 3
// to 61.
struct scaled {
    bit_pair_type value;
    bit_pair_type above; // half the distance to the next double
    bit_pair_type below; // to the one before
    int shift;
    int power; // p
};

static const double least_magnitude = 1e-10;
static const double magnitude_limit = 1e15;

enum { MOST_DIGITS = 17, FEWEST_DIGITS = 15 };

static const uint64_t least_of_most_digits = 10000000000000000;

static const uint64_t powers_of_five[] = {1,
                                          5,
                                          25,
                                          125,
                                          625,
                                          3125,
                                          15625,
                                          78125,
                                          390625,
                                          1953125,
                                          9765625,
                                          48828125,
                                          244140625,
                                          1220703125,
                                          6103515625,
                                          30517578125,
                                          152587890625,
                                          762939453125,
                                          3814697265625,
                                          19073486328125,
                                          95367431640625,
                                          476837158203125,
                                          2384185791015625,
                                          11920928955078125,
                                          59604644775390625,
                                          298023223876953125,
                                          1490116119384765625,
                                          7450580596923828125};

static struct scaled scale(uint64_t mantissa, int exponent, int power)
{
    const bit_pair_type five = powers_of_five[power];
    const bool is_first = mantissa == UINT64_C(1) << 52; // of its power of two
    return (struct scaled){.value = 4 * five * mantissa,
                           .above = 2 * five,
                           .below = is_first ? five : 2 * five,
                           .shift = 2 - exponent - power,
                           .power = power};
}

static struct scaled scale_to_most_digits(double magnitude)
{
    const uint64_t bits = bit_of_double(magnitude);
    const uint64_t mantissa = (bits & (UINT64_MAX >> 12)) | UINT64_C(1) << 52;
    const int exponent = (int)(bits >> 52) - 1075;
    // The logarithm of 2 is 0.30103: this is the number of digits before the point or one less.
    const int digits = (int)floor((exponent + 52) * 0.30103) + 1;
    const struct scaled scaled = scale(mantissa, exponent, MOST_DIGITS - digits);
    const bool is_too_long = (scaled.value >> scaled.shift) / 10 >= least_of_most_digits;
    return is_too_long ? scale(mantissa, exponent, scaled.power - 1) : scaled;
}

// Rounds to a multiple of `unit` in the last of 17 digits, halves to even as printf() does. Returns
// whether what comes out reads back as the value; it is `ret_digits` times the unit. In the middle
// between two doubles lies no decimal of 16 digits or fewer: below 10^15 it has at least one of
// them behind the point, but 2^53 * 5 has 17.
static bool round_to(const struct scaled *scaled, uint64_t unit, uint64_t *ret_digits)
{
    const uint64_t whole = (uint64_t)(scaled->value >> scaled->shift);
    const bit_pair_type step = (bit_pair_type)unit << scaled->shift;
    uint64_t digits = whole / unit;
    const bit_pair_type rest = scaled->value - digits * step;
    const bool is_up = 2 * rest > step || (2 * rest == step && digits % 2 == 1);
    const bit_pair_type error = is_up ? step - rest : rest;
    const bit_pair_type room = is_up ? scaled->above : scaled->below;
    *ret_digits = digits + is_up;
    return error < room;
}

// The digits of `number` without the zeros at its end, and how many zeros these are.
static int write_digits(char buffer[DECIMAL_ROOM], uint64_t number, int *ret_zeros)
{
    char reversed[DECIMAL_ROOM];
    int count = 0;
    *ret_zeros = 0;
    while (number % 10 == 0) {
        number /= 10;
        ++*ret_zeros;
    }
    for (; number; number /= 10) {
        reversed[count++] = (char)('0' + number % 10);
    }
    for (int i = 0; i < count; i++) {
        buffer[i] = reversed[count - 1 - i];
    }
    return count;
}

static char *write_zeros(char *end, int count)
{
    for (int i = 0; i < count; i++) {
        *end++ = '0';
    }
    return end;
}

static char *write_bytes(char *end, const char *bytes, int count)
{
    memcpy(end, bytes, (size_t)count);
    return end + count;
}

// What "%g" makes of digits whose first one counts 10^exponent.
static void write_number(char *end, const char *digits, int count, int exponent)
{
    if (exponent < -4) {
        *end++ = digits[0];
        if (count > 1) {
            *end++ = '.';
            end = write_bytes(end, digits + 1, count - 1);
        }
        *end++ = 'e';
        *end++ = '-';
        *end++ = (char)('0' + -exponent / 10);
        *end++ = (char)('0' + -exponent % 10);
    } else if (exponent < 0) {
        end = write_bytes(end, "0.", 2);
        end = write_zeros(end, -exponent - 1);
        end = write_bytes(end, digits, count);
    } else if (count <= exponent + 1) {
        end = write_bytes(end, digits, count);
        end = write_zeros(end, exponent + 1 - count);
    } else {
        end = write_bytes(end, digits, exponent + 1);
        *end++ = '.';
        end = write_bytes(end, digits + exponent + 1, count - exponent - 1);
    }
    *end = '\0';
}

bool decimal_write(char buffer[DECIMAL_ROOM], double value)
{
    const double magnitude = fabs(value);
    char *end = buffer;
    if (value != 0 && !(magnitude >= least_magnitude && magnitude < magnitude_limit)) {
        return false;
    }
    if (signbit(value)) {
        *end++ = '-';
    }
    if (value == 0) {
        write_bytes(end, "0", 2);
        return true;
    }
    const struct scaled scaled = scale_to_most_digits(magnitude);
    uint64_t number;
    int left_out = MOST_DIGITS - FEWEST_DIGITS;
    for (uint64_t unit = 100; !round_to(&scaled, unit, &number) && unit > 1; unit /= 10) {
        left_out--;
    }
    char digits[DECIMAL_ROOM] = "";
    int zeros;
    const int count = write_digits(digits, number, &zeros);
    write_number(end, digits, count, count + zeros + left_out - scaled.power - 1);
    return true;
}
