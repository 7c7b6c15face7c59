/* wire.h — structs as Yjs update v1 writes them: one struct in, one struct out, and the walk over a whole update.
 *
 *   update = varUint clients, clients × block, delete set
 *   block  = varUint structs, varUint client, varUint clock, structs × struct
 *   struct = info, [origin], [right origin], [parent, [key]], content
 *
 *   info   low 5 bits: kind; 0x80 origin, 0x40 right origin, 0x20 has a key
 *   parent only if neither origin: 1 root name, or 0 ID; then the key if 0x20
 *
 * A wire_struct points into the bytes it was read from. Nothing here knows a document. */
#ifndef CRDT_SRC_WIRE_H
#define CRDT_SRC_WIRE_H

#include "ground/bytes.h"
#include "id.h"

enum content_kind {
    CONTENT_GC = 0,
    CONTENT_DELETED = 1,
    CONTENT_JSON = 2,
    CONTENT_BINARY = 3,
    CONTENT_STRING = 4,
    CONTENT_EMBED = 5,
    CONTENT_FORMAT = 6,
    CONTENT_TYPE = 7,
    CONTENT_ANY = 8,
    CONTENT_DOC = 9,
    CONTENT_SKIP = 10,
    CONTENT_FREE = 15 /* never on the wire: an item that is not in use */
};

enum { WIRE_ORIGIN = 0x80, WIRE_RIGHT_ORIGIN = 0x40, WIRE_KEY = 0x20, WIRE_KIND = 0x1f };

enum wire_parent {
    WIRE_PARENT_INHERITED, /* from a neighbour */
    WIRE_PARENT_ROOT,
    WIRE_PARENT_ITEM
};

struct wire_struct {
    uint64_t length; /* units; 0 says nothing and is to be ignored */
    struct id origin;
    struct id right_origin;
    struct id parent_item;
    struct bytes root_name;
    struct bytes key;     /* if WIRE_KEY and the parent is named */
    struct bytes content; /* what follows counts and lengths: see wire_content_layout in wire.c */
    uint8_t info;
    uint8_t kind;
    uint8_t parent; /* enum wire_parent */
};

/* Whether a list's length counts it and readers see it. */
static inline bool content_countable(unsigned kind) {
    return kind >= CONTENT_JSON && kind != CONTENT_FORMAT && kind <= CONTENT_DOC;
}

/* Whether it can be cut between its units. */
static inline bool content_splits(unsigned kind) {
    return kind == CONTENT_DELETED || kind == CONTENT_JSON || kind == CONTENT_STRING || kind == CONTENT_ANY;
}

enum {
    /* Cutting walks the content from its beginning, unless it is ASCII text: so longer contents are kept as several items. */
    CONTENT_UNITS_MAX = 2048, /* of a text that is not ASCII */
    CONTENT_BYTES_MAX = 4096  /* of values: the last one that begins below it may be longer */
};

/* Items that a content of one struct may take beside the first. */
static inline size_t content_more_items(unsigned kind, uint64_t units, size_t bytes) {
    if (kind == CONTENT_STRING)
        return units == bytes ? 0 : (size_t)(units / (CONTENT_UNITS_MAX - 1));
    return kind == CONTENT_ANY || kind == CONTENT_JSON ? bytes / CONTENT_BYTES_MAX : 0;
}

/* Whether two neighbouring contents may be one, as far as their sizes go. */
static inline bool content_joins(unsigned kind, uint64_t left_units, size_t left_bytes, uint64_t right_units, size_t right_bytes) {
    if (kind == CONTENT_STRING)
        return (left_units == left_bytes && right_units == right_bytes) || left_units + right_units <= CONTENT_UNITS_MAX;
    return (kind != CONTENT_ANY && kind != CONTENT_JSON) || left_bytes + right_bytes <= CONTENT_BYTES_MAX;
}

/* Reads the struct at (client, clock). `check` false: the bytes were checked before, only their extent is looked at.
 * STATUS_MALFORMED, including structs that name units of their own client at or after themselves, and clocks above 2^53 - 1. */
enum status wire_struct_read(struct bytes_reader *reader, uint64_t client, uint64_t clock, bool check, struct wire_struct *out);

/* Writes it from unit `offset` on; offset > 0 gives it the unit before as origin, as Yjs does. */
void wire_struct_write(struct bytes_writer *writer, const struct wire_struct *structure, uint64_t client, uint64_t clock,
                       uint64_t offset);

/* Whether a text has characters outside the basic plane, which a cut can go through. */
bool content_has_pairs(struct bytes text, uint64_t units);

/* Byte offset of unit `offset` in a content that splits. `out_inside_pair` (strings): the unit is the second half of a surrogate
 * pair, and the offset is that of the four-byte character. */
size_t content_offset(unsigned kind, struct bytes content, uint64_t offset, bool *out_inside_pair);

/* U+FFFD, what becomes of half a surrogate pair. */
extern const uint8_t content_half_pair[3];

/* A walk over an update that was not checked yet: wire_walk_init, then wire_walk_next until it answers `end`, then
 * wire_walk_delete until it answers false. Every answer has been checked. */
struct wire_walk {
    struct bytes_reader reader;
    uint64_t clients_left;
    uint64_t structs_left;
    uint64_t client;
    uint64_t clock; /* of the next struct */
    uint64_t ranges_left;
    bool check;
    bool in_deletes;
};

enum wire_step {
    WIRE_STEP_BLOCK,  /* walk.client and walk.clock are those of a new block */
    WIRE_STEP_STRUCT, /* `out` is filled; it began at walk.clock - out->length */
    WIRE_STEP_END     /* the structs are over; walk.reader stands at the delete set */
};

enum status wire_walk_init(struct wire_walk *walk, struct bytes update, bool check);
enum status wire_walk_next(struct wire_walk *walk, enum wire_step *out_step, struct wire_struct *out);

/* After WIRE_STEP_END. `out_found` false: the delete set is over. Ranges of length 0 are passed over. */
enum status wire_walk_delete(struct wire_walk *walk, bool *out_found, struct id_range *out);

#endif
