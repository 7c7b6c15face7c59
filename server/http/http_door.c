/* http_door.c — see http_door.h. */
#include "http/http_door.h"

#include "config.h"
#include "http/echo_door.h"
#include "http/http_conn.h"
#include "http/http_operation.h"

#include <sys/socket.h>
#include <unistd.h>

enum { HTTP_ROOM_LOOKS = 64 }; /* at connections, for one that may go */

static void http_door_sweep(void *context);

enum status http_door_create(const struct fleet *fleet, struct http_door *const *doors, unsigned index, struct http_door **out) {
    struct http_door *door = mem_zalloc(&mem_default, sizeof *door);
    if (door == NULL)
        return STATUS_NO_MEMORY;
    door->fleet = fleet;
    door->doors = doors;
    door->server = fleet->servers[index];
    door->loop = server_loop(door->server);
    table_init(&door->conns, &mem_default);
    list_init(&door->conn_list);
    list_init(&door->echoes);
    list_init(&door->operations);
    if (loop_timer_create(door->loop, http_door_sweep, door, &door->sweep) != STATUS_OK) {
        mem_free(&mem_default, door, sizeof *door);
        return STATUS_NO_MEMORY;
    }
    *out = door;
    return STATUS_OK;
}

void http_door_destroy(struct http_door *door) {
    if (door == NULL)
        return;
    list_each (link, &door->operations)
        http_operation_destroy(list_entry(link, struct http_operation, link));
    list_each (link, &door->conn_list)
        http_conn_close(list_entry(link, struct http_conn, link));
    echo_door_destroy(door);
    loop_timer_destroy(door->sweep);
    table_finish(&door->conns);
    mem_free(&mem_default, door, sizeof *door);
}

/* Lets go of whoever has been here longest without a whole request. The list is in the order of coming. */
static bool http_door_make_room(struct http_door *door) {
    unsigned looked = 0;
    for (struct list *link = door->conn_list.next; link != &door->conn_list && looked < HTTP_ROOM_LOOKS;
         link = link->next, looked++) {
        struct http_conn *conn = list_entry(link, struct http_conn, link);
        if (conn->state == HTTP_CONN_READING || conn->state == HTTP_CONN_LINGERING) {
            http_conn_close(conn);
            return true;
        }
    }
    return false;
}

static void http_door_on_accept(void *context, int fd) {
    /* The body ends with the connection. */
    static const char full[] = "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 1\r\n"
                               "Connection: close\r\n\r\n"
                               "{\"error\":{\"code\":\"overloaded\",\"message\":\"Too many connections.\",\"retry\":\"later\"}}\n";
    struct http_door *door = context;
    bool idle = list_empty(&door->conn_list);
    struct metrics *metrics = &door->server->metrics;
    metrics_count(metrics, METRIC_accepted);
    bool has_room = table_count(&door->conns) < server_config(door->server)->http_connections_max;
    if (!has_room) {
        metrics_limited(metrics, LIMIT_http_connections_max);
        has_room = http_door_make_room(door);
    }
    if (door->closing || !has_room) {
        if (door->server->tls == NULL) /* else nobody could read it before a handshake */
            (void)!send(fd, full, sizeof full - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
        close(fd);
        return;
    }
    if (http_conn_create(door, fd, ++door->conn_next) != STATUS_OK) {
        close(fd);
        return;
    }
    if (idle)
        loop_timer_start(door->sweep, HTTP_SWEEP_MS, HTTP_SWEEP_MS);
}

static void http_door_on_turned_away(void *context) {
    struct http_door *door = context;
    metrics_limited(&door->server->metrics, LIMIT_descriptors);
}

const struct listener_events http_door_events = { http_door_on_accept, http_door_on_turned_away };

struct http_conn *http_door_conn(const struct http_door *door, uint64_t id) {
    return table_get(&door->conns, id);
}

/* Who lingers has his answer. */
static bool http_door_is_drained(const struct http_door *door) {
    list_each (link, &door->conn_list)
        if (list_entry(link, const struct http_conn, link)->state != HTTP_CONN_LINGERING)
            return loop_now_ms(door->loop) >= door->drained_ms;
    return true;
}

static void http_door_sweep(void *context) {
    struct http_door *door = context;
    uint64_t now_ms = loop_now_ms(door->loop);
    list_each (link, &door->conn_list) {
        struct http_conn *conn = list_entry(link, struct http_conn, link);
        if (now_ms >= conn->deadline_ms)
            http_conn_expire(conn);
    }
    if (door->drained != NULL && http_door_is_drained(door)) {
        loop_timer_stop(door->sweep);
        door->drained(door->drained_context);
    } else if (door->drained == NULL && list_empty(&door->conn_list))
        loop_timer_stop(door->sweep);
}

void http_door_close(struct http_door *door) {
    door->closing = true;
    echo_door_close(door);
    list_each (link, &door->conn_list) {
        struct http_conn *conn = list_entry(link, struct http_conn, link);
        if ((conn->state == HTTP_CONN_READING && conn->served) || conn->state == HTTP_CONN_LINGERING)
            http_conn_close(conn);
    }
}

void http_door_drain(struct http_door *door, loop_fn done, void *context) {
    door->drained = done;
    door->drained_context = context;
    door->drained_ms = loop_now_ms(door->loop) + HTTP_DRAIN_MS;
    loop_timer_start(door->sweep, 0, HTTP_SWEEP_MS / 5);
}

struct http_guess {
    struct http_door *door;
    char peer[64];
};

static void http_door_on_guess(void *context) {
    struct http_guess *guess = context;
    guess_limit_note(&guess->door->wrong_codes, guess->peer, loop_now_ms(guess->door->loop));
    mem_free(&mem_default, guess, sizeof *guess);
}

void http_door_note_guess(struct http_door *door, const char *peer) {
    guess_limit_note(&door->wrong_codes, peer, loop_now_ms(door->loop));
    for (unsigned i = 0; i < door->fleet->count; i++) {
        struct http_guess *guess = door->doors[i] != door ? mem_zalloc(&mem_default, sizeof *guess) : NULL;
        if (guess == NULL)
            continue;
        guess->door = door->doors[i];
        strncpy(guess->peer, peer, sizeof guess->peer - 1);
        if (loop_post(guess->door->loop, http_door_on_guess, guess) != STATUS_OK)
            mem_free(&mem_default, guess, sizeof *guess);
    }
}
