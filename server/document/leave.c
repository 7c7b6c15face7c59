/* leave.c — see leave.h. */
#include "document/leave.h"

#include "document/budget.h"
#include "document/persist.h"

enum status leave_begin(struct document *document, uint64_t limit_ms, void (*done)(void *context, bool saved), void *context) {
    if (document->leaving != NULL)
        return STATUS_CONFLICT;
    if (document->session->server->draining)
        return STATUS_CLOSED;
    document->leaving = done;
    document->leaving_context = context;
    document->leave_by_ms = server_now_ms(document->session->server) + limit_ms;
    document_tell_gone(document, WIRE_GONE_UNAVAILABLE, 0);
    list_each (link, &document->subscriptions)
        document_unsubscribe(list_entry(link, struct subscription, document_link));
    persist_checkpoint(document);
    return STATUS_OK;
}

void leave_tick(struct document *document, uint64_t now_ms) {
    if (document_is_idle(document) && persist_saved(document)) {
        leave_end(document, true);
        document_evict(document, "operator");
    } else if (now_ms >= document->leave_by_ms)
        leave_end(document, false);
    else
        persist_checkpoint(document);
}

void leave_drain(struct server *server) {
    list_each (link, &server->session_list)
        list_each (each, &list_entry(link, struct session, server_link)->documents)
            leave_end(list_entry(each, struct document, session_link), false);
}

void leave_end(struct document *document, bool saved) {
    void (*done)(void *context, bool saved) = document->leaving;
    document->leaving = NULL;
    if (done != NULL)
        done(document->leaving_context, saved);
}
