/* leave.h — a document that is told to leave memory: saved first, then freed; its readers open it again.
 *
 *   leave_begin ──▶ doc.gone "unavailable" to all; opens are refused for now ──▶ (tick) checkpoint ──▶ saved: evicted, done(true)
 *                                                                                   └──▶ too late: in service again, done(false) */
#ifndef SERVER_LEAVE_H
#define SERVER_LEAVE_H

#include "document/document.h"

/* Of an open document. `done` is called once, later, in this loop. STATUS_CONFLICT: it is leaving already. STATUS_CLOSED: the
 * server drains, and so saves it anyway. */
enum status leave_begin(struct document *document, uint64_t limit_ms, void (*done)(void *context, bool saved), void *context);

/* Of a document that leaves. May free it. */
void leave_tick(struct document *document, uint64_t now_ms);

/* The server drains: whoever waits for one of its documents to leave hears now that it stays, while he can still be told. The
 * story: a server that had drained freed the documents that were leaving behind the HTTP connections that waited for it. */
void leave_drain(struct server *server);

/* It is freed, whyever. */
void leave_end(struct document *document, bool saved);

#endif
