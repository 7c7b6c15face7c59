/* yws.h — the dialect of y-websocket's providers: one file per connection, named by the URL. PROTOCOL.md, "Doors".
 *
 *   opened ─▶ session_join_begin ─▶ joined ─▶ document_open_at ─▶ doc_opened: sync step 1, awareness; now it is read from
 *                   │                               │
 *                   └───────────┬───────────────────┘ no
 *                               ▼
 *                    yws_end: permission denied, the reason, and after a while a close
 *
 *   sync step 1        delivery_state         sync step 2, update   document_update; only an update claims its client id
 *   awareness          document_awareness     query awareness       all states at once
 *   auth, and unknown  ignored
 *
 * A client of y-websocket 1.5 comes back 0.1 s after any close, for ever, and one that was silent for 30 s comes back too. So a
 * refusal is held before it closes, and each ping is followed by an awareness of nobody. */
#ifndef SERVER_YWS_H
#define SERVER_YWS_H

#include "connection/dialect.h"

struct yws_message;

/* What every message of a compatibility door does, once its document is known. */
void yws_take(struct subscription *subscription, const struct yws_message *message);

/* Why a document ends, a sentence. */
const char *yws_gone_reason(enum wire_gone reason);

extern const struct dialect yws_dialect;

#endif
