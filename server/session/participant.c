/* participant.c — roles to rights, one row each. */
#include "session/participant.h"

#include "wire/method.h"

#include <string.h>

static const struct {
    const char *role;
    uint32_t rights;
} participant_roles[] = {
    { "owner", RIGHT_READ | RIGHT_WRITE | RIGHT_CHAT | RIGHT_FILES | RIGHT_RUN | RIGHT_AGENT | RIGHT_ADMIN },
    { "collaborator", RIGHT_READ | RIGHT_WRITE | RIGHT_CHAT | RIGHT_FILES | RIGHT_RUN | RIGHT_AGENT },
    { "participant", RIGHT_READ | RIGHT_WRITE | RIGHT_CHAT | RIGHT_FILES | RIGHT_RUN | RIGHT_AGENT },
    { "viewer", RIGHT_READ | RIGHT_CHAT },
};

uint32_t participant_rights(const char *role, const char *kind) {
    if (strcmp(kind, "runner") == 0)
        return RIGHT_READ;
    for (size_t i = 0; i < sizeof participant_roles / sizeof participant_roles[0]; i++)
        if (strcmp(participant_roles[i].role, role) == 0)
            return participant_roles[i].rights;
    return 0;
}
