#include "vibesync/client_features.h"

enum status client_file_create(struct client *client, struct bytes path, client_reply_handler *handler, void *context) {
    struct file_request request = { .path = path };
    file_create_write(client_call_begin(client, "file.create"), &request);
    return client_call_end(client, handler, context);
}

enum status client_file_rename(struct client *client, const struct uuid *file, struct bytes path, client_reply_handler *handler,
                               void *context) {
    struct file_request request = { .id = *file, .path = path };
    file_rename_write(client_call_begin(client, "file.rename"), &request);
    return client_call_end(client, handler, context);
}

enum status client_file_delete(struct client *client, const struct uuid *file, client_reply_handler *handler, void *context) {
    struct file_request request = { .id = *file };
    file_delete_write(client_call_begin(client, "file.delete"), &request);
    return client_call_end(client, handler, context);
}

enum status client_file_list(struct client *client, struct bytes after, uint64_t limit, client_reply_handler *handler,
                             void *context) {
    struct file_list list = { .after = after, .limit = limit };
    file_list_write(client_call_begin(client, "file.list"), &list);
    return client_call_end(client, handler, context);
}

enum status client_chat_send(struct client *client, const struct uuid *message, struct bytes text, client_reply_handler *handler,
                             void *context) {
    struct chat_send send = { .client_msg_id = *message, .text = text };
    chat_send_write(client_call_begin(client, "chat.send"), &send);
    return client_call_end(client, handler, context);
}

enum status client_chat_history(struct client *client, uint64_t before, uint64_t limit, client_reply_handler *handler,
                                void *context) {
    struct chat_history history = { .before = before, .limit = limit };
    chat_history_write(client_call_begin(client, "chat.history"), &history);
    return client_call_end(client, handler, context);
}

enum status client_activity_list(struct client *client, const struct uuid *before, uint64_t limit, client_reply_handler *handler,
                                 void *context) {
    struct activity_list list = { .before = *before, .limit = limit };
    activity_list_write(client_call_begin(client, "activity.list"), &list);
    return client_call_end(client, handler, context);
}

enum status client_doors_allow(struct client *client, bool tokens, client_reply_handler *handler, void *context) {
    doors_allow_write(client_call_begin(client, "doors.allow"), tokens);
    return client_call_end(client, handler, context);
}

enum status client_doors_token(struct client *client, client_reply_handler *handler, void *context) {
    pack_write_map(client_call_begin(client, "doors.token"), 0);
    return client_call_end(client, handler, context);
}

enum status client_doors_revoke(struct client *client, client_reply_handler *handler, void *context) {
    pack_write_map(client_call_begin(client, "doors.revoke"), 0);
    return client_call_end(client, handler, context);
}
