/* RFC 7692, section 7.2, message by message. The bytes of its section 7.2.3 are pinned. */
#include "ws_deflate.h"

#include "../testing/failing_mem.h"
#include "../testing/hex.h"

#include <criterion/criterion.h>

enum { SIZE_MAX_HERE = 100000 };

static struct bytes_writer writer_make(void) {
    struct bytes_writer writer;
    bytes_writer_init(&writer, &mem_default, 1 << 24);
    return writer;
}

/* Text that repeats itself, but not within short distances. */
static void fill(uint8_t *out, size_t size) {
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)('a' + (i * i / 97 + i / 1000) % 26);
}

static void fill_noise(uint8_t *out, size_t size) {
    uint32_t state = 1;
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)((state = state * 1664525 + 1013904223) >> 24);
}

Test(ws_deflate, the_bytes_of_the_rfc_are_understood) {
    static const struct {
        const char *packed, *text;
    } cases[] = {
        { "f2 48 cd c9 c9 07 00", "Hello" },                   /* 7.2.3.1 */
        { "00 05 00 fa ff 48 65 6c 6c 6f 00", "Hello" },       /* 7.2.3.3: not compressed */
        { "f3 48 cd c9 c9 07 00 00", "Hello" },                /* 7.2.3.4: a final block */
        { "f2 48 05 00 00 00 ff ff ca c9 c9 07 00", "Hello" }, /* 7.2.3.5: two blocks */
        { "00", "" },                                          /* 7.2.3.6 */
        { "02 00", "" },                                       /* an empty fixed block, and the stored one's bits */
    };
    struct ws_deflate *both = ws_deflate_create(&mem_default);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct hex packed = hex(cases[i].packed);
        struct bytes_writer out = writer_make();
        cr_assert_eq(ws_deflate_unpack(both, hex_bytes(&packed), SIZE_MAX_HERE, &out), STATUS_OK, "%s", cases[i].packed);
        cr_assert(bytes_equal_text(bytes_written(&out), cases[i].text), "%s", cases[i].packed);
        bytes_writer_finish(&out);
    }
    ws_deflate_destroy(both);
}

Test(ws_deflate, what_is_no_packed_message_is_malformed) {
    static const char *const cases[] = {
        "",                     /* not even an empty block */
        "f2 48 cd c9",          /* cut off */
        "00 05 00 fa ff 48 65", /* cut off in a stored block */
        "f3 48 cd c9 c9 07",    /* a final block, and no empty one behind it */
        "ff ff ff ff",          /* a type of block that there is not */
        "00 05 00 05 00",       /* a stored block whose lengths contradict each other */
        "f2 00 11 00 00",       /* refers to what came before the message */
    };
    struct ws_deflate *both = ws_deflate_create(&mem_default);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct hex packed = hex(cases[i]);
        struct bytes_writer out = writer_make();
        cr_assert_eq(ws_deflate_unpack(both, hex_bytes(&packed), SIZE_MAX_HERE, &out), STATUS_MALFORMED, "%s", cases[i]);
        bytes_writer_finish(&out);
    }
    ws_deflate_destroy(both);
}

Test(ws_deflate, every_size_comes_back_with_every_window) {
    static const size_t sizes[] = { 100, 4096, 16383, 16384, 16385, 65536, SIZE_MAX_HERE };
    static uint8_t payload[SIZE_MAX_HERE];
    struct ws_deflate *both = ws_deflate_create(&mem_default);
    fill(payload, sizeof payload);

    for (unsigned bits = WS_DEFLATE_BITS_MIN; bits <= WS_DEFLATE_BITS_MAX; bits++)
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            struct bytes_writer packed = writer_make();
            struct bytes_writer out = writer_make();
            cr_assert_eq(ws_deflate_pack(both, bits, bytes_of(payload, sizes[i]), &packed), STATUS_OK);
            cr_assert_lt(packed.size, sizes[i]);
            cr_assert_eq(ws_deflate_unpack(both, bytes_written(&packed), sizes[i], &out), STATUS_OK);
            cr_assert(bytes_equal(bytes_written(&out), bytes_of(payload, sizes[i])));
            bytes_writer_finish(&packed);
            bytes_writer_finish(&out);
        }
    ws_deflate_destroy(both);
}

Test(ws_deflate, what_was_packed_before_does_not_matter) {
    enum { NOISE = 2 };
    static uint8_t payloads[3][5000];
    static const struct {
        unsigned which, bits;
    } order[] = { { 0, 15 }, { 0, 15 }, { 1, 15 }, { 0, 15 }, { NOISE, 9 }, { 0, 9 }, { 0, 15 }, { 1, 15 } };
    struct ws_deflate *both = ws_deflate_create(&mem_default);
    fill(payloads[0], sizeof payloads[0]);
    fill(payloads[1], sizeof payloads[1]);
    payloads[1][4999] ^= 1;
    fill_noise(payloads[NOISE], sizeof payloads[NOISE]);

    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        struct ws_deflate *fresh = ws_deflate_create(&mem_default);
        struct bytes payload = bytes_of(payloads[order[i].which], sizeof payloads[0]);
        struct bytes_writer packed = writer_make();
        struct bytes_writer expected = writer_make();
        enum status status = ws_deflate_pack(fresh, order[i].bits, payload, &expected);
        cr_assert_eq(status, order[i].which == NOISE ? STATUS_TOO_BIG : STATUS_OK);
        cr_assert_eq(ws_deflate_pack(both, order[i].bits, payload, &packed), status);
        cr_assert(bytes_equal(bytes_written(&packed), bytes_written(&expected)), "message %zu", i);
        bytes_writer_finish(&packed);
        bytes_writer_finish(&expected);
        ws_deflate_destroy(fresh);
    }
    ws_deflate_destroy(both);
}

Test(ws_deflate, what_would_not_be_shorter_is_not_packed) {
    static uint8_t noise[5000];
    struct ws_deflate *both = ws_deflate_create(&mem_default);
    struct bytes_writer out = writer_make();
    fill_noise(noise, sizeof noise);

    cr_assert_eq(ws_deflate_pack(both, 15, bytes_of(noise, sizeof noise), &out), STATUS_TOO_BIG);
    cr_assert_eq(ws_deflate_pack(both, 15, bytes_text("Hello"), &out), STATUS_TOO_BIG);
    cr_assert_eq(ws_deflate_pack(both, 15, bytes_text(""), &out), STATUS_TOO_BIG);

    cr_assert_eq(out.size, 0);
    bytes_writer_finish(&out);
    ws_deflate_destroy(both);
}

Test(ws_deflate, a_bomb_is_stopped_at_the_maximum) {
    enum { BOMB = 1 << 22 };
    struct failing_mem memory;
    struct ws_deflate *both = ws_deflate_create(&mem_default);
    struct bytes_writer packed = writer_make();
    struct bytes_writer out;
    uint8_t *zeros = calloc(1, BOMB);
    failing_mem_init(&memory, 0);
    cr_assert_eq(ws_deflate_pack(both, 15, bytes_of(zeros, BOMB), &packed), STATUS_OK);
    bytes_writer_init(&out, &memory.mem, 1 << 24);

    cr_assert_eq(ws_deflate_unpack(both, bytes_written(&packed), BOMB, &out), STATUS_OK);
    bytes_writer_finish(&out);
    bytes_writer_init(&out, &memory.mem, 1 << 24);
    cr_assert_eq(ws_deflate_unpack(both, bytes_written(&packed), 10000, &out), STATUS_TOO_BIG);

    cr_assert_leq(out.size, 10001);
    cr_assert_leq(memory.held, 32768);
    bytes_writer_finish(&out);
    bytes_writer_finish(&packed);
    ws_deflate_destroy(both);
    free(zeros);
}

Test(ws_deflate, behind_a_final_block_references_go_on_but_not_without_end) {
    /* A final block "abcd"; a final block of "a" and a copy of three bytes of the block before; the empty one. */
    struct hex once = hex("4b 4c 4a 4e 01 00  4b 04 62 00  00");
    struct ws_deflate *both = ws_deflate_create(&mem_default);
    struct bytes_writer out = writer_make();
    struct bytes_writer many = writer_make();

    cr_assert_eq(ws_deflate_unpack(both, hex_bytes(&once), SIZE_MAX_HERE, &out), STATUS_OK);
    cr_assert(bytes_equal_text(bytes_written(&out), "abcdabcd"));
    bytes_writer_reset(&out);
    for (int i = 0; i < 100; i++)
        bytes_write(&many, bytes_of("\x03\x00", 2)); /* an empty final block */
    bytes_write_u8(&many, 0);
    cr_assert_eq(ws_deflate_unpack(both, bytes_written(&many), SIZE_MAX_HERE, &out), STATUS_MALFORMED);
    bytes_writer_finish(&out);
    bytes_writer_finish(&many);
    ws_deflate_destroy(both);
}

Test(ws_deflate, every_failed_allocation_is_survived) {
    static uint8_t payload[50000];
    fill(payload, sizeof payload);
    for (unsigned n = 1;; n++) {
        struct failing_mem failing;
        failing_mem_init(&failing, n);
        struct ws_deflate *both = NULL;
        struct bytes_writer packed;
        struct bytes_writer out;
        enum status status;
        bytes_writer_init(&packed, &failing.mem, 1 << 20);
        bytes_writer_init(&out, &failing.mem, 1 << 20);
        while (both == NULL)
            both = ws_deflate_create(&failing.mem);
        while ((status = ws_deflate_pack(both, 15, bytes_of(payload, sizeof payload), &packed)) == STATUS_NO_MEMORY)
            bytes_writer_reset(&packed);
        cr_assert_eq(status, STATUS_OK);
        while ((status = ws_deflate_unpack(both, bytes_written(&packed), sizeof payload, &out)) == STATUS_NO_MEMORY)
            bytes_writer_reset(&out);
        cr_assert_eq(status, STATUS_OK);
        cr_assert(bytes_equal(bytes_written(&out), bytes_of(payload, sizeof payload)));
        bytes_writer_finish(&packed);
        bytes_writer_finish(&out);
        ws_deflate_destroy(both);
        cr_assert_eq(failing.held, 0);
        if (!failing.fired)
            break;
    }
}
