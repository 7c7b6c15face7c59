/* forwarded.c — see forwarded.h. */
#include "proxy/forwarded.h"

#include <stdio.h>
#include <strings.h>

enum forwarded_kind { FORWARDED_X_FOR, FORWARDED_X_PROTO, FORWARDED_STANDARD };

static const char *const forwarded_names[] = { "x-forwarded-for", "x-forwarded-proto", "forwarded" };

static struct bytes forwarded_trim(struct bytes text) {
    while (text.size > 0 && (text.data[0] == ' ' || text.data[0] == '\t'))
        text = bytes_of(text.data + 1, text.size - 1);
    while (text.size > 0 && (text.data[text.size - 1] == ' ' || text.data[text.size - 1] == '\t'))
        text.size--;
    return text;
}

/* Takes the last part of `text` behind a `separator` that is not quoted; false when nothing is left. */
static bool forwarded_last(struct bytes *text, char separator, struct bytes *out) {
    size_t begin = text->size;
    bool quoted = false;
    if (text->data == NULL)
        return false;
    while (begin > 0 && (quoted || text->data[begin - 1] != (uint8_t)separator)) {
        quoted ^= text->data[begin - 1] == '"';
        begin--;
    }
    *out = forwarded_trim(bytes_of(text->data + begin, text->size - begin));
    *text = begin > 0 ? bytes_of(text->data, begin - 1) : bytes_of(NULL, 0);
    return true;
}

/* The value of `name` in one element of Forwarded: for="[2001:db8::1]:80";proto=https */
static struct bytes forwarded_parameter(struct bytes element, const char *name) {
    struct bytes pair;
    size_t size = strlen(name);
    while (forwarded_last(&element, ';', &pair)) {
        if (pair.size <= size || pair.data[size] != '=' || strncasecmp((const char *)pair.data, name, size) != 0)
            continue;
        struct bytes value = bytes_of(pair.data + size + 1, pair.size - size - 1);
        if (value.size >= 2 && value.data[0] == '"' && value.data[value.size - 1] == '"')
            value = bytes_of(value.data + 1, value.size - 2);
        return value;
    }
    return bytes_of(NULL, 0);
}

/* All elements of all headers of one kind, the last one first. */
struct forwarded_walk {
    const struct http_message *request;
    enum forwarded_kind kind;
    unsigned headers_left;
    struct bytes rest;
};

static struct forwarded_walk forwarded_begin(const struct http_message *request, enum forwarded_kind kind) {
    return (struct forwarded_walk){ request, kind, request->headers_count, { 0 } };
}

static bool forwarded_next(struct forwarded_walk *walk, struct bytes *out) {
    while (!forwarded_last(&walk->rest, ',', out)) {
        if (walk->headers_left == 0)
            return false;
        const struct http_header *header = &walk->request->headers[--walk->headers_left];
        const char *name = forwarded_names[walk->kind];
        if (header->name.size == strlen(name) && strncasecmp((const char *)header->name.data, name, header->name.size) == 0)
            walk->rest = header->value;
    }
    return true;
}

/* Who is not trusted, seen from the end; the last one that could be read, if all are. False: there is no such header, or its end is
 * no address. */
static bool forwarded_client(const struct http_message *request, enum forwarded_kind kind, const char *trusted,
                             struct address *out) {
    struct forwarded_walk walk = forwarded_begin(request, kind);
    struct bytes element;
    bool found = false;
    while (forwarded_next(&walk, &element)) {
        struct address address;
        if (kind == FORWARDED_STANDARD)
            element = forwarded_parameter(element, "for");
        if (!address_parse(element, &address))
            break; /* "unknown", "_hidden", or nonsense: what is before it has no witness */
        *out = address;
        found = true;
        if (!ranges_hold(trusted, &address))
            break;
    }
    return found;
}

static bool forwarded_is_https(struct bytes word) {
    return word.size == 5 && strncasecmp((const char *)word.data, "https", 5) == 0;
}

/* What the nearest proxy says; the same rule for two kinds of headers. */
static bool forwarded_https(const struct http_message *request) {
    struct forwarded_walk plain = forwarded_begin(request, FORWARDED_X_PROTO),
                          standard = forwarded_begin(request, FORWARDED_STANDARD);
    struct bytes word = { 0 }, element = { 0 };
    bool has_plain = forwarded_next(&plain, &word), has_standard = forwarded_next(&standard, &element);
    bool says_plain = forwarded_is_https(word), says_standard = forwarded_is_https(forwarded_parameter(element, "proto"));
    return has_plain && has_standard ? says_plain && says_standard : says_plain || says_standard;
}

void forwarded_read(const struct http_message *request, const char *peer, const char *trusted, struct forwarded *out) {
    struct address address, plain, standard;
    *out = (struct forwarded){ 0 };
    snprintf(out->peer, sizeof out->peer, "%s", peer);
    if (!address_parse(bytes_text(peer), &address) || !ranges_hold(trusted, &address))
        return;
    out->https = forwarded_https(request);
    bool has_plain = forwarded_client(request, FORWARDED_X_FOR, trusted, &plain);
    bool has_standard = forwarded_client(request, FORWARDED_STANDARD, trusted, &standard);
    if ((!has_plain && !has_standard) || (has_plain && has_standard && memcmp(&plain, &standard, sizeof plain) != 0))
        return;
    address_write(has_plain ? &plain : &standard, 0, out->peer);
}
