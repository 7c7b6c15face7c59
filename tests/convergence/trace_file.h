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

uint32_t trace_read_u32(struct bytes_reader *reader);
struct bytes trace_read_view(struct bytes_reader *reader);

#endif
