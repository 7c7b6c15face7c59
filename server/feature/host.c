/* host.c — the features' view of the server. Late replies come in here and find their connection by id. */
#include "feature/host.h"

#include "access/token.h"
#include "config.h"
#include "document/document.h"
#include "feature/dispatch.h"
#include "log.h"
#include "loop/loop.h"
#include "session/session.h"
#include "session/session_token.h"
#include "store/store.h"

#include <assert.h>

enum { PAGE_BYTES_MAX = 16 << 20 }; /* what a connection takes in one message by default */

static struct log_subject host_subject(const struct feature_call *call) {
    return (struct log_subject){
        .session = &call->session_id, .connection = call->connection_id, .request = call->request, .call = call->msgid + 1
    };
}

/* ---- answering ---- */

static struct connection *host_connection(const struct feature_call *call) {
    struct connection *connection = server_connection(call->session->server, call->connection_id);
    return connection != NULL && connection->session == call->session ? connection : NULL;
}

void host_respond(struct feature_call *call, host_write write, const void *result) {
    assert(!call->answered);
    call->answered = true;
    struct connection *connection = host_connection(call);
    if (connection == NULL)
        return;
    struct bytes_writer values = connection_writer();
    wire_result_begin(&values, call->msgid);
    if (write != NULL)
        write(&values, result);
    else
        pack_write_map(&values, 0);
    connection_send_values(connection, &values);
}

void host_fail(struct feature_call *call, const struct wire_fault *fault) {
    assert(!call->answered);
    call->answered = true;
    struct connection *connection = host_connection(call);
    if (connection != NULL)
        connection_send_fault(connection, call->msgid, fault);
}

struct host_page host_page_of(const struct reply *reply, uint64_t limit, host_write_row write_row) {
    struct host_page page = { .count = reply->row_count > limit ? (uint32_t)limit : reply->row_count };
    page.more = reply->row_count > page.count;
    bytes_writer_init(&page.rows, &mem_default, PAGE_BYTES_MAX);
    pack_write_array(&page.rows, page.count);
    for (uint32_t i = 0; i < page.count; i++) {
        struct row row = reply_row(reply, i);
        write_row(&page.rows, &row);
    }
    return page;
}

void host_respond_page(struct feature_call *call, struct host_page *page, host_write write, const void *result) {
    if (page->rows.status == STATUS_OK) {
        host_respond(call, write, result);
    } else {
        struct wire_fault fault = wire_fault(wire_code_of_status(page->rows.status));
        host_fail(call, &fault);
    }
    bytes_writer_finish(&page->rows);
}

enum status host_check(struct feature_call *call, const struct pack_fields *fields) {
    if (fields->status != STATUS_OK)
        call->fault = wire_fault_of_fields(fields);
    return fields->status;
}

/* ---- storing ---- */

struct host_request {
    struct feature_call *call;
    const char *statement;
    host_on_stored on_stored;
    bool once;
};

static void host_on_reply(void *context, const struct reply *reply) {
    struct host_request *request = context;
    struct feature_call *call = request->call;
    call->pending--;
    bool is_lost = reply->status == STATUS_UNAVAILABLE && reply->sqlstate[0] == '\0';
    if (reply->status == STATUS_OK || (request->once && (is_lost || reply->status == STATUS_EXISTS))) {
        request->on_stored(call, reply);
    } else if (!call->answered) {
        struct log_subject subject = host_subject(call);
        log_info(&subject, "call.failed", "statement=%s status=%s sqlstate=%s", request->statement, status_name(reply->status),
                 reply->sqlstate);
        struct wire_fault fault = call->fault.code != WIRE_CODE_COUNT && reply->status != STATUS_UNAVAILABLE
                                      ? call->fault
                                      : wire_fault(wire_code_of_status(reply->status));
        host_fail(call, &fault);
    }
    dispatch_settle(call);
}

static enum status host_submit(const struct host_request *wanted, const struct params *params) {
    struct feature_call *call = wanted->call;
    struct host_request *request = arena_alloc(&call->arena, sizeof *request);
    if (request == NULL)
        return STATUS_NO_MEMORY;
    *request = *wanted;
    enum status status = store_submit(call->session->server->store, NULL, request->statement, params, host_on_reply, request);
    if (status == STATUS_OK)
        call->pending++;
    return status;
}

enum status host_store(struct feature_call *call, const char *statement, const struct params *params, host_on_stored on_stored) {
    return host_submit(&(struct host_request){ .call = call, .statement = statement, .on_stored = on_stored }, params);
}

enum status host_store_once(struct feature_call *call, const char *statement, const struct params *params,
                            host_on_stored on_stored) {
    return host_submit(&(struct host_request){ .call = call, .statement = statement, .on_stored = on_stored, .once = true },
                       params);
}

static void host_on_quiet_reply(void *context, const struct reply *reply) {
    const char *statement = context;
    if (reply->status != STATUS_OK)
        log_warn(NULL, "statement.failed", "statement=%s status=%s error=\"%s\"", statement, status_name(reply->status),
                 reply->error);
}

enum status host_store_quietly(struct feature_session *session, const char *statement, const struct params *params) {
    union {
        const char *in;
        void *out;
    } name = { .in = statement }; /* a literal, only read again */
    return store_submit(session->session->server->store, NULL, statement, params, host_on_quiet_reply, name.out);
}

/* ---- telling ---- */

void host_broadcast(struct feature_call *call, const char *method, host_write write, const void *message) {
    struct bytes_writer values = connection_writer();
    wire_notification_begin(&values, method);
    write(&values, message);
    struct frame *frame = values.status == STATUS_OK ? frame_of_values(bytes_written(&values)) : NULL;
    bytes_writer_finish(&values);
    if (frame == NULL) {
        struct log_subject subject = host_subject(call);
        log_error(&subject, "broadcast.lost", "method=%s", method);
        return;
    }
    session_broadcast(call->session, frame, NULL);
    frame_release(frame);
}

struct uuid host_new_id(const struct feature_call *call) {
    return server_new_id(call->session->server);
}

char *host_new_token(struct feature_call *call, struct bytes *out_hash) {
    uint8_t random[TOKEN_RANDOM_BYTES];
    char *text = arena_alloc(&call->arena, TOKEN_TEXT_SIZE + 1);
    uint8_t *hash = arena_alloc(&call->arena, TOKEN_HASH_BYTES);
    if (text == NULL || hash == NULL)
        return NULL;
    loop_random(call->session->server->loop, random, sizeof random);
    token_write(random, text);
    token_hash(bytes_text(text), hash);
    *out_hash = bytes_of(hash, TOKEN_HASH_BYTES);
    return text;
}

void host_end_door_tokens(struct feature_call *call, const struct uuid *user) {
    list_each (link, &call->session->connections) {
        struct connection *connection = list_entry(link, struct connection, session_link);
        if (connection->door_token != NULL && (user == NULL || uuid_equal(user, &connection->participant.user)))
            session_token_revoked(connection);
    }
}

void host_file_gone(struct feature_call *call, const struct uuid *file) {
    struct document *document = document_find(call->session, file);
    if (document != NULL)
        document_gone(document, WIRE_GONE_DELETED, 0);
}

/* ---- presence ---- */

/* Half the boot, half the connection's number. */
static struct uuid host_connection_uuid(const struct connection *connection) {
    struct uuid uuid = connection->server->fleet->boot;
    for (int i = 0; i < 8; i++)
        uuid.bytes[8 + i] = (uint8_t)(connection->id >> (56 - 8 * i));
    return uuid;
}

void host_each_presence(struct feature_session *session, void (*visit)(void *context, const struct host_presence *presence),
                        void *context) {
    list_each (link, &session->session->connections) {
        const struct connection *connection = list_entry(link, struct connection, session_link);
        list_each (each, &connection->subscriptions) {
            const struct subscription *subscription = list_entry(each, struct subscription, connection_link);
            const struct room *room = &subscription->document->room;
            struct host_presence presence = {
                .user = connection->participant.user,
                .connection = host_connection_uuid(connection),
                .file = subscription->document->file,
            };
            for (uint32_t i = 0; room->awareness != NULL && presence.state.size == 0 && i < subscription->member.count; i++)
                presence.state = crdt_awareness_state(room->awareness, subscription->member.clients[i]);
            visit(context, &presence);
        }
    }
}

uint64_t host_files_max(const struct feature_call *call) {
    return server_config(call->session->server)->files_max;
}

void host_fail_files_max(struct feature_call *call) {
    struct wire_fault fault = wire_fault_limit("files", host_files_max(call));
    metrics_limited(&call->session->server->metrics, LIMIT_files_max);
    host_fail(call, &fault);
}

uint64_t host_presence_interval_ms(const struct feature_session *session) {
    return server_config(session->session->server)->presence_ms;
}
