/* persist_work.h — the checkpoint of a big document, made by a thread of the pool.
 *
 * Not from the document in memory, which its loop goes on changing, but from the bytes in the database: the last checkpoint and
 * exactly the journal rows that the new one will trim, applied in a scratch document. The loop only passes bytes on. */
#ifndef SERVER_PERSIST_WORK_H
#define SERVER_PERSIST_WORK_H

#include "document/document.h"

/* Whether the document's next checkpoint is to be made there: its encoding would hold up the loop for milliseconds. */
bool persist_work_fits(const struct document *document);

/* Answers `encode` of the document's job, later. */
void persist_work_begin(struct document *document);

/* The document ends: what the thread makes is thrown away. */
void persist_work_forget(struct document *document);

#endif
