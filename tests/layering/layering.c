/* layering — who may include whom.
 *
 *   layering ROOT      reads every .c, .h and .def below ROOT's layers, prints each include that the tables below forbid
 *
 *      clients ──▶ *_wire.h
 *         │           │           tests, bench ──▶ anything
 *         │        features ──▶ server/feature
 *         ▼           ▼
 *        server (uv only in loop/)
 *         │        │         │
 *         ▼        ▼         ▼
 *       crdt    protocol   storage (the only libpq)
 *         └────────┴─────────┴──▶ crdt/ground ──▶ C library
 *
 * Three questions, three tables:
 *
 *   places     an include of ours: which files may a file of this place include?
 *   foreign    a library's header: in which files may it stand?
 *   standard   the C library's headers; below crdt/ the C11 ones only
 *
 * A header in no table is refused, so that a new dependency is a row here. Besides: a header that nobody includes, and a feature
 * whose folder or line in features.def is missing.
 *
 * Paths are relative to ROOT; patterns are fnmatch(3) patterns in which `*` also matches `/`. The first matching place counts. `=/`
 * at the front of a pattern stands for the includer's own folder. The program first holds its own tables against `known` verdicts,
 * so a table that forbids nothing any more is noticed. */
#include <dirent.h>
#include <fnmatch.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define COUNT(array)   (sizeof(array) / sizeof((array)[0]))
#define PATH_BYTES_MAX 1024
#define FILES_MAX      4096
#define PATTERNS_MAX   12

struct place {
    const char *who;
    const char *may[PATTERNS_MAX];
};

static const struct place places[] = {
    { "crdt/ground/*", { "crdt/ground/*" } },
    { "crdt/*", { "crdt/*" } },
    { "protocol/*", { "protocol/*", "crdt/ground/*" } },
    { "storage/*", { "storage/*", "crdt/ground/*" } },
    /* Clients link the wire files, so these know values and nothing else. */
    { "server/features/*_wire.[ch]", { "=/*_wire.h", "crdt/ground/*", "protocol/include/*" } },
    { "server/features/*/*",
      { "=/*", "server/feature/*", "crdt/ground/*", "crdt/include/*", "protocol/include/*", "storage/include/*" } },
    { "server/*", { "server/*", "crdt/ground/*", "crdt/include/*", "protocol/include/*", "storage/include/*" } },
    { "clients/*", { "clients/*", "server/features/*_wire.h", "crdt/ground/*", "crdt/include/*", "protocol/include/*" } },
    { "bench/*", { "*" } },
    { "tests/*", { "*" } },
};

struct foreign {
    const char *header;
    const char *where[PATTERNS_MAX];
};

static const struct foreign foreign[] = {
    { "uv.h", { "server/loop/*" } },
    { "libpq-fe.h", { "storage/src/*", "bench/*", "tests/*" } },
    { "wslay/*", { "protocol/ws/ws_conn.c" } },
    { "zlib.h", { "protocol/ws/ws_deflate.c" } },
    { "msgpack.h", { "protocol/wire/pack.c" } },
    { "http_parser.h", { "protocol/http/http_parse.c" } },
    { "openssl/*",
      { "protocol/http/upgrade.c", "server/access/*.c", "server/loop/tls.c", "server/loop/tls_test.c", "clients/c/client_tls.c" } },
    { "jansson.h", { "protocol/*.c", "server/features/presence/presence_state.c", "tests/*" } },
    { "xxhash.h", { "storage/src/*.c" } },
    { "zstd.h", { "storage/src/*.c", "clients/cli/*.c", "bench/*", "tests/*" } },
    { "criterion/*", { "*_test.c", "tests/*" } },
};

static const char *const standard_c11[] = {
    "assert.h",  "complex.h", "ctype.h",  "errno.h",  "fenv.h",   "float.h",       "inttypes.h", "iso646.h",
    "limits.h",  "locale.h",  "math.h",   "setjmp.h", "signal.h", "stdalign.h",    "stdarg.h",   "stdatomic.h",
    "stdbool.h", "stddef.h",  "stdint.h", "stdio.h",  "stdlib.h", "stdnoreturn.h", "string.h",   "tgmath.h",
    "threads.h", "time.h",    "uchar.h",  "wchar.h",  "wctype.h",
};

static const char *const standard_posix[] = {
    "arpa/*",      "net/*",    "netinet/*", "sys/*",    "dirent.h",  "dlfcn.h",   "endian.h",   "execinfo.h", "fcntl.h",
    "fnmatch.h",   "ftw.h",    "getopt.h",  "glob.h",   "grp.h",     "ifaddrs.h", "langinfo.h", "libgen.h",   "linux/*",
    "link.h",      "malloc.h", "netdb.h",   "poll.h",   "pthread.h", "pwd.h",     "regex.h",    "sched.h",    "search.h",
    "semaphore.h", "spawn.h",  "strings.h", "syslog.h", "termios.h", "unistd.h",  "utime.h",    "wordexp.h",
};

/* Verdicts that must come out of the tables above. `target` is a file of ours, or a header in angle brackets. */
static const struct {
    const char *file, *target;
    bool allowed;
} known[] = {
    { "crdt/src/doc.c", "crdt/ground/mem.h", true },
    { "crdt/ground/mem.c", "crdt/include/crdt/doc.h", false },
    { "crdt/src/doc.c", "protocol/include/wire/ws.h", false },
    { "crdt/src/doc.c", "<stdint.h>", true },
    { "crdt/src/doc.c", "<unistd.h>", false },
    { "crdt/src/doc_test.c", "<criterion/criterion.h>", true },
    { "protocol/ws/ws_conn.c", "<wslay/wslay.h>", true },
    { "protocol/ws/ws_conn.h", "<wslay/wslay.h>", false },
    { "protocol/wire/rpc.c", "<msgpack.h>", false },
    { "protocol/wire/rpc.c", "crdt/include/crdt/doc.h", false },
    { "storage/src/pg_conn.c", "<libpq-fe.h>", true },
    { "storage/include/store/store.h", "<libpq-fe.h>", false },
    { "storage/src/journal.c", "protocol/include/wire/ws.h", false },
    { "server/loop/socket.c", "<uv.h>", true },
    { "server/document/document.c", "<uv.h>", false },
    { "server/document/document.c", "<libpq-fe.h>", false },
    { "server/document/document.c", "crdt/src/item.h", false },
    { "server/document/document.c", "crdt/include/crdt/doc.h", true },
    { "server/document/document.c", "storage/src/pg_conn.h", false },
    { "server/features/chat/chat.c", "server/feature/feature.h", true },
    { "server/features/chat/chat.c", "server/features/files/files.h", false },
    { "server/features/chat/chat.c", "server/loop/loop.h", false },
    { "server/features/chat/chat_wire.c", "server/feature/feature.h", false },
    { "server/features/chat/chat_wire.c", "protocol/include/wire/pack.h", true },
    { "clients/c/client.c", "server/features/chat/chat_wire.h", true },
    { "clients/c/client.c", "server/features/chat/chat.h", false },
    { "clients/cli/cli_main.c", "server/session/session.h", false },
    { "bench/trace_bench.c", "crdt/src/item.h", true },
    { "server/log.c", "<boost/any.hpp>", false },
};

static char *files[FILES_MAX];
static bool included[FILES_MAX];
static size_t file_count;
static size_t include_count;
static size_t finding_count;

static bool matches_any(const char *const *patterns, size_t count, const char *path) {
    for (size_t i = 0; i < count && patterns[i]; i++)
        if (fnmatch(patterns[i], path, 0) == 0)
            return true;
    return false;
}

/* Prints a path into `out`, of PATH_BYTES_MAX; a longer path ends the program. */
static void path_print(char *out, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(out, PATH_BYTES_MAX, format, arguments);
    va_end(arguments);
    if (length < 0 || length >= PATH_BYTES_MAX) {
        fprintf(stderr, "layering: a path has more than %d bytes\n", PATH_BYTES_MAX - 1);
        exit(2);
    }
}

/* Length of `path` up to its last slash, that included. */
static size_t folder_length(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? (size_t)(slash - path) + 1 : 0;
}

static bool own_may_include(const char *file, const char *target) {
    for (size_t i = 0; i < COUNT(places); i++) {
        if (fnmatch(places[i].who, file, 0) != 0)
            continue;
        /* A test beside its source may also use the common test equipment. */
        if (fnmatch("*_test.c", file, 0) == 0 && fnmatch("tests/support/*", target, 0) == 0)
            return true;
        for (size_t p = 0; p < PATTERNS_MAX && places[i].may[p]; p++) {
            const char *pattern = places[i].may[p];
            if (strncmp(pattern, "=/", 2) == 0) {
                size_t folder = folder_length(file);
                if (strncmp(file, target, folder) == 0 && fnmatch(pattern + 2, target + folder, 0) == 0)
                    return true;
            } else if (fnmatch(pattern, target, 0) == 0) {
                return true;
            }
        }
        return false;
    }
    return false;
}

static bool foreign_may_stand(const char *file, const char *header) {
    if (matches_any(standard_c11, COUNT(standard_c11), header))
        return true;
    if (matches_any(standard_posix, COUNT(standard_posix), header))
        return fnmatch("crdt/*", file, 0) != 0 || fnmatch("*_test.c", file, 0) == 0;
    for (size_t i = 0; i < COUNT(foreign); i++)
        if (fnmatch(foreign[i].header, header, 0) == 0)
            return matches_any(foreign[i].where, PATTERNS_MAX, file);
    return false;
}

static void report(const char *file, int line, const char *text, const char *what) {
    if (line > 0)
        printf("%s:%d: %s %s\n", file, line, text, what);
    else
        printf("%s: %s %s\n", file, text, what);
    finding_count++;
}

static void check_tables(void) {
    for (size_t i = 0; i < COUNT(known); i++) {
        const char *target = known[i].target;
        char header[PATH_BYTES_MAX];
        bool allowed;
        if (target[0] == '<') {
            path_print(header, "%.*s", (int)strlen(target) - 2, target + 1);
            allowed = foreign_may_stand(known[i].file, header);
        } else {
            allowed = own_may_include(known[i].file, target);
        }
        if (allowed != known[i].allowed)
            report(known[i].file, 0, allowed ? "the tables wrongly allow" : "the tables wrongly forbid", target);
    }
}

static bool has_ending(const char *path, const char *ending) {
    size_t path_length = strlen(path), length = strlen(ending);
    return path_length >= length && strcmp(path + path_length - length, ending) == 0;
}

/* Collects `files`, relative to `root`, from `folder` downwards; a folder that isn't there has none. */
static void collect(const char *root, const char *folder) {
    char path[PATH_BYTES_MAX];
    path_print(path, "%s/%s", root, folder);
    DIR *dir = opendir(path);
    if (!dir)
        return;
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (entry->d_name[0] == '.' || strcmp(entry->d_name, "node_modules") == 0)
            continue;
        char below[PATH_BYTES_MAX];
        struct stat info;
        path_print(below, "%s/%s", folder, entry->d_name);
        path_print(path, "%s/%s", root, below);
        if (lstat(path, &info) != 0) {
            report(folder, 0, "can't be read:", entry->d_name);
        } else if (S_ISDIR(info.st_mode)) {
            collect(root, below);
        } else if (has_ending(below, ".c") || has_ending(below, ".h") || has_ending(below, ".def")) {
            if (file_count == FILES_MAX || !(files[file_count] = strdup(below))) {
                fprintf(stderr, "layering: more than %d files\n", FILES_MAX);
                exit(2);
            }
            file_count++;
        }
    }
    closedir(dir);
}

static bool ends_with_name(const char *path, const char *name) {
    size_t path_length = strlen(path), length = strlen(name);
    return path_length > length && path[path_length - length - 1] == '/' && strcmp(path + path_length - length, name) == 0;
}

/* Which file of ours `name` means inside files[from]: the one in its own folder, else those whose path ends so, those of the same
 * top-level folder first. Marks it as included and judges. False if none of ours is called so. */
static bool judge_own(size_t from, int line, const char *name) {
    const char *file = files[from];
    char beside[PATH_BYTES_MAX];
    size_t folder = folder_length(file);
    const char *below = name;
    for (; strncmp(below, "../", 3) == 0 && folder > 0; below += 3) {
        folder--;
        while (folder > 0 && file[folder - 1] != '/')
            folder--;
    }
    path_print(beside, "%.*s%s", (int)folder, file, below);
    size_t top = strcspn(file, "/") + 1;
    size_t best = FILES_MAX;
    int best_rank = 0;
    for (size_t i = 0; i < file_count; i++) {
        int rank = 0;
        if (strcmp(files[i], beside) == 0)
            rank = 3;
        else if (ends_with_name(files[i], name))
            rank = strncmp(files[i], file, top) == 0 ? 2 : 1;
        if (rank > best_rank) {
            best_rank = rank;
            best = i;
        }
    }
    if (best_rank == 0)
        return false;
    included[best] = included[best] || best != from;
    if (!own_may_include(file, files[best]))
        report(file, line, "may not include", files[best]);
    return true;
}

static void check_file(const char *root, size_t index) {
    char path[PATH_BYTES_MAX];
    path_print(path, "%s/%s", root, files[index]);
    FILE *stream = fopen(path, "r");
    if (!stream) {
        report(files[index], 0, "can't be opened", "");
        return;
    }
    char *text = NULL;
    size_t text_capacity = 0;
    for (int line = 1; getline(&text, &text_capacity, stream) >= 0; line++) {
        char open, name[PATH_BYTES_MAX];
        if (sscanf(text, " # include %c%1000[^\">\n]", &open, name) != 2 || (open != '"' && open != '<'))
            continue;
        include_count++;
        if (!judge_own(index, line, name) && open == '<' && !foreign_may_stand(files[index], name))
            report(files[index], line, "may not include (or no row of the tables knows)", name);
    }
    free(text);
    fclose(stream);
}

static void check_dead_headers(void) {
    for (size_t i = 0; i < file_count; i++)
        if (!included[i] && (has_ending(files[i], ".h") || has_ending(files[i], ".def")) && !strstr(files[i], "/include/"))
            report(files[i], 0, "is included by nobody", "");
}

static bool file_exists(const char *root, const char *path) {
    char full[PATH_BYTES_MAX];
    struct stat info;
    path_print(full, "%s/%s", root, path);
    return stat(full, &info) == 0;
}

/* Every FEATURE(x) has server/features/x/ with its door, its source, its test and its README, and every folder has its line. */
static void check_features(const char *root) {
    char path[PATH_BYTES_MAX], listed[4096] = "|";
    path_print(path, "%s/server/features/features.def", root);
    FILE *stream = fopen(path, "r");
    if (!stream)
        return;
    char text[512], name[64];
    while (fgets(text, sizeof text, stream)) {
        if (sscanf(text, " FEATURE ( %60[a-z_0-9]", name) != 1)
            continue;
        static const char *const parts[] = { "README.md", "%s.h", "%s.c", "%s_test.c" };
        for (size_t i = 0; i < COUNT(parts); i++) {
            char part[PATH_BYTES_MAX];
            if (parts[i][0] == '%')
                path_print(part, "%s%s", name, parts[i] + 2);
            else
                path_print(part, "%s", parts[i]);
            path_print(path, "server/features/%s/%s", name, part);
            if (!file_exists(root, path))
                report(path, 0, "is missing, features.def names its feature", "");
        }
        strncat(listed, name, sizeof listed - strlen(listed) - 1);
        strncat(listed, "|", sizeof listed - strlen(listed) - 1);
    }
    fclose(stream);
    path_print(path, "%s/server/features", root);
    DIR *dir = opendir(path);
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        char key[PATH_BYTES_MAX];
        path_print(path, "%s/server/features/%s", root, entry->d_name);
        struct stat info;
        if (entry->d_name[0] == '.' || stat(path, &info) != 0 || !S_ISDIR(info.st_mode))
            continue;
        path_print(key, "|%s|", entry->d_name);
        if (!strstr(listed, key))
            report("server/features/features.def", 0, "has no line for the folder", entry->d_name);
    }
    if (dir)
        closedir(dir);
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: layering ROOT\n");
        return 2;
    }
    static const char *const layers[] = { "crdt", "protocol", "storage", "server", "clients", "bench", "tests" };
    check_tables();
    for (size_t i = 0; i < COUNT(layers); i++)
        collect(argv[1], layers[i]);
    for (size_t i = 0; i < file_count; i++)
        check_file(argv[1], i);
    check_dead_headers();
    check_features(argv[1]);
    printf("%zu files, %zu includes, %zu findings\n", file_count, include_count, finding_count);
    for (size_t i = 0; i < file_count; i++)
        free(files[i]);
    return finding_count == 0 && include_count > 0 ? 0 : 1;
}
