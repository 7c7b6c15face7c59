/* rpc.h — the values of one WebSocket message, one after the other, and the writers of MessagePack-RPC.
 *
 *     [0, msgid, method, [params]]      request        both ways
 *     [1, msgid, error, result]         response       both ways
 *     [2, method, [params]]             notification   both ways
 *     3 to 6                            see sync.h
 *
 * A message is one or more values. wire_next() checks one value as a whole before it is delivered, so what came before a malformed
 * value has been handled and the malformed one has had no effect. Arrays of an unknown kind and members behind the known ones are
 * ignored. `params` is an array whose first member is a map; an empty array reads as an empty map. */
#ifndef WIRE_RPC_H
#define WIRE_RPC_H

#include "wire/fault.h"
#include "wire/method.h"

enum wire_kind {
    WIRE_REQUEST = 0,
    WIRE_RESPONSE = 1,
    WIRE_NOTIFICATION = 2,
    WIRE_UPDATE = 3,
    WIRE_ACK = 4,
    WIRE_AWARENESS = 5,
    WIRE_STATE_VECTOR = 6,
    WIRE_KIND_COUNT
};

/* Numbers on the wire: msgids are 32 bits, as MessagePack-RPC has them. Document numbers and counts stay below 2^53. */
struct wire_value {
    enum wire_kind kind;
    uint32_t msgid;       /* REQUEST, RESPONSE */
    struct bytes method;  /* REQUEST, NOTIFICATION: UTF-8, at most WIRE_METHOD_BYTES_MAX */
    struct bytes params;  /* REQUEST, NOTIFICATION: a checked msgpack map, for pack_fields */
    bool failed;          /* RESPONSE: `error` is set, not `result` */
    struct bytes error;   /* RESPONSE: a checked msgpack map, for wire_fault_read */
    struct bytes result;  /* RESPONSE: any one checked msgpack value */
    uint64_t doc;         /* UPDATE, ACK, AWARENESS, STATE_VECTOR */
    uint64_t count;       /* ACK: n */
    struct bytes payload; /* UPDATE, AWARENESS, STATE_VECTOR: the bytes, not looked into */
};

struct wire_reader {
    struct pack_fault fault; /* what was wrong, and its offset in the message, after wire_next failed */
    /* private */
    struct bytes message;
    size_t offset;
    struct pack_limits limits;
};

/* Bounds that fit every method of this protocol; bytes_max is the message's own. */
extern const struct pack_limits wire_limits_default;

/* `message`  one WebSocket message; the values' views point into it
 * `limits`   per value; NULL: wire_limits_default */
struct wire_reader wire_reader(struct bytes message, const struct pack_limits *limits);

/* The next value.
 *
 * STATUS_OK         `out` is set
 * STATUS_MORE       the message is used up
 * STATUS_MALFORMED  the value is not msgpack or not of its kind's shape: reader->fault. Nothing behind it can be read
 * STATUS_TOO_BIG    a limit is passed: reader->fault */
enum status wire_next(struct wire_reader *reader, struct wire_value *out);

/* ---- writing ----
 *
 * Begin, then write exactly one map (params) or one value (result). */
void wire_request_begin(struct bytes_writer *out, uint32_t msgid, const char *method);
void wire_notification_begin(struct bytes_writer *out, const char *method);
void wire_result_begin(struct bytes_writer *out, uint32_t msgid);

/* A whole response that says no. */
void wire_error_write(struct bytes_writer *out, uint32_t msgid, const struct wire_fault *fault);

/* A whole notification `session.fault`, for what no response can carry: a malformed value before the close. */
void wire_fault_notify(struct bytes_writer *out, const struct wire_fault *fault);

#endif
