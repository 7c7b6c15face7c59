/* fuzz_ws.c — any bytes as WebSocket frames: fed whole and in pieces of a size that the first byte gives; events and answers must
 * be the same. The two connections share a pool that has no parser to spare, and its unpacker: a server's are compressed.
 *
 *   first byte   80: a client's end   40: a server that agreed on no compression   3f: size of a piece, less one */
#include "wire/ws.h"

#include "fuzz.h"

enum { MESSAGE_MAX = 4096, LOG_MAX = 1 << 24, WS_BITS = 15 };

/* Appends the events and the connection's own frames to `log`. */
static void run(struct ws_pool *pool, uint8_t choice, struct bytes input, size_t piece_max, struct bytes_writer *log) {
    struct ws_conn conn;
    enum status status = STATUS_MORE;
    enum ws_role role = choice & 0x80 ? WS_CLIENT : WS_SERVER;
    ws_conn_init(&conn, pool, role, MESSAGE_MAX);
    if (role == WS_SERVER && !(choice & 0x40))
        ws_conn_deflate(&conn, WS_BITS);
    for (size_t at = 0; at < input.size && status == STATUS_MORE;) {
        size_t size = input.size - at < piece_max ? input.size - at : piece_max;
        uint8_t *piece = malloc(size);
        struct ws_event event;
        memcpy(piece, input.data + at, size);
        ws_conn_feed(&conn, bytes_of(piece, size));
        while ((status = ws_conn_next(&conn, &event)) == STATUS_OK) {
            FUZZ_REQUIRE(event.payload.size <= MESSAGE_MAX);
            bytes_write_u8(log, (uint8_t)event.kind);
            bytes_write_u16(log, event.code);
            bytes_write_u32(log, (uint32_t)event.payload.size);
            bytes_write(log, event.payload);
            ws_conn_take(&conn, log);
        }
        free(piece);
        at += size;
        FUZZ_REQUIRE(status == STATUS_MORE || status == STATUS_CLOSED);
        FUZZ_REQUIRE((status == STATUS_CLOSED) == ((ws_conn_wants(&conn) & WS_WANTS_END) != 0));
    }
    ws_conn_finish(&conn);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct bytes input = bytes_of(data, size);
    uint8_t choice = fuzz_choice(&input);
    struct ws_pool pool;
    struct bytes_writer whole;
    struct bytes_writer pieces;
    ws_pool_init(&pool, &mem_default, 1, 1);
    bytes_writer_init(&whole, &mem_default, LOG_MAX);
    bytes_writer_init(&pieces, &mem_default, LOG_MAX);
    run(&pool, choice, input, input.size + 1, &whole);
    run(&pool, choice, input, (choice & 0x3f) + 1, &pieces);
    FUZZ_REQUIRE(whole.status == STATUS_OK && bytes_equal(bytes_written(&whole), bytes_written(&pieces)));
    bytes_writer_finish(&whole);
    bytes_writer_finish(&pieces);
    ws_pool_finish(&pool);
    return 0;
}
