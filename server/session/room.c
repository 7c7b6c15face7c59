/* room.c — the newest state of everybody, sent in ticks. */
#include "session/room.h"

#include "ground/varint.h"

#include <assert.h>

enum { ROOM_FRAME_BYTES_MAX = 8 << 20, ROOM_CHANGED_MAX = CRDT_AWARENESS_CLIENTS_MAX };

void room_init(struct room *room, struct server *server, void (*flush)(struct room *room)) {
    *room = (struct room){ .dirty_list = &server->rooms, .flush = flush };
    list_init(&room->dirty_link);
}

void room_finish(struct room *room) {
    crdt_awareness_destroy(room->awareness);
    mem_free(&mem_default, room->changed, room->changed_capacity * sizeof *room->changed);
    mem_free(&mem_default, room->gone, room->gone_capacity * sizeof *room->gone);
    list_remove(&room->dirty_link);
    room->awareness = NULL;
}

/* Adds `client` to a list of distinct ids; false without memory or past `count_max`. */
static bool room_note(uint64_t **list, uint32_t *count, uint32_t *capacity, uint32_t count_max, uint64_t client) {
    for (uint32_t i = *count; i-- > 0;)
        if ((*list)[i] == client)
            return true;
    if (*count == count_max)
        return false;
    if (*count == *capacity) {
        uint32_t grown = *capacity == 0 ? 1 : *capacity * 2;
        uint64_t *bigger = mem_resize(&mem_default, *list, *capacity * sizeof **list, grown * sizeof **list);
        if (bigger == NULL)
            return false;
        *list = bigger;
        *capacity = grown;
    }
    (*list)[(*count)++] = client;
    return true;
}

void room_touch(struct room *room) {
    if (list_empty(&room->dirty_link))
        list_append(room->dirty_list, &room->dirty_link);
}

static void room_on_change(void *context, enum crdt_awareness_change change, uint64_t client) {
    struct room *room = context;
    if (room->changed_count == 0 && room->missed_by == 0)
        room->gone_count = 0;
    /* Without memory for it, the state expires at whoever missed that it ended. */
    if (change == CRDT_AWARENESS_REMOVED)
        room_note(&room->gone, &room->gone_count, &room->gone_capacity, ROOM_CHANGED_MAX, client);
    /* A change that cannot be noted reaches the others with the client's next renewal. */
    room_note(&room->changed, &room->changed_count, &room->changed_capacity, ROOM_CHANGED_MAX, client);
    room_touch(room);
}

static enum status room_on_client(void *context, uint64_t client, uint64_t clock, struct bytes state) {
    struct room_member *member = context;
    (void)clock;
    (void)state;
    bool noted = room_note(&member->clients, &member->count, &member->capacity, ROOM_CLIENTS_PER_CONNECTION_MAX, client);
    return noted ? STATUS_OK : STATUS_TOO_BIG;
}

static void room_changed_by(struct room *room, uint64_t connection) {
    if (room->changed_count == 0)
        room->changed_by = connection;
    else if (room->changed_by != connection)
        room->changed_by = 0;
}

enum status room_apply(struct room *room, struct room_member *member, uint64_t connection, struct bytes update, uint64_t now_ms) {
    if (room->awareness == NULL) {
        enum status made = crdt_awareness_create(&(struct crdt_awareness_options){ 0 }, &room->awareness);
        if (made != STATUS_OK)
            return made;
    }
    enum status status = crdt_awareness_each_client(update, room_on_client, member);
    if (status != STATUS_OK)
        return status;
    room_changed_by(room, connection);
    return crdt_awareness_apply(room->awareness, update, now_ms, room_on_change, room);
}

/* ---- what is news ---- */

struct room_sieve {
    const struct room *room;
    const struct room_member *member;
    struct bytes_writer entries;
    uint64_t count, dropped;
};

static bool room_member_has(const struct room_member *member, uint64_t client) {
    for (uint32_t i = 0; i < member->count; i++)
        if (member->clients[i] == client)
            return true;
    return false;
}

static enum status room_sieve_client(void *context, uint64_t client, uint64_t clock, struct bytes state) {
    struct room_sieve *sieve = context;
    uint64_t known;
    bool is_news = !crdt_awareness_clock(sieve->room->awareness, client, &known) ? !bytes_equal_text(state, "null") : clock > known;
    if (!is_news && !room_member_has(sieve->member, client)) {
        sieve->dropped++;
        return STATUS_OK;
    }
    varint_write(&sieve->entries, client);
    varint_write(&sieve->entries, clock);
    varint_write_view(&sieve->entries, state);
    sieve->count++;
    return sieve->entries.status;
}

enum status room_apply_news(struct room *room, struct room_member *member, uint64_t connection, struct bytes update,
                            uint64_t now_ms) {
    if (room->awareness == NULL)
        return room_apply(room, member, connection, update, now_ms);
    struct room_sieve sieve = { .room = room, .member = member };
    struct bytes_writer news;
    bytes_writer_init(&sieve.entries, &mem_default, ROOM_FRAME_BYTES_MAX);
    bytes_writer_init(&news, &mem_default, ROOM_FRAME_BYTES_MAX);
    enum status status = crdt_awareness_each_client(update, room_sieve_client, &sieve);
    if (status == STATUS_OK && sieve.dropped == 0) {
        status = room_apply(room, member, connection, update, now_ms);
    } else if (status == STATUS_OK && sieve.count > 0) {
        varint_write(&news, sieve.count);
        bytes_write(&news, bytes_written(&sieve.entries));
        status = news.status == STATUS_OK ? room_apply(room, member, connection, bytes_written(&news), now_ms) : news.status;
    }
    bytes_writer_finish(&news);
    bytes_writer_finish(&sieve.entries);
    return status;
}

static void room_forget_missed(struct room *room, struct room_member *member) {
    if (!member->missed)
        return;
    member->missed = false;
    room->missed_by--;
}

void room_leave(struct room *room, struct room_member *member, uint64_t now_ms) {
    room_forget_missed(room, member);
    if (room->awareness != NULL && member->count > 0) {
        room_changed_by(room, 0);
        crdt_awareness_remove(room->awareness, member->clients, member->count, now_ms, room_on_change, room);
    }
    mem_free(&mem_default, member->clients, member->capacity * sizeof *member->clients);
    *member = (struct room_member){ 0 };
}

void room_expire(struct room *room, uint64_t now_ms) {
    if (room->awareness == NULL)
        return;
    room_changed_by(room, 0);
    crdt_awareness_expire(room->awareness, now_ms, room_on_change, room);
}

static struct frame *room_frame(struct frame_address to, struct bytes_writer *update) {
    struct frame *frame = update->status == STATUS_OK ? frame_of_sync(to, FRAME_AWARENESS, bytes_written(update)) : NULL;
    bytes_writer_finish(update);
    return frame;
}

/* The newest of these clients, into a fresh writer, whose status says how that went. */
static void room_encode(const struct room *room, const uint64_t *clients, size_t count, struct bytes_writer *out) {
    bytes_writer_init(out, &mem_default, ROOM_FRAME_BYTES_MAX);
    enum status status = crdt_awareness_encode(room->awareness, clients, count, out);
    if (status != STATUS_OK)
        out->status = status;
}

bool room_changed(struct room *room, struct bytes_writer *out, uint64_t *out_except) {
    *out = (struct bytes_writer){ 0 };
    if (room->changed_count == 0)
        return false;
    room_encode(room, room->changed, room->changed_count, out);
    room->changed_count = 0;
    *out_except = room->changed_by;
    if (out->status == STATUS_OK)
        return true;
    bytes_writer_finish(out);
    return false;
}

struct frame *room_keyframe(const struct room *room, struct frame_address to) {
    if (room->awareness == NULL || crdt_awareness_count(room->awareness) == 0)
        return NULL;
    struct bytes_writer update;
    bytes_writer_init(&update, &mem_default, ROOM_FRAME_BYTES_MAX);
    enum status status = crdt_awareness_encode_all(room->awareness, &update);
    if (status != STATUS_OK)
        update.status = status;
    return room_frame(to, &update);
}

void room_miss(struct room *room, struct room_member *member) {
    if (member->missed)
        return;
    member->missed = true;
    room->missed_by++;
}

size_t room_catch_up(struct room *room, struct room_member *member, struct frame_address to,
                     struct frame *out_frames[ROOM_CATCH_UP_FRAMES]) {
    size_t count = 0;
    struct frame *states = room_keyframe(room, to);
    struct frame *gone = NULL;
    if (room->gone_count > 0) {
        struct bytes_writer update;
        room_encode(room, room->gone, room->gone_count, &update);
        gone = room_frame(to, &update);
    }
    if (states != NULL)
        out_frames[count++] = states;
    if (gone != NULL)
        out_frames[count++] = gone;
    room_forget_missed(room, member);
    return count;
}
