/* client_script_test.h — a scripted server for tests: the far end of a client's bytes, without sockets and without clock.
 *
 *   script_start       client and document made, dialed, upgraded, joined, document opened
 *   script_say         values of a writer travel to the client as one frame (or in pieces, script.piece bytes at a time)
 *   script_hear        reads what the client sent since; answers the next value
 *   script_events      everything that client_next told since the last look, as letters, e.g. "JRS"
 *
 * The far end decodes with the protocol library in its server role, so masking and framing are checked on the way. */
#ifndef CLIENT_SCRIPT_TEST_H
#define CLIENT_SCRIPT_TEST_H

#include "vibesync/client.h"
#include "wire/rpc.h"
#include "wire/sync.h"
#include "wire/upgrade.h"
#include "wire/ws.h"

#define SCRIPT_SESSION "01932c07-209c-7f3a-8c11-5d1b2a9e4c77"
#define SCRIPT_FILE    "01932c07-209c-7f3a-8c11-5d1b2a9e4c78"

enum { SCRIPT_DOC = 42, SCRIPT_EVENTS_MAX = 256 };

struct script {
    struct client *client;
    struct client_document *document;
    uint64_t now_ms;
    uint64_t random;
    size_t piece; /* bytes fed at a time; 0: all */
    struct ws_pool pool;
    struct ws_conn ws;
    bool ws_open;
    struct bytes_writer inbox; /* values heard and not yet read */
    size_t inbox_read;
    char events[SCRIPT_EVENTS_MAX];
    struct client_event last; /* of its kind: code, retry_at_ms, fault's code */
    uint16_t code;
    char reason[256];
    enum wire_code fault;
    uint64_t retry_at_ms;
    uint16_t heard_close; /* code of the client's close frame */
    struct wire_limits limits;
    uint64_t epoch;
};

/* Makes the client (and with `path` a document) and nothing else. `mem` NULL: mem_default. */
enum status script_create(struct script *script, const struct mem *mem, const char *path);
void script_finish(struct script *script);

/* Connects and answers the upgrade; only answers it. */
void script_dial(struct script *script);
void script_accept(struct script *script);
/* Hears session.join and grants it; only grants it. */
void script_join(struct script *script);
void script_grant(struct script *script, const struct wire_value *request);
/* Hears doc.open and answers with this state vector; then hears up to the client's own state vector. `updates`: appended to, maybe
 * NULL. Answers how many updates came. */
unsigned script_open(struct script *script, struct bytes state_vector, struct bytes_writer *update);
/* All of it, with an empty document. */
void script_start(struct script *script);

void script_feed(struct script *script, struct bytes bytes);
void script_say(struct script *script, struct bytes_writer *values);
void script_say_ack(struct script *script, uint64_t count);
void script_say_update(struct script *script, struct bytes update);
void script_close(struct script *script, uint16_t code, const char *reason);
/* The socket breaks. */
void script_break(struct script *script);

/* Takes everything that the client has to send. */
void script_listen(struct script *script);
/* STATUS_OK or STATUS_MORE. */
enum status script_hear(struct script *script, struct wire_value *out);
/* Hears one value of this kind or fails the test. */
struct wire_value script_expect(struct script *script, enum wire_kind kind);
struct wire_value script_expect_request(struct script *script, const char *method);

/* J joined, L lost, X stopped, R ready, C changed, S saved, H halted, A awareness, N notice, T token. Forgets them. */
const char *script_events(struct script *script);

/* Moves the clock and ticks. */
void script_wait(struct script *script, uint64_t ms);

/* The document's text, in a static buffer. */
const char *script_text(struct script *script);

#endif
