// SPDX-License-Identifier: GPL-3.0-or-later
#include "cli/about.h"

#include "base/text.h"
#include "base/version.h"
#include "cli/built_from.h"
#include "policies/policy.h"

#include <gsl/gsl_version.h>
#include <sqlite3.h>
#include <string.h>
#include <yaml.h>

// The first line is for programs, too.
void version_add(struct text *text)
{
    text_add(text, "offloadsim " OFFLOADSIM_VERSION "\n");
    text_add(text, "built by " OFFLOADSIM_COMPILER ", " OFFLOADSIM_BUILD_TYPE);
    if (strcmp(OFFLOADSIM_SANITIZERS, "none") != 0) {
        text_add(text, " with sanitizers " OFFLOADSIM_SANITIZERS);
    }
    if (strcmp(OFFLOADSIM_COMMIT, "unknown") != 0) {
        text_add(text, ", from commit " OFFLOADSIM_COMMIT);
    }
    text_format(text, "\nwith GSL %s, SQLite %s, libyaml %s\n", gsl_version, sqlite3_libversion(),
                yaml_get_version_string());
    text_format(text, "version of the interface of policies: %d\n", POLICY_API_VERSION);
}
