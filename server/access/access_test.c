#include "access/room_code.h"
#include "access/token.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

Test(token, is_base64url_of_its_bytes) {
    uint8_t random[TOKEN_RANDOM_BYTES];
    char text[TOKEN_TEXT_SIZE + 1];
    for (size_t i = 0; i < sizeof random; i++)
        random[i] = (uint8_t)(i * 8 + 3);

    token_write(random, text);

    /* python3: base64.urlsafe_b64encode(bytes(i * 8 + 3 & 255 for i in range(32))) */
    cr_expect_str_eq(text, "AwsTGyMrMztDS1NbY2tze4OLk5ujq7O7w8vT2-Pr8_s");
}

Test(token, hash_is_sha256_of_the_text) {
    static const uint8_t of_abc[] = { 0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea };
    uint8_t hash[TOKEN_HASH_BYTES], other[TOKEN_HASH_BYTES];

    token_hash(bytes_text("abc"), hash);
    token_hash(bytes_text("abd"), other);

    cr_expect_arr_eq(hash, of_abc, sizeof of_abc);
    cr_expect(token_hash_equal(hash, hash));
    cr_expect_not(token_hash_equal(hash, other));
}

static enum status hash_file_of(const char *content, mode_t mode, uint8_t hash[TOKEN_HASH_BYTES], char *error) {
    char path[] = "/tmp/vibesync-token-XXXXXX";
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, content, strlen(content)), (ssize_t)strlen(content));
    fchmod(fd, mode);
    close(fd);
    enum status status = token_hash_file(path, hash, error, 256);
    unlink(path);
    return status;
}

Test(token, file_is_trimmed_and_must_be_private) {
    uint8_t hash[TOKEN_HASH_BYTES], expected[TOKEN_HASH_BYTES];
    char error[256] = "";
    token_hash(bytes_text("0123456789abcdef"), expected);

    cr_expect_eq(hash_file_of(" 0123456789abcdef\r\n", 0600, hash, error), STATUS_OK, "%s", error);
    cr_expect_arr_eq(hash, expected, sizeof hash);
    cr_expect_eq(hash_file_of("0123456789abcdef", 0640, hash, error), STATUS_DENIED);
    cr_expect(strstr(error, "chmod 600") != NULL, "%s", error);
    cr_expect_eq(hash_file_of("0123456789abcdef", 0604, hash, error), STATUS_DENIED);
    cr_expect_eq(hash_file_of("short", 0600, hash, error), STATUS_MALFORMED);
    cr_expect_eq(hash_file_of("0123456789 abcdef", 0600, hash, error), STATUS_MALFORMED);
    cr_expect_eq(hash_file_of("", 0600, hash, error), STATUS_MALFORMED);
    cr_expect_eq(token_hash_file("/nonexistent/token", hash, error, sizeof error), STATUS_NOT_FOUND);
    cr_expect_eq(token_hash_file("/tmp", hash, error, sizeof error), STATUS_IO);
}

Test(room_code, is_five_bits_a_letter) {
    char code[ROOM_CODE_SIZE + 1];

    room_code_write((const uint8_t[]){ 0x00, 0x44, 0x32, 0x14, 0xc7 }, code);
    cr_expect_str_eq(code, "01234567");
    room_code_write((const uint8_t[]){ 0xff, 0xff, 0xff, 0xff, 0xff }, code);
    cr_expect_str_eq(code, "ZZZZZZZZ");
}

Test(room_code, is_read_as_people_write_it) {
    static const struct {
        const char *text, *code;
    } cases[] = {
        { "ABCD2345", "ABCD2345" },  { "abcd-2345", "ABCD2345" }, { " abcd 2345 ", "ABCD2345" },
        { "oil00000", "01100000" },  { "ABCD234", NULL },         { "ABCD23456", NULL },
        { "ABCD234U", NULL },        { "ABCD234!", NULL },        { "", NULL },
        { "ABCD234\xc3\xa9", NULL },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char code[ROOM_CODE_SIZE + 1];
        bool read = room_code_read(bytes_text(cases[i].text), code);
        cr_expect_eq(read, cases[i].code != NULL, "%s", cases[i].text);
        if (read && cases[i].code != NULL)
            cr_expect_str_eq(code, cases[i].code);
    }
    cr_expect_not(room_code_read(bytes_of("ABCD\0EFGH", 9), (char[ROOM_CODE_SIZE + 1]){ 0 }), "a NUL is no letter");
}
