/* door_yws.c — y-websocket's protocol, at its own server and at vibesyncd's door for it, Hocuspocus' envelope around it, and the
 * bare relay, which has only the frames.
 *
 *   y-websocket   00 00 sv     step 1            01 len awareness
 *                 00 01 len u  step 2            00 02 len u   update
 *   Hocuspocus    len name before each of these; 02 00 len token authenticates first, 02 02 … is the yes
 *   bare          the same messages; nothing is kept, so who is connected has all that there is */
#include "load.h"

#include "ground/varint.h"

enum { YWS_SYNC = 0, YWS_AWARENESS = 1, YWS_AUTH = 2 };
enum { YWS_STEP_1 = 0, YWS_STEP_2 = 1, YWS_UPDATE = 2 };
enum { HOCUSPOCUS_TOKEN = 0, HOCUSPOCUS_DENIED = 1, HOCUSPOCUS_AUTHENTICATED = 2 };

static void yws_prepare(struct load *load) {
    for (size_t i = 0; i < load->scenario.rooms; i++)
        snprintf(load->rooms[i].name, sizeof load->rooms[i].name, "load-%llx-%zu", (unsigned long long)load->run, i);
}

static void yws_target(const struct peer *peer, struct bytes_writer *out) {
    bytes_write_u8(out, '/');
    bytes_write(out, bytes_text(peer->load->rooms[peer->room].name));
}

static void y_target(const struct peer *peer, struct bytes_writer *out) {
    bytes_write(out, bytes_text("/y/"));
    native_write_session(peer, out);
    bytes_write(out, bytes_text("/" NATIVE_PATH));
}

static void hocuspocus_target(const struct peer *peer, struct bytes_writer *out) {
    (void)peer;
    bytes_write_u8(out, '/');
}

/* ---- messages out ---- */

static void hocuspocus_name(const struct peer *peer, struct bytes_writer *out) {
    if (peer->load->door == &door_hocuspocus)
        varint_write_view(out, bytes_text(peer->load->rooms[peer->room].name));
}

static void yws_send_step_1(struct peer *peer) {
    struct bytes_writer message;
    bytes_writer_init(&message, &mem_default, 1024);
    hocuspocus_name(peer, &message);
    bytes_write_u8(&message, YWS_SYNC);
    bytes_write_u8(&message, YWS_STEP_1);
    varint_write_view(&message, bytes_of("\0", 1));
    peer_send(peer, bytes_written(&message));
    bytes_writer_finish(&message);
}

static void hocuspocus_opened(struct peer *peer) {
    struct bytes_writer message;
    bytes_writer_init(&message, &mem_default, 1024);
    hocuspocus_name(peer, &message);
    bytes_write_u8(&message, YWS_AUTH);
    bytes_write_u8(&message, HOCUSPOCUS_TOKEN);
    varint_write_view(&message, bytes_text("load"));
    peer_send(peer, bytes_written(&message));
    bytes_writer_finish(&message);
}

static void yws_write_update(const struct peer *peer, struct bytes update, struct bytes_writer *out) {
    hocuspocus_name(peer, out);
    bytes_write_u8(out, YWS_SYNC);
    bytes_write_u8(out, YWS_UPDATE);
    varint_write_view(out, update);
}

static void yws_write_awareness(const struct peer *peer, struct bytes update, struct bytes_writer *out) {
    hocuspocus_name(peer, out);
    bytes_write_u8(out, YWS_AWARENESS);
    varint_write_view(out, update);
}

/* ---- messages in ---- */

static void yws_on_sync(struct peer *peer, struct bytes_reader *reader) {
    uint8_t kind;
    struct bytes update;
    if (bytes_read_u8(reader, &kind) != STATUS_OK || varint_read_view(reader, &update) != STATUS_OK)
        load_die("the server sent what is no sync message");
    if (kind == YWS_STEP_1)
        return;
    peer_on_update(peer, update);
    if (kind == YWS_STEP_2)
        peer_enter(peer);
}

static void yws_message(struct peer *peer, struct bytes message) {
    struct bytes_reader reader = bytes_reader(message);
    struct bytes name, update;
    uint8_t type, answer;
    if (peer->load->door == &door_hocuspocus && varint_read_view(&reader, &name) != STATUS_OK)
        load_die("the server sent a message without a name");
    if (bytes_read_u8(&reader, &type) != STATUS_OK)
        return;
    switch (type) {
    case YWS_SYNC:
        yws_on_sync(peer, &reader);
        break;
    case YWS_AWARENESS:
        if (varint_read_view(&reader, &update) == STATUS_OK)
            peer_on_awareness(peer, update);
        break;
    case YWS_AUTH:
        if (bytes_read_u8(&reader, &answer) == STATUS_OK && answer == HOCUSPOCUS_AUTHENTICATED && peer->step == 0) {
            peer->step = 1;
            yws_send_step_1(peer);
        } else if (answer == HOCUSPOCUS_DENIED) {
            load_die("the server refuses our token");
        }
        break;
    default: /* Hocuspocus' own: nothing that is measured */
        break;
    }
}

const struct door door_yws = {
    "yws", NULL, true, false, yws_prepare, yws_target, yws_send_step_1, yws_message, yws_write_update, yws_write_awareness
};
const struct door door_y = {
    "y", NULL, true, false, native_prepare, y_target, yws_send_step_1, yws_message, yws_write_update, yws_write_awareness
};
const struct door door_hocuspocus = {
    "hocuspocus",       NULL, true, false, yws_prepare, hocuspocus_target, hocuspocus_opened, yws_message, yws_write_update,
    yws_write_awareness
};
const struct door door_bare = {
    "bare", NULL, false, false, yws_prepare, yws_target, peer_enter, yws_message, yws_write_update, yws_write_awareness
};
