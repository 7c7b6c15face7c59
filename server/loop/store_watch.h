/* store_watch.h — the bridge between a store, which knows no loop, and a loop, which knows no store.
 *
 *   store ──watch(slot, fd, wants)──▶ store_watch ──loop_watch──▶ loop ──ready(slot, events)──▶ store
 *
 * It passes on what either side says and keeps nothing but the watches. */
#ifndef SERVER_STORE_WATCH_H
#define SERVER_STORE_WATCH_H

#include "loop/loop.h"
#include "store/store.h"

struct store_watch;

enum status store_watch_create(struct loop *loop, struct store_watch **out);
/* After the store is destroyed. NULL is fine. */
void store_watch_destroy(struct store_watch *watch);

/* To be called as soon as there is a store; events that come before are left out. */
void store_watch_attach(struct store_watch *watch, struct store *store);

/* For store_owner.watch; `context` is the store_watch. STORE_NONE takes effect at once. */
void store_watch_set(void *context, unsigned slot, int fd, unsigned wants);

#endif
