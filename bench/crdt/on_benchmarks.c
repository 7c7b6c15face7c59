/* on_benchmarks.c — B1 to B4 of crdt-benchmarks (github.com/dmonad/crdt-benchmarks), N = 6,000, 20 √N = 1,540 clients.
 *
 *     B1  one writes, another hears every update                      time: writing, each change with its update
 *     B2  two write without knowing of each other, then exchange      time: both transactions, both updates applied
 *     B3  1,540 clients change the same thing at once                 time: one of them hears all, in one transaction
 *     B4  a recorded session is typed (automerge-paper)               time: as B1
 *
 * Each is three rows, by what is timed: the work (`bytes`: of all its updates), encoding the whole (`bytes`: its size), and loading
 * that (`heap_bytes`: what it then holds). Letters, words, numbers and places are drawn by a seed of ours, as theirs are by one of
 * theirs. Updates are v1. */
#include "workload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 6000, CLIENTS = 1540, SEED = 6000, ROOM = 1 << 22 };
enum part { WORK, ENCODE, PARSE, PARTS };

static void start_if(bool timed, struct outcome *out) {
    if (timed)
        outcome_start(out);
}

static void stop_if(bool timed, struct outcome *out) {
    if (timed)
        outcome_stop(out);
}

/* Roots are called as the peers call theirs: a name is part of an update's size. */
static const char *root_name;

static struct crdt_type *root_of(struct crdt_doc *doc) {
    return bench_root(doc, root_name);
}

/* ---- what is written ---- */

struct change {
    uint32_t index;
    uint32_t deleted;
    struct bytes text;
    const struct crdt_value *numbers;
    uint32_t number_count;
};

struct script {
    struct change changes[2 * N];
    uint32_t count;
    char letters[20 * N];
    size_t letters_used;
    struct crdt_value numbers[N];
    uint32_t length; /* of the text or list behind the changes */
    struct bench_random random;
};

static struct bytes script_word(struct script *script, uint32_t least, uint32_t most) {
    size_t begin = script->letters_used;
    uint32_t count = least + bench_below(&script->random, most - least + 1);
    must_be(begin + count <= sizeof script->letters, "too many letters");
    for (uint32_t i = 0; i < count; i++)
        script->letters[script->letters_used++] = (char)('a' + bench_below(&script->random, 26));
    return bytes_of(script->letters + begin, count);
}

static void script_add(struct script *script, struct change change) {
    must_be(script->count < sizeof script->changes / sizeof *script->changes, "too many changes");
    script->changes[script->count++] = change;
    script->length += (uint32_t)change.text.size + change.number_count - change.deleted;
}

static void script_insert(struct script *script, uint32_t index, uint32_t least, uint32_t most) {
    script_add(script, (struct change){ .index = index, .text = script_word(script, least, most) });
}

static uint32_t script_place(struct script *script) {
    return bench_below(&script->random, script->length + 1);
}

static void script_insert_or_delete(struct script *script) {
    uint32_t index = script_place(script);
    uint32_t rest = script->length - index;
    if (rest == 0 || bench_below(&script->random, 2) == 0)
        script_insert(script, index, 2, 10);
    else
        script_add(script, (struct change){ .index = index, .deleted = 1 + bench_below(&script->random, rest < 9 ? rest : 9) });
}

static void script_numbers(struct script *script, uint32_t index, uint32_t count) {
    const struct crdt_value *first = script->numbers + script->count;
    for (uint32_t i = 0; i < count; i++)
        script->numbers[script->count + i] = crdt_number(bench_below(&script->random, 0x7fffffff));
    script_add(script, (struct change){ .index = index, .numbers = first, .number_count = count });
}

/* B1.1 … B1.11. The caller frees it. */
static struct script *script_b1(uint32_t number) {
    struct script *script = calloc(1, sizeof *script);
    must_be(script != NULL, "no memory");
    script->random.state = SEED + number;
    bool at_once = number == 2 || number == 6 || number == 9;
    for (uint32_t i = 0; i < (at_once ? 1 : N); i++)
        switch (number) {
        case 1:
            script_insert(script, i, 1, 1);
            break;
        case 2:
            script_insert(script, 0, N, N);
            break;
        case 3:
            script_insert(script, 0, 1, 1);
            break;
        case 4:
            script_insert(script, script_place(script), 1, 1);
            break;
        case 5:
            script_insert(script, script_place(script), 2, 10);
            break;
        case 6:
            script_insert(script, 0, N, N);
            script_add(script, (struct change){ .deleted = N });
            break;
        case 7:
            script_insert_or_delete(script);
            break;
        case 8:
            script_numbers(script, i, 1);
            break;
        case 9:
            script_numbers(script, 0, N);
            break;
        case 10:
            script_numbers(script, 0, 1);
            break;
        default:
            script_numbers(script, script_place(script), 1);
            break;
        }
    return script;
}

/* One side of B2.1 … B2.4, on a text of 100 letters. */
static struct script *script_b2(uint32_t number, uint32_t side) {
    struct script *script = calloc(1, sizeof *script);
    must_be(script != NULL, "no memory");
    script->random.state = SEED + 100 + 10 * number + side;
    script->length = 100;
    for (uint32_t i = 0; i < (number == 1 ? 1 : N); i++)
        switch (number) {
        case 1:
            script_insert(script, 0, N, N);
            break;
        case 2:
            script_insert(script, script_place(script), 1, 1);
            break;
        case 3:
            script_insert(script, script_place(script), 3, 9);
            break;
        default:
            script_insert(script, script_place(script), 3, 9);
            script_insert_or_delete(script);
            break;
        }
    return script;
}

static enum status change_apply(struct crdt_txn *txn, struct crdt_type *root, const struct change *change) {
    if (change->deleted > 0)
        return crdt_text_delete(txn, root, change->index, change->deleted);
    if (change->number_count > 0)
        return crdt_array_insert(txn, root, change->index, change->numbers, change->number_count);
    return crdt_text_insert(txn, root, change->index, change->text);
}

/* What the changes make of an empty text, done naively: `out_length` letters, which the caller frees. */
static char *script_text(const struct script *script, size_t *out_length) {
    char *text = calloc(1, sizeof script->letters);
    must_be(text != NULL, "no memory");
    size_t length = 0;
    for (uint32_t i = 0; i < script->count; i++) {
        const struct change *change = &script->changes[i];
        char *place = text + change->index;
        memmove(place + change->text.size, place + change->deleted, length - change->index - change->deleted);
        if (change->text.size > 0)
            memcpy(place, change->text.data, change->text.size);
        length += change->text.size - change->deleted;
    }
    *out_length = length;
    return text;
}

/* ---- what is asked afterwards ---- */

static bool values_equal(const struct crdt_value *a, const struct crdt_value *b) {
    if (a->kind != b->kind)
        return false;
    if (a->kind == CRDT_NUMBER)
        return a->number == b->number;
    if (a->kind == CRDT_STRING)
        return bytes_equal(a->bytes, b->bytes);
    if (a->kind != CRDT_OBJECT || a->object.count != b->object.count)
        return false;
    for (size_t i = 0; i < a->object.count; i++)
        if (!bytes_equal(a->object.members[i].key, b->object.members[i].key) ||
            !values_equal(&a->object.members[i].value, &b->object.members[i].value))
            return false;
    return true;
}

/* Text, list and the key "v" of the root. How units are joined to runs may differ. */
static void expect_same(struct crdt_doc *a, struct crdt_doc *b) {
    struct crdt_type *roots[2] = { root_of(a), root_of(b) };
    bench_expect_same_text(a, roots[0], b, roots[1]);
    struct arena arena;
    arena_init(&arena, &mem_default, SIZE_MAX);
    struct crdt_value values[2];
    enum status found = crdt_map_get(a, roots[0], bytes_text("v"), &arena, &values[0]);
    must_be(crdt_map_get(b, roots[1], bytes_text("v"), &arena, &values[1]) == found, "only one has the key");
    must_be(found != STATUS_OK || values_equal(&values[0], &values[1]), "two keys differ");
    if (crdt_type_length(roots[0]) <= 2 * N) {
        struct crdt_array_value lists[2];
        must(crdt_array_values(a, roots[0], &arena, &lists[0]));
        must(crdt_array_values(b, roots[1], &arena, &lists[1]));
        must_be(lists[0].count == lists[1].count, "two lists differ in length");
        for (size_t i = 0; i < lists[0].count; i++)
            must_be(values_equal(&lists[0].items[i], &lists[1].items[i]), "two lists differ");
    }
    arena_finish(&arena);
}

/* Encodes the document and loads that; ends `doc`. */
static void finish(struct crdt_doc *doc, uint32_t part, const struct mem *mem, struct outcome *out) {
    struct bytes_writer state = bench_writer(ROOM);
    start_if(part == ENCODE, out);
    must(crdt_update_encode(doc, &state));
    stop_if(part == ENCODE, out);
    start_if(part == PARSE, out);
    struct crdt_doc *copy = bench_doc(mem, 2);
    bench_apply(copy, bytes_written(&state));
    stop_if(part == PARSE, out);
    expect_same(doc, copy);
    if (part != WORK) {
        out->ops = 1;
        out->bytes = state.size;
    }
    out->heap_bytes = crdt_doc_size(part == PARSE ? copy : doc).heap_bytes;
    bytes_writer_finish(&state);
    crdt_doc_destroy(copy);
    crdt_doc_destroy(doc);
}

/* ---- B1 ---- */

static void b1(const struct session *session, uint32_t size, const struct mem *mem, struct outcome *out) {
    (void)session;
    uint32_t number = size / PARTS, part = size % PARTS;
    root_name = number < 8 ? "text" : "list";
    struct script *script = script_b1(number);
    struct bytes_writer updates = bench_writer(ROOM);
    size_t *ends = calloc(script->count, sizeof *ends);
    must_be(ends != NULL, "no memory");
    struct crdt_doc *doc = bench_doc(mem, 1);
    struct crdt_doc *hearer = bench_doc(&mem_default, 2);
    struct crdt_type *root = root_of(doc);
    start_if(part == WORK, out);
    for (uint32_t i = 0; i < script->count; i++) {
        struct crdt_txn *txn = crdt_txn_begin(doc);
        must(change_apply(txn, root, &script->changes[i]));
        must(crdt_txn_commit(txn, &updates, NULL));
        ends[i] = updates.size;
    }
    stop_if(part == WORK, out);
    for (uint32_t i = 0, begin = 0; i < script->count; begin = (uint32_t)ends[i++])
        bench_apply(hearer, bytes_of(updates.data + begin, ends[i] - begin));
    expect_same(doc, hearer);
    must_be(crdt_type_length(root) == script->length, "it has another length");
    if (number < 8) {
        size_t length;
        char *expected = script_text(script, &length);
        bench_expect_text(hearer, root_of(hearer), bytes_of(expected, length));
        free(expected);
    }
    out->ops = script->count;
    out->bytes = updates.size;
    free(ends);
    free(script);
    bytes_writer_finish(&updates);
    crdt_doc_destroy(hearer);
    finish(doc, part, mem, out);
}

/* ---- B2 ---- */

static void b2(const struct session *session, uint32_t size, const struct mem *mem, struct outcome *out) {
    (void)session;
    uint32_t number = size / PARTS, part = size % PARTS;
    root_name = "text";
    struct crdt_doc *docs[2];
    struct script *scripts[2];
    struct bytes_writer updates[2];
    struct bytes_writer common = bench_writer(1);
    struct trace_patch hundred = { 0, 0,
                                   bytes_text("0123456789012345678901234567890123456789012345678901234567890123456789012345"
                                              "678901234567890123456789") };
    for (uint32_t i = 0; i < 2; i++) {
        docs[i] = bench_doc(mem, 1 + i);
        scripts[i] = script_b2(number, i);
        updates[i] = bench_writer(ROOM);
    }
    bench_edit(docs[0], root_of(docs[0]), &hundred, &common);
    bench_apply(docs[1], bytes_written(&common));
    start_if(part == WORK, out);
    for (uint32_t i = 0; i < 2; i++) {
        struct crdt_type *text = root_of(docs[i]);
        struct crdt_txn *txn = crdt_txn_begin(docs[i]);
        for (uint32_t at = 0; at < scripts[i]->count; at++)
            must(change_apply(txn, text, &scripts[i]->changes[at]));
        must(crdt_txn_commit(txn, &updates[i], NULL));
    }
    bench_apply(docs[1], bytes_written(&updates[0]));
    bench_apply(docs[0], bytes_written(&updates[1]));
    stop_if(part == WORK, out);
    bench_expect_same_text(docs[0], root_of(docs[0]), docs[1], root_of(docs[1]));
    must_be(number == 4 || crdt_text_length(root_of(docs[0])) == scripts[0]->length + scripts[1]->length - 100,
            "letters are missing");
    out->ops = scripts[0]->count + scripts[1]->count;
    out->bytes = updates[0].size + updates[1].size;
    for (uint32_t i = 0; i < 2; i++) {
        bytes_writer_finish(&updates[i]);
        free(scripts[i]);
    }
    bytes_writer_finish(&common);
    crdt_doc_destroy(docs[1]);
    finish(docs[0], part, mem, out);
}

/* ---- B3 ---- */

static void b3_write(struct crdt_txn *txn, struct crdt_type *root, uint32_t number, uint32_t client) {
    char digits[16], many[16 * CLIENTS];
    size_t length = (size_t)snprintf(digits, sizeof digits, "%u", client);
    struct crdt_value value = crdt_number(client);
    struct crdt_value name = crdt_string(bytes_text(digits));
    struct crdt_member members[] = { { bytes_text("name"), name }, { bytes_text("address"), crdt_string(bytes_text("here")) } };
    switch (number) {
    case 2:
        value = (struct crdt_value){ .kind = CRDT_OBJECT, .object = { members, 2 } };
        break;
    case 3:
        for (uint32_t i = 0; i < CLIENTS; i++)
            memcpy(many + i * length, digits, length);
        value = crdt_string(bytes_of(many, length * CLIENTS));
        break;
    case 4:
        must(crdt_array_insert(txn, root, 0, &name, 1));
        return;
    case 5:
        must(crdt_text_insert(txn, root, 0, name.bytes));
        return;
    default:
        break;
    }
    must(crdt_map_set(txn, root, bytes_text("v"), &value));
}

static uint64_t b3_client(uint32_t i) {
    return 1 + i * 2654435761U;
}

/* B3.1 a number, .2 an object, .3 a long string under one key; .4 a string at the beginning of a list; .5 a word at the beginning
 * of a text. */
static void b3(const struct session *session, uint32_t size, const struct mem *mem, struct outcome *out) {
    (void)session;
    uint32_t number = size / PARTS, part = size % PARTS;
    root_name = number < 4 ? "map" : number == 4 ? "list" : "text";
    struct bytes_writer updates = bench_writer(ROOM);
    static size_t ends[CLIENTS];
    struct crdt_doc *hearers[2];
    for (uint32_t i = 0; i < CLIENTS; i++) {
        struct crdt_doc *doc = bench_doc(i < 2 ? mem : &mem_default, b3_client(i));
        struct crdt_type *root = root_of(doc);
        struct crdt_txn *txn = crdt_txn_begin(doc);
        b3_write(txn, root, number, i);
        must(crdt_txn_commit(txn, &updates, NULL));
        ends[i] = updates.size;
        if (i < 2)
            hearers[i] = doc;
        else
            crdt_doc_destroy(doc);
    }
    for (uint32_t hearer = 0; hearer < 2; hearer++) {
        start_if(part == WORK && hearer == 1, out);
        struct crdt_txn *txn = crdt_txn_begin(hearers[hearer]);
        for (size_t i = 0, begin = 0; i < CLIENTS; begin = ends[i++])
            must(crdt_update_apply(txn, bytes_of(updates.data + begin, ends[i] - begin), NULL));
        must(crdt_txn_commit(txn, NULL, NULL));
        stop_if(part == WORK && hearer == 1, out);
    }
    expect_same(hearers[0], hearers[1]);
    must_be(crdt_doc_size(hearers[1]).clients == CLIENTS, "clients are missing");
    out->ops = CLIENTS;
    out->bytes = updates.size;
    bytes_writer_finish(&updates);
    crdt_doc_destroy(hearers[0]);
    finish(hearers[1], part, mem, out);
}

/* ---- B4 ---- */

static void b4(const struct session *session, uint32_t part, const struct mem *mem, struct outcome *out) {
    root_name = session->root;
    struct bytes_writer update = bench_writer(ROOM);
    struct crdt_doc *doc = bench_doc(mem, 1);
    struct crdt_type *text = root_of(doc);
    uint64_t bytes = 0;
    start_if(part == WORK, out);
    for (size_t i = 0; i < session->patch_count; i++) {
        bytes_writer_reset(&update);
        bench_edit(doc, text, &session->patches[i], &update);
        bytes += update.size;
    }
    stop_if(part == WORK, out);
    bench_expect_text(doc, text, session->text);
    out->ops = session->patch_count;
    out->bytes = bytes;
    bytes_writer_finish(&update);
    finish(doc, part, mem, out);
}

#define ROWS(workload, title, run, number)                                              \
    { workload, title, run, (number)*PARTS + WORK, WITHOUT_SESSION },                   \
        { workload, title " encode", run, (number)*PARTS + ENCODE, WITHOUT_SESSION }, { \
        workload, title " parse", run, (number)*PARTS + PARSE, WITHOUT_SESSION          \
    }

const struct workload workloads_of_crdt_benchmarks[] = {
    ROWS("b1", "B1.1", b1, 1),
    ROWS("b1", "B1.2", b1, 2),
    ROWS("b1", "B1.3", b1, 3),
    ROWS("b1", "B1.4", b1, 4),
    ROWS("b1", "B1.5", b1, 5),
    ROWS("b1", "B1.6", b1, 6),
    ROWS("b1", "B1.7", b1, 7),
    ROWS("b1", "B1.8", b1, 8),
    ROWS("b1", "B1.9", b1, 9),
    ROWS("b1", "B1.10", b1, 10),
    ROWS("b1", "B1.11", b1, 11),
    ROWS("b2", "B2.1", b2, 1),
    ROWS("b2", "B2.2", b2, 2),
    ROWS("b2", "B2.3", b2, 3),
    ROWS("b2", "B2.4", b2, 4),
    ROWS("b3", "B3.1", b3, 1),
    ROWS("b3", "B3.2", b3, 2),
    ROWS("b3", "B3.3", b3, 3),
    ROWS("b3", "B3.4", b3, 4),
    ROWS("b3", "B3.5", b3, 5),
    { "b4", "B4", b4, WORK, ON_AUTOMERGE_PAPER },
    { "b4", "B4 encode", b4, ENCODE, ON_AUTOMERGE_PAPER },
    { "b4", "B4 parse", b4, PARSE, ON_AUTOMERGE_PAPER },
    { NULL, NULL, NULL, 0, WITHOUT_SESSION },
};
