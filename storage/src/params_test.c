/* params_test.c — PostgreSQL's binary format, byte for byte; that PostgreSQL reads it so is shown in tests/storage/. */
#include "params_inside.h"
#include "pg_types.h"

#include <criterion/criterion.h>

static struct arena arena;
static struct params *params;

static void set_up(void) {
    arena_init(&arena, &mem_default, 1 << 16);
    params = params_new(&arena);
}

static void tear_down(void) {
    arena_finish(&arena);
}

TestSuite(params, .init = set_up, .fini = tear_down);

static void check_last(uint32_t type, const void *bytes, size_t size) {
    const struct param *param = &params->items[params->count - 1];
    cr_assert_eq(params->status, STATUS_OK);
    cr_assert_eq(param->type, type);
    cr_assert_eq(param->value.size, size);
    cr_assert_arr_eq(param->value.data, bytes, size);
}

Test(params, numbers_are_big_endian) {
    params_add_i32(params, -2);
    check_last(PG_INT4, "\xff\xff\xff\xfe", 4);
    params_add_i64(params, 258);
    check_last(PG_INT8, "\0\0\0\0\0\0\1\2", 8);
    params_add_f64(params, 1.0);
    check_last(PG_FLOAT8, "\x3f\xf0\0\0\0\0\0\0", 8);
    params_add_bool(params, true);
    check_last(PG_BOOL, "\1", 1);
}

Test(params, time_counts_microseconds_from_2000) {
    params_add_time(params, PG_EPOCH_UNIX_MS);
    check_last(PG_TIMESTAMPTZ, "\0\0\0\0\0\0\0\0", 8);
    params_add_time(params, PG_EPOCH_UNIX_MS - 1);
    check_last(PG_TIMESTAMPTZ, "\xff\xff\xff\xff\xff\xff\xfc\x18", 8);
    cr_assert_eq(pg_time(INT64_MAX), INT64_MAX);
    cr_assert_eq(pg_time(INT64_MIN), INT64_MIN);
}

Test(params, an_empty_value_is_not_null_and_null_is) {
    params_add_text(params, bytes_text(""));
    cr_assert_not_null(params->items[0].value.data);
    params_add_text(params, (struct bytes){ NULL, 0 });
    cr_assert_null(params->items[1].value.data);
    params_add_uuid(params, NULL);
    cr_assert_null(params->items[2].value.data);
    params_add_null(params);
    cr_assert_eq(params->count, 4);
}

Test(params, a_text_array_marks_its_nulls) {
    struct bytes values[] = { bytes_text("ab"), { NULL, 0 } };

    params_add_text_array(params, values, 2);

    check_last(PG_TEXT_ARRAY, "\0\0\0\1\0\0\0\1\0\0\0\x19\0\0\0\2\0\0\0\1\0\0\0\2ab\xff\xff\xff\xff", 30);
}

Test(params, jsonb_carries_its_version_also_in_arrays) {
    struct bytes values[] = { bytes_text("[]") };

    params_add_jsonb(params, values[0]);
    check_last(PG_JSONB, "\1[]", 3);
    params_add_jsonb_array(params, values, 1);

    check_last(PG_JSONB_ARRAY, "\0\0\0\1\0\0\0\0\0\0\x0e\xda\0\0\0\1\0\0\0\1\0\0\0\3\1[]", 27);
}

Test(params, the_first_failure_sticks) {
    for (unsigned i = 0; i < PARAMS_MAX; i++)
        params_add_bool(params, true);
    cr_assert_eq(params->status, STATUS_OK);

    params_add_bool(params, true);
    cr_assert_eq(params->status, STATUS_TOO_BIG);
    cr_assert_eq(params->count, PARAMS_MAX);
}

Test(params, an_arena_used_up_is_no_memory_and_no_params_are_harmless) {
    static char big[1 << 17];
    params_add_text(params, bytes_of(big, sizeof big));
    cr_assert_eq(params->status, STATUS_NO_MEMORY);
    params_add_bool(params, true);
    cr_assert_eq(params->count, 0);

    params_add_bool(NULL, true);
    params_add_uuid_array(NULL, NULL, 0);
    params_add_jsonb(NULL, bytes_text("1"));
}
