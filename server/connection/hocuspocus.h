/* hocuspocus.h — the dialect of Hocuspocus' providers: any number of files on one connection, each named in its messages.
 * PROTOCOL.md, "Doors".
 *
 *   token for a document ─▶ the first: session_join_begin ─▶ joined ─┐
 *                           the next, the same token ────────────────┴▶ document_open_at ─▶ doc_opened: authenticated, scope
 *                                     │ no                                    │ no
 *                                     └──────────────────┬────────────────────┘
 *                                                        ▼
 *                                       permission denied, with the reason
 *
 *   sync step 1                  delivery_state, and our own step 1 (the provider counts on an answer of its own)
 *   sync step 2, update          document_update; a sync status "taken" for each once it is durable, "not taken" to who may not
 * write awareness, query             as on /y/ stateless, broadcast         to all others who have the document open through this
 * door close                        document_unsubscribe          ping   pong
 *
 * A provider sends on without waiting for an answer to its token: what comes while a document is being opened waits, in order, and
 * the socket is paused. */
#ifndef SERVER_HOCUSPOCUS_H
#define SERVER_HOCUSPOCUS_H

#include "connection/dialect.h"

extern const struct dialect hocuspocus_dialect;

#endif
