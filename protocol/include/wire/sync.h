/* sync.h — the hot values: CRDT updates, durable acknowledgements, awareness, state vectors.
 *
 *     [3, doc, bin]   update
 *     [4, doc, n]     durable acknowledgement
 *     [5, doc, bin]   awareness
 *     [6, doc, bin]   state vector
 *
 *     93 03 2a c4 02 00 00      update of document 42: the empty Yjs update 00 00
 *
 * Read with wire_next (rpc.h). The frame writers put WebSocket header, value header and payload into one buffer that serves every
 * receiver: the payload is copied once. */
#ifndef WIRE_SYNC_H
#define WIRE_SYNC_H

#include "wire/rpc.h"

/* Appends one value; `kind` is WIRE_UPDATE, WIRE_AWARENESS or WIRE_STATE_VECTOR. */
void wire_sync_write(struct bytes_writer *out, enum wire_kind kind, uint64_t doc, struct bytes payload);

void wire_ack_write(struct bytes_writer *out, uint64_t doc, uint64_t count);

/* Bytes that wire_sync_write appends. */
size_t wire_sync_size(uint64_t doc, size_t payload_size);

/* Appends one unmasked WebSocket frame holding that one value: what the server sends. */
void wire_sync_frame(struct bytes_writer *out, enum wire_kind kind, uint64_t doc, struct bytes payload);
void wire_ack_frame(struct bytes_writer *out, uint64_t doc, uint64_t count);

/* The bytes that wire_sync_frame puts before the payload, for a sender that keeps the payload elsewhere and writes both with one
 * gathered write. Answers their count. */
enum { WIRE_SYNC_HEADER_MAX = 10 + 1 + 1 + 9 + 5 };
size_t wire_sync_frame_header(uint8_t out[WIRE_SYNC_HEADER_MAX], enum wire_kind kind, uint64_t doc, size_t payload_size);

#endif
