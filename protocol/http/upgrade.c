/* upgrade.c — the opening handshake (RFC 6455, section 4). The only file that includes libcrypto.
 *
 *   accept = base64(SHA-1(key text + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
 *   dGhlIHNhbXBsZSBub25jZQ==  →  s3pPLMBiTxaQ9kYGzzhZRbK+xOo= */
#include "wire/upgrade.h"

#include "deflate_offer.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <strings.h>

enum { WS_GUID_SIZE = 36, WS_SHA1_BYTES = 20, WS_ENCODED_MAX = 32 };

static const uint8_t ws_guid[WS_GUID_SIZE] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; /* without a NUL */

/* False when libcrypto fails, which takes an allocation failure inside it. */
static bool ws_accept(struct bytes key, char out[WS_ACCEPT_TEXT_SIZE + 1]) {
    uint8_t joined[WS_KEY_TEXT_SIZE + WS_GUID_SIZE];
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned char encoded[WS_ENCODED_MAX];
    unsigned size = 0;
    assert(key.size == WS_KEY_TEXT_SIZE);
    memcpy(joined, key.data, WS_KEY_TEXT_SIZE);
    memcpy(joined + WS_KEY_TEXT_SIZE, ws_guid, WS_GUID_SIZE);
    if (EVP_Digest(joined, sizeof joined, digest, &size, EVP_sha1(), NULL) != 1 || size != WS_SHA1_BYTES)
        return false;
    int length = EVP_EncodeBlock(encoded, digest, WS_SHA1_BYTES);
    assert(length == WS_ACCEPT_TEXT_SIZE);
    memcpy(out, encoded, (size_t)length + 1);
    return true;
}

/* Base64 of exactly 16 bytes: 22 characters of the alphabet, the last with four zero bits, and "==". */
static bool ws_key_valid(struct bytes key) {
    if (key.size != WS_KEY_TEXT_SIZE || key.data[22] != '=' || key.data[23] != '=')
        return false;
    for (size_t i = 0; i < 22; i++) {
        uint8_t c = key.data[i];
        if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/'))
            return false;
    }
    uint8_t last = key.data[21];
    return last == 'A' || last == 'Q' || last == 'g' || last == 'w';
}

bool ws_upgrade_wanted(const struct http_message *request) {
    return http_value_has_token(http_message_header(request, "upgrade"), "websocket");
}

static enum status ws_refuse(struct http_fault *fault, unsigned status, const char *what) {
    *fault = (struct http_fault){ status, what };
    return STATUS_MALFORMED;
}

/* The offers of all Sec-WebSocket-Protocol headers. */
static bool ws_protocol_offered(const struct http_message *request, const char *protocol) {
    for (unsigned i = 0; i < request->headers_count; i++) {
        struct http_message one = { .headers = &request->headers[i], .headers_count = 1 };
        struct bytes offers = http_message_header(&one, "sec-websocket-protocol");
        if (offers.data != NULL && http_value_has_token(offers, protocol))
            return true;
    }
    return false;
}

struct bytes ws_upgrade_offered(const struct http_message *request, const char *prefix) {
    struct bytes want = bytes_text(prefix);
    for (unsigned i = 0; i < request->headers_count; i++) {
        struct http_message one = { .headers = &request->headers[i], .headers_count = 1 };
        struct bytes offers = http_message_header(&one, "sec-websocket-protocol");
        for (size_t at = 0; at < offers.size;) {
            size_t end = at;
            while (end < offers.size && offers.data[end] != ',' && offers.data[end] != ' ' && offers.data[end] != '\t')
                end++;
            if (end - at >= want.size && memcmp(offers.data + at, want.data, want.size) == 0)
                return bytes_of(offers.data + at + want.size, end - at - want.size);
            at = end + 1;
        }
    }
    return bytes_of(NULL, 0);
}

enum status ws_upgrade_check(const struct http_message *request, const char *const protocols[], struct ws_upgrade *out,
                             struct http_fault *fault) {
    struct bytes version = http_message_header(request, "sec-websocket-version");
    struct bytes key = http_message_header(request, "sec-websocket-key");
    struct deflate_offer offer;
    *out = (struct ws_upgrade){ 0 };
    if (!bytes_equal_text(request->method, "GET"))
        return ws_refuse(fault, 405, "a WebSocket begins with GET");
    if (http_message_header(request, "host").data == NULL)
        return ws_refuse(fault, 400, "the Host header is missing");
    if (!ws_upgrade_wanted(request))
        return ws_refuse(fault, 426, "the Upgrade header must say websocket");
    if (!http_value_has_token(http_message_header(request, "connection"), "upgrade"))
        return ws_refuse(fault, 400, "the Connection header must say Upgrade");
    if (!bytes_equal_text(version, "13"))
        return ws_refuse(fault, 426, "only version 13 of WebSocket is spoken");
    if (!ws_key_valid(key))
        return ws_refuse(fault, 400, "Sec-WebSocket-Key must be 16 bytes in base64");
    if (deflate_offer_find(request, &offer) != STATUS_OK)
        return ws_refuse(fault, 400, "Sec-WebSocket-Extensions must be a list of extensions");
    out->deflate_bits = offer.window_bits;
    out->deflate_bits_asked = offer.window_asked;
    for (size_t i = 0; protocols[i] != NULL && out->protocol == NULL; i++)
        if (ws_protocol_offered(request, protocols[i]))
            out->protocol = protocols[i];
    out->protocols_offered = http_message_header(request, "sec-websocket-protocol").data != NULL;
    return ws_accept(key, out->accept) ? STATUS_OK : ws_refuse(fault, 500, "SHA-1 is not to be had");
}

void ws_upgrade_accept(struct bytes_writer *out, const struct ws_upgrade *upgrade, const struct http_header *headers,
                       unsigned headers_count) {
    struct http_header all[5 + HTTP_HEADERS_MAX];
    unsigned count = 0;
    char deflate[128];
    assert(headers_count <= HTTP_HEADERS_MAX);
    all[count++] = (struct http_header){ bytes_text("Upgrade"), bytes_text("websocket") };
    all[count++] = (struct http_header){ bytes_text("Connection"), bytes_text("Upgrade") };
    all[count++] = (struct http_header){ bytes_text("Sec-WebSocket-Accept"), bytes_text(upgrade->accept) };
    if (upgrade->protocol != NULL)
        all[count++] = (struct http_header){ bytes_text("Sec-WebSocket-Protocol"), bytes_text(upgrade->protocol) };
    if (upgrade->deflate_bits != 0) {
        int size = snprintf(deflate, sizeof deflate, "permessage-deflate; server_no_context_takeover; client_no_context_takeover");
        if (upgrade->deflate_bits_asked)
            snprintf(deflate + size, sizeof deflate - (size_t)size, "; server_max_window_bits=%u", upgrade->deflate_bits);
        all[count++] = (struct http_header){ bytes_text("Sec-WebSocket-Extensions"), bytes_text(deflate) };
    }
    for (unsigned i = 0; i < headers_count; i++)
        all[count++] = headers[i];
    http_response_write(out, 101, NULL, all, count, bytes_of(NULL, 0), true);
}

/* ---- client ---- */

struct ws_upgrade_key ws_upgrade_key(const uint8_t random[WS_KEY_BYTES]) {
    struct ws_upgrade_key key;
    unsigned char encoded[WS_ENCODED_MAX];
    int length = EVP_EncodeBlock(encoded, random, WS_KEY_BYTES);
    assert(length == WS_KEY_TEXT_SIZE);
    memcpy(key.text, encoded, (size_t)length + 1);
    return key;
}

void ws_upgrade_request(struct bytes_writer *out, struct bytes host, struct bytes target, const struct ws_upgrade_key *key,
                        const char *protocol, const struct http_header *headers, unsigned headers_count) {
    struct http_header all[5 + HTTP_HEADERS_MAX];
    unsigned count = 0;
    assert(headers_count <= HTTP_HEADERS_MAX);
    all[count++] = (struct http_header){ bytes_text("Upgrade"), bytes_text("websocket") };
    all[count++] = (struct http_header){ bytes_text("Connection"), bytes_text("Upgrade") };
    all[count++] = (struct http_header){ bytes_text("Sec-WebSocket-Version"), bytes_text("13") };
    all[count++] = (struct http_header){ bytes_text("Sec-WebSocket-Key"), bytes_text(key->text) };
    if (protocol != NULL)
        all[count++] = (struct http_header){ bytes_text("Sec-WebSocket-Protocol"), bytes_text(protocol) };
    for (unsigned i = 0; i < headers_count; i++)
        all[count++] = headers[i];
    http_request_write(out, "GET", target, host, NULL, all, count, bytes_of(NULL, 0));
}

enum status ws_upgrade_confirm(const struct http_message *response, const struct ws_upgrade_key *key, const char *protocol,
                               struct http_fault *fault) {
    char accept[WS_ACCEPT_TEXT_SIZE + 1];
    struct bytes chosen = http_message_header(response, "sec-websocket-protocol");
    if (response->status != 101) {
        *fault = (struct http_fault){ response->status, "the server refused the WebSocket" };
        return STATUS_DENIED;
    }
    if (!ws_upgrade_wanted(response) || !http_value_has_token(http_message_header(response, "connection"), "upgrade"))
        return ws_refuse(fault, 101, "the answer does not upgrade to websocket");
    if (!ws_accept(bytes_of(key->text, WS_KEY_TEXT_SIZE), accept) ||
        !bytes_equal_text(http_message_header(response, "sec-websocket-accept"), accept))
        return ws_refuse(fault, 101, "Sec-WebSocket-Accept does not fit the key");
    if (http_message_header(response, "sec-websocket-extensions").size > 0)
        return ws_refuse(fault, 101, "the server uses an extension that was not offered");
    if (protocol == NULL ? chosen.data != NULL : !bytes_equal_text(chosen, protocol))
        return ws_refuse(fault, 101, "the server does not speak the offered subprotocol");
    return STATUS_OK;
}
