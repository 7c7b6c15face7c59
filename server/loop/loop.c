/* loop.c — see loop.h.
 *
 * The turn's end is libuv's prepare phase: it comes after the timers, directly before the poll that sleeps, so whatever the I/O
 * callbacks, the posted calls and the timers made ready is seen by one call of the hook.
 *
 *   uv_run:  timers ──▶ prepare (turn end) ──▶ poll: I/O callbacks, posted calls ──▶ closed handles are freed ──▶ again
 *
 * Posted calls stand in a stack that producers push with compare-and-swap and the loop takes whole with one exchange, then
 * reverses: lock-free for the producers, and calls of one thread keep their order.
 *
 * libuv frees no handle at once: uv_close() ends with a callback in a later phase, and only there the memory goes. That is what
 * makes destroying inside callbacks safe. */
#include "loop_uv.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

struct loop_post {
    struct loop_post *next;
    loop_fn fn;
    void *context;
};

struct loop_timer {
    uv_timer_t uv;
    loop_fn fn;
    void *context;
};

struct loop_watch {
    uv_poll_t uv;
    int uv_events;
    void (*fn)(void *context, unsigned events);
    void *context;
};

static void loop_on_wake(uv_async_t *wake);
static void loop_on_prepare(uv_prepare_t *prepare);
static void loop_on_awake(uv_idle_t *awake);
static void loop_run_posts(struct loop *loop);
static void loop_read_clocks(struct loop *loop);

enum status loop_create(struct loop **out) {
    struct loop *loop = mem_zalloc(&mem_default, sizeof *loop);
    if (loop == NULL)
        return STATUS_NO_MEMORY;
    if (uv_loop_init(&loop->uv) != 0)
        goto free_loop;
    if (uv_async_init(&loop->uv, &loop->wake, loop_on_wake) != 0)
        goto close_loop;
    loop->uv.data = loop;
    loop->wake.data = loop;
    uv_prepare_init(&loop->uv, &loop->turn_end);
    loop->turn_end.data = loop;
    uv_idle_init(&loop->uv, &loop->awake);
    uv_prepare_start(&loop->turn_end, loop_on_prepare);
    bytes_writer_init(&loop->tls_plain, &mem_default, LOOP_TLS_BYTES_MAX);
    bytes_writer_init(&loop->tls_gathered, &mem_default, LOOP_TLS_BYTES_MAX);
    bytes_writer_init(&loop->tls_records, &mem_default, LOOP_TLS_BYTES_MAX);
    loop_read_clocks(loop);
    *out = loop;
    return STATUS_OK;

close_loop:
    uv_loop_close(&loop->uv);
free_loop:
    mem_free(&mem_default, loop, sizeof *loop);
    return STATUS_NO_MEMORY;
}

void loop_destroy(struct loop *loop) {
    if (loop == NULL)
        return;
    uv_close((uv_handle_t *)&loop->wake, NULL);
    uv_close((uv_handle_t *)&loop->turn_end, NULL);
    uv_close((uv_handle_t *)&loop->awake, NULL);
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    int busy = uv_loop_close(&loop->uv);
    assert(busy == 0 && "a handle outlives its loop");
    (void)busy;
    struct loop_post *post = atomic_exchange(&loop->posts, NULL);
    while (post != NULL) {
        struct loop_post *next = post->next;
        mem_free(&mem_default, post, sizeof *post);
        post = next;
    }
    bytes_writer_finish(&loop->tls_plain);
    bytes_writer_finish(&loop->tls_gathered);
    bytes_writer_finish(&loop->tls_records);
    mem_free(&mem_default, loop, sizeof *loop);
}

void loop_run(struct loop *loop) {
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    /* The turn that stopped the loop has an end, too. */
    loop_run_posts(loop);
    if (loop->turn_end_fn != NULL)
        loop->turn_end_fn(loop->turn_end_context);
}

void loop_stop(struct loop *loop) {
    uv_stop(&loop->uv);
}

static void loop_read_clocks(struct loop *loop) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    uv_update_time(&loop->uv);
    loop->unix_offset_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 - (int64_t)uv_now(&loop->uv);
}

uint64_t loop_now_ms(const struct loop *loop) {
    return uv_now(&loop->uv);
}

uint64_t loop_unix_ms(const struct loop *loop) {
    return (uint64_t)((int64_t)uv_now(&loop->uv) + loop->unix_offset_ms);
}

uint64_t loop_clock_us(void) {
    return uv_hrtime() / 1000;
}

void loop_random(struct loop *loop, void *out, size_t size) {
    (void)loop;
    uint8_t *at = out;
    while (size > 0) {
        ssize_t count = getrandom(at, size, 0);
        if (count < 0) {
            if (errno == EINTR)
                continue;
            /* A server that hands out guessable tokens is worse than none. */
            abort();
        }
        at += count;
        size -= (size_t)count;
    }
}

void loop_on_turn_end(struct loop *loop, loop_fn fn, void *context) {
    loop->turn_end_fn = fn;
    loop->turn_end_context = context;
}

static void loop_on_prepare(uv_prepare_t *prepare) {
    struct loop *loop = prepare->data;
    /* Once per turn, so that a step of the system's clock is followed. */
    loop_read_clocks(loop);
    if (loop->turn_end_fn != NULL)
        loop->turn_end_fn(loop->turn_end_context);
}

void loop_stay_awake(struct loop *loop) {
    uv_idle_start(&loop->awake, loop_on_awake);
}

/* Comes in the turn that was asked for, before its end. */
static void loop_on_awake(uv_idle_t *awake) {
    uv_idle_stop(awake);
}

enum status loop_post(struct loop *loop, loop_fn fn, void *context) {
    struct loop_post *post = mem_alloc(&mem_default, sizeof *post);
    if (post == NULL)
        return STATUS_NO_MEMORY;
    post->fn = fn;
    post->context = context;
    post->next = atomic_load_explicit(&loop->posts, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&loop->posts, &post->next, post, memory_order_release, memory_order_relaxed))
        ;
    /* Wake-ups melt into one; the loop takes all posts at each. */
    uv_async_send(&loop->wake);
    return STATUS_OK;
}

static void loop_on_wake(uv_async_t *wake) {
    loop_run_posts(wake->data);
}

static void loop_run_posts(struct loop *loop) {
    struct loop_post *newest = atomic_exchange_explicit(&loop->posts, NULL, memory_order_acquire);
    struct loop_post *oldest = NULL;
    while (newest != NULL) {
        struct loop_post *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    while (oldest != NULL) {
        struct loop_post post = *oldest;
        mem_free(&mem_default, oldest, sizeof *oldest);
        oldest = post.next;
        post.fn(post.context);
    }
}

static void loop_timer_on_time(uv_timer_t *uv);
static void loop_timer_on_closed(uv_handle_t *uv);

enum status loop_timer_create(struct loop *loop, loop_fn fn, void *context, struct loop_timer **out) {
    struct loop_timer *timer = mem_zalloc(&mem_default, sizeof *timer);
    if (timer == NULL)
        return STATUS_NO_MEMORY;
    uv_timer_init(&loop->uv, &timer->uv);
    timer->uv.data = timer;
    timer->fn = fn;
    timer->context = context;
    *out = timer;
    return STATUS_OK;
}

void loop_timer_start(struct loop_timer *timer, uint64_t delay_ms, uint64_t repeat_ms) {
    uv_timer_start(&timer->uv, loop_timer_on_time, delay_ms, repeat_ms);
}

static void loop_timer_on_time(uv_timer_t *uv) {
    struct loop_timer *timer = uv->data;
    timer->fn(timer->context);
}

void loop_timer_stop(struct loop_timer *timer) {
    uv_timer_stop(&timer->uv);
}

void loop_timer_destroy(struct loop_timer *timer) {
    if (timer != NULL)
        uv_close((uv_handle_t *)&timer->uv, loop_timer_on_closed);
}

static void loop_timer_on_closed(uv_handle_t *uv) {
    struct loop_timer *timer = uv->data;
    mem_free(&mem_default, timer, sizeof *timer);
}

static void loop_watch_on_event(uv_poll_t *uv, int status, int events);
static void loop_watch_on_closed(uv_handle_t *uv);

enum status loop_watch_create(struct loop *loop, int fd, void (*fn)(void *context, unsigned events), void *context,
                              struct loop_watch **out) {
    struct loop_watch *watch = mem_zalloc(&mem_default, sizeof *watch);
    if (watch == NULL)
        return STATUS_NO_MEMORY;
    if (uv_poll_init(&loop->uv, &watch->uv, fd) != 0) {
        mem_free(&mem_default, watch, sizeof *watch);
        return STATUS_IO;
    }
    watch->uv.data = watch;
    watch->fn = fn;
    watch->context = context;
    *out = watch;
    return STATUS_OK;
}

void loop_watch_set(struct loop_watch *watch, unsigned events) {
    if (events == 0) {
        uv_poll_stop(&watch->uv);
        return;
    }
    watch->uv_events = (events & LOOP_READABLE ? UV_READABLE : 0) | (events & LOOP_WRITABLE ? UV_WRITABLE : 0);
    int failed = uv_poll_start(&watch->uv, watch->uv_events, loop_watch_on_event);
    assert(failed == 0 && "watching a closed descriptor");
    (void)failed;
}

static void loop_watch_on_event(uv_poll_t *uv, int status, int events) {
    struct loop_watch *watch = uv->data;
    /* A failed descriptor is ready for everything: whoever owns it finds out by reading, perhaps not in the first go, as there may
     * be input before the error. libuv has stopped the watch by itself, so it starts again. */
    unsigned ready = 0;
    if (status < 0) {
        ready = LOOP_READABLE | LOOP_WRITABLE;
        uv_poll_start(uv, watch->uv_events, loop_watch_on_event);
    }
    if (events & (UV_READABLE | UV_DISCONNECT))
        ready |= LOOP_READABLE;
    if (events & UV_WRITABLE)
        ready |= LOOP_WRITABLE;
    watch->fn(watch->context, ready);
}

void loop_watch_destroy(struct loop_watch *watch) {
    if (watch != NULL)
        uv_close((uv_handle_t *)&watch->uv, loop_watch_on_closed);
}

static void loop_watch_on_closed(uv_handle_t *uv) {
    struct loop_watch *watch = uv->data;
    mem_free(&mem_default, watch, sizeof *watch);
}
