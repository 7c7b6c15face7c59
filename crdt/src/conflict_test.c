#include "crdt/crdt.h"
#include "doc_check.h"
#include "store.h"

#include <criterion/criterion.h>

enum { UPDATES_MAX = 400, HEARD_MAX = 40 };

/* Updates of many writers, each of whom had heard but a few others. */
struct noise {
    uint64_t random;
    uint32_t calm; /* of so many, one does something else than to write between the first two letters, having heard of nobody */
    struct bytes_writer updates[UPDATES_MAX];
    uint32_t count;
};

static uint32_t noise_below(struct noise *noise, uint32_t count) {
    noise->random = noise->random * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)((noise->random >> 33) % count);
}

static struct crdt_doc *doc_of(uint64_t client_id) {
    struct crdt_doc *doc;
    cr_assert_eq(crdt_doc_create(&(struct crdt_doc_options){ .client_id = client_id, .gc = true }, &doc), STATUS_OK);
    return doc;
}

static struct crdt_update_result hear(struct crdt_doc *doc, struct bytes update) {
    struct crdt_update_result result;
    struct crdt_txn *txn = crdt_txn_begin(doc);
    cr_assert_eq(crdt_update_apply(txn, update, &result), STATUS_OK);
    cr_assert_eq(crdt_txn_commit(txn, NULL, NULL), STATUS_OK);
    return result;
}

static struct bytes_writer *noise_next(struct noise *noise) {
    cr_assert_lt(noise->count, UPDATES_MAX);
    struct bytes_writer *update = &noise->updates[noise->count++];
    bytes_writer_init(update, &mem_default, SIZE_MAX);
    return update;
}

/* Mostly a word between the first two letters; sometimes anywhere, a deletion, or a key. */
static void noise_edit(struct noise *noise, struct crdt_doc *doc) {
    static const char *const words[] = { "a", "bc", "def", "가" };
    struct crdt_type *text;
    struct crdt_type *map;
    cr_assert_eq(crdt_doc_root(doc, bytes_text("text"), &text), STATUS_OK);
    cr_assert_eq(crdt_doc_root(doc, bytes_text("map"), &map), STATUS_OK);
    struct crdt_txn *txn = crdt_txn_begin(doc);
    uint32_t length = (uint32_t)crdt_text_length(text);
    uint32_t what = noise_below(noise, noise->calm) == 0 ? noise_below(noise, 20) : 10 + noise_below(noise, 4);
    struct crdt_value number = crdt_number(what);
    enum status status;
    if (what < 3)
        status = crdt_map_set(txn, map, bytes_text("key"), &number);
    else if (what < 5)
        status = crdt_text_delete(txn, text, noise_below(noise, length), 1);
    else
        status = crdt_text_insert(txn, text, what < 15 ? 1 : noise_below(noise, length + 1), bytes_text(words[what % 4]));
    cr_assert_eq(status, STATUS_OK);
    cr_assert_eq(crdt_txn_commit(txn, noise_next(noise), NULL), STATUS_OK);
}

static void noise_make(struct noise *noise, uint64_t seed) {
    *noise = (struct noise){ .random = seed, .calm = seed % 2 == 0 ? 1 : 40 };
    struct crdt_doc *first = doc_of(1 + noise_below(noise, 1000));
    struct crdt_type *text;
    cr_assert_eq(crdt_doc_root(first, bytes_text("text"), &text), STATUS_OK);
    struct crdt_txn *txn = crdt_txn_begin(first);
    cr_assert_eq(crdt_text_insert(txn, text, 0, bytes_text("two")), STATUS_OK);
    cr_assert_eq(crdt_txn_commit(txn, noise_next(noise), NULL), STATUS_OK);
    crdt_doc_destroy(first);
    while (noise->count < UPDATES_MAX - 4) {
        struct crdt_doc *doc = doc_of(2000 + noise_below(noise, 1000000));
        hear(doc, bytes_written(&noise->updates[0]));
        bool hears = noise_below(noise, noise->calm) == 0 && noise_below(noise, 3) == 0;
        for (uint32_t heard = hears ? noise_below(noise, HEARD_MAX) : 0; heard > 0; heard--)
            hear(doc, bytes_written(&noise->updates[noise_below(noise, noise->count)]));
        for (uint32_t edits = 1 + noise_below(noise, noise->calm == 1 ? 3 : 1); edits > 0; edits--)
            noise_edit(noise, doc);
        crdt_doc_destroy(doc);
    }
}

static void expect_same_bytes(const struct crdt_doc *a, const struct crdt_doc *b, uint64_t seed) {
    struct bytes_writer states[2];
    for (unsigned i = 0; i < 2; i++) {
        bytes_writer_init(&states[i], &mem_default, SIZE_MAX);
        cr_assert_eq(crdt_update_encode((struct crdt_doc *)(i == 0 ? a : b), &states[i]), STATUS_OK);
    }
    cr_assert(bytes_equal(bytes_written(&states[0]), bytes_written(&states[1])), "seed %llu", (unsigned long long)seed);
    bytes_writer_finish(&states[0]);
    bytes_writer_finish(&states[1]);
}

static void expect_same_text(struct crdt_doc *a, struct crdt_doc *b, const char *root, uint64_t seed) {
    struct crdt_doc *docs[] = { a, b };
    struct bytes_writer texts[2];
    for (unsigned i = 0; i < 2; i++) {
        struct crdt_type *text;
        cr_assert_eq(crdt_doc_root(docs[i], bytes_text(root), &text), STATUS_OK);
        bytes_writer_init(&texts[i], &mem_default, SIZE_MAX);
        cr_assert_eq(crdt_text_write(docs[i], text, &texts[i]), STATUS_OK);
    }
    cr_assert(bytes_equal(bytes_written(&texts[0]), bytes_written(&texts[1])), "seed %llu", (unsigned long long)seed);
    bytes_writer_finish(&texts[0]);
    bytes_writer_finish(&texts[1]);
}

/* The twin forgets its notes before each update, so it walks over all. Its marks do not run out. */
Test(conflict, a_walk_that_begins_at_a_noted_sibling_ends_where_the_whole_one_does) {
    static struct noise noise;
    uint64_t steps[2] = { 0, 0 };
    for (uint64_t seed = 1; seed <= 12; seed++) {
        noise_make(&noise, seed);
        struct crdt_doc *doc = doc_of(1);
        struct crdt_doc *twin = doc_of(1);
        doc->mark = UINT32_MAX - 200;
        for (uint32_t left = noise.count; left > 0; left--) {
            uint32_t at = noise_below(&noise, left);
            struct bytes_writer update = noise.updates[at];
            noise.updates[at] = noise.updates[left - 1];
            siblings_drop(twin);
            steps[0] += hear(doc, bytes_written(&update)).conflict_steps;
            steps[1] += hear(twin, bytes_written(&update)).conflict_steps;
            bytes_writer_finish(&update);
            const char *what = "";
            cr_assert_eq(doc_check(doc, &what), 0, "seed %llu: %s", (unsigned long long)seed, what);
        }
        expect_same_bytes(doc, twin, seed);
        expect_same_text(doc, twin, "text", seed);
        crdt_doc_destroy(doc);
        crdt_doc_destroy(twin);
    }
    cr_expect_lt(steps[0], steps[1]);
}

/* Each writes a word between "t" and "wo", having heard of nobody else. */
static struct crdt_doc *doc_with_siblings(uint32_t count, uint64_t *out_steps) {
    struct crdt_doc *doc = doc_of(1);
    uint8_t update[] = { 1, 1, 1, 0, 4, 1, 1, 't', 3, 't', 'w', 'o', 0 };
    hear(doc, bytes_of(update, sizeof update));
    *out_steps = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t client = 1000 + (uint64_t)i * 7919 % count; /* a prime */
        uint8_t word[] = { 1, 1, (uint8_t)(client & 0x7f) | 0x80, (uint8_t)(client >> 7), 0, 0xc4, 1, 0, 1, 1, 1, 'x', 0 };
        *out_steps += hear(doc, bytes_of(word, sizeof word)).conflict_steps;
    }
    return doc;
}

Test(conflict, among_thousands_of_siblings_a_place_is_found_in_few_steps) {
    enum { COUNT = 5000 };
    uint64_t steps;
    struct crdt_doc *doc = doc_with_siblings(COUNT, &steps);

    cr_expect_lt(steps, COUNT * 40);
    cr_expect_eq(doc_check(doc, NULL), 0);
    const struct siblings *siblings = doc->siblings;
    cr_assert_not_null(siblings);
    for (uint32_t i = 1; i < siblings->count; i++)
        cr_assert_lt(siblings->notes[i - 1].id, siblings->notes[i].id);
    crdt_doc_destroy(doc);
}

/* No editor writes that, but Yjs takes it: the second goes before the first, and behind all of smaller ids. */
Test(conflict, who_writes_twice_between_the_same_neighbours_is_found_a_place_before_his_first) {
    enum { COUNT = 97 };
    struct crdt_doc *docs[2];
    for (unsigned i = 0; i < 2; i++) {
        docs[i] = doc_of(1);
        uint8_t update[] = { 1, 1, 1, 0, 4, 1, 1, 't', 3, 't', 'w', 'o', 0 };
        hear(docs[i], bytes_of(update, sizeof update));
    }
    for (uint8_t clock = 0; clock < 2; clock++)
        for (uint32_t i = 0; i < COUNT; i++) {
            uint8_t client = (uint8_t)(10 + i * 31 % COUNT);
            uint8_t word[] = { 1, 1, client, clock, 0xc4, 1, 0, 1, 1, 1, (uint8_t)(' ' + client % 90), 0 };
            siblings_drop(docs[1]);
            for (unsigned of = 0; of < 2; of++)
                hear(docs[of], bytes_of(word, sizeof word));
            cr_assert_eq(doc_check(docs[0], NULL), 0);
        }

    expect_same_text(docs[0], docs[1], "t", 0);
    crdt_doc_destroy(docs[0]);
    crdt_doc_destroy(docs[1]);
}

Test(conflict, notes_are_forgotten_when_a_run_among_them_is_cut) {
    uint64_t steps;
    struct crdt_doc *doc = doc_with_siblings(100, &steps);
    struct crdt_type *text;
    cr_assert_eq(crdt_doc_root(doc, bytes_text("t"), &text), STATUS_OK);
    cr_assert_eq(doc->siblings->changes, doc->items.changes);
    struct crdt_txn *txn = crdt_txn_begin(doc);
    cr_assert_eq(crdt_text_insert(txn, text, 50, bytes_text("!")), STATUS_OK);
    cr_assert_eq(crdt_txn_commit(txn, NULL, NULL), STATUS_OK);

    cr_expect_neq(doc->siblings->changes, doc->items.changes);
    crdt_doc_destroy(doc);
}
