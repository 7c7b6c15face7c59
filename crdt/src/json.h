/* json.h — whether a text is JSON (RFC 8259), as JSON.parse judges it. */
#ifndef CRDT_SRC_JSON_H
#define CRDT_SRC_JSON_H

#include "ground/bytes.h"

enum { JSON_DEPTH_MAX = 512 }; /* JavaScript itself fails at some thousands */

/* `text` must be valid UTF-8. Nesting deeper than JSON_DEPTH_MAX is refused. Cost: the text; no recursion, no memory. */
bool json_check(struct bytes text);

#endif
