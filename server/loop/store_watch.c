/* store_watch.c — see store_watch.h. */
#include "loop/store_watch.h"

#include "log.h"

#include <assert.h>

struct store_watch_slot {
    struct store_watch *owner;
    struct loop_watch *watch; /* NULL: nothing is watched */
    int fd;
};

struct store_watch {
    struct loop *loop;
    struct store *store;
    struct store_watch_slot slots[STORE_SLOTS];
};

static void store_watch_on_event(void *context, unsigned events);

enum status store_watch_create(struct loop *loop, struct store_watch **out) {
    struct store_watch *watch = mem_zalloc(&mem_default, sizeof *watch);
    if (watch == NULL)
        return STATUS_NO_MEMORY;
    watch->loop = loop;
    for (unsigned slot = 0; slot < STORE_SLOTS; slot++) {
        watch->slots[slot].owner = watch;
        watch->slots[slot].fd = -1;
    }
    *out = watch;
    return STATUS_OK;
}

void store_watch_attach(struct store_watch *watch, struct store *store) {
    watch->store = store;
}

static void store_watch_drop(struct store_watch_slot *slot) {
    loop_watch_destroy(slot->watch);
    slot->watch = NULL;
    slot->fd = -1;
}

void store_watch_destroy(struct store_watch *watch) {
    if (watch == NULL)
        return;
    for (unsigned slot = 0; slot < STORE_SLOTS; slot++)
        store_watch_drop(&watch->slots[slot]);
    mem_free(&mem_default, watch, sizeof *watch);
}

static unsigned store_watch_events(unsigned wants) {
    return (wants & STORE_READ ? (unsigned)LOOP_READABLE : 0) | (wants & STORE_WRITE ? (unsigned)LOOP_WRITABLE : 0);
}

void store_watch_set(void *context, unsigned index, int fd, unsigned wants) {
    struct store_watch *watch = context;
    assert(index < STORE_SLOTS);
    struct store_watch_slot *slot = &watch->slots[index];
    if (wants == STORE_NONE) {
        store_watch_drop(slot);
        return;
    }
    if (slot->watch != NULL && slot->fd != fd)
        store_watch_drop(slot);
    if (slot->watch == NULL) {
        if (loop_watch_create(watch->loop, fd, store_watch_on_event, slot, &slot->watch) != STATUS_OK) {
            /* The store's own time limit ends this connection, and the next one tries again. */
            log_error(NULL, "store.unwatched", "slot=%u", index);
            slot->watch = NULL;
            return;
        }
        slot->fd = fd;
    }
    loop_watch_set(slot->watch, store_watch_events(wants));
}

static void store_watch_on_event(void *context, unsigned events) {
    struct store_watch_slot *slot = context;
    struct store *store = slot->owner->store;
    if (store == NULL)
        return;
    unsigned index = (unsigned)(slot - slot->owner->slots);
    store_ready(store, index,
                (events & LOOP_READABLE ? (unsigned)STORE_READ : 0) | (events & LOOP_WRITABLE ? (unsigned)STORE_WRITE : 0));
}
