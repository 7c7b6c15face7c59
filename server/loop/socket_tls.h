/* socket_tls.h — what makes a line of TLS of a descriptor; for socket.c, which has NULL instead of this where lines are plain.
 *
 *   recv ──▶ socket_tls_receive ──plain──▶ owner         plain ──▶ socket_tls_write ──▶ records of 16 KB ──▶ one send for 64 KB
 *
 * A record that is made must be sent, whatever its owner thinks of by then. So what the kernel doesn't take waits here, at most
 * SOCKET_TLS_REST_MAX, and nothing more is taken from the owner until it has left. Gathering, encrypting and receiving use buffers
 * of the loop: a line that is silent holds what OpenSSL needs to know, and no buffer. */
#ifndef SERVER_SOCKET_TLS_H
#define SERVER_SOCKET_TLS_H

#include "loop/loop_uv.h"
#include "loop/socket.h"

enum {
    SOCKET_TLS_GATHER_BYTES = 65536,
    /* One gathered write, the end of a handshake and answers to requests for new keys; who asks for more without reading is gone.
     */
    SOCKET_TLS_REST_MAX = SOCKET_TLS_GATHER_BYTES + 32768,
};

/* What `in` holds, in a buffer of the loop; valid until the next call for any socket of it. STATUS_OK, and as tls_read(). */
enum status socket_tls_receive(struct socket_tls *tls, struct loop *loop, int fd, struct bytes in, struct bytes *out);

/* As socket_write(); `out_written` is what was taken. */
enum status socket_tls_write(struct socket_tls *tls, struct loop *loop, int fd, const struct bytes *parts, size_t count,
                             size_t *out_written);

/* Something waits for the kernel to take it. */
bool socket_tls_waits(const struct socket_tls *tls);
/* STATUS_IO: the descriptor is dead. */
enum status socket_tls_flush(struct socket_tls *tls, int fd);

/* The end of the writing side, at once or behind what waits. */
void socket_tls_shutdown(struct socket_tls *tls, int fd);

const char *socket_tls_fault(const struct socket_tls *tls);

#endif
