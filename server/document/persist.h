/* persist.h — a document's way into PostgreSQL and the acknowledgements that come back.
 *
 *   persist_update ──▶ journal group g ──▶ durable(g) ──▶ kind 4 to every subscription that waits for a group up to g
 *   persist_tick   ──▶ checkpoint when due: the journal since the last one is larger than the state (or 64 KB), the document has
 * been quiet for 30 s, or the oldest change is 5 minutes old */
#ifndef SERVER_PERSIST_H
#define SERVER_PERSIST_H

#include "document/document.h"

/* The document has been loaded: its journal line begins; a journal that was not merged yet makes a checkpoint due. */
void persist_begin(struct document *document, int64_t version, uint64_t state_bytes, uint64_t journal_bytes);

/* Ends line, load and checkpoint; no callback comes any more. Rows on their way are still written. */
void persist_end(struct document *document);

/* Journals one update of `subscription` as it came, `relayed`: with units of others; the subscription is acknowledged up to its
 * count when that is durable. STATUS_OVERLOADED, STATUS_TOO_BIG, STATUS_CLOSED, STATUS_NO_MEMORY: not journaled. */
enum status persist_update(struct subscription *subscription, struct bytes update, bool relayed);

/* Acknowledges the subscription up to its count when everything that was journaled before is durable; at once if it is. */
void persist_nothing_new(struct subscription *subscription);

/* Begins a checkpoint now, if the document has changed, none is under way and every relay is recorded. */
void persist_checkpoint(struct document *document);
void persist_tick(struct document *document, uint64_t now_ms);

/* Another server wrote checkpoint `version`: what it holds is merged at the next tick. */
void persist_overtaken(struct document *document, int64_t version);

/* Nothing would be lost if the process died now, and the checkpoint holds everything. */
bool persist_saved(const struct document *document);

/* Takes the file out of service: `reason` is one line. The document is told gone by the caller. */
void persist_quarantine(struct session *session, const struct uuid *file, const char *reason);

#endif
