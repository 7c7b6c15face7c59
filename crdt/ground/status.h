/* status.h — how a function says that it failed, in every layer.
 *
 * A function that can fail returns `enum status`; zero is success; results leave through pointers. Foreign errors (libuv, libpq,
 * msgpack) are translated in the one file that owns the library. status_name() is the stable word for logs and for the wire;
 * status_sentence() says it to a person. */
#ifndef GROUND_STATUS_H
#define GROUND_STATUS_H

enum status {
    STATUS_OK = 0,
    STATUS_MORE,        /* not an error: the input ends inside a value, call again with more bytes */
    STATUS_MALFORMED,   /* bytes from outside break their format; the state is unchanged */
    STATUS_NO_MEMORY,   /* an allocation failed; the state is unchanged */
    STATUS_TOO_BIG,     /* a stated limit would be passed */
    STATUS_RANGE,       /* an index or a length lies outside the object it names */
    STATUS_NOT_FOUND,   /* nothing has that name or id */
    STATUS_EXISTS,      /* something has that name already */
    STATUS_DENIED,      /* known, but not allowed */
    STATUS_CONFLICT,    /* the object is not in the state that the call supposes */
    STATUS_UNAVAILABLE, /* a part that this needs is away for now; may be tried again */
    STATUS_OVERLOADED,  /* a bounded queue is full; may be tried again */
    STATUS_CLOSED,      /* the object was closed */
    STATUS_IO,          /* the operating system or a peer failed */
    STATUS_UNSUPPORTED, /* valid, but not offered here */
    STATUS_DAMAGED,     /* stored bytes fail their check; nothing was changed */
    STATUS_COUNT
};

/* The stable word of a status, e.g. "malformed"; "unknown" outside the enum. Never NULL. */
const char *status_name(enum status status);

/* One sentence for a person. Never NULL. */
const char *status_sentence(enum status status);

#endif
