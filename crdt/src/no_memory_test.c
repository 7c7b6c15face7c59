/* Every allocation of every question fails once: the answer is STATUS_NO_MEMORY, the writer holds what it held before, the document
 * is as it was, nothing is lost, and the same question answered again says what it says without a failure.
 *
 * (Edits and updates, which change a document, are put to the same test by tests/convergence/faults_main.c.) */
#include "crdt/crdt.h"
#include "doc_check.h"

#include <criterion/criterion.h>
#include <string.h>

struct stage {
    struct mem mem;
    unsigned until_failure; /* 0: never */
    size_t held;
    struct crdt_doc *doc;
    struct crdt_type *text;
    struct bytes_writer v1, v2, vector, snapshot, snapshot_v2; /* of the whole document; a part of it */
};

static void *failing_resize(void *context, void *old, size_t old_bytes, size_t bytes) {
    struct stage *stage = context;
    if (bytes > 0 && stage->until_failure > 0 && --stage->until_failure == 0)
        return NULL;
    void *block = mem_default.resize(NULL, old, old_bytes, bytes);
    if (block != NULL || bytes == 0)
        stage->held += bytes - (old == NULL ? 0 : old_bytes);
    return block;
}

static void must(enum status status) {
    cr_assert_eq(status, STATUS_OK);
}

static void edit(struct stage *stage) {
    struct crdt_type *array;
    struct crdt_type *element;
    struct crdt_type *nested;
    struct crdt_value link = crdt_string(bytes_text("😀"));
    struct crdt_member inner = { bytes_text("href"), link };
    struct crdt_member mark = { bytes_text("link"), { .kind = CRDT_OBJECT, .object = { &inner, 1 } } };
    struct crdt_value options = { .kind = CRDT_OBJECT, .object = { &inner, 1 } };
    struct crdt_value values[] = { crdt_number(0.1),
                                   { .kind = CRDT_BYTES, .bytes = bytes_text("bytes") },
                                   { .kind = CRDT_SUBDOC, .subdoc = { bytes_text("guid"), &options } },
                                   { .kind = CRDT_OBJECT, .object = { &inner, 1 } } };
    must(crdt_doc_root(stage->doc, bytes_text("a"), &array));
    struct crdt_txn *txn = crdt_txn_begin(stage->doc);
    must(crdt_text_insert(txn, stage->text, 0, bytes_text("hello 😀 world")));
    must(crdt_text_format(txn, stage->text, 2, 5, &(struct crdt_object_value){ &mark, 1 }));
    must(crdt_text_insert_embed(txn, stage->text, 3, &options, NULL));
    must(crdt_text_delete(txn, stage->text, 1, 2));
    must(crdt_array_insert(txn, array, 0, values, sizeof values / sizeof *values));
    must(crdt_array_insert_type(txn, array, 1, CRDT_TYPE_XML_ELEMENT, bytes_text("P"), &element));
    must(crdt_map_set(txn, element, bytes_text("id"), &link));
    must(crdt_map_set(txn, element, bytes_text("id"), &values[0]));
    must(crdt_array_insert_type(txn, element, 0, CRDT_TYPE_XML_TEXT, bytes_text(""), &nested));
    must(crdt_text_insert(txn, nested, 0, bytes_text("inner")));
    must(crdt_txn_commit(txn, NULL, NULL));
}

static void stage_make(struct stage *stage) {
    *stage = (struct stage){ .mem = { failing_resize, stage } };
    must(crdt_doc_create(&(struct crdt_doc_options){ .mem = &stage->mem, .client_id = 1 }, &stage->doc));
    must(crdt_doc_root(stage->doc, bytes_text("t"), &stage->text));
    struct bytes_writer *const writers[] = { &stage->v1, &stage->v2, &stage->vector, &stage->snapshot, &stage->snapshot_v2 };
    for (size_t i = 0; i < sizeof writers / sizeof *writers; i++)
        bytes_writer_init(writers[i], &mem_default, SIZE_MAX);
    edit(stage);
    must(crdt_snapshot_encode(stage->doc, CRDT_V1, &stage->snapshot));
    must(crdt_snapshot_encode(stage->doc, CRDT_V2, &stage->snapshot_v2));
    bytes_write(&stage->vector, bytes_of("\x02\x01\x07\x09\x01", 5));
    must(crdt_doc_set_client_id(stage->doc, 9));
    edit(stage);
    struct crdt_txn *txn = crdt_txn_begin(stage->doc);
    must(crdt_update_apply(txn, bytes_of("\x01\x01\x05\x03\x84\x05\x02\x01\x78\x01\x06\x01\x00\x01", 14),
                           NULL)); /* all of it waits */
    must(crdt_txn_commit(txn, NULL, NULL));
    must(crdt_update_encode(stage->doc, &stage->v1));
    must(crdt_update_encode_v2(stage->doc, &stage->v2));
}

typedef enum status question(struct stage *stage, struct bytes_writer *out);

static enum status encode(struct stage *stage, struct bytes_writer *out) {
    return crdt_update_encode(stage->doc, out);
}
static enum status encode_v2(struct stage *stage, struct bytes_writer *out) {
    return crdt_update_encode_v2(stage->doc, out);
}
static enum status encode_diff(struct stage *stage, struct bytes_writer *out) {
    return crdt_update_encode_diff(stage->doc, bytes_written(&stage->vector), out);
}
static enum status encode_diff_v2(struct stage *stage, struct bytes_writer *out) {
    return crdt_update_encode_diff_v2(stage->doc, bytes_written(&stage->vector), out);
}
static enum status state_vector(struct stage *stage, struct bytes_writer *out) {
    return crdt_state_vector_encode(stage->doc, out);
}
static enum status merge(struct stage *stage, struct bytes_writer *out) {
    struct bytes both[] = { bytes_written(&stage->v1), bytes_of("\x01\x01\x05\x00\x00\x02\x00", 7) };
    return crdt_updates_merge(CRDT_V1, both, 2, out);
}
static enum status merge_v2(struct stage *stage, struct bytes_writer *out) {
    struct bytes both[] = { bytes_written(&stage->v2), bytes_written(&stage->v2) };
    return crdt_updates_merge(CRDT_V2, both, 2, out);
}
static enum status merge_one(struct stage *stage, struct bytes_writer *out) {
    struct bytes one = bytes_written(&stage->v2);
    return crdt_updates_merge(CRDT_V2, &one, 1, out);
}
static enum status diff(struct stage *stage, struct bytes_writer *out) {
    return crdt_updates_diff(CRDT_V1, bytes_written(&stage->v1), bytes_written(&stage->vector), out);
}
static enum status diff_v2(struct stage *stage, struct bytes_writer *out) {
    return crdt_updates_diff(CRDT_V2, bytes_written(&stage->v2), bytes_written(&stage->vector), out);
}
static enum status vector_of(struct stage *stage, struct bytes_writer *out) {
    return crdt_updates_state_vector(CRDT_V1, bytes_written(&stage->v1), out);
}
static enum status vector_of_v2(struct stage *stage, struct bytes_writer *out) {
    return crdt_updates_state_vector(CRDT_V2, bytes_written(&stage->v2), out);
}
static enum status to_v1(struct stage *stage, struct bytes_writer *out) {
    return crdt_updates_convert(CRDT_V2, CRDT_V1, bytes_written(&stage->v2), out);
}
static enum status to_v2(struct stage *stage, struct bytes_writer *out) {
    return crdt_updates_convert(CRDT_V1, CRDT_V2, bytes_written(&stage->v1), out);
}
static enum status snapshot(struct stage *stage, struct bytes_writer *out) {
    return crdt_snapshot_encode(stage->doc, CRDT_V1, out);
}
static enum status snapshot_v2(struct stage *stage, struct bytes_writer *out) {
    return crdt_snapshot_encode(stage->doc, CRDT_V2, out);
}
static enum status restore(struct stage *stage, struct bytes_writer *out) {
    return crdt_snapshot_restore(stage->doc, CRDT_V1, bytes_written(&stage->snapshot), out);
}
static enum status restore_v2(struct stage *stage, struct bytes_writer *out) {
    return crdt_snapshot_restore(stage->doc, CRDT_V2, bytes_written(&stage->snapshot_v2), out);
}
static enum status text_then(struct stage *stage, struct bytes_writer *out) {
    return crdt_text_write_at(stage->doc, stage->text, CRDT_V1, bytes_written(&stage->snapshot), out);
}
static enum status text_now(struct stage *stage, struct bytes_writer *out) {
    return crdt_text_write(stage->doc, stage->text, out);
}
static enum status position(struct stage *stage, struct bytes_writer *out) {
    return crdt_position_encode(stage->doc, stage->text, 4, 0, out);
}
static enum status xml(struct stage *stage, struct bytes_writer *out) {
    struct crdt_type *array;
    enum status status = crdt_doc_root(stage->doc, bytes_text("a"), &array);
    return status != STATUS_OK ? status : crdt_xml_write(stage->doc, array, CRDT_TYPE_XML_FRAGMENT, out);
}

static const struct {
    const char *name;
    question *ask;
} questions[] = { { "encode", encode },
                  { "encode v2", encode_v2 },
                  { "encode diff", encode_diff },
                  { "diff", diff },
                  { "encode diff v2", encode_diff_v2 },
                  { "state vector", state_vector },
                  { "merge", merge },
                  { "merge v2", merge_v2 },
                  { "merge one", merge_one },
                  { "diff v2", diff_v2 },
                  { "vector of", vector_of },
                  { "vector of v2", vector_of_v2 },
                  { "to v1", to_v1 },
                  { "to v2", to_v2 },
                  { "snapshot", snapshot },
                  { "snapshot v2", snapshot_v2 },
                  { "restore", restore },
                  { "restore v2", restore_v2 },
                  { "text then", text_then },
                  { "text now", text_now },
                  { "position", position },
                  { "xml", xml } };

Test(no_memory, a_question_that_fails_changes_nothing_and_can_be_asked_again) {
    struct stage stage;
    unsigned all_failures = 0;
    stage_make(&stage);
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
        struct bytes_writer wanted;
        unsigned failures = 0;
        bytes_writer_init(&wanted, &stage.mem, SIZE_MAX);
        bytes_write(&wanted, bytes_text("kept"));
        cr_assert_eq(questions[i].ask(&stage, &wanted), STATUS_OK, "%s", questions[i].name);
        for (bool failed = true; failed; failures++) {
            struct bytes_writer out;
            size_t held = stage.held;
            bytes_writer_init(&out, &stage.mem, SIZE_MAX);
            bytes_write(&out, bytes_text("kept"));

            stage.until_failure = failures + 1;
            enum status status = questions[i].ask(&stage, &out);
            failed = stage.until_failure == 0;
            stage.until_failure = 0;

            cr_assert_eq(status, failed ? STATUS_NO_MEMORY : STATUS_OK, "%s, allocation %u", questions[i].name, failures + 1);
            if (failed) {
                cr_assert(bytes_equal_text(bytes_written(&out), "kept"), "%s, allocation %u", questions[i].name, failures + 1);
                out.status = STATUS_OK; /* the writer's own memory may be what failed: that sticks */
                cr_assert_eq(questions[i].ask(&stage, &out), STATUS_OK, "%s, allocation %u", questions[i].name, failures + 1);
            }
            cr_assert(bytes_equal(bytes_written(&out), bytes_written(&wanted)), "%s", questions[i].name);
            bytes_writer_finish(&out);
            cr_assert_eq(stage.held, held, "%s, allocation %u: memory was lost", questions[i].name, failures + 1);
        }
        all_failures += failures - 1;
        cr_assert_eq(doc_check(stage.doc, NULL), 0, "%s", questions[i].name);
        bytes_writer_finish(&wanted);
    }
    struct bytes_writer *const writers[] = { &stage.v1, &stage.v2, &stage.vector, &stage.snapshot, &stage.snapshot_v2 };
    for (size_t i = 0; i < sizeof writers / sizeof *writers; i++)
        bytes_writer_finish(writers[i]);
    crdt_doc_destroy(stage.doc);
    cr_expect_eq(stage.held, 0);
    cr_expect_geq(all_failures, 100, "%u", all_failures);
}

/* A list's index that cannot grow. */

struct outage {
    struct mem mem;
    bool on;
};

static void *outage_resize(void *context, void *old, size_t old_bytes, size_t bytes) {
    const struct outage *outage = context;
    return outage->on && bytes > 0 ? NULL : mem_default.resize(NULL, old, old_bytes, bytes);
}

/* Letters put and taken at places that jump about, those that find no memory not; `letters` is what should be there. */
static size_t jump_about(struct crdt_doc *doc, struct crdt_type *text, char *letters, unsigned edits) {
    size_t refused = 0;
    for (unsigned i = 0; i < edits; i++) {
        size_t length = strlen(letters);
        size_t at = i * 37 % (length + 1);
        bool takes = i % 5 == 4 && at < length;
        char letter[2] = { (char)('a' + i % 26), 0 };
        struct crdt_txn *txn = crdt_txn_begin(doc);
        enum status status = takes ? crdt_text_delete(txn, text, at, 1) : crdt_text_insert(txn, text, at, bytes_text(letter));
        must(crdt_txn_commit(txn, NULL, NULL));
        refused += status == STATUS_NO_MEMORY;
        if (status == STATUS_OK) {
            memmove(letters + at + !takes, letters + at + takes, length - at + !takes);
            if (!takes)
                letters[at] = letter[0];
        }
        const char *what = "";
        cr_assert_eq(doc_check(doc, &what), 0, "%s", what);
    }
    struct bytes_writer out;
    bytes_writer_init(&out, &mem_default, SIZE_MAX);
    must(crdt_text_write(doc, text, &out));
    cr_assert(bytes_equal(bytes_written(&out), bytes_text(letters)));
    bytes_writer_finish(&out);
    return refused;
}

Test(no_memory, positions_are_right_while_their_index_cannot_grow) {
    struct outage outage = { .mem = { outage_resize, &outage } };
    struct crdt_doc *doc;
    struct crdt_type *text;
    char letters[1024] = "";
    must(crdt_doc_create(&(struct crdt_doc_options){ .mem = &outage.mem, .client_id = 1, .gc = true }, &doc));
    must(crdt_doc_root(doc, bytes_text("t"), &text));
    cr_assert_eq(jump_about(doc, text, letters, 200), 0);

    outage.on = true;
    size_t refused = jump_about(doc, text, letters, 60);
    outage.on = false;

    cr_assert(refused > 0 && refused < 60, "some edits find room, others do not: %zu", refused);
    cr_assert_eq(jump_about(doc, text, letters, 200), 0);
    crdt_doc_destroy(doc);
}

/* The hash of clients, which begins with the second one, fails to begin and then to hold both; at last it does. */
Test(no_memory, a_second_client_finds_room_later) {
    struct stage stage = { .mem = { failing_resize, &stage } };
    must(crdt_doc_create(&(struct crdt_doc_options){ .mem = &stage.mem, .client_id = 1 }, &stage.doc));
    must(crdt_doc_root(stage.doc, bytes_text("t"), &stage.text));
    size_t refused = 0;
    for (enum status status = STATUS_NO_MEMORY; crdt_doc_clock(stage.doc, 2) == 0; refused += status == STATUS_NO_MEMORY) {
        struct crdt_txn *txn = crdt_txn_begin(stage.doc);
        if (refused == 0)
            must(crdt_text_insert(txn, stage.text, 0, bytes_text("first")));
        must(crdt_txn_commit(txn, NULL, NULL));
        must(crdt_doc_set_client_id(stage.doc, 2));
        txn = crdt_txn_begin(stage.doc);
        stage.until_failure = (unsigned)refused + 1;
        status = crdt_text_insert(txn, stage.text, 0, bytes_text("second"));
        stage.until_failure = 0;
        must(crdt_txn_commit(txn, NULL, NULL));
        const char *what = "";
        cr_assert_eq(doc_check(stage.doc, &what), 0, "%s", what);
    }
    cr_assert(refused >= 3, "the block, the hash and more: %zu", refused);
    cr_assert_eq(crdt_doc_clock(stage.doc, 1), 5);
    cr_assert_eq(crdt_doc_clock(stage.doc, 2), 6);
    crdt_doc_destroy(stage.doc);
    cr_assert_eq(stage.held, 0);
}
