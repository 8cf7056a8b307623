// SPDX-License-Identifier: GPL-3.0-or-later

// Classes of devices, their arrivals, and what changes over time.

#include "base/memory.h"
#include "scenario/check.h"
#include "scenario/check_parts.h"
#include "scenario/diagnostics.h"
#include "scenario/settings.h"
#include "scenario/spec.h"
#include "scenario/trace.h"

#include <math.h>

enum { MOST_DEVICES = 10000000, MOST_LABELS = 10000 };

struct checker {
    struct spec *spec;
    const struct settings *settings;
    struct arena *arena;
    struct diagnostics *diagnostics;
};

static const struct mark *value_of(const struct checker *checker, const void *slot)
{
    const struct setting *setting = settings_find(checker->settings, slot);
    return setting ? &setting->value : NULL;
}

static const struct mark *key_of(const struct checker *checker, const void *slot)
{
    const struct setting *setting = settings_find(checker->settings, slot);
    return setting ? &setting->key : NULL;
}

const char *check_noun(const struct spec *spec, const struct spec_tier *tier)
{
    return tier >= spec->tiers && tier < spec->tiers + spec->tier_count ? "tier" : "class";
}

// ---- classes ----

// What the first tier says of its devices, or each of its classes.
struct device_key {
    const char *key;
    const void *slot;
};

enum { DEVICE_KEYS = 6 };

static void list_device_keys(const struct spec_tier *tier, struct device_key keys[DEVICE_KEYS])
{
    // An object is known by its address, which is that of its first member.
    keys[0] = (struct device_key){"profile", &tier->profile};
    keys[1] = (struct device_key){"bursts", &tier->bursts};
    keys[2] = (struct device_key){"payload", &tier->payload};
    keys[3] = (struct device_key){"deadline", &tier->deadline_s};
    keys[4] = (struct device_key){"priority", &tier->priority};
    keys[5] = (struct device_key){"weight", &tier->weight};
}

static void refuse_device_keys(const struct checker *checker, const struct spec_tier *tier,
                               const char *because, const char *hint)
{
    struct device_key keys[DEVICE_KEYS];
    list_device_keys(tier, keys);
    for (int i = 0; i < DEVICE_KEYS; i++) {
        const struct mark *mark = key_of(checker, keys[i].slot);
        if (mark) {
            diagnostics_error(checker->diagnostics, mark, "tier '%s'%s cannot have '%s'",
                              tier->name, because, keys[i].key);
            diagnostics_hint(checker->diagnostics, "%s", hint);
        }
    }
}

static void refuse_own(const struct checker *checker, const struct spec_tier *first)
{
    const char *because = " has classes and";
    const char *hint = "give it to each class instead";
    refuse_device_keys(checker, first, because, hint);
    if (first->arrivals.kind != ARRIVALS_NONE) {
        diagnostics_error(checker->diagnostics, key_of(checker, &first->arrivals),
                          "tier '%s'%s cannot have 'arrivals'", first->name, because);
        diagnostics_hint(checker->diagnostics, "%s", hint);
    }
    if (first->compute.present) {
        diagnostics_error(checker->diagnostics, key_of(checker, &first->compute),
                          "tier '%s'%s cannot have 'compute'", first->name, because);
        diagnostics_hint(checker->diagnostics, "%s", hint);
    }
}

// The devices of a tier are those of its classes.
static void count_devices(const struct checker *checker, struct spec_tier *first)
{
    long long devices = 0;
    for (int i = 0; i < first->class_count; i++) {
        devices += first->classes[i].nodes;
    }
    const struct mark *mark = value_of(checker, &first->nodes);
    if (mark && first->nodes != devices) {
        diagnostics_error(checker->diagnostics, mark,
                          "tier '%s' has %d nodes, but its classes have %lld together", first->name,
                          first->nodes, devices);
        diagnostics_hint(checker->diagnostics, "leave 'nodes' out");
    }
    if (devices > MOST_DEVICES) {
        diagnostics_error(checker->diagnostics, key_of(checker, &first->classes),
                          "the classes of tier '%s' have %lld devices together, more than %d",
                          first->name, devices, MOST_DEVICES);
        diagnostics_hint(checker->diagnostics, "lower 'nodes' of the classes");
        devices = MOST_DEVICES;
    }
    first->nodes = (int)devices;
}

static void check_link_classes(const struct checker *checker)
{
    const struct spec *spec = checker->spec;
    for (int i = 0; i < spec->link_count; i++) {
        const struct spec_link *link = &spec->links[i];
        if (link->device_class >= 0 && link->from != 0) {
            diagnostics_error(checker->diagnostics, value_of(checker, &link->device_class),
                              "a link from tier '%s' cannot be of a class",
                              spec->tiers[link->from].name);
            diagnostics_hint(checker->diagnostics, "classes are of the first tier, '%s'",
                             spec->tiers[0].name);
        }
    }
}

static void name_links(const struct checker *checker)
{
    struct spec *spec = checker->spec;
    for (int i = 0; i < spec->link_count; i++) {
        struct spec_link *link = &spec->links[i];
        const char *from = spec->tiers[link->from].name;
        const char *to = spec->tiers[link->to].name;
        link->name = link->device_class < 0 || !spec->has_classes
                         ? arena_format(checker->arena, "%s-%s", from, to)
                         : arena_format(checker->arena, "%s.%s-%s", from,
                                        spec->classes[link->device_class].name, to);
    }
}

int check_classes(struct spec *spec, const struct settings *settings, struct arena *arena,
                  struct diagnostics *diagnostics)
{
    const size_t errors = diagnostics->errors;
    const struct checker checker = {spec, settings, arena, diagnostics};
    struct spec_tier *first = &spec->tiers[0];
    for (int i = 1; i < spec->tier_count; i++) {
        const struct spec_tier *tier = &spec->tiers[i];
        const char *hint = "devices are the nodes of the first tier";
        refuse_device_keys(&checker, tier, "", hint);
        if (tier->class_count) {
            diagnostics_error(diagnostics, key_of(&checker, &tier->classes),
                              "tier '%s' cannot have 'classes'", tier->name);
            diagnostics_hint(diagnostics, "%s", hint);
        }
    }
    spec->has_classes = first->class_count > 0;
    spec->classes = spec->has_classes ? first->classes : first;
    spec->class_count = spec->has_classes ? first->class_count : 1;
    if (spec->has_classes) {
        refuse_own(&checker, first);
        count_devices(&checker, first);
    }
    check_link_classes(&checker);
    name_links(&checker);
    return diagnostics->errors > errors ? -1 : 0;
}

// ---- arrivals ----

static void check_presence(const struct checker *checker)
{
    const struct spec *spec = checker->spec;
    for (int i = 0; i < spec->class_count; i++) {
        const struct spec_tier *devices = &spec->classes[i];
        if (devices->arrivals.kind != ARRIVALS_NONE) {
            continue;
        }
        diagnostics_error(checker->diagnostics, value_of(checker, &devices->name),
                          spec->has_classes ? "class '%s' lacks 'arrivals'"
                                            : "tier '%s' is the first one and lacks 'arrivals'",
                          devices->name);
        diagnostics_hint(checker->diagnostics,
                         "samples arise there: add for example 'arrivals: {poisson: 2 /s}'");
    }
    for (int i = 1; i < spec->tier_count; i++) {
        const struct spec_tier *tier = &spec->tiers[i];
        if (tier->arrivals.kind != ARRIVALS_NONE) {
            diagnostics_error(checker->diagnostics, key_of(checker, &tier->arrivals),
                              "tier '%s' cannot have 'arrivals'", tier->name);
            diagnostics_hint(checker->diagnostics, "samples arise at the first tier, '%s', only",
                             spec->tiers[0].name);
        }
    }
}

static void check_trace_arrivals(const struct checker *checker, const struct spec_tier *devices)
{
    const struct spec *spec = checker->spec;
    const struct mark *mark = key_of(checker, &devices->arrivals);
    if (spec->samples.order != ORDER_AS_IS) {
        diagnostics_error(checker->diagnostics, mark,
                          "arrivals from the trace need its rows in their order");
        diagnostics_hint(checker->diagnostics, "add 'order: as_is' to 'samples'");
    }
    if (spec->has_classes || devices->bursts.present) {
        diagnostics_error(checker->diagnostics, mark, "arrivals from the trace exclude %s",
                          spec->has_classes ? "classes" : "bursts");
        diagnostics_hint(checker->diagnostics,
                         "they bring all its rows in their order; times of arrival without samples "
                         "come from 'times: FILE.csv'");
    }
}

static void check_times_arrivals(const struct checker *checker,
                                 const struct spec_arrivals *arrivals)
{
    if (arrivals->to == TIMES_EACH && !arrivals->repeats) {
        diagnostics_error(checker->diagnostics, value_of(checker, &arrivals->repeats),
                          "a file that starts anywhere for 'each' node must repeat");
        diagnostics_hint(checker->diagnostics, "leave 'repeat' out, or write 'to: deal'");
    }
}

static void check_closed(const struct checker *checker, const struct spec_tier *devices)
{
    const struct device_key keys[] = {{"profile", &devices->profile}, {"bursts", &devices->bursts}};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        const struct mark *mark = key_of(checker, keys[i].slot);
        if (mark) {
            diagnostics_error(checker->diagnostics, mark, "a closed loop cannot have '%s'",
                              keys[i].key);
            diagnostics_hint(checker->diagnostics,
                             "its samples arise as others end; use open arrivals");
        }
    }
}

static void check_pattern(const struct checker *checker, const struct spec_pattern *pattern)
{
    struct diagnostics *diagnostics = checker->diagnostics;
    double highest = 0;
    for (int i = 0; i < pattern->count; i++) {
        if (i ? pattern->times_s[i] <= pattern->times_s[i - 1] : pattern->times_s[0] > 0) {
            diagnostics_error(diagnostics, value_of(checker, &pattern->times_s),
                              i ? "'times' do not increase" : "'times' do not start at 0 s");
            diagnostics_hint(diagnostics, "start at 0 s and list the times in order");
            return;
        }
        highest = fmax(highest, pattern->factors[i]);
    }
    if (pattern->count && pattern->period_s <= pattern->times_s[pattern->count - 1]) {
        diagnostics_error(diagnostics, value_of(checker, &pattern->period_s),
                          "'period' ends before the last factor begins");
        diagnostics_hint(diagnostics, "make 'period' longer than the last of 'times'");
    }
    if (highest <= 0) {
        diagnostics_error(diagnostics, value_of(checker, &pattern->factors), "all factors are 0");
        diagnostics_hint(diagnostics, "give at least one factor above 0");
    }
}

static void check_class(const struct checker *checker, struct spec_tier *devices)
{
    struct spec_arrivals *arrivals = &devices->arrivals;
    switch (arrivals->kind) {
    case ARRIVALS_TRACE:
        check_trace_arrivals(checker, devices);
        break;
    case ARRIVALS_TIMES:
        check_times_arrivals(checker, arrivals);
        break;
    case ARRIVALS_CLOSED:
        check_closed(checker, devices);
        break;
    case ARRIVALS_MMPP:
        check_chain(&arrivals->chain, checker->settings, checker->arena, checker->diagnostics);
        break;
    case ARRIVALS_ON_OFF:
        check_takes_time(&arrivals->on, "on", checker->settings, checker->diagnostics);
        break;
    default:
        break;
    }
    if (devices->profile.present) {
        check_pattern(checker, &devices->profile);
    }
    if (devices->bursts.present) {
        check_takes_time(&devices->bursts.every, "every", checker->settings, checker->diagnostics);
    }
}

// ---- weights ----

static bool has_fair_link(const struct spec *spec)
{
    for (int i = 0; i < spec->link_count; i++) {
        if (spec->links[i].sharing == SHARING_FAIR) {
            return true;
        }
    }
    return false;
}

static void warn_of_weights(const struct checker *checker)
{
    const struct spec *spec = checker->spec;
    if (has_fair_link(spec)) {
        return;
    }
    for (int i = 0; i < spec->class_count; i++) {
        const struct mark *mark = key_of(checker, &spec->classes[i].weight);
        if (mark) {
            diagnostics_warning(checker->diagnostics, mark,
                                "'weight' has no effect, because no link is shared fairly");
            diagnostics_hint(checker->diagnostics,
                             "add 'sharing: fair' to a link, or remove the key");
        }
    }
}

// ---- drift ----

static bool has_open_arrivals(const struct spec *spec)
{
    for (int i = 0; i < spec->class_count; i++) {
        if (spec->classes[i].arrivals.kind != ARRIVALS_CLOSED) {
            return true;
        }
    }
    return false;
}

static void check_source(const struct checker *checker, const struct spec_drift *change)
{
    const struct spec_samples *samples = &checker->spec->samples;
    const bool is_trace = change->trace_path != NULL;
    const char *own = is_trace ? samples->trace_path : samples->generated_path;
    if (!is_trace && !change->generated_path) {
        return;
    }
    const struct mark *mark =
        key_of(checker, is_trace ? &change->trace_path : &change->generated_path);
    if (is_trace && change->generated_path) {
        diagnostics_error(checker->diagnostics, mark,
                          "samples come from a trace, or are drawn, but not both");
        diagnostics_hint(checker->diagnostics, "remove one of the two keys");
    } else if (!own) {
        diagnostics_error(checker->diagnostics, mark,
                          is_trace ? "samples cannot come from a trace later only"
                                   : "samples cannot be drawn later only");
        diagnostics_hint(checker->diagnostics,
                         is_trace ? "add 'trace: FILE.csv' to 'samples' of the scenario"
                                  : "add 'generated: FILE.yaml' to 'samples' of the scenario");
    }
    for (int i = 0; i < checker->spec->class_count && is_trace; i++) {
        if (checker->spec->classes[i].arrivals.kind == ARRIVALS_TRACE) {
            diagnostics_error(checker->diagnostics, mark,
                              "arrivals from the trace exclude a change of the trace");
            diagnostics_hint(checker->diagnostics, "use other arrivals");
        }
    }
}

static void check_drift(const struct checker *checker)
{
    const struct spec *spec = checker->spec;
    for (int i = 0; i < spec->drift_count; i++) {
        const struct spec_drift *change = &spec->drift[i];
        if (i && change->at_s <= spec->drift[i - 1].at_s) {
            diagnostics_error(checker->diagnostics, value_of(checker, &change->at_s),
                              "this change is not after the one before it");
            diagnostics_hint(checker->diagnostics,
                             "list changes in the order of time, those of one time together");
        }
        if (change->arrivals < 0 && !change->link_count && !change->trace_path &&
            !change->generated_path) {
            diagnostics_error(checker->diagnostics, value_of(checker, &change->at_s),
                              "nothing changes at this time");
            diagnostics_hint(checker->diagnostics, "add 'arrivals', 'links' or 'samples'");
        }
        if (change->arrivals >= 0 && !has_open_arrivals(spec)) {
            diagnostics_error(checker->diagnostics, value_of(checker, &change->arrivals),
                              "a closed loop has no rate of arrivals that could change");
            diagnostics_hint(checker->diagnostics, "remove the key, or use open arrivals");
        }
        check_source(checker, change);
    }
}

int check_workload(struct spec *spec, const struct settings *settings, struct arena *arena,
                   struct diagnostics *diagnostics)
{
    const size_t errors = diagnostics->errors;
    const struct checker checker = {spec, settings, arena, diagnostics};
    check_presence(&checker);
    for (int i = 0; i < spec->class_count; i++) {
        check_class(&checker, &spec->classes[i]);
    }
    warn_of_weights(&checker);
    check_drift(&checker);
    return diagnostics->errors > errors ? -1 : 0;
}

int check_labels(const struct spec *spec, const struct settings *settings,
                 struct diagnostics *diagnostics)
{
    const int labels = spec->generated                     ? spec->generated->class_count
                       : spec->trace && spec->trace->label ? spec->trace->classes
                                                           : 0;
    if (!spec->measure.labels || (labels > 0 && labels <= MOST_LABELS)) {
        return 0;
    }
    const struct setting *setting = settings_find(settings, &spec->measure.labels);
    const struct mark *mark = setting ? &setting->value : NULL;
    if (labels) {
        diagnostics_error(diagnostics, mark, "the samples have %d labels, too many to measure each",
                          labels);
        diagnostics_hint(diagnostics, "remove the key: 'label_accuracy_worst_tenth' is there "
                                      "without it");
        return -1;
    }
    diagnostics_error(diagnostics, mark, "the samples have no labels to measure");
    diagnostics_hint(diagnostics, spec->generated
                                      ? "give the generator 'classes', or remove the key"
                                      : "name the column with 'label' in 'samples', or remove the "
                                        "key");
    return -1;
}
