/* proxy_header.c — see proxy_header.h. */
#include "proxy/proxy_header.h"

#include <stdlib.h>

enum { PROXY_LINE_MAX = 107, PROXY_V2_FIXED = 16, PROXY_LOCAL = 0x20, PROXY_PROXY = 0x21, PROXY_TCP4 = 0x11, PROXY_TCP6 = 0x21 };

static const char proxy_line_begin[] = "PROXY ";
static const uint8_t proxy_signature[12] = { 0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a };

/* Whether `in` begins with `size` bytes, or is the beginning of them (STATUS_MORE). */
static enum status proxy_begins(struct bytes in, const void *with, size_t size) {
    size_t shorter = in.size < size ? in.size : size;
    if (shorter > 0 && memcmp(in.data, with, shorter) != 0)
        return STATUS_NOT_FOUND;
    return shorter == size ? STATUS_OK : STATUS_MORE;
}

static bool proxy_word(struct bytes *line, struct bytes *out) {
    if (line->size == 0)
        return false;
    const uint8_t *blank = memchr(line->data, ' ', line->size);
    size_t size = blank != NULL ? (size_t)(blank - line->data) : line->size;
    *out = bytes_of(line->data, size);
    *line = bytes_of(line->data + size + (blank != NULL), line->size - size - (blank != NULL));
    return size > 0;
}

static bool proxy_port(struct bytes word, unsigned *out) {
    *out = 0;
    for (size_t i = 0; i < word.size; i++) {
        if (word.data[i] < '0' || word.data[i] > '9')
            return false;
        *out = *out * 10 + (unsigned)(word.data[i] - '0');
    }
    return word.size > 0 && word.size <= 5 && *out <= 65535;
}

/* An address of the family that the line names, with nothing around it. */
static bool proxy_address(struct bytes word, bool v4, struct address *out) {
    return word.size > 0 && word.data[0] != '[' &&
           (memchr(word.data, '.', word.size) != NULL && memchr(word.data, ':', word.size) == NULL) == v4 &&
           address_parse(word, out);
}

static enum status proxy_read_line(struct bytes in, size_t *out_size, char out_peer[ADDRESS_TEXT_MAX]) {
    struct bytes family, from, to, from_port, to_port;
    struct address client, server;
    unsigned client_port, server_port;
    size_t looked = in.size < PROXY_LINE_MAX ? in.size : PROXY_LINE_MAX;
    const uint8_t *end = memchr(in.data, '\n', looked);
    if (end == NULL)
        return in.size < PROXY_LINE_MAX ? STATUS_MORE : STATUS_MALFORMED;
    *out_size = (size_t)(end + 1 - in.data);
    if (end[-1] != '\r')
        return STATUS_MALFORMED;
    size_t begin = sizeof proxy_line_begin - 1;
    if (*out_size < begin + 2)
        return STATUS_MALFORMED;
    struct bytes line = bytes_of(in.data + begin, *out_size - begin - 2);
    if (!proxy_word(&line, &family))
        return STATUS_MALFORMED;
    if (bytes_equal_text(family, "UNKNOWN"))
        return STATUS_OK;
    bool v4 = bytes_equal_text(family, "TCP4");
    if ((!v4 && !bytes_equal_text(family, "TCP6")) || !proxy_word(&line, &from) || !proxy_word(&line, &to) ||
        !proxy_word(&line, &from_port) || !proxy_word(&line, &to_port) || line.size > 0)
        return STATUS_MALFORMED;
    if (!proxy_address(from, v4, &client) || !proxy_address(to, v4, &server) || !proxy_port(from_port, &client_port) ||
        !proxy_port(to_port, &server_port))
        return STATUS_MALFORMED;
    address_write(&client, client_port, out_peer);
    return STATUS_OK;
}

static enum status proxy_read_binary(struct bytes in, size_t *out_size, char out_peer[ADDRESS_TEXT_MAX]) {
    struct address client = { { [10] = 0xff, [11] = 0xff } };
    if (in.size < PROXY_V2_FIXED)
        return STATUS_MORE;
    uint8_t command = in.data[12], family = in.data[13];
    size_t size = (size_t)in.data[14] << 8 | in.data[15];
    if ((command != PROXY_LOCAL && command != PROXY_PROXY) || PROXY_V2_FIXED + size > PROXY_HEADER_MAX)
        return STATUS_MALFORMED;
    *out_size = PROXY_V2_FIXED + size;
    if (in.size < *out_size)
        return STATUS_MORE;
    const uint8_t *body = in.data + PROXY_V2_FIXED;
    size_t needed = family == PROXY_TCP4 ? 12 : 36;
    if (command == PROXY_LOCAL || (family != PROXY_TCP4 && family != PROXY_TCP6))
        return STATUS_OK;
    if (size < needed)
        return STATUS_MALFORMED;
    size_t address_size = family == PROXY_TCP4 ? 4 : 16;
    memcpy(client.bytes + 16 - address_size, body, address_size);
    address_write(&client, (unsigned)body[2 * address_size] << 8 | body[2 * address_size + 1], out_peer);
    return STATUS_OK;
}

enum status proxy_header_read(struct bytes in, size_t *out_size, char out_peer[ADDRESS_TEXT_MAX]) {
    *out_size = 0;
    out_peer[0] = '\0';
    enum status line = proxy_begins(in, proxy_line_begin, sizeof proxy_line_begin - 1);
    if (line == STATUS_OK)
        return proxy_read_line(in, out_size, out_peer);
    enum status binary = proxy_begins(in, proxy_signature, sizeof proxy_signature);
    if (binary == STATUS_OK)
        return proxy_read_binary(in, out_size, out_peer);
    return line == STATUS_MORE || binary == STATUS_MORE ? STATUS_MORE : STATUS_NOT_FOUND;
}
