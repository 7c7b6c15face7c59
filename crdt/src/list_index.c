/* list_index.c — see list_index.h. */
#include "list_index.h"

static struct index_leaf *leaf_at(const struct crdt_doc *doc, uint32_t number) {
    return &doc->index.leaves[number];
}

static struct index_node *node_at(const struct crdt_doc *doc, uint32_t number) {
    return &doc->index.nodes[number];
}

/* ---- counting above ---- */

/* The child in a slot of `node` and all above it become wider. */
static void widen_above(const struct crdt_doc *doc, uint32_t node, uint32_t slot, uint64_t delta) {
    for (uint32_t at = node; at != INDEX_NONE;) {
        struct index_node *above = node_at(doc, at);
        above->widths[slot] += delta;
        slot = above->slot;
        at = above->parent;
    }
}

/* Counts what is pending of a leaf. */
static void nodes_settle(struct crdt_doc *doc) {
    struct index *index = &doc->index;
    if (index->pending_width != 0) {
        const struct index_leaf *leaf = leaf_at(doc, index->pending_leaf);
        widen_above(doc, leaf->node, leaf->slot, index->pending_width);
        index->pending_width = 0;
    }
}

/* The entries of a leaf have become wider, in all. */
static void leaf_widen(struct crdt_doc *doc, uint32_t number, uint64_t delta) {
    struct index *index = &doc->index;
    if (index->pending_leaf != number) {
        nodes_settle(doc);
        index->pending_leaf = number;
    }
    index->pending_width += delta;
}

static void index_settle(struct crdt_doc *doc) {
    list_index_settle(doc);
    nodes_settle(doc);
}

/* ---- making and dropping ---- */

static bool index_grow(struct crdt_doc *doc, void **array, uint32_t *capacity, size_t element, uint32_t used, size_t more) {
    if (*capacity - used >= more)
        return true;
    size_t grown = used + more > (size_t)*capacity + *capacity / 4 ? used + more : (size_t)*capacity + *capacity / 4;
    if (grown > PLACE_MAX)
        return false;
    void *block = mem_resize(&doc->mem, *array, *capacity * element, grown * element);
    if (block == NULL)
        return false;
    *array = block;
    *capacity = (uint32_t)grown;
    return true;
}

/* Room for more leaves and nodes; what is free is not counted. */
static bool index_reserve(struct crdt_doc *doc, size_t leaves, size_t nodes) {
    struct index *index = &doc->index;
    return index_grow(doc, (void **)&index->leaves, &index->leaf_capacity, sizeof *index->leaves, index->leaf_count, leaves) &&
           index_grow(doc, (void **)&index->nodes, &index->node_capacity, sizeof *index->nodes, index->node_count, nodes);
}

static uint32_t leaf_new(struct crdt_doc *doc, const struct crdt_type *type) {
    struct index *index = &doc->index;
    uint32_t number = index->leaf_free;
    if (number != INDEX_NONE)
        index->leaf_free = index->leaves[number].node;
    else
        number = index->leaf_count++;
    struct index_leaf *leaf = &index->leaves[number];
    leaf->node = INDEX_NONE;
    leaf->type = type->index;
    leaf->count = 0;
    return number;
}

static uint32_t node_new(struct crdt_doc *doc, uint32_t height) {
    struct index *index = &doc->index;
    uint32_t number = index->node_free;
    if (number != INDEX_NONE)
        index->node_free = index->nodes[number].parent;
    else
        number = index->node_count++;
    struct index_node *node = &index->nodes[number];
    node->count = 0;
    node->parent = INDEX_NONE;
    node->height = height;
    return number;
}

/* The child in a slot knows where it stands. */
static void node_own(const struct crdt_doc *doc, uint32_t number, uint32_t slot) {
    const struct index_node *node = node_at(doc, number);
    uint32_t child = node->children[slot];
    if (node->height == 0) {
        leaf_at(doc, child)->node = number;
        leaf_at(doc, child)->slot = slot;
    } else {
        node_at(doc, child)->parent = number;
        node_at(doc, child)->slot = slot;
    }
}

static void node_append(const struct crdt_doc *doc, uint32_t number, uint32_t child, uint64_t width) {
    struct index_node *node = node_at(doc, number);
    node->children[node->count] = child;
    node->widths[node->count++] = width;
    node_own(doc, number, node->count - 1);
}

static uint64_t node_width(const struct index_node *node) {
    uint64_t width = 0;
    for (uint32_t i = 0; i < node->count; i++)
        width += node->widths[i];
    return width;
}

static void leaf_append(struct crdt_doc *doc, uint32_t number, uint32_t item_number, uint32_t width) {
    struct index_leaf *leaf = leaf_at(doc, number);
    struct item *item = doc_item(doc, item_number);
    leaf->entries[leaf->count++] = (struct index_entry){ item_number, width };
    item->tag = PLACE_LEAF;
    item->place = number & PLACE_MAX;
}

static uint64_t leaf_width(const struct index_leaf *leaf) {
    uint64_t width = 0;
    for (uint32_t i = 0; i < leaf->count; i++)
        width += leaf->entries[i].width;
    return width;
}

/* A node, or a leaf, and all below it. What is GC by now has left the list. */
static void index_free(struct crdt_doc *doc, uint32_t number, bool is_leaf) {
    struct index *index = &doc->index;
    if (is_leaf) {
        struct index_leaf *leaf = leaf_at(doc, number);
        for (uint32_t i = 0; i < leaf->count; i++) {
            struct item *item = doc_item(doc, leaf->entries[i].item);
            if (item->tag != PLACE_LEAF || item->place != number)
                continue;
            item->tag = PLACE_TYPE;
            item->place = leaf->type & PLACE_MAX;
        }
        leaf->node = index->leaf_free;
        index->leaf_free = number;
        return;
    }
    struct index_node *node = node_at(doc, number);
    for (uint32_t i = 0; i < node->count; i++)
        index_free(doc, node->children[i], node->height == 0);
    node->parent = index->node_free;
    index->node_free = number;
}

void list_index_drop(struct crdt_doc *doc, struct crdt_type *type) {
    if (!list_is_indexed(type))
        return;
    index_settle(doc);
    index_free(doc, type->index_root, false);
    type->index_root = INDEX_NONE;
}

void list_index_finish(struct crdt_doc *doc) {
    struct index *index = &doc->index;
    mem_free(&doc->mem, index->leaves, index->leaf_capacity * sizeof *index->leaves);
    mem_free(&doc->mem, index->nodes, index->node_capacity * sizeof *index->nodes);
}

void list_index_build(struct crdt_doc *doc, struct crdt_type *type) {
    assert(!list_is_indexed(type) && type->start != ITEM_NONE);
    size_t items = 0;
    list_index_settle(doc);
    for (uint32_t at = type->start; at != ITEM_NONE; at = doc_item(doc, at)->right)
        items++;
    size_t leaves = (items + INDEX_LEAF_FILL - 1) / INDEX_LEAF_FILL;
    size_t nodes = 0;
    for (size_t level = leaves; level > 1 || nodes == 0; nodes += level)
        level = (level + INDEX_NODE_FILL - 1) / INDEX_NODE_FILL;
    if (!index_reserve(doc, leaves, nodes))
        return;
    uint32_t row[INDEX_HEIGHT_MAX]; /* the rightmost node of each height */
    uint32_t height = 0;
    uint32_t leaf = leaf_new(doc, type);
    row[0] = node_new(doc, 0);
    for (uint32_t at = type->start; at != ITEM_NONE;) {
        const struct item *item = doc_item(doc, at);
        leaf_append(doc, leaf, at, item_visible(item));
        at = item->right;
        if (at != ITEM_NONE && leaf_at(doc, leaf)->count < INDEX_LEAF_FILL)
            continue;
        uint32_t child = leaf;
        uint64_t width = leaf_width(leaf_at(doc, leaf));
        for (uint32_t level = 0;; level++) { /* into the rightmost node; if that is full, it goes up and a new one begins */
            if (level > height) {
                row[++height] = node_new(doc, level);
                node_append(doc, row[level], child, width);
                break;
            }
            if (node_at(doc, row[level])->count < INDEX_NODE_FILL) {
                node_append(doc, row[level], child, width);
                break;
            }
            uint32_t full = row[level];
            row[level] = node_new(doc, level);
            node_append(doc, row[level], child, width);
            child = full;
            width = node_width(node_at(doc, full));
        }
        if (at != ITEM_NONE)
            leaf = leaf_new(doc, type);
    }
    for (uint32_t level = 0; level < height; level++)
        node_append(doc, row[level + 1], row[level], node_width(node_at(doc, row[level])));
    type->index_root = row[height];
}

/* ---- asking ---- */

static uint32_t leaf_slot(struct crdt_doc *doc, const struct index_leaf *leaf, uint32_t item) {
    uint32_t slot = doc->index.last_slot;
    if (slot < leaf->count && leaf->entries[slot].item == item)
        return slot;
    for (slot = 0; leaf->entries[slot].item != item;)
        slot++;
    doc->index.last_slot = slot;
    return slot;
}

uint32_t list_index_find(struct crdt_doc *doc, const struct crdt_type *type, uint64_t index, uint64_t *out_before) {
    index_settle(doc);
    const struct index_node *node = node_at(doc, type->index_root);
    uint64_t left = index;
    for (;;) {
        uint32_t slot = 0;
        for (; node->widths[slot] < left; slot++)
            left -= node->widths[slot];
        if (node->height == 0) {
            const struct index_leaf *leaf = leaf_at(doc, node->children[slot]);
            for (slot = 0; leaf->entries[slot].width < left; slot++)
                left -= leaf->entries[slot].width;
            *out_before = index - left;
            doc->index.last_slot = slot;
            return leaf->entries[slot].item;
        }
        node = node_at(doc, node->children[slot]);
    }
}

/* Without what is pending. */
static uint64_t index_before(const struct crdt_doc *doc, uint32_t number) {
    const struct index_leaf *leaf = leaf_at(doc, doc_item(doc, number)->place);
    uint64_t before = 0;
    for (uint32_t slot = 0; leaf->entries[slot].item != number; slot++)
        before += leaf->entries[slot].width;
    uint32_t slots = leaf->slot;
    for (uint32_t at = leaf->node; at != INDEX_NONE; at = node_at(doc, at)->parent) {
        const struct index_node *node = node_at(doc, at);
        for (uint32_t slot = 0; slot < slots; slot++)
            before += node->widths[slot];
        slots = node->slot;
    }
    return before;
}

uint64_t list_index_before(struct crdt_doc *doc, const struct crdt_type *type, uint32_t number) {
    (void)type;
    index_settle(doc);
    return index_before(doc, number);
}

/* ---- keeping it true ---- */

void index_widen(struct crdt_doc *doc, uint32_t number, uint64_t delta) {
    list_index_settle(doc);
    uint32_t leaf_number = doc_item(doc, number)->place;
    struct index_leaf *leaf = leaf_at(doc, leaf_number);
    leaf->entries[leaf_slot(doc, leaf, number)].width += (uint32_t)delta;
    leaf_widen(doc, leaf_number, delta);
}

static void node_insert(struct crdt_doc *doc, struct crdt_type *type, uint32_t number, uint32_t slot, uint32_t child);

/* The upper half goes to a new node to its right, which is answered. Widths go out on the one way up and come in on the other. */
static uint32_t node_split(struct crdt_doc *doc, struct crdt_type *type, uint32_t number) {
    uint32_t fresh = node_new(doc, node_at(doc, number)->height);
    struct index_node *node = node_at(doc, number);
    for (uint32_t slot = INDEX_FAN_OUT / 2; slot < INDEX_FAN_OUT; slot++)
        node_append(doc, fresh, node->children[slot], node->widths[slot]);
    node->count = INDEX_FAN_OUT / 2;
    uint64_t moved = node_width(node_at(doc, fresh));
    if (node->parent == INDEX_NONE) {
        uint32_t root = node_new(doc, node->height + 1);
        node_append(doc, root, number, node_width(node));
        node_append(doc, root, fresh, moved);
        type->index_root = root;
    } else {
        widen_above(doc, node->parent, node->slot, 0 - moved);
        node_insert(doc, type, node->parent, node->slot + 1, fresh);
        widen_above(doc, node_at(doc, fresh)->parent, node_at(doc, fresh)->slot, moved);
    }
    return fresh;
}

/* A child of no width yet. */
static void node_insert(struct crdt_doc *doc, struct crdt_type *type, uint32_t number, uint32_t slot, uint32_t child) {
    if (node_at(doc, number)->count == INDEX_FAN_OUT) {
        uint32_t fresh = node_split(doc, type, number);
        if (slot > INDEX_FAN_OUT / 2) {
            slot -= INDEX_FAN_OUT / 2;
            number = fresh;
        }
    }
    struct index_node *node = node_at(doc, number);
    memmove(node->children + slot + 1, node->children + slot, (node->count - slot) * sizeof *node->children);
    memmove(node->widths + slot + 1, node->widths + slot, (node->count - slot) * sizeof *node->widths);
    node->children[slot] = child;
    node->widths[slot] = 0;
    node->count++;
    for (; slot < node->count; slot++)
        node_own(doc, number, slot);
}

/* The second half of its items goes to a new leaf. `slot` moves along. Without memory the tree is dropped: false. */
static bool leaf_split(struct crdt_doc *doc, struct crdt_type *type, uint32_t *number, uint32_t *slot) {
    if (!index_reserve(doc, 1, node_at(doc, type->index_root)->height + 2)) {
        list_index_drop(doc, type);
        return false;
    }
    nodes_settle(doc);
    uint32_t fresh = leaf_new(doc, type);
    struct index_leaf *leaf = leaf_at(doc, *number);
    uint32_t half = leaf->count / 2;
    for (uint32_t i = half; i < leaf->count; i++)
        leaf_append(doc, fresh, leaf->entries[i].item, leaf->entries[i].width);
    leaf->count = half;
    uint64_t width = leaf_width(leaf_at(doc, fresh));
    widen_above(doc, leaf->node, leaf->slot, 0 - width);
    node_insert(doc, type, leaf->node, leaf->slot + 1, fresh);
    widen_above(doc, leaf_at(doc, fresh)->node, leaf_at(doc, fresh)->slot, width);
    if (*slot >= half) {
        *number = fresh;
        *slot -= half;
    }
    return true;
}

void index_put(struct crdt_doc *doc, struct crdt_type *type, uint32_t left, const uint32_t *items, uint32_t count) {
    list_index_settle(doc);
    bool first = left == ITEM_NONE; /* of the list, which is not empty: it has a tree */
    uint32_t neighbour = first ? doc_item(doc, items[count - 1])->right : left;
    uint32_t number = doc_item(doc, neighbour)->place;
    uint32_t slot = leaf_slot(doc, leaf_at(doc, number), neighbour);
    if (leaf_at(doc, number)->count + count > INDEX_LEAF_MAX && !leaf_split(doc, type, &number, &slot))
        return;
    struct index_leaf *leaf = leaf_at(doc, number);
    uint64_t delta = 0;
    if (!first) {
        uint32_t width = item_visible(doc_item(doc, left));
        delta = (uint64_t)width - leaf->entries[slot].width;
        leaf->entries[slot++].width = width;
    }
    memmove(leaf->entries + slot + count, leaf->entries + slot, (leaf->count - slot) * sizeof *leaf->entries);
    for (uint32_t i = 0; i < count; i++) {
        struct item *item = doc_item(doc, items[i]);
        uint32_t width = item_visible(item);
        leaf->entries[slot + i] = (struct index_entry){ items[i], width };
        delta += width;
        item->tag = PLACE_LEAF;
        item->place = number & PLACE_MAX;
    }
    leaf->count += count;
    doc->index.last_slot = slot + count - 1;
    leaf_widen(doc, number, delta);
}

void index_join(struct crdt_doc *doc, uint32_t left, uint32_t right) {
    list_index_settle(doc);
    uint32_t from = doc_item(doc, right)->place;
    uint32_t to = doc_item(doc, left)->place;
    struct index_leaf *leaf = leaf_at(doc, from);
    struct index_leaf *target = leaf_at(doc, to);
    uint32_t slot = leaf_slot(doc, leaf, right);
    uint32_t units = leaf->entries[slot].width;
    leaf->count--;
    memmove(leaf->entries + slot, leaf->entries + slot + 1, (leaf->count - slot) * sizeof *leaf->entries);
    if (units > 0) {
        target->entries[from == to ? slot - 1 : leaf_slot(doc, target, left)].width += units;
        leaf_widen(doc, from, 0 - (uint64_t)units);
        leaf_widen(doc, to, units);
    }
    if (leaf->count == 0) /* nobody finds it any more */
        nodes_settle(doc);
}

/* ---- checking ---- */

bool list_index_is_true(const struct crdt_doc *doc, const struct crdt_type *type) {
    const struct index *index = &doc->index;
    uint64_t before = 0;
    uint64_t item_pending = 0;
    uint64_t leaf_pending = 0;
    uint32_t last_leaf = INDEX_NONE;
    uint32_t slot = 0;
    for (uint32_t at = type->start; at != ITEM_NONE; at = doc_item(doc, at)->right, slot++) {
        const struct item *item = doc_item(doc, at);
        if (item->tag != PLACE_LEAF || item->place >= index->leaf_count)
            return false;
        const struct index_leaf *leaf = leaf_at(doc, item->place);
        if (item->place != last_leaf) {
            if (last_leaf != INDEX_NONE && slot != leaf_at(doc, last_leaf)->count)
                return false;
            slot = 0;
            last_leaf = item->place;
            if (leaf->type != type->index || leaf->count == 0 || leaf->count > INDEX_LEAF_MAX || leaf->entries[0].item != at ||
                index_before(doc, at) + leaf_pending != before)
                return false;
            leaf_pending += index->pending_leaf == last_leaf ? index->pending_width : 0;
        }
        uint64_t waits = index->pending_item == at ? index->pending_units : 0;
        if (slot >= leaf->count || leaf->entries[slot].item != at || leaf->entries[slot].width + waits != item_visible(item))
            return false;
        item_pending += waits;
        before += leaf->entries[slot].width;
    }
    return node_width(node_at(doc, type->index_root)) + leaf_pending == before && before + item_pending == type->length;
}
