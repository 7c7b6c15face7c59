#include "crdt/awareness.h"

#include <criterion/criterion.h>
#include <stdio.h>

/* What visit was told, as text: "+1" added, "~1" updated, "=1" renewed, "-1" removed. */
struct told {
    char text[256];
};

static void tell(void *context, enum crdt_awareness_change change, uint64_t client) {
    struct told *told = context;
    size_t at = strlen(told->text);
    snprintf(told->text + at, sizeof told->text - at, "%c%llu ", "+~=-"[change], (unsigned long long)client);
}

static struct crdt_awareness *make(size_t clients_max, size_t state_bytes_max, size_t bytes_max) {
    struct crdt_awareness_options options = { NULL, clients_max, state_bytes_max, bytes_max };
    struct crdt_awareness *awareness;
    cr_assert_eq(crdt_awareness_create(&options, &awareness), STATUS_OK);
    return awareness;
}

struct entry {
    uint8_t client;
    uint8_t clock;
    const char *state;
};

static struct bytes update_of(uint8_t *room, const struct entry *entries, uint8_t count) {
    size_t size = 0;
    room[size++] = count;
    for (uint8_t i = 0; i < count; i++) {
        size_t state = strlen(entries[i].state);
        room[size++] = entries[i].client;
        room[size++] = entries[i].clock;
        room[size++] = (uint8_t)state;
        memcpy(room + size, entries[i].state, state);
        size += state;
    }
    return bytes_of(room, size);
}

static enum status apply(struct crdt_awareness *awareness, struct told *told, uint64_t now_ms, const struct entry *entries,
                         uint8_t count) {
    uint8_t room[1024];
    told->text[0] = '\0';
    return crdt_awareness_apply(awareness, update_of(room, entries, count), now_ms, tell, told);
}

Test(awareness, reads_and_writes_the_bytes_of_y_protocols) {
    static const uint8_t wanted[] = { 0x01, 0x01, 0x01, 0x09, 0x7b, 0x22, 0x75, 0x22, 0x3a, 0x22, 0x61, 0x22, 0x7d };
    static const uint8_t gone[] = { 0x01, 0x01, 0x02, 0x04, 0x6e, 0x75, 0x6c, 0x6c };
    struct crdt_awareness *awareness = make(0, 0, 0);
    struct bytes_writer writer;
    struct told told = { "" };
    uint64_t client = 1;
    bytes_writer_init(&writer, &mem_default, 1000);

    cr_assert_eq(crdt_awareness_apply(awareness, bytes_of(wanted, sizeof wanted), 5, tell, &told), STATUS_OK);
    cr_assert_eq(crdt_awareness_encode_all(awareness, &writer), STATUS_OK);
    cr_assert(bytes_equal(bytes_written(&writer), bytes_of(wanted, sizeof wanted)));
    cr_assert_eq(crdt_awareness_apply(awareness, bytes_of(gone, sizeof gone), 6, tell, &told), STATUS_OK);
    bytes_writer_reset(&writer);
    cr_assert_eq(crdt_awareness_encode(awareness, &client, 1, &writer), STATUS_OK);
    cr_assert(bytes_equal(bytes_written(&writer), bytes_of(gone, sizeof gone)));

    cr_assert_str_eq(told.text, "+1 -1 ");
    bytes_writer_finish(&writer);
    crdt_awareness_destroy(awareness);
}

Test(awareness, newer_clocks_win_and_the_same_clock_only_with_null) {
    struct crdt_awareness *awareness = make(0, 0, 0);
    struct told told;

    apply(awareness, &told, 0, (struct entry[]){ { 1, 5, "{\"a\":1}" }, { 2, 0, "{}" } }, 2);
    cr_assert_str_eq(told.text, "+1 ", "clock 0 of an unknown client says nothing");
    apply(awareness, &told, 0, (struct entry[]){ { 1, 5, "{\"a\":2}" }, { 1, 4, "null" } }, 2);
    cr_assert_str_eq(told.text, "");
    apply(awareness, &told, 0, (struct entry[]){ { 1, 6, "{\"a\":1}" } }, 1);
    cr_assert_str_eq(told.text, "=1 ");
    apply(awareness, &told, 0, (struct entry[]){ { 1, 7, "{\"a\":2}" } }, 1);
    cr_assert_str_eq(told.text, "~1 ");
    apply(awareness, &told, 0, (struct entry[]){ { 1, 7, " null " } }, 1);
    cr_assert_str_eq(told.text, "-1 ");
    apply(awareness, &told, 0, (struct entry[]){ { 1, 7, "{\"late\":1}" } }, 1);
    cr_assert_str_eq(told.text, "", "a late message brings nobody back");

    crdt_awareness_destroy(awareness);
}

Test(awareness, the_clock_of_who_left_is_remembered) {
    struct crdt_awareness *awareness;
    uint64_t clock;
    cr_assert_eq(crdt_awareness_create(&(struct crdt_awareness_options){ 0 }, &awareness), STATUS_OK);
    cr_assert_not(crdt_awareness_clock(awareness, 1, &clock));

    cr_assert_eq(crdt_awareness_apply(awareness, bytes_of("\x01\x01\x07\x02{}", 6), 0, NULL, NULL), STATUS_OK);
    cr_assert(crdt_awareness_clock(awareness, 1, &clock));
    cr_assert_eq(clock, 7);
    cr_assert_eq(crdt_awareness_apply(awareness, bytes_of("\x01\x01\x08\x04null", 8), 0, NULL, NULL), STATUS_OK);
    cr_assert(crdt_awareness_clock(awareness, 1, &clock));
    cr_assert_eq(clock, 8);

    crdt_awareness_destroy(awareness);
}

Test(awareness, one_update_may_name_a_client_twice) {
    struct crdt_awareness *awareness = make(0, 0, 0);
    struct told told;

    cr_assert_eq(apply(awareness, &told, 0, (struct entry[]){ { 1, 1, "1" }, { 1, 2, "null" }, { 1, 3, "3" }, { 2, 9, "2" } }, 4),
                 STATUS_OK);

    cr_assert_str_eq(told.text, "+1 +2 ");
    cr_assert(bytes_equal_text(crdt_awareness_state(awareness, 1), "3"));
    crdt_awareness_destroy(awareness);
}

Test(awareness, a_bad_update_changes_nothing) {
    struct crdt_awareness *awareness = make(4, 16, 40);
    struct told told;
    apply(awareness, &told, 0, (struct entry[]){ { 1, 1, "\"kept\"" } }, 1);

    cr_assert_eq(apply(awareness, &told, 0, (struct entry[]){ { 1, 2, "\"lost\"" }, { 2, 1, "{" } }, 2), STATUS_MALFORMED);
    cr_assert_eq(apply(awareness, &told, 0, (struct entry[]){ { 1, 2, "\"lost\"" }, { 2, 1, "\"\xff\"" } }, 2), STATUS_MALFORMED);
    cr_assert_eq(apply(awareness, &told, 0, (struct entry[]){ { 1, 2, "\"lost\"" }, { 2, 1, "12345678901234567" } }, 2),
                 STATUS_TOO_BIG);
    cr_assert_eq(apply(awareness, &told, 0,
                       (struct entry[]){ { 1, 2, "1" }, { 2, 1, "1" }, { 3, 1, "1" }, { 4, 1, "1" }, { 5, 1, "1" } }, 5),
                 STATUS_TOO_BIG);
    cr_assert_eq(apply(awareness, &told, 0,
                       (struct entry[]){ { 2, 1, "1234567890123456" }, { 3, 1, "1234567890123456" }, { 4, 1, "123" } }, 3),
                 STATUS_TOO_BIG);
    cr_assert_eq(crdt_awareness_apply(awareness, bytes_of("\0x", 2), 0, tell, &told), STATUS_MALFORMED);
    cr_assert_eq(crdt_awareness_apply(awareness, bytes_of("", 0), 0, tell, &told), STATUS_MALFORMED);

    cr_assert_str_eq(told.text, "");
    cr_assert_eq(crdt_awareness_count(awareness), 1);
    cr_assert(bytes_equal_text(crdt_awareness_state(awareness, 1), "\"kept\""));
    cr_assert_eq(crdt_awareness_state(awareness, 2).size, 0);
    cr_assert_eq(apply(awareness, &told, 0, (struct entry[]){ { 1, 2, "2" }, { 2, 1, "1" }, { 3, 1, "1" }, { 4, 1, "1" } }, 4),
                 STATUS_OK);
    crdt_awareness_destroy(awareness);
}

Test(awareness, states_that_nobody_renews_expire) {
    struct crdt_awareness *awareness = make(0, 0, 0);
    struct told told;
    apply(awareness, &told, 1000, (struct entry[]){ { 1, 1, "1" }, { 2, 1, "2" } }, 2);
    apply(awareness, &told, 20000, (struct entry[]){ { 2, 2, "2" } }, 1);

    told.text[0] = '\0';
    crdt_awareness_expire(awareness, 1000 + CRDT_AWARENESS_TIMEOUT_MS - 1, tell, &told);
    cr_assert_str_eq(told.text, "");
    crdt_awareness_expire(awareness, 1000 + CRDT_AWARENESS_TIMEOUT_MS, tell, &told);
    cr_assert_str_eq(told.text, "-1 ");
    cr_assert_eq(crdt_awareness_count(awareness), 1);
    crdt_awareness_destroy(awareness);
}

Test(awareness, a_connection_that_ends_takes_its_clients_with_it) {
    static const uint8_t wanted[] = { 0x01, 0x05, 0x03, 0x04, 'n', 'u', 'l', 'l' };
    struct crdt_awareness *awareness = make(0, 0, 0);
    struct crdt_awareness *peer = make(0, 0, 0);
    struct told told;
    struct bytes_writer writer;
    uint64_t clients[] = { 5, 6 };
    bytes_writer_init(&writer, &mem_default, 1000);
    apply(peer, &told, 0, (struct entry[]){ { 5, 3, "{}" } }, 1);
    apply(awareness, &told, 0, (struct entry[]){ { 5, 3, "{}" } }, 1);

    told.text[0] = '\0';
    crdt_awareness_remove(awareness, clients, 2, 1, tell, &told);
    crdt_awareness_encode(awareness, clients, 2, &writer);

    cr_assert_str_eq(told.text, "-5 ");
    cr_assert(bytes_equal(bytes_written(&writer), bytes_of(wanted, sizeof wanted)));
    crdt_awareness_apply(peer, bytes_written(&writer), 2, tell, &told);
    cr_assert_str_eq(told.text, "-5 -5 ", "the peer takes null with the clock it knows");
    bytes_writer_finish(&writer);
    crdt_awareness_destroy(awareness);
    crdt_awareness_destroy(peer);
}

Test(awareness, the_owner_raises_its_clock) {
    struct crdt_awareness *awareness = make(0, 0, 0);
    struct told told = { "" };
    static const uint8_t wanted[] = { 0x01, 0x07, 0x02, 0x01, '2' };
    struct bytes_writer writer;
    bytes_writer_init(&writer, &mem_default, 1000);

    cr_assert_eq(crdt_awareness_set(awareness, 7, bytes_text("1"), 0, tell, &told), STATUS_OK);
    cr_assert_eq(crdt_awareness_set(awareness, 7, bytes_text("2"), 0, tell, &told), STATUS_OK);
    cr_assert_eq(crdt_awareness_set(awareness, 7, bytes_text("{"), 0, tell, &told), STATUS_MALFORMED);
    crdt_awareness_encode_all(awareness, &writer);

    cr_assert_str_eq(told.text, "+7 ~7 ");
    cr_assert(bytes_equal(bytes_written(&writer), bytes_of(wanted, sizeof wanted)));
    bytes_writer_finish(&writer);
    crdt_awareness_destroy(awareness);
}

Test(awareness, those_that_left_longest_ago_are_forgotten_first) {
    struct crdt_awareness *awareness = make(3, 0, 0);
    struct told told;

    for (uint8_t client = 1; client <= 6; client++) {
        cr_assert_eq(apply(awareness, &told, client, (struct entry[]){ { client, 4, "1" } }, 1), STATUS_OK);
        cr_assert_eq(apply(awareness, &told, client, (struct entry[]){ { client, 5, "null" } }, 1), STATUS_OK);
    }

    apply(awareness, &told, 9, (struct entry[]){ { 6, 5, "1" } }, 1);
    cr_assert_str_eq(told.text, "", "6 is remembered");
    apply(awareness, &told, 9, (struct entry[]){ { 1, 1, "1" } }, 1);
    cr_assert_str_eq(told.text, "+1 ", "1 is not");
    crdt_awareness_destroy(awareness);
}

/* Fails the n-th allocation. */
static void *failing_resize(void *context, void *old, size_t old_bytes, size_t bytes) {
    unsigned *until_failure = context;
    if (bytes > 0 && *until_failure > 0 && --*until_failure == 0)
        return NULL;
    return mem_default.resize(NULL, old, old_bytes, bytes);
}

Test(awareness, any_failed_allocation_leaves_it_as_it_was) {
    for (unsigned n = 1; n < 50; n++) {
        unsigned until_failure = 0;
        struct mem mem = { failing_resize, &until_failure };
        struct crdt_awareness_options options = { .mem = &mem };
        struct crdt_awareness *awareness;
        struct told told;
        struct entry entries[] = { { 1, 2, "\"b\"" }, { 2, 1, "\"c\"" }, { 3, 1, "null" }, { 4, 1, "\"d\"" } };
        cr_assert_eq(crdt_awareness_create(&options, &awareness), STATUS_OK);
        apply(awareness, &told, 0, (struct entry[]){ { 1, 1, "\"a\"" } }, 1);

        until_failure = n;
        enum status status = apply(awareness, &told, 0, entries, 4);
        bool failed = until_failure == 0;
        until_failure = 0;

        cr_assert_eq(status, failed ? STATUS_NO_MEMORY : STATUS_OK, "allocation %u", n);
        if (failed) {
            cr_assert_str_eq(told.text, "");
            cr_assert_eq(crdt_awareness_count(awareness), 1);
            cr_assert(bytes_equal_text(crdt_awareness_state(awareness, 1), "\"a\""));
            cr_assert_eq(apply(awareness, &told, 0, entries, 4), STATUS_OK);
        }
        cr_assert_str_eq(told.text, "~1 +2 +4 ");
        crdt_awareness_destroy(awareness);
        if (!failed)
            return;
    }
    cr_assert_fail("no run was without a failure");
}
