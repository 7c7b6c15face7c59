/* Pinned bytes: every kind and every core method, written and read, against golden/frames.txt; and every example of PROTOCOL.md
 * that carries a golden name is one of them. A change of these bytes is a change of the protocol. */
#include "wire/doc_wire.h"
#include "wire/session_wire.h"
#include "wire/sync.h"

#include "../testing/failing_mem.h"
#include "../testing/hex.h"

#include <criterion/criterion.h>
#include <stdio.h>

static const struct uuid uuid_session = { { 0x01, 0x93, 0x2c, 0x07, 0x20, 0x9c, 0x7f, 0x3a, 0x8c, 0x11, 0x5d, 0x1b, 0x2a, 0x9e,
                                            0x4c, 0x77 } };
static const struct uuid uuid_user = { { 0x01, 0x93, 0x2c, 0x07, 0x20, 0x9d, 0x70, 0x01, 0x80, 0x00, 0, 0, 0, 0, 0, 0x02 } };
static const struct uuid uuid_file = { { 0x01, 0x93, 0x2c, 0x07, 0x20, 0x9e, 0x70, 0x01, 0x80, 0x00, 0, 0, 0, 0, 0, 0x03 } };
static const struct uuid uuid_boot = { { 0x01, 0x93, 0x2c, 0x07, 0x20, 0x9f, 0x70, 0x01, 0x80, 0x00, 0, 0, 0, 0, 0, 0x04 } };

#define CHECK_FIELDS(fields)    cr_assert_eq((fields).status, STATUS_OK, "%s %s", (fields).field, (fields).what)
#define CHECK_TEXT(bytes, text) cr_assert(bytes_equal_text(bytes, text), "%.*s", (int)(bytes).size, (bytes).data)
#define CHECK_UUID(a, b)        cr_assert(uuid_equal(&(a), &(b)))

/* ---- the hot values ---- */

static void update_write(struct bytes_writer *out) {
    wire_sync_write(out, WIRE_UPDATE, 42, bytes_of("\0\0", 2));
}

static void update_read(const struct wire_value *value) {
    cr_assert_eq(value->kind, WIRE_UPDATE);
    cr_assert_eq(value->doc, 42);
    cr_assert(bytes_equal(value->payload, bytes_of("\0\0", 2)));
}

static void ack_write(struct bytes_writer *out) {
    wire_ack_write(out, 42, 300);
}

static void ack_read(const struct wire_value *value) {
    cr_assert_eq(value->kind, WIRE_ACK);
    cr_assert_eq(value->doc, 42);
    cr_assert_eq(value->count, 300);
}

static const uint8_t awareness[] = { 0x01, 0x05, 0x02, 0x02, 0x7b, 0x7d }; /* client 5, clock 2, state {} */

static void awareness_write(struct bytes_writer *out) {
    wire_sync_write(out, WIRE_AWARENESS, 0, bytes_of(awareness, sizeof awareness));
}

static void awareness_read(const struct wire_value *value) {
    cr_assert_eq(value->kind, WIRE_AWARENESS);
    cr_assert_eq(value->doc, 0);
    cr_assert(bytes_equal(value->payload, bytes_of(awareness, sizeof awareness)));
}

static void state_vector_write(struct bytes_writer *out) {
    wire_sync_write(out, WIRE_STATE_VECTOR, 42, bytes_of("\x01\x05\x07", 3)); /* one client: 5 at clock 7 */
}

static void state_vector_read(const struct wire_value *value) {
    cr_assert_eq(value->kind, WIRE_STATE_VECTOR);
    cr_assert_eq(value->doc, 42);
    cr_assert(bytes_equal(value->payload, bytes_of("\x01\x05\x07", 3)));
}

/* ---- session ---- */

static void method_is(const struct wire_value *value, enum wire_kind kind, const char *method) {
    cr_assert_eq(value->kind, kind);
    if (kind == WIRE_RESPONSE)
        cr_assert_not(value->failed);
    else
        CHECK_TEXT(value->method, method);
    if (kind != WIRE_NOTIFICATION)
        cr_assert_eq(value->msgid, 1);
}

static const uint8_t capabilities[] = { 0x91, 0xa4, 'c', 'h', 'a', 't' };

static void join_write(struct bytes_writer *out) {
    struct wire_join join = { .client = bytes_text("demo"),
                              .version = bytes_text("1.0"),
                              .protocol = WIRE_PROTOCOL_VERSION,
                              .credential = bytes_text("secret"),
                              .capabilities = bytes_of(capabilities, sizeof capabilities) };
    wire_request_begin(out, 1, "session.join");
    wire_join_write(out, &join);
}

static void join_read(const struct wire_value *value) {
    struct wire_join join;
    method_is(value, WIRE_REQUEST, "session.join");
    struct pack_fields fields = wire_join_read(value->params, &join);
    CHECK_FIELDS(fields);
    CHECK_TEXT(join.client, "demo");
    CHECK_TEXT(join.version, "1.0");
    cr_assert_eq(join.protocol, 1);
    CHECK_TEXT(join.credential, "secret");
    cr_assert(wire_capability_has(join.capabilities, "chat"));
    cr_assert_not(wire_capability_has(join.capabilities, "cha"));
}

static const struct wire_participant ada = { .id = 3,
                                             .user = { { 0x01, 0x93, 0x2c, 0x07, 0x20, 0x9d, 0x70, 0x01, 0x80, 0x00, 0, 0, 0, 0, 0,
                                                         0x02 } },
                                             .username = { (const uint8_t *)"ada-7f", 6 },
                                             .display_name = { (const uint8_t *)"Ada", 3 },
                                             .role = { (const uint8_t *)"collaborator", 12 } };

static void participant_is_ada(const struct wire_participant *participant) {
    cr_assert_eq(participant->id, 3);
    CHECK_UUID(participant->user, uuid_user);
    CHECK_TEXT(participant->username, "ada-7f");
    CHECK_TEXT(participant->display_name, "Ada");
    CHECK_TEXT(participant->role, "collaborator");
}

static void participants_are_ada(struct bytes array) {
    struct wire_participants walk = wire_participants(array);
    struct wire_participant participant;
    cr_assert_eq(wire_participants_next(&walk, &participant), STATUS_OK);
    participant_is_ada(&participant);
    cr_assert_eq(wire_participants_next(&walk, &participant), STATUS_MORE);
}

/* An array of one participant, in memory of the caller. */
static struct bytes ada_array(struct bytes_writer *room) {
    bytes_writer_init(room, &mem_default, 4096);
    pack_write_array(room, 1);
    wire_participant_write(room, &ada);
    return bytes_written(room);
}

static void joined_write(struct bytes_writer *out) {
    struct bytes_writer room;
    struct wire_joined joined = { .protocol = 1,
                                  .session = uuid_session,
                                  .self = ada,
                                  .rights = RIGHT_READ | RIGHT_WRITE | RIGHT_CHAT | RIGHT_FILES,
                                  .boot = uuid_boot,
                                  .limits = { .message_bytes = 1,
                                              .update_bytes = 2,
                                              .awareness_bytes = 3,
                                              .open_documents = 4,
                                              .requests_per_second = 5,
                                              .updates_per_second = 6,
                                              .files = 7,
                                              .document_bytes = 8,
                                              .path_bytes = 9,
                                              .chat_bytes = 10 },
                                  .capabilities = bytes_of(capabilities, sizeof capabilities),
                                  .files_count = 2,
                                  .participants = ada_array(&room),
                                  .participants_next = 0,
                                  .token_expires_at = 1700000000000 };
    wire_result_begin(out, 1);
    wire_joined_write(out, &joined);
    bytes_writer_finish(&room);
}

static void joined_read(const struct wire_value *value) {
    struct wire_joined joined;
    method_is(value, WIRE_RESPONSE, NULL);
    struct pack_fields fields = wire_joined_read(value->result, &joined);
    CHECK_FIELDS(fields);
    cr_assert_eq(joined.protocol, 1);
    CHECK_UUID(joined.session, uuid_session);
    participant_is_ada(&joined.self);
    cr_assert_eq(joined.rights, RIGHT_READ | RIGHT_WRITE | RIGHT_CHAT | RIGHT_FILES);
    CHECK_UUID(joined.boot, uuid_boot);
    cr_assert_eq(joined.limits.message_bytes, 1);
    cr_assert_eq(joined.limits.updates_per_second, 6);
    cr_assert_eq(joined.limits.chat_bytes, 10);
    cr_assert(wire_capability_has(joined.capabilities, "chat"));
    cr_assert_eq(joined.files_count, 2);
    participants_are_ada(joined.participants);
    cr_assert_eq(joined.participants_next, 0);
    cr_assert_eq(joined.token_expires_at, 1700000000000);
}

static void participants_write(struct bytes_writer *out) {
    struct wire_page page = { .after = 3, .limit = 50 };
    wire_request_begin(out, 1, "session.participants");
    wire_page_write(out, &page);
}

static void participants_read(const struct wire_value *value) {
    struct wire_page page;
    method_is(value, WIRE_REQUEST, "session.participants");
    struct pack_fields fields = wire_page_read(value->params, &page);
    CHECK_FIELDS(fields);
    cr_assert_eq(page.after, 3);
    cr_assert_eq(page.limit, 50);
}

static void participants_page_write(struct bytes_writer *out) {
    struct bytes_writer room;
    struct wire_participants_page page = { .participants = ada_array(&room), .next = 0 };
    wire_result_begin(out, 1);
    wire_participants_page_write(out, &page);
    bytes_writer_finish(&room);
}

static void participants_page_read(const struct wire_value *value) {
    struct wire_participants_page page;
    method_is(value, WIRE_RESPONSE, NULL);
    struct pack_fields fields = wire_participants_page_read(value->result, &page);
    CHECK_FIELDS(fields);
    participants_are_ada(page.participants);
    cr_assert_eq(page.next, 0);
}

static void participant_write(struct bytes_writer *out) {
    struct wire_participant_event event = { .what = WIRE_PARTICIPANT_LEFT, .participant = ada, .reason = bytes_text("timeout") };
    wire_notification_begin(out, "session.participant");
    wire_participant_event_write(out, &event);
}

static void participant_read(const struct wire_value *value) {
    struct wire_participant_event event;
    method_is(value, WIRE_NOTIFICATION, "session.participant");
    struct pack_fields fields = wire_participant_event_read(value->params, &event);
    CHECK_FIELDS(fields);
    cr_assert_eq(event.what, WIRE_PARTICIPANT_LEFT);
    participant_is_ada(&event.participant);
    CHECK_TEXT(event.reason, "timeout");
}

static void closed_write(struct bytes_writer *out) {
    struct wire_session_closed closed = { .reason = bytes_text("closed"), .message = bytes_text("The owner closed the session.") };
    wire_notification_begin(out, "session.closed");
    wire_session_closed_write(out, &closed);
}

static void closed_read(const struct wire_value *value) {
    struct wire_session_closed closed;
    method_is(value, WIRE_NOTIFICATION, "session.closed");
    struct pack_fields fields = wire_session_closed_read(value->params, &closed);
    CHECK_FIELDS(fields);
    CHECK_TEXT(closed.reason, "closed");
    CHECK_TEXT(closed.message, "The owner closed the session.");
}

static void fault_notice_write(struct bytes_writer *out) {
    struct wire_fault fault = wire_fault_say(WIRE_CODE_MALFORMED, "must be binary at byte 13.");
    fault.has_offset = true;
    fault.offset = 13;
    wire_fault_notify(out, &fault);
}

static void fault_notice_read(const struct wire_value *value) {
    struct wire_fault fault;
    method_is(value, WIRE_NOTIFICATION, "session.fault");
    cr_assert_eq(wire_fault_read(value->params, &fault), STATUS_OK);
    cr_assert_eq(fault.code, WIRE_CODE_MALFORMED);
    cr_assert_eq(fault.offset, 13);
}

static void error_write(struct bytes_writer *out) {
    struct wire_fault fault = wire_fault(WIRE_CODE_METHOD_NOT_FOUND);
    fault.method = bytes_text("chat.sing");
    wire_error_write(out, 1, &fault);
}

static void error_read(const struct wire_value *value) {
    struct wire_fault fault;
    cr_assert(value->failed);
    cr_assert_eq(value->msgid, 1);
    cr_assert_eq(wire_fault_read(value->error, &fault), STATUS_OK);
    cr_assert_eq(fault.code, WIRE_CODE_METHOD_NOT_FOUND);
    cr_assert_eq(fault.retry, WIRE_RETRY_NEVER);
    CHECK_TEXT(fault.method, "chat.sing");
}

static void refresh_write(struct bytes_writer *out) {
    wire_request_begin(out, 1, "auth.refresh");
    wire_empty_write(out);
}

static void refresh_read(const struct wire_value *value) {
    method_is(value, WIRE_REQUEST, "auth.refresh");
    cr_assert_eq(pack_fields(value->params).status, STATUS_OK);
}

static void refreshed_write(struct bytes_writer *out) {
    struct wire_token token = { .token = bytes_text("renewed"), .expires_at = 1700000000000 };
    wire_result_begin(out, 1);
    wire_token_write(out, &token);
}

static void refreshed_read(const struct wire_value *value) {
    struct wire_token token;
    method_is(value, WIRE_RESPONSE, NULL);
    struct pack_fields fields = wire_token_read(value->result, &token);
    CHECK_FIELDS(fields);
    CHECK_TEXT(token.token, "renewed");
    cr_assert_eq(token.expires_at, 1700000000000);
}

static void expiring_write(struct bytes_writer *out) {
    wire_notification_begin(out, "auth.expiring");
    wire_token_expiring_write(out, 1700000000000);
}

static void expiring_read(const struct wire_value *value) {
    uint64_t expires_at;
    method_is(value, WIRE_NOTIFICATION, "auth.expiring");
    struct pack_fields fields = wire_token_expiring_read(value->params, &expires_at);
    CHECK_FIELDS(fields);
    cr_assert_eq(expires_at, 1700000000000);
}

/* ---- documents ---- */

static void open_write(struct bytes_writer *out) {
    struct wire_doc_open open = { .path = bytes_text("src/main.c"), .client_id = 305419896 };
    wire_request_begin(out, 1, "doc.open");
    wire_doc_open_write(out, &open);
}

static void open_read(const struct wire_value *value) {
    struct wire_doc_open open;
    method_is(value, WIRE_REQUEST, "doc.open");
    struct pack_fields fields = wire_doc_open_read(value->params, &open);
    CHECK_FIELDS(fields);
    CHECK_TEXT(open.path, "src/main.c");
    cr_assert(uuid_is_nil(&open.file));
    cr_assert_not(open.has_epoch);
    cr_assert_eq(open.client_id, 305419896);
}

static void reopen_write(struct bytes_writer *out) {
    struct wire_doc_open open = { .file = uuid_file, .has_epoch = true, .epoch = 1, .client_id = 305419896 };
    wire_request_begin(out, 1, "doc.open");
    wire_doc_open_write(out, &open);
}

static void reopen_read(const struct wire_value *value) {
    struct wire_doc_open open;
    method_is(value, WIRE_REQUEST, "doc.open");
    struct pack_fields fields = wire_doc_open_read(value->params, &open);
    CHECK_FIELDS(fields);
    cr_assert_null(open.path.data);
    CHECK_UUID(open.file, uuid_file);
    cr_assert(open.has_epoch);
    cr_assert_eq(open.epoch, 1);
}

static void opened_write(struct bytes_writer *out) {
    struct wire_doc_opened opened = { .doc = 42,
                                      .file = uuid_file,
                                      .path = bytes_text("src/main.c"),
                                      .epoch = 1,
                                      .access = WIRE_ACCESS_WRITE,
                                      .root = bytes_text("text"),
                                      .state_vector = bytes_of("\x01\x05\x07", 3) };
    wire_result_begin(out, 1);
    wire_doc_opened_write(out, &opened);
}

static void opened_read(const struct wire_value *value) {
    struct wire_doc_opened opened;
    method_is(value, WIRE_RESPONSE, NULL);
    struct pack_fields fields = wire_doc_opened_read(value->result, &opened);
    CHECK_FIELDS(fields);
    cr_assert_eq(opened.doc, 42);
    CHECK_UUID(opened.file, uuid_file);
    CHECK_TEXT(opened.path, "src/main.c");
    cr_assert_eq(opened.epoch, 1);
    cr_assert_eq(opened.access, WIRE_ACCESS_WRITE);
    CHECK_TEXT(opened.root, "text");
    cr_assert(bytes_equal(opened.state_vector, bytes_of("\x01\x05\x07", 3)));
}

static void close_write(struct bytes_writer *out) {
    wire_request_begin(out, 1, "doc.close");
    wire_doc_close_write(out, 42);
}

static void close_read(const struct wire_value *value) {
    uint64_t doc;
    method_is(value, WIRE_REQUEST, "doc.close");
    struct pack_fields fields = wire_doc_close_read(value->params, &doc);
    CHECK_FIELDS(fields);
    cr_assert_eq(doc, 42);
}

static void rejected_write(struct bytes_writer *out) {
    struct wire_doc_rejected rejected = {
        .doc = 42, .count = 3, .code = WIRE_CODE_MALFORMED, .message = bytes_text("not an update")
    };
    wire_notification_begin(out, "doc.rejected");
    wire_doc_rejected_write(out, &rejected);
}

static void rejected_read(const struct wire_value *value) {
    struct wire_doc_rejected rejected;
    method_is(value, WIRE_NOTIFICATION, "doc.rejected");
    struct pack_fields fields = wire_doc_rejected_read(value->params, &rejected);
    CHECK_FIELDS(fields);
    cr_assert_eq(rejected.doc, 42);
    cr_assert_eq(rejected.count, 3);
    cr_assert_eq(rejected.code, WIRE_CODE_MALFORMED);
    CHECK_TEXT(rejected.message, "not an update");
}

static void gone_write(struct bytes_writer *out) {
    struct wire_doc_gone gone = { .doc = 42, .file = uuid_file, .reason = WIRE_GONE_EPOCH, .epoch = 2 };
    wire_notification_begin(out, "doc.gone");
    wire_doc_gone_write(out, &gone);
}

static void gone_read(const struct wire_value *value) {
    struct wire_doc_gone gone;
    method_is(value, WIRE_NOTIFICATION, "doc.gone");
    struct pack_fields fields = wire_doc_gone_read(value->params, &gone);
    CHECK_FIELDS(fields);
    cr_assert_eq(gone.doc, 42);
    CHECK_UUID(gone.file, uuid_file);
    cr_assert_eq(gone.reason, WIRE_GONE_EPOCH);
    cr_assert_eq(gone.epoch, 2);
}

/* ---- the table ---- */

static const struct golden {
    const char *name;
    void (*write)(struct bytes_writer *out);
    void (*read)(const struct wire_value *value);
} goldens[] = {
    { "update", update_write, update_read },
    { "ack", ack_write, ack_read },
    { "awareness", awareness_write, awareness_read },
    { "state_vector", state_vector_write, state_vector_read },
    { "error", error_write, error_read },
    { "session.join", join_write, join_read },
    { "session.join.result", joined_write, joined_read },
    { "session.participants", participants_write, participants_read },
    { "session.participants.result", participants_page_write, participants_page_read },
    { "session.participant", participant_write, participant_read },
    { "session.closed", closed_write, closed_read },
    { "session.fault", fault_notice_write, fault_notice_read },
    { "auth.refresh", refresh_write, refresh_read },
    { "auth.refresh.result", refreshed_write, refreshed_read },
    { "auth.expiring", expiring_write, expiring_read },
    { "doc.open", open_write, open_read },
    { "doc.open.again", reopen_write, reopen_read },
    { "doc.open.result", opened_write, opened_read },
    { "doc.close", close_write, close_read },
    { "doc.rejected", rejected_write, rejected_read },
    { "doc.gone", gone_write, gone_read },
};

enum { GOLDEN_COUNT = sizeof goldens / sizeof goldens[0], FILE_MAX = 1 << 18 };

static char *file_text(const char *path) {
    static char text[FILE_MAX];
    FILE *file = fopen(path, "rb");
    cr_assert_not_null(file, "%s", path);
    size_t size = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    cr_assert_lt(size, sizeof text - 1);
    text[size] = '\0';
    return text;
}

/* The bytes of the line "name: 93 03 …". */
static struct hex golden_bytes(const char *text, const char *name) {
    size_t size = strlen(name);
    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, name, size) == 0 && line[size] == ':')
            return hex(line + size + 1);
    }
    cr_assert_fail("%s is not in frames.txt", name);
    return (struct hex){ .size = 0 };
}

Test(golden, what_is_written_has_not_changed) {
    char room[3 * HEX_BYTES_MAX];
    const char *text = file_text(GOLDEN_FRAMES);
    for (size_t i = 0; i < GOLDEN_COUNT; i++) {
        struct bytes_writer out;
        struct hex pinned = golden_bytes(text, goldens[i].name);
        bytes_writer_init(&out, &mem_default, 1 << 16);
        goldens[i].write(&out);
        cr_assert_eq(out.status, STATUS_OK);
        cr_assert(bytes_equal(bytes_written(&out), hex_bytes(&pinned)), "%s: %s", goldens[i].name,
                  hex_format(bytes_written(&out), room));
        bytes_writer_finish(&out);
    }
}

Test(golden, pinned_bytes_are_read) {
    const char *text = file_text(GOLDEN_FRAMES);
    for (size_t i = 0; i < GOLDEN_COUNT; i++) {
        struct hex pinned = golden_bytes(text, goldens[i].name);
        struct wire_reader reader = wire_reader(hex_bytes(&pinned), NULL);
        struct wire_value value;
        cr_assert_eq(wire_next(&reader, &value), STATUS_OK, "%s: %s", goldens[i].name, reader.fault.what);
        goldens[i].read(&value);
        cr_assert_eq(wire_next(&reader, &value), STATUS_MORE);
    }
}

Test(golden, all_values_may_stand_in_one_message) {
    struct bytes_writer all;
    struct wire_value value;
    const char *text = file_text(GOLDEN_FRAMES);
    bytes_writer_init(&all, &mem_default, 1 << 16);
    for (size_t i = 0; i < GOLDEN_COUNT; i++) {
        struct hex pinned = golden_bytes(text, goldens[i].name);
        bytes_write(&all, hex_bytes(&pinned));
    }
    struct wire_reader reader = wire_reader(bytes_written(&all), NULL);
    for (size_t i = 0; i < GOLDEN_COUNT; i++) {
        cr_assert_eq(wire_next(&reader, &value), STATUS_OK);
        goldens[i].read(&value);
    }
    cr_assert_eq(wire_next(&reader, &value), STATUS_MORE);
    bytes_writer_finish(&all);
}

Test(golden, every_truncation_is_malformed) {
    const char *text = file_text(GOLDEN_FRAMES);
    for (size_t i = 0; i < GOLDEN_COUNT; i++) {
        struct hex pinned = golden_bytes(text, goldens[i].name);
        for (size_t cut = 1; cut < pinned.size; cut++) {
            struct wire_reader reader = wire_reader(bytes_of(pinned.data, cut), NULL);
            struct wire_value value;
            cr_assert_eq(wire_next(&reader, &value), STATUS_MALFORMED, "%s cut at %zu", goldens[i].name, cut);
        }
    }
}

Test(golden, the_specification_shows_every_one) {
    static char frames[FILE_MAX];
    memcpy(frames, file_text(GOLDEN_FRAMES), sizeof frames);
    const char *specification = file_text(PROTOCOL_MD);
    for (size_t i = 0; i < GOLDEN_COUNT; i++) {
        struct hex pinned = golden_bytes(frames, goldens[i].name);
        struct hex shown = golden_bytes(specification, goldens[i].name);
        cr_assert(bytes_equal(hex_bytes(&shown), hex_bytes(&pinned)), "%s", goldens[i].name);
    }
}

Test(golden, every_failing_allocation_is_reported) {
    for (size_t i = 0; i < GOLDEN_COUNT; i++)
        for (unsigned n = 1;; n++) {
            struct failing_mem failing;
            struct bytes_writer out;
            failing_mem_init(&failing, n);
            bytes_writer_init(&out, &failing.mem, 1 << 16);
            goldens[i].write(&out);
            cr_assert_eq(out.status, failing.fired ? STATUS_NO_MEMORY : STATUS_OK);
            bytes_writer_finish(&out);
            cr_assert_eq(failing.held, 0);
            if (!failing.fired)
                break;
        }
}
