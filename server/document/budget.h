/* budget.h — how much memory the documents of a loop hold, and what happens at the limit.
 *
 * Each loop has its share of --memory-limit. What a document holds is what its CRDT asked from the allocator, and the frames of its
 * state while these are kept.
 *
 *     above 7/8 of its share     documents without readers leave at once, those first that may leave for longest; dirty ones are
 *                                checkpointed now, to leave when they are saved. A dirty document never leaves
 *     at its share               opens that need a load are answered `overloaded`
 *     above 9/8 of it            updates are refused with `overloaded`
 *
 * A session has session_bytes_max: at it, opens that need a load and updates are `overloaded` there, and nowhere else.
 *
 * So a loop holds at most 9/8 of its share and one document that was loaded last. */
#ifndef SERVER_BUDGET_H
#define SERVER_BUDGET_H

#include "document/document.h"

/* Takes note of what the document holds now; after whatever changed it. */
void budget_count(struct document *document);
/* Takes note of whether the document may leave now; after whatever may have changed that: readers, commits, checkpoints. */
void budget_place(struct document *document);
/* For asserts: nothing has been forgotten. */
bool budget_is_placed(const struct document *document);
/* It holds nothing any more. */
void budget_forget(struct document *document);

/* Whether a session may load one more. */
bool budget_admits_to(const struct session *session);
/* Whether one more document may be loaded; makes room first if it can. Cost: the documents that leave, however many there are. */
bool budget_admits(struct server *server);
/* Whether documents may grow. */
bool budget_allows_growth(const struct server *server);

void budget_tick(struct server *server);

#endif
