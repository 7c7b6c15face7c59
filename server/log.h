/* log.h — one event, one line: `2026-11-22T10:11:12.345Z info document.opened session=… file=… bytes=123`
 *
 * The event's name is stable; keys follow. Never log document content, chat text or tokens. Lines are written whole to stderr, from
 * any thread. JSON lines when --log-format=json. */
#ifndef SERVER_LOG_H
#define SERVER_LOG_H

#include "ground/uuid.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

/* What a line is about; each pointer may be NULL. */
struct log_subject {
    const struct uuid *session;
    const struct uuid *file;
    uint64_t connection; /* 0: none */
    const char *request; /* its id, http/request_id.h */
    uint32_t call;       /* of that connection's calls, the msgid and 1; 0: none. "request=ID.msgid" */
};

/* Process-wide; from any thread. */
void log_configure(enum log_level least, bool json);

/* `format` makes "key=value key=value"; values with blanks are the caller's to quote. `subject` may be NULL. */
__attribute__((format(printf, 4, 5))) void log_event(enum log_level level, const struct log_subject *subject, const char *event,
                                                     const char *format, ...);

/* The level alone; from any thread. */
void log_set_level(enum log_level least);

#define log_debug(subject, event, ...) log_event(LOG_DEBUG, subject, event, __VA_ARGS__)
#define log_info(subject, event, ...)  log_event(LOG_INFO, subject, event, __VA_ARGS__)
#define log_warn(subject, event, ...)  log_event(LOG_WARN, subject, event, __VA_ARGS__)
#define log_error(subject, event, ...) log_event(LOG_ERROR, subject, event, __VA_ARGS__)

#endif
