/* conflict.c — where a run goes among concurrent ones: YATA as Yjs has it.
 *
 * Two people typed at the same place without knowing of each other. Everybody must put the two runs in the same order, whatever
 * came first:
 *
 *                       o₁ ──────┐
 *     left ── … concurrent runs … ── right       origin = left's last unit, right origin = right's first unit
 *
 *   A run is placed between its left and its right. If others stand there already, it walks over them from left to right:
 *   · one with the same origin: the smaller client id goes further left; with the same right origin the bigger one stops the walk
 *   · one whose origin lies among those walked over since the last step to the right: it belongs to what was passed, so pass it too
 *   · any other ends the walk
 *
 * "Among those walked over": each visited item has an ordinal; a unit's item was visited if it has one, and since the last step if
 * that is bigger than the step's. The first ordinals are found by looking through a short list, later ones in an array by item
 * number, which documents with long walks have; without memory for that, by walking again.
 *
 * Siblings, which have the same two neighbours, stand by client id, and a walk over nothing else ends at the first of a bigger one.
 * So it may begin at any of a smaller one. Of the place where many were walked over last, every sixteenth is noted:
 *
 *     left ─ 3 ─ 8 ─ … ─ 40 ─ … ─ 77 ─ … ─ 95 ─ right         80 comes: 77 is the last noted one below it, the walk begins there
 *                        ↑        ↑
 *
 * What belongs to a sibling stands before the next one, so nothing behind a noted one has its origin before that. The notes hold as
 * long as no item comes, goes or begins elsewhere but by this walk (items.changes).
 *
 * Cost: a search for each origin + the concurrent runs at the place; of siblings alone log of them, if they came one after the
 * other. */
#include "store.h"

#ifdef NDEBUG
enum { SIBLINGS_APART = 16 };
#else
enum { SIBLINGS_APART = 2 };
#endif
enum { SCAN_SHORT = 32, SIBLINGS_MIN = 8 };

struct scan {
    struct crdt_doc *doc;
    uint32_t first; /* item */
    uint32_t count; /* items visited */
    uint32_t noted; /* of them, the first so many have their ordinals noted */
    uint32_t next;  /* the first that has not */
    uint32_t base;  /* doc->mark at the beginning */
    bool marked;    /* doc->marks is there for this walk */
    uint32_t visited[SCAN_SHORT];
};

/* Makes an array of marks for all items. Marks count on from walk to walk; when they run out, all start anew. */
static bool scan_have_marks(struct scan *scan) {
    struct crdt_doc *doc = scan->doc;
    uint32_t used = doc->items.used;
    if (doc->marks_capacity < used) {
        uint32_t *marks = mem_resize(&doc->mem, doc->marks, doc->marks_capacity * sizeof *marks, used * sizeof *marks);
        if (marks == NULL)
            return false;
        memset(marks + doc->marks_capacity, 0, (used - doc->marks_capacity) * sizeof *marks);
        doc->marks = marks;
        doc->marks_capacity = used;
    }
    if (doc->mark >= UINT32_MAX - used - 1) {
        memset(doc->marks, 0, doc->marks_capacity * sizeof *doc->marks);
        doc->mark = 0;
    }
    scan->base = doc->mark;
    for (uint32_t i = 0; i < SCAN_SHORT; i++)
        doc->marks[scan->visited[i]] = scan->base + i + 1;
    return true;
}

static void scan_note(struct scan *scan) {
    while (scan->noted < scan->count) {
        uint32_t number = scan->next;
        if (scan->noted < SCAN_SHORT)
            scan->visited[scan->noted] = number;
        else if (scan->noted == SCAN_SHORT)
            scan->marked = scan_have_marks(scan);
        scan->noted++;
        if (scan->marked)
            scan->doc->marks[number] = scan->base + scan->noted;
        scan->next = doc_item(scan->doc, number)->right;
    }
}

/* 1 for the first visited item, … ; 0: not visited. */
static uint32_t scan_ordinal(struct scan *scan, uint32_t number) {
    scan_note(scan);
    if (scan->count <= SCAN_SHORT) {
        uint32_t ordinal = scan->count;
        while (ordinal > 0 && scan->visited[ordinal - 1] != number)
            ordinal--;
        return ordinal;
    }
    if (scan->marked)
        return scan->doc->marks[number] > scan->base ? scan->doc->marks[number] - scan->base : 0;
    uint32_t at = scan->first;
    for (uint32_t ordinal = 1; ordinal <= scan->count; ordinal++, at = doc_item(scan->doc, at)->right)
        if (at == number)
            return ordinal;
    return 0;
}

/* How a walk gets along with siblings. */
struct sibling_walk {
    bool alone;      /* nothing else was met */
    bool noted;      /* doc->siblings are those of this place */
    uint32_t next;   /* a sibling would be noted as that */
    uint32_t passed; /* since the last note, or the beginning */
    uint64_t id;     /* of the last one */
};

static inline bool scan_same_origin(const struct crdt_doc *doc, const struct item *other, const struct placing *placing) {
    return other->origin_client == placing->origin_client &&
           (other->origin_client == CLIENT_NONE || item_origin_clock(doc, other) == placing->origin_clock);
}

static inline bool scan_same_right_origin(const struct crdt_doc *doc, const struct item *other, const struct placing *placing) {
    return other->right_origin_client == placing->right_origin_client &&
           (other->right_origin_client == CLIENT_NONE || item_right_origin_clock(doc, other) == placing->right_origin_clock);
}

/* ---- siblings ---- */

static size_t siblings_bytes(uint32_t capacity) {
    return sizeof(struct siblings) + capacity * sizeof(struct sibling);
}

void siblings_drop(struct crdt_doc *doc) {
    if (doc->siblings != NULL)
        mem_free(&doc->mem, doc->siblings, siblings_bytes(doc->siblings->capacity));
    doc->siblings = NULL;
}

/* Whether they are those of this place, and the notes hold. */
static bool siblings_are_of(const struct crdt_doc *doc, const struct placing *placing) {
    const struct siblings *siblings = doc->siblings;
    return siblings != NULL && siblings->changes == doc->items.changes && siblings->origin_client == placing->origin_client &&
           siblings->origin_clock == placing->origin_clock && siblings->right_origin_client == placing->right_origin_client &&
           siblings->right_origin_clock == placing->right_origin_clock && siblings->parent == placing->parent &&
           siblings->entry == placing->entry;
}

/* How many notes are of smaller ids. */
static uint32_t siblings_below(const struct siblings *siblings, uint64_t id) {
    uint32_t low = 0;
    for (uint32_t high = siblings->count; low < high;) {
        uint32_t middle = low + (high - low) / 2;
        if (siblings->notes[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The walk begins at the last noted sibling of a smaller id, or at the first item. */
static uint32_t siblings_begin(struct crdt_doc *doc, const struct placing *placing, struct sibling_walk *walk) {
    *walk = (struct sibling_walk){ .alone = true, .noted = siblings_are_of(doc, placing) };
    walk->next = walk->noted ? siblings_below(doc->siblings, placing->client->id) : 0;
    return walk->next > 0 ? doc->siblings->notes[walk->next - 1].item : ITEM_NONE;
}

static bool siblings_have_room(struct crdt_doc *doc) {
    struct siblings *siblings = doc->siblings;
    uint32_t capacity = siblings == NULL ? 0 : siblings->capacity;
    if (capacity > 0 && siblings->count < capacity)
        return true;
    uint32_t grown = capacity == 0 ? SIBLINGS_MIN : capacity * 2;
    siblings = mem_resize(&doc->mem, siblings, capacity == 0 ? 0 : siblings_bytes(capacity), siblings_bytes(grown));
    if (siblings == NULL)
        return false;
    if (capacity == 0)
        siblings->count = 0;
    siblings->capacity = grown;
    doc->siblings = siblings;
    return true;
}

/* Notes one more; those of another place are forgotten. False: no memory. */
static SELDOM bool siblings_note(struct crdt_doc *doc, const struct placing *placing, struct sibling_walk *walk,
                                 struct sibling sibling) {
    if (!siblings_have_room(doc))
        return false;
    struct siblings *siblings = doc->siblings;
    if (!walk->noted) {
        siblings->origin_client = placing->origin_client;
        siblings->origin_clock = placing->origin_clock;
        siblings->right_origin_client = placing->right_origin_client;
        siblings->right_origin_clock = placing->right_origin_clock;
        siblings->parent = placing->parent;
        siblings->entry = placing->entry;
        siblings->count = 0;
        walk->noted = true;
    }
    struct sibling *at = siblings->notes + walk->next++;
    memmove(at + 1, at, (siblings->count++ - (size_t)(at - siblings->notes)) * sizeof *at);
    *at = sibling;
    walk->passed = 0;
    return true;
}

/* The walk passes a run of the same origin and a smaller id. */
static inline void siblings_pass(struct crdt_doc *doc, const struct placing *placing, struct sibling_walk *walk, uint32_t number,
                                 const struct item *item) {
    uint64_t id = doc->clients[item->client]->id;
    walk->alone = id >= walk->id && scan_same_right_origin(doc, item, placing);
    walk->id = id;
    if (walk->alone && ++walk->passed > SIBLINGS_APART)
        walk->alone = siblings_note(doc, placing, walk, (struct sibling){ id, number });
}

/* ---- the walk ---- */

/* Where the walk begins if nothing is noted. */
static uint32_t scan_begin(const struct crdt_doc *doc, const struct placing *placing) {
    if (placing->left != ITEM_NONE)
        return doc_item(doc, placing->left)->right;
    return placing->entry != ENTRY_NONE ? doc->types.entries[placing->entry].first : doc_type(doc, placing->parent)->start;
}

uint32_t doc_resolve(struct crdt_doc *doc, const struct placing *placing) {
    if (doc->conflict_steps > doc->conflict_stop)
        return placing->left;
    uint32_t destination = placing->left;
    uint32_t destination_ordinal = 0;
    uint64_t id = placing->client->id;
    struct sibling_walk siblings;
    uint32_t at = siblings_begin(doc, placing, &siblings);
    if (at == ITEM_NONE)
        at = scan_begin(doc, placing);
    struct scan scan; /* `visited` need not be set */
    scan.doc = doc;
    scan.first = scan.next = at;
    scan.count = scan.noted = scan.base = 0;
    scan.marked = false;
    for (; at != ITEM_NONE && at != placing->right; at = doc_item(doc, at)->right) {
        const struct item *other = doc_item(doc, at);
        scan.count++;
        if (scan_same_origin(doc, other, placing)) {
            if (doc->clients[other->client]->id < id) {
                destination = at;
                destination_ordinal = scan.count;
                if (siblings.alone)
                    siblings_pass(doc, placing, &siblings, at, other);
                continue;
            }
            if (scan_same_right_origin(doc, other, placing))
                break;
        } else if (other->origin_client != CLIENT_NONE) {
            uint32_t origin = doc_find(doc, (uint32_t)other->origin_client, item_origin_clock(doc, other));
            uint32_t ordinal = doc_item(doc, origin)->kind == CONTENT_GC ? 0 : scan_ordinal(&scan, origin);
            if (ordinal == 0)
                break;
            if (ordinal <= destination_ordinal) {
                destination = at;
                destination_ordinal = scan.count;
            }
        } else {
            break;
        }
        siblings.alone = false;
    }
    if (scan.marked)
        doc->mark = scan.base + scan.noted;
    doc->conflict_steps += scan.count;
    if (siblings.noted)
        doc->siblings->changes = doc->items.changes + 1;
    return destination;
}

/* ---- checking ---- */

bool siblings_are_true(const struct crdt_doc *doc) {
    const struct siblings *siblings = doc->siblings;
    if (siblings == NULL || siblings->changes != doc->items.changes)
        return true;
    struct placing placing = { .origin_client = siblings->origin_client,
                               .origin_clock = siblings->origin_clock,
                               .right_origin_client = siblings->right_origin_client,
                               .right_origin_clock = siblings->right_origin_clock };
    uint32_t left = siblings->count;
    uint64_t id = UINT64_MAX;
    uint32_t at = left > 0 ? siblings->notes[left - 1].item : ITEM_NONE;
    for (; at != ITEM_NONE; at = doc_item(doc, at)->left) {
        const struct item *item = doc_item(doc, at);
        if (!scan_same_origin(doc, item, &placing))
            break;
        uint64_t before = doc->clients[item->client]->id;
        if (!scan_same_right_origin(doc, item, &placing) || before > id || item_parent(doc, item) != siblings->parent ||
            item_entry(item) != siblings->entry)
            return false;
        id = before;
        if (left > 0 && siblings->notes[left - 1].item == at)
            left -= siblings->notes[left - 1].id == id;
    }
    /* Before them stands their origin. */
    return left == 0 && (at == ITEM_NONE) == (siblings->origin_client == CLIENT_NONE) &&
           (at == ITEM_NONE || (doc_item(doc, at)->client == siblings->origin_client &&
                                item_end(doc, doc_item(doc, at)) == siblings->origin_clock + 1));
}
