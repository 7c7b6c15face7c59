/* faults_main.c — every allocation fails, once.
 *
 * A script (crdt/fuzz/script.h) is run with an allocator whose n-th allocation fails, for n = 1, 2, 3, … until a run completes
 * without the fault. A record that answers STATUS_NO_MEMORY must have left the document as it was, byte for byte, with all
 * invariants; done again it must work; and at the end everything is as if nothing had failed, and all memory is given back.
 *
 *   faults FOLDER [--all]      scripts; prints how many faults were met */
#include "fuzz/script.h"
#include "src/doc_check.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    SCRIPT_BYTES_MAX = 4096,
    RECORDS_MAX = 512,
    SCRIPTS_SHARE = 8 /* without --all every eighth script, by its name, so that a run takes seconds */
};

struct failing {
    struct mem mem;
    uint64_t until_failure; /* 0: never */
    bool failed;
    size_t held;
};

static void *failing_resize(void *context, void *old, size_t old_bytes, size_t bytes) {
    struct failing *failing = context;
    if (bytes > 0 && failing->until_failure > 0 && --failing->until_failure == 0) {
        failing->failed = true;
        return NULL;
    }
    void *block = mem_default.resize(mem_default.context, old, old_bytes, bytes);
    if (block != NULL || bytes == 0)
        failing->held += bytes - (old == NULL ? 0 : old_bytes);
    return block;
}

static const char *script_name;
static uint64_t fault_number;

static void expect(bool fact, const char *what) {
    if (fact)
        return;
    fprintf(stderr, "%s, allocation %llu: %s\n", script_name, (unsigned long long)fault_number, what);
    exit(1);
}

static void encode(const struct crdt_doc *doc, struct bytes_writer *out) {
    bytes_writer_init(out, &mem_default, SIZE_MAX);
    expect(crdt_update_encode(doc, out) == STATUS_OK, "a fault outside the script");
}

static void expect_state(struct failing *failing, const struct crdt_doc *doc, const struct bytes_writer *wanted, const char *what) {
    struct bytes_writer now;
    const char *broken = "";
    uint64_t until_failure = failing->until_failure;
    failing->until_failure = 0;
    encode(doc, &now);
    expect(bytes_equal(bytes_written(&now), bytes_written(wanted)), what);
    expect(doc_check(doc, &broken) == 0, broken);
    failing->until_failure = until_failure;
    bytes_writer_finish(&now);
}

static bool script_chosen(const char *name) {
    unsigned sum = 0;
    for (; *name != '\0'; name++)
        sum = sum * 31 + (unsigned char)*name;
    return sum % SCRIPTS_SHARE == 0;
}

/* states[i] is the state after record i; the run without faults fills it, the others are held against it. */
static void run(struct bytes bytes, struct failing *failing, struct bytes_writer *states, bool fill) {
    struct script script = script_of(bytes);
    struct crdt_doc *doc = NULL;
    struct crdt_type *text = NULL;
    struct crdt_doc_options options = { .mem = &failing->mem, .client_id = 77, .gc = script.gc };
    while (crdt_doc_create(&options, &doc) == STATUS_NO_MEMORY)
        expect(failing->failed, "no document without a fault");
    while (crdt_doc_root(doc, bytes_text("t"), &text) == STATUS_NO_MEMORY)
        expect(failing->failed, "no root without a fault");
    struct crdt_observer observer = { .on_change = script_on_change };
    crdt_doc_observe(doc, &observer);
    struct crdt_undo *undo;
    while (crdt_undo_create(&(struct crdt_undo_options){ .doc = doc }, &undo) == STATUS_NO_MEMORY)
        expect(failing->failed, "no undo manager without a fault");
    struct bytes_writer emitted;
    bytes_writer_init(&emitted, &failing->mem, SIZE_MAX);
    struct script_record record;
    for (size_t i = 0; i < RECORDS_MAX && script_next(&script, &record); i++) {
        struct crdt_update_result result;
        enum status committed;
        bytes_writer_reset(&emitted);
        enum status status = script_do(&record, doc, text, undo, &result, &emitted, &committed);
        expect(committed == STATUS_OK || (committed == STATUS_NO_MEMORY && failing->failed && emitted.size == 0),
               "a commit failed");
        if (status == STATUS_NO_MEMORY) {
            expect(failing->failed, "no memory without a fault");
            if (i > 0)
                expect_state(failing, doc, &states[i - 1], "a failed record changed the document");
            bytes_writer_reset(&emitted);
            status = script_do(&record, doc, text, undo, &result, &emitted, &committed);
            expect(status != STATUS_NO_MEMORY && committed == STATUS_OK, "the second attempt failed too");
        }
        if (crdt_undo_lost(undo) > 0) /* what was not recorded cannot be taken back: from here on it is another document */
            break;
        if (fill)
            encode(doc, &states[i]);
        else if (failing->failed)
            expect_state(failing, doc, &states[i], "a document that met a fault went another way");
    }
    bytes_writer_finish(&emitted);
    crdt_undo_destroy(undo);
    crdt_doc_destroy(doc);
    expect(failing->held == 0, "memory was lost");
}

static uint64_t sweep(struct bytes bytes) {
    static struct bytes_writer states[RECORDS_MAX];
    struct failing failing = { .mem = { failing_resize, NULL } };
    failing.mem.context = &failing;
    fault_number = 0;
    run(bytes, &failing, states, true);
    do {
        failing.failed = false;
        failing.until_failure = ++fault_number;
        run(bytes, &failing, states, false);
    } while (failing.failed);
    for (size_t i = 0; i < RECORDS_MAX; i++)
        if (states[i].mem != NULL) {
            bytes_writer_finish(&states[i]);
            states[i] = (struct bytes_writer){ 0 };
        }
    return fault_number - 1;
}

int main(int count, char **arguments) {
    DIR *folder = count >= 2 ? opendir(arguments[1]) : NULL;
    bool all = count == 3 && strcmp(arguments[2], "--all") == 0;
    if (folder == NULL) {
        fprintf(stderr, "usage: faults FOLDER [--all]\n");
        return 2;
    }
    uint64_t faults = 0;
    unsigned scripts = 0;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] == '.' || (!all && !script_chosen(entry->d_name)))
            continue;
        char path[4096];
        static uint8_t data[SCRIPT_BYTES_MAX];
        snprintf(path, sizeof path, "%s/%s", arguments[1], entry->d_name);
        FILE *file = fopen(path, "rb");
        if (file == NULL)
            continue;
        size_t size = fread(data, 1, sizeof data, file);
        fclose(file);
        script_name = entry->d_name;
        faults += sweep(bytes_of(data, size));
        scripts++;
    }
    closedir(folder);
    printf("%u scripts, %llu faults\n", scripts, (unsigned long long)faults);
    return faults > 0 ? 0 : 1;
}
