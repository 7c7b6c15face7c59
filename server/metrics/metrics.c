/* metrics.c — see metrics.h. */
#include "metrics/metrics.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

_Static_assert(sizeof(struct metrics) % sizeof(uint64_t) == 0, "metrics_add() takes it as numbers");

void metrics_add(struct metrics *sum, const struct metrics *metrics) {
    uint64_t *to = (uint64_t *)sum;
    const uint64_t *from = (const uint64_t *)metrics;
    for (size_t i = 0; i < sizeof *sum / sizeof *to; i++)
        to[i] += from[i];
}

__attribute__((format(printf, 2, 3))) static void metrics_line(struct bytes_writer *out, const char *format, ...) {
    char line[256];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (size < 0 || (size_t)size >= sizeof line)
        out->status = STATUS_TOO_BIG;
    else
        bytes_write(out, bytes_of(line, (size_t)size));
}

static void metrics_head(struct bytes_writer *out, const char *name, const char *kind, const char *meaning) {
    metrics_line(out, "# HELP %s %s\n", name, meaning);
    metrics_line(out, "# TYPE %s %s\n", name, kind);
}

static void metrics_write_one(struct bytes_writer *out, const char *name, const char *kind, const char *meaning, uint64_t value) {
    metrics_head(out, name, kind, meaning);
    metrics_line(out, "%s %llu\n", name, (unsigned long long)value);
}

static void metrics_write_histogram(struct bytes_writer *out, const char *name, const char *unit, const char *meaning,
                                    const uint64_t buckets[METRICS_BUCKETS], uint64_t sum) {
    double scale = strcmp(unit, "seconds") == 0 ? 1e-6 : 1;
    uint64_t count = 0;
    metrics_head(out, name, "histogram", meaning);
    for (unsigned i = 0; i + 1 < METRICS_BUCKETS; i++) {
        count += buckets[i];
        metrics_line(out, "%s_bucket{le=\"%.8g\"} %llu\n", name, scale * (double)(UINT64_C(1) << i), (unsigned long long)count);
    }
    count += buckets[METRICS_BUCKETS - 1];
    metrics_line(out, "%s_bucket{le=\"+Inf\"} %llu\n", name, (unsigned long long)count);
    metrics_line(out, "%s_sum %.17g\n", name, scale * (double)sum);
    metrics_line(out, "%s_count %llu\n", name, (unsigned long long)count);
}

/* ---- the process ---- */

static double metrics_process_cpu_seconds_total(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           1e-6 * (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static double metrics_process_resident_memory_bytes(void) {
    return (double)metrics_resident_bytes();
}

static double metrics_process_open_fds(void) {
    double count = -1; /* the one that reads */
    DIR *folder = opendir("/proc/self/fd");
    if (folder == NULL)
        return 0;
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(folder);
    return count;
}

static double metrics_process_max_fds(void) {
    struct rlimit limit = { 0 };
    getrlimit(RLIMIT_NOFILE, &limit);
    return (double)limit.rlim_cur;
}

uint64_t metrics_resident_bytes(void) {
    unsigned long long whole = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL)
        return 0;
    if (fscanf(file, "%llu %llu", &whole, &resident) != 2)
        resident = 0;
    fclose(file);
    return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* ---- all of it ---- */

void metrics_write(const struct metrics *sum, struct bytes_writer *out) {
    static const char *const limits[] = {
#define CONFIG_LIMIT(name, default_value, least, most, unit, when, meaning) #name,
#define CONFIG_FIXED(name, value, meaning)                                  #name,
#include "config.def"
    };
#define METRIC_COUNTER(id, meaning) \
    metrics_write_one(out, "vibesync_" #id "_total", "counter", meaning, sum->counters[METRIC_##id]);
#define METRIC_GAUGE(id, meaning) metrics_write_one(out, "vibesync_" #id, "gauge", meaning, sum->gauges[METRIC_##id]);
#define METRIC_HISTOGRAM(id, unit, meaning)                                                                       \
    metrics_write_histogram(out, "vibesync_" #id "_" #unit, #unit, meaning, sum->histograms[METRIC_##id].buckets, \
                            sum->histograms[METRIC_##id].sum);
#define METRIC_PROCESS(id, kind, meaning)   \
    metrics_head(out, #id, #kind, meaning); \
    metrics_line(out, #id " %.17g\n", metrics_##id());
#include "metrics/metrics.def"
    metrics_head(out, "vibesync_limited_total", "counter", "times that a limit was reached");
    for (unsigned i = 0; i < LIMIT_COUNT; i++)
        metrics_line(out, "vibesync_limited_total{limit=\"%s\"} %llu\n", limits[i], (unsigned long long)sum->limited[i]);
}
