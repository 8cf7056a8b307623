// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_RNG_GAMMA_H
#define OFFLOADSIM_RNG_GAMMA_H

// A gamma variate (Marsaglia and Tsang, "A simple method for generating gamma variables", ACM TOMS
// 26, 2000): a squeezed rejection that takes 1.05 tries at worst.

#include "rng/stream.h"

// The first try uses `word`; further words come from the sequence that belongs to the address, from
// number `*sub` on, which is moved behind those that were taken.
double gamma_draw(double scale, double shape, uint64_t word, const struct stream_at *at,
                  uint64_t *sub);

#endif
