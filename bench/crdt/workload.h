/* workload.h — what crdt-bench measures. A workload does its preparations, starts the clock, works, and stops it. */
#ifndef BENCH_CRDT_WORKLOAD_H
#define BENCH_CRDT_WORKLOAD_H

#include "crdt/crdt.h"

/* An editing session. Positions and lengths count UTF-16 units. */
struct patch {
    uint32_t position;
    uint32_t deleted;
    struct bytes inserted;
};

struct session {
    const char *name;
    struct patch *patches; /* none if several people wrote at once */
    size_t patch_count;
    struct bytes *updates; /* one v1 update an edit, in an order that a server could receive */
    size_t update_count;
    struct bytes state_v1; /* the whole, as Yjs has it */
    struct bytes state_v2;
    struct bytes text; /* the final text */
    const char *root;
};

/* One run. */
struct outcome {
    uint64_t ops;
    uint64_t ns;
    uint64_t bytes;      /* of what came out, if that is the point */
    uint64_t heap_bytes; /* that the documents hold in the end */
};

struct workload {
    const char *name; /* NULL ends a table */
    void (*run)(const struct session *session, const struct mem *mem, struct outcome *out);
    enum { ON_ONE_WRITER, ON_EVERY_SESSION, ON_SEVERAL_WRITERS, WITHOUT_SESSION } needs;
};

extern const struct workload workloads_of_sessions[], workloads_of_crdt_benchmarks[], workloads_at_worst[];

/* The recorded sessions of tests/data/traces, and the seeded one with Hangul and emoji. Ends the program if a file is missing. */
struct session *sessions_load(const char *folder, size_t *out_count);

/* --- for workloads --- */

uint64_t clock_ns(void);
/* Ends the program: a workload that goes wrong has no figure. */
void must(enum status status);
void must_be(bool fact, const char *what);

struct crdt_doc *bench_doc(const struct mem *mem, uint64_t client_id);
struct crdt_type *bench_root(struct crdt_doc *doc, const char *name);
void bench_apply(struct crdt_doc *doc, struct bytes update);
struct bytes_writer bench_writer(void);
/* One edit, a transaction of its own; `update` as crdt_txn_commit has it. */
void bench_edit(struct crdt_doc *doc, struct crdt_type *text, const struct patch *patch, struct bytes_writer *update);

struct bench_random {
    uint64_t state;
};
uint32_t bench_below(struct bench_random *random, uint32_t count);

#endif
