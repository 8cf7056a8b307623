// SPDX-License-Identifier: GPL-3.0-or-later

// The keys of a file from which samples are drawn.

#include "scenario/generated.h"
#include "scenario/grammar_parts.h"
#include "scenario/spec.h"

static const struct field_type share = {.kind = FIELD_NUMBER, RANGE(0, 1)};
static const struct field_type correlation = {.kind = FIELD_NUMBER, RANGE(-1, 1)};
static const struct field_type number = {.kind = FIELD_NUMBER, RANGE(-MOST_NUMBER, MOST_NUMBER)};
static const struct field_type positive = {.kind = FIELD_NUMBER, RANGE(0, MOST_NUMBER)};

#define LIST_OF(what, structure, counter, more)                                                    \
    {                                                                                              \
        .kind = FIELD_LIST, .flags = (more), .element = &(what), .element_bytes = sizeof(double),  \
        .count_offset = offsetof(struct structure, counter)                                        \
    }

#define OUTCOME_OFFSET(member) offsetof(struct spec_outcome, member)

static const struct field outcome_fields[] = {
    {.name = "confidence",
     .offset = OUTCOME_OFFSET(confidence),
     .type = LIST_OF(share, spec_outcome, confidence_count, 0),
     .meaning = "the confidence at each of the quantiles"},
    {.name = "right",
     .offset = OUTCOME_OFFSET(right),
     .type = LIST_OF(share, spec_outcome, right_count, 0),
     .meaning = "the share of right answers between each two quantiles"},
    {.name = "confidence_with",
     .offset = OUTCOME_OFFSET(confidence_with),
     .type = LIST_OF(correlation, spec_outcome, confidence_with_count, FIELD_OR_SINGLE),
     .flags = FIELD_OPTIONAL,
     .meaning = "correlations of the confidence with that of each exit above, or one for all"},
    {.name = "right_with",
     .offset = OUTCOME_OFFSET(right_with),
     .type = LIST_OF(correlation, spec_outcome, right_with_count, FIELD_OR_SINGLE),
     .flags = FIELD_OPTIONAL,
     .meaning = "correlations of being right with that of each exit above, or one for all"},
    {.name = "right_with_confidence",
     .offset = OUTCOME_OFFSET(right_with_confidence),
     .type = LIST_OF(correlation, spec_outcome, right_with_confidence_count, FIELD_OR_SINGLE),
     .default_text = "0",
     .meaning = "correlations of being right, beyond what the exit's own confidence tells, with "
                "the confidence of each exit, 0 in its own place, or one for all others"},
    {.name = NULL},
};

static const struct field_type outcome_type = {
    .kind = FIELD_OBJECT, .noun = "exit", .fields = outcome_fields};
static const struct field_type outcome_name = {
    .kind = FIELD_NAME, .noun = "exit", .punctuation = "-_"};

#define FEATURE_OFFSET(member) offsetof(struct spec_feature, member)

static const struct field feature_fields[] = {
    {.name = "mean",
     .offset = FEATURE_OFFSET(mean),
     .type = LIST_OF(number, spec_feature, mean_count, 0),
     .meaning = "mean in easy, moderate and hard samples"},
    {.name = "spread",
     .offset = FEATURE_OFFSET(spread),
     .type = LIST_OF(positive, spec_feature, spread_count, 0),
     .meaning = "standard deviation in easy, moderate and hard samples"},
    {.name = NULL},
};

static const struct field_type feature_type = {
    .kind = FIELD_OBJECT, .noun = "feature", .fields = feature_fields};
static const struct field_type feature_name = {
    .kind = FIELD_NAME, .noun = "feature", .punctuation = "-_."};

#define GENERATED_OFFSET(member) offsetof(struct spec_generated, member)

const struct field grammar_generated_fields[] = {
    {.name = "generator",
     .offset = GENERATED_OFFSET(name),
     .type = {.kind = FIELD_NAME, .noun = "generator", .punctuation = "-_."},
     .meaning = "what the samples are called"},
    {.name = "about",
     .offset = GENERATED_OFFSET(about),
     .type = {.kind = FIELD_TEXT},
     .default_text = "",
     .meaning = "what they are, in a sentence"},
    {.name = "quantiles",
     .offset = GENERATED_OFFSET(quantiles),
     .type = LIST_OF(share, spec_generated, quantile_count, 0),
     .meaning = "shares of samples, from 0 to 1, at which exits state their confidence"},
    {.name = "exits",
     .offset = GENERATED_OFFSET(outcomes),
     .type = {.kind = FIELD_MAP,
              .flags = FIELD_NOT_EMPTY,
              .element = &outcome_type,
              .element_bytes = sizeof(struct spec_outcome),
              .key = &outcome_name,
              .key_offset = OUTCOME_OFFSET(name),
              .count_offset = GENERATED_OFFSET(outcome_count)},
     .meaning = "what the exits of all models say of a sample, by name"},
    {.name = "classes",
     .offset = GENERATED_OFFSET(classes),
     .type = LIST_OF(share, spec_generated, class_count, 0),
     .flags = FIELD_OPTIONAL,
     .meaning = "share of samples of each label; left out, there are no labels and predictions"},
    {.name = "rival",
     .offset = GENERATED_OFFSET(rival),
     .type = {.kind = FIELD_NUMBER, RANGE(0, 1)},
     .default_text = "0",
     .meaning = "share of wrong predictions that are the one label with which a sample is easily "
                "confused; the others are any wrong label"},
    {.name = "pools",
     .offset = GENERATED_OFFSET(pools),
     .type = LIST_OF(share, spec_generated, pool_count, 0),
     .flags = FIELD_OPTIONAL,
     .meaning = "difficulties at which moderate and hard samples begin; the difficulty is 1 minus "
                "what the exits give to the truth on average: their confidence where they are "
                "right, and 1 minus it where they are wrong"},
    {.name = "features",
     .offset = GENERATED_OFFSET(features),
     .type = {.kind = FIELD_MAP,
              .element = &feature_type,
              .element_bytes = sizeof(struct spec_feature),
              .key = &feature_name,
              .key_offset = FEATURE_OFFSET(name),
              .count_offset = GENERATED_OFFSET(feature_count)},
     .flags = FIELD_OPTIONAL,
     .meaning = "normal numbers around a mean for each pool, known before any inference, by name"},
    {.name = NULL},
};
