/* fuzz_client.c — a client against a server that says anything.
 *
 * The input is a script of steps, each an operation, a length and bytes:
 *
 *   0  the bytes arrive as they are          3  time passes: 16 ms × length    6  the replica is thrown away
 *   1  they arrive as one binary message     4  the socket breaks              7  awareness is set
 *   2  they are typed at the front           5  a call goes out                8  a deletion at the front
 *
 * Joins and openings are granted by an honest far end (doc 42), so that everything behind them is reached; the rest comes from the
 * input. Randomness is all zeros: masking changes nothing then and the far end reads the client's frames directly. */
#include "vibesync/client.h"
#include "wire/rpc.h"
#include "wire/upgrade.h"
#include "wire/ws.h"

#include <stdlib.h>

#define REQUIRE(fact) ((fact) ? (void)0 : abort())

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FUZZ_DOC = 42, FUZZ_STEPS_MAX = 200 };

struct far {
    struct client *client;
    struct client_document *document;
    uint64_t now_ms;
};

static void zeros(void *context, void *out, size_t size) {
    (void)context;
    memset(out, 0, size);
}

static void handle_events(struct far *far) {
    struct client_event event;
    while (client_next(far->client, far->now_ms, &event) == STATUS_OK) {
        if (event.kind == CLIENT_DOCUMENT_HALTED)
            REQUIRE(client_document_state(event.document) >= CLIENT_DOCUMENT_REJECTED && event.fault);
    }
}

/* The bytes lie in memory of exactly their size, so that reading past them is found. */
static void arrive(struct far *far, struct bytes bytes) {
    if (client_action(far->client) != CLIENT_TALK || bytes.size == 0)
        return;
    uint8_t *copy = malloc(bytes.size);
    REQUIRE(copy);
    memcpy(copy, bytes.data, bytes.size);
    client_feed(far->client, bytes_of(copy, bytes.size), far->now_ms);
    handle_events(far);
    free(copy);
}

static void arrive_message(struct far *far, struct bytes values) {
    struct bytes_writer frame;
    bytes_writer_init(&frame, &mem_default, 1 << 20);
    ws_frame_write(&frame, WS_BINARY, true, values);
    arrive(far, bytes_written(&frame));
    bytes_writer_finish(&frame);
}

static void answer_request(struct far *far, const struct wire_value *value) {
    struct bytes_writer values;
    bytes_writer_init(&values, &mem_default, 1 << 16);
    wire_result_begin(&values, value->msgid);
    if (bytes_equal_text(value->method, "session.join")) {
        struct wire_joined joined = { .self = { .id = 1,
                                                .user = { { 1 } },
                                                .username = bytes_text("a"),
                                                .display_name = bytes_text("a"),
                                                .role = bytes_text("owner") },
                                      .session = { { 1 } },
                                      .boot = { { 1 } },
                                      .protocol = 1,
                                      .participants = bytes_of("\x90", 1) };
        wire_joined_write(&values, &joined);
    } else if (bytes_equal_text(value->method, "doc.open")) {
        struct wire_doc_opened opened = { .doc = FUZZ_DOC,
                                          .file = { { 1 } },
                                          .path = bytes_text("a"),
                                          .epoch = 1,
                                          .access = WIRE_ACCESS_WRITE,
                                          .root = bytes_text("text"),
                                          .state_vector = bytes_of("\0", 1) };
        wire_doc_opened_write(&values, &opened);
    } else {
        wire_empty_write(&values);
    }
    arrive_message(far, bytes_written(&values));
    bytes_writer_finish(&values);
}

/* Takes the next frame of the client's output and answers requests in it. */
static bool hear_frame(struct far *far) {
    struct bytes output = client_output(far->client);
    if (output.size == 0)
        return false;
    REQUIRE(output.size >= 6 && (output.data[1] & 0x80));
    size_t length = output.data[1] & 0x7f, header = 6;
    if (length == 126) {
        length = (size_t)output.data[2] << 8 | output.data[3];
        header = 8;
    } else if (length == 127) {
        length = 0;
        for (int i = 2; i < 10; i++)
            length = length << 8 | output.data[i];
        header = 14;
    }
    REQUIRE(output.size >= header + length);
    uint8_t opcode = output.data[0] & 0x0f;
    uint8_t *copy = malloc(length + 1);
    REQUIRE(copy);
    memcpy(copy, output.data + header, length);
    client_sent(far->client, header + length);
    struct wire_reader reader = wire_reader(bytes_of(copy, length), NULL);
    struct wire_value value;
    enum status status = STATUS_MORE;
    while (opcode == WS_BINARY && (status = wire_next(&reader, &value)) == STATUS_OK)
        if (value.kind == WIRE_REQUEST)
            answer_request(far, &value);
    REQUIRE(status == STATUS_MORE);
    free(copy);
    return true;
}

static void dial(struct far *far) {
    static const char *const protocols[] = { WIRE_SUBPROTOCOL, NULL };
    static const struct http_limits limits = { .head_bytes_max = 8192, .headers_max = 32 };
    struct http_fault fault;
    struct ws_upgrade upgrade;
    struct bytes_writer answer;
    size_t used;
    client_connected(far->client, far->now_ms);
    struct bytes request = client_output(far->client);
    struct http_reader *reader = http_reader_create(&mem_default, HTTP_READ_REQUESTS, &limits);
    REQUIRE(reader && http_reader_feed(reader, request, &used, &fault) == STATUS_OK);
    REQUIRE(ws_upgrade_check(http_reader_message(reader), protocols, &upgrade, &fault) == STATUS_OK);
    client_sent(far->client, request.size);
    http_reader_destroy(reader);
    bytes_writer_init(&answer, &mem_default, 4096);
    ws_upgrade_accept(&answer, &upgrade, NULL, 0);
    arrive(far, bytes_written(&answer));
    bytes_writer_finish(&answer);
}

static void settle(struct far *far) {
    for (int i = 0; i < 64; i++) {
        handle_events(far);
        switch (client_action(far->client)) {
        case CLIENT_DIAL:
            dial(far);
            break;
        case CLIENT_TALK:
            if (!hear_frame(far))
                return;
            break;
        case CLIENT_HANG_UP:
            client_disconnected(far->client, far->now_ms);
            break;
        case CLIENT_REST:
            if (client_wakeup(far->client) == UINT64_MAX)
                return;
            far->now_ms = client_wakeup(far->client) > far->now_ms ? client_wakeup(far->client) : far->now_ms;
            client_tick(far->client, far->now_ms);
            break;
        }
    }
}

static void step(struct far *far, uint8_t operation, struct bytes bytes) {
    switch (operation % 9) {
    case 0:
        arrive(far, bytes);
        break;
    case 1:
        arrive_message(far, bytes);
        break;
    case 2:
        (void)client_document_insert(far->document, 0, bytes);
        break;
    case 3:
        far->now_ms += 16 * bytes.size;
        client_tick(far->client, far->now_ms);
        break;
    case 4:
        client_disconnected(far->client, far->now_ms);
        break;
    case 5:
        wire_empty_write(client_call_begin(far->client, "a.b"));
        (void)client_call_end(far->client, NULL, NULL);
        break;
    case 6:
        (void)client_document_reopen(far->document);
        break;
    case 7:
        (void)client_awareness_set(far->client, far->document, bytes, far->now_ms);
        break;
    default:
        (void)client_document_delete(far->document, 0, bytes.size);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct far far = { .now_ms = 1 };
    struct bytes_reader reader = bytes_reader(bytes_of(data, size));
    struct client_options options = { .url = bytes_text("http://h/v1/sessions/01932c07-209c-7f3a-8c11-5d1b2a9e4c77#token=t"),
                                      .name = bytes_text("fuzz"),
                                      .random = zeros,
                                      .now_ms = far.now_ms };
    REQUIRE(client_create(&options, &far.client) == STATUS_OK);
    REQUIRE(client_document_open(far.client, NULL, bytes_text("a"), NULL, &far.document) == STATUS_OK);
    settle(&far);
    for (int i = 0; i < FUZZ_STEPS_MAX; i++) {
        uint8_t operation, length;
        struct bytes bytes;
        if (bytes_read_u8(&reader, &operation) != STATUS_OK || bytes_read_u8(&reader, &length) != STATUS_OK)
            break;
        if (length > bytes_left(&reader))
            length = (uint8_t)bytes_left(&reader);
        REQUIRE(bytes_read_view(&reader, length, &bytes) == STATUS_OK);
        step(&far, operation, bytes);
        settle(&far);
        struct client_progress progress = client_document_progress(far.document);
        REQUIRE(progress.acknowledged <= progress.sent && progress.sent - progress.acknowledged <= CLIENT_IN_FLIGHT_MAX);
        REQUIRE(!client_document_saved(far.document) || (!progress.owes && progress.acknowledged == progress.sent));
    }
    client_destroy(far.client);
    return 0;
}
