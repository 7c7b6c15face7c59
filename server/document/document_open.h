/* document_open.h — from a file's name to a subscription: the request doc.open, and the way of the doors. */
#ifndef SERVER_DOCUMENT_OPEN_H
#define SERVER_DOCUMENT_OPEN_H

#include "document/document.h"

/* The connection hears by its dialect's doc_opened() or doc_refused(), the latter maybe at once. */
void document_open(struct connection *connection, uint32_t request, const struct wire_doc_open *open);

/* The same for a peer who names no epoch and no client id: the file at `path`, made if it is not there and the participant may
 * write. `name`: what the peer calls it, for subscription->name; at most HOCUSPOCUS_NAME_MAX bytes. */
void document_open_at(struct connection *connection, uint32_t request, struct bytes path, struct bytes name);

/* The document ends: every operation that waits for it is answered with `status`. */
void document_open_abandon(struct document *document, enum status status);

#endif
