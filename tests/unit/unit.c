// SPDX-License-Identifier: GPL-3.0-or-later
#include "unit.h"

#include <float.h>
#include <stdio.h>

bool unit_has_long_double(const char *what)
{
    volatile long double one = 1;
    const long double more = one + (long double)DBL_EPSILON / 4;
    if (more == one) {
        printf("# left out: %s, as long double is no more precise than double here\n", what);
    }
    return more != one;
}

int unit_run(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
