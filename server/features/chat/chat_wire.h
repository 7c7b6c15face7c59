/* chat_wire.h — the messages of the chat, for server and clients. PROTOCOL.md, "Chat".
 *
 *     chat.send     request   {client_msg_id, text, reply_to?}  → chat_message
 *     chat.history  request   {before?, limit}                  → {messages, more}     newest first
 *     chat.posted   notice    chat_message */
#ifndef SERVER_FEATURES_CHAT_WIRE_H
#define SERVER_FEATURES_CHAT_WIRE_H

#include "ground/uuid.h"
#include "wire/method.h"
#include "wire/pack.h"

enum { CHAT_TEXT_BYTES_MAX = 16384, CHAT_PAGE_MAX = 200, CHAT_PAGE_DEFAULT = 50 };

extern const struct wire_method chat_methods[];

struct chat_send {
    struct uuid client_msg_id; /* made by the sender; sending the same again is harmless */
    struct bytes text;         /* 1 to CHAT_TEXT_BYTES_MAX bytes, no NUL */
    struct uuid reply_to;      /* nil: none */
};
void chat_send_write(struct bytes_writer *out, const struct chat_send *send);
struct pack_fields chat_send_read(struct bytes params, struct chat_send *out);

struct chat_message {
    struct uuid id;
    struct uuid client_msg_id;
    uint64_t seq; /* 1, 2, 3 … in the session */
    uint64_t at;  /* Unix ms */
    struct uuid user;
    struct bytes name; /* the sender's display name */
    struct bytes text;
    struct uuid reply_to; /* nil: none */
};
void chat_message_write(struct bytes_writer *out, const void *message);
struct pack_fields chat_message_read(struct bytes value, struct chat_message *out);

struct chat_history {
    uint64_t before; /* only messages with a smaller seq; 0: the newest */
    uint64_t limit;  /* 1 to CHAT_PAGE_MAX */
};
void chat_history_write(struct bytes_writer *out, const struct chat_history *history);
struct pack_fields chat_history_read(struct bytes params, struct chat_history *out);

struct chat_page {
    struct bytes messages; /* encoded array, newest first */
    bool more;
};
void chat_page_write(struct bytes_writer *out, const void *page);
struct pack_fields chat_page_read(struct bytes result, struct chat_page *out);

#endif
