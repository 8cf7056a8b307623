// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_SCENARIO_FIELD_PARTS_H
#define OFFLOADSIM_SCENARIO_FIELD_PARTS_H

// What field.c and field_list.c have from each other. Everyone else takes scenario/field.h.

#include "scenario/field.h"

// Any value. `base` is the structure that holds it, `offset` its place there.
void field_read_value(struct field_reader *reader, const struct field_type *type,
                      const struct node *node, char *base, size_t offset,
                      const struct field_at *at);

void field_read_list(struct field_reader *reader, const struct field_type *type,
                     const struct node *node, char *base, size_t offset, const struct field_at *at);
void field_read_map(struct field_reader *reader, const struct field_type *type,
                    const struct node *node, char *base, size_t offset, const struct field_at *at);
void field_read_amounts(struct field_reader *reader, const struct field_type *type,
                        const struct node *node, double **slot, const struct field_at *at);

#endif
