#include "session/room.h"

#include <criterion/criterion.h>
#include <stdio.h>

/* A server is only its list of rooms here. */
static struct server room_test_server;
static unsigned room_test_flushes;

static void room_test_flush(struct room *room) {
    (void)room;
    room_test_flushes++;
}

static void room_test_init(struct room *room) {
    list_init(&room_test_server.rooms);
    room_init(room, &room_test_server, room_test_flush);
}

/* An awareness update of one client: {"c":n} or null. */
static struct bytes room_test_update(uint8_t client, uint8_t clock, const char *state, uint8_t out[64]) {
    size_t size = strlen(state);
    out[0] = 1;
    out[1] = client;
    out[2] = clock;
    out[3] = (uint8_t)size;
    memcpy(out + 4, state, size);
    return bytes_of(out, 4 + size);
}

static enum status room_test_apply(struct room *room, struct room_member *member, uint64_t connection, uint8_t client,
                                   uint8_t clock, const char *state) {
    uint8_t bytes[64];
    return room_apply(room, member, connection, room_test_update(client, clock, state, bytes), 1000);
}

/* What the room's flush sends; NULL: nothing. */
static struct frame *room_test_changed(struct room *room, uint64_t *except) {
    struct bytes_writer update;
    if (!room_changed(room, &update, except))
        return NULL;
    struct frame *frame = frame_of_sync(frame_native(0), FRAME_AWARENESS, bytes_written(&update));
    bytes_writer_finish(&update);
    return frame;
}

Test(room, tells_only_the_newest_state_of_a_tick) {
    struct room room;
    struct room_member member = { 0 };
    room_test_init(&room);

    cr_assert_eq(room_test_apply(&room, &member, 7, 1, 1, "{\"c\":1}"), STATUS_OK);
    cr_assert_eq(room_test_apply(&room, &member, 7, 1, 2, "{\"c\":2}"), STATUS_OK);
    cr_assert(!list_empty(&room.dirty_link), "the server's tick will find it");
    uint64_t except;
    struct frame *frame = room_test_changed(&room, &except);

    static const uint8_t expected[] = { 0x82, 16, 0x93, 5, 0, 0xc4, 11, 1, 1, 2, 7, '{', '"', 'c', '"', ':', '2', '}' };
    cr_assert_eq(frame->size, sizeof expected);
    cr_assert_arr_eq(frame->data, expected, sizeof expected);
    cr_assert_eq(except, 7, "who said it all knows it all");
    frame_release(frame);
    cr_assert_null(room_test_changed(&room, &except), "nothing changed since");
    room_leave(&room, &member, 1000);
    room_finish(&room);
}

Test(room, what_several_said_goes_to_everybody) {
    struct room room;
    struct room_member first = { 0 }, second = { 0 };
    room_test_init(&room);

    room_test_apply(&room, &first, 7, 1, 1, "{}");
    room_test_apply(&room, &second, 8, 2, 1, "{}");
    uint64_t except;
    struct frame *frame = room_test_changed(&room, &except);

    cr_assert_eq(except, 0);
    frame_release(frame);
    room_leave(&room, &first, 1000);
    room_leave(&room, &second, 1000);
    room_finish(&room);
}

Test(room, who_leaves_is_announced_as_gone) {
    struct room room;
    struct room_member member = { 0 };
    uint64_t except;
    room_test_init(&room);
    room_test_apply(&room, &member, 7, 1, 1, "{}");
    frame_release(room_test_changed(&room, &except));
    struct frame *keyframe = room_keyframe(&room, frame_native(0));
    cr_assert_not_null(keyframe);
    frame_release(keyframe);

    room_leave(&room, &member, 2000);
    struct frame *frame = room_test_changed(&room, &except);

    cr_assert_not_null(frame);
    cr_assert_eq(memcmp(frame->data + frame->size - 4, "null", 4), 0);
    cr_assert_null(room_keyframe(&room, frame_native(0)), "nobody is left to tell a newcomer about");
    frame_release(frame);
    room_finish(&room);
}

Test(room, a_state_that_nobody_renews_expires) {
    struct room room;
    struct room_member member = { 0 };
    uint64_t except;
    room_test_init(&room);
    room_test_apply(&room, &member, 7, 1, 1, "{}");
    frame_release(room_test_changed(&room, &except));

    room_expire(&room, 1000 + CRDT_AWARENESS_TIMEOUT_MS - 1);
    cr_assert_null(room_test_changed(&room, &except));
    room_expire(&room, 1000 + CRDT_AWARENESS_TIMEOUT_MS + 1);
    struct frame *frame = room_test_changed(&room, &except);

    cr_assert_not_null(frame);
    frame_release(frame);
    room_leave(&room, &member, 1000);
    room_finish(&room);
}

Test(room, malformed_awareness_changes_nothing) {
    struct room room;
    struct room_member member = { 0 };
    uint64_t except;
    room_test_init(&room);

    cr_assert_eq(room_apply(&room, &member, 7, bytes_text("\x01\x01\x01\x09{"), 1000), STATUS_MALFORMED);
    cr_assert_eq(room_test_apply(&room, &member, 7, 1, 1, "{"), STATUS_MALFORMED);

    cr_assert_null(room_test_changed(&room, &except));
    cr_assert_null(room_keyframe(&room, frame_native(0)));
    room_leave(&room, &member, 1000);
    room_finish(&room);
}

Test(room, a_connection_speaks_for_a_bounded_number_of_clients) {
    struct room room;
    struct room_member member = { 0 };
    room_test_init(&room);
    enum status status = STATUS_OK;

    uint8_t client = 0;
    while (status == STATUS_OK && client < 100)
        status = room_test_apply(&room, &member, 7, ++client, 1, "{}");

    cr_assert_eq(status, STATUS_TOO_BIG);
    cr_assert_eq(client, ROOM_CLIENTS_PER_CONNECTION_MAX + 1);
    room_leave(&room, &member, 1000);
    room_finish(&room);
}

/* The clients that a frame of document 0 tells of, as "client:state client:state …". */
static void room_test_told(struct frame *frame, char out[128]) {
    const uint8_t *at = frame->data + 7; /* headers of a frame below 126 bytes */
    size_t used = 0;
    out[0] = '\0';
    for (uint8_t count = *at++; count > 0; count--) {
        uint8_t client = at[0], size = at[2];
        used += (size_t)snprintf(out + used, 128 - used, "%u:%.*s ", (unsigned)client, (int)size, (const char *)at + 3);
        at += 3 + size;
    }
}

Test(room, who_missed_ticks_is_told_the_newest_and_who_has_gone) {
    struct room room;
    struct room_member first = { 0 }, second = { 0 }, slow = { 0 };
    uint64_t except;
    char told[128];
    room_test_init(&room);
    room_test_apply(&room, &first, 7, 1, 1, "{}");
    room_test_apply(&room, &second, 8, 2, 1, "{}");
    frame_release(room_test_changed(&room, &except));

    room_leave(&room, &second, 1000); /* goes in the very tick that is missed first */
    frame_release(room_test_changed(&room, &except));
    room_miss(&room, &slow);
    for (uint8_t clock = 2; clock < 10; clock++) {
        room_test_apply(&room, &first, 7, 1, clock, clock == 9 ? "{\"c\":9}" : "{}");
        frame_release(room_test_changed(&room, &except));
        room_miss(&room, &slow);
    }
    struct frame *frames[ROOM_CATCH_UP_FRAMES];
    size_t count = room_catch_up(&room, &slow, frame_native(0), frames);

    cr_assert_eq(count, 2);
    room_test_told(frames[0], told);
    cr_assert_str_eq(told, "1:{\"c\":9} ");
    room_test_told(frames[1], told);
    cr_assert_str_eq(told, "2:null ");
    cr_assert_not(slow.missed);
    frame_release(frames[0]);
    frame_release(frames[1]);
    room_leave(&room, &first, 1000);
    room_finish(&room);
}

Test(room, who_has_gone_is_forgotten_when_nobody_missed_it) {
    struct room room;
    struct room_member first = { 0 }, second = { 0 }, slow = { 0 };
    uint64_t except;
    room_test_init(&room);
    room_test_apply(&room, &first, 7, 1, 1, "{}");
    room_test_apply(&room, &second, 8, 2, 1, "{}");
    room_leave(&room, &second, 1000);
    frame_release(room_test_changed(&room, &except));

    room_test_apply(&room, &first, 7, 1, 2, "{}");
    frame_release(room_test_changed(&room, &except));
    room_miss(&room, &slow);
    struct frame *frames[ROOM_CATCH_UP_FRAMES];

    cr_assert_eq(room_catch_up(&room, &slow, frame_native(0), frames), 1);
    frame_release(frames[0]);
    room_leave(&room, &first, 1000);
    room_finish(&room);
}

Test(room, what_a_member_sends_back_is_no_news) {
    struct room room;
    struct room_member first = { 0 }, second = { 0 };
    uint64_t except;
    uint8_t bytes[64];
    room_test_init(&room);
    room_apply_news(&room, &first, 7, room_test_update(1, 5, "{}", bytes), 1000);
    frame_release(room_test_changed(&room, &except));

    cr_assert_eq(room_apply_news(&room, &second, 8, room_test_update(1, 5, "{}", bytes), 1000), STATUS_OK);
    cr_assert_eq(room_apply_news(&room, &second, 8, room_test_update(1, 5, "null", bytes), 1000), STATUS_OK);
    cr_assert_eq(second.count, 0, "it speaks for nobody");
    cr_assert_null(room_test_changed(&room, &except), "and nobody has gone");

    /* The client that came back on another line is news, and the owner may say that it goes. */
    cr_assert_eq(room_apply_news(&room, &second, 8, room_test_update(1, 6, "{\"c\":6}", bytes), 1000), STATUS_OK);
    cr_assert_eq(second.count, 1);
    frame_release(room_test_changed(&room, &except));
    cr_assert_eq(room_apply_news(&room, &second, 8, room_test_update(1, 6, "null", bytes), 1000), STATUS_OK);
    struct frame *frame = room_test_changed(&room, &except);
    cr_assert_not_null(frame);
    frame_release(frame);

    room_leave(&room, &first, 1000);
    room_leave(&room, &second, 1000);
    room_finish(&room);
}

Test(room, of_an_update_only_the_news_are_taken) {
    static const uint8_t both[] = { 2, 1, 5, 2, '{', '}', 2, 1, 2, '{', '}' };
    struct room room;
    struct room_member first = { 0 }, second = { 0 };
    uint8_t bytes[64];
    room_test_init(&room);
    room_apply_news(&room, &first, 7, room_test_update(1, 5, "{}", bytes), 1000);

    cr_assert_eq(room_apply_news(&room, &second, 8, bytes_of(both, sizeof both), 1000), STATUS_OK);
    cr_assert_eq(second.count, 1);
    cr_assert_eq(second.clients[0], 2);
    cr_assert_eq(room_apply_news(&room, &second, 8, bytes_of(both, sizeof both - 1), 1000), STATUS_MALFORMED);

    room_leave(&room, &first, 1000);
    room_leave(&room, &second, 1000);
    room_finish(&room);
}
