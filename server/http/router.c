/* router.c — see router.h. A path is compared part by part; `{}` in a pattern stands for one part and becomes the argument, `**` at
 * its end for all that follows. What no row knows is a static file, if there is a folder of them. */
#include "http/router.h"

#include "admin/admin.h"
#include "config.h"
#include "http/echo_door.h"
#include "http/health.h"
#include "http/metrics_door.h"
#include "http/pages.h"
#include "http/sessions.h"
#include "http/ws_door.h"

#include <stdio.h>

struct route {
    const char *method;
    const char *pattern;
    void (*handle)(struct http_conn *conn, struct bytes argument);
};

static const struct route routes[] = {
    { "GET", "/healthz", health_alive },
    { "GET", "/readyz", health_ready },
    { "POST", "/v1/sessions", sessions_create },
    { "POST", "/v1/join", sessions_join },
    { "GET", "/v1/sessions/{}/ws", ws_door_open },
    { "GET", "/y/{}/**", ws_door_open_yws },
    { "GET", "/hocuspocus/{}", ws_door_open_hocuspocus },
    { "GET", "/metrics", metrics_door_get },
    { "GET", "/test/echo", echo_door_open },
    { "GET", "/v1/admin/sessions", admin_sessions },
    { "GET", "/v1/admin/connections", admin_connections },
    { "GET", "/v1/admin/documents", admin_documents },
    { "POST", "/v1/admin/connections/{}/kick", admin_kick },
    { "POST", "/v1/admin/sessions/{}/close", admin_close },
    { "POST", "/v1/admin/documents/{}/evict", admin_evict },
    { "POST", "/v1/admin/drain", admin_drain },
    { "POST", "/v1/admin/log-level", admin_log_level },
};

enum { ROUTES = sizeof routes / sizeof routes[0] };

/* Takes "/part" from the front of `path`; false at its end. */
static bool router_part(struct bytes *path, struct bytes *out) {
    if (path->size == 0 || path->data[0] != '/')
        return false;
    size_t end = 1;
    while (end < path->size && path->data[end] != '/')
        end++;
    *out = bytes_of(path->data + 1, end - 1);
    *path = bytes_of(path->data + end, path->size - end);
    return true;
}

static bool router_matches(const char *pattern, struct bytes path, struct bytes *argument) {
    struct bytes expected = bytes_text(pattern), want, part;
    while (router_part(&expected, &want)) {
        if (bytes_equal_text(want, "**"))
            return path.size > 0;
        if (!router_part(&path, &part))
            return false;
        if (bytes_equal_text(want, "{}"))
            *argument = part;
        else if (!bytes_equal(want, part))
            return false;
    }
    return path.size == 0;
}

void router_dispatch(struct http_conn *conn) {
    const struct http_message *request = http_conn_request(conn);
    bool is_head = bytes_equal_text(request->method, "HEAD");
    char allowed[64] = "";
    for (size_t i = 0; i < ROUTES; i++) {
        struct bytes argument = { 0 };
        if (!router_matches(routes[i].pattern, request->path, &argument))
            continue;
        if (routes[i].handle == echo_door_open && !server_config(conn->door->server)->test_echo)
            continue;
        if (bytes_equal_text(request->method, routes[i].method) ||
            (is_head && bytes_equal_text(bytes_text("GET"), routes[i].method))) {
            routes[i].handle(conn, argument);
            return;
        }
        size_t size = strlen(allowed);
        snprintf(allowed + size, sizeof allowed - size, "%s%s", size > 0 ? ", " : "", routes[i].method);
    }
    bool has_pages = server_config(conn->door->server)->web_root[0] != '\0' &&
                     !(request->path.size >= 4 && memcmp(request->path.data, "/v1/", 4) == 0);
    if (allowed[0] == '\0' && has_pages) {
        if (is_head || bytes_equal_text(request->method, "GET")) {
            pages_get(conn);
            return;
        }
        snprintf(allowed, sizeof allowed, "GET, HEAD");
    }
    if (allowed[0] != '\0') {
        struct http_header allow = { bytes_text("Allow"), bytes_text(allowed) };
        http_conn_refuse_as(conn, 405, "method_not_allowed", "This path takes another method.", &allow);
        return;
    }
    http_conn_refuse(conn, WIRE_CODE_NOT_FOUND, "There is nothing at this path.");
}
