/* presence_state.c — the one file of the server that reads JSON, with jansson. */
#include "features/presence/presence_state.h"

#include <jansson.h>

static bool presence_state_index(const json_t *value, int32_t *out) {
    if (!json_is_integer(value) || json_integer_value(value) < 0 || json_integer_value(value) > INT32_MAX)
        return false;
    *out = (int32_t)json_integer_value(value);
    return true;
}

struct presence_state presence_state_read(struct bytes json) {
    struct presence_state state = { 0 };
    if (json.size == 0)
        return state;
    json_t *root = json_loadb((const char *)json.data, json.size, JSON_ALLOW_NUL, NULL);
    const json_t *position = json_object_get(root, "position");
    int32_t anchor;
    int32_t head;
    if (presence_state_index(json_object_get(position, "head"), &head)) {
        state.has_position = true;
        state.head = head;
        state.anchor = presence_state_index(json_object_get(position, "anchor"), &anchor) ? anchor : head;
    }
    state.typing = json_is_true(json_object_get(root, "typing"));
    json_decref(root);
    return state;
}
