/* crdt_bench_main.c — crdt-bench: how long the engine takes, and what it holds.
 *
 *     crdt-bench [--json] [--traces FOLDER] [--trace NAME] [WORKLOAD…]      all of them, a table
 *
 * Every workload runs until half a second has passed, five times at least; the median and the smallest run are shown. One run more,
 * not timed, counts allocations. Figures are those of one machine at one moment: compare what was measured in one go. */
#include "workload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { RUNS_MIN = 5, RUNS_MAX = 1000, LONG_RUN_NS = 500000000 };

uint64_t clock_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void must_be(bool fact, const char *what) {
    if (fact)
        return;
    fprintf(stderr, "crdt-bench: %s\n", what);
    exit(1);
}

void must(enum status status) {
    must_be(status == STATUS_OK, status_name(status));
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

struct bytes_writer bench_writer(void) {
    struct bytes_writer out;
    bytes_writer_init(&out, &mem_default, SIZE_MAX);
    return out;
}

void bench_apply(struct crdt_doc *doc, struct bytes update) {
    struct crdt_txn *txn = crdt_txn_begin(doc);
    must(crdt_update_apply(txn, update, NULL));
    must(crdt_txn_commit(txn, NULL, NULL));
}

void bench_edit(struct crdt_doc *doc, struct crdt_type *text, const struct patch *patch, struct bytes_writer *update) {
    struct crdt_txn *txn = crdt_txn_begin(doc);
    if (patch->deleted > 0)
        must(crdt_text_delete(txn, text, patch->position, patch->deleted));
    if (patch->inserted.size > 0)
        must(crdt_text_insert(txn, text, patch->position, patch->inserted));
    must(crdt_txn_commit(txn, update, NULL));
}

/* ---- measuring ---- */

static uint64_t allocations;

static void *counting_resize(void *context, void *old, size_t old_bytes, size_t bytes) {
    (void)context;
    allocations += bytes > 0;
    return mem_default.resize(mem_default.context, old, old_bytes, bytes);
}

static int by_size(const void *a, const void *b) {
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

static bool as_json;

static void measure(const struct workload *workload, const struct session *session) {
    static uint64_t runs[RUNS_MAX];
    static const struct mem counting = { counting_resize, NULL };
    struct outcome out = { 0 };
    size_t count = 0;
    for (uint64_t spent = 0; count < RUNS_MIN || (spent < LONG_RUN_NS && count < RUNS_MAX); spent += out.ns) {
        out = (struct outcome){ 0 };
        workload->run(session, &mem_default, &out);
        runs[count++] = out.ns;
    }
    qsort(runs, count, sizeof *runs, by_size);
    allocations = 0;
    workload->run(session, &counting, &(struct outcome){ 0 });
    double median = (double)runs[count / 2];
    double least = (double)runs[0];
    double ops = (double)(out.ops == 0 ? 1 : out.ops);
    const char *name = session == NULL ? "" : session->name;
    if (as_json)
        printf(
            "{\"workload\": \"%s\", \"trace\": \"%s\", \"engine\": \"vibesync\", \"ops\": %.0f, \"ns_per_op_median\": %.2f, "
            "\"ns_per_op_min\": %.2f, \"total_ms_median\": %.4f, \"bytes\": %llu, \"heap_bytes\": %llu, \"allocations\": %llu}\n",
            workload->name, name, ops, median / ops, least / ops, median / 1e6, (unsigned long long)out.bytes,
            (unsigned long long)out.heap_bytes, (unsigned long long)allocations);
    else
        printf("%-20s %-16s %9.0f %12.1f %12.1f %11.3f %10llu %11llu %10llu\n", workload->name, name, ops, median / ops,
               least / ops, median / 1e6, (unsigned long long)out.bytes, (unsigned long long)out.heap_bytes,
               (unsigned long long)allocations);
    fflush(stdout);
}

/* ---- choosing ---- */

struct choice {
    const char *trace;
    char **names;
    int count;
    const struct session *sessions;
    size_t session_count;
    size_t measured;
};

static bool is_chosen(const struct choice *choice, const char *name) {
    for (int i = 0; i < choice->count; i++)
        if (strcmp(choice->names[i], name) == 0)
            return true;
    return choice->count == 0;
}

static bool suits(const struct workload *workload, const struct session *session) {
    return workload->needs == ON_EVERY_SESSION || (workload->needs == ON_ONE_WRITER) == (session->patch_count > 0);
}

static void run_table(struct choice *choice, const struct workload *workloads) {
    for (const struct workload *workload = workloads; workload->name != NULL; workload++) {
        if (!is_chosen(choice, workload->name))
            continue;
        if (workload->needs == WITHOUT_SESSION) {
            measure(workload, NULL);
            choice->measured++;
            continue;
        }
        for (size_t i = 0; i < choice->session_count; i++)
            if (suits(workload, &choice->sessions[i]) &&
                (choice->trace == NULL || strcmp(choice->trace, choice->sessions[i].name) == 0)) {
                measure(workload, &choice->sessions[i]);
                choice->measured++;
            }
    }
}

int main(int count, char **arguments) {
    const char *folder = "tests/data/traces";
    struct choice choice = { .names = arguments + 1 };
    for (int i = 1; i < count; i++) {
        if (strcmp(arguments[i], "--json") == 0)
            as_json = true;
        else if (strcmp(arguments[i], "--traces") == 0 && i + 1 < count)
            folder = arguments[++i];
        else if (strcmp(arguments[i], "--trace") == 0 && i + 1 < count)
            choice.trace = arguments[++i];
        else if (arguments[i][0] == '-')
            must_be(false, "usage: crdt-bench [--json] [--traces FOLDER] [--trace NAME] [WORKLOAD…]");
        else
            choice.names[choice.count++] = arguments[i];
    }
    choice.sessions = sessions_load(folder, &choice.session_count);
    if (!as_json)
        printf("%-20s %-16s %9s %12s %12s %11s %10s %11s %10s\n", "workload", "trace", "ops", "ns/op", "least", "total ms", "bytes",
               "heap bytes", "allocations");
    run_table(&choice, workloads_of_sessions);
    run_table(&choice, workloads_of_crdt_benchmarks);
    run_table(&choice, workloads_at_worst);
    must_be(choice.measured > 0, "no workload has that name");
    return 0;
}
