#include "client_line.h"

#include <assert.h>
#include <stdio.h>

/* An answer to an upgrade is a few hundred bytes; a refusal carries a small JSON body. */
static const struct http_limits answer_limits = { .head_bytes_max = 16384,
                                                  .headers_max = HTTP_HEADERS_MAX,
                                                  .body_bytes_max = 65536 };

void line_init(struct line *line, const struct mem *mem, void (*random)(void *, void *, size_t), void *random_context) {
    *line = (struct line){ .mem = mem, .random = random, .random_context = random_context };
    ws_pool_init(&line->pool, mem, 1, 1);
    bytes_writer_init(&line->batch, mem, CLIENT_OUT_BYTES_MAX);
    bytes_writer_init(&line->out, mem, CLIENT_OUT_BYTES_MAX);
}

void line_secure(struct line *line, struct client_tls *tls) {
    assert(line->state == LINE_RESTING && !line->tls);
    line->tls = tls;
}

void line_finish(struct line *line) {
    line_reset(line);
    client_tls_destroy(line->tls);
    ws_pool_finish(&line->pool);
    bytes_writer_finish(&line->batch);
    bytes_writer_finish(&line->out);
}

void line_reset(struct line *line) {
    if (line->ws_used)
        ws_conn_finish(&line->ws);
    http_reader_destroy(line->http);
    line->http = NULL;
    line->ws_used = false;
    line->message_lent = false;
    line->input = bytes_of(NULL, 0);
    line->state = LINE_RESTING;
    line->out_sent = 0;
    line->tls_status = STATUS_OK;
    if (line->tls)
        client_tls_sent(line->tls, client_tls_output(line->tls).size);
    bytes_writer_reset(&line->batch);
    bytes_writer_reset(&line->out);
}

enum status line_start(struct line *line, const char *authority, const struct uuid *session) {
    assert(line->state == LINE_RESTING);
    uint8_t random[WS_KEY_BYTES];
    char target[sizeof "/v1/sessions//ws" + UUID_TEXT_SIZE], id[UUID_TEXT_SIZE + 1];
    line->http = http_reader_create(line->mem, HTTP_READ_RESPONSES, &answer_limits);
    if (!line->http)
        return STATUS_NO_MEMORY;
    line->random(line->random_context, random, sizeof random);
    line->key = ws_upgrade_key(random);
    uuid_format(session, id);
    snprintf(target, sizeof target, "/v1/sessions/%s/ws", id);
    ws_upgrade_request(&line->out, bytes_text(authority), bytes_text(target), &line->key, WIRE_SUBPROTOCOL, NULL, 0);
    if (line->out.status != STATUS_OK || (line->tls && client_tls_start(line->tls) != STATUS_OK)) {
        line_reset(line);
        return STATUS_NO_MEMORY;
    }
    line->state = LINE_UPGRADING;
    return STATUS_OK;
}

void line_feed(struct line *line, struct bytes received) {
    assert(line->input.size == 0);
    if (line->tls)
        line->tls_status = client_tls_read(line->tls, received, &received);
    if (received.size == 0)
        return;
    line->input = received;
    if (line->state == LINE_OPEN) {
        ws_conn_feed(&line->ws, received);
        line->input = bytes_of(NULL, 0);
    }
}

/* ---- receiving ---- */

static enum status line_refused(struct line *line, unsigned http_status, struct bytes sentence, struct line_event *out) {
    size_t size = sentence.size < sizeof line->refusal - 1 ? sentence.size : sizeof line->refusal - 1;
    memcpy(line->refusal, sentence.data, size);
    line->state = LINE_ENDED;
    *out = (struct line_event){ .kind = LINE_REFUSED, .http_status = http_status, .payload = bytes_of(line->refusal, size) };
    return STATUS_OK;
}

/* A text is for people: it is what a port says that speaks TLS only. */
static struct bytes line_refusal(const struct http_message *answer, const char *fault) {
    struct bytes text = answer->body;
    if (answer->status == 101 && fault)
        return bytes_text(fault);
    while (text.size > 0 && text.data[text.size - 1] <= ' ')
        text.size--;
    if (text.size > 0 && bytes_equal_text(http_message_header(answer, "Content-Type"), "text/plain"))
        return text;
    return bytes_text(http_status_reason(answer->status));
}

static enum status line_next_upgrading(struct line *line, struct line_event *out) {
    struct http_fault fault = { 0 };
    size_t used = 0;
    enum status status = http_reader_feed(line->http, line->input, &used, &fault);
    if (status == STATUS_NO_MEMORY)
        return status;
    if (status == STATUS_MALFORMED || status == STATUS_TOO_BIG)
        return line_refused(line, 0, bytes_text(fault.what ? fault.what : "that was no HTTP answer"), out);
    line->input = bytes_of(line->input.size > 0 ? line->input.data + used : NULL, line->input.size - used);
    if (status == STATUS_MORE)
        return STATUS_MORE;
    const struct http_message *answer = http_reader_message(line->http);
    status = ws_upgrade_confirm(answer, &line->key, WIRE_SUBPROTOCOL, &fault);
    if (status != STATUS_OK)
        return line_refused(line, answer->status == 101 ? 0 : answer->status, line_refusal(answer, fault.what), out);
    uint64_t seed;
    line->random(line->random_context, &seed, sizeof seed);
    ws_conn_init(&line->ws, &line->pool, WS_CLIENT, CLIENT_MESSAGE_BYTES_MAX);
    ws_conn_seed(&line->ws, seed);
    line->ws_used = true;
    line->state = LINE_OPEN;
    ws_conn_feed(&line->ws, line->input);
    line->input = bytes_of(NULL, 0);
    *out = (struct line_event){ .kind = LINE_OPENED };
    return STATUS_OK;
}

static enum status line_next_open(struct line *line, struct line_event *out) {
    struct ws_event event;
    for (;;) {
        line->message_lent = false;
        enum status status = ws_conn_next(&line->ws, &event);
        if (status != STATUS_OK)
            return status == STATUS_OVERLOADED ? STATUS_NO_MEMORY : status;
        switch (event.kind) {
        case WS_EVENT_BINARY:
            line->message_lent = true;
            *out = (struct line_event){ .kind = LINE_MESSAGE, .payload = event.payload };
            return STATUS_OK;
        case WS_EVENT_TEXT:
            line_close(line, WIRE_CLOSE_DATA, "only binary messages are spoken here");
            *out =
                (struct line_event){ .kind = LINE_CLOSED, .code = WIRE_CLOSE_DATA, .payload = bytes_text("the server sent text") };
            return STATUS_OK;
        case WS_EVENT_PING:
        case WS_EVENT_PONG:
            break;
        case WS_EVENT_CLOSE:
        case WS_EVENT_FAILED:
            line->state = LINE_ENDED;
            *out = (struct line_event){ .kind = LINE_CLOSED, .code = event.code, .payload = event.payload };
            return STATUS_OK;
        }
    }
}

/* What came before the fault is used up. That the peer ended TLS means nothing: his socket's end follows. */
static enum status line_next_secured(struct line *line, struct line_event *out) {
    if (line->tls_status == STATUS_OK || line->tls_status == STATUS_CLOSED)
        return STATUS_MORE;
    if (line->tls_status == STATUS_NO_MEMORY)
        return STATUS_NO_MEMORY;
    line->state = LINE_ENDED;
    *out = (struct line_event){ .kind = LINE_UNSAFE,
                                .payload = bytes_text(client_tls_fault(line->tls)),
                                .permanent = line->tls_status != STATUS_MALFORMED };
    return STATUS_OK;
}

enum status line_next(struct line *line, struct line_event *out) {
    enum status status;
    switch (line->state) {
    case LINE_UPGRADING:
        status = line_next_upgrading(line, out);
        return status == STATUS_MORE ? line_next_secured(line, out) : status;
    case LINE_OPEN:
        status = line_next_open(line, out);
        return status == STATUS_MORE ? line_next_secured(line, out) : status;
    default:
        line->input = bytes_of(NULL, 0);
        return STATUS_CLOSED;
    }
}

/* ---- sending ---- */

struct bytes_writer *line_batch(struct line *line) {
    return &line->batch;
}

void line_flush(struct line *line) {
    if (line->batch.size == 0 || line->state != LINE_OPEN || ws_conn_closing(&line->ws))
        return;
    uint8_t mask[4];
    line->random(line->random_context, mask, sizeof mask);
    ws_frame_masked(&line->out, WS_BINARY, true, bytes_written(&line->batch), mask);
    line->batch.size = 0;
}

void line_batched(struct line *line) {
    if (line->batch.size >= CLIENT_BATCH_BYTES)
        line_flush(line);
}

size_t line_waiting(const struct line *line) {
    return line->out.size - line->out_sent + line->batch.size + (line->tls ? client_tls_output(line->tls).size : 0);
}

bool line_failed(const struct line *line) {
    return line->out.status != STATUS_OK || line->batch.status != STATUS_OK;
}

void line_ping(struct line *line) {
    if (line->state != LINE_OPEN || ws_conn_closing(&line->ws))
        return;
    uint8_t mask[4];
    line_flush(line);
    line->random(line->random_context, mask, sizeof mask);
    ws_frame_masked(&line->out, WS_PING, true, bytes_of(NULL, 0), mask);
}

void line_close(struct line *line, uint16_t code, const char *reason) {
    line_flush(line);
    if (line->state == LINE_OPEN) {
        (void)ws_conn_close(&line->ws, code, bytes_text(reason)); /* unsaid for lack of memory: the socket's end says it too */
    } else {
        line->state = LINE_ENDED;
    }
}

bool line_done(const struct line *line) {
    return line_waiting(line) == 0 && (line->state != LINE_OPEN || (ws_conn_wants(&line->ws) & WS_WANTS_END)) &&
           !(line->ws_used && (ws_conn_wants(&line->ws) & WS_WANTS_WRITE));
}

static struct bytes line_plain_output(struct line *line) {
    line_flush(line);
    /* A lent message lies in the connection, and taking may move it: pongs wait until it was read. */
    if (line->ws_used && !line->message_lent)
        ws_conn_take(&line->ws, &line->out);
    return bytes_of(line->out.size > line->out_sent ? line->out.data + line->out_sent : NULL, line->out.size - line->out_sent);
}

static void line_plain_sent(struct line *line, size_t size) {
    assert(size <= line->out.size - line->out_sent);
    line->out_sent += size;
    if (line->out_sent == line->out.size) {
        line->out.size = line->out_sent = 0;
    } else if (line->out_sent >= line->out.size / 2 && line->out_sent >= CLIENT_BATCH_BYTES) {
        memmove(line->out.data, line->out.data + line->out_sent, line->out.size - line->out_sent);
        line->out.size -= line->out_sent;
        line->out_sent = 0;
    }
}

struct bytes line_output(struct line *line) {
    struct bytes plain = line_plain_output(line);
    if (!line->tls)
        return plain;
    /* A piece at a time: what waits in plain text is what line_waiting() holds back writers for. */
    if (plain.size > CLIENT_BATCH_BYTES)
        plain.size = CLIENT_BATCH_BYTES;
    if (plain.size > 0 && client_tls_is_open(line->tls) && client_tls_output(line->tls).size == 0) {
        if (client_tls_write(line->tls, plain) == STATUS_OK)
            line_plain_sent(line, plain.size);
        else
            line->out.status = STATUS_NO_MEMORY;
    }
    return client_tls_output(line->tls);
}

void line_sent(struct line *line, size_t size) {
    if (line->tls)
        client_tls_sent(line->tls, size);
    else
        line_plain_sent(line, size);
}
