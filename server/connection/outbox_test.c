#include "connection/outbox.h"

#include "loop/socket.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

static void outbox_test_on_bytes(void *owner, struct bytes bytes) {
    (void)owner;
    (void)bytes;
}

static void outbox_test_on_writable(void *owner) {
    (void)owner;
}

static void outbox_test_on_end(void *owner, enum status why) {
    (void)owner;
    (void)why;
}

static const struct socket_events outbox_test_events = { outbox_test_on_bytes, outbox_test_on_writable, outbox_test_on_end };

/* A socket and the other end of it. */
struct outbox_test {
    struct loop *loop;
    struct socket *socket;
    int peer;
};

static struct outbox_test outbox_test_open(void) {
    struct outbox_test test;
    int pair[2];
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    cr_assert_eq(loop_create(&test.loop), STATUS_OK);
    cr_assert_eq(socket_open(test.loop, pair[0], &outbox_test_events, NULL, &test.socket), STATUS_OK);
    test.peer = pair[1];
    return test;
}

static void outbox_test_close(struct outbox_test *test) {
    socket_close(test->socket);
    loop_destroy(test->loop);
    close(test->peer);
}

static struct frame *outbox_test_frame(size_t size, uint8_t fill) {
    struct frame *frame = frame_create(size);
    memset(frame->data, fill, size);
    return frame;
}

static void outbox_test_push(struct outbox *outbox, size_t size, uint8_t fill) {
    struct frame *frame = outbox_test_frame(size, fill);
    cr_assert_eq(outbox_push(outbox, frame, 1 << 30), STATUS_OK);
    frame_release(frame);
}

Test(outbox, sends_frames_in_order_and_is_empty_then) {
    struct outbox_test test = outbox_test_open();
    struct outbox outbox;
    outbox_init(&outbox);
    for (uint8_t i = 0; i < 200; i++) /* more than one gathered write takes */
        outbox_test_push(&outbox, 3, i);

    cr_assert_eq(outbox_flush(&outbox, test.socket), STATUS_OK);

    uint8_t received[700];
    cr_assert_eq(read(test.peer, received, sizeof received), 600);
    for (int i = 0; i < 600; i++)
        cr_assert_eq(received[i], i / 3);
    cr_assert_eq(outbox.bytes, 0);
    cr_assert_null(outbox.ring, "an idle outbox holds no ring");
    outbox_test_close(&test);
}

Test(outbox, a_full_kernel_keeps_the_rest_for_later) {
    struct outbox_test test = outbox_test_open();
    struct outbox outbox;
    outbox_init(&outbox);
    size_t total = 0;
    for (uint8_t i = 0; i < 50; i++, total += 100001)
        outbox_test_push(&outbox, 100001, i);

    size_t received = 0;
    enum status status = outbox_flush(&outbox, test.socket);
    cr_assert_eq(status, STATUS_MORE);
    while (received < total) {
        static uint8_t chunk[65536];
        ssize_t count = read(test.peer, chunk, sizeof chunk);
        if (count < 0) {
            status = outbox_flush(&outbox, test.socket);
            continue;
        }
        for (ssize_t i = 0; i < count; i++, received++)
            cr_assert_eq(chunk[i], received / 100001, "byte %zu", received);
    }

    cr_assert_eq(status, STATUS_OK);
    outbox_finish(&outbox);
    outbox_test_close(&test);
}

Test(outbox, refuses_what_would_pass_its_maximum) {
    struct outbox outbox;
    outbox_init(&outbox);
    struct frame *frame = outbox_test_frame(60, 1);

    cr_assert_eq(outbox_push(&outbox, frame, 100), STATUS_OK);
    cr_assert_eq(outbox_push(&outbox, frame, 100), STATUS_TOO_BIG);

    cr_assert_eq(outbox.count, 1);
    cr_assert_eq(frame->references, 2);
    outbox_finish(&outbox);
    cr_assert_eq(frame->references, 1);
    frame_release(frame);
}

Test(outbox, dropping_keeps_the_frame_that_has_begun) {
    struct outbox_test test = outbox_test_open();
    struct outbox outbox;
    outbox_init(&outbox);
    outbox_test_push(&outbox, 4 << 20, 7); /* more than a socket buffer */
    outbox_test_push(&outbox, 10, 8);
    cr_assert_eq(outbox_flush(&outbox, test.socket), STATUS_MORE);
    cr_assert_gt(outbox.sent_bytes, 0);

    outbox_drop_unsent(&outbox);

    cr_assert_eq(outbox.count, 1);
    cr_assert_eq(outbox.bytes, (4 << 20) - outbox.sent_bytes);
    outbox_finish(&outbox);
    outbox_test_close(&test);
}

Test(outbox, a_dead_peer_is_an_error) {
    struct outbox_test test = outbox_test_open();
    struct outbox outbox;
    outbox_init(&outbox);
    outbox_test_push(&outbox, 10, 1);
    shutdown(test.peer, SHUT_RDWR);

    cr_assert_eq(outbox_flush(&outbox, test.socket), STATUS_IO);

    outbox_finish(&outbox);
    outbox_test_close(&test);
}
