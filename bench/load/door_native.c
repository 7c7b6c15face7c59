/* door_native.c — vibesync.v1: a session per room over HTTP, a guest per connection, join, open, sync.
 *
 *   POST /v1/sessions, /v1/join   before anything else, one after the other on one connection
 *   session.join ──▶ [file.create, the room's first] ──▶ doc.open ──▶ [6, doc, 00], session.participants ──▶ its answer: live
 *
 * The server answers in order, so the answer to the last request says that the whole state is there. */
#include "load.h"

#include "features/files/files_wire.h"
#include "wire/doc_wire.h"
#include "wire/http.h"
#include "wire/json_body.h"
#include "wire/session_wire.h"
#include "wire/sync.h"
#include "wire/upgrade.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

enum { STEP_JOIN = 1, STEP_CREATE = 2, STEP_OPEN = 3, STEP_SYNC = 4, MESSAGE_BYTES_MAX = 1 << 28 };

/* ---- rooms ---- */

static int native_dial(const struct load *load) {
    const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
    struct addrinfo *address = NULL;
    if (getaddrinfo(load->host, load->port, &hints, &address) != 0)
        load_die("there is no %s", load->host);
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, address->ai_addr, address->ai_addrlen) != 0)
        load_die("no server answers at %s: %s", load->authority, strerror(errno));
    freeaddrinfo(address);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
    return fd;
}

/* One request and its answer; the answer's JSON, to be destroyed by the caller. */
static struct json_body *native_post(const struct load *load, int fd, struct http_reader *reader, const char *path,
                                     const char *bearer, struct bytes body) {
    char authorization[LOAD_TOKEN_MAX + 16];
    uint8_t buffer[8192];
    struct bytes_writer request;
    struct http_fault fault = { 0 };
    struct json_body *answer = NULL;
    size_t used = 0;
    snprintf(authorization, sizeof authorization, "Bearer %s", bearer == NULL ? "" : bearer);
    const struct http_header header = { bytes_text("Authorization"), bytes_text(authorization) };
    bytes_writer_init(&request, &mem_default, 16384);
    http_request_write(&request, "POST", bytes_text(path), bytes_text(load->authority), "application/json", &header, bearer != NULL,
                       body);
    if (send(fd, request.data, request.size, MSG_NOSIGNAL) != (ssize_t)request.size)
        load_die("%s: %s", path, strerror(errno));
    bytes_writer_finish(&request);
    http_reader_reset(reader);
    for (enum status status = STATUS_MORE; status != STATUS_OK;) {
        ssize_t got = recv(fd, buffer, sizeof buffer, 0);
        if (got <= 0)
            load_die("%s: the server hung up", path);
        status = http_reader_feed(reader, bytes_of(buffer, (size_t)got), &used, &fault);
        if (status != STATUS_OK && status != STATUS_MORE)
            load_die("%s: that was no HTTP answer", path);
    }
    const struct http_message *message = http_reader_message(reader);
    if (message->status / 100 != 2 || json_body_parse(message->body, &answer) != STATUS_OK)
        load_die("%s: %u %.*s", path, message->status, (int)message->body.size, (const char *)message->body.data);
    return answer;
}

static void native_text(const struct json_body *body, const char *key, char *out, size_t size) {
    struct bytes text;
    if (json_body_text(body, key, size - 1, &text) != STATUS_OK)
        load_die("the server's answer has no \"%s\"", key);
    memcpy(out, text.data, text.size);
    out[text.size] = '\0';
}

static void native_make_guest(struct load *load, int fd, struct http_reader *reader, struct peer *peer) {
    char body[256];
    int size = snprintf(body, sizeof body, "{\"code\":\"%s\",\"name\":\"load %u\"}", load->rooms[peer->room].name, peer->index);
    struct json_body *answer = native_post(load, fd, reader, "/v1/join", NULL, bytes_of(body, (size_t)size));
    native_text(answer, "token", peer->token, sizeof peer->token);
    json_body_destroy(answer);
}

void native_prepare(struct load *load) {
    static const struct http_limits limits = { .head_bytes_max = 16384, .headers_max = HTTP_HEADERS_MAX, .body_bytes_max = 65536 };
    struct http_reader *reader = load_must(http_reader_create(&mem_default, HTTP_READ_RESPONSES, &limits));
    const struct scenario *scenario = &load->scenario;
    int fd = native_dial(load);
    for (size_t i = 0; i < scenario->rooms; i++) {
        struct room *room = &load->rooms[i];
        char body[256], id[UUID_TEXT_SIZE + 1];
        int size = snprintf(body, sizeof body, "{\"name\":\"load %zu\",\"owner\":\"load\",\"max_participants\":%llu}", i,
                            (unsigned long long)scenario->connections + scenario->joins + 2);
        struct json_body *answer = native_post(load, fd, reader, "/v1/sessions", load->admin_token, bytes_of(body, (size_t)size));
        native_text(answer, "session", id, sizeof id);
        native_text(answer, "code", room->name, sizeof room->name);
        native_text(answer, "token", room->owner_token, sizeof room->owner_token);
        json_body_destroy(answer);
        if (!uuid_parse(bytes_text(id), &room->session))
            load_die("the server's session has no UUID");
    }
    for (size_t i = 0; i < load->peer_count + load->joiner_count; i++) {
        struct peer *peer = &load->peers[i];
        if (scenario->guests)
            native_make_guest(load, fd, reader, peer);
        else
            memcpy(peer->token, load->rooms[peer->room].owner_token, sizeof peer->token);
    }
    http_reader_destroy(reader);
    close(fd);
}

/* ---- entering ---- */

void native_write_session(const struct peer *peer, struct bytes_writer *out) {
    char id[UUID_TEXT_SIZE + 1];
    uuid_format(&peer->load->rooms[peer->room].session, id);
    bytes_write(out, bytes_text(id));
}

static void native_target(const struct peer *peer, struct bytes_writer *out) {
    bytes_write(out, bytes_text("/v1/sessions/"));
    native_write_session(peer, out);
    bytes_write(out, bytes_text("/ws"));
}

static struct bytes_writer native_writer(void) {
    struct bytes_writer writer;
    bytes_writer_init(&writer, &mem_default, MESSAGE_BYTES_MAX);
    return writer;
}

static void native_send(struct peer *peer, struct bytes_writer *values) {
    if (values->status != STATUS_OK)
        load_die("out of memory");
    peer_send(peer, bytes_written(values));
    bytes_writer_finish(values);
}

static void native_opened(struct peer *peer) {
    struct bytes_writer values = native_writer();
    struct wire_join join = { .client = bytes_text("vibesync-load"),
                              .version = bytes_text(""),
                              .protocol = WIRE_PROTOCOL_VERSION,
                              .credential = bytes_text(peer->token) };
    wire_request_begin(&values, STEP_JOIN, "session.join");
    wire_join_write(&values, &join);
    peer->step = STEP_JOIN;
    native_send(peer, &values);
}

static void native_create(struct peer *peer) {
    struct bytes_writer values = native_writer();
    struct file_request request = { .path = bytes_text(NATIVE_PATH) };
    wire_request_begin(&values, STEP_CREATE, "file.create");
    file_create_write(&values, &request);
    peer->step = STEP_CREATE;
    native_send(peer, &values);
}

static void native_open(struct peer *peer) {
    struct bytes_writer values = native_writer();
    struct wire_doc_open open = { .path = bytes_text(NATIVE_PATH) };
    open.client_id =
        peer->joiner ? peer->load->client_base + (uint64_t)(peer - peer->load->peers) : peer->load->client_base + peer->index;
    wire_request_begin(&values, STEP_OPEN, "doc.open");
    wire_doc_open_write(&values, &open);
    peer->step = STEP_OPEN;
    native_send(peer, &values);
}

static void native_sync(struct peer *peer, struct bytes result) {
    struct wire_doc_opened opened;
    struct pack_fields fields = wire_doc_opened_read(result, &opened);
    if (fields.status != STATUS_OK)
        load_die("the answer to doc.open makes no sense");
    peer->doc = opened.doc;
    struct bytes_writer values = native_writer();
    wire_sync_write(&values, WIRE_STATE_VECTOR, peer->doc, bytes_of("\0", 1));
    wire_request_begin(&values, STEP_SYNC, "session.participants");
    wire_page_write(&values, &(struct wire_page){ .limit = 1 });
    peer->step = STEP_SYNC;
    native_send(peer, &values);
}

static void native_answer(struct peer *peer, const struct wire_value *value) {
    if (value->failed) {
        struct wire_fault fault = { 0 };
        wire_fault_read(value->error, &fault);
        load_die("request %u was refused: %.*s", value->msgid, (int)strnlen(fault.message, sizeof fault.message), fault.message);
    }
    switch (value->msgid) {
    case STEP_JOIN:
        if (peer->load->rooms[peer->room].opened)
            native_open(peer);
        else
            native_create(peer);
        break;
    case STEP_CREATE:
        native_open(peer);
        break;
    case STEP_OPEN:
        native_sync(peer, value->result);
        break;
    case STEP_SYNC:
        peer_enter(peer);
        break;
    default:
        break;
    }
}

static void native_message(struct peer *peer, struct bytes message) {
    struct wire_reader reader = wire_reader(message, NULL);
    struct wire_value value;
    while (wire_next(&reader, &value) == STATUS_OK) {
        switch (value.kind) {
        case WIRE_RESPONSE:
            native_answer(peer, &value);
            break;
        case WIRE_UPDATE:
            if (value.doc != peer->doc)
                break;
            peer_on_update(peer, value.payload);
            break;
        case WIRE_AWARENESS:
            peer_on_awareness(peer, value.payload);
            break;
        case WIRE_ACK:
            if (value.doc == peer->doc)
                peer_on_ack(peer, value.count);
            break;
        case WIRE_NOTIFICATION:
            if (bytes_equal_text(value.method, "doc.rejected") || bytes_equal_text(value.method, "doc.gone"))
                load_die("the server said %.*s", (int)value.method.size, (const char *)value.method.data);
            break;
        default:
            break;
        }
    }
}

static void native_write_update(const struct peer *peer, struct bytes update, struct bytes_writer *out) {
    wire_sync_write(out, WIRE_UPDATE, peer->doc, update);
}

static void native_write_awareness(const struct peer *peer, struct bytes update, struct bytes_writer *out) {
    wire_sync_write(out, WIRE_AWARENESS, peer->doc, update);
}

const struct door door_native = { "native",
                                  WIRE_SUBPROTOCOL,
                                  true,
                                  true,
                                  native_prepare,
                                  native_target,
                                  native_opened,
                                  native_message,
                                  native_write_update,
                                  native_write_awareness };
