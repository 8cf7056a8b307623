// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_RNG_BLOCK_H
#define OFFLOADSIM_RNG_BLOCK_H

// Random numbers by the array: to the bit the numbers that single look-ups give, but vectorised,
// and with the four words of a Philox block used at once. Results depend neither on the processor
// nor on how a range of numbers is cut into calls, so a caller takes as many at a time as it likes.
//
// A word costs a quarter of a Philox block (some 2 ns on a processor of 2023), a uniform number no
// more, an exponential one 4 ns, those of Pareto and Weibull and lognormal ones 5 to 6, a gamma one
// 7, and 9 to 11 where its cv is above 1. At scattered addresses each number costs a whole block,
// so 7 ns more. A call costs some tens of nanoseconds before its first number, which does not
// matter from some 64 numbers on. tests/bench/bench_variates measures all of it.
//
// `ret_` arrays belong to the caller and have room for `count` numbers.

#include "rng/distribution.h"
#include "rng/stream.h"

#include <stddef.h>
#include <stdint.h>

// The words of indices first .. first + count - 1 of one stream: what stream_word() gives there.
void block_words(struct stream_key key, uint64_t purpose, uint64_t entity, uint64_t first,
                 size_t count, uint64_t *ret_words);

// The words of scattered addresses: index indices[i] of entity entities[i]. Each takes a Philox
// block of its own, four times the work.
void block_words_at(struct stream_key key, uint64_t purpose, const uint32_t *entities,
                    const uint64_t *indices, size_t count, uint64_t *ret_words);

// What distribution_draw() gives at the same addresses. Not for columns.
void block_draw(const struct distribution *distribution, struct stream_key key, uint64_t purpose,
                uint64_t entity, uint64_t first, size_t count, double *ret_values);
void block_draw_at(const struct distribution *distribution, struct stream_key key, uint64_t purpose,
                   const uint32_t *entities, const uint64_t *indices, size_t count,
                   double *ret_values);

// The functions of rng/elementary.h, in place or from one array to another that does not overlap
// it.
void block_log(const double *x, size_t count, double *ret_logarithms);
void block_exp(const double *x, size_t count, double *ret_exponentials);
void block_normal(const double *p, size_t count, double *ret_quantiles);

#endif
