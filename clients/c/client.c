/* client.c — the life of a client: dial, upgrade, join, talk, and again after a loss. Phases are drawn in client_core.h.
 *
 *   transition                     function
 *   WAITING → DIALING              client_tick, when the pause is over
 *   DIALING → UPGRADING            client_connected
 *   UPGRADING → JOINING            client_on_opened: session.join goes out
 *   JOINING → JOINED               client_on_joined: every document is opened
 *   any → WAITING or STOPPED       client_lose
 *   JOINED → LEAVING → STOPPED     client_leave, client_on_closed
 *
 * Nothing is queued for the application: client_next() handles one received value at a time and answers an event when one came of
 * it. Documents collect their events as flags until the message is done, so a burst of updates is one event. */
#include "client_core.h"

#include <assert.h>
#include <stdio.h>

static bool copy_into(struct bytes_writer *writer, const struct mem *mem, struct bytes text, size_t size_max) {
    bytes_writer_init(writer, mem, size_max);
    bytes_write(writer, text);
    return writer->status == STATUS_OK;
}

enum status client_create(const struct client_options *options, struct client **out) {
    const struct mem *mem = options->mem ? options->mem : &mem_default;
    struct client_url url;
    enum status status = client_url_parse(options->url, &url);
    if (status != STATUS_OK)
        return status;
    struct bytes token = options->token.data ? options->token : url.token;
    if (uuid_is_nil(&url.session) || !token.data || token.size == 0 || token.size > WIRE_CREDENTIAL_BYTES_MAX ||
        options->name.size == 0 || options->name.size > WIRE_NAME_BYTES_MAX || options->version.size > WIRE_NAME_BYTES_MAX)
        return STATUS_MALFORMED;
    struct client *client = mem_zalloc(mem, sizeof *client);
    if (!client)
        return STATUS_NO_MEMORY;
    client->mem = mem;
    client->random = options->random;
    client->random_context = options->random_context;
    client->url = url;
    client->url.token = client->url.code = bytes_of(NULL, 0);
    client->now_ms = client->phase_since_ms = client->retry_at_ms = options->now_ms;
    client->phase = PHASE_DIALING;
    client->next_msgid = 1;
    list_init(&client->documents);
    list_init(&client->flagged);
    table_init(&client->by_number, mem);
    line_init(&client->line, mem, options->random, options->random_context);
    bytes_writer_init(&client->scratch, mem, CLIENT_OUT_BYTES_MAX);
    bytes_writer_init(&client->unsent, mem, CLIENT_OUT_BYTES_MAX);
    if (url.secure) {
        struct client_tls *tls;
        status = client_tls_create(mem, url.host, options->ca_file, &tls);
        if (status != STATUS_OK) {
            client_destroy(client);
            return status;
        }
        line_secure(&client->line, tls);
    }
    bool copied = copy_into(&client->token, mem, token, WIRE_CREDENTIAL_BYTES_MAX);
    copied &= copy_into(&client->name, mem, options->name, WIRE_NAME_BYTES_MAX);
    copied &= copy_into(&client->version, mem, options->version, WIRE_NAME_BYTES_MAX);
    if (!copied || presence_init(&client->presence, mem, client_random_u32(client), options->now_ms) != STATUS_OK) {
        client_destroy(client);
        return STATUS_NO_MEMORY;
    }
    *out = client;
    return STATUS_OK;
}

void client_destroy(struct client *client) {
    if (!client)
        return;
    list_each (link, &client->documents) {
        document_free(list_entry(link, struct client_document, link));
    }
    presence_finish(&client->presence);
    line_finish(&client->line);
    table_finish(&client->by_number);
    bytes_writer_finish(&client->scratch);
    bytes_writer_finish(&client->unsent);
    bytes_writer_finish(&client->token);
    bytes_writer_finish(&client->name);
    bytes_writer_finish(&client->version);
    mem_free(client->mem, client, sizeof *client);
}

uint32_t client_random_u32(struct client *client) {
    uint32_t value;
    client->random(client->random_context, &value, sizeof value);
    return value;
}

static void client_enter(struct client *client, enum client_phase phase) {
    client->phase = phase;
    client->phase_since_ms = client->now_ms;
}

/* ---- losing the connection ---- */

static void client_end_reason(struct client *client, uint16_t code, struct bytes reason) {
    size_t size = reason.size < CLIENT_REASON_BYTES_MAX ? reason.size : CLIENT_REASON_BYTES_MAX;
    memmove(client->end_reason, reason.data ? reason.data : (const uint8_t *)"", size);
    client->end_reason[size] = '\0';
    client->end_code = code;
}

void client_lose(struct client *client, enum client_decision decision, uint16_t code, struct bytes reason, uint64_t after_ms) {
    if (client->phase == PHASE_WAITING || client->phase == PHASE_STOPPED)
        return;
    bool stable = client->phase == PHASE_JOINED && client->now_ms - client->phase_since_ms >= CLIENT_STABLE_MS;
    if (client->phase == PHASE_LEAVING)
        decision = CLIENT_GIVE_UP;
    if (stable)
        client->attempts = 0;
    if (decision == CLIENT_GIVE_UP) {
        client_enter(client, PHASE_STOPPED);
    } else {
        uint64_t pause = decision == CLIENT_RETRY_AT_ONCE && client->attempts == 0
                             ? client_jitter(client_random_u32(client))
                             : client_backoff(client->attempts, client_random_u32(client));
        client->attempts++;
        client->retry_at_ms = client->now_ms + (pause > after_ms ? pause : after_ms);
        client_enter(client, PHASE_WAITING);
    }
    client_end_reason(client, code, reason);
    client->tell_ended = true;
    client->tell_joined = false;
    client->reading = false;
    client->pinged_at_ms = 0;
    client->call_open = false;
    list_each (link, &client->documents) {
        document_lost(list_entry(link, struct client_document, link));
    }
    call_fail_all(client);
}

void client_blame(struct client *client, const char *what) {
    if (client->phase == PHASE_WAITING || client->phase == PHASE_STOPPED)
        return;
    char reason[CLIENT_REASON_BYTES_MAX];
    snprintf(reason, sizeof reason, "the server sent %s", what);
    client->line.message_lent = false;
    line_close(&client->line, WIRE_CLOSE_MALFORMED, reason);
    client_lose(client, CLIENT_RETRY_LATER, WIRE_CLOSE_MALFORMED, bytes_text(reason), 0);
}

void client_leave(struct client *client) {
    switch (client->phase) {
    case PHASE_JOINED:
        if (client->owing_count > 0)
            list_each (link, &client->documents) {
                document_settle(list_entry(link, struct client_document, link));
            }
        line_close(&client->line, WIRE_CLOSE_NORMAL, "bye");
        client_enter(client, PHASE_LEAVING);
        break;
    case PHASE_LEAVING:
    case PHASE_STOPPED:
        break;
    case PHASE_WAITING:
        client_enter(client, PHASE_STOPPED);
        client_end_reason(client, WIRE_CLOSE_NORMAL, bytes_text("left"));
        client->tell_ended = true;
        break;
    default:
        client_lose(client, CLIENT_GIVE_UP, WIRE_CLOSE_NORMAL, bytes_text("left"), 0);
    }
}

/* ---- the driver's side ---- */

enum client_action client_action(const struct client *client) {
    switch (client->phase) {
    case PHASE_WAITING:
    case PHASE_STOPPED:
        return client->socket ? CLIENT_HANG_UP : CLIENT_REST;
    case PHASE_DIALING:
        return CLIENT_DIAL;
    default:
        return CLIENT_TALK;
    }
}

const char *client_host(const struct client *client) {
    return client->url.host;
}

uint16_t client_port(const struct client *client) {
    return client->url.port;
}

void client_connected(struct client *client, uint64_t now_ms) {
    client->now_ms = now_ms;
    if (client->phase != PHASE_DIALING)
        return;
    client->socket = true;
    client->heard_at_ms = now_ms;
    client_enter(client, PHASE_UPGRADING);
    if (line_start(&client->line, client->url.authority, &client->url.session) != STATUS_OK)
        client_lose(client, CLIENT_RETRY_LATER, 0, bytes_text("out of memory"), 0);
}

void client_disconnected(struct client *client, uint64_t now_ms) {
    client->now_ms = now_ms;
    client->reading = false;
    client->socket = false;
    if (client->phase == PHASE_LEAVING)
        client_lose(client, CLIENT_GIVE_UP, WIRE_CLOSE_NORMAL, bytes_text("left"), 0);
    else
        client_lose(client, CLIENT_RETRY_LATER, 0,
                    bytes_text(client->phase == PHASE_DIALING     ? "no connection could be made"
                               : client->phase == PHASE_UPGRADING ? "the connection ended before the server answered"
                                                                  : "the connection broke"),
                    0);
    line_reset(&client->line);
}

void client_feed(struct client *client, struct bytes received, uint64_t now_ms) {
    client->now_ms = now_ms;
    if (client_action(client) != CLIENT_TALK)
        return;
    client->heard_at_ms = now_ms;
    client->pinged_at_ms = 0;
    line_feed(&client->line, received);
}

struct bytes client_output(struct client *client) {
    if (client->owing_count > 0)
        list_each (link, &client->documents) {
            document_settle(list_entry(link, struct client_document, link));
        }
    struct bytes output = line_output(&client->line);
    if (line_failed(&client->line) && client_action(client) == CLIENT_TALK) {
        client_lose(client, CLIENT_RETRY_LATER, 0, bytes_text("no memory for what is to be sent"), 0);
        return bytes_of(NULL, 0);
    }
    return output;
}

void client_sent(struct client *client, size_t size) {
    line_sent(&client->line, size);
}

static uint64_t earlier(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

static void client_send_presence(struct client *client) {
    bytes_writer_reset(&client->scratch);
    if (presence_encode_own(&client->presence, &client->scratch) == STATUS_OK) {
        wire_sync_write(line_batch(&client->line), WIRE_AWARENESS, 0, bytes_written(&client->scratch));
        line_batched(&client->line);
    }
}

static void client_tick_joined(struct client *client) {
    uint64_t now_ms = client->now_ms;
    if (client->pinged_at_ms > 0 && now_ms - client->pinged_at_ms >= CLIENT_SILENCE_MS) {
        client_lose(client, CLIENT_RETRY_LATER, 0, bytes_text("the server fell silent"), 0);
        return;
    }
    if (client->pinged_at_ms == 0 && now_ms - client->heard_at_ms >= CLIENT_SILENCE_MS) {
        line_ping(&client->line);
        client->pinged_at_ms = now_ms;
    }
    if (now_ms >= client->presence.renew_at_ms) {
        presence_renew(&client->presence, now_ms);
        client_send_presence(client);
    }
}

void client_tick(struct client *client, uint64_t now_ms) {
    client->now_ms = now_ms;
    switch (client->phase) {
    case PHASE_WAITING:
        if (!client->socket && now_ms >= client->retry_at_ms)
            client_enter(client, PHASE_DIALING);
        break;
    case PHASE_UPGRADING:
    case PHASE_JOINING:
        if (now_ms - client->phase_since_ms >= CLIENT_HANDSHAKE_MS)
            client_lose(client, CLIENT_RETRY_LATER, 0, bytes_text("the server took too long to answer"), 0);
        break;
    case PHASE_JOINED:
        client_tick_joined(client);
        break;
    case PHASE_LEAVING:
        if (now_ms - client->phase_since_ms >= CLIENT_GOODBYE_MS)
            client_lose(client, CLIENT_GIVE_UP, WIRE_CLOSE_NORMAL, bytes_text("left"), 0);
        break;
    default:
        break;
    }
    presence_expire(&client->presence, now_ms);
    client->tell_presence |= client->presence.changed;
    client->presence.changed = false;
    list_each (link, &client->documents) {
        document_tick(list_entry(link, struct client_document, link));
    }
}

uint64_t client_wakeup(const struct client *client) {
    uint64_t at = client->presence.expire_at_ms;
    switch (client->phase) {
    case PHASE_WAITING:
        at = earlier(at, client->retry_at_ms);
        break;
    case PHASE_UPGRADING:
    case PHASE_JOINING:
        at = earlier(at, client->phase_since_ms + CLIENT_HANDSHAKE_MS);
        break;
    case PHASE_JOINED:
        at = earlier(at, (client->pinged_at_ms > 0 ? client->pinged_at_ms : client->heard_at_ms) + CLIENT_SILENCE_MS);
        at = earlier(at, client->presence.renew_at_ms);
        if (client->owing_count > 0 && client->limits.updates_per_second > 0)
            at = earlier(at, client->slice_started_ms + CLIENT_PACE_MS);
        break;
    case PHASE_LEAVING:
        at = earlier(at, client->phase_since_ms + CLIENT_GOODBYE_MS);
        break;
    case PHASE_DIALING:
        break;
    case PHASE_STOPPED:
        return UINT64_MAX;
    }
    for (struct list *link = client->documents.next; link != &client->documents; link = link->next)
        at = earlier(at, document_wakeup(list_entry(link, struct client_document, link)));
    return at;
}

/* ---- joining ---- */

static void copy_text(char *out, struct bytes text, size_t size_max) {
    size_t size = text.size < size_max ? text.size : size_max;
    memcpy(out, text.data ? text.data : (const uint8_t *)"", size);
    out[size] = '\0';
}

static void client_on_joined(void *context, struct client *client, const struct client_reply *reply) {
    (void)context;
    if (reply->status == STATUS_UNAVAILABLE)
        return;
    if (reply->status == STATUS_DENIED) {
        client->fault = *reply->fault;
        client->fault.method = bytes_of(NULL, 0);
        client->has_fault = true;
        enum client_decision decision = reply->fault->retry == WIRE_RETRY_LATER ? CLIENT_RETRY_LATER : CLIENT_GIVE_UP;
        line_close(&client->line, WIRE_CLOSE_NORMAL, "not joined");
        client_lose(client, decision, 0, bytes_text(client->fault.message),
                    client->fault.has_after_ms ? client->fault.after_ms : 0);
        return;
    }
    struct wire_joined joined;
    struct pack_fields fields = wire_joined_read(reply->result, &joined);
    if (fields.status != STATUS_OK) {
        client_blame(client, "an answer to session.join that cannot be read");
        return;
    }
    client->self = (struct client_self){
        .session = joined.session, .user = joined.self.user, .participant = joined.self.id, .rights = joined.rights
    };
    copy_text(client->self.role, joined.self.role, WIRE_ROLE_BYTES_MAX);
    copy_text(client->self.display_name, joined.self.display_name, WIRE_NAME_BYTES_MAX);
    copy_text(client->self.username, joined.self.username, WIRE_NAME_BYTES_MAX);
    client->limits = joined.limits;
    client->join_count++;
    client->has_fault = false;
    client->tell_joined = true;
    client_enter(client, PHASE_JOINED);
    if (presence_has_own(&client->presence)) {
        presence_renew(&client->presence, client->now_ms);
        client_send_presence(client);
    }
    list_each (link, &client->documents) {
        document_joined(list_entry(link, struct client_document, link));
    }
}

static void client_on_opened(struct client *client) {
    client_enter(client, PHASE_JOINING);
    struct wire_join join = {
        .client = bytes_written(&client->name),
        .version = client->version.size > 0 ? bytes_written(&client->version) : bytes_text(""),
        .protocol = WIRE_PROTOCOL_VERSION,
        .credential = bytes_written(&client->token),
    };
    wire_join_write(call_begin(client, "session.join", true), &join);
    if (client_call_end(client, client_on_joined, NULL) != STATUS_OK)
        client_lose(client, CLIENT_RETRY_LATER, 0, bytes_text("out of memory"), 0);
}

static void client_on_refreshed(void *context, struct client *client, const struct client_reply *reply) {
    (void)context;
    struct wire_token token;
    if (reply->status != STATUS_OK || wire_token_read(reply->result, &token).status != STATUS_OK)
        return; /* the old one is good until it expires; then the server says so */
    if (token.token.size == 0 || token.token.size > WIRE_CREDENTIAL_BYTES_MAX)
        return;
    if (token.token.size > client->token.size && !bytes_writer_reserve(&client->token, token.token.size - client->token.size)) {
        client->token.status = STATUS_OK;
        return;
    }
    client->token.size = 0;
    bytes_write(&client->token, token.token);
    client->tell_token = true;
}

/* ---- received values ---- */

static bool client_on_notification(struct client *client, const struct wire_value *value, struct client_event *out) {
    if (bytes_equal_text(value->method, "doc.rejected")) {
        struct wire_doc_rejected rejected;
        struct client_document *document;
        if (wire_doc_rejected_read(value->params, &rejected).status != STATUS_OK)
            client_blame(client, "a doc.rejected that cannot be read");
        else if ((document = table_get(&client->by_number, rejected.doc)))
            document_on_rejected(document, &rejected);
        return false;
    }
    if (bytes_equal_text(value->method, "doc.gone")) {
        struct wire_doc_gone gone;
        struct client_document *document;
        if (wire_doc_gone_read(value->params, &gone).status != STATUS_OK)
            client_blame(client, "a doc.gone that cannot be read");
        else if ((document = table_get(&client->by_number, gone.doc)))
            document_on_gone(document, &gone);
        return false;
    }
    if (bytes_equal_text(value->method, "auth.expiring")) {
        wire_empty_write(client_call_begin(client, "auth.refresh"));
        (void)client_call_end(client, client_on_refreshed, NULL); /* refused: it is asked again at the next notice or join */
        return false;
    }
    if (bytes_equal_text(value->method, "session.fault") && wire_fault_read(value->params, &client->fault) == STATUS_OK) {
        client->fault.method = bytes_of(NULL, 0);
        client->has_fault = true;
    }
    *out = (struct client_event){ .kind = CLIENT_NOTICE, .method = value->method, .params = value->params };
    return true;
}

static void client_on_presence(struct client *client, struct bytes update) {
    bool contradicted;
    if (presence_apply(&client->presence, update, client->now_ms, &contradicted) == STATUS_MALFORMED) {
        client_blame(client, "awareness that cannot be read");
        return;
    }
    if (contradicted)
        client->presence.renew_at_ms = client->now_ms;
    client->tell_presence |= client->presence.changed;
    client->presence.changed = false;
}

/* Whether an event came of the value. */
static bool client_on_value(struct client *client, const struct wire_value *value, struct client_event *out) {
    if (value->kind == WIRE_RESPONSE) {
        call_answer(client, value);
        return false;
    }
    if (client->phase != PHASE_JOINED && client->phase != PHASE_LEAVING) {
        /* Before the join only session.fault makes sense. */
        return value->kind == WIRE_NOTIFICATION && client_on_notification(client, value, out);
    }
    if (value->kind == WIRE_REQUEST) {
        struct wire_fault fault = wire_fault(WIRE_CODE_METHOD_NOT_FOUND);
        wire_error_write(line_batch(&client->line), value->msgid, &fault);
        line_batched(&client->line);
        return false;
    }
    if (value->kind == WIRE_NOTIFICATION)
        return client_on_notification(client, value, out);
    if (value->kind == WIRE_AWARENESS && value->doc == 0) {
        client_on_presence(client, value->payload);
        return false;
    }
    /* A number that is not known belongs to a document that was closed while the value travelled. */
    struct client_document *document = table_get(&client->by_number, value->doc);
    if (!document)
        return false;
    switch (value->kind) {
    case WIRE_UPDATE:
        document_on_update(document, value->payload);
        break;
    case WIRE_ACK:
        document_on_ack(document, value->count);
        break;
    case WIRE_AWARENESS:
        document_on_awareness(document, value->payload);
        break;
    case WIRE_STATE_VECTOR:
        document_on_vector(document, value->payload);
        break;
    default:
        break;
    }
    return false;
}

/* ---- events ---- */

static bool client_take_document_event(struct client *client, struct client_event *out) {
    static const struct {
        enum document_flag flag;
        enum client_event_kind kind;
    } order[] = {
        { FLAG_READY, CLIENT_DOCUMENT_READY },        { FLAG_CHANGED, CLIENT_DOCUMENT_CHANGED },
        { FLAG_AWARENESS, CLIENT_AWARENESS_CHANGED }, { FLAG_SAVED, CLIENT_DOCUMENT_SAVED },
        { FLAG_HALTED, CLIENT_DOCUMENT_HALTED },
    };
    if (list_empty(&client->flagged))
        return false;
    struct client_document *document = list_entry(client->flagged.next, struct client_document, flagged);
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        if (!(document->flags & order[i].flag))
            continue;
        document->flags &= ~(unsigned)order[i].flag;
        if (document->flags == 0)
            list_remove(&document->flagged);
        *out = (struct client_event){ .kind = order[i].kind, .document = document };
        if (order[i].kind == CLIENT_DOCUMENT_HALTED)
            out->fault = &document->fault;
        out->resumed = order[i].kind == CLIENT_DOCUMENT_READY && document->progress.opening > 1;
        return true;
    }
    assert(!"a flagged document without a flag");
    return false;
}

static bool client_take_event(struct client *client, struct client_event *out) {
    if (client->tell_ended) {
        client->tell_ended = false;
        *out = (struct client_event){
            .kind = client->phase == PHASE_STOPPED ? CLIENT_STOPPED : CLIENT_LOST,
            .code = client->end_code,
            .reason = bytes_text(client->end_reason),
            .retry_at_ms = client->phase == PHASE_STOPPED ? UINT64_MAX : client->retry_at_ms,
            .fault = client->has_fault ? &client->fault : NULL,
        };
        return true;
    }
    if (client->tell_joined) {
        client->tell_joined = false;
        *out = (struct client_event){ .kind = CLIENT_JOINED, .resumed = client->join_count > 1 };
        return true;
    }
    if (client->tell_token) {
        client->tell_token = false;
        *out = (struct client_event){ .kind = CLIENT_TOKEN_RENEWED, .token = bytes_written(&client->token) };
        return true;
    }
    if (client->reading)
        return false;
    if (client->tell_presence) {
        client->tell_presence = false;
        *out = (struct client_event){ .kind = CLIENT_AWARENESS_CHANGED };
        return true;
    }
    return client_take_document_event(client, out);
}

static void client_on_closed(struct client *client, const struct line_event *event) {
    if (client->phase == PHASE_LEAVING)
        client_lose(client, CLIENT_GIVE_UP, WIRE_CLOSE_NORMAL, bytes_text("left"), 0);
    else
        client_lose(client, client_decide_close(event->code), event->code, event->payload,
                    client->has_fault && client->fault.has_after_ms ? client->fault.after_ms : 0);
}

/* Takes the next piece out of the line. STATUS_OK: look again; STATUS_MORE: all is used up. */
static enum status client_next_piece(struct client *client) {
    struct line_event event;
    enum status status = line_next(&client->line, &event);
    if (status == STATUS_NO_MEMORY) {
        client_lose(client, CLIENT_RETRY_LATER, 0, bytes_text("no memory for what was received"), 0);
        return STATUS_OK;
    }
    if (status != STATUS_OK)
        return STATUS_MORE;
    switch (event.kind) {
    case LINE_OPENED:
        client_on_opened(client);
        break;
    case LINE_MESSAGE:
        client->reader = wire_reader(event.payload, NULL);
        client->reading = true;
        break;
    case LINE_REFUSED: {
        char reason[CLIENT_REASON_BYTES_MAX];
        if (event.http_status > 0)
            snprintf(reason, sizeof reason, "the server answered %u %.*s", event.http_status, (int)event.payload.size,
                     (const char *)event.payload.data);
        else
            snprintf(reason, sizeof reason, "this is no vibesync server: %.*s", (int)event.payload.size,
                     (const char *)event.payload.data);
        client_lose(client, event.http_status > 0 ? client_decide_http(event.http_status) : CLIENT_GIVE_UP, 0, bytes_text(reason),
                    0);
        break;
    }
    case LINE_UNSAFE:
        client_lose(client, event.permanent ? CLIENT_GIVE_UP : CLIENT_RETRY_LATER, 0, event.payload, 0);
        break;
    case LINE_CLOSED:
        client_on_closed(client, &event);
        break;
    }
    return STATUS_OK;
}

enum status client_next(struct client *client, uint64_t now_ms, struct client_event *out) {
    client->now_ms = now_ms;
    for (;;) {
        if (client_take_event(client, out))
            return STATUS_OK;
        if (client_action(client) != CLIENT_TALK) {
            client->reading = false;
            client->line.message_lent = false;
            client->line.input = bytes_of(NULL, 0);
            if (!client->tell_ended && list_empty(&client->flagged) && !client->tell_presence)
                return STATUS_MORE;
            continue;
        }
        if (client->reading) {
            struct wire_value value;
            enum status status = wire_next(&client->reader, &value);
            if (status == STATUS_OK) {
                if (client_on_value(client, &value, out))
                    return STATUS_OK;
            } else if (status == STATUS_MORE) {
                client->reading = false;
            } else {
                client_blame(client, client->reader.fault.what ? client->reader.fault.what : "a value that cannot be read");
            }
            continue;
        }
        if (client_next_piece(client) == STATUS_MORE)
            return STATUS_MORE;
    }
}

/* ---- the session ---- */

bool client_joined(const struct client *client) {
    return client->phase == PHASE_JOINED;
}

uint64_t client_join_count(const struct client *client) {
    return client->join_count;
}

const struct client_self *client_self(const struct client *client) {
    return &client->self;
}

const struct wire_limits *client_limits(const struct client *client) {
    return &client->limits;
}
