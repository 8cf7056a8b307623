// SPDX-License-Identifier: GPL-3.0-or-later
#include "rng/block.h"

#include "base/check.h"
#include "rng/block_loops.h"
#include "rng/gamma.h"

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
                                      uint64_t entity, uint64_t block, uint64_t sub)
{
    philox4x64_ctr_t words = {{block, entity, purpose, sub}};
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
        const philox4x64_ctr_t words = philox(&schedule, purpose, entity, index >> 2, 0);
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
        const philox4x64_ctr_t words = philox(&schedule, purpose, entities[i], indices[i] >> 2, 0);
        ret_words[i] = words.v[indices[i] & 3] ^ key.turn;
    }
}

// ---- variates ----

// Where a part of the numbers is: of one entity with indices that follow one another, or anywhere.
struct place {
    struct stream_key key;
    uint64_t purpose;
    uint64_t entity;
    uint64_t first;
    const uint32_t *entities; // NULL: `entity` and `first` count
    const uint64_t *indices;
};

static struct stream_at place_at(const struct place *place, size_t i)
{
    return (struct stream_at){place->key, place->purpose,
                              place->entities ? place->entities[i] : place->entity,
                              place->entities ? place->indices[i] : place->first + i};
}

static void place_words(const struct place *place, size_t count, uint64_t *ret_words)
{
    if (place->entities) {
        block_words_at(place->key, place->purpose, place->entities, place->indices, count,
                       ret_words);
    } else {
        block_words(place->key, place->purpose, place->entity, place->first, count, ret_words);
    }
}

// gamma_draw() for all, one try after the other; the words are written over with those of the next
// tries.
static void draw_gamma(const struct distribution *distribution, const struct block_loops *loops,
                       const struct place *place, uint64_t *words, size_t count, double *ret_values)
{
    uint16_t places[BLOCK_LOOPS_MOST];
    uint16_t doubtful[BLOCK_LOOPS_MOST];
    double bounds[BLOCK_LOOPS_MOST];
    double values[BLOCK_LOOPS_MOST];
    struct schedule schedule;
    schedule_init(&schedule, place->key);
    size_t doubts = loops->gamma(distribution, words, count, ret_values, bounds, doubtful);
    for (size_t i = 0; i < count; i++) {
        places[i] = (uint16_t)i;
    }
    for (uint64_t sub = 0; doubts > 0; sub += 2) {
        size_t rejected = 0;
        for (size_t i = 0; i < doubts; i++) {
            const uint16_t where = places[doubtful[i]];
            const struct stream_at at = place_at(place, where);
            const philox4x64_ctr_t further =
                philox(&schedule, at.purpose, at.entity, at.index, 1 + (sub >> 2));
            const uint64_t rest = further.v[sub & 3] ^ at.key.turn;
            const bool is_kept = gamma_fine(words[doubtful[i]], rest) < bounds[i];
            places[rejected] = where;
            words[rejected] = further.v[(sub & 3) + 1] ^ at.key.turn;
            rejected += is_kept ? 0 : 1;
        }
        doubts = loops->gamma(distribution, words, rejected, values, bounds, doubtful);
        for (size_t i = 0; i < rejected; i++) {
            ret_values[places[i]] = values[i];
        }
    }
}

// At most BLOCK_LOOPS_MOST numbers.
static void draw_part(const struct distribution *distribution, const struct block_loops *loops,
                      const struct place *place, size_t count, double *ret_values)
{
    uint64_t words[BLOCK_LOOPS_MOST];
    switch (distribution->kind) {
    case DISTRIBUTION_CONSTANT:
    case DISTRIBUTION_TABLE:
    case DISTRIBUTION_LINEAR:
        for (size_t i = 0; i < count; i++) {
            ret_values[i] = distribution->a;
        }
        return;
    case DISTRIBUTION_GAMMA:
        place_words(place, count, words);
        draw_gamma(distribution, loops, place, words, count, ret_values);
        return;
    case DISTRIBUTION_COLUMN:
        CHECK(NULL, distribution->kind != DISTRIBUTION_COLUMN);
        return;
    default:
        place_words(place, count, words);
        loops->draw(distribution, words, count, ret_values);
        return;
    }
}

void block_draw(const struct distribution *distribution, struct stream_key key, uint64_t purpose,
                uint64_t entity, uint64_t first, size_t count, double *ret_values)
{
    const struct block_loops *loops = block_loops();
    for (size_t done = 0; done < count; done += BLOCK_LOOPS_MOST) {
        const struct place place = {
            .key = key, .purpose = purpose, .entity = entity, .first = first + done};
        draw_part(distribution, loops, &place, least(count - done, BLOCK_LOOPS_MOST),
                  ret_values + done);
    }
}

void block_draw_at(const struct distribution *distribution, struct stream_key key, uint64_t purpose,
                   const uint32_t *entities, const uint64_t *indices, size_t count,
                   double *ret_values)
{
    const struct block_loops *loops = block_loops();
    for (size_t done = 0; done < count; done += BLOCK_LOOPS_MOST) {
        const struct place place = {
            .key = key, .purpose = purpose, .entities = entities + done, .indices = indices + done};
        draw_part(distribution, loops, &place, least(count - done, BLOCK_LOOPS_MOST),
                  ret_values + done);
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
