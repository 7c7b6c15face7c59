/* dialect.h — what a connection speaks: the one face of the native protocol and of the compatibility doors.
 *
 *   DIALECT_NATIVE      /v1/sessions/{session}/ws   native.c       all files of a session, everything that there is
 *   DIALECT_YWS         /y/{session}/{path}         yws.c          one file: y-websocket's providers
 *   DIALECT_HOCUSPOCUS  /hocuspocus/{session}       hocuspocus.c   several files: Hocuspocus' providers
 *
 * Below, everything is the same for all: sessions, documents, rights, deliveries, durability. A dialect reads the messages of its
 * connection and calls; and it is told, by the functions here, what it must put into words of its own. */
#ifndef SERVER_DIALECT_H
#define SERVER_DIALECT_H

#include "wire/doc_wire.h"
#include "wire/fault.h"

struct connection;
struct document;
struct subscription;

enum dialect_kind {
    DIALECT_NATIVE,
    DIALECT_YWS,
    DIALECT_HOCUSPOCUS,
    DIALECT_COUNT,
    DIALECT_SHARING = DIALECT_HOCUSPOCUS, /* in those before it all readers of a document get the same bytes */
};

struct dialect {
    enum dialect_kind kind;

    /* The connection is there and nothing was read: connection_begin_reading(), now or by and by. */
    void (*opened)(struct connection *connection);

    /* One whole binary message. */
    void (*message)(struct connection *connection, struct bytes message);

    /* The connection has joined, or is refused and to be closed with `close_code`. `request`: as session_join_begin() got it. */
    void (*joined)(struct connection *connection, uint32_t request, uint64_t files_count);
    void (*refused)(struct connection *connection, uint32_t request, const struct wire_fault *fault, uint16_t close_code);

    /* A document was opened; its awareness is sent behind this. Or it was not. `request`: as document_open() got it. */
    void (*doc_opened)(struct subscription *subscription, uint32_t request, struct bytes path, struct bytes state_vector);
    /* All was said about the opened document: messages for it may be read. NULL: it makes no difference. */
    void (*doc_ready)(struct connection *connection);
    void (*doc_refused)(struct connection *connection, uint32_t request, const struct wire_fault *fault);

    /* An update of this subscription was refused, and all behind it will be. */
    void (*rejected)(struct subscription *subscription, enum wire_code code, const char *message);

    /* The document ends; so does the subscription, right after. */
    void (*gone)(struct subscription *subscription, const struct wire_doc_gone *gone);

    /* The subscription's first `acked` updates are durable, and its last word was `ack_said`. False: the connection ended
     * meanwhile. NULL: this dialect has no word for it. */
    bool (*ack)(struct subscription *subscription);

    /* The connection was silent for ping_ms. */
    void (*ping)(struct connection *connection);

    /* The connection is freed. NULL: the dialect keeps nothing. */
    void (*closed)(struct connection *connection);
};

const struct dialect *dialect_of(enum dialect_kind kind);

#endif
