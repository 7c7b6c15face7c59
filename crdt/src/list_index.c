/* list_index.c — see list_index.h. */
#include "list_index.h"

static uint32_t block_of(const struct item *item) {
    return item->entry & ~ENTRY_LIST;
}

static void put_in_block(struct item *item, uint32_t block) {
    item->entry = ENTRY_LIST | block;
}

/* ---- making and dropping ---- */

/* Room for one more block, and for the nodes that its split may take. */
static bool index_reserve(struct crdt_doc *doc, struct list_index *tree) {
    if (tree->block_count == tree->block_capacity) {
        uint32_t capacity = tree->block_capacity * 2 + 8;
        void *blocks =
            mem_resize(&doc->mem, tree->blocks, tree->block_capacity * sizeof *tree->blocks, capacity * sizeof *tree->blocks);
        if (blocks == NULL)
            return false;
        tree->blocks = blocks;
        tree->block_capacity = capacity;
    }
    if (tree->node_capacity - tree->node_count < tree->height + 2) {
        uint32_t capacity = tree->node_capacity + tree->node_capacity / 2 + tree->height + 2;
        void *nodes = mem_resize(&doc->mem, tree->nodes, tree->node_capacity * sizeof *tree->nodes, capacity * sizeof *tree->nodes);
        if (nodes == NULL)
            return false;
        tree->nodes = nodes;
        tree->node_capacity = capacity;
    }
    return true;
}

static uint32_t node_new(struct list_index *tree, bool above_blocks) {
    struct index_node *node = &tree->nodes[tree->node_count];
    node->count = 0;
    node->parent = INDEX_NONE;
    node->above_blocks = above_blocks;
    return tree->node_count++;
}

static void node_own(struct list_index *tree, uint32_t node, uint32_t child) {
    if (tree->nodes[node].above_blocks)
        tree->blocks[child].node = node;
    else
        tree->nodes[child].parent = node;
}

static void node_append(struct list_index *tree, uint32_t number, uint32_t child, uint64_t width) {
    struct index_node *node = &tree->nodes[number];
    node->children[node->count] = child;
    node->widths[node->count++] = width;
    node_own(tree, number, child);
}

static uint64_t node_width(const struct index_node *node) {
    uint64_t width = 0;
    for (uint32_t i = 0; i < node->count; i++)
        width += node->widths[i];
    return width;
}

void list_index_drop(struct crdt_doc *doc, struct crdt_type *type) {
    struct list_index *tree = type->index_tree;
    if (tree == NULL)
        return;
    mem_free(&doc->mem, tree->blocks, tree->block_capacity * sizeof *tree->blocks);
    mem_free(&doc->mem, tree->nodes, tree->node_capacity * sizeof *tree->nodes);
    mem_free(&doc->mem, tree, sizeof *tree);
    type->index_tree = NULL;
}

/* Blocks from the list's items, with their nodes. */
static bool build_blocks(struct crdt_doc *doc, const struct crdt_type *type, struct list_index *tree) {
    uint32_t node = INDEX_NONE;
    uint32_t count = INDEX_BLOCK_FILL;
    for (uint32_t at = type->start; at != ITEM_NONE; at = doc_item(doc, at)->right, count++) {
        struct item *item = doc_item(doc, at);
        if (count == INDEX_BLOCK_FILL) {
            if (!index_reserve(doc, tree))
                return false;
            if (node == INDEX_NONE || tree->nodes[node].count == INDEX_NODE_FILL)
                node = node_new(tree, true);
            tree->blocks[tree->block_count] = (struct index_block){ node, at, 0 };
            node_append(tree, node, tree->block_count++, 0);
            count = 0;
        }
        put_in_block(item, tree->block_count - 1);
        tree->blocks[tree->block_count - 1].count++;
        tree->nodes[node].widths[tree->nodes[node].count - 1] += item_visible(item);
    }
    return true;
}

/* Nodes above nodes, until one is alone. */
static bool build_above(struct crdt_doc *doc, struct list_index *tree) {
    for (uint32_t begin = 0, end = tree->node_count; end - begin > 1;) {
        uint32_t node = INDEX_NONE;
        for (uint32_t child = begin; child < end; child++) {
            if (!index_reserve(doc, tree))
                return false;
            if (node == INDEX_NONE || tree->nodes[node].count == INDEX_NODE_FILL)
                node = node_new(tree, false);
            node_append(tree, node, child, node_width(&tree->nodes[child]));
        }
        begin = end;
        end = tree->node_count;
        tree->height++;
    }
    tree->root = tree->node_count - 1;
    return true;
}

void list_index_build(struct crdt_doc *doc, struct crdt_type *type) {
    assert(type->index_tree == NULL && type->start != ITEM_NONE);
    type->index_tree = mem_zalloc(&doc->mem, sizeof *type->index_tree);
    if (type->index_tree != NULL && !(build_blocks(doc, type, type->index_tree) && build_above(doc, type->index_tree)))
        list_index_drop(doc, type);
}

/* ---- asking ---- */

static uint32_t node_slot(const struct index_node *node, uint32_t child) {
    uint32_t slot = 0;
    while (node->children[slot] != child)
        slot++;
    return slot;
}

uint32_t list_index_find(const struct crdt_doc *doc, const struct crdt_type *type, uint64_t index, uint64_t *out_before) {
    const struct list_index *tree = type->index_tree;
    const struct index_node *node = &tree->nodes[tree->root];
    uint64_t left = index;
    for (;;) {
        uint32_t slot = 0;
        for (; node->widths[slot] < left; slot++)
            left -= node->widths[slot];
        if (node->above_blocks) {
            uint32_t at = tree->blocks[node->children[slot]].first;
            for (uint64_t visible; (visible = item_visible(doc_item(doc, at))) < left; at = doc_item(doc, at)->right)
                left -= visible;
            *out_before = index - left;
            return at;
        }
        node = &tree->nodes[node->children[slot]];
    }
}

uint32_t list_index_last(const struct crdt_doc *doc, const struct crdt_type *type) {
    const struct list_index *tree = type->index_tree;
    const struct index_node *node = &tree->nodes[tree->root];
    while (!node->above_blocks)
        node = &tree->nodes[node->children[node->count - 1]];
    uint32_t at = ITEM_NONE;
    for (uint32_t slot = node->count; slot-- > 0 && at == ITEM_NONE;)
        at = tree->blocks[node->children[slot]].first;
    for (uint32_t right = at == ITEM_NONE ? type->start : at; right != ITEM_NONE; right = doc_item(doc, right)->right)
        at = right;
    return at;
}

uint64_t list_index_before(const struct crdt_doc *doc, const struct crdt_type *type, uint32_t number) {
    const struct list_index *tree = type->index_tree;
    uint32_t child = block_of(doc_item(doc, number));
    uint64_t before = 0;
    for (uint32_t at = tree->blocks[child].first; at != number; at = doc_item(doc, at)->right)
        before += item_visible(doc_item(doc, at));
    for (uint32_t at = tree->blocks[child].node; at != INDEX_NONE; child = at, at = tree->nodes[at].parent) {
        const struct index_node *node = &tree->nodes[at];
        for (uint32_t slot = 0; node->children[slot] != child; slot++)
            before += node->widths[slot];
    }
    return before;
}

/* ---- keeping it true ---- */

static void widen(struct list_index *tree, uint32_t block, uint64_t delta) {
    uint32_t child = block;
    for (uint32_t at = tree->blocks[block].node; at != INDEX_NONE; child = at, at = tree->nodes[at].parent)
        tree->nodes[at].widths[node_slot(&tree->nodes[at], child)] += delta;
}

void index_widen(struct crdt_doc *doc, struct crdt_type *type, uint32_t number, uint64_t delta) {
    widen(type->index_tree, block_of(doc_item(doc, number)), delta);
}

/* The same from a node on. */
static void widen_above(struct list_index *tree, uint32_t number, uint64_t delta) {
    uint32_t child = number;
    for (uint32_t at = tree->nodes[number].parent; at != INDEX_NONE; child = at, at = tree->nodes[at].parent)
        tree->nodes[at].widths[node_slot(&tree->nodes[at], child)] += delta;
}

static void node_insert(struct list_index *tree, uint32_t number, uint32_t slot, uint32_t child);

/* The upper half goes to a new node to its right, which is answered. Widths go out on the one way up and come in on the other. */
static uint32_t node_split(struct list_index *tree, uint32_t number) {
    uint32_t fresh = node_new(tree, tree->nodes[number].above_blocks);
    struct index_node *node = &tree->nodes[number];
    for (uint32_t slot = INDEX_FAN_OUT / 2; slot < INDEX_FAN_OUT; slot++)
        node_append(tree, fresh, node->children[slot], node->widths[slot]);
    node->count = INDEX_FAN_OUT / 2;
    uint64_t moved = node_width(&tree->nodes[fresh]);
    if (node->parent == INDEX_NONE) {
        tree->root = node_new(tree, false);
        tree->height++;
        node_append(tree, tree->root, number, node_width(node));
        node_append(tree, tree->root, fresh, moved);
    } else {
        widen_above(tree, number, 0 - moved);
        node_insert(tree, node->parent, node_slot(&tree->nodes[node->parent], number) + 1, fresh);
        widen_above(tree, fresh, moved);
    }
    return fresh;
}

/* A child of no width yet. */
static void node_insert(struct list_index *tree, uint32_t number, uint32_t slot, uint32_t child) {
    if (tree->nodes[number].count == INDEX_FAN_OUT) {
        uint32_t fresh = node_split(tree, number);
        if (slot > INDEX_FAN_OUT / 2) {
            slot -= INDEX_FAN_OUT / 2;
            number = fresh;
        }
    }
    struct index_node *node = &tree->nodes[number];
    memmove(node->children + slot + 1, node->children + slot, (node->count - slot) * sizeof *node->children);
    memmove(node->widths + slot + 1, node->widths + slot, (node->count - slot) * sizeof *node->widths);
    node->children[slot] = child;
    node->widths[slot] = 0;
    node->count++;
    node_own(tree, number, child);
}

/* The second half of its items goes to a new block. */
static void block_split(struct crdt_doc *doc, struct crdt_type *type, uint32_t number) {
    struct list_index *tree = type->index_tree;
    if (!index_reserve(doc, tree)) {
        list_index_drop(doc, type);
        return;
    }
    struct index_block *block = &tree->blocks[number];
    uint32_t fresh = tree->block_count++;
    uint32_t at = block->first;
    for (uint32_t i = 0; i < block->count / 2; i++)
        at = doc_item(doc, at)->right;
    tree->blocks[fresh] = (struct index_block){ INDEX_NONE, at, block->count - block->count / 2 };
    block->count /= 2;
    uint64_t width = 0;
    for (uint32_t i = 0; i < tree->blocks[fresh].count; i++, at = doc_item(doc, at)->right) {
        put_in_block(doc_item(doc, at), fresh);
        width += item_visible(doc_item(doc, at));
    }
    widen(tree, number, 0 - width);
    node_insert(tree, block->node, node_slot(&tree->nodes[block->node], number) + 1, fresh);
    widen(tree, fresh, width);
}

static void block_grow(struct crdt_doc *doc, struct crdt_type *type, uint32_t block, uint32_t number) {
    struct list_index *tree = type->index_tree;
    put_in_block(doc_item(doc, number), block);
    if (++tree->blocks[block].count > INDEX_BLOCK_MAX)
        block_split(doc, type, block);
}

void index_add(struct crdt_doc *doc, struct crdt_type *type, uint32_t number) {
    struct list_index *tree = type->index_tree;
    const struct item *item = doc_item(doc, number);
    uint32_t neighbour = item->left != ITEM_NONE ? item->left : item->right;
    uint32_t block = block_of(doc_item(doc, neighbour)); /* a list with a tree is not empty */
    if (item->left == ITEM_NONE)
        tree->blocks[block].first = number;
    if (item_visible(item) > 0)
        widen(tree, block, item_visible(item));
    block_grow(doc, type, block, number);
}

void index_split(struct crdt_doc *doc, struct crdt_type *type, uint32_t left, uint32_t right) {
    block_grow(doc, type, block_of(doc_item(doc, left)), right);
}

void index_join(struct crdt_doc *doc, struct crdt_type *type, uint32_t left, uint32_t right) {
    struct list_index *tree = type->index_tree;
    const struct item *item = doc_item(doc, right);
    uint32_t from = block_of(item);
    uint32_t to = block_of(doc_item(doc, left));
    struct index_block *block = &tree->blocks[from];
    block->count--;
    if (block->first == right)
        block->first = block->count > 0 ? item->right : ITEM_NONE;
    if (from != to && item_visible(item) > 0) {
        widen(tree, from, 0 - item_visible(item));
        widen(tree, to, item_visible(item));
    }
}

/* ---- checking ---- */

bool list_index_is_true(const struct crdt_doc *doc, const struct crdt_type *type) {
    const struct list_index *tree = type->index_tree;
    uint64_t before = 0;
    uint32_t blocks_counted = 0;
    for (uint32_t i = 0; i < tree->block_count; i++)
        blocks_counted += tree->blocks[i].count;
    for (uint32_t at = type->start; at != ITEM_NONE; at = doc_item(doc, at)->right, blocks_counted--) {
        const struct item *item = doc_item(doc, at);
        uint32_t block = block_of(item);
        bool begins = item->left == ITEM_NONE || block_of(doc_item(doc, item->left)) != block;
        if (block >= tree->block_count || begins != (tree->blocks[block].first == at) || blocks_counted == 0)
            return false;
        if (begins && list_index_before(doc, type, at) != before)
            return false;
        before += item_visible(item);
    }
    return blocks_counted == 0 && node_width(&tree->nodes[tree->root]) == before;
}
