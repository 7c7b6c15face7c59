#include "loop/tls.h"

#include <criterion/criterion.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* A client of OpenSSL's own between two memory BIOs, and the line under test. */
struct rig {
    struct tls_context *context;
    struct tls *tls;
    SSL_CTX *client_context;
    SSL *client;
    BIO *to_client, *from_client;
    struct bytes_writer plain, cipher;
    size_t piece; /* so many bytes reach the line at once */
    enum status status;
    char certificate[40], key[40];
};

static void rig_write_file(char path[40], EVP_PKEY *key, X509 *certificate) {
    snprintf(path, 40, "/tmp/vibesync-tls-XXXXXX");
    int fd = mkstemp(path);
    FILE *file = fdopen(fd, "w");
    cr_assert_not_null(file);
    if (certificate != NULL)
        PEM_write_X509(file, certificate);
    else
        PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL);
    fclose(file);
}

static EVP_PKEY *rig_make_files(struct rig *rig) {
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    cr_assert_gt(X509_sign(certificate, key, EVP_sha256()), 0);
    rig_write_file(rig->certificate, key, certificate);
    rig_write_file(rig->key, key, NULL);
    X509_free(certificate);
    return key;
}

static void rig_init(struct rig *rig) {
    char error[TLS_ERROR_MAX];
    *rig = (struct rig){ .piece = SIZE_MAX };
    EVP_PKEY_free(rig_make_files(rig));
    cr_assert_eq(tls_context_create(rig->certificate, rig->key, error, &rig->context), STATUS_OK, "%s", error);
    rig->tls = tls_create(rig->context);
    rig->client_context = SSL_CTX_new(TLS_client_method());
    rig->client = SSL_new(rig->client_context);
    rig->to_client = BIO_new(BIO_s_mem());
    rig->from_client = BIO_new(BIO_s_mem());
    SSL_set_bio(rig->client, rig->to_client, rig->from_client);
    SSL_set_connect_state(rig->client);
    bytes_writer_init(&rig->plain, &mem_default, 1 << 22);
    bytes_writer_init(&rig->cipher, &mem_default, 1 << 22);
}

static void rig_finish(struct rig *rig) {
    unlink(rig->certificate);
    unlink(rig->key);
    SSL_free(rig->client);
    SSL_CTX_free(rig->client_context);
    tls_destroy(rig->tls);
    tls_context_release(rig->context);
    bytes_writer_finish(&rig->plain);
    bytes_writer_finish(&rig->cipher);
}

/* What the client has said reaches the line, and what that answers the client. */
static void rig_exchange(struct rig *rig) {
    char *said;
    long size = BIO_get_mem_data(rig->from_client, &said);
    for (size_t at = 0; at < (size_t)size && rig->status == STATUS_OK;) {
        size_t piece = (size_t)size - at < rig->piece ? (size_t)size - at : rig->piece;
        uint8_t *copy = malloc(piece); /* so that a sanitizer sees who reads behind it */
        memcpy(copy, said + at, piece);
        rig->status = tls_read(rig->tls, bytes_of(copy, piece), &rig->plain, &rig->cipher);
        free(copy);
        at += piece;
    }
    (void)BIO_reset(rig->from_client);
    if (rig->cipher.size > 0)
        BIO_write(rig->to_client, rig->cipher.data, (int)rig->cipher.size);
    bytes_writer_reset(&rig->cipher);
}

static void rig_shake(struct rig *rig) {
    for (int i = 0; i < 4; i++) {
        SSL_do_handshake(rig->client);
        rig_exchange(rig);
    }
    cr_assert(SSL_is_init_finished(rig->client) && tls_is_open(rig->tls));
    cr_assert_eq(rig->status, STATUS_OK);
}

static uint8_t blob[200000];

Test(tls, bytes_cross_both_ways_in_pieces_of_every_size_and_version) {
    static const struct {
        size_t piece;
        int version;
        const char *name;
    } cases[] = { { SIZE_MAX, TLS1_3_VERSION, "TLSv1.3" },
                  { 1, TLS1_3_VERSION, "TLSv1.3" },
                  { 7, TLS1_2_VERSION, "TLSv1.2" },
                  { 1400, TLS1_2_VERSION, "TLSv1.2" } };
    for (size_t i = 0; i < sizeof blob; i++)
        blob[i] = (uint8_t)(i * 31 + (i >> 8));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct rig rig;
        static uint8_t got[sizeof blob];
        size_t size = 0, more = 0;
        rig_init(&rig);
        rig.piece = cases[i].piece;
        SSL_set_max_proto_version(rig.client, cases[i].version);
        rig_shake(&rig);

        cr_expect_str_eq(tls_version(rig.tls), cases[i].name);
        SSL_write_ex(rig.client, blob, sizeof blob, &size);
        rig_exchange(&rig);
        cr_expect(bytes_equal(bytes_written(&rig.plain), bytes_of(blob, sizeof blob)));
        cr_expect_eq(tls_write(rig.tls, bytes_of(blob, sizeof blob), &rig.cipher), STATUS_OK);
        rig_exchange(&rig);
        for (size = 0; SSL_read_ex(rig.client, got + size, sizeof got - size, &more) == 1; size += more)
            ;
        cr_expect(bytes_equal(bytes_of(got, size), bytes_of(blob, sizeof blob)));

        tls_close(rig.tls, &rig.cipher);
        rig_exchange(&rig);
        cr_expect_eq(SSL_read_ex(rig.client, got, 1, &more), 0);
        cr_expect_eq(SSL_get_shutdown(rig.client), SSL_RECEIVED_SHUTDOWN);
        SSL_write_ex(rig.client, "last", 4, &more);
        SSL_shutdown(rig.client);
        bytes_writer_reset(&rig.plain);
        rig_exchange(&rig);
        cr_expect_eq(rig.status, STATUS_CLOSED);
        cr_expect(bytes_equal_text(bytes_written(&rig.plain), "last"));
        rig_finish(&rig);
    }
}

Test(tls, what_is_no_tls_is_told_apart) {
    static const struct {
        const char *bytes;
        size_t size;
        enum status status;
    } cases[] = { { "GET / HTTP/1.1\r\n", 16, STATUS_UNSUPPORTED },
                  { "POST /v1/join HTTP/1.1\r\n", 24, STATUS_UNSUPPORTED },
                  { "\x89\x82\0\0\0\0hi", 8, STATUS_MALFORMED },
                  { "\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", 10, STATUS_MALFORMED },
                  { "\x16\x03\x01\xff\xff", 5, STATUS_MALFORMED },
                  { "\x15\x03\x01\x00\x02\x02\x28", 7, STATUS_MALFORMED },
                  { "\x16\x03\x01", 3, STATUS_OK },
                  { "", 0, STATUS_OK } };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct rig rig;
        rig_init(&rig);

        enum status status = tls_read(rig.tls, bytes_of(cases[i].bytes, cases[i].size), &rig.plain, &rig.cipher);

        cr_expect_eq(status, cases[i].status, "%zu: %s", i, status_name(status));
        cr_expect_eq(tls_fault(rig.tls)[0] != '\0', status != STATUS_OK);
        cr_expect(rig.plain.size == 0 && (status == STATUS_MALFORMED || rig.cipher.size == 0));
        rig_finish(&rig);
    }
}

Test(tls, a_forged_byte_ends_the_line) {
    struct rig rig;
    size_t written;
    char *said;
    rig_init(&rig);
    rig_shake(&rig);
    SSL_write_ex(rig.client, "hello", 5, &written);
    BIO_get_mem_data(rig.from_client, &said);
    said[8] ^= 1;

    rig_exchange(&rig);

    cr_expect_eq(rig.status, STATUS_MALFORMED);
    cr_expect_eq(rig.plain.size, 0);
    rig_finish(&rig);
}

Test(tls, memory_that_is_refused_ends_the_line) {
    struct rig rig;
    size_t written;
    rig_init(&rig);
    rig_shake(&rig);
    SSL_write_ex(rig.client, "hello", 5, &written);
    bytes_writer_finish(&rig.plain);
    bytes_writer_init(&rig.plain, &mem_default, 16);
    rig_exchange(&rig);
    cr_expect_eq(rig.status, STATUS_NO_MEMORY);

    bytes_writer_finish(&rig.cipher);
    bytes_writer_init(&rig.cipher, &mem_default, 16);
    cr_expect_eq(tls_write(rig.tls, bytes_of(blob, 100), &rig.cipher), STATUS_NO_MEMORY);
    rig_finish(&rig);
}

Test(tls, what_does_not_load_is_named) {
    struct rig rig = { 0 }, other = { 0 };
    struct tls_context *context;
    char error[TLS_ERROR_MAX], expected[TLS_ERROR_MAX];
    EVP_PKEY_free(rig_make_files(&rig));
    EVP_PKEY_free(rig_make_files(&other));

    cr_expect_eq(tls_context_create("/nowhere", rig.key, error, &context), STATUS_MALFORMED);
    cr_expect_str_eq(error, "/nowhere: No such file or directory");
    cr_expect_eq(tls_context_create(rig.key, rig.key, error, &context), STATUS_MALFORMED);
    snprintf(expected, sizeof expected, "%s: no start line", rig.key);
    cr_expect_str_eq(error, expected);
    cr_expect_eq(tls_context_create(rig.certificate, other.key, error, &context), STATUS_MALFORMED);
    snprintf(expected, sizeof expected, "%s: key values mismatch", other.key);
    cr_expect_str_eq(error, expected);
    unlink(rig.certificate), unlink(rig.key), unlink(other.certificate), unlink(other.key);
}
