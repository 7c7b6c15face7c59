/* squeeze_test.c — there and back; damage is noticed. */
#include "squeeze.h"

#include <criterion/criterion.h>

static struct bytes_writer squeezed;
static struct bytes_writer back;

static void set_up(void) {
    bytes_writer_init(&squeezed, &mem_default, 1 << 20);
    bytes_writer_init(&back, &mem_default, 1 << 20);
}

static void tear_down(void) {
    bytes_writer_finish(&squeezed);
    bytes_writer_finish(&back);
}

TestSuite(squeeze, .init = set_up, .fini = tear_down);

Test(squeeze, what_goes_in_comes_out) {
    static char text[100000];
    memset(text, 'a', sizeof text);
    static const size_t sizes[] = { 0, 1, 1000, sizeof text };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        bytes_writer_reset(&squeezed);
        bytes_writer_reset(&back);
        cr_assert_eq(squeeze(bytes_of(text, sizes[i]), &squeezed), STATUS_OK);
        cr_assert_eq(unsqueeze(bytes_written(&squeezed), &back), STATUS_OK);
        cr_assert(bytes_equal(bytes_written(&back), bytes_of(text, sizes[i])));
    }
    cr_assert_lt(squeezed.size, 1000);
}

Test(squeeze, cut_or_lengthened_or_changed_is_damage) {
    squeeze(bytes_text("the quick brown fox jumps over the lazy dog"), &squeezed);
    for (size_t size = 0; size < squeezed.size; size++) {
        bytes_writer_reset(&back);
        cr_assert_eq(unsqueeze(bytes_of(squeezed.data, size), &back), STATUS_DAMAGED, "cut to %zu", size);
    }
    squeezed.data[squeezed.size - 1] ^= 1;
    bytes_writer_reset(&back);
    cr_assert_eq(unsqueeze(bytes_written(&squeezed), &back), STATUS_DAMAGED);
    squeezed.data[squeezed.size - 1] ^= 1;
    bytes_write_u8(&squeezed, 0);
    bytes_writer_reset(&back);
    cr_assert_eq(unsqueeze(bytes_written(&squeezed), &back), STATUS_DAMAGED);
}

Test(squeeze, a_bomb_is_too_big) {
    static char zeros[1 << 19];
    struct bytes_writer small;
    bytes_writer_init(&small, &mem_default, 1000);
    squeeze(bytes_of(zeros, sizeof zeros), &squeezed);

    cr_assert_eq(unsqueeze(bytes_written(&squeezed), &small), STATUS_TOO_BIG);
    bytes_writer_finish(&small);
}
