/* crdt_bench_main.c — crdt-bench: how long the engine takes, and what it holds.
 *
 *     crdt-bench [--json] [--traces FOLDER] [--trace NAME] [WORKLOAD…]      all of them, a table
 *     crdt-bench --list                                                     the workloads' names
 *     crdt-bench --export FOLDER                                            the sessions, unpacked, for other engines
 *
 * Every workload runs until half a second has passed, five times at least; the median and the smallest run are shown. One run more,
 * not timed, counts allocations. Memory that a run frees stays with the process, as in a server that has been up for a while.
 * What takes 0.1 ms or more is measured in the thread's CPU time, so that other programs take no part in it; anything shorter by
 * the wall clock, which is quicker to read. Figures are those of one machine at one moment: compare what was measured in one go. */
#include "workload.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { RUNS_MIN = 5, RUNS_MAX = 1000, LONG_RUN_NS = 500000000, SHORT_NS = 100000 };

_Noreturn void bench_fail(const char *what) {
    fprintf(stderr, "crdt-bench: %s\n", what);
    exit(1);
}

uint32_t bench_below(struct bench_random *random, uint32_t count) {
    random->state = random->state * 6364136223846793005U + 1442695040888963407U;
    return count == 0 ? 0 : (uint32_t)((random->state >> 33) % count);
}

struct crdt_doc *bench_doc(const struct mem *mem, uint64_t client_id) {
    struct crdt_doc *doc;
    must(crdt_doc_create(&(struct crdt_doc_options){ .mem = mem, .client_id = client_id, .gc = true }, &doc));
    return doc;
}

struct crdt_type *bench_root(struct crdt_doc *doc, const char *name) {
    struct crdt_type *type;
    must(crdt_doc_root(doc, bytes_text(name), &type));
    return type;
}

struct bytes_writer bench_writer(size_t size) {
    struct bytes_writer out;
    bytes_writer_init(&out, &mem_default, SIZE_MAX);
    uint8_t *room = bytes_writer_reserve(&out, size);
    must_be(room != NULL, "no memory");
    memset(room, 1, size);
    return out;
}

void bench_apply(struct crdt_doc *doc, struct bytes update) {
    struct crdt_txn *txn = crdt_txn_begin(doc);
    must(crdt_update_apply(txn, update, NULL));
    must(crdt_txn_commit(txn, NULL, NULL));
}

void bench_edit(struct crdt_doc *doc, struct crdt_type *text, const struct trace_patch *patch, struct bytes_writer *update) {
    struct crdt_txn *txn = crdt_txn_begin(doc);
    if (patch->deleted > 0)
        must(crdt_text_delete(txn, text, patch->position, patch->deleted));
    if (patch->inserted.size > 0)
        must(crdt_text_insert(txn, text, patch->position, patch->inserted));
    must(crdt_txn_commit(txn, update, NULL));
}

void bench_expect_text(const struct crdt_doc *doc, const struct crdt_type *text, struct bytes expected) {
    struct bytes_writer out = bench_writer(expected.size + 1);
    must(crdt_text_write(doc, text, &out));
    must_be(bytes_equal(bytes_written(&out), expected), "the text is another");
    bytes_writer_finish(&out);
}

void bench_expect_same_text(const struct crdt_doc *a, const struct crdt_type *a_text, const struct crdt_doc *b,
                            const struct crdt_type *b_text) {
    struct bytes_writer out = bench_writer(1);
    must(crdt_text_write(a, a_text, &out));
    bench_expect_text(b, b_text, bytes_written(&out));
    bytes_writer_finish(&out);
}

/* ---- measuring ---- */

static uint64_t allocations;

static void *counting_resize(void *context, void *old, size_t old_bytes, size_t bytes) {
    (void)context;
    allocations += bytes > 0;
    return mem_default.resize(mem_default.context, old, old_bytes, bytes);
}

static uint64_t clock_ns(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void outcome_start(struct outcome *out) {
    out->begin_allocations = allocations;
    out->begin_cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    out->begin_ns = clock_ns(CLOCK_MONOTONIC);
}

void outcome_stop(struct outcome *out) {
    uint64_t ns = clock_ns(CLOCK_MONOTONIC) - out->begin_ns;
    out->ns += ns < SHORT_NS ? ns : clock_ns(CLOCK_THREAD_CPUTIME_ID) - out->begin_cpu_ns;
    out->allocations += allocations - out->begin_allocations;
}

static int by_size(const void *a, const void *b) {
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

static bool as_json;

static void measure(const struct workload *workload, const char *input, const struct session *session) {
    static uint64_t runs[RUNS_MAX];
    static const struct mem counting = { counting_resize, NULL };
    struct outcome out = { 0 };
    size_t count = 0;
    uint64_t begin = clock_ns(CLOCK_MONOTONIC);
    while (count < RUNS_MIN || (clock_ns(CLOCK_MONOTONIC) - begin < LONG_RUN_NS && count < RUNS_MAX)) {
        out = (struct outcome){ 0 };
        workload->run(session, workload->size, &mem_default, &out);
        runs[count++] = out.ns;
    }
    qsort(runs, count, sizeof *runs, by_size);
    struct outcome counted = { 0 };
    workload->run(session, workload->size, &counting, &counted);
    size_t middle = count / 2;
    double median = (double)runs[middle];
    double least = (double)runs[0];
    double ops = (double)(out.ops == 0 ? 1 : out.ops);
    printf(as_json
               ? "{\"workload\": \"%s\", \"trace\": \"%s\", \"engine\": \"vibesync\", \"ops\": %.0f, \"ns_per_op_median\": %.2f, "
                 "\"ns_per_op_min\": %.2f, \"total_ms_median\": %.5f, \"bytes\": %llu, \"heap_bytes\": %llu, "
                 "\"allocations\": %llu}\n"
               : "%-18s %-20s %8.0f %12.1f %12.1f %11.4f %10llu %11llu %10llu\n",
           workload->name, input, ops, median / ops, least / ops, median / 1e6, (unsigned long long)out.bytes,
           (unsigned long long)out.heap_bytes, (unsigned long long)counted.allocations);
    fflush(stdout);
}

/* ---- choosing ---- */

static const struct workload *const tables[] = { workloads_of_sessions, workloads_of_crdt_benchmarks, workloads_at_worst,
                                                 workloads_of_memory };
enum { TABLE_COUNT = sizeof tables / sizeof *tables };

struct choice {
    const char *folder;
    const char *input; /* NULL: all */
    char **names;
    int count; /* 0: all */
    size_t measured;
};

static bool is_chosen(const struct choice *choice, const char *name) {
    for (int i = 0; i < choice->count; i++)
        if (strcmp(choice->names[i], name) == 0)
            return true;
    return choice->count == 0;
}

static bool suits(const struct workload *workload, size_t index) {
    return workload->needs == session_suits(index) || workload->needs == ON_EVERY_SESSION ||
           (workload->needs == ON_AUTOMERGE_PAPER && strcmp(session_names[index], "automerge-paper") == 0);
}

static void run_workload(struct choice *choice, const struct workload *workload) {
    for (size_t i = 0; i < SESSION_COUNT; i++) {
        const char *input = workload->input == NULL ? session_names[i] : workload->input;
        if ((workload->needs == WITHOUT_SESSION ? i > 0 : !suits(workload, i)) ||
            (choice->input != NULL && strcmp(choice->input, input) != 0))
            continue;
        measure(workload, input, workload->needs == WITHOUT_SESSION ? NULL : session_load(choice->folder, i));
        choice->measured++;
    }
}

static void list_names(void) {
    const char *last = "";
    for (size_t table = 0; table < TABLE_COUNT; table++)
        for (const struct workload *workload = tables[table]; workload->name != NULL; workload++) {
            if (strcmp(last, workload->name) != 0)
                puts(workload->name);
            last = workload->name;
        }
}

int main(int count, char **arguments) {
    struct choice choice = { .folder = "tests/data/traces", .names = arguments + 1 };
    const char *export_folder = NULL;
    for (int i = 1; i < count; i++) {
        if (strcmp(arguments[i], "--json") == 0)
            as_json = true;
        else if (strcmp(arguments[i], "--list") == 0) {
            list_names();
            return 0;
        } else if (strcmp(arguments[i], "--export") == 0 && i + 1 < count)
            export_folder = arguments[++i];
        else if (strcmp(arguments[i], "--traces") == 0 && i + 1 < count)
            choice.folder = arguments[++i];
        else if (strcmp(arguments[i], "--trace") == 0 && i + 1 < count)
            choice.input = arguments[++i];
        else if (arguments[i][0] == '-')
            must_be(false, "usage: crdt-bench [--json] [--list] [--export FOLDER] [--traces FOLDER] [--trace NAME] [WORKLOAD…]");
        else
            choice.names[choice.count++] = arguments[i];
    }
    mallopt(M_MMAP_THRESHOLD, 1 << 30);
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
    if (export_folder != NULL) {
        for (size_t i = 0; i < SESSION_COUNT; i++)
            session_export(session_load(choice.folder, i), choice.folder, export_folder);
        return 0;
    }
    if (!as_json)
        printf("%-18s %-20s %8s %12s %12s %11s %10s %11s %10s\n", "workload", "trace", "ops", "ns/op", "least", "total ms", "bytes",
               "heap bytes", "allocations");
    for (size_t table = 0; table < TABLE_COUNT; table++)
        for (const struct workload *workload = tables[table]; workload->name != NULL; workload++)
            if (is_chosen(&choice, workload->name))
                run_workload(&choice, workload);
    must_be(choice.measured > 0, "no workload has that name");
    return 0;
}
