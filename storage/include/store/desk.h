/* desk.h — an operator's line to the database: blocking, for commands and tests, never inside a loop.
 *
 *     desk_open ─▶ desk_ask("desk_files", …) ─▶ rows        statements of sql/desk.sql and sql/bulk.sql, one after the other
 *              └─▶ desk_load(file, DESK_SALVAGE)            a document as the server loads it, or what is left of it */
#ifndef STORE_DESK_H
#define STORE_DESK_H

#include "store/documents.h"

struct desk;

enum { DESK_REASON = 256 };

/* STATUS_UNAVAILABLE: cannot connect; STATUS_NO_MEMORY. `reason`: one line. */
enum status desk_open(const char *url, char reason[DESK_REASON], struct desk **out);
void desk_close(struct desk *desk);

/* Runs a statement to its end; it is a transaction of its own. The reply is valid until the next call on the desk. */
struct reply desk_ask(struct desk *desk, const char *name, const struct params *params);

/* How a document is to be read. */
enum {
    LOAD_QUARANTINED = 1, /* also when it is quarantined */
    LOAD_SALVAGE = 2,     /* leave out what fails its check, instead of refusing the whole; `reason` says what was the first */
};

/* Loads a document; `out` is valid until the next call on the desk. Status as store_loaded; with LOAD_SALVAGE STATUS_OK also when
 * something is damaged, and `reason` is not empty then. */
enum status desk_load(struct desk *desk, const struct uuid *file, unsigned how, struct loaded_document *out,
                      char reason[DESK_REASON]);

/* ---- crdt_history.updates ---- */

/* Unpacks a chunk: `out` is filled with journal payloads, each behind its size in four bytes, big-endian.
 * STATUS_DAMAGED; STATUS_NO_MEMORY, STATUS_TOO_BIG (the writer's maximum). */
enum status history_unpack(struct bytes chunk, struct bytes_writer *out);

/* The next payload of an unpacked chunk; false at the end. A payload that is cut short is the end, too: `rest` is not empty then.
 */
bool history_next(struct bytes *rest, struct bytes *out_payload);

/* XXH3-128 of a checkpoint's state and state vector, as in crdt_checkpoints.xxh3. */
enum { CHECKPOINT_DIGEST_SIZE = 16 };
void checkpoint_digest(struct bytes state, struct bytes state_vector, uint8_t out[CHECKPOINT_DIGEST_SIZE]);

#endif
