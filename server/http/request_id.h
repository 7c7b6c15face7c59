/* request_id.h — the name of one request, in its answer and in every log line about it.
 *
 * A proxy in front has named it already (X-Request-Id): a name of 1 to 64 letters, digits, "-", "_" and "." is taken, anything else
 * replaced, for it goes into the log and into a header. Ours has 16 hexadecimal digits. */
#ifndef SERVER_REQUEST_ID_H
#define SERVER_REQUEST_ID_H

#include "ground/bytes.h"

enum { REQUEST_ID_MAX = 64, REQUEST_ID_BYTES = REQUEST_ID_MAX + 1 };

/* `offered`: the header's value, data NULL: none. `random`: for a name of our own. */
void request_id_choose(struct bytes offered, uint64_t random, char out[REQUEST_ID_BYTES]);

#endif
