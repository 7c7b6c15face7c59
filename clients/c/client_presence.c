#include "client_presence.h"

enum { EXPIRE_CHECK_MS = 3000 };

static void presence_on_change(void *context, enum crdt_awareness_change change, uint64_t client) {
    struct client_presence *presence = context;
    (void)client;
    if (change != CRDT_AWARENESS_RENEWED)
        presence->changed = true;
}

enum status presence_init(struct client_presence *presence, const struct mem *mem, uint64_t id, uint64_t now_ms) {
    *presence = (struct client_presence){ .id = id, .renew_at_ms = UINT64_MAX, .expire_at_ms = now_ms + EXPIRE_CHECK_MS };
    bytes_writer_init(&presence->own, mem, CRDT_AWARENESS_STATE_BYTES_MAX);
    return crdt_awareness_create(&(struct crdt_awareness_options){ .mem = mem }, &presence->states);
}

void presence_finish(struct client_presence *presence) {
    crdt_awareness_destroy(presence->states);
    presence->states = NULL;
    if (presence->own.mem)
        bytes_writer_finish(&presence->own);
}

void presence_rename(struct client_presence *presence, uint64_t id, uint64_t now_ms) {
    crdt_awareness_remove(presence->states, &presence->id, 1, now_ms, presence_on_change, presence);
    presence->id = id;
    if (presence_has_own(presence))
        presence->renew_at_ms = now_ms;
}

bool presence_has_own(const struct client_presence *presence) {
    return presence->own.size > 0;
}

enum status presence_set(struct client_presence *presence, struct bytes json, uint64_t now_ms) {
    bool gone = bytes_equal_text(json, "null");
    /* Room first, so that nothing can fail between the two copies. */
    if (!gone && json.size > presence->own.size && !bytes_writer_reserve(&presence->own, json.size - presence->own.size)) {
        enum status status = presence->own.status;
        presence->own.status = STATUS_OK;
        return status;
    }
    enum status status = crdt_awareness_set(presence->states, presence->id, json, now_ms, presence_on_change, presence);
    if (status != STATUS_OK)
        return status;
    presence->own.size = 0;
    if (!gone)
        bytes_write(&presence->own, json);
    presence->renew_at_ms = gone ? UINT64_MAX : now_ms + CLIENT_RENEW_MS;
    return STATUS_OK;
}

enum status presence_apply(struct client_presence *presence, struct bytes update, uint64_t now_ms, bool *out_contradicted) {
    enum status status = crdt_awareness_apply(presence->states, update, now_ms, presence_on_change, presence);
    *out_contradicted = presence_has_own(presence) && crdt_awareness_state(presence->states, presence->id).size == 0;
    return status;
}

void presence_renew(struct client_presence *presence, uint64_t now_ms) {
    /* For lack of memory it is tried again the next time; the old state stands that long. */
    (void)crdt_awareness_set(presence->states, presence->id, bytes_written(&presence->own), now_ms, presence_on_change, presence);
    presence->renew_at_ms = now_ms + CLIENT_RENEW_MS;
}

enum status presence_encode_own(const struct client_presence *presence, struct bytes_writer *out) {
    return crdt_awareness_encode(presence->states, &presence->id, 1, out);
}

void presence_expire(struct client_presence *presence, uint64_t now_ms) {
    if (now_ms < presence->expire_at_ms)
        return;
    crdt_awareness_expire(presence->states, now_ms, presence_on_change, presence);
    presence->expire_at_ms = now_ms + EXPIRE_CHECK_MS;
}
