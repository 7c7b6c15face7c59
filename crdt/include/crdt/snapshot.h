/* snapshot.h — a moment of a document, in a few bytes: which units there were, and which of them were deleted.
 *
 *   01 01 01 01 01   01 01 03        client 1 has 3 units, of which unit 1 is deleted
 *   ── delete set ── state vector
 *
 * It holds no content: what it shows is looked up in a document that has kept it all (options.gc false). Snapshots come from
 * outside and are checked: STATUS_MALFORMED. */
#ifndef CRDT_SNAPSHOT_H
#define CRDT_SNAPSHOT_H

#include "crdt/doc.h"
#include "crdt/updates.h"

/* Appends the document's present; what is pending does not count. */
enum status crdt_snapshot_encode(const struct crdt_doc *doc, enum crdt_format format, struct bytes_writer *out);

/* Whether both say the same, in whatever order and pieces. */
enum status crdt_snapshot_equal(enum crdt_format format, struct bytes a, struct bytes b, bool *out);

/* Appends an update v1: applied to an empty document it makes what this one was then.
 * STATUS_CONFLICT   the document collects garbage, so the past is not there
 * STATUS_NOT_FOUND  the snapshot names units that the document does not have */
enum status crdt_snapshot_restore(const struct crdt_doc *doc, enum crdt_format format, struct bytes snapshot,
                                  struct bytes_writer *out);

/* Appends the text as it was then. Errors as above. */
enum status crdt_text_write_at(const struct crdt_doc *doc, const struct crdt_type *text, enum crdt_format format,
                               struct bytes snapshot, struct bytes_writer *out);

#endif
