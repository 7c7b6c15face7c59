/* method.h — the row type of a method table.
 *
 * A feature announces its methods in one table; right and rate are columns, checked once before any handler runs.
 *
 *     const struct wire_method chat_methods[] = {
 *         { "chat.send",    WIRE_FROM_CLIENT, RIGHT_CHAT, 5 },
 *         { "chat.posted",  WIRE_FROM_SERVER, RIGHT_READ, 0 },
 *         { 0 }
 *     };
 */
#ifndef WIRE_METHOD_H
#define WIRE_METHOD_H

#include <stdint.h>

enum wire_from { WIRE_FROM_CLIENT, WIRE_FROM_SERVER };

/* What a participant may do in a session; a bitset. */
enum wire_right {
    RIGHT_READ = 1 << 0,  /* see files, presence, chat */
    RIGHT_WRITE = 1 << 1, /* change document content */
    RIGHT_CHAT = 1 << 2,  /* say something */
    RIGHT_FILES = 1 << 3, /* create, rename, delete files */
    RIGHT_RUN = 1 << 4,   /* run code */
    RIGHT_AGENT = 1 << 5, /* ask agents, decide on suggestions */
    RIGHT_ADMIN = 1 << 6  /* change the session itself and its participants */
};

struct wire_method {
    const char *name;    /* "feature.verb"; NULL ends the table */
    enum wire_from from; /* who sends it: requests come from clients, notifications from the server */
    uint32_t right;      /* all of these bits are needed to call it, or to be told */
    unsigned per_second; /* calls per second and connection; 0: not limited (server) */
};

enum { WIRE_METHOD_BYTES_MAX = 64 };

#endif
