/* registry.h — the features of this server, from features.def, and what a session tells them. */
#ifndef SERVER_REGISTRY_H
#define SERVER_REGISTRY_H

#include "feature/feature.h"

struct connection;

/* NULL ends the table. */
extern const struct feature *const registry_features[];

/* The row of a method that clients call and its handler; NULL if there is none. `out_index` is its place among all methods. */
const struct wire_method *registry_method(struct bytes name, enum status (**out_handle)(struct feature_call *call),
                                          size_t *out_index);

/* How many methods there are. */
size_t registry_method_count(void);

/* STATUS_NO_MEMORY, or what a feature answered; registry_session_close() must follow all the same. */
enum status registry_session_open(struct session *session);
void registry_session_close(struct session *session);
void registry_participant_joined(struct session *session, const struct connection *connection);
void registry_participant_left(struct session *session, const struct connection *connection);
void registry_session_tick(struct session *session, uint64_t now_ms);

#endif
