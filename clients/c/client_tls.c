/* client_tls.c — see client_tls.h. OpenSSL stands between two memory BIOs; what it wrote is moved out after each call. */
#include "vibesync/client_tls.h"

#include <assert.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>

enum {
    TLS_RECORD_BYTES = 16384,
    TLS_BUFFER_BYTES_MAX = 64 * 1024 * 1024,
    TLS_ALERT = 0x15, /* the first byte of what a TLS server says first: an alert or a handshake record */
    TLS_HANDSHAKE = 0x16
};

struct client_tls {
    const struct mem *mem;
    SSL_CTX *context;
    SSL *ssl;       /* NULL before the first start */
    BIO *in, *from; /* of `ssl` */
    bool heard;     /* something of this connection's peer */
    struct bytes_writer plain, out;
    size_t out_sent;
    char host[256];
    char fault[320];
};

enum status client_tls_create(const struct mem *mem, const char *host, const char *ca_file, struct client_tls **out) {
    struct client_tls *tls = mem_zalloc(mem, sizeof *tls);
    if (!tls)
        return STATUS_NO_MEMORY;
    tls->mem = mem;
    bytes_writer_init(&tls->plain, mem, TLS_BUFFER_BYTES_MAX);
    bytes_writer_init(&tls->out, mem, TLS_BUFFER_BYTES_MAX);
    snprintf(tls->host, sizeof tls->host, "%s", host);
    ERR_clear_error();
    tls->context = SSL_CTX_new(TLS_client_method());
    enum status status = tls->context ? STATUS_OK : STATUS_NO_MEMORY;
    if (status == STATUS_OK) {
        SSL_CTX_set_min_proto_version(tls->context, TLS1_2_VERSION);
        SSL_CTX_set_options(tls->context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
        SSL_CTX_set_verify(tls->context, SSL_VERIFY_PEER, NULL);
        if (ca_file ? SSL_CTX_load_verify_file(tls->context, ca_file) != 1 : SSL_CTX_set_default_verify_paths(tls->context) != 1)
            status = STATUS_IO;
    }
    ERR_clear_error();
    if (status != STATUS_OK) {
        client_tls_destroy(tls);
        return status;
    }
    *out = tls;
    return STATUS_OK;
}

void client_tls_destroy(struct client_tls *tls) {
    if (!tls)
        return;
    SSL_free(tls->ssl);
    SSL_CTX_free(tls->context);
    bytes_writer_finish(&tls->plain);
    bytes_writer_finish(&tls->out);
    mem_free(tls->mem, tls, sizeof *tls);
}

/* What OpenSSL wrote goes behind the output. */
static enum status tls_collect(struct client_tls *tls) {
    char *written = NULL;
    long size = BIO_get_mem_data(tls->from, &written);
    if (size > 0)
        bytes_write(&tls->out, bytes_of(written, (size_t)size));
    (void)BIO_reset(tls->from);
    return tls->out.status;
}

/* Who is expected: an address is looked for among the certificate's addresses, and is not told to the server. */
static bool tls_expect_host(struct client_tls *tls) {
    if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls->ssl), tls->host) == 1)
        return true;
    SSL_set_hostflags(tls->ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(tls->ssl, tls->host) == 1 && SSL_set_tlsext_host_name(tls->ssl, tls->host) == 1;
}

enum status client_tls_start(struct client_tls *tls) {
    SSL_free(tls->ssl);
    tls->ssl = SSL_new(tls->context);
    tls->heard = false;
    tls->fault[0] = '\0';
    tls->out_sent = 0;
    bytes_writer_reset(&tls->plain);
    bytes_writer_reset(&tls->out);
    tls->in = BIO_new(BIO_s_mem());
    tls->from = BIO_new(BIO_s_mem());
    bool good = tls->ssl && tls->in && tls->from;
    if (good) {
        BIO_set_mem_eof_return(tls->in, -1); /* empty: more will come */
        SSL_set_bio(tls->ssl, tls->in, tls->from);
        SSL_set_connect_state(tls->ssl);
        good = tls_expect_host(tls);
        if (good)
            (void)SSL_do_handshake(tls->ssl); /* the hello; an answer can't be there */
        good = good && tls_collect(tls) == STATUS_OK && tls->out.size > 0;
    } else {
        BIO_free(tls->in);
        BIO_free(tls->from);
    }
    ERR_clear_error();
    if (good)
        return STATUS_OK;
    SSL_free(tls->ssl);
    tls->ssl = NULL;
    return STATUS_NO_MEMORY;
}

/* ---- faults ---- */

static enum status tls_certificate_refused(struct client_tls *tls) {
    long result = SSL_get_verify_result(tls->ssl);
    if (result == X509_V_ERR_HOSTNAME_MISMATCH || result == X509_V_ERR_IP_ADDRESS_MISMATCH)
        snprintf(tls->fault, sizeof tls->fault, "the server's certificate is not for %s", tls->host);
    else if (result == X509_V_ERR_CERT_HAS_EXPIRED)
        snprintf(tls->fault, sizeof tls->fault, "the server's certificate has expired");
    else
        snprintf(tls->fault, sizeof tls->fault, "the server's certificate is not trusted (%s)",
                 X509_verify_cert_error_string(result));
    return STATUS_DENIED;
}

/* What OpenSSL's answer to a call means. */
static enum status tls_failed(struct client_tls *tls, int result) {
    int error = SSL_get_error(tls->ssl, result);
    unsigned long first = ERR_peek_error();
    if (error == SSL_ERROR_WANT_READ)
        return STATUS_OK;
    if (error == SSL_ERROR_ZERO_RETURN)
        return STATUS_CLOSED;
    if (ERR_GET_REASON(first) == ERR_R_MALLOC_FAILURE)
        return STATUS_NO_MEMORY;
    if (ERR_GET_LIB(first) == ERR_LIB_SSL && ERR_GET_REASON(first) == SSL_R_CERTIFICATE_VERIFY_FAILED)
        return tls_certificate_refused(tls);
    const char *reason = ERR_reason_error_string(first);
    snprintf(tls->fault, sizeof tls->fault, "TLS failed (%s)", reason ? reason : "no reason is known");
    return STATUS_MALFORMED;
}

const char *client_tls_fault(const struct client_tls *tls) {
    return tls->fault[0] != '\0' ? tls->fault : "TLS ended";
}

/* ---- bytes ---- */

enum status client_tls_read(struct client_tls *tls, struct bytes received, struct bytes *out) {
    enum status status = STATUS_OK;
    tls->plain.size = 0;
    *out = bytes_of(NULL, 0);
    if (received.size > 0 && !tls->heard && received.data[0] != TLS_HANDSHAKE && received.data[0] != TLS_ALERT) {
        snprintf(tls->fault, sizeof tls->fault, "the server speaks no TLS at this port");
        return STATUS_UNSUPPORTED;
    }
    tls->heard |= received.size > 0;
    ERR_clear_error();
    size_t taken = 0;
    if (received.size > 0 && BIO_write_ex(tls->in, received.data, received.size, &taken) != 1)
        status = STATUS_NO_MEMORY;
    while (status == STATUS_OK) {
        uint8_t *room = bytes_writer_reserve(&tls->plain, TLS_RECORD_BYTES);
        size_t size = 0;
        if (!room) {
            status = STATUS_NO_MEMORY;
            break;
        }
        int result = SSL_read_ex(tls->ssl, room, TLS_RECORD_BYTES, &size);
        if (result != 1) {
            status = tls_failed(tls, result);
            break;
        }
        tls->plain.size += size;
    }
    if (tls_collect(tls) != STATUS_OK)
        status = STATUS_NO_MEMORY;
    ERR_clear_error();
    *out = bytes_written(&tls->plain);
    return status;
}

bool client_tls_is_open(const struct client_tls *tls) {
    return tls->ssl && SSL_is_init_finished(tls->ssl);
}

enum status client_tls_write(struct client_tls *tls, struct bytes plain) {
    assert(client_tls_is_open(tls));
    enum status status = STATUS_OK;
    size_t written = 0;
    ERR_clear_error();
    if (plain.size > 0 && SSL_write_ex(tls->ssl, plain.data, plain.size, &written) != 1) {
        status = tls_failed(tls, 0);
        if (status != STATUS_NO_MEMORY)
            status = STATUS_MALFORMED;
    }
    if (tls_collect(tls) != STATUS_OK)
        status = STATUS_NO_MEMORY;
    ERR_clear_error();
    return status;
}

struct bytes client_tls_output(const struct client_tls *tls) {
    size_t left = tls->out.size - tls->out_sent;
    return bytes_of(left > 0 ? tls->out.data + tls->out_sent : NULL, left);
}

void client_tls_sent(struct client_tls *tls, size_t size) {
    assert(size <= tls->out.size - tls->out_sent);
    tls->out_sent += size;
    if (tls->out_sent == tls->out.size)
        tls->out.size = tls->out_sent = 0;
}
