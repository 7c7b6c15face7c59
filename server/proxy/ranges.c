/* ranges.c — see ranges.h. A list is read where it is asked: it has a handful of items, and nothing has to be kept beside the
 * settings. */
#include "proxy/ranges.h"

#include "proxy/item.h"

#include <arpa/inet.h>
#include <stdio.h>

static const uint8_t address_mapped[12] = { [10] = 0xff, [11] = 0xff };

/* An address and nothing else. `out_v4`: it was written as IPv4. */
static bool address_parse_bare(struct bytes text, struct address *out, bool *out_v4) {
    char copy[INET6_ADDRSTRLEN];
    if (text.size == 0 || text.size >= sizeof copy || memchr(text.data, '\0', text.size) != NULL)
        return false;
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    *out_v4 = inet_pton(AF_INET, copy, out->bytes + 12) == 1;
    if (!*out_v4)
        return inet_pton(AF_INET6, copy, out->bytes) == 1;
    memcpy(out->bytes, address_mapped, sizeof address_mapped);
    return true;
}

static bool address_is_port(struct bytes text) {
    if (text.size < 2 || text.size > 6 || text.data[0] != ':')
        return false;
    for (size_t i = 1; i < text.size; i++)
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
    return true;
}

bool address_parse(struct bytes text, struct address *out) {
    bool v4;
    if (text.size > 0 && text.data[0] == '[') {
        const uint8_t *end = memchr(text.data, ']', text.size);
        if (end == NULL)
            return false;
        struct bytes rest = bytes_of(end + 1, text.size - (size_t)(end + 1 - text.data));
        return address_parse_bare(bytes_of(text.data + 1, (size_t)(end - text.data) - 1), out, &v4) && !v4 &&
               (rest.size == 0 || address_is_port(rest));
    }
    if (address_parse_bare(text, out, &v4))
        return true;
    const uint8_t *colon = text.size > 0 ? memchr(text.data, ':', text.size) : NULL;
    if (colon == NULL)
        return false;
    size_t size = (size_t)(colon - text.data);
    return address_is_port(bytes_of(colon, text.size - size)) && address_parse_bare(bytes_of(text.data, size), out, &v4) && v4;
}

void address_write(const struct address *address, unsigned port, char out[ADDRESS_TEXT_MAX]) {
    char host[INET6_ADDRSTRLEN] = "";
    bool v4 = memcmp(address->bytes, address_mapped, sizeof address_mapped) == 0;
    inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? address->bytes + 12 : address->bytes, host, sizeof host);
    int size = snprintf(out, ADDRESS_TEXT_MAX, v4 ? "%s" : "[%s]", host);
    if (port != 0)
        snprintf(out + size, ADDRESS_TEXT_MAX - (size_t)size, ":%u", port);
}

/* "10.0.0.0/8": the address, and how many of its 128 bits count. */
static bool ranges_parse(struct bytes text, struct address *out, unsigned *out_bits) {
    const uint8_t *slash = text.size > 0 ? memchr(text.data, '/', text.size) : NULL;
    size_t size = slash != NULL ? (size_t)(slash - text.data) : text.size;
    bool v4;
    if (!address_parse_bare(bytes_of(text.data, size), out, &v4))
        return false;
    unsigned most = v4 ? 32 : 128, bits = 0;
    if (slash == NULL)
        bits = most;
    else if (text.size == size + 1 || text.size > size + 4)
        return false;
    for (size_t i = size + 1; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        bits = bits * 10 + (unsigned)(text.data[i] - '0');
    }
    *out_bits = v4 ? bits + 96 : bits;
    return bits <= most;
}

bool ranges_good(const char *list) {
    struct bytes item;
    struct address address;
    unsigned bits;
    while (item_next(&list, &item))
        if (!ranges_parse(item, &address, &bits))
            return false;
    return true;
}

static bool ranges_match(const struct address *a, const struct address *b, unsigned bits) {
    if (memcmp(a->bytes, b->bytes, bits / 8) != 0)
        return false;
    unsigned rest = bits % 8;
    return rest == 0 || (a->bytes[bits / 8] ^ b->bytes[bits / 8]) >> (8 - rest) == 0;
}

bool ranges_hold(const char *list, const struct address *address) {
    struct bytes item;
    struct address range;
    unsigned bits;
    while (item_next(&list, &item))
        if (ranges_parse(item, &range, &bits) && ranges_match(&range, address, bits))
            return true;
    return false;
}
