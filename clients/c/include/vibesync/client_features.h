/* client_features.h — the calls of the features, typed: one line instead of begin, write, end.
 *
 *     client_chat_send(client, &message_id, bytes_text("hello"), on_sent, context);
 *
 * Each queues one request; `handler` gets the reply as in client.h and reads its result with the named _read function of the
 * feature. Errors as client_call_end. */
#ifndef VIBESYNC_CLIENT_FEATURES_H
#define VIBESYNC_CLIENT_FEATURES_H

#include "features/activity/activity_wire.h"
#include "features/chat/chat_wire.h"
#include "features/doors/doors_wire.h"
#include "features/files/files_wire.h"
#include "vibesync/client.h"

/* Result: file_result_read; for the list: file_page_read. `after`: data NULL from the start. */
enum status client_file_create(struct client *client, struct bytes path, client_reply_handler *handler, void *context);
enum status client_file_rename(struct client *client, const struct uuid *file, struct bytes path, client_reply_handler *handler,
                               void *context);
enum status client_file_delete(struct client *client, const struct uuid *file, client_reply_handler *handler, void *context);
enum status client_file_list(struct client *client, struct bytes after, uint64_t limit, client_reply_handler *handler,
                             void *context);

/* `message`: made by the sender; sending again with the same one is harmless. Result: chat_message_read. */
enum status client_chat_send(struct client *client, const struct uuid *message, struct bytes text, client_reply_handler *handler,
                             void *context);

/* `before`: only older ones than this seq, 0: the newest. Result: chat_page_read. */
enum status client_chat_history(struct client *client, uint64_t before, uint64_t limit, client_reply_handler *handler,
                                void *context);

/* `before`: only older ones than this entry, nil: the newest. Result: activity_page_read. */
enum status client_activity_list(struct client *client, const struct uuid *before, uint64_t limit, client_reply_handler *handler,
                                 void *context);

/* Results: none, doors_token_read, doors_revoked_read. */
enum status client_doors_allow(struct client *client, bool tokens, client_reply_handler *handler, void *context);
enum status client_doors_token(struct client *client, client_reply_handler *handler, void *context);
enum status client_doors_revoke(struct client *client, client_reply_handler *handler, void *context);

#endif
