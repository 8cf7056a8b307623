// SPDX-License-Identifier: GPL-3.0-or-later

// A generator as a YAML file.

#include "exp/fit.h"

#include "base/text.h"
#include "scenario/spec.h"

#include <string.h>

enum { WIDEST = 100 };

// A list of numbers in brackets, broken at the width of a line.
static void add_list(struct text *text, int indent, const char *key, const double *values,
                     int count)
{
    const size_t start = text->length;
    size_t line = start;
    text_format(text, "%*s%s: [", indent, "", key);
    const int hanging = indent + (int)strlen(key) + 3;
    for (int i = 0; i < count; i++) {
        char number[TEXT_NUMBER_ROOM];
        text_number(number, values[i]);
        if (i) {
            text_add(text, ",");
            // Room for the number, the space before it, and what may follow.
            if (text->length - line + strlen(number) + 2 > WIDEST) {
                text_add(text, "\n");
                line = text->length;
                text_format(text, "%*s", hanging, "");
            } else {
                text_add(text, " ");
            }
        }
        text_add(text, number);
    }
    text_add(text, "]\n");
}

static void add_exit(struct text *text, const struct spec_outcome *outcome)
{
    text_format(text, "  %s:\n", outcome->name);
    add_list(text, 4, "confidence", outcome->confidence, outcome->confidence_count);
    add_list(text, 4, "right", outcome->right, outcome->right_count);
    if (outcome->confidence_with_count) {
        add_list(text, 4, "confidence_with", outcome->confidence_with,
                 outcome->confidence_with_count);
        add_list(text, 4, "right_with", outcome->right_with, outcome->right_with_count);
    }
    add_list(text, 4, "right_with_confidence", outcome->right_with_confidence,
             outcome->right_with_confidence_count);
}

void fit_write(const struct spec_generated *generated, const char *comment, struct text *ret_text)
{
    text_add(ret_text, comment);
    text_format(ret_text, "generator: %s\n", generated->name);
    if (generated->about && generated->about[0]) {
        // A double-quoted scalar of YAML 1.2 reads what JSON writes.
        text_add(ret_text, "about: ");
        text_json_string(ret_text, generated->about);
        text_add(ret_text, "\n");
    }
    add_list(ret_text, 0, "quantiles", generated->quantiles, generated->quantile_count);
    text_add(ret_text, "exits:\n");
    for (int i = 0; i < generated->outcome_count; i++) {
        add_exit(ret_text, &generated->outcomes[i]);
    }
    if (generated->class_count) {
        char number[TEXT_NUMBER_ROOM];
        text_number(number, generated->rival);
        add_list(ret_text, 0, "classes", generated->classes, generated->class_count);
        text_format(ret_text, "rival: %s\n", number);
    }
    if (generated->feature_count) {
        add_list(ret_text, 0, "pools", generated->pools, generated->pool_count);
        text_add(ret_text, "features:\n");
    }
    for (int i = 0; i < generated->feature_count; i++) {
        const struct spec_feature *feature = &generated->features[i];
        text_format(ret_text, "  %s:\n", feature->name);
        add_list(ret_text, 4, "mean", feature->mean, feature->mean_count);
        add_list(ret_text, 4, "spread", feature->spread, feature->spread_count);
    }
}
