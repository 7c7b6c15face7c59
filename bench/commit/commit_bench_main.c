/* commit_bench_main.c — commit-bench: how long an update waits for its durable acknowledgement, and how many fit in a second.
 *
 *     commit-bench [--seconds N] [--documents N] [RATE…]        a private PostgreSQL with fsync, thrown away at the end
 *
 * For each rate (updates/s, default 1 50 500 5000), two slices in turn, so that both meet the same machine:
 *
 *     bare     a blocking client commits one row at a time at that rate, or as fast as it can: what a commit costs here
 *     journal  updates come at that rate (open loop: the clock runs from when one was due), spread over the documents; each is
 *              acknowledged when the group that holds it is committed
 *
 * Then "flood": updates as fast as the journal takes them, with at most 8 MB not yet committed. Updates are 30 bytes, about what a
 * keystroke is. One line of JSON per row on stdout if --json, else a table. */
#include "bare.h"
#include "store_loop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    UPDATE_BYTES = 30,
    FLOOD_DIRTY_BYTES = 8 << 20,
    FLOOD_BATCH = 64,
    WAITING_MAX = 1 << 20, /* updates not yet acknowledged */
    SAMPLES_MAX = 4 << 20
};

struct waiting {
    uint64_t due_ns;
    uint64_t group;
};

/* A document: its line, and its updates that wait, oldest first. */
struct document {
    struct journal_line line;
    struct bench *bench;
};

struct bench {
    struct store_loop loop;
    struct document *documents;
    unsigned document_count;
    struct waiting *waiting; /* ring: groups rise, and a group is durable as a whole (no row is poisoned here) */
    size_t waiting_head;
    size_t waiting_tail;
    uint64_t durable_group;
    uint64_t *samples; /* ns */
    size_t sample_count;
    uint64_t groups_before;
    bool json;
};

static void bench_on_durable(struct journal_line *line, uint64_t group) {
    struct bench *bench = list_entry(line, struct document, line)->bench;
    bench->durable_group = group;
}

static void bench_on_poisoned(struct journal_line *line, const struct reply *reply, struct bytes row) {
    (void)line;
    (void)row;
    bench_die(reply->error);
}

static const struct journal_watcher bench_watcher = { bench_on_durable, bench_on_poisoned };

/* A group counts when all its ranges are committed: the next one has begun, or nothing is dirty. */
static void bench_take_acks(struct bench *bench) {
    struct store_health health = store_health(bench->loop.store);
    uint64_t done = health.group;
    uint64_t now = bench_now_ns();
    while (bench->waiting_tail != bench->waiting_head && bench->waiting[bench->waiting_tail % WAITING_MAX].group <= done) {
        if (bench->sample_count < SAMPLES_MAX)
            bench->samples[bench->sample_count++] = now - bench->waiting[bench->waiting_tail % WAITING_MAX].due_ns;
        bench->waiting_tail++;
    }
}

static bool bench_append(struct bench *bench, uint64_t due_ns) {
    static uint64_t counter;
    uint8_t update[UPDATE_BYTES];
    memset(update, (int)(counter & 0xff), sizeof update);
    struct document *document = &bench->documents[counter++ * 7919 % bench->document_count];
    struct journal_entry entry = { .at_ms = 1700000000000, .origin = 1, .update = bytes_of(update, sizeof update) };
    if (bench->waiting_head - bench->waiting_tail == WAITING_MAX)
        return false;
    struct waiting *waiting = &bench->waiting[bench->waiting_head % WAITING_MAX];
    if (journal_append(&document->line, &entry, &waiting->group) != STATUS_OK)
        return false;
    waiting->due_ns = due_ns;
    bench->waiting_head++;
    return true;
}

static void bench_drain(struct bench *bench) {
    while (bench->waiting_tail != bench->waiting_head) {
        store_loop_turn(&bench->loop, UINT64_MAX);
        bench_take_acks(bench);
    }
}

/* ---- setting up ---- */

static void bench_set_up(struct bench *bench, const char *settings) {
    store_loop_start(&bench->loop, settings);
    bench->documents = bench_must(calloc(bench->document_count, sizeof *bench->documents));
    bench->waiting = bench_must(calloc(WAITING_MAX, sizeof *bench->waiting));
    bench->samples = bench_must(calloc(SAMPLES_MAX, sizeof *bench->samples));
    for (unsigned i = 0; i < bench->document_count; i++) {
        struct uuid file = store_loop_file(&bench->loop);
        bench->documents[i].bench = bench;
        journal_line_init(&bench->documents[i].line, bench->loop.store, &bench->loop.session, &file, 1, &bench_watcher);
    }
}

static void bench_tear_down(struct bench *bench) {
    for (unsigned i = 0; i < bench->document_count; i++)
        journal_line_finish(&bench->documents[i].line);
    store_loop_stop(&bench->loop);
    free(bench->documents);
    free(bench->waiting);
    free(bench->samples);
}

/* ---- rows ---- */

struct figures {
    size_t count;
    double per_second;
    double p50_ms;
    double p99_ms;
    double max_ms;
};

static int compare_u64(const void *left, const void *right) {
    uint64_t a = *(const uint64_t *)left;
    uint64_t b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static struct figures figures_of(uint64_t *samples, size_t count, double seconds) {
    if (count == 0)
        bench_die("nothing was measured");
    qsort(samples, count, sizeof *samples, compare_u64);
    uint64_t half = samples[count / 2], most = samples[count * 99 / 100], all = samples[count - 1];
    return (struct figures){ count, (double)count / seconds, (double)half / 1e6, (double)most / 1e6, (double)all / 1e6 };
}

static void print_row(const struct bench *bench, const char *name, unsigned rate, const struct figures *figures,
                      const struct figures *bare, double per_commit) {
    if (bench->json)
        printf("{\"workload\":\"%s\",\"rate\":%u,\"count\":%zu,\"per_second\":%.1f,\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f,"
               "\"bare_p50_ms\":%.3f,\"bare_p99_ms\":%.3f,\"updates_per_group\":%.1f}\n",
               name, rate, figures->count, figures->per_second, figures->p50_ms, figures->p99_ms, figures->max_ms, bare->p50_ms,
               bare->p99_ms, per_commit);
    else
        printf("%-8s %6u %9zu %11.0f %9.2f %9.2f %9.2f %11.2f %11.2f %7.2f %10.1f\n", name, rate, figures->count,
               figures->per_second, figures->p50_ms, figures->p99_ms, figures->max_ms, bare->p50_ms, bare->p99_ms,
               figures->p99_ms / bare->p99_ms, per_commit);
    fflush(stdout);
}

/* Updates due every 1/rate s for `seconds`. */
static struct figures measure_rate(struct bench *bench, unsigned rate, double seconds, double *out_per_group) {
    uint64_t start = bench_now_ns();
    uint64_t step = 1000000000 / rate;
    uint64_t total = (uint64_t)(seconds * rate);
    total = total == 0 ? 1 : total;
    uint64_t groups = store_health(bench->loop.store).group;
    bench->sample_count = 0;
    for (uint64_t sent = 0; sent < total || bench->waiting_tail != bench->waiting_head;) {
        uint64_t now = bench_now_ns();
        while (sent < total && start + sent * step <= now) {
            if (!bench_append(bench, start + sent * step))
                bench_die("the journal refuses an update");
            sent++;
        }
        uint64_t due = start + sent * step;
        now = bench_now_ns();
        store_loop_turn(&bench->loop, sent == total ? UINT64_MAX : due > now ? due - now : 0);
        bench_take_acks(bench);
    }
    groups = store_health(bench->loop.store).group - groups;
    *out_per_group = (double)total / (double)(groups == 0 ? 1 : groups);
    return figures_of(bench->samples, bench->sample_count, (double)(bench_now_ns() - start) / 1e9);
}

static struct figures measure_flood(struct bench *bench, double seconds, double *out_per_group) {
    uint64_t start = bench_now_ns();
    uint64_t end = start + (uint64_t)(seconds * 1e9);
    uint64_t groups = store_health(bench->loop.store).group;
    size_t before = bench->waiting_head;
    bench->sample_count = 0;
    while (bench_now_ns() < end) {
        bool full = store_health(bench->loop.store).dirty_bytes > FLOOD_DIRTY_BYTES;
        for (unsigned i = 0; i < FLOOD_BATCH && !full; i++)
            full = !bench_append(bench, bench_now_ns());
        store_loop_turn(&bench->loop, full ? UINT64_MAX : 0);
        bench_take_acks(bench);
    }
    bench_drain(bench);
    groups = store_health(bench->loop.store).group - groups;
    *out_per_group = (double)(bench->waiting_head - before) / (double)(groups == 0 ? 1 : groups);
    struct figures figures = figures_of(bench->samples, bench->sample_count, 1);
    figures.count = bench->waiting_head - before; /* also those beyond SAMPLES_MAX */
    figures.per_second = (double)figures.count / ((double)(bench_now_ns() - start) / 1e9);
    return figures;
}

static struct figures measure_bare(struct bench *bench, unsigned rate, double seconds) {
    uint64_t start = bench_now_ns();
    size_t count = bare_commits(bench->loop.owner_url, UPDATE_BYTES, rate, seconds, bench->samples, SAMPLES_MAX);
    if (count == 0)
        bench_die("the bare client could not commit");
    return figures_of(bench->samples, count, (double)(bench_now_ns() - start) / 1e9);
}

int main(int count, char **arguments) {
    struct bench bench = { .document_count = 100 };
    double seconds = 5;
    const char *settings = NULL;
    unsigned rates[16] = { 1, 50, 500, 5000 };
    unsigned rate_count = 4;
    unsigned given = 0;
    for (int i = 1; i < count; i++) {
        if (strcmp(arguments[i], "--json") == 0)
            bench.json = true;
        else if (strcmp(arguments[i], "--seconds") == 0 && i + 1 < count)
            seconds = strtod(arguments[++i], NULL);
        else if (strcmp(arguments[i], "--documents") == 0 && i + 1 < count)
            bench.document_count = (unsigned)strtoul(arguments[++i], NULL, 10);
        else if (strcmp(arguments[i], "--postgres") == 0 && i + 1 < count)
            settings = arguments[++i];
        else if (strtoul(arguments[i], NULL, 10) > 0 && given < 16)
            rates[given++] = (unsigned)strtoul(arguments[i], NULL, 10);
        else
            bench_die("usage: commit-bench [--json] [--seconds N] [--documents N] [--postgres \"-c name=value\"] [RATE…]");
    }
    rate_count = given > 0 ? given : rate_count;
    if (seconds <= 0 || bench.document_count == 0)
        bench_die("--seconds and --documents must be more than 0");
    bench_set_up(&bench, settings);
    if (!bench.json)
        printf("%-8s %6s %9s %11s %9s %9s %9s %11s %11s %7s %10s\n", "workload", "rate/s", "updates", "updates/s", "p50 ms",
               "p99 ms", "max ms", "bare p50", "bare p99", "p99/p99", "per commit");
    double per_group;
    for (unsigned i = 0; i < rate_count; i++) {
        struct figures bare = measure_bare(&bench, rates[i], seconds);
        struct figures figures = measure_rate(&bench, rates[i], seconds, &per_group);
        print_row(&bench, "journal", rates[i], &figures, &bare, per_group);
    }
    struct figures bare = measure_bare(&bench, 0, seconds);
    struct figures figures = measure_flood(&bench, seconds, &per_group);
    print_row(&bench, "flood", 0, &figures, &bare, per_group);
    bench_tear_down(&bench);
    return 0;
}
