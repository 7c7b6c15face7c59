/* ws.h — WebSocket (RFC 6455) over memory: bytes in, events out, replies to be fetched. No socket, no clock.
 *
 *                    ws_conn_feed                 ws_conn_next
 *     received bytes ───────────▶ struct ws_conn ─────────────▶ message, ping, pong, close, failure
 *                                   │      ▲
 *                      ws_conn_take │      │ lent from the first byte of a message to its last
 *     pongs, close ◀────────────────┘   struct ws_pool: wslay frame contexts and message buffers, one pool per loop
 *
 * A connection that is between messages holds neither parser nor buffer: about 150 bytes, so many may idle.
 *
 *     ws_conn_feed(&conn, received);
 *     while ((status = ws_conn_next(&conn, &event)) == STATUS_OK)
 *         ... handle event ...
 *     ws_conn_take(&conn, &out);            // send these
 *     if (ws_conn_wants(&conn) & WS_WANTS_END) ... close the socket once everything is sent ...
 *
 * Strict: reserved bits and opcodes, masking by the wrong side, fragmented or long control frames, lengths not in the shortest
 * form, continuations out of place, invalid close codes fail the connection with 1002; text that is not UTF-8 fails with 1007 at
 * the first wrong byte; a message longer than `message_max` with 1009, as soon as its header says so.
 *
 * Messages may be compressed (permessage-deflate, RFC 7692) once ws_conn_deflate() was called: always without context takeover, so
 * that a connection holds nothing for it. A compressed message is unpacked when it is complete, so its text is checked then and not
 * at the first wrong byte; `message_max` holds for both of its forms, and unpacking stops there.
 *
 * Senders do not go through ws_conn: ws_frame_header() makes the header of an unmasked frame, so that one buffer serves every
 * receiver; ws_frame_masked() is the client's way. What goes to one receiver alone may be compressed by ws_conn_message(). */
#ifndef WIRE_WS_H
#define WIRE_WS_H

#include "ground/bytes.h"

enum ws_role { WS_SERVER, WS_CLIENT };

enum ws_opcode { WS_CONTINUATION = 0x0, WS_TEXT = 0x1, WS_BINARY = 0x2, WS_CLOSE = 0x8, WS_PING = 0x9, WS_PONG = 0xa };

enum {
    WS_HEADER_MAX = 14,       /* 2 + 8 of length + 4 of mask key */
    WS_CONTROL_MAX = 125,     /* payload of a control frame */
    WS_REASON_MAX = 123,      /* bytes of a close reason */
    WS_OUT_MAX = 8192,        /* pongs that wait to be taken; more pings are then answered by fewer pongs, as the RFC allows */
    WS_FRAME_UNPACKED = 1024, /* bytes that cost as much as a frame: few bytes that unpack to many are slowed as many frames are */
    WS_BUFFER_KEPT_MAX = 65536, /* a parser's message buffer above this is freed when the parser is handed back */
    WS_PACK_BYTES_MIN = 4096,   /* a smaller message saves nothing that is worth its time */
    WS_PACK_BYTES_MAX = 1 << 20 /* a larger one would hold up its loop: 10 ms for this one */
};

/* ---- the parsers of one loop ---- */

struct ws_parser;
struct ws_deflate;

struct ws_pool {
    /* private */
    const struct mem *mem;
    struct ws_parser *idle;
    unsigned idle_count;
    unsigned idle_max;
    unsigned lent_count;
    unsigned lent_max;
    struct ws_deflate *deflate; /* made when the first message is compressed */
};

/* `idle_max`  parsers kept for the next message (each 4.3 KB and its buffer)
 * `lent_max`  parsers in use at once, i.e. connections that may stand inside a message at the same time */
void ws_pool_init(struct ws_pool *pool, const struct mem *mem, unsigned idle_max, unsigned lent_max);

/* Every connection that uses the pool must be finished before. */
void ws_pool_finish(struct ws_pool *pool);

/* ---- one connection ---- */

struct ws_conn {
    /* private */
    struct ws_pool *pool;
    struct ws_parser *parser; /* NULL between messages */
    struct bytes_reader input;
    struct bytes_writer out;
    size_t message_max;
    uint64_t frames; /* read so far, of any kind, and one more for each WS_FRAME_UNPACKED of unpacked bytes; the owner may look */
    size_t unpack_left;  /* what may yet be unpacked; SIZE_MAX: no matter how much */
    uint64_t mask_state; /* client: where the mask keys of pongs and closes come from */
    uint8_t role;
    uint8_t deflate_bits; /* of the window that this side may use; 0: nothing is compressed */
    bool delivered;       /* the last event's payload lies in the parser, which is handed back by the next call */
    bool close_sent;
    bool close_received;
    bool failed;
};

enum ws_event_kind {
    WS_EVENT_TEXT,   /* a whole message */
    WS_EVENT_BINARY, /* a whole message */
    WS_EVENT_PING,   /* answered already: the pong waits in ws_conn_take */
    WS_EVENT_PONG,
    WS_EVENT_CLOSE, /* the peer closes; answered already. `code` is 1005 when it gave none; payload is the reason */
    WS_EVENT_FAILED /* the peer broke the protocol; the close frame waits in ws_conn_take. `code` says how, payload is a sentence */
};

struct ws_event {
    enum ws_event_kind kind;
    struct bytes payload; /* valid until the next call on the connection */
    uint16_t code;        /* CLOSE and FAILED */
};

/* `pool`         outlives the connection
 * `message_max`  payload bytes of a whole message, fragments together */
void ws_conn_init(struct ws_conn *conn, struct ws_pool *pool, enum ws_role role, size_t message_max);
void ws_conn_finish(struct ws_conn *conn);

/* Before the first feed: compression was agreed on. `window_bits`: 9 to 15, of the window for what this side sends. Servers only: a
 * client of this library offers none. */
void ws_conn_deflate(struct ws_conn *conn, unsigned window_bits);

/* From now on compressed messages may unpack to that many bytes in all, else 1009. SIZE_MAX, as at first: each to `message_max`. */
void ws_conn_unpack_max(struct ws_conn *conn, size_t bytes);

/* Clients only, before the first feed: `random` seeds the mask keys of the connection's own pongs and closes. */
void ws_conn_seed(struct ws_conn *conn, uint64_t random);

/* Hands over received bytes; not copied: they must stay valid until ws_conn_next answers something else than STATUS_OK. The bytes
 * fed before must have been used up (STATUS_MORE or STATUS_CLOSED). */
void ws_conn_feed(struct ws_conn *conn, struct bytes received);

/* The next event in the bytes that were fed.
 *
 * STATUS_OK          `out` is set; call again
 * STATUS_MORE        the bytes are used up
 * STATUS_CLOSED      the closing handshake is over or the connection failed: nothing will come any more; bytes left are ignored
 * STATUS_NO_MEMORY   nothing is lost; the same call may be tried again
 * STATUS_OVERLOADED  `lent_max` parsers are in use; nothing is lost; the same call may be tried again
 *
 * Cost: one copy of the payload (unmasking). */
enum status ws_conn_next(struct ws_conn *conn, struct ws_event *out);

/* The bytes that were fed and not yet used, for an owner that pauses in the middle and must keep them. */
struct bytes ws_conn_rest(const struct ws_conn *conn);

/* Starts the closing handshake: one close frame into the output; the peer's close is awaited. A second call does nothing.
 * `reason`  UTF-8, cut at WS_REASON_MAX bytes on a character boundary
 * STATUS_OK, STATUS_NO_MEMORY (nothing has changed) */
enum status ws_conn_close(struct ws_conn *conn, uint16_t code, struct bytes reason);

/* Moves the connection's own frames (pong, close) to the end of `out`. On failure (out->status) they are kept. */
void ws_conn_take(struct ws_conn *conn, struct bytes_writer *out);

enum ws_wants {
    WS_WANTS_READ = 1,  /* more bytes can be used */
    WS_WANTS_WRITE = 2, /* ws_conn_take has something */
    WS_WANTS_END = 4    /* the handshake is over or the connection failed: send what is left, then close the socket */
};

/* A set of enum ws_wants. */
unsigned ws_conn_wants(const struct ws_conn *conn);

/* Whether ws_conn_close was called or a close was answered: data frames must not be sent any more. */
bool ws_conn_closing(const struct ws_conn *conn);

/* ---- making frames ---- */

/* Writes the header of an unmasked frame and answers its size, 2 to 10 bytes. */
size_t ws_frame_header(uint8_t out[WS_HEADER_MAX], uint64_t payload_size, enum ws_opcode opcode, bool fin);

/* The size that ws_frame_header would answer. */
size_t ws_frame_header_size(uint64_t payload_size);

/* The payload of a whole unmasked frame. */
struct bytes ws_frame_payload(struct bytes frame);

/* Appends a whole unmasked frame. */
void ws_frame_write(struct bytes_writer *out, enum ws_opcode opcode, bool fin, struct bytes payload);

/* Appends a whole masked frame, as clients must send it. `mask`: four unpredictable bytes. */
void ws_frame_masked(struct bytes_writer *out, enum ws_opcode opcode, bool fin, struct bytes payload, const uint8_t mask[4]);

/* Appends a whole unmasked frame, compressed if that was agreed on and makes it shorter. */
void ws_conn_message(const struct ws_conn *conn, struct bytes_writer *out, enum ws_opcode opcode, struct bytes payload);

/* Whether ws_conn_message() would try to compress a message of that size. */
bool ws_conn_packs(const struct ws_conn *conn, size_t size);

/* Whether a close code may stand in a close frame: 1000-1003, 1007-1014, 3000-4999. */
bool ws_close_code_valid(uint16_t code);

#endif
