// SPDX-License-Identifier: GPL-3.0-or-later

// Links: rates, delays and radios.

#include "base/memory.h"
#include "scenario/grammar_parts.h"
#include "scenario/spec.h"

#include <math.h>

#define LINK_OFFSET(member) offsetof(struct spec_link, member)
#define RATE_OFFSET(member) offsetof(struct spec_rate, member)

// Bytes per second; below it a transfer would outlast every simulation.
#define LEAST_RATE 1e-3

static const struct field constant_rate_fields[] = {
    {.name = "rate",
     .offset = RATE_OFFSET(bytes_per_s),
     .type = {.kind = FIELD_NUMBER,
              .dimension = DIMENSION_RATE,
              RANGE(LEAST_RATE, MOST_NUMBER),
              .word = "unlimited",
              .word_value = INFINITY},
     .meaning = "the rate itself"},
    {.name = NULL},
};

static const struct field_type step_time = {
    .kind = FIELD_NUMBER, .dimension = DIMENSION_TIME, RANGE(0, MOST_TIME)};
static const struct field_type step_rate = {
    .kind = FIELD_NUMBER, .dimension = DIMENSION_RATE, RANGE(0, MOST_NUMBER)};

static const struct field step_rate_fields[] = {
    {.name = "times",
     .offset = RATE_OFFSET(times_s),
     .type = {.kind = FIELD_LIST,
              .flags = FIELD_NOT_EMPTY,
              .element = &step_time,
              .element_bytes = sizeof(double),
              .count_offset = RATE_OFFSET(count)},
     .meaning = "when each rate begins; the first is 0 s"},
    {.name = "rates",
     .offset = RATE_OFFSET(rates),
     .type = {.kind = FIELD_LIST,
              .flags = FIELD_SAME_COUNT,
              .element = &step_rate,
              .element_bytes = sizeof(double),
              .count_offset = RATE_OFFSET(count)},
     .meaning = "the rates, one for each time; 0 is an outage, others are 0.001 B/s or more"},
    {.name = "period",
     .offset = RATE_OFFSET(period_s),
     .type = {.kind = FIELD_NUMBER,
              .dimension = DIMENSION_TIME,
              RANGE(1e-9, MOST_TIME),
              .word = "never",
              .word_value = INFINITY},
     .default_text = "never",
     .meaning = "when the pattern starts again; 'never' keeps the last rate"},
    {.name = NULL},
};

static const char *check_steps(const void *members, const char **ret_hint)
{
    const struct spec_rate *rate = members;
    double highest = 0;
    for (int i = 0; i < rate->count; i++) {
        if (i ? rate->times_s[i] <= rate->times_s[i - 1] : rate->times_s[0] != 0) {
            *ret_hint = "start at 0 s and list the times in order";
            return i ? "'times' do not increase" : "'times' do not start at 0 s";
        }
        if (rate->rates[i] > 0 && rate->rates[i] < LEAST_RATE) {
            *ret_hint = "for an outage write 0 B/s; other rates are at least 0.001 B/s";
            return "a rate is hardly above 0";
        }
        highest = rate->rates[i] > highest ? rate->rates[i] : highest;
    }
    if (rate->count && rate->period_s <= rate->times_s[rate->count - 1]) {
        *ret_hint = "make 'period' longer than the last of 'times'";
        return "'period' ends before the last rate begins";
    }
    if (rate->count && isinf(rate->period_s) && rate->rates[rate->count - 1] <= 0) {
        *ret_hint = "end with a rate above 0, or give a 'period'";
        return "the last rate is 0 and stays, so nothing would ever arrive";
    }
    *ret_hint = "give at least one rate above 0";
    return highest > 0 ? NULL : "all rates are 0";
}

static const struct field_case rate_cases[] = {
    {.name = "constant",
     .value = RATE_CONSTANT,
     .fields = constant_rate_fields,
     .meaning = "always the same; a bare value means this"},
    {.name = "steps",
     .value = RATE_STEPS,
     .fields = step_rate_fields,
     .meaning = "constant between given times",
     .check = check_steps},
    {.name = NULL},
};

#define LINK_RATE                                                                                  \
    {                                                                                              \
        .kind = FIELD_VARIANT, .noun = "rate", .cases = rate_cases, .bare_case = "constant",       \
        .kind_offset = RATE_OFFSET(kind)                                                           \
    }

#define RADIO_OFFSET(member) offsetof(struct spec_radio, member)
#define RADIO_POWER                                                                                \
    {                                                                                              \
        .kind = FIELD_NUMBER, .dimension = DIMENSION_POWER, RANGE(0, MOST_NUMBER)                  \
    }
#define RADIO_BYTE                                                                                 \
    {                                                                                              \
        .kind = FIELD_NUMBER, .dimension = DIMENSION_BYTE_ENERGY, RANGE(0, MOST_NUMBER)            \
    }

static const struct field radio_fields[] = {
    {.name = "send",
     .offset = RADIO_OFFSET(send_w),
     .type = RADIO_POWER,
     .default_text = "0 W",
     .meaning = "power while it sends: a constant, or the base of base + slope * rate"},
    {.name = "send_per_byte",
     .offset = RADIO_OFFSET(send_j_per_byte),
     .type = RADIO_BYTE,
     .default_text = "0 J/B",
     .meaning = "energy for each byte sent, which is also the slope of the power over the rate"},
    {.name = "receive",
     .offset = RADIO_OFFSET(receive_w),
     .type = RADIO_POWER,
     .default_text = "0 W",
     .meaning = "power while it receives"},
    {.name = "receive_per_byte",
     .offset = RADIO_OFFSET(receive_j_per_byte),
     .type = RADIO_BYTE,
     .default_text = "0 J/B",
     .meaning = "energy for each byte received"},
    {.name = NULL},
};

static const struct field link_fields[] = {
    {.name = "from",
     .offset = LINK_OFFSET(from),
     .type = {.kind = FIELD_REFERENCE, .set = FIELD_TIERS},
     .meaning = "the lower tier"},
    {.name = "to",
     .offset = LINK_OFFSET(to),
     .type = {.kind = FIELD_REFERENCE, .set = FIELD_TIERS},
     .meaning = "the higher tier"},
    {.name = "count",
     .offset = LINK_OFFSET(count),
     .type = {.kind = FIELD_INTEGER, RANGE(1, 1e7), .word = "each", .word_value = 0},
     .default_text = "each",
     .meaning = "parallel links, each shared by its part of the lower tier's nodes; 'each' gives "
                "every node its own"},
    {.name = "up",
     .offset = LINK_OFFSET(up),
     .type = LINK_RATE,
     .default_text = "unlimited",
     .meaning = "rate towards the higher tier"},
    {.name = "down",
     .offset = LINK_OFFSET(down),
     .type = LINK_RATE,
     .default_text = "unlimited",
     .meaning = "rate towards the lower tier"},
    {.name = "delay",
     .offset = LINK_OFFSET(delay),
     .type = DISTRIBUTION(DIMENSION_TIME, 0),
     .default_text = "0 s",
     .meaning = "propagation delay, each way, on top of the time that the bytes take"},
    {.name = "overhead",
     .offset = LINK_OFFSET(overhead_bytes),
     .type = {.kind = FIELD_NUMBER, .dimension = DIMENSION_BYTES, RANGE(0, MOST_BYTES)},
     .default_text = "0 B",
     .meaning = "bytes that every message has on top of its content"},
    {.name = "probe",
     .offset = LINK_OFFSET(probe_s),
     .type = {.kind = FIELD_NUMBER,
              .dimension = DIMENSION_TIME,
              ABOVE(0, MOST_TIME),
              .word = "never",
              .word_value = INFINITY},
     .default_text = "never",
     .meaning = "how often the lower tier's nodes learn the rate upward, as a modem reports it; "
                "'never' leaves them what their own transfers show"},
    {.name = "radio",
     .offset = LINK_OFFSET(radio),
     .type = {.kind = FIELD_OBJECT, .fields = radio_fields},
     .flags = FIELD_SECTION,
     .meaning = "what the radio of the lower tier's node takes, for the energy"},
    {.name = "room",
     .offset = LINK_OFFSET(room),
     .type = ROOM_TYPE,
     .default_text = "unlimited",
     .meaning = "messages that may wait in each direction; more are dropped"},
    {.name = NULL},
};

const struct field_type grammar_link = {
    .kind = FIELD_OBJECT, .noun = "link", .fields = link_fields};

const char *grammar_link_name(const void *item, const struct field_names *names,
                              struct arena *arena)
{
    const struct spec_link *link = item;
    if (link->from < 0 || link->to < 0 || !names->names[FIELD_TIERS]) {
        return NULL;
    }
    const char *const *tiers = names->names[FIELD_TIERS];
    if (!tiers[link->from] || !tiers[link->to]) {
        return NULL;
    }
    return arena_format(arena, "%s-%s", tiers[link->from], tiers[link->to]);
}
