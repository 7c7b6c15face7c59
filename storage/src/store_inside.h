/* store_inside.h — what the files of the store share: lanes, commands, the journal's state. */
#ifndef STORE_STORE_INSIDE_H
#define STORE_STORE_INSIDE_H

#include "params_inside.h"
#include "pg_conn.h"
#include "store/documents.h"
#include "store/store.h"

enum { LANE_WRITER, LANE_BULK, LANE_QUERY, LANE_COUNT = STORE_SLOTS };

/* A statement on its way: queued in its lane, then sent. One block: this struct, values, lengths, types, bytes. */
struct store_command {
    struct pg_command pg;
    struct lane *lane;
    struct store_request *request; /* NULL: nobody can cancel it, or it was cancelled */
    store_reply reply;             /* NULL: the answer is dropped */
    void *context;
    uint32_t *types;
    uint8_t *bytes; /* room for the values */
    size_t bytes_size;
    size_t block_bytes;
    uint64_t queued_ms;
    bool cancelled;
};

struct lane {
    struct store *store;
    unsigned slot;
    struct pg_conn conn;
    struct list queue;    /* of store_command */
    size_t command_count; /* queued or sent */
    size_t command_bytes;
    bool was_ready;
    bool refused;      /* the last attempt */
    unsigned failures; /* attempts failed in a row */
    uint64_t down_ms;  /* since when it is not ready */
    uint64_t retry_ms; /* when the next attempt begins */
    char reason[CATALOG_REASON];
};

/* ---- the journal, see journal.c ---- */

struct journal_row {
    struct list link;
    struct journal_line *line; /* NULL: finished before its row was durable */
    struct uuid session_id;
    struct uuid file_id;
    int64_t epoch;
    int64_t seq;
    uint64_t appended_ms;
    struct bytes_writer payload;
};

/* Rows [from, to) of the group: one statement. */
struct journal_range {
    struct list link;
    struct store *store;
    size_t from;
    size_t to;
};

struct journal {
    struct list open; /* rows of the open group */
    size_t open_count;
    uint64_t group_open; /* the number that appends get now */
    int64_t seq_next;
    uint64_t dirty_bytes;
    size_t orphans; /* rows without a line */
    /* the group on the way */
    struct journal_row **rows; /* NULL where done */
    size_t row_count;
    size_t row_capacity;
    size_t rows_left;
    size_t row_first;    /* every slot before it is NULL */
    int64_t seq_first;   /* of the first slot; the others follow */
    struct list todo;    /* ranges to send */
    unsigned sent;       /* ranges on the wire */
    uint64_t group_done; /* every group up to here is over */
    unsigned stalls;     /* refusals in a row that are nobody's fault */
    uint64_t retry_ms;   /* nothing is sent before */
    uint64_t rested_ms;  /* when nothing is left of the groups sent ahead of the pace */
    char reason[CATALOG_REASON];
};

void journal_init(struct store *store);
void journal_finish(struct store *store);
/* Sends what may be sent; calls nobody back. */
void journal_pump(struct store *store);
uint64_t journal_dirty_since(const struct store *store);
/* Whether rows of that file wait whose line was finished: a load that did not see them would never hear of them. */
bool journal_has_orphans(const struct store *store, const struct uuid *file_id);
/* Whether the row with this sequence number may still be sent again: nobody may take it out of the table meanwhile. */
bool journal_is_unfinished(const struct store *store, int64_t seq);

struct store {
    const struct mem *mem;
    struct store_owner owner;
    struct uuid writer;
    size_t queue_count_max;
    size_t queue_bytes_max;
    size_t dirty_bytes_max;
    struct catalog catalog;
    struct list statements[LANE_COUNT];
    struct lane lanes[LANE_COUNT];
    struct conninfo *conninfo[LANE_COUNT];
    struct journal journal;
    uint64_t now_ms;
    enum store_state state;
    uint64_t state_since_ms;
    const char *reason;
    bool has_reason;  /* when the owner was told last */
    unsigned calling; /* depth of entry points on the stack */
    bool closing;
    bool stopped; /* store_stop() */
};

/* A command of `statement` with room for `param_count` parameters of `bytes_size` bytes in all. STATUS_OVERLOADED,
 * STATUS_NO_MEMORY. */
enum status store_command_create(struct store *store, struct statement *statement, unsigned param_count, size_t bytes_size,
                                 struct store_command **out);
/* Sets the next parameter: `size` bytes that the caller fills, taken from the command's room. */
uint8_t *store_command_param(struct store_command *command, uint32_t type, size_t size);
/* Into its lane's queue; from now on it is answered, or freed with the store. */
void store_command_queue(struct store_command *command, struct store_request *request, store_reply reply, void *context);

#endif
