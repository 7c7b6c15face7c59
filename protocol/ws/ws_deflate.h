/* ws_deflate.h — permessage-deflate (RFC 7692), section 7.2: one message packed, one message unpacked.
 *
 * Always without context takeover, in both directions: no message refers to one before it. So one packer and one unpacker serve all
 * connections of a pool, a connection holds nothing, and a packed message may be sent to whoever agreed on as large a window.
 *
 *   payload ──deflate, sync flush──▶ … 00 00 ff ff ──the four bytes taken off──▶ payload of a frame with RSV1
 *
 *   "Hello"  f2 48 cd c9 c9 07 00        (section 7.2.3.1)
 *
 * Both are made at their first use: 268 KB for the packer with the largest window, 40 KB for the unpacker.
 *
 * The last message packed is kept in both forms, for a document that many open is sent to each of them: the same bytes again cost a
 * comparison instead of 10 ns per byte. */
#ifndef WS_WS_DEFLATE_H
#define WS_WS_DEFLATE_H

#include "ground/bytes.h"

enum { WS_DEFLATE_BITS_MIN = 9, WS_DEFLATE_BITS_MAX = 15 }; /* of a packer's window: zlib has no raw stream with 8 */

struct ws_deflate;

/* NULL: no memory. */
struct ws_deflate *ws_deflate_create(const struct mem *mem);
void ws_deflate_destroy(struct ws_deflate *both);

/* Appends the packed form of `payload`. `window_bits`: WS_DEFLATE_BITS_MIN to _MAX.
 * STATUS_TOO_BIG    it would not be shorter; nothing was appended
 * STATUS_NO_MEMORY  nothing was appended
 * Cost: 10 ns per byte, and 50 us when the last message was packed with another window; 0.1 ns per byte for the same again. */
enum status ws_deflate_pack(struct ws_deflate *both, unsigned window_bits, struct bytes payload, struct bytes_writer *out);

/* Unpacks a message, whatever window it was packed with, into the empty writer `out`.
 * STATUS_MALFORMED  not a packed message
 * STATUS_TOO_BIG    it has more than `size_max` bytes, noticed when it has one more
 * STATUS_NO_MEMORY  `out` must be reset; the call may be repeated */
enum status ws_deflate_unpack(struct ws_deflate *both, struct bytes packed, size_t size_max, struct bytes_writer *out);

#endif
