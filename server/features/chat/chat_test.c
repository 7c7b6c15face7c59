#include "features/chat/chat_wire.h"

#include <criterion/criterion.h>

static struct bytes checked(const struct bytes_writer *writer) {
    struct pack_limits limits = { .depth_max = 8, .elements_max = 1000, .bytes_max = 1 << 20 };
    size_t size;
    cr_assert_eq(pack_check(bytes_written(writer), &limits, &size, NULL), STATUS_OK);
    cr_assert_eq(size, writer->size);
    return bytes_written(writer);
}

Test(chat_send, survives_the_round_trip) {
    struct chat_send send = { .client_msg_id = { { 7 } }, .text = bytes_text("안녕 👋"), .reply_to = { { 9 } } };
    struct bytes_writer writer;
    bytes_writer_init(&writer, &mem_default, 4096);

    chat_send_write(&writer, &send);
    struct chat_send read;
    struct pack_fields fields = chat_send_read(checked(&writer), &read);

    cr_assert_eq(fields.status, STATUS_OK);
    cr_assert(uuid_equal(&read.client_msg_id, &send.client_msg_id));
    cr_assert(uuid_equal(&read.reply_to, &send.reply_to));
    cr_assert(bytes_equal(read.text, send.text));
    bytes_writer_finish(&writer);
}

Test(chat_send, refuses_empty_and_nul_text_by_name) {
    static const struct bytes texts[] = { { (const uint8_t *)"", 0 }, { (const uint8_t *)"a\0b", 3 } };
    for (size_t i = 0; i < 2; i++) {
        struct chat_send send = { .text = texts[i] };
        struct bytes_writer writer;
        bytes_writer_init(&writer, &mem_default, 4096);

        chat_send_write(&writer, &send);
        struct pack_fields fields = chat_send_read(checked(&writer), &send);

        cr_assert_eq(fields.status, STATUS_MALFORMED);
        cr_assert_str_eq(fields.field, "text");
        bytes_writer_finish(&writer);
    }
}

Test(chat_history, has_a_default_page_and_a_largest_one) {
    struct bytes_writer writer;
    struct chat_history history;
    bytes_writer_init(&writer, &mem_default, 4096);
    pack_write_map(&writer, 0);
    cr_assert_eq(chat_history_read(checked(&writer), &history).status, STATUS_OK);
    cr_assert_eq(history.limit, CHAT_PAGE_DEFAULT);
    bytes_writer_reset(&writer);

    history.limit = CHAT_PAGE_MAX + 1;
    chat_history_write(&writer, &history);
    struct pack_fields fields = chat_history_read(checked(&writer), &history);

    cr_assert_eq(fields.status, STATUS_MALFORMED);
    cr_assert_str_eq(fields.field, "limit");
    bytes_writer_finish(&writer);
}
