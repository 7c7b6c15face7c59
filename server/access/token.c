/* token.c — see token.h. */
#include "access/token.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* A shorter one was typed by hand, and could be guessed. */
enum { TOKEN_TEXT_MIN = 16 };

void token_write(const uint8_t random[TOKEN_RANDOM_BYTES], char out[TOKEN_TEXT_SIZE + 1]) {
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint32_t bits = 0;
    unsigned bit_count = 0;
    char *at = out;
    for (size_t i = 0; i < TOKEN_RANDOM_BYTES; i++) {
        bits = bits << 8 | random[i];
        for (bit_count += 8; bit_count >= 6; bit_count -= 6)
            *at++ = letters[bits >> (bit_count - 6) & 63];
    }
    /* 256 bits are 42 characters and 4 bits. */
    *at++ = letters[bits << (6 - bit_count) & 63];
    *at = '\0';
}

void token_hash(struct bytes token, uint8_t out[TOKEN_HASH_BYTES]) {
    SHA256(token.data, token.size, out);
}

bool token_hash_equal(const uint8_t a[TOKEN_HASH_BYTES], const uint8_t b[TOKEN_HASH_BYTES]) {
    return CRYPTO_memcmp(a, b, TOKEN_HASH_BYTES) == 0;
}

static enum status token_parse_file(const char *path, char *text, size_t size, uint8_t out[TOKEN_HASH_BYTES], char *error,
                                    size_t error_bytes);

enum status token_hash_file(const char *path, uint8_t out[TOKEN_HASH_BYTES], char *error, size_t error_bytes) {
    char text[TOKEN_TEXT_MAX + 64];
    struct stat stat;
    enum status status = STATUS_OK;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        status = errno == ENOENT ? STATUS_NOT_FOUND : STATUS_IO;
        snprintf(error, error_bytes, "%s: %s", path, strerror(errno));
        return status;
    }
    ssize_t size = -1;
    if (fstat(fd, &stat) != 0 || !S_ISREG(stat.st_mode)) {
        status = STATUS_IO;
        snprintf(error, error_bytes, "%s is not a file", path);
    } else if ((stat.st_mode & 077) != 0) {
        status = STATUS_DENIED;
        snprintf(error, error_bytes, "%s can be read by others than its owner (mode %03o): chmod 600 it", path,
                 stat.st_mode & 0777u);
    } else if ((size = read(fd, text, sizeof text)) < 0) {
        status = STATUS_IO;
        snprintf(error, error_bytes, "%s: %s", path, strerror(errno));
    }
    close(fd);
    if (status == STATUS_OK)
        status = token_parse_file(path, text, (size_t)size, out, error, error_bytes);
    OPENSSL_cleanse(text, sizeof text);
    return status;
}

static bool token_is_blank(char letter) {
    return letter == ' ' || letter == '\t' || letter == '\r' || letter == '\n';
}

static enum status token_parse_file(const char *path, char *text, size_t size, uint8_t out[TOKEN_HASH_BYTES], char *error,
                                    size_t error_bytes) {
    while (size > 0 && token_is_blank(text[0])) {
        text++;
        size--;
    }
    while (size > 0 && token_is_blank(text[size - 1]))
        size--;
    bool plain = true;
    for (size_t i = 0; i < size; i++)
        plain = plain && text[i] > ' ' && text[i] < 0x7f;
    if (size < TOKEN_TEXT_MIN || size > TOKEN_TEXT_MAX || !plain) {
        snprintf(error, error_bytes, "%s must hold one token of %d to %d printable ASCII characters", path, TOKEN_TEXT_MIN,
                 TOKEN_TEXT_MAX);
        return STATUS_MALFORMED;
    }
    token_hash(bytes_of(text, size), out);
    return STATUS_OK;
}
