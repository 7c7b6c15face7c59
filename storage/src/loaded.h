/* loaded.h — the rows that the statement document_read answers, as load and checkpoint read them. */
#ifndef STORE_LOADED_H
#define STORE_LOADED_H

#include "store/desk.h"

/* Columns of document_read: first one row of the file and its checkpoint, then one per journal row. */
enum {
    READ_KIND, /* 0: file and checkpoint; 1: journal row */
    READ_SESSION,
    READ_EPOCH,
    READ_FILE_VERSION, /* what the file says of its checkpoint */
    READ_VERSION,      /* what the checkpoint says; NULL: there is none */
    READ_FORMAT,
    READ_BYTES, /* state, or updates */
    READ_VECTOR,
    READ_XXH3,
    READ_ROOT,
    READ_PATH,
    READ_BINARY,
    READ_QUARANTINE, /* its reason; NULL: none */
    READ_WRITER,
    READ_SEQ,
    READ_IN_HISTORY, /* a journal row that was sent again after a checkpoint had moved it */
    READ_COLUMNS
};

enum { LOADED_REASON = 256 };

/* Reads and checks an answer. `version_known`: the state of that version was not asked for. On STATUS_OK `out` views the reply.
 * `how`: a set of LOAD_…. STATUS_NOT_FOUND, STATUS_DAMAGED with the reason, or the reply's own failure. */
enum status loaded_document_read(const struct reply *reply, int64_t version_known, unsigned how, struct loaded_document *out,
                                 char reason[LOADED_REASON]);

#endif
