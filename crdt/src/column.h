/* column.h — the packed streams of update v2: one field of all structs, run by run.
 *
 *   kind        run of one      run of n
 *   uint        varInt +v       varInt -v (-0 for 0), varUint n - 2
 *   diff        varInt 2d       varInt 2d + 1, varUint n - 2          d: difference to the value before, at first 0
 *   byte        value           value, varUint n - 1; the last run has no count and never ends
 *
 * A reader answers STATUS_MALFORMED past the end of its stream; but a byte column's last run is endless, so whoever reads bounds
 * how often. A writer keeps one run open until column_writer_end. */
#ifndef CRDT_SRC_COLUMN_H
#define CRDT_SRC_COLUMN_H

#include "ground/bytes.h"

enum column_kind { COLUMN_UINT, COLUMN_DIFF, COLUMN_BYTE };

struct column_reader {
    struct bytes_reader bytes;
    enum column_kind kind;
    uint64_t value;
    int64_t step;
    uint64_t left; /* of the run */
};

void column_reader_init(struct column_reader *column, enum column_kind kind, struct bytes bytes);
/* STATUS_MALFORMED: past the end, or a value below 0 or above 2^53 - 1. */
enum status column_read(struct column_reader *column, uint64_t *out);

struct column_writer {
    struct bytes_writer bytes;
    enum column_kind kind;
    uint64_t value;
    int64_t step;
    uint64_t count; /* of the open run; 0: none */
};

void column_writer_init(struct column_writer *column, enum column_kind kind, const struct mem *mem, size_t size_max);
void column_writer_finish(struct column_writer *column);
/* Failures stick in column->bytes. value <= 2^53 - 1; COLUMN_BYTE: <= 255. */
void column_write(struct column_writer *column, uint64_t value);
/* Ends the open run; answers the stream, which points into the writer. */
struct bytes column_writer_end(struct column_writer *column);

#endif
