/* loop.h — one event loop: time, timers, posted calls, the end of a turn.
 *
 * libuv stays inside this folder. Everything here belongs to one thread, except loop_post(), which is how loops talk.
 *
 *   turn of a loop:  posted calls, timers, socket events ──▶ end-of-turn hook (what became ready leaves in gathered writes) ──▶
 * sleep
 *
 * A handle may be destroyed inside any callback, its own included; after `_destroy` / `_close` returns, its callback is not
 * called any more. */
#ifndef SERVER_LOOP_H
#define SERVER_LOOP_H

#include "ground/bytes.h"

struct loop;
struct loop_timer;
struct loop_watch;

typedef void (*loop_fn)(void *context);

enum status loop_create(struct loop **out);
/* Frees the loop; every handle on it must have been destroyed. */
void loop_destroy(struct loop *loop);

/* Runs until loop_stop(). */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/* Monotonic milliseconds, read once per turn. */
uint64_t loop_now_ms(const struct loop *loop);
/* Unix milliseconds, read once per turn. */
uint64_t loop_unix_ms(const struct loop *loop);
/* Monotonic microseconds, read now: for measuring. */
uint64_t loop_clock_us(void);
/* Cryptographic randomness. */
void loop_random(struct loop *loop, void *out, size_t size);

/* Called once at the end of each turn in which anything happened, after all I/O callbacks. One hook per loop. */
void loop_on_turn_end(struct loop *loop, loop_fn fn, void *context);

/* The next turn comes at once instead of with the next event. */
void loop_stay_awake(struct loop *loop);

/* Calls `fn(context)` in the loop's thread, soon, in the order posted by one thread. From any thread; never blocks on the loop.
 * STATUS_NO_MEMORY: not posted. */
enum status loop_post(struct loop *loop, loop_fn fn, void *context);

enum status loop_timer_create(struct loop *loop, loop_fn fn, void *context, struct loop_timer **out);
/* First call after `delay_ms`, then every `repeat_ms` (0: once). Starting a running timer restarts it. */
void loop_timer_start(struct loop_timer *timer, uint64_t delay_ms, uint64_t repeat_ms);
void loop_timer_stop(struct loop_timer *timer);
void loop_timer_destroy(struct loop_timer *timer);

enum { LOOP_READABLE = 1, LOOP_WRITABLE = 2 };

/* Watches a descriptor that somebody else owns (the store's). events: a set of LOOP_*; 0 stops watching. The watch must be
 * destroyed or set to 0 before the descriptor is closed. */
enum status loop_watch_create(struct loop *loop, int fd, void (*fn)(void *context, unsigned events), void *context,
                              struct loop_watch **out);
void loop_watch_set(struct loop_watch *watch, unsigned events);
void loop_watch_destroy(struct loop_watch *watch);

#endif
