/* fuzz_wire.c — any bytes as one WebSocket message. Every value goes through every message's reader; what a reader accepts is
 * written and read again, and must say the same. */
#include "wire/doc_wire.h"
#include "wire/session_wire.h"
#include "wire/sync.h"

#include "fuzz.h"

enum { ROOM_MAX = 1 << 22 };

/* Writes, reads back and writes again: both writings must be equal. */
#define FUZZ_AGAIN(type, map, name)                                                      \
    do {                                                                                 \
        struct type message;                                                             \
        if (name##_read(map, &message).status == STATUS_OK) {                            \
            struct bytes_writer first, second;                                           \
            struct type copy;                                                            \
            bytes_writer_init(&first, &mem_default, ROOM_MAX);                           \
            bytes_writer_init(&second, &mem_default, ROOM_MAX);                          \
            name##_write(&first, &message);                                              \
            FUZZ_REQUIRE(first.status == STATUS_OK);                                     \
            FUZZ_REQUIRE(name##_read(bytes_written(&first), &copy).status == STATUS_OK); \
            name##_write(&second, &copy);                                                \
            FUZZ_REQUIRE(bytes_equal(bytes_written(&first), bytes_written(&second)));    \
            bytes_writer_finish(&first);                                                 \
            bytes_writer_finish(&second);                                                \
        }                                                                                \
    } while (0)

static void walk_participants(struct bytes array) {
    struct wire_participants walk = wire_participants(array);
    struct wire_participant participant;
    while (wire_participants_next(&walk, &participant) == STATUS_OK)
        ;
}

static void read_map(struct bytes map) {
    struct wire_joined joined;
    struct wire_join join;
    struct wire_doc_rejected rejected;
    struct wire_doc_gone gone;
    struct wire_fault fault;
    uint64_t number;
    FUZZ_AGAIN(wire_join, map, wire_join);
    FUZZ_AGAIN(wire_joined, map, wire_joined);
    FUZZ_AGAIN(wire_participant, map, wire_participant);
    FUZZ_AGAIN(wire_page, map, wire_page);
    FUZZ_AGAIN(wire_participants_page, map, wire_participants_page);
    FUZZ_AGAIN(wire_participant_event, map, wire_participant_event);
    FUZZ_AGAIN(wire_session_closed, map, wire_session_closed);
    FUZZ_AGAIN(wire_token, map, wire_token);
    FUZZ_AGAIN(wire_doc_open, map, wire_doc_open);
    FUZZ_AGAIN(wire_doc_opened, map, wire_doc_opened);
    /* Words of the future have no number to be written with. */
    wire_doc_rejected_read(map, &rejected);
    wire_doc_gone_read(map, &gone);
    wire_doc_close_read(map, &number);
    wire_token_expiring_read(map, &number);
    if (wire_join_read(map, &join).status == STATUS_OK)
        wire_capability_has(join.capabilities, "x");
    if (wire_joined_read(map, &joined).status == STATUS_OK)
        walk_participants(joined.participants);
    if (wire_fault_read(map, &fault) == STATUS_OK && fault.code < WIRE_CODE_COUNT) {
        struct bytes_writer out;
        struct wire_fault copy;
        bytes_writer_init(&out, &mem_default, ROOM_MAX);
        wire_fault_write(&out, &fault);
        FUZZ_REQUIRE(wire_fault_read(bytes_written(&out), &copy) == STATUS_OK && copy.code == fault.code);
        bytes_writer_finish(&out);
    }
}

static void read_value(const struct wire_value *value) {
    struct bytes_writer out;
    struct wire_value copy;
    switch (value->kind) {
    case WIRE_REQUEST:
    case WIRE_NOTIFICATION:
        FUZZ_REQUIRE(value->method.size <= WIRE_METHOD_BYTES_MAX);
        read_map(value->params);
        return;
    case WIRE_RESPONSE:
        read_map(value->failed ? value->error : value->result);
        return;
    default:
        break;
    }
    bytes_writer_init(&out, &mem_default, ROOM_MAX);
    if (value->kind == WIRE_ACK)
        wire_ack_write(&out, value->doc, value->count);
    else
        wire_sync_write(&out, value->kind, value->doc, value->payload);
    struct wire_reader reader = wire_reader(bytes_written(&out), NULL);
    FUZZ_REQUIRE(wire_next(&reader, &copy) == STATUS_OK && copy.kind == value->kind && copy.doc == value->doc);
    FUZZ_REQUIRE(copy.count == value->count && bytes_equal(copy.payload, value->payload));
    bytes_writer_finish(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct wire_reader reader = wire_reader(bytes_of(data, size), NULL);
    struct wire_value value;
    enum status status;
    while ((status = wire_next(&reader, &value)) == STATUS_OK)
        read_value(&value);
    FUZZ_REQUIRE(status == STATUS_MORE || (reader.fault.what != NULL && reader.fault.offset <= size));
    return 0;
}
