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

static void words_of(struct stream_key key, uint64_t purpose, uint64_t entity, uint64_t first,
                     uint64_t sub, size_t count, uint64_t *ret_words)
{
    struct schedule schedule;
    schedule_init(&schedule, key);
    size_t done = 0;
    while (done < count) {
        const uint64_t index = first + done;
        const philox4x64_ctr_t words = philox(&schedule, purpose, entity, index >> 2, sub);
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

void block_words(struct stream_key key, uint64_t purpose, uint64_t entity, uint64_t first,
                 size_t count, uint64_t *ret_words)
{
    words_of(key, purpose, entity, first, 0, count, ret_words);
}

static void words_at(struct stream_key key, uint64_t purpose, const uint32_t *entities,
                     const uint64_t *indices, uint64_t sub, size_t count, uint64_t *ret_words)
{
    struct schedule schedule;
    schedule_init(&schedule, key);
    for (size_t i = 0; i < count; i++) {
        const philox4x64_ctr_t words =
            philox(&schedule, purpose, entities[i], indices[i] >> 2, sub);
        ret_words[i] = words.v[indices[i] & 3] ^ key.turn;
    }
}

void block_words_at(struct stream_key key, uint64_t purpose, const uint32_t *entities,
                    const uint64_t *indices, size_t count, uint64_t *ret_words)
{
    words_at(key, purpose, entities, indices, 0, count, ret_words);
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

// The words of the indices, or with STREAM_SECOND their second ones.
static void place_words(const struct place *place, uint64_t sub, size_t count, uint64_t *ret_words)
{
    if (place->entities) {
        words_at(place->key, place->purpose, place->entities, place->indices, sub, count,
                 ret_words);
    } else {
        words_of(place->key, place->purpose, place->entity, place->first, sub, count, ret_words);
    }
}

// gamma_draw() for all: what is doubtful goes through a second round with the rest of its uniform
// number, what is rejected then through a third with the next try, and one in some hundreds by
// itself.
static void draw_gamma(const struct distribution *distribution, const struct block_loops *loops,
                       const struct place *place, const uint64_t *words, size_t count,
                       double *ret_values)
{
    uint16_t doubtful[BLOCK_LOOPS_MOST];
    uint16_t rejected[BLOCK_LOOPS_MOST];
    uint64_t tried[BLOCK_LOOPS_MOST];
    uint64_t rests[BLOCK_LOOPS_MOST];
    uint64_t next_words[BLOCK_LOOPS_MOST];
    uint64_t next_rests[BLOCK_LOOPS_MOST];
    double values[BLOCK_LOOPS_MOST];
    struct schedule schedule;
    schedule_init(&schedule, place->key);
    const size_t doubts = loops->gamma(distribution, words, NULL, count, ret_values, doubtful);
    for (size_t i = 0; i < doubts; i++) {
        const struct stream_at at = place_at(place, doubtful[i]);
        const philox4x64_ctr_t further = philox(&schedule, at.purpose, at.entity, at.index, 1);
        tried[i] = words[doubtful[i]];
        rests[i] = further.v[0] ^ at.key.turn;
        next_words[i] = further.v[1] ^ at.key.turn;
        next_rests[i] = further.v[2] ^ at.key.turn;
    }
    const size_t rejections = loops->gamma(distribution, tried, rests, doubts, values, rejected);
    for (size_t i = 0; i < rejections; i++) {
        doubtful[i] = doubtful[rejected[i]];
        tried[i] = next_words[rejected[i]];
        rests[i] = next_rests[rejected[i]];
    }
    const size_t left = loops->gamma(distribution, tried, rests, rejections, values, rejected);
    for (size_t i = 0; i < rejections; i++) {
        ret_values[doubtful[i]] = values[i];
    }
    for (size_t i = 0; i < left; i++) {
        const size_t which = doubtful[rejected[i]];
        const struct stream_at at = place_at(place, which);
        uint64_t sub = 0;
        ret_values[which] = gamma_draw(distribution->a, distribution->b, words[which], &at, &sub);
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
        place_words(place, 0, count, words);
        draw_gamma(distribution, loops, place, words, count, ret_values);
        if (distribution->c > 0) {
            const struct distribution power = {
                .kind = DISTRIBUTION_PARETO, .a = 1, .b = -distribution->c};
            double powers[BLOCK_LOOPS_MOST];
            place_words(place, STREAM_SECOND, count, words);
            loops->draw(&power, words, count, powers);
            for (size_t i = 0; i < count; i++) {
                ret_values[i] *= powers[i];
            }
        }
        return;
    case DISTRIBUTION_COLUMN:
        CHECK(NULL, distribution->kind != DISTRIBUTION_COLUMN);
        return;
    default:
        place_words(place, 0, count, words);
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
