/* tls.c — see tls.h. OpenSSL reads and writes through a BIO of ours that is nothing but a view of the bytes of the call. */
#include "loop/tls.h"

#include <assert.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdatomic.h>
#include <stdio.h>

enum { TLS_RECORD_BYTES = 16384 };

struct tls {
    SSL *ssl;
    struct tls_context *context;
    struct bytes in;          /* what is left of the bytes of this call */
    struct bytes_writer *out; /* NULL outside of calls */
    char fault[96];
};

/* ---- the BIO ---- */

static int tls_bio_read(BIO *bio, char *out, size_t size, size_t *out_size) {
    struct tls *tls = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    *out_size = size < tls->in.size ? size : tls->in.size;
    if (*out_size == 0) {
        BIO_set_retry_read(bio);
        return 0;
    }
    memcpy(out, tls->in.data, *out_size);
    tls->in = bytes_of(tls->in.data + *out_size, tls->in.size - *out_size);
    return 1;
}

static int tls_bio_write(BIO *bio, const char *bytes, size_t size, size_t *out_size) {
    struct tls *tls = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    *out_size = size;
    if (tls->out == NULL)
        return 0;
    bytes_write(tls->out, bytes_of(bytes, size));
    return tls->out->status == STATUS_OK;
}

static long tls_bio_control(BIO *bio, int command, long number, void *pointer) {
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

/* ---- contexts ---- */

struct tls_context {
    atomic_uint references;
    SSL_CTX *ssl;
    BIO_METHOD *bio;
};

/* The first of what OpenSSL has to say, in a few words. */
static void tls_reason(char *out, size_t out_bytes) {
    unsigned long error = ERR_peek_error();
    const char *reason = ERR_SYSTEM_ERROR(error) ? strerror((int)ERR_GET_REASON(error)) : ERR_reason_error_string(error);
    if (reason != NULL)
        snprintf(out, out_bytes, "%s", reason);
    else
        snprintf(out, out_bytes, "error %lx", error);
    ERR_clear_error();
}

/* Clients that ask for HTTP/2 too get what we speak; who offers nothing of ours gets no answer to this question. */
static int tls_choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_size, const unsigned char *offered,
                               unsigned offered_size, void *context) {
    static const unsigned char ours[] = "\x08http/1.1";
    (void)ssl;
    (void)context;
    if (SSL_select_next_proto((unsigned char **)(uintptr_t)out, out_size, ours, sizeof ours - 1, offered, offered_size) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_NOACK;
    return SSL_TLSEXT_ERR_OK;
}

/* Nobody is there to be asked for the key's password. */
static int tls_no_password(char *buffer, int size, int writing, void *context) {
    (void)buffer;
    (void)size;
    (void)writing;
    (void)context;
    return 0;
}

enum status tls_context_create(const char *certificate_file, const char *key_file, char error[TLS_ERROR_MAX],
                               struct tls_context **out) {
    char reason[96];
    snprintf(error, TLS_ERROR_MAX, "%s", status_sentence(STATUS_NO_MEMORY));
    struct tls_context *context = mem_zalloc(&mem_default, sizeof *context);
    if (context == NULL)
        return STATUS_NO_MEMORY;
    atomic_init(&context->references, 1);
    ERR_clear_error();
    context->ssl = SSL_CTX_new(TLS_server_method());
    context->bio = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "call");
    if (context->ssl == NULL || context->bio == NULL || !BIO_meth_set_read_ex(context->bio, tls_bio_read) ||
        !BIO_meth_set_write_ex(context->bio, tls_bio_write) || !BIO_meth_set_ctrl(context->bio, tls_bio_control)) {
        tls_context_release(context);
        return STATUS_NO_MEMORY;
    }
    SSL_CTX_set_min_proto_version(context->ssl, TLS1_2_VERSION);
    SSL_CTX_set_cipher_list(context->ssl, "ECDHE+AESGCM:ECDHE+CHACHA20");
    SSL_CTX_set_options(context->ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(context->ssl, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(context->ssl, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context->ssl, 1);
    SSL_CTX_set_session_id_context(context->ssl, (const unsigned char *)"vibesync", 8);
    SSL_CTX_set_alpn_select_cb(context->ssl, tls_choose_protocol, NULL);
    SSL_CTX_set_default_passwd_cb(context->ssl, tls_no_password);
    const char *file = certificate_file;
    bool good = SSL_CTX_use_certificate_chain_file(context->ssl, certificate_file) == 1;
    if (good) {
        file = key_file;
        good = SSL_CTX_use_PrivateKey_file(context->ssl, key_file, SSL_FILETYPE_PEM) == 1 &&
               SSL_CTX_check_private_key(context->ssl) == 1;
    }
    if (!good) {
        tls_reason(reason, sizeof reason);
        snprintf(error, TLS_ERROR_MAX, "%.200s: %s", file, reason);
        tls_context_release(context);
        return STATUS_MALFORMED;
    }
    *out = context;
    return STATUS_OK;
}

struct tls_context *tls_context_acquire(struct tls_context *context) {
    if (context != NULL)
        atomic_fetch_add_explicit(&context->references, 1, memory_order_relaxed);
    return context;
}

void tls_context_release(struct tls_context *context) {
    if (context == NULL || atomic_fetch_sub_explicit(&context->references, 1, memory_order_acq_rel) > 1)
        return;
    SSL_CTX_free(context->ssl);
    BIO_meth_free(context->bio);
    mem_free(&mem_default, context, sizeof *context);
}

/* ---- one line ---- */

struct tls *tls_create(struct tls_context *context) {
    struct tls *tls = mem_zalloc(&mem_default, sizeof *tls);
    if (tls == NULL)
        return NULL;
    BIO *bio = BIO_new(context->bio);
    tls->ssl = bio != NULL ? SSL_new(context->ssl) : NULL;
    if (tls->ssl == NULL) {
        BIO_free(bio);
        ERR_clear_error();
        mem_free(&mem_default, tls, sizeof *tls);
        return NULL;
    }
    tls->context = tls_context_acquire(context);
    BIO_set_data(bio, tls);
    BIO_set_init(bio, 1);
    SSL_set_bio(tls->ssl, bio, bio);
    SSL_set_accept_state(tls->ssl);
    return tls;
}

void tls_destroy(struct tls *tls) {
    if (tls == NULL)
        return;
    SSL_free(tls->ssl);
    tls_context_release(tls->context);
    mem_free(&mem_default, tls, sizeof *tls);
}

/* What OpenSSL's answer to a call means. */
static enum status tls_failed(struct tls *tls, int result) {
    int error = SSL_get_error(tls->ssl, result);
    if (error == SSL_ERROR_WANT_READ)
        return STATUS_OK;
    if (error == SSL_ERROR_ZERO_RETURN)
        return STATUS_CLOSED;
    unsigned long first = ERR_peek_error();
    enum status status = STATUS_MALFORMED;
    if (tls->out->status != STATUS_OK || ERR_GET_REASON(first) == ERR_R_MALLOC_FAILURE)
        status = STATUS_NO_MEMORY;
    else if (ERR_GET_LIB(first) == ERR_LIB_SSL && ERR_GET_REASON(first) == SSL_R_HTTP_REQUEST)
        status = STATUS_UNSUPPORTED;
    tls_reason(tls->fault, sizeof tls->fault);
    return status;
}

enum status tls_read(struct tls *tls, struct bytes in, struct bytes_writer *plain, struct bytes_writer *cipher) {
    enum status status = STATUS_OK;
    size_t before = cipher->size;
    tls->in = in;
    tls->out = cipher;
    ERR_clear_error();
    for (;;) {
        uint8_t *room = bytes_writer_reserve(plain, TLS_RECORD_BYTES);
        size_t size = 0;
        if (room == NULL) {
            status = STATUS_NO_MEMORY;
            break;
        }
        int result = SSL_read_ex(tls->ssl, room, TLS_RECORD_BYTES, &size);
        if (result != 1) {
            status = tls_failed(tls, result);
            break;
        }
        plain->size += size;
    }
    if (status == STATUS_UNSUPPORTED)
        cipher->size = before; /* an alert, to somebody who doesn't know what that is */
    tls->out = NULL;
    return status;
}

enum status tls_write(struct tls *tls, struct bytes plain, struct bytes_writer *cipher) {
    enum status status = STATUS_OK;
    size_t written = 0;
    assert(tls_is_open(tls));
    tls->in = bytes_of(NULL, 0);
    tls->out = cipher;
    ERR_clear_error();
    if (plain.size > 0) {
        int result = SSL_write_ex(tls->ssl, plain.data, plain.size, &written);
        if (result != 1) {
            status = tls_failed(tls, result);
            if (status == STATUS_OK || status == STATUS_CLOSED)
                status = STATUS_IO;
        }
        assert(status != STATUS_OK || written == plain.size);
    }
    tls->out = NULL;
    return status;
}

void tls_close(struct tls *tls, struct bytes_writer *cipher) {
    if (!tls_is_open(tls))
        return;
    tls->in = bytes_of(NULL, 0);
    tls->out = cipher;
    ERR_clear_error();
    SSL_shutdown(tls->ssl);
    ERR_clear_error();
    tls->out = NULL;
}

bool tls_is_open(const struct tls *tls) {
    return SSL_is_init_finished(tls->ssl);
}

const char *tls_version(const struct tls *tls) {
    return SSL_get_version(tls->ssl);
}

const char *tls_fault(const struct tls *tls) {
    return tls->fault;
}
