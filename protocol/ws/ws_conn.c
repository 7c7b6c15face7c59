/* ws_conn.c — a connection's receiving side over wslay's frame reader. The only file that includes wslay.
 *
 * wslay reads ahead into its own 4 KB buffer, and a context that holds bytes of the next frame could not be lent to another
 * connection. So it is never given more than the frame in hand can use: the header goes in byte by byte until wslay reports the
 * frame (with the header's last byte if it has no payload, with the first payload byte otherwise), then as much as is left of it.
 *
 *             first byte                 wslay reports the frame                  all its payload came
 *   between ─────────────▶ in the header ───────────────────────▶ in the payload ─────────────────────▶ frame done
 *      ▲                    ws_conn_read   ws_conn_frame_check     ws_conn_payload      ws_conn_frame_done
 *      │                                                                               control │      │ data
 *      │◀──────────────── no message begun ─────────────────────────────────────────── ws_conn_control│
 *      │◀──────────────────────────────────────────────── FIN: message delivered ◀────────────────────┤
 *      │                                                    not FIN: header of the next frame ◀───────┘
 *
 * A compressed message waits in its parser as it came until it is complete, and is then unpacked into a second buffer.
 *
 * The parser goes back to the pool at "between"; a parser whose connection failed or went away inside a frame is thrown away,
 * because wslay has no reset. Room for the payload is reserved before wslay is called: when there is none nothing has moved. */
#include "wire/ws.h"

#include "ground/utf.h"
#include "ws_deflate.h"
#include "ws_text.h"

#include <assert.h>
#include <wslay/wslay.h>

enum {
    WS_STEP_MAX = 4096,                                  /* wslay's own buffer: it takes no more in one call */
    WS_CLOSE_FRAME_MAX = WS_HEADER_MAX + WS_CONTROL_MAX, /* room that pongs leave for the close frame */
    WS_CODE_NONE = 1005,
    WS_RSV1 = 0x40 /* of a frame's first byte: the message is compressed */
};

struct ws_parser {
    struct ws_parser *next; /* in the pool's list of idle parsers */
    wslay_frame_context_ptr frame;
    struct bytes_writer message;  /* as it came */
    struct bytes_writer unpacked; /* if it came compressed */
    struct bytes given;           /* what the receive callback may hand out */
    uint64_t left;                /* payload bytes of this frame still to come, while in_payload */
    struct ws_text text;          /* of the message in hand, if it is text */
    bool in_frame;                /* a byte of the frame was taken */
    bool in_payload;              /* its header is known */
    bool fin;
    bool packed;            /* the message is compressed */
    bool complete;          /* and waits to be unpacked */
    uint8_t opcode;         /* of the frame */
    uint8_t message_opcode; /* of the message; WS_CONTINUATION: none has begun */
    uint8_t control_size;
    uint8_t control[WS_CONTROL_MAX];
};

/* ---- the pool ---- */

static ssize_t ws_parser_receive(uint8_t *buffer, size_t room, int flags, void *context) {
    (void)flags;
    struct ws_parser *parser = context;
    size_t size = parser->given.size < room ? parser->given.size : room;
    if (size == 0)
        return -1; /* wslay answers its caller that it wants to read */
    memcpy(buffer, parser->given.data, size);
    parser->given = bytes_of(parser->given.data + size, parser->given.size - size);
    return (ssize_t)size;
}

static struct ws_parser *ws_parser_create(const struct mem *mem) {
    static const struct wslay_frame_callbacks callbacks = { .recv_callback = ws_parser_receive };
    struct ws_parser *parser = mem_zalloc(mem, sizeof *parser);
    if (parser == NULL)
        return NULL;
    if (wslay_frame_context_init(&parser->frame, &callbacks, parser) != 0) {
        mem_free(mem, parser, sizeof *parser);
        return NULL;
    }
    bytes_writer_init(&parser->message, mem, 0);
    bytes_writer_init(&parser->unpacked, mem, 0);
    return parser;
}

static void ws_parser_destroy(const struct mem *mem, struct ws_parser *parser) {
    wslay_frame_context_free(parser->frame);
    bytes_writer_finish(&parser->message);
    bytes_writer_finish(&parser->unpacked);
    mem_free(mem, parser, sizeof *parser);
}

void ws_pool_init(struct ws_pool *pool, const struct mem *mem, unsigned idle_max, unsigned lent_max) {
    *pool = (struct ws_pool){ .mem = mem, .idle_max = idle_max, .lent_max = lent_max };
}

void ws_pool_finish(struct ws_pool *pool) {
    if (pool == NULL)
        return;
    assert(pool->lent_count == 0);
    while (pool->idle != NULL) {
        struct ws_parser *parser = pool->idle;
        pool->idle = parser->next;
        ws_parser_destroy(pool->mem, parser);
    }
    pool->idle_count = 0;
    ws_deflate_destroy(pool->deflate);
    pool->deflate = NULL;
}

static enum status ws_pool_lend(struct ws_pool *pool, struct ws_parser **out) {
    if (pool->lent_count == pool->lent_max)
        return STATUS_OVERLOADED;
    struct ws_parser *parser = pool->idle;
    if (parser != NULL) {
        pool->idle = parser->next;
        pool->idle_count--;
    } else {
        parser = ws_parser_create(pool->mem);
        if (parser == NULL)
            return STATUS_NO_MEMORY;
    }
    pool->lent_count++;
    *out = parser;
    return STATUS_OK;
}

static void ws_buffer_empty(struct bytes_writer *buffer) {
    bytes_writer_reset(buffer);
    if (buffer->capacity > WS_BUFFER_KEPT_MAX)
        bytes_writer_finish(buffer);
}

/* `clean`  wslay stands between two frames */
static void ws_pool_return(struct ws_pool *pool, struct ws_parser *parser, bool clean) {
    assert(pool->lent_count > 0);
    pool->lent_count--;
    if (!clean || pool->idle_count == pool->idle_max) {
        ws_parser_destroy(pool->mem, parser);
        return;
    }
    ws_buffer_empty(&parser->message);
    ws_buffer_empty(&parser->unpacked);
    parser->complete = false;
    parser->message_opcode = WS_CONTINUATION;
    parser->text = (struct ws_text){ 0 };
    parser->next = pool->idle;
    pool->idle = parser;
    pool->idle_count++;
}

/* ---- the connection's own frames ---- */

void ws_conn_init(struct ws_conn *conn, struct ws_pool *pool, enum ws_role role, size_t message_max) {
    assert(message_max <= SIZE_MAX - WS_STEP_MAX);
    *conn = (struct ws_conn){ .pool = pool, .role = (uint8_t)role, .message_max = message_max, .unpack_left = SIZE_MAX };
    bytes_writer_init(&conn->out, pool->mem, WS_OUT_MAX);
}

static void ws_conn_release(struct ws_conn *conn, bool clean) {
    if (conn->parser != NULL)
        ws_pool_return(conn->pool, conn->parser, clean && !conn->parser->in_frame);
    conn->parser = NULL;
}

void ws_conn_finish(struct ws_conn *conn) {
    if (conn == NULL || conn->pool == NULL)
        return;
    ws_conn_release(conn, true);
    bytes_writer_finish(&conn->out);
    conn->pool = NULL;
}

void ws_conn_seed(struct ws_conn *conn, uint64_t random) {
    conn->mask_state = random;
}

void ws_conn_deflate(struct ws_conn *conn, unsigned window_bits) {
    assert(conn->role == WS_SERVER && window_bits >= WS_DEFLATE_BITS_MIN && window_bits <= WS_DEFLATE_BITS_MAX);
    conn->deflate_bits = (uint8_t)window_bits;
}

void ws_conn_unpack_max(struct ws_conn *conn, size_t bytes) {
    conn->unpack_left = bytes;
}

/* NULL: no memory. */
static struct ws_deflate *ws_pool_deflate(struct ws_pool *pool) {
    if (pool->deflate == NULL)
        pool->deflate = ws_deflate_create(pool->mem);
    return pool->deflate;
}

/* The next mask key: a step and the finalizer of splitmix64 (Steele, Lea, Flood 2014), upper half. */
static void ws_conn_mask(struct ws_conn *conn, uint8_t out[4]) {
    conn->mask_state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t mix = conn->mask_state;
    mix = (mix ^ (mix >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    mix = (mix ^ (mix >> 27)) * UINT64_C(0x94d049bb133111eb);
    mix ^= mix >> 31;
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(mix >> (32 + 8 * i));
}

/* Appends one control frame to the output. False: there is no room, and nothing was written. */
static bool ws_conn_reply(struct ws_conn *conn, enum ws_opcode opcode, struct bytes payload) {
    if (conn->role == WS_CLIENT) {
        uint8_t mask[4];
        ws_conn_mask(conn, mask);
        ws_frame_masked(&conn->out, opcode, true, payload, mask);
    } else {
        ws_frame_write(&conn->out, opcode, true, payload);
    }
    bool written = conn->out.status == STATUS_OK;
    conn->out.status = STATUS_OK;
    return written;
}

static size_t ws_reason_size(struct bytes reason) {
    size_t size = reason.size < WS_REASON_MAX ? reason.size : WS_REASON_MAX;
    while (size > 0 && !utf_check(bytes_of(reason.data, size), NULL))
        size--;
    return size;
}

enum status ws_conn_close(struct ws_conn *conn, uint16_t code, struct bytes reason) {
    uint8_t payload[WS_CONTROL_MAX];
    assert(ws_close_code_valid(code));
    if (conn->close_sent)
        return STATUS_OK;
    size_t size = ws_reason_size(reason);
    payload[0] = (uint8_t)(code >> 8);
    payload[1] = (uint8_t)code;
    if (size > 0)
        memcpy(payload + 2, reason.data, size);
    if (!ws_conn_reply(conn, WS_CLOSE, bytes_of(payload, 2 + size)))
        return STATUS_NO_MEMORY;
    conn->close_sent = true;
    return STATUS_OK;
}

void ws_conn_take(struct ws_conn *conn, struct bytes_writer *out) {
    if (conn->out.size == 0)
        return;
    bytes_write(out, bytes_written(&conn->out));
    if (out->status == STATUS_OK)
        bytes_writer_finish(&conn->out);
}

unsigned ws_conn_wants(const struct ws_conn *conn) {
    bool ended = conn->failed || conn->close_received;
    return (ended ? WS_WANTS_END : WS_WANTS_READ) | (conn->out.size > 0 ? WS_WANTS_WRITE : 0);
}

bool ws_conn_closing(const struct ws_conn *conn) {
    return conn->close_sent || conn->failed;
}

/* ---- receiving ---- */

void ws_conn_feed(struct ws_conn *conn, struct bytes received) {
    assert(bytes_left(&conn->input) == 0 || conn->failed || conn->close_received);
    conn->input = bytes_reader(received);
}

struct bytes ws_conn_rest(const struct ws_conn *conn) {
    return bytes_of(conn->input.at, bytes_left(&conn->input));
}

/* What one step found. */
enum ws_step { WS_STEP_MORE, WS_STEP_EVENT };

/* The peer broke the protocol: answers the failure as an event and ends the connection. Without memory for the close frame the
 * connection ends without one. */
static enum ws_step ws_conn_fail(struct ws_conn *conn, uint16_t code, const char *why, struct ws_event *out) {
    (void)ws_conn_close(conn, code, bytes_text(why));
    conn->failed = true;
    ws_conn_release(conn, false);
    *out = (struct ws_event){ .kind = WS_EVENT_FAILED, .payload = bytes_text(why), .code = code };
    return WS_STEP_EVENT;
}

static bool ws_is_control(uint8_t opcode) {
    return (opcode & 0x8) != 0;
}

/* The header is known: NULL, or what is wrong with it, and the code to close with. */
static const char *ws_conn_frame_check(const struct ws_conn *conn, const struct wslay_frame_iocb *frame, uint16_t *code) {
    const struct ws_parser *parser = conn->parser;
    bool begun = parser->message_opcode != WS_CONTINUATION;
    *code = 1002;
    bool may_be_packed = conn->deflate_bits != 0 && (frame->opcode == WS_TEXT || frame->opcode == WS_BINARY);
    if (frame->rsv != WSLAY_RSV_NONE && !(may_be_packed && frame->rsv == WSLAY_RSV1_BIT))
        return "a reserved bit is set";
    if (conn->role == WS_SERVER && !frame->mask)
        return "a client's frame is not masked";
    if (conn->role == WS_CLIENT && frame->mask)
        return "a server's frame is masked";
    switch (frame->opcode) {
    case WS_CLOSE:
    case WS_PING:
    case WS_PONG:
        return NULL; /* wslay has checked that it is short and not fragmented */
    case WS_CONTINUATION:
        if (!begun)
            return "a continuation without a message";
        break;
    case WS_TEXT:
    case WS_BINARY:
        if (begun)
            return "a new message inside a fragmented one";
        break;
    default:
        return "a reserved opcode";
    }
    *code = 1009;
    if (!conn->close_sent && frame->payload_length > conn->message_max - parser->message.size)
        return "the message is longer than allowed";
    return NULL;
}

static enum ws_step ws_conn_deliver(struct ws_conn *conn, struct ws_event event, struct ws_event *out) {
    conn->delivered = true;
    *out = event;
    return WS_STEP_EVENT;
}

/* RFC 6455, sections 5.5.1 and 7.4: nothing, or a code and a reason; answered with the same code. */
static enum ws_step ws_conn_on_close(struct ws_conn *conn, struct bytes payload, struct ws_event *out) {
    if (payload.size == 1)
        return ws_conn_fail(conn, 1002, "a close code of one byte", out);
    uint16_t code = payload.size == 0 ? WS_CODE_NONE : (uint16_t)(payload.data[0] << 8 | payload.data[1]);
    struct bytes reason = payload.size == 0 ? payload : bytes_of(payload.data + 2, payload.size - 2);
    if (payload.size > 0 && !ws_close_code_valid(code))
        return ws_conn_fail(conn, 1002, "an invalid close code", out);
    if (!utf_check(reason, NULL))
        return ws_conn_fail(conn, 1007, "a close reason that is not UTF-8", out);
    if (!conn->close_sent)
        (void)ws_conn_reply(conn, WS_CLOSE, bytes_of(payload.data, payload.size < 2 ? 0 : 2));
    conn->close_sent = true;
    conn->close_received = true;
    return ws_conn_deliver(conn, (struct ws_event){ WS_EVENT_CLOSE, reason, code }, out);
}

static enum ws_step ws_conn_on_control(struct ws_conn *conn, struct ws_event *out) {
    struct ws_parser *parser = conn->parser;
    struct bytes payload = bytes_of(parser->control, parser->control_size);
    switch (parser->opcode) {
    case WS_CLOSE:
        return ws_conn_on_close(conn, payload, out);
    case WS_PING:
        /* A missing pong harms nobody; a full output would keep the close frame out. */
        if (!conn->close_sent && conn->out.size + (size_t)2 * WS_CLOSE_FRAME_MAX <= WS_OUT_MAX)
            (void)ws_conn_reply(conn, WS_PONG, payload);
        return ws_conn_deliver(conn, (struct ws_event){ WS_EVENT_PING, payload, 0 }, out);
    default:
        return ws_conn_deliver(conn, (struct ws_event){ WS_EVENT_PONG, payload, 0 }, out);
    }
}

static enum ws_step ws_conn_on_message(struct ws_conn *conn, struct bytes message, struct ws_event *out) {
    struct ws_parser *parser = conn->parser;
    bool is_text = parser->message_opcode == WS_TEXT;
    parser->message_opcode = WS_CONTINUATION;
    if (is_text && !ws_text_complete(&parser->text))
        return ws_conn_fail(conn, 1007, "text that is not UTF-8", out);
    return ws_conn_deliver(conn, (struct ws_event){ is_text ? WS_EVENT_TEXT : WS_EVENT_BINARY, message, 0 }, out);
}

static enum ws_step ws_conn_on_data(struct ws_conn *conn, struct ws_event *out) {
    struct ws_parser *parser = conn->parser;
    if (!parser->fin)
        return WS_STEP_MORE;
    if (conn->close_sent) {
        parser->message_opcode = WS_CONTINUATION;
        bytes_writer_reset(&parser->message);
        return WS_STEP_MORE;
    }
    if (parser->packed) {
        parser->complete = true;
        return WS_STEP_MORE;
    }
    return ws_conn_on_message(conn, bytes_written(&parser->message), out);
}

/* Unpacks the complete message. On STATUS_NO_MEMORY it waits on. */
static enum status ws_conn_unpack(struct ws_conn *conn, enum ws_step *out_step, struct ws_event *out) {
    struct ws_parser *parser = conn->parser;
    struct ws_deflate *deflate = ws_pool_deflate(conn->pool);
    if (deflate == NULL)
        return STATUS_NO_MEMORY;
    bytes_writer_reset(&parser->unpacked);
    size_t size_max = conn->message_max < conn->unpack_left ? conn->message_max : conn->unpack_left;
    parser->unpacked.size_max = size_max + 1;
    enum status status = ws_deflate_unpack(deflate, bytes_written(&parser->message), size_max, &parser->unpacked);
    if (status == STATUS_NO_MEMORY)
        return status;
    parser->complete = false;
    struct bytes message = bytes_written(&parser->unpacked);
    conn->frames += message.size / WS_FRAME_UNPACKED;
    if (status == STATUS_OK && conn->unpack_left != SIZE_MAX)
        conn->unpack_left -= message.size;
    if (status == STATUS_TOO_BIG)
        *out_step = ws_conn_fail(conn, 1009, "the message is longer than allowed", out);
    else if (status != STATUS_OK)
        *out_step = ws_conn_fail(conn, 1007, "a compressed message that is malformed", out);
    else if (parser->message_opcode == WS_TEXT && !ws_text_feed(&parser->text, message))
        *out_step = ws_conn_fail(conn, 1007, "text that is not UTF-8", out);
    else
        *out_step = ws_conn_on_message(conn, message, out);
    return STATUS_OK;
}

/* A piece of payload, unmasked, in wslay's buffer; room for it was reserved. NULL, or what is wrong with it. */
static const char *ws_conn_payload(struct ws_conn *conn, struct bytes piece) {
    struct ws_parser *parser = conn->parser;
    if (piece.size == 0)
        return NULL;
    if (ws_is_control(parser->opcode)) {
        assert(parser->control_size + piece.size <= WS_CONTROL_MAX);
        memcpy(parser->control + parser->control_size, piece.data, piece.size);
        parser->control_size = (uint8_t)(parser->control_size + piece.size);
        return NULL;
    }
    if (conn->close_sent)
        return NULL;
    bytes_write(&parser->message, piece);
    assert(parser->message.status == STATUS_OK);
    if (parser->message_opcode == WS_TEXT && !parser->packed && !ws_text_feed(&parser->text, piece))
        return "text that is not UTF-8";
    return NULL;
}

/* The frame's header became known. */
static const char *ws_conn_frame_begin(struct ws_conn *conn, const struct wslay_frame_iocb *frame, uint16_t *code) {
    struct ws_parser *parser = conn->parser;
    const char *wrong = ws_conn_frame_check(conn, frame, code);
    if (wrong != NULL)
        return wrong;
    parser->in_payload = true;
    parser->left = frame->payload_length;
    parser->opcode = frame->opcode;
    if (ws_is_control(frame->opcode)) {
        parser->control_size = 0;
        return NULL;
    }
    parser->fin = frame->fin != 0;
    if (frame->opcode != WS_CONTINUATION) {
        parser->message_opcode = frame->opcode;
        parser->packed = frame->rsv != WSLAY_RSV_NONE;
        parser->text = (struct ws_text){ 0 };
    }
    return NULL;
}

/* How many bytes wslay may have in this call. */
static size_t ws_conn_step_size(const struct ws_conn *conn) {
    size_t size = bytes_left(&conn->input);
    uint64_t most = !conn->parser->in_payload ? 1 : conn->parser->left < WS_STEP_MAX ? conn->parser->left : WS_STEP_MAX;
    return size < most ? size : (size_t)most;
}

/* Gives wslay the next bytes and handles what it reports. */
static enum status ws_conn_read(struct ws_conn *conn, enum ws_step *out_step, struct ws_event *out) {
    struct ws_parser *parser = conn->parser;
    size_t size = ws_conn_step_size(conn);
    *out_step = WS_STEP_MORE;
    if (bytes_writer_reserve(&parser->message, size) == NULL) {
        enum status status = parser->message.status;
        parser->message.status = STATUS_OK;
        return status;
    }
    parser->given = bytes_of(conn->input.at, size);
    parser->in_frame = true;
    struct wslay_frame_iocb frame = { 0 };
    ssize_t received = wslay_frame_recv(parser->frame, &frame);
    assert(parser->given.size == 0);
    conn->input.at += size;
    if (received == WSLAY_ERR_WANT_READ)
        return STATUS_OK;
    uint16_t code = 1002;
    const char *wrong = received < 0 ? "an invalid frame header" : NULL;
    if (wrong == NULL && !parser->in_payload)
        wrong = ws_conn_frame_begin(conn, &frame, &code);
    if (wrong == NULL) {
        code = 1007;
        parser->left -= frame.data_length;
        wrong = ws_conn_payload(conn, bytes_of(frame.data, frame.data_length));
    }
    if (wrong != NULL) {
        *out_step = ws_conn_fail(conn, code, wrong, out);
        return STATUS_OK;
    }
    if (parser->left > 0)
        return STATUS_OK;
    parser->in_frame = false;
    parser->in_payload = false;
    conn->frames++;
    *out_step = ws_is_control(parser->opcode) ? ws_conn_on_control(conn, out) : ws_conn_on_data(conn, out);
    return STATUS_OK;
}

/* What was delivered is no longer needed: the parser goes back unless a message is under way. */
static void ws_conn_settle(struct ws_conn *conn) {
    struct ws_parser *parser = conn->parser;
    if (!conn->delivered)
        return;
    conn->delivered = false;
    if (parser != NULL && parser->message_opcode == WS_CONTINUATION) {
        bytes_writer_reset(&parser->message);
        bytes_writer_reset(&parser->unpacked);
    }
}

/* Between messages, with nothing left to read: hold nothing. */
static enum status ws_conn_pause(struct ws_conn *conn, enum status status) {
    struct ws_parser *parser = conn->parser;
    if (parser != NULL && !parser->in_frame && parser->message_opcode == WS_CONTINUATION)
        ws_conn_release(conn, true);
    return status;
}

enum status ws_conn_next(struct ws_conn *conn, struct ws_event *out) {
    ws_conn_settle(conn);
    for (;;) {
        if (conn->failed || conn->close_received) {
            conn->input = bytes_reader(bytes_of(NULL, 0));
            ws_conn_release(conn, true);
            return STATUS_CLOSED;
        }
        if (conn->parser != NULL && conn->parser->complete) {
            enum ws_step step;
            enum status status = ws_conn_unpack(conn, &step, out);
            if (status != STATUS_OK || step == WS_STEP_EVENT)
                return status;
        }
        if (bytes_left(&conn->input) == 0)
            return ws_conn_pause(conn, STATUS_MORE);
        if (conn->parser == NULL) {
            enum status status = ws_pool_lend(conn->pool, &conn->parser);
            if (status != STATUS_OK)
                return status;
            conn->parser->message.size_max = conn->message_max + WS_STEP_MAX; /* control frames and dropped data reserve too */
        }
        enum ws_step step;
        enum status status = ws_conn_read(conn, &step, out);
        if (status != STATUS_OK || step == WS_STEP_EVENT)
            return status;
    }
}

/* ---- sending to one receiver ---- */

bool ws_conn_packs(const struct ws_conn *conn, size_t size) {
    return conn->deflate_bits != 0 && size >= WS_PACK_BYTES_MIN && size <= WS_PACK_BYTES_MAX;
}

void ws_conn_message(const struct ws_conn *conn, struct bytes_writer *out, enum ws_opcode opcode, struct bytes payload) {
    struct ws_deflate *deflate = ws_conn_packs(conn, payload.size) ? ws_pool_deflate(conn->pool) : NULL;
    struct bytes_writer packed;
    bytes_writer_init(&packed, conn->pool->mem, WS_PACK_BYTES_MAX);
    size_t start = out->size;
    if (deflate != NULL && ws_deflate_pack(deflate, conn->deflate_bits, payload, &packed) == STATUS_OK) {
        ws_frame_write(out, opcode, true, bytes_written(&packed));
        if (out->status == STATUS_OK)
            out->data[start] |= WS_RSV1;
    } else {
        ws_frame_write(out, opcode, true, payload);
    }
    bytes_writer_finish(&packed);
}
