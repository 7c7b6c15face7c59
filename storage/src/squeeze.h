/* squeeze.h — compression of what is kept but rarely read. Only squeeze.c includes <zstd.h>. */
#ifndef STORE_SQUEEZE_H
#define STORE_SQUEEZE_H

#include "ground/bytes.h"

/* Appends one zstd frame of `bytes`, with its size and a check sum inside. STATUS_NO_MEMORY, STATUS_TOO_BIG (the writer's maximum).
 */
enum status squeeze(struct bytes bytes, struct bytes_writer *out);

/* The opposite; STATUS_DAMAGED for anything else than one whole frame, STATUS_TOO_BIG beyond the writer's maximum. */
enum status unsqueeze(struct bytes squeezed, struct bytes_writer *out);

#endif
