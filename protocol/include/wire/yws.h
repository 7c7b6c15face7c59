/* yws.h — the messages of the two compatibility doors: y-websocket's, and the same behind a document's name, Hocuspocus'.
 *
 *     00 00 n sv        sync step 1: my state vector; answer with what I miss        n: varUint, bytes that follow
 *     00 01 n update    sync step 2: what you miss
 *     00 02 n update    an update
 *     01 n awareness    awareness update of y-protocols
 *     02 00 n reason    y-websocket: permission denied; Hocuspocus: see hocuspocus.h
 *     03                asks for all awareness states
 *
 *     00 02 02 00 00    the empty Yjs update 00 00
 *
 * One message is one WebSocket message: the provider of y-websocket 1.5 reads no more. */
#ifndef WIRE_YWS_H
#define WIRE_YWS_H

#include "ground/bytes.h"

enum yws_kind {
    YWS_STEP_1,
    YWS_STEP_2,
    YWS_UPDATE,
    YWS_AWARENESS,
    YWS_AUTH, /* the payload is all behind its type */
    YWS_QUERY_AWARENESS,
    YWS_OTHER /* of an application's own, or Hocuspocus': the payload is all behind `type` */
};

struct yws_message {
    enum yws_kind kind;
    uint64_t type; /* as it stands there */
    struct bytes payload;
};

/* Reads a whole message; the payload points into it. STATUS_MALFORMED: cut off, bytes behind its end, or an unknown sync step. */
enum status yws_read(struct bytes message, struct yws_message *out);

/* What stands in front of a payload, of the kinds up to YWS_AWARENESS. Answers the bytes written. */
enum { YWS_HEAD_MAX = 2 + 5 };
size_t yws_head(uint8_t out[YWS_HEAD_MAX], enum yws_kind kind, size_t payload_size);

/* Append whole messages. */
void yws_write(struct bytes_writer *out, enum yws_kind kind, struct bytes payload);
void yws_denied_write(struct bytes_writer *out, struct bytes reason);

#endif
