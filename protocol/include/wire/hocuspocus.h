/* hocuspocus.h — Hocuspocus 4: y-websocket's messages (yws.h), each behind the name of its document, and a few more.
 *
 *     name sync|awareness|03           as in yws.h
 *     name 02 00 token [version]       client: my token                         name, token, …: varUint size, UTF-8
 *     name 02 01 reason                server: permission denied
 *     name 02 02 scope                 server: authenticated; "read-write" or "readonly"
 *     name 05 payload                  stateless: told to this peer            06: client: to all who have the document open
 *     name 07 [reason]                 the document is closed, on this connection
 *     name 08 00|01                    server: an update was not taken, or was
 *     09 | 0a                          ping and pong of the connection, without a name
 *
 *     01 61 00 02 02 00 00             the empty Yjs update for the document "a"
 *
 * A name may be composite: `name 00 sessionId`. It comes back as it came, so that several providers of one document share a
 * connection. */
#ifndef WIRE_HOCUSPOCUS_H
#define WIRE_HOCUSPOCUS_H

#include "wire/yws.h"

enum hocuspocus_kind {
    HOCUSPOCUS_SYNC, /* also awareness and the query: `yws` has it */
    HOCUSPOCUS_TOKEN,
    HOCUSPOCUS_STATELESS,
    HOCUSPOCUS_BROADCAST,
    HOCUSPOCUS_CLOSE,
    HOCUSPOCUS_PING,
    HOCUSPOCUS_PONG,
    HOCUSPOCUS_OTHER /* of later versions: to be ignored */
};

enum { HOCUSPOCUS_NAME_MAX = 1024 + 1 + 64, HOCUSPOCUS_TOKEN_MAX = 4096 };

struct hocuspocus_message {
    enum hocuspocus_kind kind;
    struct bytes name;      /* as it came; empty for ping and pong */
    struct bytes document;  /* of it: the document */
    struct yws_message yws; /* HOCUSPOCUS_SYNC */
    struct bytes text;      /* token or payload */
};

/* Reads a whole message; views point into it. STATUS_MALFORMED: cut off, bytes behind its end, text that is not UTF-8;
 * STATUS_TOO_BIG: a name or token longer than the maximum. */
enum status hocuspocus_read(struct bytes message, struct hocuspocus_message *out);

/* Append whole messages. */
void hocuspocus_sync_write(struct bytes_writer *out, struct bytes name, enum yws_kind kind, struct bytes payload);
void hocuspocus_denied_write(struct bytes_writer *out, struct bytes name, struct bytes reason);
void hocuspocus_authenticated_write(struct bytes_writer *out, struct bytes name, bool writable);
void hocuspocus_stateless_write(struct bytes_writer *out, struct bytes name, struct bytes payload);
void hocuspocus_status_write(struct bytes_writer *out, struct bytes name, bool taken);
void hocuspocus_close_write(struct bytes_writer *out, struct bytes name, struct bytes reason);
void hocuspocus_ping_write(struct bytes_writer *out);
void hocuspocus_pong_write(struct bytes_writer *out);

#endif
