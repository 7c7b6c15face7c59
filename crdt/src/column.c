/* column.c — see column.h. */
#include "column.h"

#include "ground/varint.h"

void column_reader_init(struct column_reader *column, enum column_kind kind, struct bytes bytes) {
    *column = (struct column_reader){ .bytes = bytes_reader(bytes), .kind = kind };
}

static enum status column_read_count(struct column_reader *column, uint64_t already) {
    enum status status = varint_read(&column->bytes, &column->left);
    column->left += already;
    return status;
}

static enum status column_next_run(struct column_reader *column) {
    uint8_t byte;
    bool negative;
    uint64_t magnitude;
    if (column->kind == COLUMN_BYTE) {
        if (bytes_read_u8(&column->bytes, &byte) != STATUS_OK)
            return STATUS_MALFORMED;
        column->value = byte;
        column->left = UINT64_MAX; /* the last run has no end */
        return bytes_left(&column->bytes) == 0 ? STATUS_OK : column_read_count(column, 1);
    }
    if (varint_read_signed(&column->bytes, &negative, &magnitude) != STATUS_OK)
        return STATUS_MALFORMED;
    column->left = 1;
    if (column->kind == COLUMN_UINT) {
        column->value = magnitude;
        return negative ? column_read_count(column, 2) : STATUS_OK;
    }
    int64_t coded = negative ? -(int64_t)magnitude : (int64_t)magnitude;
    column->step = (coded - (coded & 1)) / 2;
    return (coded & 1) != 0 ? column_read_count(column, 2) : STATUS_OK;
}

enum status column_read(struct column_reader *column, uint64_t *out) {
    if (column->left == 0 && column_next_run(column) != STATUS_OK)
        return STATUS_MALFORMED;
    column->left--;
    if (column->kind == COLUMN_DIFF) {
        int64_t value = (int64_t)column->value + column->step; /* both are below 2^53 */
        if (value < 0 || value > (int64_t)VARINT_MAX)
            return STATUS_MALFORMED;
        column->value = (uint64_t)value;
    }
    *out = column->value;
    return STATUS_OK;
}

void column_writer_init(struct column_writer *column, enum column_kind kind, const struct mem *mem, size_t size_max) {
    *column = (struct column_writer){ .kind = kind };
    bytes_writer_init(&column->bytes, mem, size_max);
}

void column_writer_finish(struct column_writer *column) {
    bytes_writer_finish(&column->bytes);
}

static void column_end_run(struct column_writer *column, bool last) {
    struct bytes_writer *bytes = &column->bytes;
    uint64_t count = column->count;
    if (count == 0)
        return;
    column->count = 0;
    switch (column->kind) {
    case COLUMN_BYTE:
        bytes_write_u8(bytes, (uint8_t)column->value);
        if (!last)
            varint_write(bytes, count - 1);
        return;
    case COLUMN_UINT:
        varint_write_signed(bytes, count > 1, column->value);
        break;
    case COLUMN_DIFF: {
        int64_t coded = column->step * 2 + (count > 1);
        if (coded > (int64_t)VARINT_MAX || coded < -(int64_t)VARINT_MAX) {
            bytes->status = bytes->status == STATUS_OK ? STATUS_RANGE : bytes->status;
            return;
        }
        varint_write_signed(bytes, coded < 0, (uint64_t)(coded < 0 ? -coded : coded));
        break;
    }
    }
    if (count > 1)
        varint_write(bytes, count - 2);
}

void column_write(struct column_writer *column, uint64_t value) {
    int64_t step = (int64_t)value - (int64_t)column->value;
    bool goes_on = column->kind == COLUMN_DIFF ? step == column->step : value == column->value;
    if (column->count == 0 || !goes_on) {
        column_end_run(column, false);
        column->step = step;
    }
    column->value = value;
    column->count++;
}

struct bytes column_writer_end(struct column_writer *column) {
    column_end_run(column, true);
    return bytes_written(&column->bytes);
}
