/* registry.c — the table, expanded from features.def. */
#include "feature/registry.h"

#include "session/session.h"

#define FEATURE(name) extern const struct feature name##_feature;
#include "features/features.def"
#undef FEATURE

const struct feature *const registry_features[] = {
#define FEATURE(name) &name##_feature,
#include "features/features.def"
#undef FEATURE
    NULL
};

enum { REGISTRY_FEATURE_COUNT = sizeof registry_features / sizeof registry_features[0] - 1 };
_Static_assert((int)REGISTRY_FEATURE_COUNT <= (int)SESSION_FEATURES_MAX, "a session has room for the state of every feature");

const struct wire_method *registry_method(struct bytes name, enum status (**out_handle)(struct feature_call *call),
                                          size_t *out_index) {
    size_t index = 0;
    for (size_t i = 0; i < REGISTRY_FEATURE_COUNT; i++) {
        for (const struct wire_method *method = registry_features[i]->methods; method->name != NULL; method++, index++) {
            if (method->from != WIRE_FROM_CLIENT || !bytes_equal_text(name, method->name))
                continue;
            for (const struct feature_handler *handler = registry_features[i]->handlers; handler->method != NULL; handler++) {
                if (!bytes_equal_text(name, handler->method))
                    continue;
                *out_handle = handler->handle;
                *out_index = index;
                return method;
            }
        }
    }
    return NULL;
}

size_t registry_method_count(void) {
    size_t count = 0;
    for (size_t i = 0; i < REGISTRY_FEATURE_COUNT; i++)
        for (const struct wire_method *method = registry_features[i]->methods; method->name != NULL; method++)
            count++;
    return count;
}

static struct feature_session registry_view(struct session *session, size_t feature) {
    return (struct feature_session){ .id = session->id, .state = session->feature_state[feature], .session = session };
}

enum status registry_session_open(struct session *session) {
    for (size_t i = 0; i < REGISTRY_FEATURE_COUNT; i++) {
        const struct feature *feature = registry_features[i];
        if (feature->session_state_size > 0) {
            session->feature_state[i] = mem_zalloc(&mem_default, feature->session_state_size);
            if (session->feature_state[i] == NULL)
                return STATUS_NO_MEMORY;
        }
        struct feature_session view = registry_view(session, i);
        enum status status = feature->session_open == NULL ? STATUS_OK : feature->session_open(&view);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

void registry_session_close(struct session *session) {
    for (size_t i = 0; i < REGISTRY_FEATURE_COUNT; i++) {
        const struct feature *feature = registry_features[i];
        struct feature_session view = registry_view(session, i);
        if (feature->session_close != NULL && (view.state != NULL || feature->session_state_size == 0))
            feature->session_close(&view);
        mem_free(&mem_default, session->feature_state[i], feature->session_state_size);
        session->feature_state[i] = NULL;
    }
}

void registry_participant_joined(struct session *session, const struct connection *connection) {
    for (size_t i = 0; i < REGISTRY_FEATURE_COUNT; i++) {
        struct feature_session view = registry_view(session, i);
        if (registry_features[i]->participant_joined != NULL)
            registry_features[i]->participant_joined(&view, &connection->participant, connection->id);
    }
}

void registry_participant_left(struct session *session, const struct connection *connection) {
    for (size_t i = 0; i < REGISTRY_FEATURE_COUNT; i++) {
        struct feature_session view = registry_view(session, i);
        if (registry_features[i]->participant_left != NULL)
            registry_features[i]->participant_left(&view, &connection->participant, connection->id);
    }
}

void registry_session_tick(struct session *session, uint64_t now_ms) {
    for (size_t i = 0; i < REGISTRY_FEATURE_COUNT; i++) {
        struct feature_session view = registry_view(session, i);
        if (registry_features[i]->tick != NULL)
            registry_features[i]->tick(&view, now_ms);
    }
}
