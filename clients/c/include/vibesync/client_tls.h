/* client_tls.h — TLS as a client: bytes in, bytes out. What `struct client` speaks for wss:// and https://, and what a program may
 * use for a request of its own.
 *
 *     received ──client_tls_read──▶ plain text          plain text ──client_tls_write──▶ client_tls_output ─▶ bytes to send
 *
 * TLS 1.2 and 1.3. The certificate must come from an authority that is trusted, be valid now, and be for the host that was asked
 * for, by name or by address; nothing turns this off. Connections follow one another: client_tls_start() begins each. */
#ifndef VIBESYNC_CLIENT_TLS_H
#define VIBESYNC_CLIENT_TLS_H

#include "ground/bytes.h"

struct client_tls;

/* `host`     name or address, IPv6 without brackets; copied
 * `ca_file`  certificates in PEM of the authorities to trust in place of the system's; NULL: the system's
 *
 * STATUS_IO: no certificate can be read from `ca_file`; STATUS_NO_MEMORY. Cost: all authorities are read here. */
enum status client_tls_create(const struct mem *mem, const char *host, const char *ca_file, struct client_tls **out);
void client_tls_destroy(struct client_tls *tls);

/* Forgets the connection before, and queues the hello of the next. STATUS_NO_MEMORY. */
enum status client_tls_start(struct client_tls *tls);

/* Takes all of `received`. `out` is valid until the next call, and holds what came before a fault, too. Output may come of it.
 *
 * STATUS_CLOSED       the peer ended TLS as it should
 * STATUS_DENIED       its certificate is not accepted
 * STATUS_UNSUPPORTED  it doesn't speak TLS
 * STATUS_MALFORMED    any other fault
 * STATUS_NO_MEMORY
 *
 * After each of these the connection is over, once the output is sent. client_tls_fault() says what the matter was. */
enum status client_tls_read(struct client_tls *tls, struct bytes received, struct bytes *out);

/* Whether the handshake is done. */
bool client_tls_is_open(const struct client_tls *tls);

/* Only when open. STATUS_NO_MEMORY, STATUS_MALFORMED: the connection is over. */
enum status client_tls_write(struct client_tls *tls, struct bytes plain);

/* What is to be sent, valid until the next call; and: the first `size` bytes of it were. */
struct bytes client_tls_output(const struct client_tls *tls);
void client_tls_sent(struct client_tls *tls, size_t size);

/* A sentence without its end, for a person. Never NULL. */
const char *client_tls_fault(const struct client_tls *tls);

#endif
