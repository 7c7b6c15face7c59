/* deflate_offer.c — see deflate_offer.h.
 *
 *   permessage-deflate; server_max_window_bits=10; client_max_window_bits, permessage-deflate
 *   ├──────────────────────── first choice ─────────────────────────────┤  ├─ what else would do
 *
 *   parameter                      value        what it asks of the server
 *   server_no_context_takeover     none         what it does anyway
 *   client_no_context_takeover     none         nothing; the answer demands it anyway
 *   server_max_window_bits         8 to 15      the window of what it sends; 8 cannot be had from zlib, and the offer is declined
 *   client_max_window_bits         8 to 15, or  nothing: every window is unpacked
 *                                  none
 *
 * An offer with another parameter, another value or a parameter twice is declined; the next one may do. */
#include "deflate_offer.h"

enum { OFFER_BITS_LEAST = 8, OFFER_BITS_MIN = 9, OFFER_BITS_MAX = 15 };

static const char *const offer_parameters[] = { "server_no_context_takeover", "client_no_context_takeover",
                                                "server_max_window_bits", "client_max_window_bits" };

enum { OFFER_SERVER_TAKEOVER, OFFER_CLIENT_TAKEOVER, OFFER_SERVER_BITS, OFFER_CLIENT_BITS, OFFER_PARAMETERS };

static void offer_skip_blanks(struct bytes_reader *reader) {
    while (bytes_left(reader) > 0 && (*reader->at == ' ' || *reader->at == '\t'))
        reader->at++;
}

/* Takes `mark` and the blanks around it. */
static bool offer_take(struct bytes_reader *reader, uint8_t mark) {
    offer_skip_blanks(reader);
    if (bytes_left(reader) == 0 || *reader->at != mark)
        return false;
    reader->at++;
    offer_skip_blanks(reader);
    return true;
}

static bool offer_is_token(uint8_t byte) {
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte != '\0' && strchr("!#$%&'*+-.^_`|~", byte) != NULL);
}

/* Empty: there is none. */
static struct bytes offer_token(struct bytes_reader *reader) {
    const uint8_t *start = reader->at;
    while (bytes_left(reader) > 0 && offer_is_token(*reader->at))
        reader->at++;
    return bytes_of(start, (size_t)(reader->at - start));
}

/* A token, bare or in quotes. Empty: there is none. */
static struct bytes offer_value(struct bytes_reader *reader) {
    if (bytes_left(reader) == 0 || *reader->at != '"')
        return offer_token(reader);
    reader->at++;
    struct bytes value = offer_token(reader);
    if (bytes_left(reader) == 0 || *reader->at != '"')
        return bytes_of(NULL, 0);
    reader->at++;
    return value;
}

/* 8 to 15, without a leading zero; 0: something else. */
static uint8_t offer_bits(struct bytes value) {
    unsigned bits = 0;
    if (value.size == 0 || value.size > 2 || value.data[0] == '0')
        return 0;
    for (size_t i = 0; i < value.size; i++) {
        if (value.data[i] < '0' || value.data[i] > '9')
            return 0;
        bits = bits * 10 + value.data[i] - '0';
    }
    return bits >= OFFER_BITS_LEAST && bits <= OFFER_BITS_MAX ? (uint8_t)bits : 0;
}

/* `value`  empty: none was given. False: the offer is to be declined. */
static bool offer_parameter(struct deflate_offer *offer, bool seen[OFFER_PARAMETERS], struct bytes name, struct bytes value) {
    size_t which = 0;
    while (which < OFFER_PARAMETERS && !bytes_equal_text(name, offer_parameters[which]))
        which++;
    if (which == OFFER_PARAMETERS || seen[which])
        return false;
    seen[which] = true;
    switch (which) {
    case OFFER_SERVER_BITS:
        offer->window_bits = offer_bits(value);
        offer->window_asked = true;
        return offer->window_bits >= OFFER_BITS_MIN;
    case OFFER_CLIENT_BITS:
        return value.size == 0 || offer_bits(value) != 0;
    default:
        return value.size == 0;
    }
}

/* One extension with its parameters. `out->window_bits` 0: it is not for us. */
static enum status offer_read(struct bytes_reader *reader, struct deflate_offer *out) {
    bool seen[OFFER_PARAMETERS] = { false };
    struct deflate_offer offer = { .window_bits = OFFER_BITS_MAX };
    struct bytes name = offer_token(reader);
    bool acceptable = bytes_equal_text(name, "permessage-deflate");
    if (name.size == 0)
        return STATUS_MALFORMED;
    while (offer_take(reader, ';')) {
        struct bytes parameter = offer_token(reader);
        struct bytes value = { NULL, 0 };
        if (parameter.size == 0)
            return STATUS_MALFORMED;
        if (offer_take(reader, '=')) {
            value = offer_value(reader);
            if (value.size == 0)
                return STATUS_MALFORMED;
        }
        acceptable = acceptable && offer_parameter(&offer, seen, parameter, value);
    }
    *out = acceptable ? offer : (struct deflate_offer){ 0 };
    return STATUS_OK;
}

enum status deflate_offer_find(const struct http_message *request, struct deflate_offer *out) {
    *out = (struct deflate_offer){ 0 };
    for (unsigned i = 0; i < request->headers_count; i++) {
        struct http_message one = { .headers = &request->headers[i], .headers_count = 1 };
        struct bytes header = http_message_header(&one, "sec-websocket-extensions");
        struct bytes_reader reader = bytes_reader(header);
        if (header.data == NULL)
            continue;
        offer_skip_blanks(&reader);
        do {
            struct deflate_offer offer;
            enum status status = offer_read(&reader, &offer);
            if (status != STATUS_OK)
                return status;
            if (out->window_bits == 0)
                *out = offer;
        } while (offer_take(&reader, ','));
        if (bytes_left(&reader) > 0)
            return STATUS_MALFORMED;
    }
    return STATUS_OK;
}
