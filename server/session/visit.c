/* visit.c — see visit.h. */
#include "session/visit.h"

#include "log.h"
#include "store/store.h"

enum {
    VISIT_ARENA_BYTES = 4096,
    VISIT_RETRIES = 256,     /* in one second: an outage may have kept thousands */
    VISIT_MISSED_MAX = 65536 /* kept at most; more are lost until they come again */
};

struct visit {
    struct server *server;
    struct list link; /* in server->visits or server->visits_missed */
    struct uuid session, user;
    bool begins;
};

static void visit_free(struct visit *visit) {
    list_remove(&visit->link);
    mem_free(&mem_default, visit, sizeof *visit);
}

/* Keeps it for visit_retry() if another try may work. */
static void visit_missed(struct visit *visit, enum status status, const char *error) {
    struct server *server = visit->server;
    bool again =
        status == STATUS_UNAVAILABLE || status == STATUS_CONFLICT || status == STATUS_OVERLOADED || status == STATUS_NO_MEMORY;
    again = again && server->visits_missed_count < VISIT_MISSED_MAX;
    log_warn((&(struct log_subject){ .session = &visit->session }), "participant.not_recorded", "status=%s again=%d error=\"%s\"",
             status_name(status), again, error);
    if (!again) {
        visit_free(visit);
        return;
    }
    list_remove(&visit->link);
    list_append(&server->visits_missed, &visit->link);
    server->visits_missed_count++;
}

static void visit_on_recorded(void *context, const struct reply *reply) {
    struct visit *visit = context;
    if (reply->status == STATUS_OK)
        visit_free(visit);
    else
        visit_missed(visit, reply->status, reply->error);
}

static void visit_record(struct visit *visit) {
    struct server *server = visit->server;
    struct arena arena;
    arena_init(&arena, &mem_default, VISIT_ARENA_BYTES);
    struct uuid activity = server_new_id(server);
    struct params *params = params_new(&arena);
    params_add_uuid(params, &visit->session);
    params_add_uuid(params, &visit->user);
    params_add_uuid(params, &activity);
    const char *statement = visit->begins ? "session_enter" : "session_leave";
    enum status status =
        params == NULL ? STATUS_NO_MEMORY : store_submit(server->store, NULL, statement, params, visit_on_recorded, visit);
    arena_finish(&arena);
    if (status != STATUS_OK)
        visit_missed(visit, status, "");
}

static void visit_create(struct session *session, const struct uuid *user, bool begins) {
    struct server *server = session->server;
    struct visit *visit = mem_zalloc(&mem_default, sizeof *visit);
    if (visit == NULL) {
        log_warn((&(struct log_subject){ .session = &session->id }), "participant.not_recorded", "status=%s",
                 status_name(STATUS_NO_MEMORY));
        return;
    }
    *visit = (struct visit){ .server = server, .session = session->id, .user = *user, .begins = begins };
    list_append(&server->visits, &visit->link);
    visit_record(visit);
}

void visit_begin(struct session *session, const struct uuid *user) {
    visit_create(session, user, true);
}

void visit_end(struct session *session, const struct uuid *user) {
    visit_create(session, user, false);
}

/* Who has come or gone since: that was recorded by itself, or is kept, too. */
static bool visit_is_true(const struct visit *visit) {
    const struct session *session = session_find(visit->server, &visit->session);
    bool is_here = session != NULL && attendance_of(&session->attendance, &visit->user) > 0;
    return is_here == visit->begins;
}

void visit_retry(struct server *server) {
    if (store_health(server->store).state != STORE_READY)
        return;
    for (unsigned i = 0; i < VISIT_RETRIES && !list_empty(&server->visits_missed); i++) {
        struct visit *visit = list_entry(server->visits_missed.next, struct visit, link);
        server->visits_missed_count--;
        if (!visit_is_true(visit)) {
            visit_free(visit);
            continue;
        }
        list_remove(&visit->link);
        list_append(&server->visits, &visit->link);
        visit_record(visit);
    }
}

void visit_forget_all(struct server *server) {
    list_each (link, &server->visits)
        visit_free(list_entry(link, struct visit, link));
    list_each (link, &server->visits_missed)
        visit_free(list_entry(link, struct visit, link));
}
