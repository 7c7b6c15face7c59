/* gauge.c — from /proc. CPU time comes from each thread's schedstat (nanoseconds, user and system), since stat counts in ticks of
 * 10 ms; the time of threads that have ended is in stat alone, which counts when it is larger by
 * more than its own rounding. */
#include "gauge.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { GAUGE_ROUNDING_NS = 50000000 };

static bool gauge_file(const char *path, char *text, size_t size) {
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return false;
    size_t got = fread(text, 1, size - 1, file);
    text[got] = '\0';
    fclose(file);
    return got > 0;
}

static uint64_t gauge_field_kb(const char *status, const char *name) {
    const char *at = strstr(status, name);
    return at == NULL ? 0 : strtoull(at + strlen(name), NULL, 10) * 1024;
}

static uint64_t gauge_threads_ns(int pid) {
    char path[300], text[128];
    uint64_t sum = 0;
    snprintf(path, sizeof path, "/proc/%d/task", pid);
    DIR *folder = opendir(path);
    if (folder == NULL)
        return 0;
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "/proc/%d/task/%.20s/schedstat", pid, entry->d_name);
        if (gauge_file(path, text, sizeof text))
            sum += strtoull(text, NULL, 10);
    }
    closedir(folder);
    return sum;
}

/* utime, stime, and the same of children that have ended: fields 14 to 17. */
static uint64_t gauge_stat_ns(const char *stat) {
    const char *at = strrchr(stat, ')');
    unsigned long long ticks[4] = { 0 };
    if (at == NULL)
        return 0;
    sscanf(at + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %llu %llu", &ticks[0], &ticks[1], &ticks[2], &ticks[3]);
    return (ticks[0] + ticks[1] + ticks[2] + ticks[3]) * (1000000000ULL / (unsigned long long)sysconf(_SC_CLK_TCK));
}

static uint64_t gauge_descriptors(int pid) {
    char path[64];
    uint64_t count = 0;
    snprintf(path, sizeof path, "/proc/%d/fd", pid);
    DIR *folder = opendir(path);
    if (folder == NULL)
        return 0;
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder))
        count += entry->d_name[0] != '.';
    closedir(folder);
    return count;
}

bool gauge_read(const int *pids, size_t count, struct gauge *out) {
    *out = (struct gauge){ 0 };
    for (size_t i = 0; i < count; i++) {
        char path[64], text[4096];
        snprintf(path, sizeof path, "/proc/%d/stat", pids[i]);
        if (!gauge_file(path, text, sizeof text))
            return false;
        uint64_t coarse = gauge_stat_ns(text), fine = gauge_threads_ns(pids[i]);
        out->cpu_ns += coarse > fine + GAUGE_ROUNDING_NS ? coarse : fine;
        snprintf(path, sizeof path, "/proc/%d/status", pids[i]);
        if (!gauge_file(path, text, sizeof text))
            return false;
        out->user_bytes += gauge_field_kb(text, "RssAnon:");
        out->resident_bytes += gauge_field_kb(text, "VmRSS:");
        out->peak_bytes += gauge_field_kb(text, "VmHWM:");
        out->descriptors += gauge_descriptors(pids[i]);
    }
    return true;
}

void gauge_reset_peak(const int *pids, size_t count) {
    for (size_t i = 0; i < count; i++) {
        char path[64];
        snprintf(path, sizeof path, "/proc/%d/clear_refs", pids[i]);
        FILE *file = fopen(path, "w");
        if (file == NULL)
            continue;
        fputs("5", file);
        fclose(file);
    }
}
