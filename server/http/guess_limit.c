/* guess_limit.c — see guess_limit.h. */
#include "http/guess_limit.h"

#include <arpa/inet.h>
#include <string.h>

/* FNV-1a of the address without its port; never 0. */
static uint64_t guess_limit_digest(const char *peer) {
    uint8_t bytes[64];
    size_t size = strcspn(peer, ":");
    if (peer[0] == '[') {
        char host[INET6_ADDRSTRLEN] = "";
        struct in6_addr address;
        size = strcspn(peer + 1, "]");
        if (size < sizeof host) {
            memcpy(host, peer + 1, size);
            host[size] = '\0';
        }
        if (inet_pton(AF_INET6, host, &address) != 1)
            memset(&address, 0, sizeof address);
        /* An IPv4 address in IPv6's clothes is told apart by its end. */
        size = IN6_IS_ADDR_V4MAPPED(&address) ? 16 : 8;
        memcpy(bytes, &address, size);
    } else {
        size = size < sizeof bytes ? size : sizeof bytes;
        memcpy(bytes, peer, size);
    }
    uint64_t digest = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < size; i++)
        digest = (digest ^ bytes[i]) * UINT64_C(0x100000001b3);
    return digest != 0 ? digest : 1;
}

static const struct guess_slot *guess_limit_find(const struct guess_limit *limit, uint64_t digest) {
    const struct guess_slot *bucket = &limit->slots[digest % (GUESS_SLOTS / GUESS_WAYS) * GUESS_WAYS];
    for (unsigned i = 0; i < GUESS_WAYS; i++)
        if (bucket[i].address == digest)
            return &bucket[i];
    return NULL;
}

uint64_t guess_limit_wait_ms(const struct guess_limit *limit, const char *peer, uint64_t now_ms) {
    const struct guess_slot *slot = guess_limit_find(limit, guess_limit_digest(peer));
    if (slot == NULL || slot->wrong < GUESS_WRONG_MAX || now_ms - slot->since_ms >= GUESS_WINDOW_MS)
        return 0;
    return GUESS_WINDOW_MS - (now_ms - slot->since_ms);
}

void guess_limit_note(struct guess_limit *limit, const char *peer, uint64_t now_ms) {
    uint64_t digest = guess_limit_digest(peer);
    struct guess_slot *bucket = &limit->slots[digest % (GUESS_SLOTS / GUESS_WAYS) * GUESS_WAYS];
    struct guess_slot *slot = &bucket[0];
    for (unsigned i = 0; i < GUESS_WAYS; i++) {
        if (bucket[i].address == digest) {
            slot = &bucket[i];
            break;
        }
        if (bucket[i].since_ms < slot->since_ms)
            slot = &bucket[i];
    }
    if (slot->address != digest || now_ms - slot->since_ms >= GUESS_WINDOW_MS)
        *slot = (struct guess_slot){ .address = digest, .since_ms = now_ms };
    slot->wrong++;
}
