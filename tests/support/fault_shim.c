/* fault_shim — a library to preload into a program under test: its clock may jump, its allocations may fail, its sockets may be
 * full; what it holds and what it does is counted.
 *
 *     LD_PRELOAD=…/libfault_shim.so VIBESYNC_SHIM=FILE vibesyncd …
 *
 * FILE is mapped and read at each call; whoever tests writes it while the program runs:
 *
 *   offset  bytes  what, little-endian
 *   0       8      signed milliseconds added to the wall clock (the monotonic clock stays as it is)
 *   8       8      0: allocations work. n: each realloc() that the program's own code makes fails with a probability of 1/n
 *   16      8      counts those that failed
 *   24      8      not 0: asks what is allocated now, all arenas and libraries; 0 when it is answered, at one of the next looks at
 *                  a clock
 *   32      8      the answer, in bytes. What the process holds (RSS) is more: glibc keeps what was freed
 *   40      8      0: sockets take what they can. n: n in 100 calls of send() and sendmsg() find the kernel's buffer full
 *   48      8      counts allocations: calls of realloc() that ask for memory
 *   56      8      counts calls of send() and sendmsg()
 *   64      8      counts calls of recv()
 *
 * Only calls from the program's own text fail and count, not those of libraries: it is the program's answer to a failure that is
 * asked for. A sanitizer brings an allocator of its own, which this one does not reach. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

struct shim {
    _Atomic int64_t clock_offset_ms;
    _Atomic uint64_t fail_one_in;
    _Atomic uint64_t failed;
    _Atomic uint64_t asked;
    _Atomic uint64_t in_use;
    _Atomic uint64_t full_percent;
    _Atomic uint64_t allocations;
    _Atomic uint64_t sends;
    _Atomic uint64_t receives;
};

static struct shim *shim; /* NULL: no file, nothing is changed */
static int (*real_clock_gettime)(clockid_t, struct timespec *);
static void *(*real_realloc)(void *, size_t);
static ssize_t (*real_send)(int, const void *, size_t, int);
static ssize_t (*real_sendmsg)(int, const struct msghdr *, int);
static ssize_t (*real_recv)(int, void *, size_t, int);
static uintptr_t text_from, text_to; /* of the program */

static int shim_on_object(struct dl_phdr_info *info, size_t size, void *context) {
    (void)size;
    (void)context;
    for (int i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_LOAD && (info->dlpi_phdr[i].p_flags & PF_X)) {
            text_from = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
            text_to = text_from + info->dlpi_phdr[i].p_memsz;
        }
    return 1; /* the first object is the program */
}

__attribute__((constructor)) static void shim_begin(void) {
    const char *path = getenv("VIBESYNC_SHIM");
    *(void **)&real_clock_gettime = dlsym(RTLD_NEXT, "clock_gettime");
    *(void **)&real_realloc = dlsym(RTLD_NEXT, "realloc");
    *(void **)&real_send = dlsym(RTLD_NEXT, "send");
    *(void **)&real_sendmsg = dlsym(RTLD_NEXT, "sendmsg");
    *(void **)&real_recv = dlsym(RTLD_NEXT, "recv");
    dl_iterate_phdr(shim_on_object, NULL);
    int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return;
    void *map = mmap(NULL, sizeof *shim, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (map != MAP_FAILED)
        shim = map;
}

/* The last size of a total in what malloc_info() writes is that of all arenas together. */
static uint64_t shim_total(const char *info, const char *what) {
    uint64_t total = 0;
    for (const char *at = strstr(info, what); at != NULL; at = strstr(at + 1, what)) {
        const char *size = strstr(at, "size=\"");
        total = size == NULL ? total : strtoull(size + 6, NULL, 10);
    }
    return total;
}

static void shim_count(void) {
    char *info = NULL;
    size_t size;
    FILE *out = open_memstream(&info, &size);
    if (out == NULL)
        return;
    malloc_info(0, out);
    fclose(out);
    uint64_t taken = shim_total(info, "<system type=\"current\"") + shim_total(info, "<total type=\"mmap\"");
    atomic_store(&shim->in_use, taken - shim_total(info, "<total type=\"fast\"") - shim_total(info, "<total type=\"rest\""));
    atomic_store(&shim->asked, 0);
    free(info);
}

int clock_gettime(clockid_t clock, struct timespec *out) {
    if (real_clock_gettime == NULL)
        *(void **)&real_clock_gettime = dlsym(RTLD_NEXT, "clock_gettime");
    int result = real_clock_gettime(clock, out);
    if (shim != NULL && atomic_load(&shim->asked) != 0)
        shim_count();
    if (result != 0 || shim == NULL || (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE))
        return result;
    int64_t ms = (int64_t)out->tv_sec * 1000 + out->tv_nsec / 1000000 + atomic_load(&shim->clock_offset_ms);
    out->tv_sec = (time_t)(ms / 1000);
    out->tv_nsec = (long)(ms % 1000) * 1000000 + out->tv_nsec % 1000000;
    return 0;
}

time_t time(time_t *out) {
    struct timespec now = { 0 };
    clock_gettime(CLOCK_REALTIME, &now);
    if (out != NULL)
        *out = now.tv_sec;
    return now.tv_sec;
}

int gettimeofday(struct timeval *out, void *zone) {
    struct timespec now = { 0 };
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    out->tv_sec = now.tv_sec;
    out->tv_usec = now.tv_nsec / 1000;
    return 0;
}

/* Whether the program itself calls. */
static int shim_is_own(const void *caller) {
    return shim != NULL && (uintptr_t)caller >= text_from && (uintptr_t)caller < text_to;
}

/* xorshift; a lost race only makes it less even */
static uint64_t shim_random(void) {
    static _Atomic uint64_t state = 88172645463325252u;
    uint64_t x = atomic_load(&state);
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    atomic_store(&state, x);
    return x;
}

void *realloc(void *old, size_t bytes) {
    if (shim_is_own(__builtin_return_address(0)) && bytes > 0) {
        uint64_t one_in = atomic_load(&shim->fail_one_in);
        atomic_fetch_add(&shim->allocations, 1);
        if (one_in != 0 && shim_random() % one_in == 0) {
            atomic_fetch_add(&shim->failed, 1);
            return NULL;
        }
    }
    if (real_realloc == NULL)
        *(void **)&real_realloc = dlsym(RTLD_NEXT, "realloc");
    return real_realloc(old, bytes);
}

/* Counts one send; 0: it finds the buffer full. */
static int shim_may_send(const void *caller) {
    if (!shim_is_own(caller))
        return 1;
    atomic_fetch_add(&shim->sends, 1);
    if (shim_random() % 100 >= atomic_load(&shim->full_percent))
        return 1;
    errno = EAGAIN;
    return 0;
}

ssize_t send(int fd, const void *bytes, size_t size, int flags) {
    return shim_may_send(__builtin_return_address(0)) ? real_send(fd, bytes, size, flags) : -1;
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
    return shim_may_send(__builtin_return_address(0)) ? real_sendmsg(fd, message, flags) : -1;
}

ssize_t recv(int fd, void *bytes, size_t size, int flags) {
    if (shim_is_own(__builtin_return_address(0)))
        atomic_fetch_add(&shim->receives, 1);
    return real_recv(fd, bytes, size, flags);
}
