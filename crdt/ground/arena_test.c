#include "ground/arena.h"

#include <criterion/criterion.h>
#include <stdalign.h>

Test(arena, blocks_are_zeroed_aligned_and_apart) {
    struct arena arena;
    arena_init(&arena, &mem_default, 1 << 20);
    uint8_t *blocks[200];

    for (int i = 0; i < 200; i++) {
        blocks[i] = arena_alloc(&arena, (size_t)i + 1);
        cr_assert_not_null(blocks[i]);
        cr_assert_eq((uintptr_t)blocks[i] % alignof(max_align_t), 0);
        for (int at = 0; at <= i; at++)
            cr_assert_eq(blocks[i][at], 0);
        memset(blocks[i], i, (size_t)i + 1);
    }

    for (int i = 0; i < 200; i++)
        for (int at = 0; at <= i; at++)
            cr_assert_eq(blocks[i][at], i);
    arena_finish(&arena);
}

Test(arena, the_maximum_holds_and_a_reset_gives_room_again) {
    struct arena arena;
    arena_init(&arena, &mem_default, 10000);

    cr_assert_null(arena_alloc(&arena, 20000));
    cr_assert_null(arena_alloc(&arena, SIZE_MAX));
    cr_assert_not_null(arena_alloc(&arena, 5000));
    cr_assert_null(arena_alloc(&arena, 6000));
    arena_reset(&arena);
    cr_assert_not_null(arena_alloc(&arena, 4000));

    arena_finish(&arena);
}

Test(arena, a_copy_ends_with_a_nul_that_does_not_count) {
    struct arena arena;
    arena_init(&arena, &mem_default, 10000);

    struct bytes copy = arena_copy(&arena, bytes_text("hello"));
    struct bytes empty = arena_copy(&arena, bytes_of(NULL, 0));

    cr_assert_eq(copy.size, 5);
    cr_assert_str_eq((const char *)copy.data, "hello");
    cr_assert_eq(empty.size, 0);
    cr_assert_not_null(empty.data);
    arena_finish(&arena);
    arena_finish(&arena);
}
