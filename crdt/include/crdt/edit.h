/* edit.h — editing lists and keys: arrays, maps, XML children and attributes, attributes of texts.
 *
 *     XML element   children: crdt_array_*        attributes: crdt_map_set, crdt_map_delete
 *     text          its content: text.h           attributes: the same
 *
 * Values are copied. A nested type is inserted empty and filled in the same transaction. After an error the document is unchanged:
 * STATUS_MALFORMED   a key, name or string is not UTF-8, a value nests too deep or holds what may not be in it
 * STATUS_RANGE       the index lies behind the end, or the client's clock would pass 2^53 - 1
 * STATUS_NO_MEMORY */
#ifndef CRDT_EDIT_H
#define CRDT_EDIT_H

#include "crdt/doc.h"
#include "crdt/value.h"

/* Inserts values before unit `index`: plain ones, bytes and subdocuments; no types. */
enum status crdt_array_insert(struct crdt_txn *txn, struct crdt_type *array, uint64_t index, const struct crdt_value *values,
                              size_t count);

/* Inserts an empty nested type and answers it. `name`: of an XML element or hook, else ignored. */
enum status crdt_array_insert_type(struct crdt_txn *txn, struct crdt_type *array, uint64_t index, enum crdt_type_kind kind,
                                   struct bytes name, struct crdt_type **out);

/* Deletes `length` units. STATUS_RANGE: index + length lies behind the end. */
enum status crdt_array_delete(struct crdt_txn *txn, struct crdt_type *array, uint64_t index, uint64_t length);

/* Sets a key: a plain value, bytes or a subdocument. */
enum status crdt_map_set(struct crdt_txn *txn, struct crdt_type *map, struct bytes key, const struct crdt_value *value);
enum status crdt_map_set_type(struct crdt_txn *txn, struct crdt_type *map, struct bytes key, enum crdt_type_kind kind,
                              struct bytes name, struct crdt_type **out);

/* Nothing if there is no such key. */
enum status crdt_map_delete(struct crdt_txn *txn, struct crdt_type *map, struct bytes key);
enum status crdt_map_clear(struct crdt_txn *txn, struct crdt_type *map);

#endif
