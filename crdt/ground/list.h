/* list.h — an intrusive, circular, doubly linked list.
 *
 *   head ⇄ link in object A ⇄ link in object B ⇄ head
 *
 * The link lives in the object, so inserting and removing never allocates. A link that is in no list points to itself: removing it
 * again is harmless. list_entry() leads from a link to its object. */
#ifndef GROUND_LIST_H
#define GROUND_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct list {
    struct list *previous;
    struct list *next;
};

/* Through an integer, so that a link in a constant object leads to it without a warning; what it may do is the caller's matter. */
#define list_entry(link, type, member) ((type *)((uintptr_t)(link)-offsetof(type, member)))

/* `link` may be removed in the body. */
#define list_each(link, head) \
    for (struct list *link = (head)->next, *link##_next = link->next; link != (head); link = link##_next, link##_next = link->next)

static inline void list_init(struct list *link) {
    link->previous = link;
    link->next = link;
}

static inline bool list_empty(const struct list *head) {
    return head->next == head;
}

/* Before `at`; with `at` a head: at the end. `link` must be in no list. */
static inline void list_insert_before(struct list *at, struct list *link) {
    link->previous = at->previous;
    link->next = at;
    at->previous->next = link;
    at->previous = link;
}

static inline void list_append(struct list *head, struct list *link) {
    list_insert_before(head, link);
}

static inline void list_remove(struct list *link) {
    link->previous->next = link->next;
    link->next->previous = link->previous;
    list_init(link);
}

#endif
