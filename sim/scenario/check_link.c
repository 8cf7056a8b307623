// SPDX-License-Identifier: GPL-3.0-or-later

// How what a scenario says of links fits together.

#include "scenario/check.h"
#include "scenario/check_parts.h"
#include "scenario/diagnostics.h"
#include "scenario/settings.h"
#include "scenario/spec.h"

#include <stdbool.h>

// Keys of a loss that only packets look at.
static void check_loss(const struct spec_loss *loss, const struct settings *settings,
                       struct diagnostics *diagnostics)
{
    const struct setting *packet = settings_find(settings, &loss->packet_bytes);
    if (loss->present && loss->unit == LOSS_MESSAGE && packet) {
        diagnostics_warning(diagnostics, &packet->key,
                            "'packet' has no effect, because messages are lost as a whole");
        diagnostics_hint(diagnostics, "add 'per: packet', or remove the key");
    }
}

// Whether nodes of a tier hold samples back on the links that lead to them. Devices do not.
static bool holds_back(const struct spec *spec, int tier)
{
    const struct spec_compute *compute = &spec->tiers[tier].compute;
    return tier > 0 && compute->present && compute->full == FULL_BLOCK && compute->room >= 0;
}

// A link that is held back has a queue for each direction, in which one message waits in front.
static void check_holding(const struct spec *spec, const struct spec_link *link,
                          const struct settings *settings, struct diagnostics *diagnostics)
{
    const bool is_fair = link->sharing == SHARING_FAIR;
    if (!is_fair && link->duplex == DUPLEX_FULL) {
        return;
    }
    const int ends[] = {link->from, link->to};
    for (int i = 0; i < 2; i++) {
        if (!holds_back(spec, ends[i])) {
            continue;
        }
        const void *slot = is_fair ? (const void *)&link->sharing : (const void *)&link->duplex;
        const struct setting *setting = settings_find(settings, slot);
        diagnostics_error(diagnostics, setting ? &setting->value : NULL,
                          "tier '%s' holds samples back ('full: block'), which %s cannot do",
                          spec->tiers[ends[i]].name,
                          is_fair ? "a fair link" : "a half-duplex link");
        diagnostics_hint(diagnostics, "use '%s' here, or 'full: drop' there",
                         is_fair ? "sharing: fifo" : "duplex: full");
    }
}

void check_links_alone(struct spec *spec, const struct settings *settings, struct arena *arena,
                       struct diagnostics *diagnostics)
{
    for (int i = 0; i < spec->link_count; i++) {
        struct spec_link *link = &spec->links[i];
        struct spec_rate *rates[] = {&link->up, &link->down};
        for (int down = 0; down < 2; down++) {
            if (rates[down]->kind == RATE_MARKOV) {
                check_chain(&rates[down]->chain, settings, arena, diagnostics);
            }
        }
        check_loss(&link->loss, settings, diagnostics);
        check_holding(spec, link, settings, diagnostics);
        if (link->outages.present && link->outages.kind == OUTAGES_RANDOM) {
            check_takes_time(&link->outages.every, "every", settings, diagnostics);
        }
    }
}
