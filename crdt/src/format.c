/* format.c — formatted text: marks are written and deleted as Yjs does it, so that the same edit gives the same bytes.
 *
 * A *place* is a gap in the list and the attributes in force there. An insertion with attributes A, where B is in force:
 *
 *     … B │ text …      →      … B │ marks that make A of B │ inserted │ marks that make B again │ text …
 *
 *   1. pass what says nothing new there: tombstones, and marks whose value A has anyway           place_minimize
 *   2. write a mark for each attribute that differs, remembering what was in force               place_open
 *   3. write the content
 *   4. write the remembered values again, unless marks that stand there already say so           place_close
 *
 * Formatting a range is the same with a walk over the range instead of 3, which deletes the marks that it makes redundant.
 *
 * All steps of an edit are prepared first (format_begin): contents are encoded, and as many items and bytes are reserved as marks
 * could take at worst: each step can write a mark for every key there is, twice. So nothing fails half-way. */
#include "format.h"

#include "crdt/text.h"
#include "edit.h"
#include "ground/number.h"
#include "ground/utf.h"
#include "read.h"
#include "value_read.h"
#include "value_write.h"

/* ---- values of attributes ---- */

static bool json_is_container(struct bytes json) {
    return json.size > 0 && (json.data[0] == '{' || json.data[0] == '[');
}

/* As JavaScript's ===: containers are never the same. */
static bool json_identical(struct bytes a, struct bytes b) {
    if (json_is_container(a) || json_is_container(b))
        return false;
    if (bytes_equal(a, b))
        return true;
    bool numbers = a.size > 0 && b.size > 0 && strchr("-0123456789", a.data[0]) != NULL && strchr("-0123456789", b.data[0]) != NULL;
    return numbers && number_read(a) == number_read(b);
}

static bool value_identical(const struct crdt_value *a, const struct crdt_value *b) {
    if (a->kind != b->kind)
        return false;
    switch (a->kind) {
    case CRDT_BOOL:
        return a->boolean == b->boolean;
    case CRDT_NUMBER:
        return a->number == b->number;
    case CRDT_STRING:
        return bytes_equal(a->bytes, b->bytes);
    case CRDT_NULL:
    case CRDT_UNDEFINED:
        return true;
    default:
        return false;
    }
}

/* Whether the object has this member; usually it is at the same place. */
static bool object_has(struct crdt_object_value object, const struct crdt_member *wanted, size_t place) {
    for (size_t i = 0; i < object.count; i++) {
        const struct crdt_member *member = &object.members[(place + i) % object.count];
        if (bytes_equal(member->key, wanted->key))
            return value_identical(&member->value, &wanted->value);
    }
    return false;
}

/* The members of a container; an array's are named by their indices. False: no memory. */
static bool container_read(struct bytes json, struct arena *arena, struct crdt_object_value *out) {
    struct crdt_value value;
    if (value_read_json(json, arena, &value) != STATUS_OK)
        return false;
    if (value.kind == CRDT_OBJECT) {
        *out = value.object;
        return true;
    }
    struct crdt_member *members = arena_alloc(arena, (value.array.count + 1) * sizeof *members);
    for (size_t i = 0; members != NULL && i < value.array.count; i++) {
        char *digits = arena_alloc(arena, NUMBER_TEXT_MAX);
        if (digits == NULL)
            return false;
        members[i] = (struct crdt_member){ bytes_of(digits, number_write((double)i, digits)), value.array.items[i] };
    }
    *out = (struct crdt_object_value){ members, value.array.count };
    return members != NULL;
}

/* Containers are equal if they have the same members, and none of these is a container; [] and {} are the same. Without memory
 * nothing is equal, which costs a mark. */
bool json_equal(const struct mem *mem, struct bytes a, struct bytes b) {
    if (!json_is_container(a) || !json_is_container(b))
        return json_identical(a, b);
    struct arena arena;
    struct crdt_object_value left;
    struct crdt_object_value right;
    arena_init(&arena, mem, SIZE_MAX);
    bool equal = container_read(a, &arena, &left) && container_read(b, &arena, &right) && left.count == right.count;
    for (size_t i = 0; equal && i < left.count; i++)
        equal = object_has(right, &left.members[i], i);
    arena_finish(&arena);
    return equal;
}

/* ---- steps, prepared ---- */

enum { STEP_RETAIN = CRDT_RETAIN, STEP_INSERT = CRDT_INSERT, STEP_DELETE = CRDT_DELETE };

struct step {
    unsigned kind;
    uint64_t length;
    size_t part;     /* STEP_INSERT: its content */
    size_t from, to; /* its attributes in edit->given */
    bool inherits;   /* STEP_INSERT: gets what is in force instead */
};

struct format_edit {
    struct crdt_txn *txn;
    struct crdt_doc *doc;
    struct crdt_type *text;
    struct edit_parts parts; /* contents to insert; between them in its bytes, the given attributes */
    struct step *steps;
    size_t step_count;
    size_t step_capacity;
    struct attribute *given; /* of all steps; in parts.bytes once that has its place */
    size_t given_count;
    size_t given_capacity;
    struct attributes wanted;  /* of the step at work */
    struct attributes negated; /* what was in force before it, by key; may hold null */
    struct attributes current; /* in force at the place */
    struct attributes before;  /* in force before what is deleted */
    struct attributes gap;     /* scratch: the last mark of each key in a gap */
    struct bytes_writer mark;  /* scratch: a mark's content */
    struct edit_gap place;
    struct crdt_type *made; /* by the step that inserted a type */
};

static enum status format_grow(const struct mem *mem, void **list, size_t *capacity, size_t element, size_t needed) {
    if (needed <= *capacity)
        return STATUS_OK;
    size_t grown = *capacity * 2 > needed ? *capacity * 2 : needed;
    void *block = mem_resize(mem, *list, *capacity * element, grown * element);
    if (block == NULL)
        return STATUS_NO_MEMORY;
    *list = block;
    *capacity = grown;
    return STATUS_OK;
}

static void format_init(struct format_edit *edit, struct crdt_txn *txn, struct crdt_type *text) {
    const struct mem *mem = txn->doc->options.mem;
    *edit = (struct format_edit){ .txn = txn, .doc = txn->doc, .text = text };
    edit_parts_init(&edit->parts, txn->doc);
    bytes_writer_init(&edit->mark, mem, UINT32_MAX);
    edit->wanted.mem = edit->negated.mem = edit->current.mem = edit->before.mem = edit->gap.mem = mem;
}

static void format_finish(struct format_edit *edit) {
    const struct mem *mem = edit->doc->options.mem;
    edit_parts_finish(&edit->parts);
    bytes_writer_finish(&edit->mark);
    mem_free(mem, edit->steps, edit->step_capacity * sizeof *edit->steps);
    mem_free(mem, edit->given, edit->given_capacity * sizeof *edit->given);
    for (struct attributes *lists[] = { &edit->wanted, &edit->negated, &edit->current, &edit->before, &edit->gap, NULL },
                           **at = lists;
         *at != NULL; at++)
        attributes_finish(*at);
}

/* The number that a key is as an index of an array; SIZE_MAX: none. JavaScript has such members first, in their order. */
static size_t key_index(struct bytes key) {
    size_t index = 0;
    if (key.size == 0 || key.size > 10 || (key.data[0] == '0' && key.size > 1))
        return SIZE_MAX;
    for (size_t i = 0; i < key.size; i++) {
        if (key.data[i] < '0' || key.data[i] > '9')
            return SIZE_MAX;
        index = index * 10 + (key.data[i] - '0');
    }
    return index < UINT32_MAX ? index : SIZE_MAX;
}

/* Puts an attribute into a list in JavaScript's order. The list has room. */
static void wanted_insert(struct attributes *list, struct attribute attribute) {
    size_t at = list->count;
    size_t index = key_index(attribute.key);
    while (at > 0 && index < key_index(list->list[at - 1].key))
        at--;
    memmove(list->list + at + 1, list->list + at, (list->count - at) * sizeof *list->list);
    list->list[at] = attribute;
    list->count++;
}

static enum status format_add_step(struct format_edit *edit, struct step step, const struct crdt_object_value *attributes) {
    const struct mem *mem = edit->doc->options.mem;
    step.from = edit->given_count;
    for (size_t i = 0; attributes != NULL && i < attributes->count; i++) {
        const struct crdt_member *member = &attributes->members[i];
        size_t from = edit->parts.bytes.size;
        if (!utf_check(member->key, NULL))
            return STATUS_MALFORMED;
        varint_write_view(&edit->parts.bytes, member->key);
        enum status status = value_write_json(&edit->parts.bytes, &member->value);
        if (status == STATUS_OK)
            status = format_grow(mem, (void **)&edit->given, &edit->given_capacity, sizeof *edit->given, edit->given_count + 1);
        if (status != STATUS_OK)
            return status;
        /* offsets, until the bytes have their place */
        edit->given[edit->given_count++] = (struct attribute){ .key.size = from, .json.size = edit->parts.bytes.size - from };
    }
    step.to = edit->given_count;
    enum status status = format_grow(mem, (void **)&edit->steps, &edit->step_capacity, sizeof *edit->steps, edit->step_count + 1);
    if (status == STATUS_OK)
        edit->steps[edit->step_count++] = step;
    return status;
}

static void format_place_given(struct format_edit *edit) {
    for (size_t i = 0; i < edit->given_count; i++) {
        struct attribute *given = &edit->given[i];
        struct bytes_reader reader = bytes_reader(bytes_of(edit->parts.bytes.data + given->key.size, given->json.size));
        varint_read_view(&reader, &given->key);
        varint_read_view(&reader, &given->json);
    }
}

/* Every key that can come up, with the longest value it can have. */
static enum status keys_add(struct attributes *keys, struct bytes key, struct bytes json) {
    struct bytes longest = json.size < 5 ? bytes_text("false") : json; /* at least as long as null, and not null */
    for (size_t i = 0; i < keys->count; i++)
        if (bytes_equal(keys->list[i].key, key)) {
            if (keys->list[i].json.size < longest.size)
                keys->list[i].json = longest;
            return STATUS_OK;
        }
    return attributes_set(keys, key, longest);
}

static enum status attributes_reserve(struct attributes *attributes, size_t count) {
    return format_grow(attributes->mem, (void **)&attributes->list, &attributes->capacity, sizeof *attributes->list, count);
}

/* What is kept beyond the end becomes line feeds. */
static enum status format_need_line_feeds(const struct format_edit *edit, uint64_t at, struct edit_need *need) {
    uint64_t length = edit->text->length;
    for (size_t i = 0; i < edit->step_count; i++) {
        const struct step *step = &edit->steps[i];
        uint64_t units = step->kind == STEP_INSERT ? edit->parts.list[step->part].length : step->length;
        if (units > UINT32_MAX)
            return STATUS_TOO_BIG;
        if (step->kind == STEP_DELETE) {
            length -= units < length - at ? units : length - at;
            continue;
        }
        at += units;
        uint64_t more = step->kind == STEP_INSERT ? units : at > length ? at - length : 0;
        length += more;
        if (step->kind == STEP_RETAIN && more > 0) {
            need->items++;
            need->ascii += (size_t)more;
            need->units += more;
        }
    }
    return STATUS_OK;
}

/* Reserves for all steps, the first of which is at `index`, with a place at the beginning. */
static enum status format_begin(struct format_edit *edit, uint64_t index) {
    struct crdt_doc *doc = edit->doc;
    format_place_given(edit);
    enum status status = STATUS_OK;
    struct attributes *keys = &edit->gap; /* free until the steps run */
    for (uint32_t at = edit->text->has_formats ? edit->text->start : ITEM_NONE; at != ITEM_NONE && status == STATUS_OK;
         at = doc_item(doc, at)->right) {
        const struct item *item = doc_item(doc, at);
        struct bytes key;
        struct bytes json;
        if (item->kind != CONTENT_FORMAT || !item_live(item))
            continue;
        format_of(doc, item, &key, &json);
        status = keys_add(keys, key, json);
    }
    for (size_t i = 0; i < edit->given_count && status == STATUS_OK; i++)
        status = keys_add(keys, edit->given[i].key, edit->given[i].json);
    size_t mark_bytes = 0;
    size_t mark_bytes_max = 0;
    for (size_t i = 0; i < keys->count; i++) {
        size_t bytes = keys->list[i].key.size + keys->list[i].json.size + 2 * VARINT_BYTES_MAX;
        mark_bytes += bytes;
        mark_bytes_max = bytes > mark_bytes_max ? bytes : mark_bytes_max;
    }
    struct edit_need need = { .splits = 2 * edit->step_count, .deletes = UINT64_MAX };
    edit_need_parts(&need, &edit->parts);
    need.items += 2 * keys->count * edit->step_count;
    need.units += 2 * keys->count * edit->step_count;
    need.text += 2 * mark_bytes * edit->step_count;
    if (status == STATUS_OK)
        status = format_need_line_feeds(edit, index, &need);
    size_t key_count = keys->count;
    keys->count = 0;
    struct attributes *const lists[] = { &edit->wanted, &edit->negated, &edit->current, &edit->before, &edit->gap };
    for (size_t i = 0; i < sizeof lists / sizeof *lists && status == STATUS_OK; i++)
        status = attributes_reserve(lists[i], key_count + 1);
    if (status == STATUS_OK && bytes_writer_reserve(&edit->mark, mark_bytes_max + 1) == NULL)
        status = STATUS_NO_MEMORY;
    struct client *client;
    if (status == STATUS_OK)
        status = edit_reserve(doc, &need, &client);
    edit->text->cursor_item = ITEM_NONE; /* it may stand behind what goes now */
    if (status == STATUS_OK)
        edit->place = (struct edit_gap){ client, edit->text, ENTRY_NONE, ITEM_NONE, edit->text->start };
    return status;
}

/* ---- the place ---- */

static const struct item *place_right(const struct format_edit *edit) {
    return edit->place.right == ITEM_NONE ? NULL : doc_item(edit->doc, edit->place.right);
}

static bool is_live_mark(const struct item *item) {
    return item->kind == CONTENT_FORMAT && item_live(item);
}

static void place_step(struct format_edit *edit) {
    const struct item *right = place_right(edit);
    if (is_live_mark(right))
        attributes_pass(edit->doc, &edit->current, right);
    edit->place.left = edit->place.right;
    edit->place.right = right->right;
}

/* Makes the item to the right at most `length` units long. */
static const struct item *place_cut(struct format_edit *edit, uint64_t length) {
    const struct item *right = place_right(edit);
    if (item_length(edit->doc, right) > length) {
        doc_split_before(edit->doc, (uint32_t)right->client, item_clock(edit->doc, right) + length);
        right = place_right(edit);
    }
    return right;
}

static void place_walk(struct format_edit *edit, uint64_t length) {
    const struct item *right;
    while (length > 0 && (right = place_right(edit)) != NULL) {
        if (item_live(right) && content_countable(right->kind))
            length -= place_cut(edit, length)->length;
        place_step(edit);
    }
}

static void place_put(struct format_edit *edit, uint8_t kind, uint64_t length, struct bytes content) {
    edit_put(edit->doc, &edit->place, kind, length, content);
}

static void place_put_mark(struct format_edit *edit, struct bytes key, struct bytes json) {
    bytes_writer_reset(&edit->mark);
    varint_write_view(&edit->mark, key);
    varint_write_view(&edit->mark, json);
    place_put(edit, CONTENT_FORMAT, 1, bytes_written(&edit->mark));
    attributes_pass(edit->doc, &edit->current, doc_item(edit->doc, edit->place.left)); /* the key now stands in the document */
}

static void place_minimize(struct format_edit *edit) {
    for (const struct item *right; (right = place_right(edit)) != NULL; place_step(edit)) {
        struct bytes key;
        struct bytes json;
        if (!item_live(right))
            continue;
        if (right->kind != CONTENT_FORMAT)
            return;
        format_of(edit->doc, right, &key, &json);
        if (!json_equal(edit->doc->options.mem, attributes_get(&edit->wanted, key), json))
            return;
    }
}

/* attributes_set, but null stays in the list as a value. The list has room. */
static void place_open(struct format_edit *edit) {
    edit->negated.count = 0;
    for (size_t i = 0; i < edit->wanted.count; i++) {
        struct attribute wanted = edit->wanted.list[i];
        struct bytes now = attributes_get(&edit->current, wanted.key);
        if (json_equal(edit->doc->options.mem, now, wanted.json))
            continue;
        attributes_put(&edit->negated, wanted.key, now);
        place_put_mark(edit, wanted.key, wanted.json);
    }
}

static void place_close(struct format_edit *edit) {
    for (const struct item *right; (right = place_right(edit)) != NULL; place_step(edit)) {
        struct bytes key;
        struct bytes json;
        if (!item_live(right))
            continue;
        if (right->kind != CONTENT_FORMAT)
            break;
        format_of(edit->doc, right, &key, &json);
        struct attribute *negated = attributes_find(&edit->negated, key);
        if (negated == NULL || !json_equal(edit->doc->options.mem, negated->json, json))
            break;
        attributes_drop(&edit->negated, negated);
    }
    for (size_t i = 0; i < edit->negated.count; i++)
        place_put_mark(edit, edit->negated.list[i].key, edit->negated.list[i].json);
}

/* ---- steps ---- */

static void step_want(struct format_edit *edit, const struct step *step) {
    edit->wanted.count = 0;
    for (size_t i = step->from; i < step->to; i++) {
        struct attribute *known = attributes_find(&edit->wanted, edit->given[i].key);
        if (known != NULL)
            known->json = edit->given[i].json; /* of a repeated key the last value counts */
        else
            wanted_insert(&edit->wanted, edit->given[i]);
    }
}

static void step_insert(struct format_edit *edit, const struct step *step) {
    const struct edit_part *part = &edit->parts.list[step->part];
    step_want(edit, step);
    for (size_t i = 0; i < edit->current.count; i++) {
        struct attribute current = edit->current.list[i];
        if (attributes_find(&edit->wanted, current.key) == NULL)
            wanted_insert(&edit->wanted, step->inherits ? current : (struct attribute){ current.key, bytes_text("null") });
    }
    place_minimize(edit);
    place_open(edit);
    place_put(edit, part->kind, part->length, edit_content(&edit->parts, step->part));
    if (part->kind == CONTENT_TYPE)
        edit->made = doc_type(edit->doc, item_type(edit->doc, doc_item(edit->doc, edit->place.left)));
    place_close(edit);
}

static void format_put_line_feeds(struct format_edit *edit, uint64_t count) {
    static const char feeds[64] = "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n"
                                  "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n";
    while (count > 0) { /* each run grows the one before */
        uint64_t some = count < sizeof feeds - 1 ? count : sizeof feeds - 1;
        place_put(edit, CONTENT_STRING, some, bytes_of(feeds, (size_t)some));
        count -= some;
    }
}

/* What a mark inside a formatted range means; false: the walk ends before it. */
static bool step_pass_mark(struct format_edit *edit, const struct item *mark, uint64_t length) {
    struct bytes key;
    struct bytes json;
    format_of(edit->doc, mark, &key, &json);
    const struct attribute *wanted = attributes_find(&edit->wanted, key);
    if (wanted == NULL)
        return true;
    struct attribute *negated = attributes_find(&edit->negated, key);
    if (json_equal(edit->doc->options.mem, wanted->json, json)) {
        if (negated != NULL)
            attributes_drop(&edit->negated, negated);
    } else {
        if (length == 0)
            return false;
        attributes_put(&edit->negated, key, json);
    }
    txn_delete_item(edit->txn, edit->place.right);
    return true;
}

static void step_format(struct format_edit *edit, const struct step *step) {
    uint64_t length = step->length;
    step_want(edit, step);
    place_minimize(edit);
    place_open(edit);
    for (const struct item *right; (right = place_right(edit)) != NULL; place_step(edit)) {
        bool goes_on = length > 0 || (edit->negated.count > 0 && (!item_live(right) || right->kind == CONTENT_FORMAT));
        if (!goes_on)
            break;
        if (!item_live(right))
            continue;
        if (right->kind == CONTENT_FORMAT) {
            if (!step_pass_mark(edit, right, length))
                break;
        } else {
            length -= place_cut(edit, length)->length;
        }
    }
    format_put_line_feeds(edit, length);
    place_close(edit);
}

/* The value in force; unlike attributes_get it may be asked of any list. */
static void current_restore(struct format_edit *edit, struct bytes key) {
    attributes_set(&edit->current, key, attributes_get(&edit->before, key));
}

/* Deletes the marks in a gap that has lost its text: of each key only the last counts, and that only if it changes something. */
static void gap_tidy(struct format_edit *edit, uint32_t start) {
    struct crdt_doc *doc = edit->doc;
    uint32_t end = start;
    edit->gap.count = 0;
    for (; end != ITEM_NONE; end = doc_item(doc, end)->right) {
        const struct item *item = doc_item(doc, end);
        struct bytes key;
        struct bytes json;
        if (item_live(item) && content_countable(item->kind))
            break;
        if (!is_live_mark(item))
            continue;
        format_of(doc, item, &key, &json);
        attributes_put(&edit->gap, key, json); /* json points into the very item */
    }
    bool reached = false;
    for (uint32_t at = start; at != end; at = doc_item(doc, at)->right) {
        const struct item *item = doc_item(doc, at);
        struct bytes key;
        struct bytes json;
        reached |= at == edit->place.right;
        if (!is_live_mark(item))
            continue;
        format_of(doc, item, &key, &json);
        struct bytes before = attributes_get(&edit->before, key);
        bool last = attributes_find(&edit->gap, key)->json.data == json.data;
        if (!last || json_identical(before, json)) {
            txn_delete_item(edit->txn, at);
            struct bytes now = attributes_get(&edit->current, key);
            bool own = now.data == json.data; /* put in force by this very mark: then also a container is the same */
            if (!reached && (own || json_identical(now, json)) && !json_identical(before, json))
                current_restore(edit, key);
        } else if (!reached) {
            attributes_pass(edit->doc, &edit->current, item);
        }
    }
}

static void step_delete(struct format_edit *edit, const struct step *step) {
    uint64_t length = step->length;
    uint32_t start = edit->place.right;
    edit->before.count = edit->current.count;
    if (edit->current.count > 0)
        memcpy(edit->before.list, edit->current.list, edit->current.count * sizeof *edit->current.list);
    for (const struct item *right; length > 0 && (right = place_right(edit)) != NULL; place_step(edit)) {
        bool goes = right->kind == CONTENT_STRING || right->kind == CONTENT_EMBED || right->kind == CONTENT_TYPE;
        if (!item_live(right) || !goes)
            continue;
        length -= place_cut(edit, length)->length;
        txn_delete_item(edit->txn, edit->place.right);
    }
    gap_tidy(edit, start);
}

static void format_run(struct format_edit *edit) {
    for (size_t i = 0; i < edit->step_count; i++) {
        const struct step *step = &edit->steps[i];
        if (step->kind == STEP_INSERT)
            step_insert(edit, step);
        else if (step->kind == STEP_RETAIN)
            step_format(edit, step);
        else
            step_delete(edit, step);
    }
}

/* ---- the interface ---- */

/* One step at an index, prepared. */
static enum status format_one(struct format_edit *edit, uint64_t index) {
    uint64_t length = edit->text->length;
    if (index > length && index != CRDT_TEXT_END)
        return STATUS_RANGE;
    enum status status = format_begin(edit, index > length ? length : index);
    if (status != STATUS_OK)
        return status;
    place_walk(edit, index);
    if (edit->steps[0].kind != STEP_RETAIN || edit->place.right != ITEM_NONE)
        format_run(edit);
    return STATUS_OK;
}

enum status format_delete(struct crdt_txn *txn, struct crdt_type *text, uint64_t index, uint64_t length) {
    assert(txn->open);
    if (index > text->length || length > text->length - index)
        return STATUS_RANGE;
    if (length == 0)
        return STATUS_OK;
    struct format_edit edit;
    format_init(&edit, txn, text);
    enum status status = format_add_step(&edit, (struct step){ .kind = STEP_DELETE, .length = length }, NULL);
    if (status == STATUS_OK)
        status = format_one(&edit, index);
    format_finish(&edit);
    return status;
}

static enum status format_insert(struct crdt_txn *txn, struct crdt_type *text, uint64_t index, struct bytes utf8,
                                 const struct crdt_object_value *attributes) {
    struct format_edit edit;
    format_init(&edit, txn, text);
    enum status status = edit_add_text(&edit.parts, utf8);
    if (status == STATUS_OK)
        status = format_add_step(&edit, (struct step){ .kind = STEP_INSERT, .inherits = attributes == NULL }, attributes);
    if (status == STATUS_OK)
        status = format_one(&edit, index);
    format_finish(&edit);
    return status;
}

enum status format_append(struct crdt_txn *txn, struct crdt_type *text, struct bytes utf8) {
    return format_insert(txn, text, CRDT_TEXT_END, utf8, NULL);
}

enum status crdt_text_insert_formatted(struct crdt_txn *txn, struct crdt_type *text, uint64_t index, struct bytes utf8,
                                       const struct crdt_object_value *attributes) {
    assert(txn->open);
    if (attributes == NULL)
        return crdt_text_insert(txn, text, index, utf8);
    if (utf8.size == 0)
        return index > text->length && index != CRDT_TEXT_END ? STATUS_RANGE : STATUS_OK;
    return format_insert(txn, text, index, utf8, attributes);
}

enum status crdt_text_insert_embed(struct crdt_txn *txn, struct crdt_type *text, uint64_t index, const struct crdt_value *embed,
                                   const struct crdt_object_value *attributes) {
    assert(txn->open);
    struct format_edit edit;
    format_init(&edit, txn, text);
    enum status status = edit_add_embed(&edit.parts, embed);
    if (status == STATUS_OK)
        status = format_add_step(&edit, (struct step){ .kind = STEP_INSERT }, attributes);
    if (status == STATUS_OK)
        status = format_one(&edit, index);
    format_finish(&edit);
    return status;
}

enum status crdt_text_insert_type(struct crdt_txn *txn, struct crdt_type *text, uint64_t index, enum crdt_type_kind kind,
                                  struct bytes name, const struct crdt_object_value *attributes, struct crdt_type **out) {
    assert(txn->open);
    struct format_edit edit;
    format_init(&edit, txn, text);
    enum status status = edit_add_type(&edit.parts, kind, name);
    if (status == STATUS_OK)
        status = format_add_step(&edit, (struct step){ .kind = STEP_INSERT }, attributes);
    if (status == STATUS_OK)
        status = format_one(&edit, index);
    if (status == STATUS_OK)
        *out = edit.made;
    format_finish(&edit);
    return status;
}

enum status crdt_text_format(struct crdt_txn *txn, struct crdt_type *text, uint64_t index, uint64_t length,
                             const struct crdt_object_value *attributes) {
    assert(txn->open);
    if (length == 0)
        return index > text->length && index != CRDT_TEXT_END ? STATUS_RANGE : STATUS_OK;
    struct format_edit edit;
    format_init(&edit, txn, text);
    enum status status = format_add_step(&edit, (struct step){ .kind = STEP_RETAIN, .length = length }, attributes);
    if (status == STATUS_OK)
        status = format_one(&edit, index);
    format_finish(&edit);
    return status;
}

enum status crdt_text_apply_delta(struct crdt_txn *txn, struct crdt_type *text, const struct crdt_delta_step *steps, size_t count) {
    assert(txn->open);
    struct format_edit edit;
    format_init(&edit, txn, text);
    enum status status = STATUS_OK;
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        const struct crdt_delta_step *step = &steps[i];
        struct step made = { .kind = step->kind, .length = step->length, .part = edit.parts.count };
        if (step->kind == CRDT_INSERT) {
            if (step->insert.kind == CRDT_STRING && step->insert.bytes.size == 0)
                continue;
            status = step->insert.kind == CRDT_STRING ? edit_add_text(&edit.parts, step->insert.bytes)
                                                      : edit_add_embed(&edit.parts, &step->insert);
        }
        if (status == STATUS_OK)
            status = format_add_step(&edit, made, step->kind == CRDT_DELETE ? NULL : &step->attributes);
    }
    if (status == STATUS_OK)
        status = format_begin(&edit, 0);
    if (status == STATUS_OK)
        format_run(&edit);
    format_finish(&edit);
    return status;
}
