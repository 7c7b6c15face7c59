/* trace_file.h — the recorded editing sessions of tests/data/traces, unpacked.
 *
 *   NAME.ylog.zst    "YLOG", version 1, updates, agents; per update: agent, size, bytes
 *   NAME.trace.zst   "TRSQ", version 1, patches; per patch: position, deleted units, inserted bytes, those bytes
 * All numbers are 32 bits, little-endian. */
#ifndef TESTS_TRACE_FILE_H
#define TESTS_TRACE_FILE_H

#include "ground/bytes.h"

/* Reads and unpacks DIRECTORY/NAME.SUFFIX.zst; ends the program with a message if that fails. The caller frees data with free(). */
struct bytes trace_file_load(const char *directory, const char *name, const char *suffix);
/* The same, of a file by its path. */
struct bytes trace_file_read(const char *path);

/* Positions and lengths in UTF-16 units. */
struct trace_patch {
    uint32_t position;
    uint32_t deleted;
    struct bytes inserted; /* in the file's bytes */
};

/* The patches of a whole NAME.trace; answers how many. Ends the program if it is none. The caller frees them with free(). */
size_t trace_file_patches(struct bytes file, struct trace_patch **out);

uint32_t trace_read_u32(struct bytes_reader *reader);
struct bytes trace_read_view(struct bytes_reader *reader);

#endif
