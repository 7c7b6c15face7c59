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
    cr_assert_eq(socket_open(test.loop, (struct socket_line){ .fd = pair[0] }, &outbox_test_events, NULL, &test.socket), STATUS_OK);
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

static enum status outbox_test_flush(struct outbox *outbox, struct outbox_test *test) {
    size_t written;
    return outbox_flush(outbox, test->socket, SIZE_MAX, &written);
}

Test(outbox, sends_frames_in_order_and_is_empty_then) {
    struct outbox_test test = outbox_test_open();
    struct outbox outbox;
    outbox_init(&outbox);
    for (uint8_t i = 0; i < 200; i++) /* more than one gathered write takes */
        outbox_test_push(&outbox, 3, i);

    cr_assert_eq(outbox_test_flush(&outbox, &test), STATUS_OK);

    uint8_t received[700];
    cr_assert_eq(read(test.peer, received, sizeof received), 600);
    for (int i = 0; i < 600; i++)
        cr_assert_eq(received[i], i / 3);
    cr_assert_eq(outbox.bytes, 0);
    cr_assert_eq(outbox.ring, outbox.few, "an idle outbox holds no memory");
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
    enum status status = outbox_test_flush(&outbox, &test);
    cr_assert_eq(status, STATUS_MORE);
    while (received < total) {
        static uint8_t chunk[65536];
        ssize_t count = read(test.peer, chunk, sizeof chunk);
        if (count < 0) {
            status = outbox_test_flush(&outbox, &test);
            continue;
        }
        for (ssize_t i = 0; i < count; i++, received++)
            cr_assert_eq(chunk[i], received / 100001, "byte %zu", received);
    }

    cr_assert_eq(status, STATUS_OK);
    outbox_finish(&outbox);
    outbox_test_close(&test);
}

Test(outbox, refuses_more_when_its_maximum_waits) {
    struct outbox outbox;
    outbox_init(&outbox);
    struct frame *frame = outbox_test_frame(60, 1);

    cr_assert_eq(outbox_push(&outbox, frame, 100), STATUS_OK);
    cr_assert_eq(outbox_push(&outbox, frame, 100), STATUS_OK, "of any size while less waits");
    cr_assert_eq(outbox_push(&outbox, frame, 100), STATUS_TOO_BIG);

    cr_assert_eq(outbox.count, 2);
    cr_assert_eq(frame->references, 3);
    outbox_finish(&outbox);
    cr_assert_eq(frame->references, 1);
    frame_release(frame);
}

Test(outbox, typing_allocates_nothing) {
    struct outbox_test test = outbox_test_open();
    struct outbox outbox;
    outbox_init(&outbox);

    for (uint8_t i = 0; i < 20; i++) {
        for (int frames = 0; frames < OUTBOX_FEW; frames++)
            outbox_test_push(&outbox, 30, i);
        cr_assert_eq(outbox.ring, outbox.few);
        cr_assert_eq(outbox_test_flush(&outbox, &test), STATUS_OK);
    }

    outbox_test_close(&test);
}

Test(outbox, writes_a_slice_at_a_time) {
    struct outbox_test test = outbox_test_open();
    struct outbox outbox;
    outbox_init(&outbox);
    outbox_test_push(&outbox, 10, 1);
    outbox_test_push(&outbox, 25, 2);
    size_t written;

    cr_assert_eq(outbox_flush(&outbox, test.socket, 20, &written), STATUS_OK);

    cr_assert_eq(written, 20);
    cr_assert_eq(outbox.count, 1);
    cr_assert_eq(outbox_flush(&outbox, test.socket, 20, &written), STATUS_OK);
    cr_assert_eq(written, 15);
    uint8_t received[40];
    cr_assert_eq(read(test.peer, received, sizeof received), 35);
    for (int i = 0; i < 35; i++)
        cr_assert_eq(received[i], i < 10 ? 1 : 2);
    outbox_test_close(&test);
}

Test(outbox, a_state_does_not_count_until_it_has_left) {
    struct outbox_test test = outbox_test_open();
    struct outbox outbox;
    outbox_init(&outbox);
    struct frame *base = outbox_test_frame(1000, 2), *tail = outbox_test_frame(10, 3);
    outbox_test_push(&outbox, 20, 1);

    cr_assert_eq(outbox_push_state(&outbox, base, &tail, 1), STATUS_OK);
    outbox_test_push(&outbox, 5, 4);

    cr_assert_eq(outbox_pressure(&outbox), 25);
    size_t written;
    outbox_flush(&outbox, test.socket, 520, &written); /* half of the state */
    cr_assert_eq(outbox.bytes, 515);
    cr_assert_eq(outbox_pressure(&outbox), 5);
    cr_assert(outbox_has_state(&outbox));
    outbox_flush(&outbox, test.socket, 511, &written); /* the other half, and one byte of what follows */
    cr_assert_not(outbox_has_state(&outbox));
    cr_assert_eq(outbox_pressure(&outbox), 4);
    outbox_finish(&outbox);
    frame_release(base);
    frame_release(tail);
    outbox_test_close(&test);
}

Test(outbox, dropping_keeps_the_frame_that_has_begun) {
    struct outbox_test test = outbox_test_open();
    struct outbox outbox;
    outbox_init(&outbox);
    outbox_test_push(&outbox, 4 << 20, 7); /* more than a socket buffer */
    outbox_test_push(&outbox, 10, 8);
    cr_assert_eq(outbox_test_flush(&outbox, &test), STATUS_MORE);
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

    cr_assert_eq(outbox_test_flush(&outbox, &test), STATUS_IO);

    outbox_finish(&outbox);
    outbox_test_close(&test);
}
