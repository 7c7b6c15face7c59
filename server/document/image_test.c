#include "document/image.h"

#include "connection/connection.h"
#include "crdt/crdt.h"
#include "wire/sync.h"

#include <criterion/criterion.h>
#include <stdio.h>

enum { IMAGE_TEST_DOC = 42 };

struct image_test {
    struct crdt_doc *doc;
    struct image image;
};

static void image_test_open(struct image_test *test) {
    *test = (struct image_test){ 0 };
    cr_assert_eq(crdt_doc_create(&(struct crdt_doc_options){ .client_id = 1 }, &test->doc), STATUS_OK);
}

/* Types at the end and answers the update as it is relayed. */
static struct frame *image_test_type(struct image_test *test, const char *text) {
    struct crdt_type *root;
    struct bytes_writer update;
    bytes_writer_init(&update, &mem_default, 1 << 20);
    cr_assert_eq(crdt_doc_root(test->doc, bytes_text("text"), &root), STATUS_OK);
    struct crdt_txn *txn = crdt_txn_begin(test->doc);
    cr_assert_eq(crdt_text_insert(txn, root, crdt_text_length(root), bytes_text(text)), STATUS_OK);
    cr_assert_eq(crdt_txn_commit(txn, &update, NULL), STATUS_OK);
    struct frame *frame = frame_of_sync(frame_native(IMAGE_TEST_DOC), FRAME_UPDATE, bytes_written(&update));
    bytes_writer_finish(&update);
    return frame;
}

static void image_test_add(struct image_test *test, const char *text) {
    struct frame *frame = image_test_type(test, text);
    image_add(&test->image, frame);
    frame_release(frame);
}

static size_t image_test_take(struct image_test *test, struct frame *const **out_frames) {
    size_t count;
    cr_assert_eq(image_take(&test->image, test->doc, frame_native(IMAGE_TEST_DOC), 1000, out_frames, &count), STATUS_OK);
    return count;
}

/* What who receives these frames has then. */
static void image_test_expect(struct frame *const *frames, size_t count, const char *expected) {
    struct crdt_doc *copy;
    struct crdt_type *root;
    struct bytes_writer text;
    bytes_writer_init(&text, &mem_default, 1 << 20);
    cr_assert_eq(crdt_doc_create(&(struct crdt_doc_options){ .client_id = 2 }, &copy), STATUS_OK);
    for (size_t i = 0; i < count; i++) {
        uint8_t header[WIRE_SYNC_HEADER_MAX];
        size_t size = 0;
        while (wire_sync_frame_header(header, WIRE_UPDATE, IMAGE_TEST_DOC, size) + size < frames[i]->size)
            size++;
        struct bytes update = bytes_of(frames[i]->data + frames[i]->size - size, size);
        struct crdt_txn *txn = crdt_txn_begin(copy);
        cr_assert_eq(crdt_update_apply(txn, update, NULL), STATUS_OK);
        crdt_txn_commit(txn, NULL, NULL);
    }
    cr_assert_eq(crdt_doc_root(copy, bytes_text("text"), &root), STATUS_OK);
    cr_assert_eq(crdt_text_write(copy, root, &text), STATUS_OK);
    cr_assert(bytes_equal_text(bytes_written(&text), expected), "%.*s", (int)text.size, (const char *)text.data);
    bytes_writer_finish(&text);
    crdt_doc_destroy(copy);
}

static void image_test_close(struct image_test *test) {
    image_forget(&test->image);
    crdt_doc_destroy(test->doc);
}

static const char image_test_long[] =
    "a text of some length, so that a few words more are less than a fifth of it, as is the rule; "
    "a text of some length, so that a few words more are less than a fifth of it, as is the rule";

Test(image, all_who_join_share_its_frames) {
    struct image_test test;
    image_test_open(&test);
    frame_release(image_test_type(&test, "text"));

    struct frame *const *first, *const *second;
    image_test_take(&test, &first);
    struct frame *base = first[0];
    size_t count = image_test_take(&test, &second);

    cr_assert_eq(count, 1);
    cr_assert_eq(second[0], base);
    image_test_expect(second, count, "text");
    image_test_close(&test);
}

Test(image, what_was_typed_since_follows_it) {
    struct image_test test;
    image_test_open(&test);
    frame_release(image_test_type(&test, image_test_long));
    struct frame *const *frames;
    image_test_take(&test, &frames);
    struct frame *base = frames[0];

    image_test_add(&test, "!");
    size_t count = image_test_take(&test, &frames);

    char expected[sizeof image_test_long + 1];
    snprintf(expected, sizeof expected, "%s!", image_test_long);
    cr_assert_eq(count, 2);
    cr_assert_eq(frames[0], base);
    image_test_expect(frames, count, expected);
    image_test_close(&test);
}

Test(image, is_made_again_when_its_tail_passes_a_fifth) {
    struct image_test test;
    image_test_open(&test);
    frame_release(image_test_type(&test, image_test_long));
    struct frame *const *frames;
    image_test_take(&test, &frames);

    for (int i = 0; i < 3; i++)
        image_test_add(&test, "!!");

    cr_assert_not(image_is_kept(&test.image), "a fifth of 200 bytes is less than three frames");
    cr_assert_eq(test.image.bytes, 0);
    char expected[sizeof image_test_long + 6];
    snprintf(expected, sizeof expected, "%s!!!!!!", image_test_long);
    size_t count = image_test_take(&test, &frames);
    cr_assert_eq(count, 1);
    image_test_expect(frames, count, expected);
    image_test_close(&test);
}

Test(image, leaves_when_nobody_has_joined_for_a_while) {
    struct image_test test;
    image_test_open(&test);
    struct frame *const *frames;
    image_test_take(&test, &frames);

    image_tick(&test.image, 1000 + IMAGE_IDLE_MS - 1);
    cr_assert(image_is_kept(&test.image));
    image_tick(&test.image, 1000 + IMAGE_IDLE_MS);
    cr_assert_not(image_is_kept(&test.image));

    image_test_close(&test);
}

Test(image, nothing_is_kept_before_somebody_joins) {
    struct image_test test;
    image_test_open(&test);

    image_test_add(&test, "text");

    cr_assert_not(image_is_kept(&test.image));
    image_test_close(&test);
}

Test(image, the_base_is_compressed_once_for_all_who_take_it_so) {
    static char text[8193];
    struct image_test test;
    struct frame *const *frames;
    struct ws_pool pool;
    struct connection plain = { 0 }, packs = { 0 };
    ws_pool_init(&pool, &mem_default, 1, 1);
    ws_conn_init(&plain.ws, &pool, WS_SERVER, 1 << 20);
    ws_conn_init(&packs.ws, &pool, WS_SERVER, 1 << 20);
    ws_conn_deflate(&packs.ws, 15);
    image_test_open(&test);
    memset(text, 'x', sizeof text - 1);
    frame_release(image_test_type(&test, text));
    image_test_take(&test, &frames);

    struct frame *packed = image_base(&test.image, &packs);

    cr_assert_lt(packed->size, frames[0]->size / 2);
    cr_assert_eq(image_base(&test.image, &packs), packed);
    cr_assert_eq(image_base(&test.image, &plain), frames[0]);
    cr_assert_eq(image_bytes(&test.image), frames[0]->size + packed->size);
    ws_conn_deflate(&packs.ws, 9);
    image_base(&test.image, &packs);
    cr_assert_eq(test.image.packed_bits, 9, "a smaller window takes nothing of a larger one");
    image_test_close(&test);
    ws_conn_finish(&plain.ws);
    ws_conn_finish(&packs.ws);
    ws_pool_finish(&pool);
}
