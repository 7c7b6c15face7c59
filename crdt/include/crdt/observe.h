/* observe.h — what a transaction changed, told before it ends.
 *
 *     static void on_change(struct crdt_observer *self, struct crdt_txn *txn) {
 *         struct arena arena; …                                  memory is the observer's own
 *         crdt_txn_events(txn, NULL, &arena, &events);
 *
 *     {"a": [1, 2]}      insert 3 behind 1, set "k" of a nested map at index 2
 *         event 0: type a, path "a",    delta: retain 1, insert [3]
 *         event 1: type #, path "a"/3,  keys: "k" added
 *
 * Observers are called in the order they came, after the last edit and before anything is collected, so old values are still there.
 * They may read the document and ask for events, each for what it shows; they may not edit, and must not begin a transaction.
 * Nobody pays for observing who doesn't: events are found by looking at what is new and what was deleted. */
#ifndef CRDT_OBSERVE_H
#define CRDT_OBSERVE_H

#include "crdt/text.h"
#include "crdt/type.h"

/* Owned by the caller, often inside a larger struct; stays where it is while it observes. */
struct crdt_observer {
    void (*on_change)(struct crdt_observer *self, struct crdt_txn *txn); /* of every transaction that changed something */
    struct crdt_observer *next;                                          /* private */
};

void crdt_doc_observe(struct crdt_doc *doc, struct crdt_observer *observer);
/* Nothing if it does not observe. An observer may take out itself while it is called. */
void crdt_doc_unobserve(struct crdt_doc *doc, struct crdt_observer *observer);

/* Who makes the change: any pointer of the caller's, NULL at first. It is only passed on. */
void crdt_txn_set_origin(struct crdt_txn *txn, const void *origin);
const void *crdt_txn_origin(const struct crdt_txn *txn);

/* Whether an update was applied in it. */
bool crdt_txn_is_remote(const struct crdt_txn *txn);

struct crdt_doc *crdt_txn_doc(const struct crdt_txn *txn);

/* A step from a type to one inside it. */
struct crdt_path_step {
    bool is_key;
    struct bytes key;
    uint64_t index; /* in the list, as it is now */
};

enum crdt_key_action { CRDT_KEY_ADDED, CRDT_KEY_UPDATED, CRDT_KEY_REMOVED };

struct crdt_key_change {
    struct bytes key;
    enum crdt_key_action action;
    struct crdt_value before; /* the old value if updated or removed; a type is valid until the transaction ends */
};

struct crdt_event {
    struct crdt_type *type;
    struct bytes root; /* the name of the root that it is in */
    const struct crdt_path_step *path;
    size_t path_length; /* 0: the root itself */
    /* The list. Inserted is text with its attributes, one embed or type; or, in an array or XML, a CRDT_ARRAY of values. A list is
     * a text if its type says so, or, of a root, if it holds or held text, marks or embeds. Ends with the last change. */
    const struct crdt_delta_step *delta;
    size_t delta_count;
    const struct crdt_key_change *keys;
    size_t key_count;
};

struct crdt_events {
    const struct crdt_event *list; /* outer types first */
    size_t count;
};

/* What the open transaction changed so far: an event for each type that was there before and is not deleted now.
 *
 * `scope`  only this type and what is in it; NULL: the whole document
 *
 * Answers stand in the arena, as reading does (type.h). STATUS_NO_MEMORY. Cost: the new and deleted runs, the lists of the types
 * they stand in, and for each event the lists on its path. */
enum status crdt_txn_events(const struct crdt_txn *txn, const struct crdt_type *scope, struct arena *arena,
                            struct crdt_events *out);

#endif
