#include "ground/mem.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <string.h>

/* Keeps the books of what is asked of it. */
struct ledger {
    size_t held;
    size_t calls;
};

static void *ledger_resize(void *context, void *old, size_t old_bytes, size_t bytes) {
    struct ledger *ledger = context;
    ledger->calls++;
    ledger->held += bytes - (old == NULL ? 0 : old_bytes);
    return mem_default.resize(NULL, old, old_bytes, bytes);
}

Test(mem, zalloc_gives_zeroes) {
    uint8_t *block = mem_zalloc(&mem_default, 300);

    for (int i = 0; i < 300; i++)
        cr_assert_eq(block[i], 0);
    mem_free(&mem_default, block, 300);
}

Test(mem, resize_keeps_the_content) {
    char *block = mem_alloc(&mem_default, 6);
    memcpy(block, "hello", 6);

    block = mem_resize(&mem_default, block, 6, 60000);

    cr_assert_str_eq(block, "hello");
    mem_free(&mem_default, block, 60000);
}

Test(mem, the_allocator_hears_the_size_of_what_is_freed) {
    struct ledger ledger = { 0, 0 };
    struct mem mem = { ledger_resize, &ledger };

    void *block = mem_alloc(&mem, 10);
    block = mem_resize(&mem, block, 10, 25);
    cr_assert_eq(ledger.held, 25);
    mem_free(&mem, block, 25);

    cr_assert_eq(ledger.held, 0);
    cr_assert_eq(ledger.calls, 3);
}

Test(mem, freeing_nothing_asks_nobody) {
    struct ledger ledger = { 0, 0 };
    struct mem mem = { ledger_resize, &ledger };

    mem_free(&mem, NULL, 0);

    cr_assert_eq(ledger.calls, 0);
}
