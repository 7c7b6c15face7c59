/* tls.h — TLS as bytes in, bytes out; who sends and receives them is socket.c.
 *
 *     from the network ──tls_read──▶  plain text                  what must be sent because of it (handshake, alerts) is
 *     to the network   ◀──tls_write── plain text                  appended to `cipher` by every call
 *
 * TLS 1.2 and 1.3, of 1.2 only suites with forward secrecy and authenticated encryption; no renegotiation, no compression, no early
 * data. Sessions are resumed by tickets, so nothing is kept for those who left. What is read is always used up: between two calls
 * the plain text of no whole record waits here, and the buffers of a line that is silent are released. */
#ifndef SERVER_TLS_H
#define SERVER_TLS_H

#include "ground/bytes.h"

struct tls_context;
struct tls;

enum { TLS_ERROR_MAX = 320 };

/* Certificate chain and key, both PEM. From any thread. STATUS_MALFORMED, STATUS_NO_MEMORY: `error` says
 * which file and why. */
enum status tls_context_create(const char *certificate_file, const char *key_file, char error[TLS_ERROR_MAX],
                               struct tls_context **out);
/* Counted, from any thread; NULL is fine. */
struct tls_context *tls_context_acquire(struct tls_context *context);
void tls_context_release(struct tls_context *context);

/* The server's end of a line; it holds the context. NULL: no memory. */
struct tls *tls_create(struct tls_context *context);
void tls_destroy(struct tls *tls);

/* STATUS_OK           `plain` got what was in `in`, perhaps nothing
 * STATUS_CLOSED       the same, and the peer has said that no more will come
 * STATUS_UNSUPPORTED  the peer speaks HTTP without TLS; nothing was appended
 * STATUS_MALFORMED    the line is dead: no TLS, none that we speak, or forged; tls_fault() says why, `cipher` holds the alert
 * STATUS_NO_MEMORY    the same */
enum status tls_read(struct tls *tls, struct bytes in, struct bytes_writer *plain, struct bytes_writer *cipher);

/* All of `plain`; only when tls_is_open(). STATUS_NO_MEMORY, STATUS_IO: the line is dead. */
enum status tls_write(struct tls *tls, struct bytes plain, struct bytes_writer *cipher);

/* Says that no more will come. */
void tls_close(struct tls *tls, struct bytes_writer *cipher);

/* The handshake is done. */
bool tls_is_open(const struct tls *tls);

/* "TLSv1.3" */
const char *tls_version(const struct tls *tls);

/* A few words of OpenSSL's; valid as long as `tls`. */
const char *tls_fault(const struct tls *tls);

#endif
