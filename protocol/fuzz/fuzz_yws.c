/* fuzz_yws.c — any bytes as one message of a compatibility door. What is read lies within the bytes, and written again it is read
 * as the same. */
#include "wire/hocuspocus.h"

#include "fuzz.h"

enum { ROOM_MAX = 1 << 22 };

static void require_inside(struct bytes whole, struct bytes part) {
    FUZZ_REQUIRE(part.size == 0 || (part.data >= whole.data && part.data + part.size <= whole.data + whole.size));
}

static void read_yws(struct bytes input) {
    struct yws_message message, again;
    if (yws_read(input, &message) != STATUS_OK)
        return;
    require_inside(input, message.payload);
    if (message.kind > YWS_AWARENESS)
        return;
    struct bytes_writer out;
    bytes_writer_init(&out, &mem_default, ROOM_MAX);
    yws_write(&out, message.kind, message.payload);
    FUZZ_REQUIRE(yws_read(bytes_written(&out), &again) == STATUS_OK);
    FUZZ_REQUIRE(again.kind == message.kind && bytes_equal(again.payload, message.payload));
    bytes_writer_finish(&out);
}

static void read_hocuspocus(struct bytes input) {
    struct hocuspocus_message message, again;
    if (hocuspocus_read(input, &message) != STATUS_OK)
        return;
    require_inside(input, message.name);
    require_inside(message.name, message.document);
    require_inside(input, message.text);
    require_inside(input, message.yws.payload);
    if (message.kind != HOCUSPOCUS_SYNC || message.yws.kind > YWS_AWARENESS)
        return;
    struct bytes_writer out;
    bytes_writer_init(&out, &mem_default, ROOM_MAX);
    hocuspocus_sync_write(&out, message.name, message.yws.kind, message.yws.payload);
    FUZZ_REQUIRE(hocuspocus_read(bytes_written(&out), &again) == STATUS_OK);
    FUZZ_REQUIRE(bytes_equal(again.name, message.name) && again.yws.kind == message.yws.kind &&
                 bytes_equal(again.yws.payload, message.yws.payload));
    bytes_writer_finish(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    read_yws(bytes_of(data, size));
    read_hocuspocus(bytes_of(data, size));
    return 0;
}
