#include "recording.h"

#include "crdt/crdt.h"

#include <criterion/criterion.h>

static struct bytes_writer text_of(const struct recording *recording, size_t lane, uint64_t updates) {
    struct crdt_doc *doc;
    struct crdt_type *text;
    struct bytes_writer out;
    bytes_writer_init(&out, &mem_default, 1 << 24);
    cr_assert_eq(crdt_doc_create(&(struct crdt_doc_options){ .gc = true }, &doc), STATUS_OK);
    cr_assert_eq(crdt_doc_root(doc, bytes_text("text"), &text), STATUS_OK);
    for (uint64_t i = 0; i < updates; i++) {
        struct crdt_txn *txn = crdt_txn_begin(doc);
        cr_assert_eq(crdt_update_apply(txn, recording_update(recording, lane, i), NULL), STATUS_OK);
        crdt_txn_commit(txn, NULL, NULL);
    }
    cr_assert_eq(crdt_text_write(doc, text, &out), STATUS_OK);
    crdt_doc_destroy(doc);
    return out;
}

Test(recording, types_the_whole_session_in_every_lane) {
    struct recording recording;
    recording_load(&recording, TRACES "/sveltecomponent.trace.zst", 500, 2);

    struct bytes_writer first = text_of(&recording, 0, recording.update_count);
    struct bytes_writer second = text_of(&recording, 1, recording.update_count);

    cr_assert_eq(first.size, 18451); /* text bytes of tests/data/traces/README.md */
    cr_assert(bytes_equal(bytes_written(&first), bytes_written(&second)));
    bytes_writer_finish(&first);
    bytes_writer_finish(&second);
    recording_finish(&recording);
}

Test(recording, tells_updates_by_the_clock_behind_them) {
    struct recording recording;
    recording_load(&recording, TRACES "/sveltecomponent.trace.zst", 500, 1);
    const uint64_t *units_to = recording.units_to;

    cr_assert_eq(recording_number(&recording, 0), 0);
    for (size_t i = 0; i < recording.update_count; i++) {
        cr_assert_eq(recording_number(&recording, units_to[i]), i + 1);
        cr_assert_eq(recording_number(&recording, units_to[i] - 1), i, "a part of an update counts");
    }
    recording_finish(&recording);
}
