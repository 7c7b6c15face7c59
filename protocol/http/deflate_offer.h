/* deflate_offer.h — the offers of permessage-deflate in an upgrade request (RFC 6455, section 9.1; RFC 7692, section 7.1). */
#ifndef HTTP_DEFLATE_OFFER_H
#define HTTP_DEFLATE_OFFER_H

#include "wire/http.h"

struct deflate_offer {
    uint8_t window_bits; /* for what the server sends, 9 to 15; 0: nothing acceptable was offered */
    bool window_asked;   /* the client asked for it, so the answer must state it */
};

/* Finds the first acceptable offer in all Sec-WebSocket-Extensions headers of a request.
 *
 * STATUS_OK         also when there is none
 * STATUS_MALFORMED  a header is not a list of extensions */
enum status deflate_offer_find(const struct http_message *request, struct deflate_offer *out);

#endif
