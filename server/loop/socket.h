/* socket.h — one connected socket: read events, gathered writes, close.
 *
 * The raw descriptor is polled (uv_poll) rather than wrapped in a uv_tcp_t: a descriptor can then move to another loop at any
 * time, a write is one writev of the caller's own memory with nothing queued here, and an idle connection costs no buffer. Bytes
 * are read into one buffer per loop and handed on at once.
 *
 * A line of TLS (socket_tls.h) differs in that what is written is copied to be encrypted, and in what is kept for it; a plain one
 * pays one look at a pointer.
 *
 *   open ──▶ on_bytes … on_bytes ──▶ on_end (peer closed, or error) ──▶ socket_close() by the owner
 *     └── socket_detach(): the descriptor goes to somebody else */
#ifndef SERVER_SOCKET_H
#define SERVER_SOCKET_H

#include "loop/loop.h"
#include "proxy/ranges.h"

struct socket;
struct socket_tls;
struct tls_context;

/* A connected descriptor on its way to a loop, with what makes it a line of TLS. */
struct socket_line {
    int fd;
    struct socket_tls *tls; /* NULL: plain */
    bool proxied;           /* a header of the PROXY protocol may come first, and is believed */
};

/* The server's end, before the handshake. NULL: no memory. */
struct socket_tls *socket_tls_create(struct tls_context *context);
void socket_tls_destroy(struct socket_tls *tls);
/* Closes the descriptor (-1: there is none) and lets go of the rest. */
void socket_line_close(struct socket_line *line);

struct socket_events {
    /* `bytes` is valid during the call. Reading pauses for fairness after one buffer per turn. The owner may close the socket here.
     */
    void (*on_bytes)(void *owner, struct bytes bytes);
    /* The kernel takes bytes again, after socket_want_write(); asked for once per wait. */
    void (*on_writable)(void *owner);
    /* The peer closed (STATUS_CLOSED), the descriptor failed (STATUS_IO), or no line of TLS came of it (STATUS_MALFORMED). Called
     * once; the owner closes the socket. */
    void (*on_end)(void *owner, enum status why);
};

/* The other end of a TCP connection; false: it is none. */
bool socket_address(int fd, struct address *out);

/* Takes `line` (non-blocking mode, TCP_NODELAY and close-on-exec are set here) when it answers STATUS_OK. Reading starts at once;
 * callbacks come from the next turn on. `owner` is passed to each callback. */
enum status socket_open(struct loop *loop, struct socket_line line, const struct socket_events *events, void *owner,
                        struct socket **out);

/* One writev of up to `count` parts (more than SOCKET_PARTS_MAX are cut). `out_written`: bytes the kernel took, 0 when its buffer
 * is full; of a line of TLS, bytes that are encrypted and may wait here (SOCKET_TLS_REST_MAX). STATUS_IO: the connection is dead
 * (on_end follows, unless closed before). */
enum { SOCKET_PARTS_MAX = 64 };
enum status socket_write(struct socket *socket, const struct bytes *parts, size_t count, size_t *out_written);

void socket_want_write(struct socket *socket);

/* Back-pressure: no on_bytes while paused. */
void socket_pause(struct socket *socket, bool paused);

/* Ends the writing side: the peer reads the end behind what was written. Reading goes on. */
void socket_shutdown(struct socket *socket);

/* Gives the descriptor back and frees the socket; no callback comes any more. */
struct socket_line socket_detach(struct socket *socket);

/* For a line without a socket, before it is closed: writes what the kernel takes at once, and the end. */
void socket_write_last(const struct socket_line *line, struct bytes bytes);

/* Closes the descriptor and frees the socket; NULL is fine. Bytes that the kernel took are still delivered. */
void socket_close(struct socket *socket);

/* "127.0.0.1:50123", or whom the peer said that it speaks for, for logs; NUL-terminated, valid as long as the socket. */
const char *socket_peer(const struct socket *socket);

#endif
