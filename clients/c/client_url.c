/* client_url.c — the address of a server, maybe of a session in it, maybe with a secret behind '#'.
 *
 *     http://127.0.0.1:8440/v1/sessions/01932c07-209c-7f3a-8c11-5d1b2a9e4c77#token=vst_…
 *     scheme authority      session                                         fragment: stays here */
#include "vibesync/client.h"

#include <stdio.h>

#define SESSIONS_PATH "/v1/sessions/"

static bool take_prefix(struct bytes *text, const char *prefix) {
    size_t size = strlen(prefix);
    if (text->size < size || memcmp(text->data, prefix, size) != 0)
        return false;
    *text = bytes_of(text->data + size, text->size - size);
    return true;
}

/* Everything up to the first of `stops`; `text` keeps the rest, the stop included. */
static struct bytes take_until(struct bytes *text, const char *stops) {
    size_t size = 0;
    while (size < text->size && (text->data[size] == '\0' || !strchr(stops, text->data[size])))
        size++;
    struct bytes taken = bytes_of(text->data, size);
    *text = bytes_of(text->data + size, text->size - size);
    return taken;
}

static bool host_character(uint8_t c, bool bracketed) {
    bool name = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
    return name || (bracketed && (c == ':' || c == '%'));
}

static enum status parse_port(struct bytes text, uint16_t *out) {
    unsigned port = 0;
    if (text.size == 0 || text.size > 5)
        return STATUS_MALFORMED;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return STATUS_MALFORMED;
        port = port * 10 + (text.data[i] - '0');
    }
    if (port == 0 || port > UINT16_MAX)
        return STATUS_MALFORMED;
    *out = (uint16_t)port;
    return STATUS_OK;
}

static enum status parse_authority(struct bytes authority, struct client_url *out) {
    struct bytes rest = authority, host;
    bool bracketed = take_prefix(&rest, "[");
    if (bracketed) {
        host = take_until(&rest, "]");
        if (!take_prefix(&rest, "]"))
            return STATUS_MALFORMED;
    } else {
        host = take_until(&rest, ":");
    }
    if (host.size == 0 || host.size >= sizeof out->host)
        return STATUS_MALFORMED;
    for (size_t i = 0; i < host.size; i++)
        if (!host_character(host.data[i], bracketed))
            return STATUS_MALFORMED;
    memcpy(out->host, host.data, host.size);
    out->host[host.size] = '\0';
    out->port = out->secure ? 443 : 80;
    if (rest.size > 0) {
        enum status status = take_prefix(&rest, ":") ? parse_port(rest, &out->port) : STATUS_MALFORMED;
        if (status != STATUS_OK)
            return status;
    }
    snprintf(out->authority, sizeof out->authority, bracketed ? "[%.254s]:%u" : "%.255s:%u", out->host, (unsigned)out->port);
    return STATUS_OK;
}

/* A token or a code: no space, no control character, nothing that a header or JSON would have to escape. */
static bool secret_valid(struct bytes secret) {
    for (size_t i = 0; i < secret.size; i++)
        if (secret.data[i] <= ' ' || secret.data[i] >= 0x7f || secret.data[i] == '"' || secret.data[i] == '\\')
            return false;
    return secret.size > 0 && secret.size <= WIRE_CREDENTIAL_BYTES_MAX;
}

static enum status parse_fragment(struct bytes fragment, struct client_url *out) {
    while (fragment.size > 0) {
        struct bytes pair = take_until(&fragment, "&");
        take_prefix(&fragment, "&");
        struct bytes *target = take_prefix(&pair, "token=") ? &out->token : take_prefix(&pair, "code=") ? &out->code : NULL;
        if (!target)
            continue;
        if (!secret_valid(pair))
            return STATUS_MALFORMED;
        *target = pair;
    }
    return STATUS_OK;
}

static enum status parse_path(struct bytes path, struct client_url *out) {
    if (take_prefix(&path, SESSIONS_PATH)) {
        struct bytes session = take_until(&path, "/");
        if (!uuid_parse(session, &out->session))
            return STATUS_MALFORMED;
        take_prefix(&path, "/ws");
    }
    take_prefix(&path, "/");
    return path.size == 0 ? STATUS_OK : STATUS_MALFORMED;
}

enum status client_url_parse(struct bytes text, struct client_url *out) {
    *out = (struct client_url){ .session = uuid_nil };
    if (text.size > CLIENT_URL_BYTES_MAX + WIRE_CREDENTIAL_BYTES_MAX)
        return STATUS_TOO_BIG;
    out->secure = take_prefix(&text, "https://") || take_prefix(&text, "wss://");
    if (!out->secure && !take_prefix(&text, "http://") && !take_prefix(&text, "ws://"))
        return STATUS_MALFORMED;
    enum status status = parse_authority(take_until(&text, "/#?"), out);
    if (status == STATUS_OK)
        status = parse_path(take_until(&text, "#"), out);
    if (status == STATUS_OK && take_prefix(&text, "#"))
        status = parse_fragment(text, out);
    return status;
}
