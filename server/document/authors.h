/* authors.h — whose the units in an update are, and how that is remembered.
 *
 * A CRDT client id belongs to a user: doc.open claims it (document_claim), the table crdt_clients holds it. The protocols of the
 * doors name none: there the first live update claims the id it was made with. What an update brings under a *foreign* id and the
 * document lacks is one of three things:
 *
 *   the id is known from older epochs of the file only    another history's text: refused, `epoch_mismatch`
 *   its owner is connected and has sent all of its own    a forgery: refused, `permission_denied`
 *   else                                                  a relay (after a crash, between tabs): taken. The journal's entry is
 *                                                         flagged JOURNAL_RELAYED, and the id gets a row in crdt_clients
 *
 * The first rule needs no epoch from the sender: it holds for peers whose protocol has none.
 *
 * Deletions carry no author in Yjs. Theirs is the author of the journal's entry, which moves to crdt_history. */
#ifndef SERVER_AUTHORS_H
#define SERVER_AUTHORS_H

#include "store/store.h"

struct document;
struct subscription;

struct authors_relayed {
    uint64_t client_id;
    bool recorded;
};

struct authors {
    /* private */
    uint64_t *older; /* ids known from older epochs only, ascending */
    size_t older_count;
    struct authors_relayed *relayed; /* ids seen through others since the document was loaded, ascending */
    size_t relayed_count;
    size_t relayed_capacity;
    size_t unrecorded;
    bool recording;
    struct store_request request;
    void (*loaded)(struct document *document, enum status status);
};

void authors_finish(struct document *document);

/* Asks for the ids of older epochs. `done` is called later, once, unless the document is freed before. Errors as store_submit(). */
enum status authors_load(struct document *document, void (*done)(struct document *document, enum status status));

/* Judges one update before it is applied.
 *
 * `out_relayed`     it brings units of others
 * STATUS_OK
 * STATUS_MALFORMED  not an update
 * STATUS_DENIED     units in the name of somebody who writes right now
 * STATUS_CONFLICT   units of another history of the file */
enum status authors_judge(const struct subscription *subscription, struct bytes update, bool *out_relayed);

/* Whether a peer with this state vector has units of another history of the file. What is no state vector has none. */
bool authors_has_older(const struct document *document, struct bytes state_vector);

/* Claims the client id that a live update, which was taken as a relay, is of: if it holds units of one client only, whom the peer's
 * own presence, the first that it sent, is of, if it sent any; and nobody else claims to be that client. Sync answers claim
 * nothing: they hold what others made. */
void authors_claim(struct subscription *subscription, struct bytes update);

/* Notes every id in `update` but `own` (0: none) as seen through others. STATUS_NO_MEMORY. */
enum status authors_note(struct document *document, struct bytes update, uint64_t own);

/* Writes to crdt_clients what is noted and not there yet; true when there is nothing left. A checkpoint waits for it: as long as a
 * relay is not recorded, the journal still tells of it. */
bool authors_record(struct document *document);

#endif
