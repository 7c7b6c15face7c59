/* cli_say.c — what is said to a person, and what is read from files. */
#include "cli.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <zstd.h>

void cli_say(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("vibesync: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
}

int cli_fail_fault(const struct wire_fault *fault) {
    cli_say("%s", fault->message);
    switch (fault->code) {
    case WIRE_CODE_CREDENTIALS:
    case WIRE_CODE_NOT_JOINED:
    case WIRE_CODE_PERMISSION_DENIED:
        return CLI_DENIED;
    case WIRE_CODE_UNAVAILABLE:
    case WIRE_CODE_OVERLOADED:
        return CLI_UNREACHABLE;
    default:
        return CLI_FAILED;
    }
}

int cli_fail_status(const char *what, enum status status) {
    cli_say("%s: %s", what, status_sentence(status));
    return status == STATUS_DENIED ? CLI_DENIED : status == STATUS_UNAVAILABLE ? CLI_UNREACHABLE : CLI_FAILED;
}

int cli_fail_create(const struct cli *cli, enum status status) {
    if (status != STATUS_IO)
        return cli_fail_status("this server's address", status);
    cli_say("--ca: no certificates can be read from %s", cli->ca ? cli->ca : "the system's store");
    return CLI_USAGE;
}

static volatile sig_atomic_t signal_came;

static void on_signal(int number) {
    (void)number;
    signal_came = 1;
}

bool cli_interrupted(void) {
    static bool armed; /* signals are the process's own */
    if (!armed) {
        struct sigaction action = { .sa_handler = on_signal };
        sigemptyset(&action.sa_mask);
        sigaction(SIGINT, &action, NULL);
        sigaction(SIGTERM, &action, NULL);
        signal(SIGPIPE, SIG_IGN);
        armed = true;
    }
    return signal_came != 0;
}

static bool read_raw(FILE *stream, const char *path, size_t size_max, struct bytes_writer *out) {
    bytes_writer_init(out, &mem_default, size_max);
    for (;;) {
        uint8_t *room = bytes_writer_reserve(out, 65536);
        if (!room) {
            cli_say("%s: longer than %zu bytes", path, size_max);
            return false;
        }
        size_t got = fread(room, 1, 65536, stream);
        out->size += got;
        if (got == 0 && ferror(stream)) {
            cli_say("%s: %s", path, strerror(errno));
            return false;
        }
        if (got == 0)
            return true;
    }
}

static bool decompress(const char *path, struct bytes packed, struct bytes_writer *out) {
    ZSTD_DCtx *context = ZSTD_createDCtx();
    ZSTD_inBuffer input = { packed.data, packed.size, 0 };
    size_t left = 1;
    bool fine = context != NULL;
    while (fine && (input.pos < input.size || left > 0)) {
        uint8_t *room = bytes_writer_reserve(out, 65536);
        ZSTD_outBuffer output = { room, 65536, 0 };
        size_t before = input.pos;
        left = room ? ZSTD_decompressStream(context, &output, &input) : 0;
        fine = room && !ZSTD_isError(left) && (output.pos > 0 || input.pos > before || left == 0);
        out->size += output.pos;
    }
    if (!fine)
        cli_say("%s: %s", path, out->status != STATUS_OK ? "too big" : "not whole, or not zstd");
    ZSTD_freeDCtx(context);
    return fine;
}

bool cli_read_file(const char *path, size_t size_max, struct bytes_writer *out) {
    static const uint8_t zstd_magic[] = { 0x28, 0xb5, 0x2f, 0xfd };
    FILE *stream = fopen(path, "rb");
    bytes_writer_init(out, &mem_default, size_max);
    if (!stream) {
        cli_say("%s: %s", path, strerror(errno));
        return false;
    }
    struct bytes_writer raw;
    bool fine = read_raw(stream, path, size_max + 65536, &raw);
    fclose(stream);
    if (fine && raw.size >= sizeof zstd_magic && memcmp(raw.data, zstd_magic, sizeof zstd_magic) == 0) {
        fine = decompress(path, bytes_written(&raw), out);
        bytes_writer_finish(&raw);
    } else {
        *out = raw;
    }
    if (!fine)
        bytes_writer_finish(out);
    return fine;
}

void cli_print_safe(FILE *stream, struct bytes text) {
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        bool c1 = c == 0xc2 && i + 1 < text.size && text.data[i + 1] < 0xa0; /* U+0080 to U+009F, in UTF-8 */
        if ((c < ' ' && c != '\t' && c != '\n') || c == 0x7f)
            fprintf(stream, "\\x%02x", c);
        else if (c1)
            fprintf(stream, "\\x%02x", text.data[++i]);
        else
            fputc(c, stream);
    }
}
