// SPDX-License-Identifier: GPL-3.0-or-later
// Rows come in the order of the permutations, whether a pass is tabulated or not.
#include "model/order.h"
#include "model/world.h"
#include "unit.h"

static const struct stream_key key = {.seed = 20250117, .replication = 3};

static const uint32_t row_counts[] = {2, 7, 1797, 30011, 65536, 65537};

static int wrong_places(struct orders *orders, const struct world_source *source, uint64_t pass,
                        uint64_t count)
{
    const uint64_t rows = source->rows;
    const struct stream_permutation permutation =
        stream_permutation(key, source->purpose_order, pass, rows);
    int wrong = 0;
    for (uint64_t i = 0; i < count && i < rows; i++) {
        const uint64_t position = i * 7919 % rows;
        wrong += order_place(orders, key, source, pass * rows + position) !=
                 stream_permuted(&permutation, position);
    }
    return wrong;
}

START_TEST(order_is_the_permutation)
{
    const struct world_source source = {.rows = row_counts[_i], .purpose_order = 71};
    const struct world_source other = {.rows = 17, .purpose_order = 72};
    struct orders orders = {0};
    int wrong = 0;
    // Passes that share a place among those that are kept, the same anew, and another source.
    static const uint64_t passes[] = {0, 1, 0, 256, 255, 512, 1, 0, UINT64_C(1) << 40};
    for (int i = 0; i < UNIT_COUNT(passes); i++) {
        wrong += wrong_places(&orders, &source, passes[i], 20000);
        wrong += wrong_places(&orders, &source, passes[i] + 1, 3);
    }
    wrong += wrong_places(&orders, &other, 0, 17);
    wrong += wrong_places(&orders, &source, 0, 20000);
    ck_assert_int_eq(wrong, 0);
    orders_finish(&orders);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("order");
    TCase *order = tcase_create("order");
    tcase_set_timeout(order, 60);
    unit_add_table(order, order_is_the_permutation, row_counts);
    suite_add_tcase(suite, order);
    return unit_run(suite);
}
