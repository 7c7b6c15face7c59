/* on_benchmarks.c — B1 to B3 of crdt-benchmarks (github.com/dmonad/crdt-benchmarks), N = 6,000; B4 is `local-emit` and `remote` on
 * automerge-paper.
 *
 *     B1  one writes, another hears every update                        time: both
 *     B2  two write without knowing of each other, then exchange        time: applying the other's
 *     B3  20 √N clients change the same thing at once                   time: one document hears all of them
 *
 * The texts and places are our own, by a seed; the figures compare with peers that run the same (bench/peers). */
#include "workload.h"

#include <stdlib.h>
#include <string.h>

enum { N = 6000, CLIENTS = 1540, WORD_MAX = 10, SEED = 6000 };

/* ---- B1 ---- */

struct pair {
    struct crdt_doc *writer, *hearer;
    struct crdt_type *root;
    struct bytes_writer update;
    struct bench_random random;
    struct outcome *out;
    uint64_t begin;
};

static struct pair pair_begin(const struct mem *mem, struct outcome *out) {
    struct pair pair = { .writer = bench_doc(mem, 1), .hearer = bench_doc(mem, 2), .random = { SEED }, .out = out };
    pair.root = bench_root(pair.writer, "t");
    pair.update = bench_writer();
    pair.begin = clock_ns();
    return pair;
}

static void pair_tell(struct pair *pair, struct crdt_txn *txn, enum status status) {
    must(status);
    bytes_writer_reset(&pair->update);
    must(crdt_txn_commit(txn, &pair->update, NULL));
    pair->out->bytes += pair->update.size;
    bench_apply(pair->hearer, bytes_written(&pair->update));
    pair->out->ops++;
}

static void pair_insert(struct pair *pair, uint64_t index, struct bytes text) {
    struct crdt_txn *txn = crdt_txn_begin(pair->writer);
    pair_tell(pair, txn, crdt_text_insert(txn, pair->root, index, text));
}

static void pair_delete(struct pair *pair, uint64_t index, uint64_t length) {
    struct crdt_txn *txn = crdt_txn_begin(pair->writer);
    pair_tell(pair, txn, crdt_text_delete(txn, pair->root, index, length));
}

static void pair_numbers(struct pair *pair, uint64_t index, const struct crdt_value *values, size_t count) {
    struct crdt_txn *txn = crdt_txn_begin(pair->writer);
    pair_tell(pair, txn, crdt_array_insert(txn, pair->root, index, values, count));
}

static void pair_end(struct pair *pair) {
    pair->out->ns = clock_ns() - pair->begin;
    struct bytes_writer a = bench_writer();
    struct bytes_writer b = bench_writer();
    must(crdt_state_vector_encode(pair->writer, &a));
    must(crdt_state_vector_encode(pair->hearer, &b));
    must_be(bytes_equal(bytes_written(&a), bytes_written(&b)), "the two differ");
    pair->out->heap_bytes = crdt_doc_size(pair->hearer).heap_bytes;
    bytes_writer_finish(&a);
    bytes_writer_finish(&b);
    bytes_writer_finish(&pair->update);
    crdt_doc_destroy(pair->writer);
    crdt_doc_destroy(pair->hearer);
}

static char letters[N + 1];

static struct bytes text_of(size_t length) {
    memset(letters, 'a', sizeof letters);
    return bytes_of(letters, length);
}

static struct bytes word_of(struct bench_random *random) {
    return text_of(2 + bench_below(random, WORD_MAX - 1));
}

static uint64_t place_in(struct pair *pair) {
    return bench_below(&pair->random, (uint32_t)crdt_type_length(pair->root) + 1);
}

#define B1(name, body)                                                                            \
    static void name(const struct session *session, const struct mem *mem, struct outcome *out) { \
        (void)session;                                                                            \
        struct pair pair = pair_begin(mem, out);                                                  \
        body pair_end(&pair);                                                                     \
    }

B1(b1_1, for (unsigned i = 0; i < N; i++) pair_insert(&pair, i, text_of(1));)
B1(b1_2, pair_insert(&pair, 0, text_of(N));)
B1(b1_3, for (unsigned i = 0; i < N; i++) pair_insert(&pair, 0, text_of(1));)
B1(b1_4, for (unsigned i = 0; i < N; i++) pair_insert(&pair, place_in(&pair), text_of(1));)
B1(b1_5, for (unsigned i = 0; i < N; i++) pair_insert(&pair, place_in(&pair), word_of(&pair.random));)
B1(b1_6, pair_insert(&pair, 0, text_of(N)); pair_delete(&pair, 0, N);)

static void b1_7(const struct session *session, const struct mem *mem, struct outcome *out) {
    (void)session;
    struct pair pair = pair_begin(mem, out);
    for (unsigned i = 0; i < N; i++) {
        uint64_t place = place_in(&pair);
        uint64_t rest = crdt_type_length(pair.root) - place;
        if (rest == 0 || bench_below(&pair.random, 2) == 0)
            pair_insert(&pair, place, word_of(&pair.random));
        else
            pair_delete(&pair, place, 1 + bench_below(&pair.random, (uint32_t)(rest < WORD_MAX ? rest : WORD_MAX)));
    }
    pair_end(&pair);
}

static struct crdt_value numbers[N];

static const struct crdt_value *numbers_make(struct bench_random *random) {
    for (unsigned i = 0; i < N; i++)
        numbers[i] = crdt_number(bench_below(random, 1 << 20));
    return numbers;
}

B1(b1_8, const struct crdt_value *values = numbers_make(&pair.random);
   for (unsigned i = 0; i < N; i++) pair_numbers(&pair, i, values + i, 1);)
B1(b1_9, pair_numbers(&pair, 0, numbers_make(&pair.random), N);)
B1(b1_10, const struct crdt_value *values = numbers_make(&pair.random);
   for (unsigned i = 0; i < N; i++) pair_numbers(&pair, 0, values + i, 1);)
B1(b1_11, const struct crdt_value *values = numbers_make(&pair.random);
   for (unsigned i = 0; i < N; i++) pair_numbers(&pair, place_in(&pair), values + i, 1);)

/* ---- B2 ---- */

enum b2_kind { B2_STRING, B2_LETTERS, B2_WORDS, B2_INSERT_AND_DELETE };

static void b2_write(struct crdt_doc *doc, struct bench_random *random, enum b2_kind kind, struct bytes_writer *update) {
    struct crdt_type *text = bench_root(doc, "t");
    struct crdt_txn *txn = crdt_txn_begin(doc);
    for (unsigned i = 0; i < (kind == B2_STRING ? 1 : N); i++) {
        uint64_t length = crdt_type_length(text);
        uint64_t place = kind == B2_STRING ? 0 : bench_below(random, (uint32_t)length + 1);
        if (kind == B2_INSERT_AND_DELETE && place < length && bench_below(random, 2) == 0)
            must(crdt_text_delete(txn, text, place, 1));
        else
            must(crdt_text_insert(txn, text, place,
                                  kind == B2_STRING    ? text_of(N)
                                  : kind == B2_LETTERS ? text_of(1)
                                                       : word_of(random)));
    }
    must(crdt_txn_commit(txn, update, NULL));
}

static void b2(const struct mem *mem, struct outcome *out, enum b2_kind kind) {
    struct bench_random random = { SEED };
    struct crdt_doc *docs[2];
    struct bytes_writer updates[2] = { bench_writer(), bench_writer() };
    struct bytes_writer begin_state = bench_writer();
    for (unsigned i = 0; i < 2; i++) {
        docs[i] = bench_doc(mem, 1 + i);
        if (i == 0) {
            struct patch patch = { 0, 0, text_of(100) };
            bench_edit(docs[0], bench_root(docs[0], "t"), &patch, &begin_state);
        } else {
            bench_apply(docs[1], bytes_written(&begin_state));
        }
    }
    b2_write(docs[0], &random, kind, &updates[0]);
    b2_write(docs[1], &random, kind, &updates[1]);
    uint64_t begin = clock_ns();
    bench_apply(docs[0], bytes_written(&updates[1]));
    out->ns = clock_ns() - begin;
    out->ops = 1;
    out->bytes = updates[0].size + updates[1].size;
    out->heap_bytes = crdt_doc_size(docs[0]).heap_bytes;
    for (unsigned i = 0; i < 2; i++) {
        bytes_writer_finish(&updates[i]);
        crdt_doc_destroy(docs[i]);
    }
    bytes_writer_finish(&begin_state);
}

#define B2(name, kind)                                                                            \
    static void name(const struct session *session, const struct mem *mem, struct outcome *out) { \
        (void)session;                                                                            \
        b2(mem, out, kind);                                                                       \
    }

B2(b2_1, B2_STRING)
B2(b2_2, B2_LETTERS)
B2(b2_3, B2_WORDS)
B2(b2_4, B2_INSERT_AND_DELETE)

/* ---- B3 ---- */

enum b3_kind { B3_NUMBER_IN_MAP, B3_OBJECT_IN_MAP, B3_STRING_IN_MAP, B3_TEXT_IN_ARRAY, B3_TEXT };

static void b3_write(struct crdt_txn *txn, struct crdt_type *root, unsigned client, enum b3_kind kind) {
    struct crdt_member members[] = { { bytes_text("name"), crdt_number(client) },
                                     { bytes_text("address"), crdt_string(bytes_text("here")) } };
    struct crdt_value value = crdt_number(client);
    struct crdt_type *made;
    switch (kind) {
    case B3_TEXT_IN_ARRAY:
        must(crdt_array_insert_type(txn, root, 0, CRDT_TYPE_TEXT, bytes_text(""), &made));
        must(crdt_text_insert(txn, made, 0, text_of(WORD_MAX)));
        return;
    case B3_TEXT:
        must(crdt_text_insert(txn, root, 0, text_of(WORD_MAX)));
        return;
    case B3_OBJECT_IN_MAP:
        value = (struct crdt_value){ .kind = CRDT_OBJECT, .object = { members, 2 } };
        break;
    case B3_STRING_IN_MAP:
        value = crdt_string(text_of(CLIENTS));
        break;
    default:
        break;
    }
    must(crdt_map_set(txn, root, bytes_text("v"), &value));
}

static void b3(const struct mem *mem, struct outcome *out, enum b3_kind kind) {
    struct bytes_writer *updates = calloc(CLIENTS, sizeof *updates);
    must_be(updates != NULL, "no memory");
    for (unsigned i = 0; i < CLIENTS; i++) {
        updates[i] = bench_writer();
        struct crdt_doc *doc = bench_doc(&mem_default, 1 + i * 2654435761U);
        struct crdt_type *root = bench_root(doc, "t");
        struct crdt_txn *txn = crdt_txn_begin(doc);
        b3_write(txn, root, i, kind);
        must(crdt_txn_commit(txn, &updates[i], NULL));
        crdt_doc_destroy(doc);
        out->bytes += updates[i].size;
    }
    uint64_t begin = clock_ns();
    struct crdt_doc *doc = bench_doc(mem, 1);
    for (unsigned i = 0; i < CLIENTS; i++)
        bench_apply(doc, bytes_written(&updates[i]));
    out->ns = clock_ns() - begin;
    out->ops = CLIENTS;
    out->heap_bytes = crdt_doc_size(doc).heap_bytes;
    for (unsigned i = 0; i < CLIENTS; i++)
        bytes_writer_finish(&updates[i]);
    free(updates);
    crdt_doc_destroy(doc);
}

#define B3(name, kind)                                                                            \
    static void name(const struct session *session, const struct mem *mem, struct outcome *out) { \
        (void)session;                                                                            \
        b3(mem, out, kind);                                                                       \
    }

B3(b3_1, B3_NUMBER_IN_MAP)
B3(b3_2, B3_OBJECT_IN_MAP)
B3(b3_3, B3_STRING_IN_MAP)
B3(b3_4, B3_TEXT_IN_ARRAY)
B3(b3_5, B3_TEXT)

const struct workload workloads_of_crdt_benchmarks[] = {
    { "b1.1", b1_1, WITHOUT_SESSION },   { "b1.2", b1_2, WITHOUT_SESSION },   { "b1.3", b1_3, WITHOUT_SESSION },
    { "b1.4", b1_4, WITHOUT_SESSION },   { "b1.5", b1_5, WITHOUT_SESSION },   { "b1.6", b1_6, WITHOUT_SESSION },
    { "b1.7", b1_7, WITHOUT_SESSION },   { "b1.8", b1_8, WITHOUT_SESSION },   { "b1.9", b1_9, WITHOUT_SESSION },
    { "b1.10", b1_10, WITHOUT_SESSION }, { "b1.11", b1_11, WITHOUT_SESSION }, { "b2.1", b2_1, WITHOUT_SESSION },
    { "b2.2", b2_2, WITHOUT_SESSION },   { "b2.3", b2_3, WITHOUT_SESSION },   { "b2.4", b2_4, WITHOUT_SESSION },
    { "b3.1", b3_1, WITHOUT_SESSION },   { "b3.2", b3_2, WITHOUT_SESSION },   { "b3.3", b3_3, WITHOUT_SESSION },
    { "b3.4", b3_4, WITHOUT_SESSION },   { "b3.5", b3_5, WITHOUT_SESSION },   { NULL, NULL, WITHOUT_SESSION },
};
