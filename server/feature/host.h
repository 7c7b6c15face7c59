/* host.h — what a feature may do: answer, tell the others, store, and little more. */
#ifndef SERVER_HOST_H
#define SERVER_HOST_H

#include "feature/feature.h"
#include "store/params.h"
#include "store/row.h"

typedef void (*host_write)(struct bytes_writer *out, const void *message);
typedef void (*host_on_stored)(struct feature_call *call, const struct reply *reply);

/* Answers the call with what `write` makes of `result`; NULL: an empty map. Once per call. */
void host_respond(struct feature_call *call, host_write write, const void *result);

/* Answers the call with an error. */
void host_fail(struct feature_call *call, const struct wire_fault *fault);

/* A page of a list: the statement is asked for one row more than the page holds, which says whether there is another. */
struct host_page {
    struct bytes_writer rows; /* an array of what `write_row` made of each */
    uint32_t count;
    bool more;
};

typedef void (*host_write_row)(struct bytes_writer *out, const struct row *row);

/* The first `limit` rows of the reply. Always to be followed by host_respond_page, which frees it. */
struct host_page host_page_of(const struct reply *reply, uint64_t limit, host_write_row write_row);
/* Answers with what `write` makes of `result`, which may point into the page; with an error if the rows could not be written. */
void host_respond_page(struct feature_call *call, struct host_page *page, host_write write, const void *result);

/* Answers STATUS_MALFORMED after noting which field is wrong, STATUS_OK if none is. */
enum status host_check(struct feature_call *call, const struct pack_fields *fields);

/* Runs a named statement; `on_stored` is called with its reply if that succeeded. A failure answers the call by itself (unless the
 * statement's `constraint` is one that the feature translates: host_translate). STATUS as store_submit. */
enum status host_store(struct feature_call *call, const char *statement, const struct params *params, host_on_stored on_stored);

/* The same, but two failures come to `on_stored` as well. STATUS_EXISTS: what should be stored was there already.
 * STATUS_UNAVAILABLE: the answer was lost, so whether it is stored is not known. */
enum status host_store_once(struct feature_call *call, const char *statement, const struct params *params,
                            host_on_stored on_stored);

/* Runs a statement of the session itself, without a call; failures are logged. `params` may come from any arena. */
enum status host_store_quietly(struct feature_session *session, const char *statement, const struct params *params);

/* Sends a notification to every participant of the call's session, the caller included. */
void host_broadcast(struct feature_call *call, const char *method, host_write write, const void *message);

/* A new version 7 id. */
struct uuid host_new_id(const struct feature_call *call);

/* A new token's text, NUL-terminated, and its hash, both in the call's arena; NULL: no memory. */
char *host_new_token(struct feature_call *call, struct bytes *out_hash);

/* Ends the connections that came into the session with a door token, of one user, or of all (NULL). */
void host_end_door_tokens(struct feature_call *call, const struct uuid *user);

/* The file was deleted: its open document ends for everyone. */
void host_file_gone(struct feature_call *call, const struct uuid *file);

/* A participant with a document open. */
struct host_presence {
    struct uuid user;
    struct uuid connection; /* of this boot; never used again */
    struct uuid file;
    struct bytes state; /* awareness, JSON as the client made it; size 0: none */
};

/* Visits every open document of every connection. */
void host_each_presence(struct feature_session *session, void (*visit)(void *context, const struct host_presence *presence),
                        void *context);

/* How many files a session may have. */
uint64_t host_files_max(const struct feature_call *call);
/* The whole answer: the session has as many. */
void host_fail_files_max(struct feature_call *call);

/* The interval at which presence is written, ms. */
uint64_t host_presence_interval_ms(const struct feature_session *session);

#endif
