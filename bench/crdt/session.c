/* session.c — sessions from files, and one from a seed.
 *
 * What one writer recorded is typed once more, by client 1: what an update weighs depends on the client's id, and the figures that
 * others publish are those of small ids. The updates and states are what the engine makes of it. What several people recorded stays
 * as Yjs wrote it.
 *
 * The seeded session writes Korean, emoji and some code in bursts at places that jump now and then, and deletes a fifth of it: what
 * texts outside ASCII cost. */
#include "trace_file.h"
#include "workload.h"

#include "ground/utf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One writer's first. */
enum { SEEDED = 4, SEVERAL = 5 };
const char *const session_names[SESSION_COUNT] = { "automerge-paper", "rustcode",       "sveltecomponent", "seph-blog1",
                                                   "seeded-korean",   "friendsforever", "clownschool" };

enum workload_needs session_suits(size_t index) {
    return index < SEVERAL ? ON_ONE_WRITER : ON_SEVERAL_WRITERS;
}

static void *room_for(size_t count, size_t size) {
    void *room = calloc(count + 1, size);
    must_be(room != NULL, "no memory");
    return room;
}

/* Behind the magic and the version. */
static struct bytes_reader records_of(struct bytes file) {
    must_be(file.size > 8, "a session's file is too short");
    return bytes_reader(bytes_of(file.data + 8, file.size - 8));
}

static void read_updates(struct session *session, struct bytes file) {
    struct bytes_reader reader = records_of(file);
    session->update_count = trace_read_u32(&reader);
    trace_read_u32(&reader); /* agents */
    session->updates = room_for(session->update_count, sizeof *session->updates);
    for (size_t i = 0; i < session->update_count; i++) {
        trace_read_u32(&reader); /* the agent */
        session->updates[i] = trace_read_view(&reader);
    }
}

/* ---- the seeded one's patches ---- */

enum { SEEDED_EDITS = 60000, SEED = 20260117, PIECE_UNITS_MAX = 16 };

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

static void make_patches(struct session *session) {
    struct bench_random random = { SEED };
    struct shape shape = { room_for(SEEDED_EDITS, PIECE_UNITS_MAX), 0 };
    session->patch_count = SEEDED_EDITS;
    session->patches = room_for(SEEDED_EDITS, sizeof *session->patches);
    size_t cursor = 0;
    for (size_t i = 0; i < SEEDED_EDITS; i++) {
        struct trace_patch *patch = &session->patches[i];
        if (bench_below(&random, 40) == 0)
            cursor = bench_below(&random, (uint32_t)shape.length + 1);
        while (cursor > 0 && cursor < shape.length && shape.is_low[cursor])
            cursor--;
        patch->position = (uint32_t)cursor;
        if (cursor > 0 && bench_below(&random, 5) == 0) { /* backspace */
            size_t units = cursor > 1 && shape.is_low[cursor - 1] ? 2 : 1;
            *patch = (struct trace_patch){ (uint32_t)(cursor - units), (uint32_t)units, bytes_text("") };
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
    }
    free(shape.is_low);
}

/* ---- typing ---- */

static struct bytes take(struct bytes_writer *writer) {
    size_t size, capacity;
    uint8_t *data = bytes_writer_take(writer, &size, &capacity);
    return bytes_of(data, size);
}

/* The patches by client 1: updates, states and the text. */
static void type_patches(struct session *session) {
    struct crdt_doc *doc = bench_doc(&mem_default, 1);
    struct crdt_type *text = bench_root(doc, session->root);
    struct bytes_writer out = bench_writer(1);
    session->update_count = session->patch_count;
    session->updates = room_for(session->update_count, sizeof *session->updates);
    for (size_t i = 0; i < session->patch_count; i++) {
        size_t before = out.size;
        bench_edit(doc, text, &session->patches[i], &out);
        session->updates[i].size = out.size - before;
    }
    const uint8_t *data = take(&out).data;
    for (size_t i = 0; i < session->update_count; i++) {
        session->updates[i].data = data;
        data += session->updates[i].size;
    }
    must(crdt_update_encode(doc, &out));
    session->state_v1 = take(&out);
    must(crdt_update_encode_v2(doc, &out));
    session->state_v2 = take(&out);
    must(crdt_text_write(doc, text, &out));
    session->text = take(&out);
    bytes_writer_finish(&out);
    crdt_doc_destroy(doc);
}

static uint32_t middle_of(struct bytes text) {
    struct bytes before = bytes_of(text.data, text.size / 2);
    while (before.size > 0 && (text.data[before.size] & 0xc0) == 0x80)
        before.size--;
    size_t units;
    must_be(utf_check(before, &units), "the text is not UTF-8");
    return (uint32_t)units;
}

const struct session *session_load(const char *folder, size_t index) {
    static struct session sessions[SESSION_COUNT];
    struct session *session = &sessions[index];
    const char *name = session_names[index];
    if (session->name != NULL)
        return session;
    *session = (struct session){ .name = name, .root = "text" };
    if (index < SEVERAL) {
        if (index == SEEDED)
            make_patches(session);
        else
            session->patch_count = trace_file_patches(trace_file_load(folder, name, "trace"), &session->patches);
        type_patches(session);
        if (index != SEEDED) {
            struct bytes expected = trace_file_load(folder, name, "txt");
            must_be(bytes_equal(session->text, expected), "typing makes another text");
            free((void *)(uintptr_t)expected.data);
        }
    } else {
        read_updates(session, trace_file_load(folder, name, "ylog"));
        session->state_v1 = trace_file_load(folder, name, "final.v1");
        session->state_v2 = trace_file_load(folder, name, "final.v2");
        session->text = trace_file_load(folder, name, "txt");
    }
    session->middle = middle_of(session->text);
    return session;
}

/* ---- for other engines ---- */

static void write_file(const char *folder, const char *name, const char *suffix, struct bytes content) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s.%s", folder, name, suffix);
    FILE *file = fopen(path, "wb");
    must_be(file != NULL, path);
    must_be(fwrite(content.data, 1, content.size, file) == content.size && fclose(file) == 0, path);
}

static void unpack_file(const char *traces, const char *folder, const char *name, const char *suffix) {
    struct bytes content = trace_file_load(traces, name, suffix);
    write_file(folder, name, suffix, content);
    free((void *)(uintptr_t)content.data);
}

static void write_u32(struct bytes_writer *out, uint32_t value) {
    for (unsigned shift = 0; shift < 32; shift += 8)
        bytes_write_u8(out, (uint8_t)(value >> shift));
}

static void write_view(struct bytes_writer *out, struct bytes bytes) {
    write_u32(out, (uint32_t)bytes.size);
    bytes_write(out, bytes);
}

void session_export(const struct session *session, const char *traces, const char *folder) {
    struct bytes_writer out = bench_writer(1);
    if (session->patch_count == 0) {
        unpack_file(traces, folder, session->name, "trace");
        unpack_file(traces, folder, session->name, "ylog");
    } else {
        bytes_write(&out, bytes_text("TRSQ"));
        write_u32(&out, 1);
        write_u32(&out, (uint32_t)session->patch_count);
        for (size_t i = 0; i < session->patch_count; i++) {
            write_u32(&out, session->patches[i].position);
            write_u32(&out, session->patches[i].deleted);
            write_view(&out, session->patches[i].inserted);
        }
        write_file(folder, session->name, "trace", bytes_written(&out));
        bytes_writer_reset(&out);
        bytes_write(&out, bytes_text("YLOG"));
        write_u32(&out, 1);
        write_u32(&out, (uint32_t)session->update_count);
        write_u32(&out, 1);
        for (size_t i = 0; i < session->update_count; i++) {
            write_u32(&out, 0);
            write_view(&out, session->updates[i]);
        }
        must(out.status);
        write_file(folder, session->name, "ylog", bytes_written(&out));
    }
    write_file(folder, session->name, "v1", session->state_v1);
    write_file(folder, session->name, "v2", session->state_v2);
    write_file(folder, session->name, "txt", session->text);
    bytes_writer_finish(&out);
}
