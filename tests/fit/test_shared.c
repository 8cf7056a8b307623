// SPDX-License-Identifier: GPL-3.0-or-later

// The generator of a BERT's exits against the outputs that it was fitted to. They are not part of
// the project: the folder OFFLOADSIM_DATA has them, or shared/data beside the project.

#include "fit_case.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *data_path(struct arena *arena)
{
    static const char file[] = "sst2_bert_exits/sst2_dev_bert_12exits.csv";
    const char *folder = getenv("OFFLOADSIM_DATA");
    const char *root = getenv("OFFLOADSIM_ROOT");
    return folder ? arena_format(arena, "%s/%s", folder, file)
                  : arena_format(arena, "%s/../shared/data/%s", root ? root : ".", file);
}

START_TEST(bert_is_as_it_was)
{
    struct arena arena = {0};
    const struct spec_generated *generated =
        fit_case_generator(fit_case_path("scenarios/models/sst2-bert.yaml", &arena), &arena);
    const struct trace *trace = fit_case_long(data_path(&arena), generated, &arena);
    ck_assert_uint_eq(trace->rows, 872);
    // The last exits agree more than the generator can have them do.
    fit_case_compare(generated, trace, 0.015, &arena);
    arena_finish(&arena);
}
END_TEST

int main(void)
{
    struct arena arena = {0};
    const bool is_there = access(data_path(&arena), R_OK) == 0;
    arena_finish(&arena);
    if (!is_there) {
        puts("1..0 # SKIP no sst2_bert_exits in OFFLOADSIM_DATA or ../shared/data");
        return 0;
    }
    Suite *suite = suite_create("fit-shared");
    TCase *bert = tcase_create("bert");
    tcase_set_timeout(bert, 120);
    tcase_add_test(bert, bert_is_as_it_was);
    suite_add_tcase(suite, bert);
    return unit_run(suite);
}
