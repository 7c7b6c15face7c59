/* journal.c — group commit of document updates.
 *
 *   journal_append     line ─▶ its row in `open`                                          group n+1
 *   journal_pump       nothing on the way: `open` becomes `rows`, cut into ranges          group n
 *                      each range is one INSERT, a transaction of its own
 *   journal_on_answer  committed    rows leave, durable(line, n)
 *                      unknown      the range is sent again; its key makes that harmless
 *                      not now      (disk full, shutting down, …) the same after a pause
 *                      bad data     the range is halved; a range of one row is the culprit: poisoned(line)
 *
 * One group is on the way at a time, so a row that was written later never commits without what its line appended before: a
 * line has at most one row in `rows` and one in `open`.
 *
 * Pace: where a commit takes 0.2 ms, several thousand updates a second would make as many commits, and each costs a write, a read
 * and a turn of the loop. So a rested millisecond is saved up for each group, GROUPS_AHEAD of them at most, and where nothing is left
 * a group costs TIRED_MS: at less than a thousand updates a second nobody waits, with more of them an ack is up to 3 ms later. Whoever
 * is left waiting goes with the next turn, which comes with the answer of the group on the way, or with the owner's tick.
 *
 * Invariants
 *   1. a row stands in `open`, or in exactly one slot of `rows`, or is gone
 *   2. line->open and line->on_way point to the line's rows, and these point back, until journal_line_finish()
 *   3. every slot of `rows` that is not NULL lies in exactly one range, in `todo` or on the wire
 *   4. dirty_bytes is the sum of the payloads of all rows
 *   5. orphans is the number of rows whose line is NULL */
#include "pg_types.h"
#include "store_inside.h"

#include <assert.h>
#include <stdio.h>

enum {
    RANGE_ROWS_MAX = 4096,
    RANGE_BYTES_MAX = 8 << 20, /* of a range of more than one row */
    RANGES_ON_WIRE_MAX = 4,    /* the next INSERT is on the way while PostgreSQL works on the first */
    GROUPS_AHEAD = 50,
    TIRED_MS = 3,
    STALL_MS_MIN = 100,
    STALL_MS_MAX = 5000,
};

void journal_init(struct store *store) {
    struct journal *journal = &store->journal;
    list_init(&journal->open);
    list_init(&journal->todo);
    journal->group_open = 1;
    journal->seq_next = 1;
}

static void journal_row_free(struct store *store, struct journal_row *row) {
    store->journal.dirty_bytes -= row->payload.size;
    store->journal.orphans -= row->line == NULL;
    list_remove(&row->link);
    bytes_writer_finish(&row->payload);
    mem_free(store->mem, row, sizeof *row);
}

void journal_finish(struct store *store) {
    struct journal *journal = &store->journal;
    list_each (link, &journal->open)
        journal_row_free(store, list_entry(link, struct journal_row, link));
    for (size_t i = 0; i < journal->row_count; i++)
        if (journal->rows[i] != NULL)
            journal_row_free(store, journal->rows[i]);
    mem_free(store->mem, journal->rows, journal->row_capacity * sizeof(struct journal_row *));
    list_each (link, &journal->todo) {
        struct journal_range *range = list_entry(link, struct journal_range, link);
        list_remove(link);
        mem_free(store->mem, range, sizeof *range);
    }
}

/* The oldest row: rows were appended in the order of their slots, and those in `open` later. */
uint64_t journal_dirty_since(const struct store *store) {
    const struct journal *journal = &store->journal;
    if (journal->rows_left > 0)
        return journal->rows[journal->row_first]->appended_ms;
    return list_empty(&journal->open) ? 0 : list_entry(journal->open.next, struct journal_row, link)->appended_ms;
}

/* ---- lines ---- */

void journal_line_init(struct journal_line *line, struct store *store, const struct uuid *session_id, const struct uuid *file_id,
                       int64_t epoch, const struct journal_watcher *watcher) {
    *line =
        (struct journal_line){ .session_id = *session_id, .file_id = *file_id, .epoch = epoch, .watcher = watcher, .store = store };
}

void journal_line_finish(struct journal_line *line) {
    if (line == NULL)
        return;
    struct journal_row *rows[] = { line->open, line->on_way };
    for (unsigned i = 0; i < 2; i++)
        if (rows[i] != NULL) {
            rows[i]->line = NULL;
            line->store->journal.orphans++;
        }
    line->open = NULL;
    line->on_way = NULL;
}

bool journal_has_orphans(const struct store *store, const struct uuid *file_id) {
    const struct journal *journal = &store->journal;
    if (journal->orphans == 0)
        return false;
    for (const struct list *link = journal->open.next; link != &journal->open; link = link->next) {
        const struct journal_row *row = list_entry(link, struct journal_row, link);
        if (row->line == NULL && uuid_equal(&row->file_id, file_id))
            return true;
    }
    for (size_t i = journal->row_first; i < journal->row_count; i++) {
        const struct journal_row *row = journal->rows[i];
        if (row != NULL && row->line == NULL && uuid_equal(&row->file_id, file_id))
            return true;
    }
    return false;
}

uint64_t journal_line_dirty_bytes(const struct journal_line *line) {
    return (line->open == NULL ? 0 : line->open->payload.size) + (line->on_way == NULL ? 0 : line->on_way->payload.size);
}

bool journal_is_unfinished(const struct store *store, int64_t seq) {
    const struct journal *journal = &store->journal;
    return journal->rows_left > 0 && seq >= journal->seq_first && (uint64_t)(seq - journal->seq_first) < journal->row_count &&
           journal->rows[seq - journal->seq_first] != NULL;
}

/* The line's row in the open group, made if need be. */
static struct journal_row *journal_line_row(struct journal_line *line) {
    struct store *store = line->store;
    struct journal *journal = &store->journal;
    if (line->open != NULL)
        return line->open;
    struct journal_row *row = mem_zalloc(store->mem, sizeof *row);
    if (row == NULL)
        return NULL;
    row->line = line;
    row->session_id = line->session_id;
    row->file_id = line->file_id;
    row->epoch = line->epoch;
    row->appended_ms = store->now_ms;
    bytes_writer_init(&row->payload, store->mem, JOURNAL_ROW_BYTES_MAX);
    list_append(&journal->open, &row->link);
    journal->open_count++;
    line->open = row;
    return row;
}

enum status journal_append(struct journal_line *line, const struct journal_entry *entry, uint64_t *out_group) {
    struct store *store = line->store;
    struct journal *journal = &store->journal;
    size_t need = JOURNAL_ROW_HEADER + JOURNAL_ENTRY_OVERHEAD_MAX + entry->update.size;
    if (line->poisoned)
        return STATUS_CLOSED;
    if (need > JOURNAL_ROW_BYTES_MAX)
        return STATUS_TOO_BIG;
    if (journal->dirty_bytes + need > store->dirty_bytes_max)
        return STATUS_OVERLOADED;
    bool fresh = line->open == NULL;
    struct journal_row *row = journal_line_row(line);
    if (row == NULL)
        return STATUS_NO_MEMORY;
    if (bytes_writer_reserve(&row->payload, need) == NULL) {
        enum status status = row->payload.status == STATUS_TOO_BIG ? STATUS_OVERLOADED : STATUS_NO_MEMORY;
        row->payload.status = STATUS_OK;
        if (fresh) {
            line->open = NULL;
            journal->open_count--;
            journal_row_free(store, row);
        }
        return status;
    }
    size_t before = row->payload.size;
    journal_row_write(&row->payload, entry);
    assert(row->payload.status == STATUS_OK); /* the room was reserved */
    journal->dirty_bytes += row->payload.size - before;
    line->group_last = journal->group_open;
    if (out_group != NULL)
        *out_group = journal->group_open;
    return STATUS_OK;
}

/* ---- the group on the way ---- */

static bool journal_add_range(struct store *store, size_t from, size_t to) {
    struct journal_range *range = mem_zalloc(store->mem, sizeof *range);
    if (range == NULL)
        return false;
    range->store = store;
    range->from = from;
    range->to = to;
    list_append(&store->journal.todo, &range->link);
    return true;
}

static void journal_drop_ranges(struct store *store) {
    list_each (link, &store->journal.todo) {
        list_remove(link);
        mem_free(store->mem, list_entry(link, struct journal_range, link), sizeof(struct journal_range));
    }
}

/* Cuts rows [0, count) of the open group into ranges; false without memory, and then there are none. */
static bool journal_cut(struct store *store, size_t count) {
    const struct journal *journal = &store->journal;
    size_t from = 0;
    size_t bytes = 0;
    size_t index = 0;
    bool whole = true;
    list_each (link, &journal->open) {
        size_t size = list_entry(link, struct journal_row, link)->payload.size;
        if (index > from && (index - from == RANGE_ROWS_MAX || bytes + size > RANGE_BYTES_MAX)) {
            whole = whole && journal_add_range(store, from, index);
            from = index;
            bytes = 0;
        }
        bytes += size;
        index++;
    }
    assert(index == count);
    whole = whole && journal_add_range(store, from, count);
    if (!whole)
        journal_drop_ranges(store);
    return whole;
}

/* The open group goes on its way, unless too many did. Without memory it stays open, and the next pump tries again. */
static void journal_close_group(struct store *store) {
    struct journal *journal = &store->journal;
    uint64_t rested_ms = journal->rested_ms > store->now_ms ? journal->rested_ms : store->now_ms;
    if (rested_ms >= store->now_ms + GROUPS_AHEAD)
        return;
    bool is_last = rested_ms + 1 >= store->now_ms + GROUPS_AHEAD;
    assert(journal->rows_left == 0 && journal->sent == 0 && list_empty(&journal->todo));
    size_t count = journal->open_count;
    if (journal->row_capacity < count) {
        struct journal_row **rows = mem_resize(store->mem, journal->rows, journal->row_capacity * sizeof(struct journal_row *),
                                               count * sizeof(struct journal_row *));
        if (rows == NULL)
            return;
        journal->rows = rows;
        journal->row_capacity = count;
    }
    if (!journal_cut(store, count))
        return;
    journal->row_count = 0;
    journal->row_first = 0;
    journal->seq_first = journal->seq_next;
    list_each (link, &journal->open) {
        struct journal_row *row = list_entry(link, struct journal_row, link);
        list_remove(link);
        journal_row_seal(&row->payload);
        row->seq = journal->seq_next++;
        if (row->line != NULL) {
            assert(row->line->open == row && row->line->on_way == NULL);
            row->line->open = NULL;
            row->line->on_way = row;
        }
        journal->rows[journal->row_count++] = row;
    }
    assert(journal->row_count == count);
    journal->open_count = 0;
    journal->rows_left = count;
    journal->group_open++;
    journal->rested_ms = rested_ms + (is_last ? TIRED_MS : 1);
}

static void journal_on_answer(void *context, const struct reply *reply);

/* Fixed-size elements of an array parameter. */
static uint8_t *journal_array(struct store_command *command, uint32_t type, uint32_t element_type, size_t element_size,
                              size_t count) {
    return pg_array_begin(store_command_param(command, type, PG_ARRAY_HEADER + count * (4 + element_size)), element_type, false,
                          count);
}

/* INSERT … SELECT unnest() of one range, straight into the command's memory. */
static enum status journal_send(struct store *store, struct journal_range *range) {
    struct journal_row **rows = store->journal.rows;
    size_t count = range->to - range->from;
    size_t payloads = 0;
    for (size_t i = range->from; i < range->to; i++)
        payloads += 4 + rows[i]->payload.size;
    size_t bytes = 16 + 5 * (size_t)PG_ARRAY_HEADER + count * (20 + 20 + 12 + 12) + payloads;
    struct store_command *command;
    enum status status = store_command_create(store, catalog_find(&store->catalog, "journal_insert"), 6, bytes, &command);
    if (status != STATUS_OK)
        return status;
    memcpy(store_command_param(command, PG_UUID, 16), store->writer.bytes, 16);
    uint8_t *at = journal_array(command, PG_UUID_ARRAY, PG_UUID, 16, count);
    for (size_t i = range->from; i < range->to; i++)
        at = pg_array_element(at, bytes_of(rows[i]->session_id.bytes, 16));
    at = journal_array(command, PG_UUID_ARRAY, PG_UUID, 16, count);
    for (size_t i = range->from; i < range->to; i++)
        at = pg_array_element(at, bytes_of(rows[i]->file_id.bytes, 16));
    at = journal_array(command, PG_INT8_ARRAY, PG_INT8, 8, count);
    for (size_t i = range->from; i < range->to; i++)
        at = pg_put_u64(pg_put_u32(at, 8), (uint64_t)rows[i]->epoch);
    at = journal_array(command, PG_INT8_ARRAY, PG_INT8, 8, count);
    for (size_t i = range->from; i < range->to; i++)
        at = pg_put_u64(pg_put_u32(at, 8), (uint64_t)rows[i]->seq);
    at = pg_array_begin(store_command_param(command, PG_BYTEA_ARRAY, PG_ARRAY_HEADER + payloads), PG_BYTEA, false, count);
    for (size_t i = range->from; i < range->to; i++)
        at = pg_array_element(at, bytes_written(&rows[i]->payload));
    store_command_queue(command, NULL, journal_on_answer, range);
    return STATUS_OK;
}

void journal_pump(struct store *store) {
    struct journal *journal = &store->journal;
    if (store->lanes[LANE_WRITER].conn.state != PG_CONN_READY || store->now_ms < journal->retry_ms)
        return;
    if (journal->rows_left == 0 && !list_empty(&journal->open))
        journal_close_group(store);
    while (journal->sent < RANGES_ON_WIRE_MAX && !list_empty(&journal->todo)) {
        struct journal_range *range = list_entry(journal->todo.next, struct journal_range, link);
        if (journal_send(store, range) != STATUS_OK)
            return; /* no memory now: the next turn or tick tries again */
        list_remove(&range->link);
        journal->sent++;
    }
}

/* ---- answers ---- */

static void journal_row_done(struct store *store, size_t index) {
    struct journal *journal = &store->journal;
    journal->rows[index] = NULL;
    while (journal->row_first < journal->row_count && journal->rows[journal->row_first] == NULL)
        journal->row_first++;
    if (--journal->rows_left == 0)
        journal->group_done = journal->group_open - 1;
}

/* Rows [from, to) are committed. A callback may finish this or any other line, and append. */
static void journal_on_durable(struct store *store, size_t from, size_t to) {
    struct journal *journal = &store->journal;
    uint64_t group = journal->group_open - 1;
    for (size_t i = from; i < to; i++) {
        struct journal_row *row = journal->rows[i];
        struct journal_line *line = row->line;
        if (line != NULL) {
            line->on_way = NULL;
            line->group_durable = group;
            line->bytes_total += row->payload.size;
        }
        journal_row_done(store, i);
        journal_row_free(store, row);
        if (line != NULL && !store->closing)
            line->watcher->durable(line, group);
    }
}

/* The row at `index` alone is refused for what it holds. */
static void journal_on_poison(struct store *store, size_t index, const struct reply *reply) {
    struct journal *journal = &store->journal;
    struct journal_row *row = journal->rows[index];
    struct journal_line *line = row->line;
    journal_row_done(store, index);
    if (line != NULL) {
        if (line->open != NULL) {
            journal->open_count--;
            journal_row_free(store, line->open);
        }
        line->open = NULL;
        line->on_way = NULL;
        line->poisoned = true;
        line->watcher->poisoned(line, reply, bytes_written(&row->payload));
    }
    journal_row_free(store, row);
}

/* Whether PostgreSQL objects to the rows themselves: another try would fail for ever. */
static bool journal_reply_is_about_data(const struct reply *reply) {
    static const char *const classes[] = { "22", "23", "54", "P0001", "XX" };
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++)
        if (strncmp(reply->sqlstate, classes[i], strlen(classes[i])) == 0)
            return true;
    return false;
}

static void journal_stall(struct store *store, const struct reply *reply) {
    struct journal *journal = &store->journal;
    unsigned doublings = journal->stalls < 6 ? journal->stalls : 6;
    uint64_t wait_ms = (uint64_t)STALL_MS_MIN << doublings;
    journal->retry_ms = store->now_ms + (wait_ms < STALL_MS_MAX ? wait_ms : STALL_MS_MAX);
    journal->stalls++;
    snprintf(journal->reason, sizeof journal->reason, "the journal waits: %.200s", reply->error);
}

static void journal_on_answer(void *context, const struct reply *reply) {
    struct journal_range *range = context;
    struct store *store = range->store;
    struct journal *journal = &store->journal;
    size_t from = range->from;
    size_t to = range->to;
    journal->sent--;
    if (reply->status == STATUS_OK) {
        mem_free(store->mem, range, sizeof *range);
        journal->stalls = 0;
        journal->reason[0] = 0;
        journal_on_durable(store, from, to);
        return;
    }
    if (journal_reply_is_about_data(reply) && to - from == 1) {
        mem_free(store->mem, range, sizeof *range);
        journal_on_poison(store, from, reply);
        return;
    }
    if (journal_reply_is_about_data(reply)) {
        size_t middle = from + (to - from) / 2;
        if (journal_add_range(store, middle, to))
            range->to = middle;
        else
            journal_stall(store, reply); /* the whole range again, when there is memory to halve it */
    } else if (reply->sqlstate[0] != 0) {
        journal_stall(store, reply);
    }
    /* without an SQLSTATE the connection was lost: sent again as soon as there is another */
    list_append(&journal->todo, &range->link);
}
