/* One allocation fails, each in turn, in a whole session from the first byte to the last acknowledgement: the client may lose the
 * connection over it, but then it comes back, and in the end everything typed is durable, once. */
#include "client_script_test.h"

#include <criterion/criterion.h>

struct failing {
    size_t left; /* allocations until the one that fails */
    bool fired;
};

static void *failing_resize(void *context, void *old, size_t old_bytes, size_t bytes) {
    struct failing *failing = context;
    if (bytes > old_bytes && failing->left-- == 0) {
        failing->fired = true;
        return NULL;
    }
    return mem_default.resize(mem_default.context, old, old_bytes, bytes);
}

/* An honest server with one document. */
struct server {
    struct crdt_doc *doc;
    struct crdt_type *text;
    uint64_t updates; /* of this opening */
};

static void server_apply(struct server *server, struct bytes update) {
    struct crdt_txn *txn = crdt_txn_begin(server->doc);
    cr_assert_eq(crdt_update_apply(txn, update, NULL), STATUS_OK);
    crdt_txn_commit(txn, NULL, NULL);
}

static void server_open(struct server *server, struct script *script, uint32_t msgid) {
    struct bytes_writer values, vector;
    bytes_writer_init(&vector, &mem_default, 4096);
    bytes_writer_init(&values, &mem_default, 8192);
    cr_assert_eq(crdt_state_vector_encode(server->doc, &vector), STATUS_OK);
    struct wire_doc_opened opened = { .doc = SCRIPT_DOC,
                                      .file = { { 1 } },
                                      .path = bytes_text("a.txt"),
                                      .epoch = 1,
                                      .access = WIRE_ACCESS_WRITE,
                                      .root = bytes_text("text"),
                                      .state_vector = bytes_written(&vector) };
    wire_result_begin(&values, msgid);
    wire_doc_opened_write(&values, &opened);
    script_say(script, &values);
    bytes_writer_finish(&vector);
    server->updates = 0;
}

static void server_hear(struct server *server, struct script *script) {
    struct wire_value value;
    struct bytes_writer diff;
    while (client_action(script->client) == CLIENT_TALK && script_hear(script, &value) == STATUS_OK) {
        switch (value.kind) {
        case WIRE_REQUEST:
            if (bytes_equal_text(value.method, "session.join"))
                script_grant(script, &value);
            else if (bytes_equal_text(value.method, "doc.open"))
                server_open(server, script, value.msgid);
            break;
        case WIRE_UPDATE:
            server_apply(server, value.payload);
            script_say_ack(script, ++server->updates);
            break;
        case WIRE_STATE_VECTOR:
            bytes_writer_init(&diff, &mem_default, 1 << 16);
            cr_assert_eq(crdt_update_encode_diff(server->doc, value.payload, &diff), STATUS_OK);
            script_say_update(script, bytes_written(&diff));
            bytes_writer_finish(&diff);
            break;
        default:
            break;
        }
    }
}

/* Plays until "hello" is durable; false: it never is. */
static bool play(struct script *script, struct server *server) {
    for (int step = 0; step < 100; step++) {
        script_events(script);
        switch (client_action(script->client)) {
        case CLIENT_DIAL:
            client_connected(script->client, script->now_ms);
            if (client_action(script->client) == CLIENT_TALK)
                script_accept(script);
            break;
        case CLIENT_TALK:
            server_hear(server, script);
            if (client_document_length(script->document) == 0)
                (void)client_document_insert(script->document, 0, bytes_text("hello"));
            (void)client_awareness_set(script->client, script->document, bytes_text("{}"), script->now_ms);
            server_hear(server, script);
            if (client_document_state(script->document) == CLIENT_DOCUMENT_LIVE && client_document_length(script->document) > 0 &&
                client_document_saved(script->document))
                return true;
            script_wait(script, 100);
            break;
        case CLIENT_HANG_UP:
            script_listen(script);
            script_break(script);
            break;
        case CLIENT_REST:
            if (script->retry_at_ms == UINT64_MAX)
                return false;
            script_wait(script, script->retry_at_ms > script->now_ms ? script->retry_at_ms - script->now_ms : 1);
            break;
        }
    }
    return false;
}

Test(client_faults, one_failed_allocation_anywhere_costs_a_connection_at_most) {
    for (size_t n = 0; n < 1000; n++) {
        struct failing failing = { .left = n };
        struct mem mem = { failing_resize, &failing };
        struct script script;
        struct server server = { 0 };
        struct crdt_doc_options options = { .client_id = 4711 };
        cr_assert_eq(crdt_doc_create(&options, &server.doc), STATUS_OK);
        cr_assert_eq(crdt_doc_root(server.doc, bytes_text("text"), &server.text), STATUS_OK);

        enum status status = script_create(&script, &mem, "a.txt");

        if (status == STATUS_OK) {
            cr_assert(play(&script, &server), "allocation %zu", n);
            cr_assert_str_eq(script_text(&script), "hello", "allocation %zu", n);
            cr_assert_eq(crdt_text_length(server.text), 5, "allocation %zu", n);
        } else {
            cr_assert_eq(status, STATUS_NO_MEMORY);
        }
        script_finish(&script);
        crdt_doc_destroy(server.doc);
        if (!failing.fired)
            return;
    }
    cr_assert_fail("there is no end of allocations");
}
