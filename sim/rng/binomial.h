// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_RNG_BINOMIAL_H
#define OFFLOADSIM_RNG_BINOMIAL_H

// How many of n independent trials succeed: exact in distribution, for any n, in a time that grows
// like log n.
//
// Where few successes are expected, the gaps between them are drawn, which are geometric. Where
// many are, the problem is halved: the i-th smallest of n uniform numbers has the law Beta(i,
// n + 1 - i); if it is below p, so are the i - 1 before it, else so are none from it on, and
// what is left is binomial again (Relles, JASA 67, 1972; Ahrens and Dieter, Computing 12, 1974).

#include "rng/stream.h"

// `*sub` is the number of the first word of the address's own sequence to use; it is moved behind
// the last.
uint64_t binomial_draw(uint64_t n, double p, const struct stream_at *at, uint64_t *sub);

// After how many trials the first succeeds, from 1 on; `most` + 1 if none of so many does.
uint64_t geometric_draw(uint64_t most, double p, const struct stream_at *at, uint64_t *sub);

#endif
