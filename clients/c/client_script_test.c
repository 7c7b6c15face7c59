#include "client_script_test.h"

#include <criterion/criterion.h>
#include <stdio.h>

static void script_random(void *context, void *out, size_t size) {
    struct script *script = context;
    for (size_t i = 0; i < size; i++) {
        script->random = script->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        ((uint8_t *)out)[i] = (uint8_t)(script->random >> 56);
    }
}

enum status script_create(struct script *script, const struct mem *mem, const char *path) {
    *script =
        (struct script){ .now_ms = 1000, .random = 7, .epoch = 1, .limits = { .message_bytes = 1 << 24, .update_bytes = 1 << 23 } };
    ws_pool_init(&script->pool, &mem_default, 1, 1);
    bytes_writer_init(&script->inbox, &mem_default, 1 << 26);
    struct client_options options = { .mem = mem,
                                      .url = bytes_text("http://127.0.0.1:8440/v1/sessions/" SCRIPT_SESSION "#token=secret"),
                                      .name = bytes_text("script"),
                                      .version = bytes_text("1"),
                                      .random = script_random,
                                      .random_context = script,
                                      .now_ms = script->now_ms };
    enum status status = client_create(&options, &script->client);
    if (status == STATUS_OK && path)
        status = client_document_open(script->client, NULL, bytes_text(path), script, &script->document);
    return status;
}

void script_finish(struct script *script) {
    client_destroy(script->client);
    if (script->ws_open)
        ws_conn_finish(&script->ws);
    ws_pool_finish(&script->pool);
    bytes_writer_finish(&script->inbox);
}

static void script_note(struct script *script) {
    static const char letters[] = { [CLIENT_JOINED] = 'J',           [CLIENT_LOST] = 'L',
                                    [CLIENT_STOPPED] = 'X',          [CLIENT_DOCUMENT_READY] = 'R',
                                    [CLIENT_DOCUMENT_CHANGED] = 'C', [CLIENT_DOCUMENT_SAVED] = 'S',
                                    [CLIENT_DOCUMENT_HALTED] = 'H',  [CLIENT_AWARENESS_CHANGED] = 'A',
                                    [CLIENT_NOTICE] = 'N',           [CLIENT_TOKEN_RENEWED] = 'T' };
    struct client_event event;
    while (client_next(script->client, script->now_ms, &event) == STATUS_OK) {
        size_t size = strlen(script->events);
        cr_assert_lt(size, SCRIPT_EVENTS_MAX - 1);
        script->events[size] = letters[event.kind];
        if (event.kind == CLIENT_LOST || event.kind == CLIENT_STOPPED) {
            script->code = event.code;
            script->retry_at_ms = event.retry_at_ms;
            snprintf(script->reason, sizeof script->reason, "%.*s", (int)event.reason.size, (const char *)event.reason.data);
        }
        if (event.fault)
            script->fault = event.fault->code;
    }
}

void script_feed(struct script *script, struct bytes bytes) {
    while (bytes.size > 0) {
        size_t size = script->piece > 0 && script->piece < bytes.size ? script->piece : bytes.size;
        client_feed(script->client, bytes_of(bytes.data, size), script->now_ms);
        script_note(script);
        bytes = bytes_of(bytes.data + size, bytes.size - size);
    }
}

void script_say(struct script *script, struct bytes_writer *values) {
    struct bytes_writer frame;
    cr_assert_eq(values->status, STATUS_OK);
    bytes_writer_init(&frame, &mem_default, 1 << 26);
    ws_frame_write(&frame, WS_BINARY, true, bytes_written(values));
    script_feed(script, bytes_written(&frame));
    bytes_writer_finish(&frame);
    bytes_writer_finish(values);
}

void script_say_ack(struct script *script, uint64_t count) {
    struct bytes_writer values;
    bytes_writer_init(&values, &mem_default, 1024);
    wire_ack_write(&values, SCRIPT_DOC, count);
    script_say(script, &values);
}

void script_say_update(struct script *script, struct bytes update) {
    struct bytes_writer values;
    bytes_writer_init(&values, &mem_default, 1 << 20);
    wire_sync_write(&values, WIRE_UPDATE, SCRIPT_DOC, update);
    script_say(script, &values);
}

void script_close(struct script *script, uint16_t code, const char *reason) {
    struct bytes_writer payload, frame;
    bytes_writer_init(&payload, &mem_default, 256);
    bytes_writer_init(&frame, &mem_default, 256);
    bytes_write_u16(&payload, code);
    bytes_write(&payload, bytes_text(reason));
    ws_frame_write(&frame, WS_CLOSE, true, bytes_written(&payload));
    script_feed(script, bytes_written(&frame));
    bytes_writer_finish(&payload);
    bytes_writer_finish(&frame);
}

void script_break(struct script *script) {
    client_disconnected(script->client, script->now_ms);
    script_note(script);
    if (script->ws_open)
        ws_conn_finish(&script->ws);
    script->ws_open = false;
    script->inbox.size = script->inbox_read = 0;
}

void script_listen(struct script *script) {
    for (;;) {
        struct bytes output = client_output(script->client);
        struct ws_event event;
        if (output.size == 0 || !script->ws_open)
            return;
        ws_conn_feed(&script->ws, output);
        while (ws_conn_next(&script->ws, &event) == STATUS_OK) {
            cr_assert_neq(event.kind, WS_EVENT_FAILED, "the client broke the WebSocket protocol: %.*s", (int)event.payload.size,
                          (const char *)event.payload.data);
            if (event.kind == WS_EVENT_BINARY)
                bytes_write(&script->inbox, event.payload);
            if (event.kind == WS_EVENT_CLOSE)
                script->heard_close = event.code;
        }
        client_sent(script->client, output.size);
    }
}

enum status script_hear(struct script *script, struct wire_value *out) {
    script_listen(script);
    struct wire_reader reader =
        wire_reader(bytes_of(script->inbox.data + script->inbox_read, script->inbox.size - script->inbox_read), NULL);
    if (script->inbox_read == script->inbox.size)
        return STATUS_MORE;
    size_t size = 0;
    enum status status = wire_next(&reader, out);
    cr_assert_eq(status, STATUS_OK, "the client sent a value that cannot be read");
    cr_assert_eq(pack_check(reader.message, &wire_limits_default, &size, NULL), STATUS_OK);
    script->inbox_read += size;
    return STATUS_OK;
}

struct wire_value script_expect(struct script *script, enum wire_kind kind) {
    struct wire_value value;
    cr_assert_eq(script_hear(script, &value), STATUS_OK, "the client sent nothing, kind %d was expected", kind);
    cr_assert_eq(value.kind, kind, "kind %d, expected %d", value.kind, kind);
    return value;
}

struct wire_value script_expect_request(struct script *script, const char *method) {
    struct wire_value value = script_expect(script, WIRE_REQUEST);
    cr_assert(bytes_equal_text(value.method, method), "%.*s", (int)value.method.size, (const char *)value.method.data);
    return value;
}

void script_dial(struct script *script) {
    cr_assert_eq(client_action(script->client), CLIENT_DIAL);
    client_connected(script->client, script->now_ms);
    script_accept(script);
}

void script_accept(struct script *script) {
    static const struct http_limits limits = { .head_bytes_max = 8192, .headers_max = 32, .body_bytes_max = 0 };
    static const char *const protocols[] = { WIRE_SUBPROTOCOL, NULL };
    struct http_fault fault;
    struct ws_upgrade upgrade;
    struct bytes_writer answer;
    size_t used;
    struct http_reader *reader = http_reader_create(&mem_default, HTTP_READ_REQUESTS, &limits);
    struct bytes request = client_output(script->client);
    cr_assert_eq(http_reader_feed(reader, request, &used, &fault), STATUS_OK);
    cr_assert_eq(used, request.size);
    cr_assert(bytes_equal_text(http_reader_message(reader)->path, "/v1/sessions/" SCRIPT_SESSION "/ws"));
    cr_assert_eq(ws_upgrade_check(http_reader_message(reader), protocols, &upgrade, &fault), STATUS_OK, "%s", fault.what);
    client_sent(script->client, request.size);
    http_reader_destroy(reader);
    ws_conn_init(&script->ws, &script->pool, WS_SERVER, 1 << 26);
    script->ws_open = true;
    bytes_writer_init(&answer, &mem_default, 4096);
    ws_upgrade_accept(&answer, &upgrade, NULL, 0);
    script_feed(script, bytes_written(&answer));
    bytes_writer_finish(&answer);
}

void script_join(struct script *script) {
    struct wire_value request = script_expect_request(script, "session.join");
    script_grant(script, &request);
}

void script_grant(struct script *script, const struct wire_value *request) {
    struct wire_join join;
    struct bytes_writer values;
    cr_assert_eq(wire_join_read(request->params, &join).status, STATUS_OK);
    cr_assert(bytes_equal_text(join.credential, "secret"));
    struct wire_joined joined = {
        .session = { { 1 } },
        .self = { .id = 5,
                  .user = { { 2 } },
                  .username = bytes_text("ada"),
                  .display_name = bytes_text("Ada"),
                  .role = bytes_text("owner") },
        .rights = RIGHT_READ | RIGHT_WRITE,
        .boot = { { 3 } },
        .limits = script->limits,
        .protocol = 1,
        .participants = bytes_of("\x90", 1),
    };
    bytes_writer_init(&values, &mem_default, 8192);
    wire_result_begin(&values, request->msgid);
    wire_joined_write(&values, &joined);
    script_say(script, &values);
}

unsigned script_open(struct script *script, struct bytes state_vector, struct bytes_writer *update) {
    struct wire_value value = script_expect_request(script, "doc.open");
    struct wire_doc_open open;
    struct bytes_writer values;
    unsigned updates = 0;
    cr_assert_eq(wire_doc_open_read(value.params, &open).status, STATUS_OK);
    struct wire_doc_opened opened = { .doc = SCRIPT_DOC,
                                      .path = bytes_text("a.txt"),
                                      .epoch = script->epoch,
                                      .access = WIRE_ACCESS_WRITE,
                                      .root = bytes_text("text"),
                                      .state_vector = state_vector };
    cr_assert(uuid_parse(bytes_text(SCRIPT_FILE), &opened.file));
    bytes_writer_init(&values, &mem_default, 8192);
    wire_result_begin(&values, value.msgid);
    wire_doc_opened_write(&values, &opened);
    script_say(script, &values);
    while (script_hear(script, &value) == STATUS_OK && value.kind == WIRE_UPDATE) {
        updates++;
        if (update)
            bytes_write(update, value.payload);
    }
    cr_assert_eq(value.kind, WIRE_STATE_VECTOR);
    return updates;
}

void script_start(struct script *script) {
    static const uint8_t empty_vector[] = { 0 }, empty_update[] = { 0, 0 };
    cr_assert_eq(script_create(script, NULL, "a.txt"), STATUS_OK);
    script_dial(script);
    script_join(script);
    cr_assert_eq(script_open(script, bytes_of(empty_vector, 1), NULL), 0);
    script_say_update(script, bytes_of(empty_update, 2));
    cr_assert_str_eq(script_events(script), "JR");
}

const char *script_events(struct script *script) {
    static char events[SCRIPT_EVENTS_MAX];
    script_note(script);
    memcpy(events, script->events, sizeof events);
    memset(script->events, 0, sizeof script->events);
    return events;
}

void script_wait(struct script *script, uint64_t ms) {
    script->now_ms += ms;
    client_tick(script->client, script->now_ms);
    script_note(script);
}

const char *script_text(struct script *script) {
    static char text[4096];
    struct bytes_writer writer;
    bytes_writer_init(&writer, &mem_default, sizeof text - 1);
    cr_assert_eq(client_document_text(script->document, &writer), STATUS_OK);
    memcpy(text, writer.data ? writer.data : (const uint8_t *)"", writer.size);
    text[writer.size] = '\0';
    bytes_writer_finish(&writer);
    return text;
}
