// SPDX-License-Identifier: GPL-3.0-or-later

// What policies say of themselves. Those that are refused are in tests/plugin; here, the policies
// of the program must pass the check that is made for others.
#include "base/text.h"
#include "policies/policy.h"
#include "policies/registry.h"
#include "scenario/policy_check.h"
#include "unit.h"

static const struct policy_type *built_in(int number)
{
    size_t count;
    return policy_registry(&count)[number];
}

START_TEST(built_in_policies_are_sound)
{
    struct text message = {0};
    struct text hint = {0};
    const struct policy_type *policy = built_in(_i);
    ck_assert_int_eq(policy->api, POLICY_API_VERSION);
    ck_assert(policy->decide != NULL);
    ck_assert_msg(policy_check(policy, &message, &hint) == 0, "%s: %s; %s", policy->name,
                  text_string(&message), text_string(&hint));
    ck_assert_uint_eq(message.length, 0);
    ck_assert_uint_eq(hint.length, 0);
    ck_assert_ptr_nonnull(policy->example);
    ck_assert_ptr_nonnull(policy->paper);
}
END_TEST

START_TEST(names_differ)
{
    ck_assert_ptr_eq(policy_find(built_in(_i)->name), built_in(_i));
}
END_TEST

int main(void)
{
    size_t count;
    policy_registry(&count);
    Suite *suite = suite_create("policy_check");
    TCase *tcase = tcase_create("built-in policies");
    tcase_add_loop_test(tcase, built_in_policies_are_sound, 0, (int)count);
    tcase_add_loop_test(tcase, names_differ, 0, (int)count);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
