/* session.c — sessions from files, and one from a seed.
 *
 * The seeded session writes Korean, emoji and some code in bursts at places that jump now and then, and deletes a fifth of it: what
 * texts outside ASCII cost. Its updates and states are what the engine made of it once. */
#include "trace_file.h"
#include "workload.h"

#include "ground/utf.h"
#include "ground/varint.h"

#include <stdlib.h>
#include <string.h>

static struct bytes copy(struct bytes bytes) {
    uint8_t *data = malloc(bytes.size + 1);
    must_be(data != NULL, "no memory");
    memcpy(data, bytes.data == NULL ? (const uint8_t *)"" : bytes.data, bytes.size);
    return bytes_of(data, bytes.size);
}

static void read_patches(struct session *session, struct bytes file) {
    struct bytes_reader reader = bytes_reader(bytes_of(file.data + 8, file.size - 8));
    session->patch_count = trace_read_u32(&reader);
    session->patches = calloc(session->patch_count + 1, sizeof *session->patches);
    must_be(session->patches != NULL, "no memory");
    for (size_t i = 0; i < session->patch_count; i++) {
        struct patch *patch = &session->patches[i];
        patch->position = trace_read_u32(&reader);
        patch->deleted = trace_read_u32(&reader);
        patch->inserted = trace_read_view(&reader);
    }
}

static void read_updates(struct session *session, struct bytes file) {
    struct bytes_reader reader = bytes_reader(bytes_of(file.data + 8, file.size - 8));
    session->update_count = trace_read_u32(&reader);
    trace_read_u32(&reader); /* agents */
    session->updates = calloc(session->update_count + 1, sizeof *session->updates);
    must_be(session->updates != NULL, "no memory");
    for (size_t i = 0; i < session->update_count; i++) {
        trace_read_u32(&reader); /* the agent */
        session->updates[i] = trace_read_view(&reader);
    }
}

static void load_recorded(struct session *session, const char *folder, const char *name, bool one_writer) {
    *session = (struct session){ .name = name, .root = "text" };
    if (one_writer)
        read_patches(session, trace_file_load(folder, name, "trace"));
    read_updates(session, trace_file_load(folder, name, "ylog"));
    session->state_v1 = trace_file_load(folder, name, "final.v1");
    session->state_v2 = trace_file_load(folder, name, "final.v2");
    session->text = trace_file_load(folder, name, "txt");
}

/* ---- the seeded one ---- */

enum { SEEDED_EDITS = 60000, SEED = 20260117 };

static const char *const pieces[] = { "가", "나다", "한글 ", "입력", "중에",   "😀",    "👩‍💻", "é",
                                      "a",  "b",    " ",     "\n",   "x = 1;", "함수", "🇰🇷" };

/* Which units are second halves of a pair: places that no editor offers. */
struct shape {
    bool *is_low;
    size_t length;
};

static void shape_insert(struct shape *shape, size_t at, struct bytes utf8, size_t units) {
    memmove(shape->is_low + at + units, shape->is_low + at, shape->length - at);
    size_t unit = at;
    for (size_t i = 0; i < utf8.size; i++) {
        if ((utf8.data[i] & 0xc0) == 0x80)
            continue;
        shape->is_low[unit++] = false;
        if (utf8.data[i] >= 0xf0)
            shape->is_low[unit++] = true;
    }
    shape->length += units;
}

static void make_seeded(struct session *session) {
    struct bench_random random = { SEED };
    struct shape shape = { calloc(1, SEEDED_EDITS * 16), 0 };
    *session =
        (struct session){ .name = "seeded-korean", .root = "text", .patch_count = SEEDED_EDITS, .update_count = SEEDED_EDITS };
    session->patches = calloc(SEEDED_EDITS, sizeof *session->patches);
    session->updates = calloc(SEEDED_EDITS, sizeof *session->updates);
    must_be(shape.is_low != NULL && session->patches != NULL && session->updates != NULL, "no memory");
    struct crdt_doc *doc = bench_doc(&mem_default, 1001);
    struct crdt_type *text = bench_root(doc, "text");
    struct bytes_writer out = bench_writer();
    size_t cursor = 0;
    for (size_t i = 0; i < SEEDED_EDITS; i++) {
        struct patch *patch = &session->patches[i];
        if (bench_below(&random, 40) == 0)
            cursor = bench_below(&random, (uint32_t)shape.length + 1);
        while (cursor > 0 && cursor < shape.length && shape.is_low[cursor])
            cursor--;
        patch->position = (uint32_t)cursor;
        if (cursor > 0 && bench_below(&random, 5) == 0) { /* backspace */
            size_t units = cursor > 1 && shape.is_low[cursor - 1] ? 2 : 1;
            *patch = (struct patch){ (uint32_t)(cursor - units), (uint32_t)units, bytes_text("") };
            memmove(shape.is_low + cursor - units, shape.is_low + cursor, shape.length - cursor);
            shape.length -= units;
            cursor -= units;
        } else {
            size_t units;
            patch->inserted = bytes_text(pieces[bench_below(&random, sizeof pieces / sizeof *pieces)]);
            must_be(utf_check(patch->inserted, &units), "a piece is not UTF-8");
            shape_insert(&shape, cursor, patch->inserted, units);
            cursor += units;
        }
        bytes_writer_reset(&out);
        bench_edit(doc, text, patch, &out);
        session->updates[i] = copy(bytes_written(&out));
    }
    bytes_writer_reset(&out);
    must(crdt_update_encode(doc, &out));
    session->state_v1 = copy(bytes_written(&out));
    bytes_writer_reset(&out);
    must(crdt_update_encode_v2(doc, &out));
    session->state_v2 = copy(bytes_written(&out));
    bytes_writer_reset(&out);
    must(crdt_text_write(doc, text, &out));
    session->text = copy(bytes_written(&out));
    bytes_writer_finish(&out);
    crdt_doc_destroy(doc);
    free(shape.is_low);
}

struct session *sessions_load(const char *folder, size_t *out_count) {
    static const struct {
        const char *name;
        bool one_writer;
    } recorded[] = { { "automerge-paper", true }, { "rustcode", true },        { "sveltecomponent", true },
                     { "seph-blog1", true },      { "friendsforever", false }, { "clownschool", false } };
    static struct session sessions[sizeof recorded / sizeof *recorded + 1];
    size_t count = 0;
    for (; count < sizeof recorded / sizeof *recorded; count++)
        load_recorded(&sessions[count], folder, recorded[count].name, recorded[count].one_writer);
    make_seeded(&sessions[count++]);
    *out_count = count;
    return sessions;
}
