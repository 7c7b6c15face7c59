/* A typist in one document, a second that hears each update, and the text in an array: bursts of typing and erasing, in both
 * directions, that begin where the last one ended or elsewhere, ASCII and not; sometimes the second one types. */
#include "crdt/crdt.h"
#include "doc_check.h"

#include "ground/utf.h"

#include <criterion/criterion.h>

enum { UNITS_MAX = 4000 };

struct desk {
    struct crdt_doc *doc;
    struct crdt_type *text;
    struct bytes_writer update;
};

struct room {
    struct desk ada, bob;
    uint16_t units[UNITS_MAX];
    size_t length;
    uint64_t random;
};

static struct desk desk_make(uint64_t client_id) {
    struct desk desk;
    cr_assert_eq(crdt_doc_create(&(struct crdt_doc_options){ .client_id = client_id, .gc = true }, &desk.doc), STATUS_OK);
    cr_assert_eq(crdt_doc_root(desk.doc, bytes_text("t"), &desk.text), STATUS_OK);
    bytes_writer_init(&desk.update, &mem_default, 1 << 20);
    return desk;
}

static void desk_finish(struct desk *desk) {
    bytes_writer_finish(&desk->update);
    crdt_doc_destroy(desk->doc);
}

static uint32_t below(struct room *room, uint32_t count) {
    room->random = room->random * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)((room->random >> 33) % count);
}

static void check(const struct crdt_doc *doc) {
    const char *broken = "";
    cr_assert_eq(doc_check(doc, &broken), 0, "%s", broken);
}

static void expect_units(const struct room *room, const struct crdt_doc *doc, const struct crdt_type *text) {
    struct bytes_writer wanted;
    struct bytes_writer got;
    bytes_writer_init(&wanted, &mem_default, 1 << 20);
    bytes_writer_init(&got, &mem_default, 1 << 20);
    for (size_t i = 0; i < room->length; i++) {
        uint16_t unit = room->units[i];
        if (unit < 0x80) {
            bytes_write_u8(&wanted, (uint8_t)unit);
        } else {
            bytes_write_u8(&wanted, (uint8_t)(0xe0 | unit >> 12));
            bytes_write_u8(&wanted, (uint8_t)(0x80 | (unit >> 6 & 0x3f)));
            bytes_write_u8(&wanted, (uint8_t)(0x80 | (unit & 0x3f)));
        }
    }
    cr_assert_eq(crdt_text_write(doc, text, &got), STATUS_OK);
    cr_assert(bytes_equal(bytes_written(&wanted), bytes_written(&got)), "wanted %.*s, got %.*s", (int)wanted.size,
              (const char *)wanted.data, (int)got.size, (const char *)got.data);
    bytes_writer_finish(&wanted);
    bytes_writer_finish(&got);
}

/* One transaction, heard by the other. */
static void edit(struct room *room, struct desk *from, struct desk *to, size_t index, size_t deleted, bool korean,
                 size_t inserted) {
    struct crdt_txn *txn = crdt_txn_begin(from->doc);
    if (deleted > 0)
        cr_assert_eq(crdt_text_delete(txn, from->text, index, deleted), STATUS_OK);
    memmove(room->units + index, room->units + index + deleted, (room->length - index - deleted) * sizeof *room->units);
    room->length -= deleted;
    uint8_t utf8[64];
    size_t size = 0;
    memmove(room->units + index + inserted, room->units + index, (room->length - index) * sizeof *room->units);
    for (size_t i = 0; i < inserted; i++) {
        uint16_t unit = (uint16_t)(korean ? 0xac00 + below(room, 100) : 'a' + below(room, 26));
        room->units[index + i] = unit;
        if (korean)
            utf8[size++] = (uint8_t)(0xe0 | unit >> 12), utf8[size++] = (uint8_t)(0x80 | (unit >> 6 & 0x3f));
        utf8[size++] = (uint8_t)(korean ? 0x80 | (unit & 0x3f) : unit);
    }
    room->length += inserted;
    if (inserted > 0)
        cr_assert_eq(crdt_text_insert(txn, from->text, index, bytes_of(utf8, size)), STATUS_OK);
    bytes_writer_reset(&from->update);
    cr_assert_eq(crdt_txn_commit(txn, &from->update, NULL), STATUS_OK);
    check(from->doc);

    struct crdt_update_result result;
    txn = crdt_txn_begin(to->doc);
    cr_assert_eq(crdt_update_apply(txn, bytes_written(&from->update), &result), STATUS_OK);
    cr_assert_eq(crdt_txn_commit(txn, NULL, NULL), STATUS_OK);
    cr_assert_eq(result.units_new, inserted);
    cr_assert_eq(result.units_deleted, deleted);
    check(to->doc);
}

static void burst(struct room *room, struct desk *from, struct desk *to, size_t *cursor) {
    if (below(room, 3) == 0)
        *cursor = below(room, (uint32_t)room->length + 1);
    uint32_t steps = 1 + below(room, 8);
    uint32_t kind = below(room, 10);
    bool korean = below(room, 6) == 0;
    for (uint32_t i = 0; i < steps; i++) {
        size_t behind = room->length - *cursor;
        if (kind < 5 && room->length < UNITS_MAX - 20) {
            size_t units = below(room, 8) == 0 ? 1 + below(room, 12) : 1;
            edit(room, from, to, *cursor, 0, korean, units);
            *cursor += units;
        } else if (kind < 7 && *cursor > 0) {
            size_t units = below(room, 6) == 0 ? 1 + below(room, (uint32_t)(*cursor < 9 ? *cursor : 9)) : 1;
            *cursor -= units;
            edit(room, from, to, *cursor, units, false, 0);
        } else if (kind < 9 && behind > 0) {
            edit(room, from, to, *cursor, below(room, 6) == 0 ? 1 + below(room, (uint32_t)(behind < 9 ? behind : 9)) : 1, false, 0);
        } else if (behind > 2 && room->length < UNITS_MAX - 20) {
            edit(room, from, to, *cursor, 2, korean, 3);
            *cursor += 3;
        }
    }
}

static void crowd(uint64_t seed) {
    static struct room room;
    room = (struct room){ .ada = desk_make(1), .bob = desk_make((UINT64_C(1) << 53) - 1), .random = seed };
    size_t cursors[2] = { 0, 0 };
    for (int i = 0; i < 300; i++) {
        bool ada = below(&room, 5) != 0;
        size_t *cursor = &cursors[ada ? 0 : 1];
        *cursor = *cursor > room.length ? room.length : *cursor;
        burst(&room, ada ? &room.ada : &room.bob, ada ? &room.bob : &room.ada, cursor);
        cursors[ada ? 1 : 0] = below(&room, (uint32_t)room.length + 1);
        expect_units(&room, room.ada.doc, room.ada.text);
        expect_units(&room, room.bob.doc, room.bob.text);
    }
    struct desk late = desk_make(7);
    bytes_writer_reset(&room.ada.update);
    cr_assert_eq(crdt_update_encode(room.ada.doc, &room.ada.update), STATUS_OK);
    struct crdt_txn *txn = crdt_txn_begin(late.doc);
    cr_assert_eq(crdt_update_apply(txn, bytes_written(&room.ada.update), NULL), STATUS_OK);
    cr_assert_eq(crdt_txn_commit(txn, NULL, NULL), STATUS_OK);
    check(late.doc);
    expect_units(&room, late.doc, late.text);
    desk_finish(&late);
    desk_finish(&room.ada);
    desk_finish(&room.bob);
}

Test(typing, a_typist_is_heard_whatever_she_does) {
    for (uint64_t seed = 1; seed <= 30; seed++)
        crowd(seed);
}

static void type(struct desk *desk, uint64_t index, uint64_t deleted, const char *inserted) {
    struct crdt_txn *txn = crdt_txn_begin(desk->doc);
    cr_assert_eq(crdt_text_delete(txn, desk->text, index, deleted), STATUS_OK);
    cr_assert_eq(crdt_text_insert(txn, desk->text, index, bytes_text(inserted)), STATUS_OK);
    cr_assert_eq(crdt_txn_commit(txn, NULL, NULL), STATUS_OK);
    check(desk->doc);
}

/* The run that was typed in was once taken for one that still grows. */
Test(typing, goes_on_after_all_that_was_typed_was_erased) {
    struct desk desk = desk_make(1);

    type(&desk, 0, 0, "a");
    type(&desk, 0, 1, "");
    type(&desk, 0, 0, "b");
    type(&desk, 1, 0, "c");

    cr_assert_eq(crdt_text_length(desk.text), 2);
    desk_finish(&desk);
}

Test(typing, and_erasing_make_as_few_runs_as_yjs) {
    struct desk desk = desk_make(1);

    for (const char *at = "hello world"; *at != '\0'; at++)
        type(&desk, crdt_text_length(desk.text), 0, (const char[]){ *at, '\0' });
    for (int i = 0; i < 5; i++)
        type(&desk, crdt_text_length(desk.text) - 1, 1, "");
    for (int i = 0; i < 3; i++)
        type(&desk, 1, 1, "");

    cr_assert_eq(crdt_doc_size(desk.doc).structs, 4); /* h, a grave, "o ", a grave */
    desk_finish(&desk);
}
