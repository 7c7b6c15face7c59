/* doc_wire.h — opening and closing documents. PROTOCOL.md, "Documents".
 *
 *     doc.open      request   wire_doc_open  → wire_doc_opened
 *     doc.close     request   {doc}          → {}
 *     doc.rejected  notice    wire_doc_rejected    an update was refused; nothing of this connection is taken until it reopens
 *     doc.gone      notice    wire_doc_gone        the number is dead: the file was deleted or the document has another epoch
 *
 * The content itself travels in the values of sync.h. */
#ifndef WIRE_DOC_WIRE_H
#define WIRE_DOC_WIRE_H

#include "wire/rpc.h"

enum { WIRE_PATH_BYTES_MAX = 1024, WIRE_ROOT_BYTES_MAX = 256, WIRE_STATE_VECTOR_BYTES_MAX = 1024 * 1024 };

/* doc.*: from, right, rate; ends with name NULL. */
extern const struct wire_method wire_doc_methods[];

/* ---- doc.open {file | path, epoch?, client_id} ---- */

struct wire_doc_open {
    struct uuid file;  /* nil: `path` names the file */
    struct bytes path; /* data NULL: `file` names it */
    bool has_epoch;    /* a replica from an earlier opening is there, of this epoch */
    uint64_t epoch;
    uint64_t client_id; /* the CRDT client id that this connection will write with, above 0; claimed for its user */
};

void wire_doc_open_write(struct bytes_writer *out, const struct wire_doc_open *open);
struct pack_fields wire_doc_open_read(struct bytes params, struct wire_doc_open *out);

enum wire_access { WIRE_ACCESS_READ, WIRE_ACCESS_WRITE };

struct wire_doc_opened {
    uint64_t doc; /* above 0; the same for every connection of the session */
    struct uuid file;
    struct bytes path;
    uint64_t epoch;
    enum wire_access access;
    struct bytes root;         /* name of the root type that holds the text */
    struct bytes state_vector; /* of the server's document: send what it lacks */
};

void wire_doc_opened_write(struct bytes_writer *out, const struct wire_doc_opened *opened);
struct pack_fields wire_doc_opened_read(struct bytes result, struct wire_doc_opened *out);

/* ---- doc.close {doc} ---- */

void wire_doc_close_write(struct bytes_writer *out, uint64_t doc);
struct pack_fields wire_doc_close_read(struct bytes params, uint64_t *out);

/* ---- doc.rejected {doc, n, code, message} ---- */

struct wire_doc_rejected {
    uint64_t doc;
    uint64_t count;      /* which kind 3 since doc.open, from 1, as in acks */
    enum wire_code code; /* WIRE_CODE_COUNT: read, and unknown here */
    struct bytes message;
};

void wire_doc_rejected_write(struct bytes_writer *out, const struct wire_doc_rejected *rejected);
struct pack_fields wire_doc_rejected_read(struct bytes params, struct wire_doc_rejected *out);

/* ---- doc.gone {doc, file, reason, epoch?} ---- */

enum wire_gone {
    WIRE_GONE_DELETED,     /* "deleted": the file was deleted */
    WIRE_GONE_EPOCH,       /* "epoch": the document has a new epoch; open it again to choose */
    WIRE_GONE_DENIED,      /* "denied": the right to read it was taken away */
    WIRE_GONE_QUARANTINED, /* "quarantined": its stored bytes need an operator */
    WIRE_GONE_UNAVAILABLE, /* "unavailable": it had to be put aside; open it again after a pause */
    WIRE_GONE_COUNT
};

struct wire_doc_gone {
    uint64_t doc;
    struct uuid file;
    enum wire_gone reason; /* WIRE_GONE_COUNT: read, and unknown here: treat it as unavailable */
    uint64_t epoch;        /* the new one, for WIRE_GONE_EPOCH; else 0 */
};

void wire_doc_gone_write(struct bytes_writer *out, const struct wire_doc_gone *gone);
struct pack_fields wire_doc_gone_read(struct bytes params, struct wire_doc_gone *out);

#endif
