/* root.h — which root type of a document is the file's text.
 *
 * It is the one that files.root_name names: "text", until an editor that comes through a door and is bound to another name is the
 * first to write. The rule reads nothing but the document and the door's flag in the journal (JOURNAL_DOOR), so whoever loads the
 * journal (operator/, too) finds the same name again; the checkpoint that holds the content makes it permanent.
 *
 *   door's update, flagged ─▶ [journal] ─▶ load: the same rule, entry by entry
 *            │ document was empty                   │
 *            └──────────▶ document->root_name ◀─────┘ ──▶ checkpoint_write: files.root_name, with the text's hash */
#ifndef SERVER_ROOT_H
#define SERVER_ROOT_H

#include "ground/bytes.h"
#include "ground/status.h"

#include <stdbool.h>

struct crdt_doc;
struct document;

enum { ROOT_NAME_BYTES_MAX = 255 }; /* a longer name, or one with a NUL, is left as another root */

/* STATUS_NO_MEMORY: the name is as it was. */
enum status root_set(struct document *document, struct bytes name);

/* The rule: a door's update has been applied to a document that held nothing, whose file named the root `name`. It is now that of the
 * root which the update wrote, if the file had no other name than "text", nothing stands there, and exactly one root is a text; else
 * `name`. What is not `name` is the document's. */
struct bytes root_after_door(const struct crdt_doc *doc, struct bytes name);

/* Follows the rule. `out_changed`: the name is another one. STATUS_NO_MEMORY. */
enum status root_follow_door(struct document *document, bool *out_changed);

#endif
