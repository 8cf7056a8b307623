// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_SCENARIO_PROFILE_H
#define OFFLOADSIM_SCENARIO_PROFILE_H

// A profile: what each layer of a model takes on each platform, and how large its output is. Plain
// data out of a CSV file with a row for each platform and layer (scenario key `profile`); the
// layers of a platform stand in order, and all platforms must agree on their names and outputs.

#include "scenario/source.h"

#include <stddef.h>

struct arena;
struct diagnostics;
struct spec_profile;

struct profile_platform {
    const char *name;
    const double *times_s; // [layer]
};

struct profile {
    const char *path;
    int layer_count;
    const char *const *layers;  // names
    const double *output_bytes; // [layer]
    struct profile_platform *platforms;
    int platform_count;
};

// Where the scenario asks for the file and for each of its columns, for messages.
struct profile_request {
    const struct spec_profile *profile;
    const char *path; // of the file, from here
    const char *model;
    struct mark mark; // of the file's name in the scenario
};

// Reads and checks a profile. Returns 0, or -1 with errors.
int profile_read(const struct profile_request *request, struct arena *arena,
                 struct diagnostics *diagnostics, struct profile **ret_profile);

// NULL if the profile has no such platform.
const struct profile_platform *profile_find(const struct profile *profile, const char *platform);

#endif
