/* activity_wire.h — the messages of the feed, for server and clients. PROTOCOL.md, "Activity".
 *
 *     activity.list  request  {before?, limit}  → {entries, next}     newest first */
#ifndef SERVER_FEATURES_ACTIVITY_WIRE_H
#define SERVER_FEATURES_ACTIVITY_WIRE_H

#include "ground/uuid.h"
#include "wire/method.h"
#include "wire/pack.h"

enum { ACTIVITY_PAGE_MAX = 200, ACTIVITY_PAGE_DEFAULT = 50 };

extern const struct wire_method activity_methods[];

struct activity_list {
    struct uuid before; /* only what is older than this entry; nil: the newest */
    uint64_t limit;     /* 1 to ACTIVITY_PAGE_MAX */
};
void activity_list_write(struct bytes_writer *out, const struct activity_list *list);
struct pack_fields activity_list_read(struct bytes params, struct activity_list *out);

struct activity_entry {
    struct uuid id;
    uint64_t at;       /* Unix ms */
    struct uuid user;  /* nil: the server itself, or a user who was deleted */
    struct bytes name; /* display name; data NULL as above */
    struct bytes type; /* "user_joined", "file_created", "message_sent", … */
    struct bytes data; /* JSON text, by type */
};
void activity_entry_write(struct bytes_writer *out, const struct activity_entry *entry);
struct pack_fields activity_entry_read(struct bytes value, struct activity_entry *out);

struct activity_page {
    struct bytes entries; /* encoded array */
    struct uuid next;     /* `before` for the next page; nil: that was all */
};
void activity_page_write(struct bytes_writer *out, const void *page);
struct pack_fields activity_page_read(struct bytes result, struct activity_page *out);

#endif
