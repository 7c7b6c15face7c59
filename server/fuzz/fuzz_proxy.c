/* fuzz_proxy.c — any bytes as a PROXY header, as the headers of proxies, as lists of ranges and origins. The first byte chooses. A
 * header that is whole stays so whatever comes behind it, and before its last byte it is not; an address that was read is written
 * and read as the same; who is not trusted is himself. */
#include "proxy/forwarded.h"
#include "proxy/origin.h"
#include "proxy/proxy_header.h"

#include <stdlib.h>

#define REQUIRE(fact) ((fact) ? (void)0 : abort())

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_header(struct bytes in) {
    char peer[ADDRESS_TEXT_MAX], again[ADDRESS_TEXT_MAX];
    size_t size, more;
    struct address address;
    enum status status = proxy_header_read(in, &size, peer);
    if (status != STATUS_OK)
        return;
    REQUIRE(size > 0 && size <= in.size && size <= PROXY_HEADER_MAX);
    REQUIRE(peer[0] == '\0' || address_parse(bytes_text(peer), &address));
    REQUIRE(proxy_header_read(bytes_of(in.data, size), &more, again) == STATUS_OK && more == size && strcmp(peer, again) == 0);
    REQUIRE(proxy_header_read(bytes_of(in.data, size - 1), &more, again) == STATUS_MORE);
}

static void fuzz_forwarded(struct bytes in) {
    const uint8_t *newline = in.size > 0 ? memchr(in.data, '\n', in.size) : NULL;
    size_t first = newline != NULL ? (size_t)(newline - in.data) : in.size;
    struct http_header headers[] = {
        { bytes_text("X-Forwarded-For"), bytes_of(in.data, first) },
        { bytes_text("Forwarded"), bytes_of(in.data + first, in.size - first) },
        { bytes_text("X-Forwarded-Proto"), bytes_of(in.data, first) },
    };
    struct http_message request = { .headers = headers };
    struct forwarded from;
    struct address address;
    for (unsigned count = 0; count <= 3; count++) {
        request.headers_count = count;
        forwarded_read(&request, "10.0.0.1:80", "10.0.0.0/8,::/1", &from);
        REQUIRE(address_parse(bytes_text(from.peer), &address));
        forwarded_read(&request, "192.0.2.1:80", "10.0.0.0/8", &from);
        REQUIRE(strcmp(from.peer, "192.0.2.1:80") == 0 && !from.https);
    }
}

static void fuzz_lists(struct bytes in) {
    char *list = malloc(in.size + 1), written[ADDRESS_TEXT_MAX];
    struct address address, again;
    if (list == NULL)
        return;
    memcpy(list, in.data, in.size);
    list[in.size] = '\0';
    if (address_parse(in, &address)) {
        address_write(&address, 0, written);
        REQUIRE(address_parse(bytes_text(written), &again) && memcmp(&address, &again, sizeof address) == 0);
        REQUIRE(ranges_hold("::/0", &address));
    } else
        memset(&address, 0, sizeof address);
    if (!ranges_good(list))
        (void)ranges_hold(list, &address);
    if (origins_good(list))
        REQUIRE(origin_allowed(list, bytes_of(NULL, 0), in, true));
    (void)origin_allowed(list, in, in, false);
    free(list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static void (*const targets[])(struct bytes in) = { fuzz_header, fuzz_forwarded, fuzz_lists };
    if (size > 1)
        targets[data[0] % 3](bytes_of(data + 1, size - 1));
    return 0;
}
