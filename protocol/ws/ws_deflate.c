/* ws_deflate.c — see ws_deflate.h. The only file that includes zlib. */
#include "ws_deflate.h"

#include <assert.h>
#include <limits.h>
#include <zlib.h>

enum {
    WS_PACK_LEVEL = 1, /* level 6 makes states of documents 3 to 5 points smaller in four times the time */
    WS_PACK_MEMORY = 8,
    WS_UNPACK_STEP = 16384,
    WS_UNPACK_FINALS_MAX = 16 /* blocks marked as final in one message: each costs a window to go on behind it */
};

static const uint8_t ws_tail[] = { 0, 0, 0xff, 0xff }; /* an empty stored block, behind its header's bits */

struct ws_deflate {
    const struct mem *mem;
    unsigned packer_bits; /* 0: there is no packer */
    bool has_unpacker;
    struct bytes_writer last; /* the last message packed, with packer_bits; empty: none */
    struct bytes_writer last_packed;
    z_stream packer;
    z_stream unpacker;
};

/* zlib's blocks know their size, for mem_free() asks for it. */
struct ws_block {
    _Alignas(max_align_t) size_t bytes;
};

static voidpf ws_deflate_alloc(voidpf context, uInt count, uInt size) {
    const struct ws_deflate *both = context;
    size_t bytes = sizeof(struct ws_block) + (size_t)count * size;
    struct ws_block *block = mem_zalloc(both->mem, bytes);
    if (block == NULL)
        return Z_NULL;
    block->bytes = bytes;
    return block + 1;
}

static void ws_deflate_free(voidpf context, voidpf address) {
    const struct ws_deflate *both = context;
    struct ws_block *block = (struct ws_block *)address - 1;
    mem_free(both->mem, block, block->bytes);
}

static z_stream ws_stream(struct ws_deflate *both) {
    return (z_stream){ .zalloc = ws_deflate_alloc, .zfree = ws_deflate_free, .opaque = both };
}

struct ws_deflate *ws_deflate_create(const struct mem *mem) {
    struct ws_deflate *both = mem_zalloc(mem, sizeof *both);
    if (both != NULL) {
        both->mem = mem;
        bytes_writer_init(&both->last, mem, SIZE_MAX);
        bytes_writer_init(&both->last_packed, mem, SIZE_MAX);
    }
    return both;
}

void ws_deflate_destroy(struct ws_deflate *both) {
    if (both == NULL)
        return;
    if (both->packer_bits != 0)
        deflateEnd(&both->packer);
    if (both->has_unpacker)
        inflateEnd(&both->unpacker);
    bytes_writer_finish(&both->last);
    bytes_writer_finish(&both->last_packed);
    mem_free(both->mem, both, sizeof *both);
}

/* ---- packing ---- */

static enum status ws_packer_ready(struct ws_deflate *both, unsigned window_bits) {
    if (both->packer_bits == window_bits) {
        deflateReset(&both->packer);
        return STATUS_OK;
    }
    if (both->packer_bits != 0)
        deflateEnd(&both->packer);
    bytes_writer_reset(&both->last);
    both->packer = ws_stream(both);
    int result = deflateInit2(&both->packer, WS_PACK_LEVEL, Z_DEFLATED, -(int)window_bits, WS_PACK_MEMORY, Z_DEFAULT_STRATEGY);
    both->packer_bits = result == Z_OK ? window_bits : 0;
    return result == Z_OK ? STATUS_OK : STATUS_NO_MEMORY;
}

/* Without memory nothing is remembered. */
static void ws_deflate_remember(struct ws_deflate *both, struct bytes payload, struct bytes packed) {
    bytes_writer_reset(&both->last);
    bytes_writer_reset(&both->last_packed);
    bytes_write(&both->last_packed, packed);
    if (both->last_packed.status == STATUS_OK)
        bytes_write(&both->last, payload);
}

enum status ws_deflate_pack(struct ws_deflate *both, unsigned window_bits, struct bytes payload, struct bytes_writer *out) {
    assert(window_bits >= WS_DEFLATE_BITS_MIN && window_bits <= WS_DEFLATE_BITS_MAX && payload.size <= UINT_MAX);
    if (payload.size == 0)
        return STATUS_TOO_BIG;
    if (window_bits == both->packer_bits && bytes_equal(payload, bytes_written(&both->last))) {
        bytes_write(out, bytes_written(&both->last_packed));
        return out->status;
    }
    enum status status = ws_packer_ready(both, window_bits);
    if (status != STATUS_OK)
        return status;
    uint8_t *room = bytes_writer_reserve(out, payload.size);
    if (room == NULL)
        return out->status;
    z_stream *packer = &both->packer;
    packer->next_in = (Bytef *)(uintptr_t)payload.data; /* zlib takes what it only reads as non-const */
    packer->avail_in = (uInt)payload.size;
    packer->next_out = room;
    packer->avail_out = (uInt)payload.size;
    int result = deflate(packer, Z_SYNC_FLUSH);
    if (result != Z_OK || packer->avail_in > 0 || packer->avail_out == 0)
        return STATUS_TOO_BIG;
    size_t size = payload.size - packer->avail_out;
    assert(size > sizeof ws_tail && memcmp(room + size - sizeof ws_tail, ws_tail, sizeof ws_tail) == 0);
    size -= sizeof ws_tail;
    out->size += size;
    ws_deflate_remember(both, payload, bytes_of(room, size));
    return STATUS_OK;
}

/* ---- unpacking ---- */

static enum status ws_unpacker_ready(struct ws_deflate *both) {
    if (both->has_unpacker) {
        inflateReset(&both->unpacker);
        return STATUS_OK;
    }
    both->unpacker = ws_stream(both);
    if (inflateInit2(&both->unpacker, -WS_DEFLATE_BITS_MAX) != Z_OK)
        return STATUS_NO_MEMORY;
    both->has_unpacker = true;
    return STATUS_OK;
}

/* Goes on behind a block marked as final: what follows may refer to what came before it. */
static enum status ws_unpacker_go_on(z_stream *unpacker, struct bytes before) {
    size_t size = before.size < (1U << WS_DEFLATE_BITS_MAX) ? before.size : 1U << WS_DEFLATE_BITS_MAX;
    inflateReset(unpacker);
    if (size == 0)
        return STATUS_OK;
    int result = inflateSetDictionary(unpacker, before.data + before.size - size, (uInt)size);
    return result == Z_OK ? STATUS_OK : STATUS_NO_MEMORY;
}

/* `finals`  blocks marked as final so far
 * `whole`   whether the last block was complete */
static enum status ws_unpack_part(z_stream *unpacker, struct bytes part, size_t size_max, struct bytes_writer *out,
                                  unsigned *finals, bool *whole) {
    unpacker->next_in = (Bytef *)(uintptr_t)part.data;
    unpacker->avail_in = (uInt)part.size;
    do {
        size_t left = size_max + 1 - out->size;
        size_t step = left < WS_UNPACK_STEP ? left : WS_UNPACK_STEP;
        unpacker->next_out = bytes_writer_reserve(out, step);
        if (unpacker->next_out == NULL)
            return out->status;
        unpacker->avail_out = (uInt)step;
        int result = inflate(unpacker, Z_SYNC_FLUSH);
        out->size += step - unpacker->avail_out;
        *whole = result == Z_STREAM_END ? false : (unpacker->data_type & 128) != 0;
        if (out->size > size_max)
            return STATUS_TOO_BIG;
        if (result == Z_MEM_ERROR)
            return STATUS_NO_MEMORY;
        if (result != Z_OK && result != Z_BUF_ERROR && result != Z_STREAM_END)
            return STATUS_MALFORMED;
        if (result != Z_STREAM_END)
            continue;
        if (++*finals > WS_UNPACK_FINALS_MAX)
            return STATUS_MALFORMED;
        enum status status = ws_unpacker_go_on(unpacker, bytes_written(out));
        if (status != STATUS_OK)
            return status;
    } while (unpacker->avail_in > 0 || unpacker->avail_out == 0);
    return STATUS_OK;
}

enum status ws_deflate_unpack(struct ws_deflate *both, struct bytes packed, size_t size_max, struct bytes_writer *out) {
    unsigned finals = 0;
    bool whole = false;
    assert(out->size == 0 && packed.size <= UINT_MAX);
    enum status status = ws_unpacker_ready(both);
    if (status == STATUS_OK && packed.size > 0)
        status = ws_unpack_part(&both->unpacker, packed, size_max, out, &finals, &whole);
    if (status == STATUS_OK)
        status = ws_unpack_part(&both->unpacker, bytes_of(ws_tail, sizeof ws_tail), size_max, out, &finals, &whole);
    if (status == STATUS_OK && !whole)
        return STATUS_MALFORMED;
    return status;
}
