// SPDX-License-Identifier: GPL-3.0-or-later
#include "cli/running.h"
#include "cli/verbs.h"

int verb_run(const struct arguments *arguments)
{
    return running_execute(arguments, LOAD_ALONE);
}
