/* list_index.c — see list_index.h. */
#include "list_index.h"

static struct index_leaf *leaf_at(const struct crdt_doc *doc, uint32_t number) {
    return &doc->seldom->index.leaves[number];
}

static struct index_node *node_at(const struct crdt_doc *doc, uint32_t number) {
    return &doc->seldom->index.nodes[number];
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

/* Counts what is pending. */
static void index_settle(struct crdt_doc *doc) {
    if (doc->pending_units != 0) {
        const struct index_leaf *leaf = leaf_at(doc, doc->pending_leaf);
        widen_above(doc, leaf->node, leaf->slot, doc->pending_units);
        doc->pending_units = 0;
    }
}

void index_move_to(struct crdt_doc *doc, uint32_t leaf) {
    index_settle(doc);
    doc->pending_leaf = leaf;
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
    struct index *index = &doc->seldom->index;
    return index_grow(doc, (void **)&index->leaves, &index->leaf_capacity, sizeof *index->leaves, index->leaf_count, leaves) &&
           index_grow(doc, (void **)&index->nodes, &index->node_capacity, sizeof *index->nodes, index->node_count, nodes);
}

static uint32_t leaf_new(struct crdt_doc *doc, const struct crdt_type *type) {
    struct index *index = &doc->seldom->index;
    uint32_t number = index->leaf_free;
    if (number != INDEX_NONE)
        index->leaf_free = index->leaves[number].node;
    else
        number = index->leaf_count++;
    struct index_leaf *leaf = &index->leaves[number];
    leaf->node = INDEX_NONE;
    leaf->type = type->index;
    leaf->first = ITEM_NONE;
    leaf->count = 0;
    return number;
}

static uint32_t node_new(struct crdt_doc *doc, uint32_t height) {
    struct index *index = &doc->seldom->index;
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

/* An item stands in a leaf. */
static void leaf_own(uint32_t number, struct item *item) {
    item->tag = PLACE_LEAF;
    item->place = number & PLACE_MAX;
}

/* A node, or a leaf, and all below it. */
static void index_free(struct crdt_doc *doc, uint32_t number, bool is_leaf) {
    struct index *index = &doc->seldom->index;
    if (is_leaf) {
        leaf_at(doc, number)->node = index->leaf_free;
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
    struct index *index = &doc->seldom->index;
    mem_free(&doc->mem, index->leaves, index->leaf_capacity * sizeof *index->leaves);
    mem_free(&doc->mem, index->nodes, index->node_capacity * sizeof *index->nodes);
}

void list_index_build(struct crdt_doc *doc, struct crdt_type *type) {
    assert(!list_is_indexed(type) && type->start != ITEM_NONE);
    size_t items = 0;
    for (uint32_t at = type->start; at != ITEM_NONE; at = doc_item(doc, at)->right)
        items++;
    size_t leaves = (items + INDEX_LEAF_FILL - 1) / INDEX_LEAF_FILL;
    size_t nodes = 0;
    for (size_t level = leaves; level > 1 || nodes == 0; nodes += level)
        level = (level + INDEX_NODE_FILL - 1) / INDEX_NODE_FILL;
    if (doc_seldom(doc) == NULL || !index_reserve(doc, leaves, nodes))
        return;
    uint32_t row[INDEX_HEIGHT_MAX]; /* the rightmost node of each height */
    uint32_t height = 0;
    row[0] = node_new(doc, 0);
    for (uint32_t at = type->start; at != ITEM_NONE;) {
        uint32_t child = leaf_new(doc, type);
        uint64_t width = 0;
        struct index_leaf *leaf = leaf_at(doc, child);
        for (leaf->first = at; at != ITEM_NONE && leaf->count < INDEX_LEAF_FILL; leaf->count++) {
            struct item *item = doc_item(doc, at);
            leaf_own(child, item);
            width += item_visible(item);
            at = item->right;
        }
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
    }
    for (uint32_t level = 0; level < height; level++)
        node_append(doc, row[level + 1], row[level], node_width(node_at(doc, row[level])));
    type->index_root = row[height];
}

/* ---- asking ---- */

uint32_t list_index_find(struct crdt_doc *doc, const struct crdt_type *type, uint64_t index, uint64_t *out_before) {
    index_settle(doc);
    const struct index_node *node = node_at(doc, type->index_root);
    uint64_t left = index;
    for (;;) {
        uint32_t slot = 0;
        for (; node->widths[slot] < left; slot++)
            left -= node->widths[slot];
        if (node->height > 0) {
            node = node_at(doc, node->children[slot]);
            continue;
        }
        uint32_t at = leaf_at(doc, node->children[slot])->first;
        const struct item *item = doc_item(doc, at);
        for (; item_visible(item) < left; item = doc_item(doc, at)) {
            left -= item_visible(item);
            at = item->right;
        }
        *out_before = index - left;
        return at;
    }
}

/* The visible units before a leaf, without what is pending. */
static uint64_t leaf_before(const struct crdt_doc *doc, const struct index_leaf *leaf) {
    uint64_t before = 0;
    uint32_t slots = leaf->slot;
    for (uint32_t at = leaf->node; at != INDEX_NONE; at = node_at(doc, at)->parent) {
        const struct index_node *node = node_at(doc, at);
        for (uint32_t slot = 0; slot < slots; slot++)
            before += node->widths[slot];
        slots = node->slot;
    }
    return before;
}

uint64_t list_index_before(struct crdt_doc *doc, uint32_t number) {
    index_settle(doc);
    const struct index_leaf *leaf = leaf_at(doc, doc_item(doc, number)->place);
    uint64_t before = leaf_before(doc, leaf);
    for (uint32_t at = leaf->first; at != number; at = doc_item(doc, at)->right)
        before += item_visible(doc_item(doc, at));
    return before;
}

/* ---- keeping it true ---- */

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

/* The second half of its items goes to a new leaf. Without memory the leaf stays as long as it is. */
static void leaf_split(struct crdt_doc *doc, struct crdt_type *type, uint32_t number) {
    if (!index_reserve(doc, 1, node_at(doc, type->index_root)->height + 2))
        return;
    index_settle(doc);
    uint32_t fresh_number = leaf_new(doc, type);
    struct index_leaf *leaf = leaf_at(doc, number);
    struct index_leaf *fresh = leaf_at(doc, fresh_number);
    uint32_t at = leaf->first;
    uint64_t width = 0;
    uint32_t half = leaf->count / 2;
    for (uint32_t i = 0; i < half; i++)
        at = doc_item(doc, at)->right;
    fresh->first = at;
    fresh->count = leaf->count - half;
    leaf->count = half;
    for (uint32_t i = 0; i < fresh->count; i++) {
        struct item *item = doc_item(doc, at);
        leaf_own(fresh_number, item);
        width += item_visible(item);
        at = item->right;
    }
    widen_above(doc, leaf->node, leaf->slot, 0 - width);
    node_insert(doc, type, leaf->node, leaf->slot + 1, fresh_number);
    widen_above(doc, fresh->node, fresh->slot, width);
}

void index_put(struct crdt_doc *doc, struct crdt_type *type, uint32_t left, const uint32_t *items, uint32_t count, uint64_t units) {
    /* A list with a tree is not empty: at its beginning they join the leaf of what was first. */
    uint32_t neighbour = left != ITEM_NONE ? left : doc_item(doc, items[count - 1])->right;
    uint32_t number = doc_item(doc, neighbour)->place;
    struct index_leaf *leaf = leaf_at(doc, number);
    for (uint32_t i = 0; i < count; i++)
        leaf_own(number, doc_item(doc, items[i]));
    if (left == ITEM_NONE)
        leaf->first = items[0];
    leaf->count += count;
    index_leaf_widen(doc, number, units);
    if (leaf->count > INDEX_LEAF_MAX)
        leaf_split(doc, type, number);
}

void index_join(struct crdt_doc *doc, uint32_t left_number, uint32_t right_number) {
    const struct item *left = doc_item(doc, left_number);
    const struct item *right = doc_item(doc, right_number);
    struct index_leaf *leaf = leaf_at(doc, right->place);
    leaf->count--;
    if (left->place == right->place)
        return;
    leaf->first = right->right;
    if (item_visible(right) > 0) {
        index_leaf_widen(doc, right->place, 0 - (uint64_t)item_visible(right));
        index_leaf_widen(doc, left->place, item_visible(right));
    }
    if (leaf->count == 0) /* nothing will change there any more */
        index_settle(doc);
}

/* ---- checking ---- */

bool list_index_is_true(const struct crdt_doc *doc, const struct crdt_type *type) {
    const struct index *index = &doc->seldom->index;
    uint64_t before = 0;
    uint64_t counted = 0; /* of that, by the nodes */
    for (uint32_t at = type->start; at != ITEM_NONE;) {
        uint32_t number = doc_item(doc, at)->place;
        if (doc_item(doc, at)->tag != PLACE_LEAF || number >= index->leaf_count)
            return false;
        const struct index_leaf *leaf = leaf_at(doc, number);
        if (leaf->type != type->index || leaf->first != at || leaf->count == 0 || leaf_before(doc, leaf) != counted)
            return false;
        uint64_t width = 0;
        for (uint32_t i = 0; i < leaf->count; i++) {
            if (at == ITEM_NONE)
                return false;
            const struct item *item = doc_item(doc, at);
            if (item->tag != PLACE_LEAF || item->place != number)
                return false;
            width += item_visible(item);
            at = item->right;
        }
        uint64_t pending = doc->pending_leaf == number ? doc->pending_units : 0;
        if (node_at(doc, leaf->node)->widths[leaf->slot] + pending != width)
            return false;
        before += width;
        counted += width - pending;
    }
    return node_width(node_at(doc, type->index_root)) == counted && before == type->length;
}
