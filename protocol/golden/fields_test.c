/* Every member of every core message, one at a time: of another type, missing, nil, too long. The pinned frames are the messages;
 * the reader must name the member that is wrong, take what is optional, and never read a member that is not asked for. */
#include "wire/doc_wire.h"
#include "wire/session_wire.h"

#include "../testing/hex.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define READER(name, type)                                      \
    static struct pack_fields name##_fields(struct bytes map) { \
        type message;                                           \
        return name##_read(map, &message);                      \
    }

READER(wire_join, struct wire_join)
READER(wire_joined, struct wire_joined)
READER(wire_page, struct wire_page)
READER(wire_participants_page, struct wire_participants_page)
READER(wire_participant_event, struct wire_participant_event)
READER(wire_session_closed, struct wire_session_closed)
READER(wire_token, struct wire_token)
READER(wire_token_expiring, uint64_t)
READER(wire_doc_open, struct wire_doc_open)
READER(wire_doc_opened, struct wire_doc_opened)
READER(wire_doc_close, uint64_t)
READER(wire_doc_rejected, struct wire_doc_rejected)
READER(wire_doc_gone, struct wire_doc_gone)

static const struct fields_case {
    const char *golden;
    struct pack_fields (*read)(struct bytes map);
    const char *optional; /* " key key " */
} cases[] = {
    { "session.join", wire_join_fields, " version capabilities credential " },
    { "session.join.result", wire_joined_fields, " capabilities files_count participants participants_next token_expires_at " },
    { "session.participants", wire_page_fields, " after limit " },
    { "session.participants.result", wire_participants_page_fields, " next " },
    { "session.participant", wire_participant_event_fields, " reason " },
    { "session.closed", wire_session_closed_fields, " reason message " },
    { "auth.refresh.result", wire_token_fields, " expires_at " },
    { "auth.expiring", wire_token_expiring_fields, " " },
    { "doc.open", wire_doc_open_fields, " " },
    { "doc.open.again", wire_doc_open_fields, " epoch " },
    { "doc.open.result", wire_doc_opened_fields, " " },
    { "doc.close", wire_doc_close_fields, " " },
    { "doc.rejected", wire_doc_rejected_fields, " message " },
    { "doc.gone", wire_doc_gone_fields, " epoch " },
};

enum { CASE_COUNT = sizeof cases / sizeof cases[0], FILE_MAX = 1 << 18, LONG_BYTES = 2 << 20 };

/* The map inside a pinned frame: params or result. The frame stays in `room`. */
static struct bytes golden_map(const char *name, struct hex *room) {
    static char text[FILE_MAX];
    struct wire_value value;
    size_t size = strlen(name);
    FILE *file = fopen(GOLDEN_FRAMES, "rb");
    cr_assert_not_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    room->size = 0;
    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, name, size) == 0 && line[size] == ':')
            *room = hex(line + size + 1);
    }
    struct wire_reader reader = wire_reader(hex_bytes(room), NULL);
    cr_assert_eq(wire_next(&reader, &value), STATUS_OK, "%s", name);
    return value.kind == WIRE_RESPONSE ? value.result : value.params;
}

enum change { CHANGE_TYPE, CHANGE_NIL, CHANGE_DROP, CHANGE_LONG, CHANGE_NOT_UTF8, CHANGE_COUNT };

/* Copies `map`, its member number `index` changed. False when the change cannot be made to that member. */
static bool map_change(struct bytes map, uint32_t index, enum change change, struct bytes_writer *out, struct bytes *out_key) {
    struct pack_reader reader = pack_reader(map);
    uint32_t count;
    bool changed = false;
    cr_assert_eq(pack_read_map(&reader, &count), STATUS_OK);
    if (index >= count)
        return false;
    pack_write_map(out, change == CHANGE_DROP ? count - 1 : count);
    for (uint32_t i = 0; i < count; i++) {
        struct bytes key;
        struct bytes value;
        pack_read_text(&reader, SIZE_MAX, &key);
        enum pack_kind kind = pack_peek(&reader);
        pack_read_value(&reader, &value);
        if (i != index) {
            pack_write_text(out, key);
            pack_write_raw(out, value);
            continue;
        }
        *out_key = key;
        changed = change < CHANGE_LONG || (kind == PACK_TEXT && change == CHANGE_NOT_UTF8) ||
                  ((kind == PACK_TEXT || kind == PACK_BIN) && change == CHANGE_LONG);
        if (change == CHANGE_DROP)
            continue;
        pack_write_text(out, key);
        if (change == CHANGE_TYPE) {
            pack_write_bool(out, true);
        } else if (change == CHANGE_NIL) {
            pack_write_nil(out);
        } else if (change == CHANGE_NOT_UTF8) {
            pack_write_text(out, bytes_text("\xff"));
        } else {
            static uint8_t letters[LONG_BYTES];
            memset(letters, 'x', sizeof letters);
            if (kind == PACK_BIN)
                pack_write_bin(out, bytes_of(letters, sizeof letters));
            else
                pack_write_text(out, bytes_of(letters, sizeof letters));
        }
    }
    return changed;
}

static bool is_optional(const struct fields_case *one, struct bytes key) {
    char word[64];
    snprintf(word, sizeof word, " %.*s ", (int)key.size, key.data);
    return strstr(one->optional, word) != NULL;
}

Test(fields, each_member_is_checked_and_named) {
    for (size_t i = 0; i < CASE_COUNT; i++) {
        struct hex room;
        struct bytes map = golden_map(cases[i].golden, &room);
        cr_assert_eq(cases[i].read(map).status, STATUS_OK);
        struct pack_reader reader = pack_reader(map);
        uint32_t members = 0;
        pack_read_map(&reader, &members);
        for (uint32_t index = 0; index < members; index++)
            for (enum change change = CHANGE_TYPE; change < CHANGE_COUNT; change++) {
                struct bytes_writer copy;
                struct bytes key = { NULL, 0 };
                bytes_writer_init(&copy, &mem_default, LONG_BYTES * 2);
                if (map_change(map, index, change, &copy, &key)) {
                    cr_assert_eq(copy.status, STATUS_OK);
                    bool may_miss = (change == CHANGE_NIL || change == CHANGE_DROP) && is_optional(&cases[i], key);
                    struct pack_fields fields = cases[i].read(bytes_written(&copy));
                    cr_assert_eq(fields.status, may_miss ? STATUS_OK : STATUS_MALFORMED, "%s %.*s change %d", cases[i].golden,
                                 (int)key.size, key.data, change);
                    if (!may_miss) {
                        /* doc.open names `file` when neither it nor `path` is there. */
                        bool either = bytes_equal_text(key, "path") && strcmp(fields.field, "file") == 0;
                        cr_assert(either || bytes_equal_text(key, fields.field), "%s: %s instead of %.*s", cases[i].golden,
                                  fields.field, (int)key.size, key.data);
                        cr_assert_not_null(fields.what);
                    }
                }
                bytes_writer_finish(&copy);
            }
    }
}

Test(fields, what_is_no_map_is_refused_by_every_reader) {
    static const char *const values[] = { "\xc0", "\x01", "\xa1x", "\x90", "" };
    for (size_t i = 0; i < CASE_COUNT; i++)
        for (size_t j = 0; j < 5; j++)
            cr_assert_eq(cases[i].read(bytes_text(values[j])).status, STATUS_MALFORMED, "%s %zu", cases[i].golden, j);
}

Test(fields, members_inside_members_are_checked_too) {
    struct hex room;
    struct bytes map = golden_map("session.join.result", &room);
    struct bytes user;
    struct bytes key;
    struct bytes_writer changed;
    struct bytes_writer copy;
    bytes_writer_init(&changed, &mem_default, 4096);
    bytes_writer_init(&copy, &mem_default, 4096);
    cr_assert_eq(pack_find(map, "user", &user), STATUS_OK);
    cr_assert(map_change(user, 1, CHANGE_TYPE, &changed, &key));

    /* {"protocol": …, "session": …, "user": changed} and the rest as it was */
    struct pack_reader reader = pack_reader(map);
    uint32_t count;
    pack_read_map(&reader, &count);
    pack_write_map(&copy, count);
    for (uint32_t i = 0; i < count; i++) {
        struct bytes name;
        struct bytes value;
        pack_read_text(&reader, SIZE_MAX, &name);
        pack_read_value(&reader, &value);
        pack_write_text(&copy, name);
        pack_write_raw(&copy, bytes_equal_text(name, "user") ? bytes_written(&changed) : value);
    }
    struct pack_fields fields = wire_joined_fields(bytes_written(&copy));

    cr_assert_eq(fields.status, STATUS_MALFORMED);
    cr_assert_str_eq(fields.field, "username");
    bytes_writer_finish(&changed);
    bytes_writer_finish(&copy);
}

Test(fields, doc_open_takes_exactly_one_name_of_the_file) {
    static const struct uuid file = { { 1 } };
    for (int named = 0; named < 4; named++) {
        struct bytes_writer out;
        struct wire_doc_open open;
        bytes_writer_init(&out, &mem_default, 4096);
        pack_write_map(&out, 1 + (named & 1) + (named >> 1));
        pack_put_uint(&out, "client_id", 7);
        if (named & 1)
            pack_put_uuid(&out, "file", &file);
        if (named & 2)
            pack_put_text(&out, "path", bytes_text("a"));
        struct pack_fields fields = wire_doc_open_read(bytes_written(&out), &open);
        cr_assert_eq(fields.status, named == 1 || named == 2 ? STATUS_OK : STATUS_MALFORMED, "%d", named);
        bytes_writer_finish(&out);
    }
}

Test(fields, numbers_that_must_not_be_zero_are_not) {
    struct bytes_writer out;
    struct wire_doc_open open;
    struct wire_page page;
    bytes_writer_init(&out, &mem_default, 4096);

    pack_write_map(&out, 2);
    pack_put_uint(&out, "client_id", 0);
    pack_put_text(&out, "path", bytes_text("a"));
    cr_assert_str_eq(wire_doc_open_read(bytes_written(&out), &open).field, "client_id");
    bytes_writer_reset(&out);
    pack_write_map(&out, 1);
    pack_put_uint(&out, "limit", 0);
    cr_assert_str_eq(wire_page_read(bytes_written(&out), &page).field, "limit");
    bytes_writer_reset(&out);
    pack_write_map(&out, 1);
    pack_put_uint(&out, "limit", WIRE_PARTICIPANTS_PAGE_MAX + 1);
    cr_assert_str_eq(wire_page_read(bytes_written(&out), &page).field, "limit");
    bytes_writer_finish(&out);
}

Test(fields, words_of_the_future_read_as_the_mildest_meaning) {
    struct bytes_writer out;
    struct wire_participant_event event;
    struct wire_doc_gone gone;
    struct wire_doc_rejected rejected;
    static const struct uuid file = { { 1 } };
    struct wire_participant participant = { .username = bytes_text("a"), .display_name = bytes_text("a"), .role = bytes_text("r") };
    bytes_writer_init(&out, &mem_default, 4096);

    pack_write_map(&out, 2);
    pack_put_string(&out, "event", "teleported");
    pack_put_key(&out, "participant");
    wire_participant_write(&out, &participant);
    cr_assert_eq(wire_participant_event_read(bytes_written(&out), &event).status, STATUS_OK);
    cr_assert_eq(event.what, WIRE_PARTICIPANT_CHANGED);
    bytes_writer_reset(&out);
    pack_write_map(&out, 3);
    pack_put_uint(&out, "doc", 1);
    pack_put_uuid(&out, "file", &file);
    pack_put_string(&out, "reason", "evaporated");
    cr_assert_eq(wire_doc_gone_read(bytes_written(&out), &gone).status, STATUS_OK);
    cr_assert_eq(gone.reason, WIRE_GONE_COUNT);
    bytes_writer_reset(&out);
    pack_write_map(&out, 3);
    pack_put_uint(&out, "doc", 1);
    pack_put_uint(&out, "n", 1);
    pack_put_string(&out, "code", "disliked");
    cr_assert_eq(wire_doc_rejected_read(bytes_written(&out), &rejected).status, STATUS_OK);
    cr_assert_eq(rejected.code, WIRE_CODE_COUNT);
    bytes_writer_finish(&out);
}

Test(fields, a_list_of_participants_ends_or_fails_for_good) {
    struct wire_participant participant;
    struct wire_participants none = wire_participants(bytes_of(NULL, 0));
    cr_assert_eq(wire_participants_next(&none, &participant), STATUS_MORE);
    struct wire_participants bad = wire_participants(bytes_text("\x92\x01\x02"));
    cr_assert_eq(wire_participants_next(&bad, &participant), STATUS_MALFORMED);
    cr_assert_eq(wire_participants_next(&bad, &participant), STATUS_MALFORMED);
    struct wire_participants no_array = wire_participants(bytes_text("\x80"));
    cr_assert_eq(wire_participants_next(&no_array, &participant), STATUS_MALFORMED);
}
