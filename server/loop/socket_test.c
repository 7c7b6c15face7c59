#include "loop/socket.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop/listener.h"

/* One end of a socket pair is the socket under test, the other is held by the test. */
struct rig {
    struct loop *loop;
    struct socket *socket;
    struct loop_timer *timer;
    struct listener *listener;
    int fd;      /* the socket's own descriptor */
    int far;     /* the test's end */
    size_t got;  /* bytes that on_bytes brought */
    size_t sent; /* bytes that the kernel took */
    size_t goal; /* bytes to send */
    unsigned byte_calls, writable_calls, end_calls, accepts, turned_away;
    enum status end_why;
    uint8_t sum;
    void (*on_bytes)(struct rig *rig);
    void (*on_end)(struct rig *rig);
};

static uint8_t blob[1 << 20];

static void rig_on_bytes(void *owner, struct bytes bytes) {
    struct rig *rig = owner;
    rig->byte_calls++;
    rig->got += bytes.size;
    for (size_t i = 0; i < bytes.size; i++)
        rig->sum = (uint8_t)(rig->sum + bytes.data[i]);
    if (rig->on_bytes != NULL)
        rig->on_bytes(rig);
}

static void rig_send(struct rig *rig) {
    while (rig->sent < rig->goal) {
        /* Two parts and an empty one between: a gathered write. */
        size_t left = rig->goal - rig->sent, half = left / 2, written;
        struct bytes parts[] = { bytes_of(blob + rig->sent, half), { 0 }, bytes_of(blob + rig->sent + half, left - half) };
        if (socket_write(rig->socket, parts, 3, &written) != STATUS_OK)
            return;
        if (written == 0) {
            socket_want_write(rig->socket);
            return;
        }
        rig->sent += written;
    }
    loop_stop(rig->loop);
}

static void rig_on_writable(void *owner) {
    struct rig *rig = owner;
    rig->writable_calls++;
    rig_send(rig);
}

static void rig_on_end(void *owner, enum status why) {
    struct rig *rig = owner;
    rig->end_calls++;
    rig->end_why = why;
    if (rig->on_end != NULL)
        rig->on_end(rig);
    loop_stop(rig->loop);
}

static const struct socket_events rig_events = { rig_on_bytes, rig_on_writable, rig_on_end };

static void rig_stop(void *context) {
    struct rig *rig = context;
    loop_stop(rig->loop);
}

static void rig_init(struct rig *rig) {
    int ends[2];
    *rig = (struct rig){ 0 };
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    rig->fd = ends[0];
    rig->far = ends[1];
    cr_assert_eq(loop_create(&rig->loop), STATUS_OK);
    cr_assert_eq(loop_timer_create(rig->loop, rig_stop, rig, &rig->timer), STATUS_OK);
    cr_assert_eq(socket_open(rig->loop, (struct socket_line){ .fd = ends[0] }, &rig_events, rig, &rig->socket), STATUS_OK);
}

static void rig_run_ms(struct rig *rig, unsigned ms) {
    loop_timer_start(rig->timer, ms, 0);
    loop_run(rig->loop);
}

static void rig_finish(struct rig *rig) {
    if (rig->socket != NULL)
        socket_close(rig->socket);
    loop_timer_destroy(rig->timer);
    loop_destroy(rig->loop);
    close(rig->far);
}

Test(socket, bytes_arrive_then_the_peers_close) {
    struct rig rig;
    rig_init(&rig);
    cr_assert_eq(write(rig.far, "hello", 5), 5);
    shutdown(rig.far, SHUT_WR);

    rig_run_ms(&rig, 2000);

    cr_expect_eq(rig.got, 5);
    cr_expect_eq(rig.end_calls, 1);
    cr_expect_eq(rig.end_why, STATUS_CLOSED);
    cr_expect_str_eq(socket_peer(rig.socket), "local");
    rig_finish(&rig);
}

Test(socket, a_half_closed_peer_is_told_once_and_may_still_be_answered) {
    struct rig rig;
    char answer[8] = { 0 };
    size_t written;
    rig_init(&rig);
    shutdown(rig.far, SHUT_WR);
    rig_run_ms(&rig, 2000);

    enum status status = socket_write(rig.socket, &(struct bytes){ (const uint8_t *)"bye", 3 }, 1, &written);
    rig_run_ms(&rig, 20);

    cr_expect_eq(status, STATUS_OK);
    cr_expect_eq(read(rig.far, answer, sizeof answer), 3);
    cr_expect_eq(rig.end_calls, 1);
    rig_finish(&rig);
}

static void rig_drain_far(void *context) {
    struct rig *rig = context;
    uint8_t buffer[16384];
    ssize_t count = recv(rig->far, buffer, sizeof buffer, MSG_DONTWAIT);
    if (count <= 0)
        return;
    if (memcmp(buffer, blob + rig->got, (size_t)count) != 0)
        rig->end_why = STATUS_DAMAGED;
    rig->got += (size_t)count;
}

Test(socket, a_full_kernel_buffer_takes_part_and_asks_again_when_it_drains) {
    struct rig rig;
    struct loop_timer *drain;
    for (size_t i = 0; i < sizeof blob; i++)
        blob[i] = (uint8_t)(i * 31 + (i >> 8));
    rig_init(&rig);
    rig.goal = sizeof blob;
    cr_assert_eq(loop_timer_create(rig.loop, rig_drain_far, &rig, &drain), STATUS_OK);
    loop_timer_start(drain, 1, 1);

    rig_send(&rig);
    size_t taken_at_once = rig.sent;
    rig_run_ms(&rig, 20000);

    cr_expect_lt(taken_at_once, sizeof blob);
    cr_expect_eq(rig.sent, sizeof blob);
    cr_expect_gt(rig.writable_calls, 0);
    while (rig.got < sizeof blob) {
        size_t before = rig.got;
        rig_drain_far(&rig);
        cr_assert_gt(rig.got, before);
    }
    cr_expect_eq(rig.end_why, STATUS_OK, "the bytes kept their order");
    loop_timer_destroy(drain);
    rig_finish(&rig);
}

static void rig_close_now(struct rig *rig) {
    socket_close(rig->socket);
    rig->socket = NULL;
    loop_stop(rig->loop);
}

Test(socket, may_be_closed_inside_on_bytes) {
    struct rig rig;
    rig_init(&rig);
    rig.on_bytes = rig_close_now;
    socket_want_write(rig.socket);
    /* Both readable and writable in one event: the second must not reach the closed socket. */
    cr_assert_eq(write(rig.far, "x", 1), 1);

    rig_run_ms(&rig, 2000);
    rig_run_ms(&rig, 5);

    cr_expect_eq(rig.byte_calls, 1);
    cr_expect_eq(rig.writable_calls, 0);
    cr_expect_eq(rig.end_calls, 0);
    cr_expect_eq(read(rig.far, &(char){ 0 }, 1), 0);
    rig_finish(&rig);
}

Test(socket, may_be_closed_inside_on_end) {
    struct rig rig;
    rig_init(&rig);
    rig.on_end = rig_close_now;
    shutdown(rig.far, SHUT_RDWR);

    rig_run_ms(&rig, 2000);

    cr_expect_eq(rig.end_calls, 1);
    rig_finish(&rig);
}

static struct socket_line detached;

static void rig_detach_now(struct rig *rig) {
    detached = socket_detach(rig->socket);
    rig->socket = NULL;
    loop_stop(rig->loop);
}

Test(socket, detached_inside_on_bytes_the_descriptor_lives_on_in_another_loop) {
    struct rig rig, other = { 0 };
    rig_init(&rig);
    rig.on_bytes = rig_detach_now;
    cr_assert_eq(write(rig.far, "first", 5), 5);
    rig_run_ms(&rig, 2000);
    cr_assert_eq(detached.fd, rig.fd);

    cr_assert_eq(loop_create(&other.loop), STATUS_OK);
    cr_assert_eq(loop_timer_create(other.loop, rig_stop, &other, &other.timer), STATUS_OK);
    cr_assert_eq(socket_open(other.loop, detached, &rig_events, &other, &other.socket), STATUS_OK);
    cr_assert_eq(write(rig.far, "second", 6), 6);
    rig_run_ms(&rig, 5);
    rig_run_ms(&other, 50);

    cr_expect_eq(rig.got, 5);
    cr_expect_eq(other.got, 6);
    other.far = dup(rig.far);
    rig_finish(&other);
    rig_finish(&rig);
}

Test(socket, paused_reads_nothing_until_it_goes_on) {
    struct rig rig;
    rig_init(&rig);
    socket_pause(rig.socket, true);
    cr_assert_eq(write(rig.far, "x", 1), 1);
    rig_run_ms(&rig, 10);
    size_t got_paused = rig.got;

    socket_pause(rig.socket, false);
    rig_run_ms(&rig, 50);

    cr_expect_eq(got_paused, 0);
    cr_expect_eq(rig.got, 1);
    rig_finish(&rig);
}

Test(socket, a_write_to_a_dead_peer_fails_and_the_end_is_told_later) {
    struct rig rig;
    size_t written;
    rig_init(&rig);
    socket_pause(rig.socket, true);
    close(rig.far);

    enum status status = socket_write(rig.socket, &(struct bytes){ (const uint8_t *)"x", 1 }, 1, &written);
    unsigned calls_inside = rig.end_calls;
    rig_run_ms(&rig, 2000);

    cr_expect_eq(status, STATUS_IO);
    cr_expect_eq(calls_inside, 0);
    cr_expect_eq(rig.end_calls, 1);
    cr_expect_eq(rig.end_why, STATUS_IO);
    rig.far = open("/dev/null", O_RDONLY);
    rig_finish(&rig);
}

Test(socket, a_flooding_peer_gets_one_buffer_per_turn) {
    struct rig rig;
    rig_init(&rig);
    ssize_t queued = send(rig.far, blob, 200000, MSG_DONTWAIT);
    cr_assert_gt(queued, 65536);

    rig_run_ms(&rig, 50);

    cr_expect_eq(rig.got, (size_t)queued);
    cr_expect_geq(rig.byte_calls, ((size_t)queued + 65535) / 65536);
    rig_finish(&rig);
}

static int dial(unsigned port) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return connect(fd, (struct sockaddr *)&address, sizeof address) == 0 ? fd : -1;
}

static void rig_on_accept(void *context, int fd) {
    struct rig *rig = context;
    rig->accepts++;
    close(fd);
    loop_stop(rig->loop);
}

static void rig_on_accept_once(void *context, int fd) {
    struct rig *rig = context;
    rig_on_accept(context, fd);
    listener_destroy(rig->listener);
    rig->listener = NULL;
}

static void rig_on_turned_away(void *context) {
    struct rig *rig = context;
    rig->turned_away++;
}

static const struct listener_events rig_accepts = { rig_on_accept, rig_on_turned_away };
static const struct listener_events rig_accepts_once = { rig_on_accept_once, rig_on_turned_away };

static unsigned listener_port(const struct listener *listener) {
    char address[LISTENER_ADDRESS_BYTES];
    listener_address(listener, address);
    return (unsigned)strtoul(strrchr(address, ':') + 1, NULL, 10);
}

Test(listener, takes_a_free_port_and_may_be_destroyed_by_its_first_arrival) {
    struct rig rig;
    rig_init(&rig);
    cr_assert_eq(listener_create(rig.loop, "127.0.0.1:0", &rig_accepts_once, &rig, &rig.listener), STATUS_OK);
    unsigned port = listener_port(rig.listener);
    int first = dial(port), second = dial(port);

    rig_run_ms(&rig, 2000);

    cr_expect_gt(port, 0);
    cr_expect_eq(rig.accepts, 1);
    close(first);
    close(second);
    rig_finish(&rig);
}

Test(listener, two_loops_share_a_port_but_a_stranger_is_noticed) {
    struct rig rig;
    struct listener *second;
    char address[32];
    rig_init(&rig);
    cr_assert_eq(listener_create(rig.loop, "127.0.0.1:0", &rig_accepts, &rig, &rig.listener), STATUS_OK);
    snprintf(address, sizeof address, "127.0.0.1:%u", listener_port(rig.listener));

    cr_expect_eq(listener_create(rig.loop, address, &rig_accepts, &rig, &second), STATUS_OK);
    cr_expect_eq(listener_address_free(address), STATUS_IO);
    cr_expect_eq(errno, EADDRINUSE);
    cr_expect_eq(listener_address_free("127.0.0.1:0"), STATUS_OK);

    listener_destroy(second);
    listener_destroy(rig.listener);
    rig_finish(&rig);
}

Test(listener, refuses_what_is_no_address) {
    static const char *const bad[] = { "",          "8440",         ":8440",        "localhost:1",
                                       "127.0.0.1", "127.0.0.1:",   "1:2:3",        "127.0.0.1:65536",
                                       "[::1:8440", "127.0.0.1:-1", "127.0.0.1:8x", "[]:1" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        cr_expect_eq(listener_address_free(bad[i]), STATUS_MALFORMED, "%s", bad[i]);
}

Test(listener, without_descriptors_arrivals_are_answered_and_closed) {
    struct rig rig;
    char answer[128] = { 0 };
    rig_init(&rig);
    cr_assert_eq(listener_create(rig.loop, "127.0.0.1:0", &rig_accepts, &rig, &rig.listener), STATUS_OK);
    int fd = dial(listener_port(rig.listener));
    int top = dup(fd);
    close(top);
    struct rlimit limit, none = { (rlim_t)top, (rlim_t)top };
    getrlimit(RLIMIT_NOFILE, &limit);
    none.rlim_max = limit.rlim_max;
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);

    rig_run_ms(&rig, 50);
    setrlimit(RLIMIT_NOFILE, &limit);

    cr_expect_eq(rig.accepts, 0);
    cr_expect_eq(rig.turned_away, 1);
    cr_expect_gt(read(fd, answer, sizeof answer - 1), 0);
    cr_expect(strstr(answer, " 503 ") != NULL, "%s", answer);
    int later = dial(listener_port(rig.listener));
    rig_run_ms(&rig, 2000);
    cr_expect_eq(rig.accepts, 1);
    close(fd);
    close(later);
    listener_destroy(rig.listener);
    rig_finish(&rig);
}
