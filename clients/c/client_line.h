/* client_line.h — one connection to the server, from the connected socket to its end: TLS if the line has it, HTTP upgrade, then
 * WebSocket messages.
 *
 *     RESTING ──line_start──▶ UPGRADING ──101──▶ OPEN ──close, failure──▶ ENDED
 *        ▲                        └───any other answer──────────────────────▲ │
 *        └───────────────────────────line_reset───────────────────────────────┘
 *
 * Values to send are collected in a batch; line_output() makes one masked binary frame of them. So what is written in one turn
 * leaves as one message, and a message is never longer than CLIENT_BATCH_BYTES and one value. */
#ifndef CLIENT_LINE_H
#define CLIENT_LINE_H

#include "vibesync/client.h"
#include "vibesync/client_tls.h"
#include "wire/upgrade.h"
#include "wire/ws.h"

enum line_state { LINE_RESTING, LINE_UPGRADING, LINE_OPEN, LINE_ENDED };

enum line_event_kind {
    LINE_OPENED,
    LINE_MESSAGE, /* `payload`: valid until the next call of line_next or line_reset */
    LINE_REFUSED, /* the upgrade was not granted: `http_status` (0: that was no HTTP), `payload` a sentence */
    LINE_CLOSED,  /* by the peer, or failed: `code`, `payload` the reason */
    LINE_UNSAFE   /* TLS failed: `payload` a sentence; `permanent`: it would fail again */
};

struct line_event {
    enum line_event_kind kind;
    struct bytes payload;
    unsigned http_status;
    uint16_t code;
    bool permanent;
};

struct line {
    /* private */
    const struct mem *mem;
    void (*random)(void *context, void *out, size_t size);
    void *random_context;
    enum line_state state;
    struct client_tls *tls; /* NULL: plain */
    enum status tls_status; /* of what was fed */
    struct http_reader *http;
    struct ws_upgrade_key key;
    struct ws_pool pool;
    struct ws_conn ws;
    bool ws_used;       /* ws is initialized */
    bool message_lent;  /* the last event's payload lies in ws */
    struct bytes input; /* fed and not used */
    struct bytes_writer batch;
    struct bytes_writer out;
    size_t out_sent; /* bytes of `out` that left */
    char refusal[160];
};

void line_init(struct line *line, const struct mem *mem, void (*random)(void *, void *, size_t), void *random_context);
/* From now on what is fed and what is sent are TLS's. Takes `tls`. Only before the first start. */
void line_secure(struct line *line, struct client_tls *tls);
void line_finish(struct line *line);

/* Back to RESTING; queued bytes are forgotten. */
void line_reset(struct line *line);

/* Queues the upgrade request. STATUS_NO_MEMORY: still RESTING. */
enum status line_start(struct line *line, const char *authority, const struct uuid *session);

/* As ws_conn_feed; with TLS the bytes are not needed any more afterwards. */
void line_feed(struct line *line, struct bytes received);

/* STATUS_OK, STATUS_MORE (all input is used up), STATUS_CLOSED (ENDED or RESTING), STATUS_NO_MEMORY (call again, or reset). */
enum status line_next(struct line *line, struct line_event *out);

/* Where values are appended. Call line_batched() after each. */
struct bytes_writer *line_batch(struct line *line);

/* Makes a frame of the batch: before a value that is big enough for a message of its own. */
void line_flush(struct line *line);

/* Makes a frame of the batch when it is long enough. */
void line_batched(struct line *line);

/* Bytes that wait to be sent, the batch included. */
size_t line_waiting(const struct line *line);

/* A frame could not be made for lack of memory or room: the connection must be given up. */
bool line_failed(const struct line *line);

/* Queues a ping without content, a close. */
void line_ping(struct line *line);
void line_close(struct line *line, uint16_t code, const char *reason);

/* Everything queued has been sent and the closing handshake is over. */
bool line_done(const struct line *line);

struct bytes line_output(struct line *line);
void line_sent(struct line *line, size_t size);

#endif
