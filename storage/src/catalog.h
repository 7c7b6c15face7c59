/* catalog.h — named statements out of embedded .sql files.
 *
 *   -- name: chat_insert        begins a statement; lower-case letters, digits and _ , at most 63 bytes
 *   -- anything                 a comment, sent along
 *   insert into …;              up to the next name or the end; the last ; is left out
 *
 * Before the first name only comments and blank lines may stand. */
#ifndef STORE_CATALOG_H
#define STORE_CATALOG_H

#include "ground/embed.h"
#include "ground/list.h"
#include "ground/table.h"
#include "store/params.h"

enum { STATEMENT_NAME_MAX = 63, CATALOG_REASON = 256 };

struct statement {
    struct list link; /* in its lane */
    const char *name; /* NUL-terminated, in this block */
    const char *sql;  /* NUL-terminated, in this block */
    size_t block_bytes;
    unsigned lane;
    struct statement *same_key; /* next with the same table key */
    /* what PostgreSQL said of it, after it was prepared once */
    bool described;
    unsigned param_count;
    uint32_t param_types[PARAMS_MAX];
};

struct catalog {
    const struct mem *mem;
    struct table by_name;
    struct list *lanes; /* heads, one per lane, of the caller's */
};

void catalog_init(struct catalog *catalog, const struct mem *mem, struct list *lanes);
void catalog_finish(struct catalog *catalog, unsigned lane_count);

/* Adds every statement of a table of files to `lane`. STATUS_MALFORMED, STATUS_EXISTS, STATUS_NO_MEMORY; `reason` says where. */
enum status catalog_add(struct catalog *catalog, const struct embedded_file *files, unsigned lane, char reason[CATALOG_REASON]);

/* NULL: no statement has that name. */
struct statement *catalog_find(const struct catalog *catalog, const char *name);

#endif
