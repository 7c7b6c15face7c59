/* admin_list.c — the three lists, page by page.
 *
 * A loop's lists are in the order of numbers that only grow: sessions by theirs, connections by theirs, documents by their
 * session's and their own. A cursor LOOP.FIRST.SECOND says behind which entry to go on, and stays good when that one has gone. */
#include "admin/admin.h"

#include "connection/connection.h"
#include "document/document.h"
#include "document/persist.h"
#include "http/round.h"
#include "wire/json_body.h"

#include <stdio.h>

enum {
    ADMIN_LIMIT_DEFAULT = 100,
    ADMIN_LIMIT_MAX = 500,
    ADMIN_ENTRY_BYTES_MAX = 4096, /* names whose every byte is escaped */
    ADMIN_PAGE_BYTES = 49152,     /* the next entry begins a page of its own */
    ADMIN_BYTES_MAX = ADMIN_PAGE_BYTES + ADMIN_ENTRY_BYTES_MAX,
};

struct admin_place {
    unsigned loop;
    uint64_t first, second;
};

struct admin_list {
    struct round round;
    void (*write)(struct admin_list *list, struct server *server);
    bool of_session;
    struct uuid session;
    struct admin_place after, last;
    uint64_t limit, count;
    bool full;
    char page[ADMIN_BYTES_MAX]; /* travels with the question: a writer's memory belongs to one loop as well as to another */
    struct bytes_writer out;
};

static void admin_write_sessions(struct admin_list *list, struct server *server);
static void admin_write_connections(struct admin_list *list, struct server *server);
static void admin_write_documents(struct admin_list *list, struct server *server);

/* Digits at the front of `text`. */
static bool admin_number(struct bytes *text, uint64_t *out) {
    size_t digits = 0;
    uint64_t number = 0;
    for (; digits < text->size && text->data[digits] >= '0' && text->data[digits] <= '9'; digits++)
        number = number * 10 + (uint64_t)(text->data[digits] - '0');
    if (digits == 0 || digits > 18)
        return false;
    *text = bytes_of(text->data + digits, text->size - digits);
    *out = number;
    return true;
}

static bool admin_cursor(struct bytes text, struct admin_place *out) {
    uint64_t numbers[3];
    for (unsigned i = 0; i < 3; i++) {
        if (i > 0 && (text.size == 0 || text.data[0] != '.'))
            return false;
        if (i > 0)
            text = bytes_of(text.data + 1, text.size - 1);
        if (!admin_number(&text, &numbers[i]))
            return false;
    }
    *out = (struct admin_place){ (unsigned)numbers[0], numbers[1], numbers[2] };
    return text.size == 0;
}

/* Reads the query; NULL or what is wrong with it. */
static const char *admin_list_read(struct admin_list *list, struct bytes query) {
    struct bytes session = http_query_find(query, "session"), after = http_query_find(query, "after");
    struct bytes limit = http_query_find(query, "limit");
    list->limit = ADMIN_LIMIT_DEFAULT;
    list->of_session = session.data != NULL;
    if (list->of_session && !uuid_parse(session, &list->session))
        return "session: the id of a session";
    if (after.data != NULL && !admin_cursor(after, &list->after))
        return "after: what \"next\" of another page said";
    if (limit.data != NULL &&
        (!admin_number(&limit, &list->limit) || limit.size > 0 || list->limit == 0 || list->limit > ADMIN_LIMIT_MAX))
        return "limit: a whole number from 1 to 500";
    return NULL;
}

static bool admin_list_visit(struct round *round, struct http_door *door) {
    struct admin_list *list = (struct admin_list *)round;
    if (door->server->index >= list->after.loop)
        list->write(list, door->server);
    return !list->full;
}

static void admin_list_done(struct round *round, struct http_conn *conn) {
    struct admin_list *list = (struct admin_list *)round;
    if (list->full) {
        char next[80];
        snprintf(next, sizeof next, "%u.%llu.%llu", list->last.loop, (unsigned long long)list->last.first,
                 (unsigned long long)list->last.second);
        struct json_writer json = json_write_open(&list->out);
        json_write_string(&json, "next", next);
        json_write_close(&json);
        bytes_write_u8(&list->out, '\n');
    }
    http_conn_answer(conn, 200, "application/x-ndjson", NULL, 0, bytes_written(&list->out));
}

static void admin_list_start(struct http_conn *conn, void (*write)(struct admin_list *list, struct server *server)) {
    if (!admin_allowed(conn))
        return;
    struct admin_list *list = round_create(conn, sizeof *list);
    if (list == NULL)
        return;
    const char *wrong = admin_list_read(list, http_conn_request(conn)->query);
    list->round.visit = admin_list_visit;
    list->round.done = admin_list_done;
    list->write = write;
    list->out = (struct bytes_writer){
        .data = (uint8_t *)list->page, .capacity = sizeof list->page, .size_max = sizeof list->page, .mem = &mem_default
    };
    if (wrong != NULL) {
        http_conn_refuse(conn, WIRE_CODE_INVALID_PARAMS, "%s.", wrong);
        round_drop(&list->round);
        return;
    }
    round_start(&list->round);
}

void admin_sessions(struct http_conn *conn, struct bytes argument) {
    (void)argument;
    admin_list_start(conn, admin_write_sessions);
}

void admin_connections(struct http_conn *conn, struct bytes argument) {
    (void)argument;
    admin_list_start(conn, admin_write_connections);
}

void admin_documents(struct http_conn *conn, struct bytes argument) {
    (void)argument;
    admin_list_start(conn, admin_write_documents);
}

/* ---- entries ---- */

/* Whether the entry is on this page: then it has been begun. */
static bool admin_begin(struct admin_list *list, const struct server *server, uint64_t first, uint64_t second,
                        struct json_writer *out) {
    const struct admin_place *after = &list->after;
    bool behind = server->index > after->loop || first > after->first || (first == after->first && second > after->second);
    if (!behind || list->full)
        return false;
    if (list->count == list->limit || list->out.size > ADMIN_PAGE_BYTES) {
        list->full = true;
        return false;
    }
    list->count++;
    list->last = (struct admin_place){ server->index, first, second };
    *out = json_write_open(&list->out);
    json_write_uint(out, "loop", server->index);
    return true;
}

static void admin_end(struct admin_list *list, struct json_writer *json) {
    json_write_close(json);
    bytes_write_u8(&list->out, '\n');
}

static void admin_put_id(struct json_writer *json, const char *key, const struct uuid *id) {
    char text[UUID_TEXT_SIZE + 1];
    uuid_format(id, text);
    json_write_string(json, key, text);
}

static void admin_write_sessions(struct admin_list *list, struct server *server) {
    list_each (link, &server->session_list) {
        const struct session *session = list_entry(link, struct session, server_link);
        struct json_writer json;
        uint64_t documents = 0;
        if ((list->of_session && !uuid_equal(&session->id, &list->session)) ||
            !admin_begin(list, server, session->number, 0, &json))
            continue;
        list_each (each, &session->documents)
            documents++;
        admin_put_id(&json, "session", &session->id);
        json_write_uint(&json, "connections", session->connection_count);
        json_write_uint(&json, "documents", documents);
        json_write_uint(&json, "documents_bytes", session->documents_bytes);
        admin_end(list, &json);
    }
}

static void admin_write_connections(struct admin_list *list, struct server *server) {
    static const char *const states[] = { "waiting", "joining", "joined", "closing", "doomed" };
    list_each (link, &server->connection_list) {
        const struct connection *connection = list_entry(link, struct connection, server_link);
        const struct participant *who = &connection->participant;
        char id[ADMIN_CONNECTION_ID_BYTES];
        struct json_writer json;
        if (connection->state == CONNECTION_DOOMED || (list->of_session && !uuid_equal(&connection->session_id, &list->session)) ||
            !admin_begin(list, server, connection->id, 0, &json))
            continue;
        admin_connection_id(server->index, connection->id, id);
        json_write_string(&json, "connection", id);
        admin_put_id(&json, "session", &connection->session_id);
        json_write_string(&json, "state", states[connection->state]);
        json_write_string(&json, "peer", socket_peer(connection->socket));
        if (connection->state == CONNECTION_JOINED) {
            admin_put_id(&json, "user", &who->user);
            json_write_string(&json, "name", who->display_name);
            json_write_string(&json, "role", who->role);
        }
        json_write_uint(&json, "documents", connection->subscription_count);
        json_write_uint(&json, "outbox_bytes", connection->outbox.bytes);
        admin_end(list, &json);
    }
}

static void admin_write_documents(struct admin_list *list, struct server *server) {
    static const char *const states[] = { "opening", "open", "closed" };
    list_each (link, &server->session_list) {
        const struct session *session = list_entry(link, struct session, server_link);
        if (list->of_session && !uuid_equal(&session->id, &list->session))
            continue;
        list_each (each, &session->documents) {
            const struct document *document = list_entry(each, struct document, session_link);
            struct json_writer json;
            uint64_t readers = 0;
            if (!admin_begin(list, server, session->number, document->number, &json))
                continue;
            list_each (reader, &document->subscriptions)
                readers++;
            admin_put_id(&json, "document", &document->file);
            admin_put_id(&json, "session", &session->id);
            json_write_string(&json, "state", states[document->state]);
            json_write_uint(&json, "readers", readers);
            json_write_uint(&json, "bytes", document->counted_bytes);
            json_write_bool(&json, "saved", document->state == DOCUMENT_OPEN && persist_saved(document));
            admin_end(list, &json);
        }
    }
}
