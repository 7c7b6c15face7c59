/* workload.h — what crdt-bench measures: workloads, each on one or more inputs.
 *
 * A workload prepares, starts the clock, works, stops it, and then checks what came out: a wrong result ends the program. Work is
 * warm: buffers that results are written to have been written to before. The other engines do the same work on the same inputs
 * (bench/peers/workloads.mjs), so what is between start and stop here must be there too. */
#ifndef BENCH_CRDT_WORKLOAD_H
#define BENCH_CRDT_WORKLOAD_H

#include "crdt/crdt.h"
#include "trace_file.h"

/* An editing session. One writer's has client id 1 and a patch for each update; those of several writers are as they were recorded
 * (ids from 1001 on), and have no patches, as these do not follow one another in one text. */
struct session {
    const char *name;
    const char *root;
    struct trace_patch *patches;
    size_t patch_count;
    struct bytes *updates; /* v1, one an edit, in an order that a server could receive */
    size_t update_count;
    struct bytes state_v1; /* all of it as one update */
    struct bytes state_v2;
    struct bytes text; /* the final text */
    uint32_t middle;   /* a place between two characters of it */
};

/* One run. */
struct outcome {
    uint64_t ops;
    uint64_t ns;
    uint64_t allocations; /* while the clock ran */
    uint64_t bytes;       /* of what came out */
    uint64_t heap_bytes;  /* that the documents hold in the end */
    /* private */
    uint64_t begin_ns;
    uint64_t begin_cpu_ns;
    uint64_t begin_allocations;
};

enum workload_needs { WITHOUT_SESSION, ON_ONE_WRITER, ON_SEVERAL_WRITERS, ON_EVERY_SESSION, ON_AUTOMERGE_PAPER };

/* A table of workloads ends with a NULL name. Rows of one name stand together. */
struct workload {
    const char *name;
    const char *input; /* the `trace` of the output; NULL: the session's name */
    void (*run)(const struct session *session, uint32_t size, const struct mem *mem, struct outcome *out);
    uint32_t size; /* what `run` is told: how much of it, or which kind */
    enum workload_needs needs;
};

extern const struct workload workloads_of_sessions[], workloads_of_crdt_benchmarks[], workloads_at_worst[], workloads_of_memory[];

enum { SESSION_COUNT = 7 };
extern const char *const session_names[SESSION_COUNT];
/* One of tests/data/traces, or the seeded one with Hangul and emoji; made when first asked for. Ends the program if its files are
 * missing. */
const struct session *session_load(const char *folder, size_t index);
enum workload_needs session_suits(size_t index);
/* Writes NAME.trace, NAME.ylog, NAME.v1, NAME.v2 and NAME.txt, in the formats of tests/data/traces, unpacked. */
void session_export(const struct session *session, const char *traces, const char *folder);

/* --- for workloads --- */

/* Ends the program: a workload that goes wrong has no figure. */
_Noreturn void bench_fail(const char *what);
static inline void must(enum status status) {
    if (status != STATUS_OK)
        bench_fail(status_name(status));
}

static inline void must_be(bool fact, const char *what) {
    if (!fact)
        bench_fail(what);
}

/* The clock may be started and stopped more than once; the times add up. */
void outcome_start(struct outcome *out);
void outcome_stop(struct outcome *out);

struct crdt_doc *bench_doc(const struct mem *mem, uint64_t client_id);
struct crdt_type *bench_root(struct crdt_doc *doc, const char *name);
void bench_apply(struct crdt_doc *doc, struct bytes update);
/* One edit, a transaction of its own; `update` as crdt_txn_commit has it. */
void bench_edit(struct crdt_doc *doc, struct crdt_type *text, const struct trace_patch *patch, struct bytes_writer *update);
void bench_expect_text(const struct crdt_doc *doc, const struct crdt_type *text, struct bytes expected);
void bench_expect_same_text(const struct crdt_doc *a, const struct crdt_type *a_text, const struct crdt_doc *b,
                            const struct crdt_type *b_text);
/* A writer with room for `size` bytes whose memory was written to already. */
struct bytes_writer bench_writer(size_t size);

struct bench_random {
    uint64_t state;
};
/* 0 … count - 1. */
uint32_t bench_below(struct bench_random *random, uint32_t count);

#endif
