/* http.h — HTTP/1.1 messages as bytes: a bounded, incremental reader for requests and responses, and writers.
 *
 *     bytes ──http_reader_feed──▶ STATUS_MORE … STATUS_OK ──▶ struct http_message (views, valid until reset or destroy)
 *
 * The reader copies what it keeps, so it may be fed in any pieces. It takes bodies with Content-Length only: a request with
 * Transfer-Encoding is refused (411), which leaves nothing to smuggle. Responses may also end with their connection. */
#ifndef WIRE_HTTP_H
#define WIRE_HTTP_H

#include "ground/bytes.h"

enum { HTTP_HEADERS_MAX = 64 };

struct http_limits {
    size_t head_bytes_max; /* request line and headers as received */
    unsigned headers_max;  /* at most HTTP_HEADERS_MAX */
    size_t body_bytes_max; /* 0: no body is taken */
};

struct http_header {
    struct bytes name;
    struct bytes value; /* without white space around it */
};

/* A request or a response. All views belong to the reader. */
struct http_message {
    struct bytes method; /* request: "GET", "POST", … as received */
    struct bytes target; /* request: the whole target, "/v1/join?x=1" */
    struct bytes path;   /* request: the target's part before '?', still percent-encoded */
    struct bytes query;  /* request: the part behind '?', data NULL when there is none */
    unsigned status;     /* response: 101, 200, … */
    const struct http_header *headers;
    unsigned headers_count;
    struct bytes body;
    bool keep_alive; /* the connection may carry another message */
    bool upgrade;    /* the message asks for, or grants, another protocol: the bytes behind it are not HTTP */
};

/* What is wrong with a message, and what to answer. `what` is a static sentence without a full stop. */
struct http_fault {
    unsigned status; /* 400, 405, 411, 413, 414, 426, 431, 505 … */
    const char *what;
};

enum http_kind { HTTP_READ_REQUESTS, HTTP_READ_RESPONSES };

struct http_reader;

/* NULL: no memory. About 2 KB, growing with the message up to head_bytes_max + body_bytes_max. */
struct http_reader *http_reader_create(const struct mem *mem, enum http_kind kind, const struct http_limits *limits);
void http_reader_destroy(struct http_reader *reader);

/* Takes bytes of one message.
 *
 * `out_used`  set to how many of `bytes` were used; on STATUS_OK the rest belongs to the next message or the next protocol
 * `fault`     set on STATUS_MALFORMED and STATUS_TOO_BIG; answer it and close
 *
 * STATUS_OK         the message is complete: http_reader_message()
 * STATUS_MORE       all were used; the message is not complete
 * STATUS_MALFORMED  not HTTP/1.x, or not what this reader takes; only reset or destroy may follow
 * STATUS_TOO_BIG    a limit is passed; the same
 * STATUS_NO_MEMORY  the same */
enum status http_reader_feed(struct http_reader *reader, struct bytes bytes, size_t *out_used, struct http_fault *fault);

/* The peer closed its side: a response without Content-Length is complete then (STATUS_OK); else STATUS_MALFORMED. */
enum status http_reader_end(struct http_reader *reader, struct http_fault *fault);

/* The complete message. Only after STATUS_OK. */
const struct http_message *http_reader_message(const struct http_reader *reader);

/* Forgets the message and is ready for the next. */
void http_reader_reset(struct http_reader *reader);

/* Whether anything of a message has arrived: an idle keep-alive connection may be closed without an answer. */
bool http_reader_started(const struct http_reader *reader);

/* The value of the first header `name` (compared without case); data NULL when there is none. */
struct bytes http_message_header(const struct http_message *message, const char *name);

/* Whether a comma-separated header value holds `token`, compared without case. */
bool http_value_has_token(struct bytes value, const char *token);

/* The token of "Authorization: Bearer token"; data NULL when there is none. */
struct bytes http_message_bearer(const struct http_message *message);

/* The raw value of `name` in a query string; data NULL when there is none. */
struct bytes http_query_find(struct bytes query, const char *name);

/* Appends `text` with its %xx decoded. STATUS_MALFORMED: a bad escape, a NUL, or the result is not UTF-8; out is as before. */
enum status http_percent_decode(struct bytes text, struct bytes_writer *out);

/* ---- writing ---- */

/* Appends a response with Content-Length and Connection. `type` is the Content-Type, NULL for none. Headers must hold no line ends:
 * those set out->status to STATUS_MALFORMED. A status without body (1xx, 204, 304) gets neither length nor body. */
void http_response_write(struct bytes_writer *out, unsigned status, const char *type, const struct http_header *headers,
                         unsigned headers_count, struct bytes body, bool keep_alive);

/* Appends a request. `type` as above; `host` goes into the Host header. */
void http_request_write(struct bytes_writer *out, const char *method, struct bytes target, struct bytes host, const char *type,
                        const struct http_header *headers, unsigned headers_count, struct bytes body);

/* "Not Found" for 404; "Unknown" outside the table. */
const char *http_status_reason(unsigned status);

#endif
