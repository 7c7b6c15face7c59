/* document_open.h — request doc.open: from a file's name to a subscription. */
#ifndef SERVER_DOCUMENT_OPEN_H
#define SERVER_DOCUMENT_OPEN_H

#include "document/document.h"

/* Answers the request by and by. */
void document_open(struct connection *connection, uint32_t msgid, const struct wire_doc_open *open);

/* The document ends: every operation that waits for it is answered with `status`. */
void document_open_abandon(struct document *document, enum status status);

#endif
