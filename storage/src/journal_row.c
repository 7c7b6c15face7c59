/* journal_row.c — the payload of a journal row; its byte table is in documents.h.
 *
 * Written entry by entry into a bytes_writer, sealed once, read only after the whole of it was checked. */
#include "digest.h"
#include "ground/varint.h"
#include "store/documents.h"

#include <assert.h>

void journal_row_write(struct bytes_writer *writer, const struct journal_entry *entry) {
    assert(entry->at_ms <= VARINT_MAX && entry->origin <= VARINT_MAX);
    if (writer->size == 0) {
        bytes_write_u8(writer, JOURNAL_ROW_VERSION);
        bytes_write_u64(writer, 0);
    }
    bytes_write(writer, bytes_of(entry->author.bytes, sizeof entry->author.bytes));
    bytes_write_u8(writer, entry->flags);
    varint_write(writer, entry->at_ms);
    varint_write(writer, entry->origin);
    varint_write_view(writer, entry->update);
}

void journal_row_seal(struct bytes_writer *writer) {
    assert(writer->size >= JOURNAL_ROW_HEADER && writer->status == STATUS_OK);
    uint64_t digest = digest_64(bytes_of(writer->data + JOURNAL_ROW_HEADER, writer->size - JOURNAL_ROW_HEADER));
    for (unsigned i = 0; i < 8; i++)
        writer->data[1 + i] = (uint8_t)(digest >> (56 - 8 * i));
}

static enum status journal_row_read(struct bytes_reader *reader, struct journal_entry *out) {
    struct bytes author;
    enum status status = bytes_read_view(reader, sizeof out->author.bytes, &author);
    if (status == STATUS_OK)
        status = bytes_read_u8(reader, &out->flags);
    if (status == STATUS_OK)
        status = varint_read(reader, &out->at_ms);
    if (status == STATUS_OK)
        status = varint_read(reader, &out->origin);
    if (status == STATUS_OK)
        status = varint_read_view(reader, &out->update);
    if (status == STATUS_OK)
        memcpy(out->author.bytes, author.data, author.size);
    return status;
}

enum status journal_row_open(struct bytes payload, struct journal_row_reader *out) {
    struct bytes_reader reader = bytes_reader(payload);
    uint8_t version;
    uint64_t digest;
    if (bytes_read_u8(&reader, &version) != STATUS_OK || version != JOURNAL_ROW_VERSION ||
        bytes_read_u64(&reader, &digest) != STATUS_OK || digest != digest_64(bytes_of(reader.at, bytes_left(&reader))))
        return STATUS_DAMAGED;
    struct bytes_reader walk = reader;
    struct journal_entry entry;
    while (bytes_left(&walk) > 0)
        if (journal_row_read(&walk, &entry) != STATUS_OK)
            return STATUS_DAMAGED;
    out->reader = reader;
    return STATUS_OK;
}

bool journal_row_next(struct journal_row_reader *reader, struct journal_entry *out) {
    return bytes_left(&reader->reader) > 0 && journal_row_read(&reader->reader, out) == STATUS_OK;
}
