#include "loop/loop.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct script {
    struct loop *loop;
    struct loop_timer *timer;
    struct loop_watch *watch;
    char log[256];
    unsigned count;
    unsigned turns;
    uint64_t at_ms;
};

static void note(struct script *script, const char *word) {
    strncat(script->log, word, sizeof script->log - strlen(script->log) - 1);
}

static void script_stop(void *context) {
    struct script *script = context;
    note(script, "stop ");
    loop_stop(script->loop);
}

static void script_post_a(void *context) {
    note(context, "a ");
}

static void script_post_b(void *context) {
    struct script *script = context;
    note(script, "b ");
    loop_post(script->loop, script_stop, script);
}

static void script_turn_end(void *context) {
    note(context, "| ");
}

Test(loop, posted_calls_keep_their_order_and_the_turn_ends_behind_them) {
    struct script script = { 0 };
    cr_assert_eq(loop_create(&script.loop), STATUS_OK);
    loop_on_turn_end(script.loop, script_turn_end, &script);
    loop_post(script.loop, script_post_a, &script);
    loop_post(script.loop, script_post_b, &script);

    loop_run(script.loop);

    cr_expect_str_eq(script.log, "| a b | stop | ");
    loop_destroy(script.loop);
}

enum { POSTS_PER_THREAD = 20000, POSTING_THREADS = 4 };

struct crowd {
    struct loop *loop;
    uint32_t next[POSTING_THREADS];
    unsigned done;
    bool disordered;
};

struct posted {
    struct crowd *crowd;
    unsigned thread;
    uint32_t number;
};

static void crowd_on_post(void *context) {
    struct posted *posted = context;
    struct crowd *crowd = posted->crowd;
    if (crowd->next[posted->thread]++ != posted->number)
        crowd->disordered = true;
    if (posted->number + 1 == POSTS_PER_THREAD && ++crowd->done == POSTING_THREADS)
        loop_stop(crowd->loop);
    mem_free(&mem_default, posted, sizeof *posted);
}

struct poster {
    struct crowd *crowd;
    unsigned thread;
    pthread_t pthread;
};

static void *poster_run(void *context) {
    struct poster *poster = context;
    for (uint32_t i = 0; i < POSTS_PER_THREAD; i++) {
        struct posted *posted = mem_alloc(&mem_default, sizeof *posted);
        *posted = (struct posted){ poster->crowd, poster->thread, i };
        if (loop_post(poster->crowd->loop, crowd_on_post, posted) != STATUS_OK)
            abort();
    }
    return NULL;
}

Test(loop, posts_of_many_threads_all_arrive_in_the_order_of_each) {
    struct crowd crowd = { 0 };
    struct poster posters[POSTING_THREADS];
    cr_assert_eq(loop_create(&crowd.loop), STATUS_OK);
    for (unsigned i = 0; i < POSTING_THREADS; i++) {
        posters[i] = (struct poster){ .crowd = &crowd, .thread = i };
        pthread_create(&posters[i].pthread, NULL, poster_run, &posters[i]);
    }

    loop_run(crowd.loop);

    for (unsigned i = 0; i < POSTING_THREADS; i++)
        pthread_join(posters[i].pthread, NULL);
    cr_expect_not(crowd.disordered);
    for (unsigned i = 0; i < POSTING_THREADS; i++)
        cr_expect_eq(crowd.next[i], POSTS_PER_THREAD);
    loop_destroy(crowd.loop);
}

static void script_third_time(void *context) {
    struct script *script = context;
    if (++script->count < 3)
        return;
    script->at_ms = loop_now_ms(script->loop);
    loop_timer_destroy(script->timer);
    loop_stop(script->loop);
}

Test(loop, a_timer_repeats_until_it_is_destroyed_in_its_own_call) {
    struct script script = { 0 };
    cr_assert_eq(loop_create(&script.loop), STATUS_OK);
    cr_assert_eq(loop_timer_create(script.loop, script_third_time, &script, &script.timer), STATUS_OK);
    uint64_t began_ms = loop_now_ms(script.loop);
    loop_timer_start(script.timer, 5, 10);

    loop_run(script.loop);

    cr_expect_eq(script.count, 3);
    cr_expect_geq(script.at_ms - began_ms, 25);
    loop_destroy(script.loop);
}

static void script_never(void *context) {
    note(context, "never ");
}

Test(loop, a_stopped_timer_and_a_destroyed_one_are_silent) {
    struct script script = { 0 };
    struct loop_timer *stopped, *destroyed;
    cr_assert_eq(loop_create(&script.loop), STATUS_OK);
    loop_timer_create(script.loop, script_never, &script, &stopped);
    loop_timer_create(script.loop, script_never, &script, &destroyed);
    loop_timer_create(script.loop, script_stop, &script, &script.timer);
    loop_timer_start(stopped, 1, 0);
    loop_timer_start(destroyed, 1, 0);
    loop_timer_start(script.timer, 20, 0);
    loop_timer_stop(stopped);
    loop_timer_destroy(destroyed);

    loop_run(script.loop);

    cr_expect_str_eq(script.log, "stop ");
    loop_timer_destroy(stopped);
    loop_timer_destroy(script.timer);
    loop_destroy(script.loop);
}

Test(loop, unix_time_is_the_systems) {
    struct loop *loop;
    cr_assert_eq(loop_create(&loop), STATUS_OK);

    int64_t apart_ms = (int64_t)loop_unix_ms(loop) - (int64_t)time(NULL) * 1000;

    cr_expect(apart_ms > -1100 && apart_ms < 2100, "%lld ms apart", (long long)apart_ms);
    loop_destroy(loop);
}

Test(loop, random_bytes_differ) {
    struct loop *loop;
    uint8_t first[32] = { 0 }, second[32] = { 0 };
    cr_assert_eq(loop_create(&loop), STATUS_OK);

    loop_random(loop, first, sizeof first);
    loop_random(loop, second, sizeof second);

    cr_expect_neq(memcmp(first, second, sizeof first), 0);
    loop_destroy(loop);
}

static void script_on_pipe(void *context, unsigned events) {
    struct script *script = context;
    note(script, events & LOOP_READABLE ? "readable " : "other ");
    loop_watch_destroy(script->watch);
    loop_stop(script->loop);
}

Test(loop, a_watch_reports_and_may_be_destroyed_in_its_own_call) {
    struct script script = { 0 };
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    cr_assert_eq(loop_create(&script.loop), STATUS_OK);
    cr_assert_eq(loop_watch_create(script.loop, ends[0], script_on_pipe, &script, &script.watch), STATUS_OK);
    loop_watch_set(script.watch, LOOP_READABLE);
    cr_assert_eq(write(ends[1], "x", 1), 1);

    loop_run(script.loop);

    cr_expect_str_eq(script.log, "readable ");
    close(ends[0]);
    close(ends[1]);
    loop_destroy(script.loop);
}

struct socket_script {
    struct script script;
    int fd;
};

/* Reads one byte each time, so that the first event, in which the socket's error is reported, is not the last that matters. */
static void script_on_socket(void *context, unsigned events) {
    struct socket_script *socket = context;
    cr_expect(events & LOOP_READABLE);
    char byte[2] = { 0 };
    if (read(socket->fd, byte, 1) == 1) {
        note(&socket->script, byte);
        return;
    }
    note(&socket->script, " end");
    loop_watch_destroy(socket->script.watch);
    loop_stop(socket->script.loop);
}

Test(loop, a_watch_whose_peer_died_reports_until_all_is_read, .timeout = 10) {
    struct socket_script socket = { 0 };
    int ends[2];
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    socket.fd = ends[0];
    cr_assert_eq(loop_create(&socket.script.loop), STATUS_OK);
    cr_assert_eq(loop_watch_create(socket.script.loop, ends[0], script_on_socket, &socket, &socket.script.watch), STATUS_OK);
    loop_watch_set(socket.script.watch, LOOP_READABLE);
    cr_assert_eq(write(ends[1], "abc", 3), 3);
    cr_assert_eq(write(ends[0], "never read", 10), 10);
    close(ends[1]); /* with unread input: our end is reset */

    loop_run(socket.script.loop);

    cr_expect_str_eq(socket.script.log, "abc end");
    close(ends[0]);
    loop_destroy(socket.script.loop);
}

Test(loop, posts_that_never_ran_are_dropped_with_the_loop) {
    struct script script = { 0 };
    cr_assert_eq(loop_create(&script.loop), STATUS_OK);
    loop_post(script.loop, script_never, &script);

    loop_destroy(script.loop);

    cr_expect_str_eq(script.log, "");
}
