// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_SCENARIO_POLICY_CHECK_H
#define OFFLOADSIM_SCENARIO_POLICY_CHECK_H

// Whether what a policy says of itself makes sense: its names, and the table of its parameters,
// which drives reading, help and documentation. Whoever writes a policy outside of this project
// learns here what is wrong before anything runs.

struct policy_type;
struct text;

// Returns 0, or -1 with a message (lower case, no full stop) and a hint. Its api, name and decide
// must be sound so far as that they are there.
int policy_check(const struct policy_type *policy, struct text *ret_message, struct text *ret_hint);

#endif
