/* squeeze.c — the only file that includes <zstd.h>. Level 3: about 300 MB/s, and updates shrink to a third or better. */
#include "squeeze.h"

#include <zstd.h>

enum { SQUEEZE_LEVEL = 3 };

enum status squeeze(struct bytes bytes, struct bytes_writer *out) {
    size_t bound = ZSTD_compressBound(bytes.size);
    uint8_t *room = bytes_writer_reserve(out, bound);
    if (room == NULL)
        return out->status;
    ZSTD_CCtx *zstd = ZSTD_createCCtx();
    if (zstd == NULL)
        return STATUS_NO_MEMORY;
    ZSTD_CCtx_setParameter(zstd, ZSTD_c_compressionLevel, SQUEEZE_LEVEL);
    ZSTD_CCtx_setParameter(zstd, ZSTD_c_checksumFlag, 1);
    size_t size = ZSTD_compress2(zstd, room, bound, bytes.data, bytes.size);
    ZSTD_freeCCtx(zstd);
    if (ZSTD_isError(size))
        return STATUS_NO_MEMORY; /* the only reason left: the room is large enough */
    out->size += size;
    return STATUS_OK;
}

enum status unsqueeze(struct bytes squeezed, struct bytes_writer *out) {
    unsigned long long size = ZSTD_getFrameContentSize(squeezed.data, squeezed.size);
    if (size == ZSTD_CONTENTSIZE_UNKNOWN || size == ZSTD_CONTENTSIZE_ERROR ||
        ZSTD_findFrameCompressedSize(squeezed.data, squeezed.size) != squeezed.size)
        return STATUS_DAMAGED;
    if (size > out->size_max - out->size)
        return STATUS_TOO_BIG;
    uint8_t *room = bytes_writer_reserve(out, (size_t)size);
    if (room == NULL)
        return out->status;
    if (ZSTD_decompress(room, (size_t)size, squeezed.data, squeezed.size) != size)
        return STATUS_DAMAGED;
    out->size += (size_t)size;
    return STATUS_OK;
}
