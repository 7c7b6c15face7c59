/* doors_wire.h — the messages of door tokens, for server and clients. PROTOCOL.md, "Doors".
 *
 *     doors.allow   request   {tokens}   → {}          of the session's owner
 *     doors.token   request   {}         → {token}
 *     doors.revoke  request   {}         → {revoked} */
#ifndef SERVER_FEATURES_DOORS_WIRE_H
#define SERVER_FEATURES_DOORS_WIRE_H

#include "wire/method.h"
#include "wire/pack.h"

extern const struct wire_method doors_methods[];

void doors_allow_write(struct bytes_writer *out, bool tokens);
struct pack_fields doors_allow_read(struct bytes params, bool *out);

/* `token`: a struct bytes */
void doors_token_write(struct bytes_writer *out, const void *token);
struct pack_fields doors_token_read(struct bytes result, struct bytes *out);

/* `revoked`: a uint64_t */
void doors_revoked_write(struct bytes_writer *out, const void *revoked);
struct pack_fields doors_revoked_read(struct bytes result, uint64_t *out);

#endif
