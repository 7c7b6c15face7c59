/* documents.h — a document in PostgreSQL: journal, load, checkpoint.
 *
 * What is on disk of a document at any moment is its checkpoint plus the journal rows that no checkpoint has merged. The store
 * handles updates and states as bytes; merging is the caller's (CRDT updates commute and repeat without harm, and everything here
 * relies on it). */
#ifndef STORE_DOCUMENTS_H
#define STORE_DOCUMENTS_H

#include "store/store.h"

/* ---- one journal row's payload: `crdt_journal.updates` ----
 *
 *   offset  bytes  what
 *   0       1      version, 01
 *   1       8      XXH3-64 of everything from offset 9 on, big-endian
 *   9       …      entries, each:
 *                    16      author (user id; zero: none)
 *                    1       flags: 01 the sender relayed structs of others, 02 it came through a compatibility door
 *                    varint  Unix ms at which the server took it
 *                    varint  origin: the server's number of the connection; 0: none
 *                    varint  byte count, then that many bytes: the update (Yjs update v1)
 *
 * Example, one entry of user 00…07 at 1000 ms, connection 3, update `00 00`:
 *   01  <8 bytes>  00000000000000000000000000000007  00  e807  03  02 0000 */

enum { JOURNAL_ROW_VERSION = 1, JOURNAL_ROW_HEADER = 9, JOURNAL_ENTRY_OVERHEAD_MAX = 16 + 1 + 8 + 8 + 8 };
enum { JOURNAL_RELAYED = 1, JOURNAL_DOOR = 2 };

/* A document's row is sealed at this size: one bytea that PostgreSQL and both ends hold without strain. An update of its own may be
 * as large as this less the overheads. */
enum { JOURNAL_ROW_BYTES_MAX = 64 << 20 };

struct journal_entry {
    struct uuid author;
    uint8_t flags;
    uint64_t at_ms;  /* Unix ms, < 2^53 */
    uint64_t origin; /* < 2^53 */
    struct bytes update;
};

/* Appends an entry to a row in the making; an empty writer is given the header first. Failure sticks in the writer. */
void journal_row_write(struct bytes_writer *writer, const struct journal_entry *entry);

/* Sets the check sum; the row is finished. */
void journal_row_seal(struct bytes_writer *writer);

struct journal_row_reader {
    /* private */
    struct bytes_reader reader;
};

/* Checks the whole payload: version, check sum, every entry. STATUS_DAMAGED otherwise. */
enum status journal_row_open(struct bytes payload, struct journal_row_reader *out);

/* The next entry, pointing into the payload; false at the end. */
bool journal_row_next(struct journal_row_reader *reader, struct journal_entry *out);

/* ---- the journal: group commit ----
 *
 *   append ─▶ the line's row in the open group ──▶ (last group committed) ──▶ INSERT … ──▶ durable(line, group)
 *
 * Everything appended while a group is being committed goes out together in the next. A group has a number, from 1, rising;
 * journal_append() tells in which group the update goes; durable(line, g) says that everything of this line up to and including
 * group g is committed in PostgreSQL. At most two groups of a line are unfinished at any time: one on the way, one open. So whoever
 * waits for acknowledgement needs at most two (group, n) pairs.
 *
 * A lost connection, a full disk or a stopped server only delays: the same rows are sent until the outcome is known (their key
 * makes repeating harmless). If PostgreSQL refuses the *data* of a group, it is halved until the culprit row stands alone; the
 * others commit; poisoned(line) is called, the line takes nothing more and the file should be quarantined. */

struct journal_line;

struct journal_watcher {
    void (*durable)(struct journal_line *line, uint64_t group);
    /* `row` is the refused payload, valid during the call; the line may be finished inside it. */
    void (*poisoned)(struct journal_line *line, const struct reply *reply, struct bytes row);
};

/* One per open document, embedded in it. */
struct journal_line {
    struct uuid session_id;
    struct uuid file_id;
    int64_t epoch;
    const struct journal_watcher *watcher;
    /* private */
    struct store *store;
    struct journal_row *open;   /* in the open group; NULL: nothing appended since the last group left */
    struct journal_row *on_way; /* in the group being committed; NULL: none */
    uint64_t group_last;        /* of the newest append; 0: never */
    uint64_t group_durable;
    uint64_t bytes_total; /* ever committed by this line */
    bool poisoned;
};

void journal_line_init(struct journal_line *line, struct store *store, const struct uuid *session_id, const struct uuid *file_id,
                       int64_t epoch, const struct journal_watcher *watcher);

/* No callback any more; rows not yet durable are still written. NULL and zeroed are fine. */
void journal_line_finish(struct journal_line *line);

/* Adds one update of the line's document to the open group; copies the bytes. Never waits; goes out with store_flush().
 *
 * `out_group`  may be NULL
 *
 * STATUS_OVERLOADED  the store's dirty_bytes_max or the row's maximum would be passed; nothing was taken
 * STATUS_TOO_BIG     the update alone is larger than a row may be
 * STATUS_CLOSED      the line is poisoned
 * STATUS_NO_MEMORY   nothing was taken */
enum status journal_append(struct journal_line *line, const struct journal_entry *entry, uint64_t *out_group);

/* The group of the newest append (0: none yet): an update that brought nothing new is acknowledged when this one is durable. */
static inline uint64_t journal_line_last(const struct journal_line *line) {
    return line->group_last;
}

/* Everything up to this group is durable. */
static inline uint64_t journal_line_durable(const struct journal_line *line) {
    return line->group_durable;
}

static inline bool journal_line_clean(const struct journal_line *line) {
    return line->open == NULL && line->on_way == NULL;
}

/* Bytes of this line appended and not yet durable. */
uint64_t journal_line_dirty_bytes(const struct journal_line *line);

/* Payload bytes that this line has committed since it was made: to judge when a checkpoint is due. */
static inline uint64_t journal_line_bytes_total(const struct journal_line *line) {
    return line->bytes_total;
}

/* ---- load ---- */

enum { CRDT_FORMAT_YJS_V1 = 1 };

struct loaded_document {
    struct uuid session_id;
    int64_t epoch;
    int64_t version;    /* of the checkpoint, 0: none was ever written. Give it to the first checkpoint_job */
    int format;         /* CRDT_FORMAT_…, of `state`; 0: no checkpoint */
    struct bytes state; /* of the checkpoint; empty: none */
    struct bytes state_vector;
    struct bytes root_name; /* e.g. "text" */
    struct bytes path;      /* files.file_path */
    bool is_binary;         /* no document: its content is a blob */
    unsigned row_count;     /* journal rows that the checkpoint has not merged */
    uint64_t journal_bytes; /* their payloads together */
    /* private */
    const struct reply *reply;
    unsigned row_next;
    struct journal_row_reader row;
    bool row_open;
};

/* The next update of the journal tail, rows of one writer in their order; false at the end. */
bool loaded_document_next(struct loaded_document *loaded, struct journal_entry *out);

/* STATUS_OK           `loaded` is valid during the call
 * STATUS_NOT_FOUND    no such file, or it is deleted
 * STATUS_DAMAGED      check sums fail, the checkpoint is missing, or the file is quarantined: `reason` says which. Never serve this
 *                     file as blank: quarantine it (statement file_quarantine)
 * STATUS_UNAVAILABLE, STATUS_IO  try again later */
typedef void (*store_loaded)(void *context, enum status status, const char *reason, struct loaded_document *loaded);

struct store_load {
    /* private */
    struct store_request request;
    struct store *store;
    store_loaded loaded;
    void *context;
    struct uuid file_id;
};

/* Reads checkpoint and journal of a file in one snapshot, checked. `load` is the owner's, zeroed before, and stays put until the
 * callback or store_load_cancel(). Errors as store_submit(): then the callback is not called. Also STATUS_UNAVAILABLE while rows of
 * that file from an earlier, finished line are on their way: what they hold is in no snapshot yet. */
enum status store_load(struct store *store, struct store_load *load, const struct uuid *file_id, store_loaded loaded,
                       void *context);
void store_load_cancel(struct store_load *load);

/* ---- checkpoint ----
 *
 *   store_checkpoint ─▶ read: version, foreign state if newer, journal rows (one snapshot)
 *        ▲                     │ merge_state, merge_update … : what other writers wrote
 *        │ another writer      ▼
 *        │ was faster        encode ─▶ checkpoint_encoded() (now or later, e.g. from a thread pool's answer)
 *        │                     │
 *        └───────────── write: one statement, all or nothing:
 *                              lock the file's row, only if its checkpoint is still the one that was read;
 *                              checkpoint, files row, file_versions row if the text changed,
 *                              exactly the rows that were read move from crdt_journal to crdt_history
 *                              ▼
 *                            done
 *
 * No lock is held while the caller thinks. Rows that commit between read and write stay in the journal for the next time. Rows of
 * this store's own writer are known to be in memory: the caller appends what it has applied. At most one job per document at a
 * time. */

struct checkpoint_job;

struct checkpoint_content {
    int format; /* CRDT_FORMAT_… */
    struct bytes state;
    struct bytes state_vector;
    bool has_text;          /* false: the document has no text root; it gets no content and no version */
    struct bytes text;      /* UTF-8, any code points: what `text` cannot hold is kept as bytes with a flag */
    struct bytes root_name; /* data NULL: leave files.root_name */
    struct uuid author;     /* last author, for the version; nil: none */
};

struct checkpoint_outcome {
    enum status status;     /* STATUS_OK; or why nothing was changed, see store_checkpoint() */
    const char *reason;     /* one line, "" on success */
    int64_t epoch;          /* with STATUS_CONFLICT: the file's, if it is another than the job's; else 0 */
    int64_t version;        /* of the checkpoint now in the database and in memory: for the next job */
    int32_t version_number; /* of the file_versions row that was written; 0: the text had not changed */
    unsigned rows_merged;   /* journal rows that moved to history */
    uint64_t bytes_merged;  /* their payloads */
};

struct checkpoint_handlers {
    /* Another writer's checkpoint, and other writers' updates: apply them. A status other than STATUS_OK ends the job with it. */
    enum status (*merge_state)(struct checkpoint_job *job, int format, struct bytes state);
    enum status (*merge_update)(struct checkpoint_job *job, const struct journal_entry *entry);
    /* Answer with checkpoint_encoded() or checkpoint_abandon(), inside the call or later. May come again when another writer was
     * faster. */
    void (*encode)(struct checkpoint_job *job);
    /* The job is over and may be freed. Called exactly once, unless the job was cancelled. */
    void (*done)(struct checkpoint_job *job, const struct checkpoint_outcome *outcome);
};

struct checkpoint_job {
    struct uuid file_id;
    int64_t epoch;
    int64_t version; /* of the checkpoint that memory holds: from loaded_document or from the last outcome */
    bool read_only;  /* only the merges: ends before `encode`, writes nothing */
    bool whole;      /* `encode` will make the new state from what was read, not from memory: checkpoint_take_sources() */
    const struct checkpoint_handlers *handlers;
    void *context;
    struct bytes stored_root; /* during merge_state: files.root_name, which the state's text is of */
    /* private */
    struct store *store;
    struct store_request request;
    struct checkpoint_rows *rows;
    unsigned attempts;
    int state;
};

/* Begins a job; the public members are set, the rest is zero.
 *
 * Errors here as store_submit(), and then `done` is not called. Outcomes in `done`:
 * STATUS_OK
 * STATUS_NOT_FOUND    the file is gone
 * STATUS_CONFLICT     the file has another epoch now, or other writers were faster several times in a row
 * STATUS_DAMAGED      quarantined, or stored bytes fail their check
 * STATUS_UNAVAILABLE  not connected, or lost on the way: then the outcome is unknown, and the next job finds out (another writer's
 * checkpoint may be this one: merging it again is harmless) */
enum status store_checkpoint(struct store *store, struct checkpoint_job *job);

/* Answers `encode`. Copies what `content` points to. If nothing can be sent, `done` is called before this returns. */
void checkpoint_encoded(struct checkpoint_job *job, const struct checkpoint_content *content);

/* The same in two halves, for a job that is `whole` and a thread that may take its time:
 *
 *   loop    checkpoint_take_sources   the state that was read (empty: none) and the journal payloads to be trimmed, each behind its
 *                                     size (desk.h: history_next); the caller's from now on
 *   thread  checkpoint_prepare        check sums, and the rows compressed; touches nothing else
 *   loop    checkpoint_encoded_as     as checkpoint_encoded(); `prepared` stays the caller's */
enum { CHECKPOINT_BYTES_MAX = 1 << 30 }; /* what one bytea and its parameter hold */
struct checkpoint_prepared {
    uint8_t digest[16];
    char hash[33];               /* of the text */
    struct bytes_writer history; /* empty: no rows */
};
void checkpoint_take_sources(struct checkpoint_job *job, struct bytes_writer *out_state, struct bytes_writer *out_rows);
enum status checkpoint_prepare(const struct checkpoint_content *content, struct bytes rows, struct checkpoint_prepared *out);
void checkpoint_encoded_as(struct checkpoint_job *job, const struct checkpoint_content *content,
                           const struct checkpoint_prepared *prepared);
void checkpoint_prepared_finish(struct checkpoint_prepared *prepared);

/* Answers `encode`: it could not be done. `done` is called with `status`. */
void checkpoint_abandon(struct checkpoint_job *job, enum status status);
/* No callback any more; what was sent may still take effect. Harmless when the job is over. Not from inside a merge callback. */
void checkpoint_cancel(struct checkpoint_job *job);

/* XXH3-128 in lower-case hex, as in files.content_hash. */
enum { CONTENT_HASH_SIZE = 32 };
void content_hash(struct bytes content, char out[CONTENT_HASH_SIZE + 1]);

#endif
