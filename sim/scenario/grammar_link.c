// SPDX-License-Identifier: GPL-3.0-or-later

// Links: rates, delays and radios.

#include "base/memory.h"
#include "scenario/grammar_parts.h"
#include "scenario/spec.h"

#include <math.h>

#define LINK_OFFSET(member) offsetof(struct spec_link, member)
#define LINK_RATE                                                                                  \
    {                                                                                              \
        .kind = FIELD_VARIANT, .noun = "rate", .cases = grammar_rates, .bare_case = "constant",    \
        .kind_offset = offsetof(struct spec_rate, kind)                                            \
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

// ---- loss ----

#define LOSS_OFFSET(member) offsetof(struct spec_loss, member)

static const char *const loss_units[] = {"message", "packet", NULL};

static const struct field loss_fields[] = {
    {.name = "probability",
     .offset = LOSS_OFFSET(probability),
     .type = {.kind = FIELD_NUMBER, RANGE(0, 1)},
     .meaning = "that a transmission is lost, whatever became of others"},
    {.name = "per",
     .offset = LOSS_OFFSET(unit),
     .type = {.kind = FIELD_CHOICE, .choices = loss_units},
     .default_text = "message",
     .meaning = "what is lost and sent again: the whole message, or single packets of it"},
    {.name = "packet",
     .offset = LOSS_OFFSET(packet_bytes),
     .type = {.kind = FIELD_NUMBER, .dimension = DIMENSION_BYTES, RANGE(1, MOST_BYTES)},
     .default_text = "1500 B",
     .meaning = "size of a packet; the last of a message is as large as what is left"},
    {.name = "retries",
     .offset = LOSS_OFFSET(retries),
     .type = {.kind = FIELD_INTEGER, RANGE(0, 1000)},
     .default_text = "7",
     .meaning = "how often what was lost is sent again, without a pause; if the last of them is "
                "lost too, so is the message, and the policy decides what comes of the sample"},
    {.name = NULL},
};

// ---- outages ----

#define OUTAGES_OFFSET(member) offsetof(struct spec_outages, member)

static const struct field random_outage_fields[] = {
    {.name = "every",
     .offset = OUTAGES_OFFSET(every),
     .type = DISTRIBUTION(DIMENSION_TIME, FIELD_NO_COLUMN),
     .meaning = "time from the end of an outage to the start of the next, and to the first"},
    {.name = "last",
     .offset = OUTAGES_OFFSET(last),
     .type = DISTRIBUTION(DIMENSION_TIME, FIELD_NO_COLUMN),
     .meaning = "how long they last"},
    {.name = NULL},
};

static const struct field_type outage_time = {
    .kind = FIELD_NUMBER, .dimension = DIMENSION_TIME, RANGE(0, MOST_TIME)};

static const struct field schedule_fields[] = {
    {.name = "starts",
     .offset = OUTAGES_OFFSET(starts_s),
     .type = {.kind = FIELD_LIST,
              .flags = FIELD_NOT_EMPTY,
              .element = &outage_time,
              .element_bytes = sizeof(double),
              .count_offset = OUTAGES_OFFSET(count)},
     .meaning = "when each outage starts, in order"},
    {.name = "lasts",
     .offset = OUTAGES_OFFSET(lasts_s),
     .type = {.kind = FIELD_LIST,
              .flags = FIELD_SAME_COUNT,
              .element = &outage_time,
              .element_bytes = sizeof(double),
              .count_offset = OUTAGES_OFFSET(count)},
     .meaning = "how long each lasts; it ends before the next starts, and within the period"},
    {.name = "period",
     .offset = OUTAGES_OFFSET(period_s),
     .type = {.kind = FIELD_NUMBER,
              .dimension = DIMENSION_TIME,
              RANGE(1e-9, MOST_TIME),
              .word = "never",
              .word_value = INFINITY},
     .default_text = "never",
     .meaning = "after which they all come again"},
    {.name = NULL},
};

static const char *check_schedule(const void *members, const char **ret_hint)
{
    const struct spec_outages *outages = members;
    double free_s = 0;
    double on_s = 0;
    for (int i = 0; i < outages->count; i++) {
        if (outages->starts_s[i] < free_s) {
            *ret_hint = "list them in order, without overlap";
            return "an outage starts before the one before it has ended";
        }
        on_s += outages->starts_s[i] - free_s;
        free_s = outages->starts_s[i] + outages->lasts_s[i];
    }
    if (free_s > outages->period_s) {
        *ret_hint = "split it: the part behind the end of the period starts at 0 s";
        return "the last outage goes beyond the end of 'period'";
    }
    *ret_hint = "leave some time in between";
    return outages->period_s - free_s + on_s > 0 ? NULL : "the outages leave no time to send";
}

static const struct field_case outage_cases[] = {
    {.name = "random",
     .value = OUTAGES_RANDOM,
     .fields = random_outage_fields,
     .meaning = "at random, for each medium; at first there is none"},
    {.name = "schedule",
     .value = OUTAGES_SCHEDULE,
     .fields = schedule_fields,
     .meaning = "at given times, of all media at once",
     .check = check_schedule},
    {.name = NULL},
};

static const char *const sharings[] = {"fifo", "fair", NULL};
static const char *const duplexes[] = {"full", "half", NULL};

static const struct field link_fields[] = {
    {.name = "from",
     .offset = LINK_OFFSET(from),
     .type = {.kind = FIELD_REFERENCE, .set = FIELD_TIERS},
     .meaning = "the lower tier"},
    {.name = "to",
     .offset = LINK_OFFSET(to),
     .type = {.kind = FIELD_REFERENCE, .set = FIELD_TIERS},
     .meaning = "the higher tier"},
    {.name = "class",
     .offset = LINK_OFFSET(device_class),
     .type = {.kind = FIELD_REFERENCE, .set = FIELD_CLASSES},
     .default_text = "",
     .meaning =
         "from the first tier: only the devices of this class use the link, which is then "
         "called TIER.CLASS-TO; left out, all do that have no link of their own class there"},
    {.name = "count",
     .offset = LINK_OFFSET(count),
     .type = {.kind = FIELD_INTEGER, RANGE(1, 1e7), .word = "each", .word_value = 0},
     .default_text = "each",
     .meaning = "parallel links, each shared by its part of the lower tier's nodes; 'each' gives "
                "every node its own"},
    {.name = "sharing",
     .offset = LINK_OFFSET(sharing),
     .type = {.kind = FIELD_CHOICE, .choices = sharings},
     .default_text = "fifo",
     .meaning = "how messages share a medium: 'fifo', one after the other; 'fair', all at once, "
                "each with a share of the rate in proportion to the weight of its device"},
    {.name = "duplex",
     .offset = LINK_OFFSET(duplex),
     .type = {.kind = FIELD_CHOICE, .choices = duplexes},
     .default_text = "full",
     .meaning = "'half': both directions share one medium, in one queue under 'fifo'"},
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
              RANGE(1e-6, MOST_TIME),
              .word = "never",
              .word_value = INFINITY},
     .default_text = "never",
     .meaning = "how often the lower tier's nodes learn the rate upward, as a modem reports it; "
                "'never' leaves them what their own transfers show"},
    {.name = "loss",
     .offset = LINK_OFFSET(loss),
     .type = {.kind = FIELD_OBJECT,
              .fields = loss_fields,
              .flags = FIELD_HAS_PRESENCE | FIELD_OR_SINGLE,
              .count_offset = LOSS_OFFSET(present)},
     .flags = FIELD_OPTIONAL,
     .meaning = "transmissions that get lost, in both directions, and are repeated"},
    {.name = "outages",
     .offset = LINK_OFFSET(outages),
     .type = {.kind = FIELD_VARIANT,
              .flags = FIELD_HAS_PRESENCE,
              .noun = "kind of outages",
              .cases = outage_cases,
              .kind_offset = OUTAGES_OFFSET(kind),
              .count_offset = OUTAGES_OFFSET(present)},
     .flags = FIELD_OPTIONAL,
     .meaning = "times at which a medium carries nothing in either direction; what is under way "
                "stands still and goes on afterwards"},
    {.name = "radio",
     .offset = LINK_OFFSET(radio),
     .type = {.kind = FIELD_OBJECT, .fields = radio_fields},
     .flags = FIELD_SECTION,
     .meaning = "what the radio of the lower tier's node takes, for the energy"},
    {.name = "room",
     .offset = LINK_OFFSET(room),
     .type = ROOM_TYPE,
     .default_text = "unlimited",
     .meaning = "messages that may wait in each direction (under 'half', in both together), "
                "or under 'fair' be under way beside one; more are dropped"},
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
    const char *const *classes = names->names[FIELD_CLASSES];
    if (link->device_class >= 0 && (size_t)link->device_class >= names->count[FIELD_CLASSES]) {
        return NULL; // of a link that could not be read
    }
    return link->device_class < 0 ? arena_format(arena, "%s-%s", tiers[link->from], tiers[link->to])
                                  : arena_format(arena, "%s.%s-%s", tiers[link->from],
                                                 classes[link->device_class], tiers[link->to]);
}
