/* fault.h — how the protocol says no: error values, their codes, close codes.
 *
 * An error value is a map {code, message, retry, data}. `code` is a stable word, `message` a sentence for a person, `retry` tells a
 * client that does not know the code what to do, `data` is a map with what a program needs (always present, maybe empty):
 *
 *   offset     malformed        byte offset in the WebSocket message
 *   method     method_not_found
 *   field      invalid_params   the member of params that is wrong
 *   limit,max  limit            the limit's name as announced at join, and its value
 *   after_ms   rate, overloaded how long to wait
 *   epoch      epoch_mismatch   the epoch that the document has
 *
 * Close codes: 44xx are permanent until the application acts, 45xx transient, so a client stays right when codes are added. */
#ifndef WIRE_FAULT_H
#define WIRE_FAULT_H

#include "wire/pack.h"

enum wire_retry {
    WIRE_RETRY_NEVER,  /* "never": the same call fails again */
    WIRE_RETRY_LATER,  /* "later": the same call may work after a pause (data.after_ms if given, else back off) */
    WIRE_RETRY_JOIN,   /* "join": get a credential and join again */
    WIRE_RETRY_REOPEN, /* "reopen": open the document again, with a fresh replica or another client id */
    WIRE_RETRY_COUNT
};

/*  X(NAME, "word", retry, HTTP status, close code when it ends the connection (0: it never does), "sentence") */
#define WIRE_CODES(X)                                                                                            \
    X(MALFORMED, "malformed", NEVER, 400, 4400, "The bytes break the format.")                                   \
    X(METHOD_NOT_FOUND, "method_not_found", NEVER, 404, 0, "There is no such method.")                           \
    X(INVALID_PARAMS, "invalid_params", NEVER, 400, 0, "A parameter is missing or wrong.")                       \
    X(CREDENTIALS, "credentials", JOIN, 401, 4401, "The credential is missing, wrong or expired.")               \
    X(NOT_JOINED, "not_joined", JOIN, 401, 4401, "Join the session first.")                                      \
    X(PERMISSION_DENIED, "permission_denied", NEVER, 403, 4403, "Your role does not allow that.")                \
    X(NOT_FOUND, "not_found", NEVER, 404, 4404, "Nothing has that name.")                                        \
    X(EXISTS, "exists", NEVER, 409, 0, "That name is taken.")                                                    \
    X(CONFLICT, "conflict", NEVER, 409, 0, "The object is in another state than the call supposes.")             \
    X(LIMIT, "limit", NEVER, 413, 1009, "A limit is passed.")                                                    \
    X(RATE, "rate", LATER, 429, 4529, "Too many calls in a short time.")                                         \
    X(UNAVAILABLE, "unavailable", LATER, 503, 1013, "A part that this needs is away for now.")                   \
    X(OVERLOADED, "overloaded", LATER, 503, 4503, "The server has too much to do.")                              \
    X(EPOCH_MISMATCH, "epoch_mismatch", REOPEN, 409, 0, "The document has another history than your replica.")   \
    X(CLIENT_ID_TAKEN, "client_id_taken", REOPEN, 409, 0, "That CRDT client id belongs to somebody else.")       \
    X(REJECTED, "rejected", REOPEN, 409, 0, "An earlier update of yours was refused; open the document afresh.") \
    X(QUARANTINED, "quarantined", NEVER, 409, 0, "The document's stored bytes need an operator.")                \
    X(UNSUPPORTED, "unsupported", NEVER, 400, 4410, "This protocol version or option is not offered.")           \
    X(INTERNAL, "internal", LATER, 500, 1011, "The server failed.")

enum wire_code {
#define WIRE_CODE_ENUM(name, word, retry, http, close, sentence) WIRE_CODE_##name,
    WIRE_CODES(WIRE_CODE_ENUM)
#undef WIRE_CODE_ENUM
        WIRE_CODE_COUNT
};

/* Close codes beyond those in WIRE_CODES. */
enum wire_close {
    WIRE_CLOSE_NORMAL = 1000,
    WIRE_CLOSE_DRAIN = 1001,       /* the server goes away: reconnect at once */
    WIRE_CLOSE_PROTOCOL = 1002,    /* RFC 6455 was broken */
    WIRE_CLOSE_DATA = 1003,        /* a text message; only binary is taken */
    WIRE_CLOSE_TOO_BIG = 1009,     /* a message is longer than announced */
    WIRE_CLOSE_INTERNAL = 1011,    /* retry with backoff */
    WIRE_CLOSE_UNAVAILABLE = 1013, /* retry with backoff */
    WIRE_CLOSE_MALFORMED = 4400,
    WIRE_CLOSE_CREDENTIALS = 4401,
    WIRE_CLOSE_DENIED = 4403,
    WIRE_CLOSE_GONE = 4404,     /* the session does not exist (any more) */
    WIRE_CLOSE_REMOVED = 4405,  /* the participant was removed from the session */
    WIRE_CLOSE_CONFLICT = 4409, /* a door: the document cannot be what the client's replica is, or an operator must see to it */
    WIRE_CLOSE_LIMIT = 4413,    /* a door: a limit of the document is passed */
    WIRE_CLOSE_TOO_OLD = 4410,  /* the protocol version is not spoken (any more) */
    WIRE_CLOSE_OVERLOADED = 4503,
    WIRE_CLOSE_TOO_SLOW = 4508, /* reads slower than the session writes, or did not join in time */
    WIRE_CLOSE_RATE = 4529
};

/* The stable word, the default sentence, the hint, the HTTP status, the close code (0: none) of a code. Never NULL. */
const char *wire_code_word(enum wire_code code);
const char *wire_code_sentence(enum wire_code code);
enum wire_retry wire_code_retry(enum wire_code code);
int wire_code_http(enum wire_code code);
uint16_t wire_code_close(enum wire_code code);

/* The word of a hint: "never", "later", "join", "reopen". */
const char *wire_retry_word(enum wire_retry retry);

/* The code with this word; WIRE_CODE_COUNT when the word is unknown here. */
enum wire_code wire_code_of_word(struct bytes word);

/* The code that tells of a status that a handler returned. */
enum wire_code wire_code_of_status(enum status status);

/* Whether a client must not reconnect by itself after this close code (44xx). */
bool wire_close_permanent(uint16_t code);

/* An error on its way out, and, read, on its way in. Fixed size, so that saying no never allocates. */
enum { WIRE_FAULT_MESSAGE_MAX = 240, WIRE_FAULT_WORD_MAX = 64 };

struct wire_fault {
    enum wire_code code; /* WIRE_CODE_COUNT: read, and unknown here; `retry` still tells what to do */
    enum wire_retry retry;
    char message[WIRE_FAULT_MESSAGE_MAX + 1]; /* one sentence, UTF-8 */
    /* members of data; each written only when set */
    struct bytes method; /* data NULL: not set */
    const char *field;   /* NULL: not set; views and names must outlive the writing */
    const char *limit;   /* NULL: not set; goes with `max` */
    uint64_t max;
    bool has_offset, has_after_ms, has_epoch;
    uint64_t offset, after_ms, epoch;
};

/* A fault with its code's sentence and hint. */
struct wire_fault wire_fault(enum wire_code code);

/* The same with a message of its own, cut at WIRE_FAULT_MESSAGE_MAX bytes on a character boundary. */
__attribute__((format(printf, 2, 3))) struct wire_fault wire_fault_say(enum wire_code code, const char *format, ...);

/* invalid_params, with field and sentence of a failed pack_fields. */
struct wire_fault wire_fault_of_fields(const struct pack_fields *fields);

/* limit, naming it. */
struct wire_fault wire_fault_limit(const char *limit, uint64_t max);

/* Writes the error value. */
void wire_fault_write(struct bytes_writer *writer, const struct wire_fault *fault);

/* Reads an error value that pack_check accepted. Unknown words leave WIRE_CODE_COUNT and WIRE_RETRY_NEVER. `method` points into
 * `error`; `field` and `limit` are not filled (read them from data where a program needs them). */
enum status wire_fault_read(struct bytes error, struct wire_fault *out);

#endif
