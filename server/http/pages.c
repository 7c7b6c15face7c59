/* pages.c — see pages.h. Files are opened and read on the loop: they are local and in the page cache. */
#include "http/pages.h"

#include "config.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct {
    const char *suffix, *type;
} pages_types[] = {
    { ".html", "text/html; charset=utf-8" },
    { ".js", "text/javascript; charset=utf-8" },
    { ".mjs", "text/javascript; charset=utf-8" },
    { ".css", "text/css; charset=utf-8" },
    { ".json", "application/json" },
    { ".map", "application/json" },
    { ".svg", "image/svg+xml" },
    { ".png", "image/png" },
    { ".ico", "image/x-icon" },
    { ".woff2", "font/woff2" },
    { ".wasm", "application/wasm" },
    { ".txt", "text/plain; charset=utf-8" },
    { ".webmanifest", "application/manifest+json" },
};

static const char *pages_type(const char *path) {
    size_t size = strlen(path);
    for (size_t i = 0; i < sizeof pages_types / sizeof pages_types[0]; i++) {
        size_t suffix_size = strlen(pages_types[i].suffix);
        if (size > suffix_size && strcmp(path + size - suffix_size, pages_types[i].suffix) == 0)
            return pages_types[i].type;
    }
    return "application/octet-stream";
}

/* The file's path below the folder, without the first slash; false when the request names none that could be served. */
static bool pages_path(struct bytes encoded, char out[PAGES_PATH_MAX]) {
    struct bytes_writer decoded;
    bool ok = false;
    bytes_writer_init(&decoded, &mem_default, PAGES_PATH_MAX - sizeof "index.html");
    if (http_percent_decode(encoded, &decoded) == STATUS_OK && decoded.status == STATUS_OK && decoded.size > 0 &&
        decoded.data[0] == '/') {
        ok = true;
        for (size_t i = 0; i < decoded.size; i++) {
            bool part_begins = i > 0 && decoded.data[i - 1] == '/';
            ok = ok && decoded.data[i] >= 0x20 && decoded.data[i] != '\\' &&
                 !(part_begins && (decoded.data[i] == '.' || decoded.data[i] == '/'));
        }
        bool is_folder = decoded.data[decoded.size - 1] == '/';
        snprintf(out, PAGES_PATH_MAX, "%.*s%s", (int)decoded.size - 1, (const char *)decoded.data + 1,
                 is_folder ? "index.html" : "");
    }
    bytes_writer_finish(&decoded);
    return ok;
}

static int pages_open(const char *root, const char *path) {
    int folder = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return -1;
    struct open_how how = { .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS };
    int fd = (int)syscall(SYS_openat2, folder, path, &how, sizeof how);
    close(folder);
    return fd;
}

/* What a page may do. Scripts, connections and fonts of this server only, no frames around it. Styles may stand in the document:
 * the editor writes its own, and a style can't run. */
static const char pages_policy[] = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
                                   "font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; "
                                   "frame-ancestors 'none'";

/* Takes `fd`. */
static void pages_answer(struct http_conn *conn, int fd, const struct stat *stat, const char *path, bool packed) {
    char etag[64];
    bool named_by_content = strncmp(path, "assets/", 7) == 0;
    snprintf(etag, sizeof etag, "\"%llx-%llx\"", (unsigned long long)stat->st_size,
             (unsigned long long)stat->st_mtim.tv_sec * 1000000000ull + (unsigned long long)stat->st_mtim.tv_nsec);
    struct http_header headers[] = {
        { bytes_text("ETag"), bytes_text(etag) },
        { bytes_text("Cache-Control"), bytes_text(named_by_content ? "public, max-age=31536000, immutable" : "no-cache") },
        { bytes_text("X-Content-Type-Options"), bytes_text("nosniff") },
        { bytes_text("Referrer-Policy"), bytes_text("no-referrer") },
        { bytes_text("Vary"), bytes_text("Accept-Encoding") },
        { bytes_text("Content-Security-Policy"), bytes_text(pages_policy) },
        { bytes_text("Content-Encoding"), bytes_text("gzip") },
    };
    unsigned count = sizeof headers / sizeof headers[0] - (packed ? 0 : 1);
    if (bytes_equal_text(http_message_header(http_conn_request(conn), "If-None-Match"), etag)) {
        close(fd);
        http_conn_answer(conn, 304, NULL, headers, count, (struct bytes){ 0 });
        return;
    }
    http_conn_answer_file(conn, pages_type(path), headers, count, fd, (uint64_t)stat->st_size);
}

void pages_get(struct http_conn *conn) {
    char path[PAGES_PATH_MAX];
    struct stat stat;
    if (!pages_path(http_conn_request(conn)->path, path)) {
        http_conn_refuse(conn, WIRE_CODE_NOT_FOUND, "There is nothing at this path.");
        return;
    }
    const char *root = server_config(conn->door->server)->web_root;
    bool packed = http_value_has_token(http_message_header(http_conn_request(conn), "Accept-Encoding"), "gzip");
    int fd = -1;
    if (packed) {
        char packed_path[PAGES_PATH_MAX + sizeof ".gz"];
        snprintf(packed_path, sizeof packed_path, "%s.gz", path);
        fd = pages_open(root, packed_path);
        packed = fd >= 0;
    }
    if (fd < 0)
        fd = pages_open(root, path);
    if (fd >= 0 && fstat(fd, &stat) == 0 && S_ISREG(stat.st_mode)) {
        pages_answer(conn, fd, &stat, path, packed);
        return;
    }
    if (fd >= 0)
        close(fd);
    http_conn_refuse(conn, WIRE_CODE_NOT_FOUND, "There is nothing at this path.");
}
