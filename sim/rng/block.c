// SPDX-License-Identifier: GPL-3.0-or-later
#include "rng/block.h"

#include "base/check.h"
#include "rng/block_loops.h"

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

// ---- words ----

// What Philox adds to its key before each round is the same for all blocks of a key.
struct schedule {
    philox4x64_key_t round[philox4x64_rounds];
};

static void schedule_init(struct schedule *schedule, struct stream_key key)
{
    philox4x64_key_t round = {{key.seed, key.replication}};
    for (int i = 0; i < philox4x64_rounds; i++) {
        schedule->round[i] = round;
        round = _philox4x64bumpkey(round);
    }
}

static inline philox4x64_ctr_t philox(const struct schedule *schedule, uint64_t purpose,
                                      uint64_t entity, uint64_t block)
{
    philox4x64_ctr_t words = {{block, entity, purpose, 0}};
    for (int i = 0; i < philox4x64_rounds; i++) {
        words = _philox4x64round(words, schedule->round[i]);
    }
    return words;
}

void block_words(struct stream_key key, uint64_t purpose, uint64_t entity, uint64_t first,
                 size_t count, uint64_t *ret_words)
{
    struct schedule schedule;
    schedule_init(&schedule, key);
    size_t done = 0;
    while (done < count) {
        const uint64_t index = first + done;
        const philox4x64_ctr_t words = philox(&schedule, purpose, entity, index >> 2);
        if ((index & 3) == 0 && count - done >= 4) {
            for (int i = 0; i < 4; i++) {
                ret_words[done + (size_t)i] = words.v[i] ^ key.turn;
            }
            done += 4;
        } else {
            for (uint64_t i = index & 3; i < 4 && done < count; i++) {
                ret_words[done++] = words.v[i] ^ key.turn;
            }
        }
    }
}

void block_words_at(struct stream_key key, uint64_t purpose, const uint32_t *entities,
                    const uint64_t *indices, size_t count, uint64_t *ret_words)
{
    struct schedule schedule;
    schedule_init(&schedule, key);
    for (size_t i = 0; i < count; i++) {
        const philox4x64_ctr_t words = philox(&schedule, purpose, entities[i], indices[i] >> 2);
        ret_words[i] = words.v[indices[i] & 3] ^ key.turn;
    }
}

// ---- variates ----

static bool needs_words(const struct distribution *distribution)
{
    return distribution->kind != DISTRIBUTION_CONSTANT && !distribution_is_by_batch(distribution);
}

static void draw(const struct distribution *distribution, const struct block_loops *loops,
                 const uint64_t *words, size_t count, double *ret_values)
{
    CHECK(NULL, distribution->kind != DISTRIBUTION_COLUMN);
    loops->draw(distribution, words, count, ret_values);
}

void block_draw(const struct distribution *distribution, struct stream_key key, uint64_t purpose,
                uint64_t entity, uint64_t first, size_t count, double *ret_values)
{
    const struct block_loops *loops = block_loops();
    uint64_t words[BLOCK_LOOPS_MOST];
    for (size_t done = 0; done < count;) {
        const size_t part = least(count - done, BLOCK_LOOPS_MOST);
        if (needs_words(distribution)) {
            block_words(key, purpose, entity, first + done, part, words);
        }
        if (distribution->kind == DISTRIBUTION_GAMMA) {
            for (size_t i = 0; i < part; i++) {
                const struct stream_at at = {key, purpose, entity, first + done + i};
                ret_values[done + i] = distribution_draw_from(distribution, words[i], &at);
            }
        } else {
            draw(distribution, loops, words, part, ret_values + done);
        }
        done += part;
    }
}

void block_draw_at(const struct distribution *distribution, struct stream_key key, uint64_t purpose,
                   const uint32_t *entities, const uint64_t *indices, size_t count,
                   double *ret_values)
{
    const struct block_loops *loops = block_loops();
    uint64_t words[BLOCK_LOOPS_MOST];
    for (size_t done = 0; done < count;) {
        const size_t part = least(count - done, BLOCK_LOOPS_MOST);
        if (needs_words(distribution)) {
            block_words_at(key, purpose, entities + done, indices + done, part, words);
        }
        if (distribution->kind == DISTRIBUTION_GAMMA) {
            for (size_t i = 0; i < part; i++) {
                const struct stream_at at = {key, purpose, entities[done + i], indices[done + i]};
                ret_values[done + i] = distribution_draw_from(distribution, words[i], &at);
            }
        } else {
            draw(distribution, loops, words, part, ret_values + done);
        }
        done += part;
    }
}

// ---- functions ----

#define IN_PARTS(FUNCTION, FROM, COUNT, TO)                                                        \
    do {                                                                                           \
        const struct block_loops *loops = block_loops();                                           \
        for (size_t done = 0; done < (COUNT); done += BLOCK_LOOPS_MOST) {                          \
            loops->FUNCTION((FROM) + done, least((COUNT)-done, BLOCK_LOOPS_MOST), (TO) + done);    \
        }                                                                                          \
    } while (0)

void block_log(const double *x, size_t count, double *ret_logarithms)
{
    IN_PARTS(log, x, count, ret_logarithms);
}

void block_exp(const double *x, size_t count, double *ret_exponentials)
{
    IN_PARTS(exp, x, count, ret_exponentials);
}

void block_normal(const double *p, size_t count, double *ret_quantiles)
{
    IN_PARTS(normal, p, count, ret_quantiles);
}
