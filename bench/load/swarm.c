/* swarm.c — all connections of the generator: connect, upgrade, frames in and out.
 *
 *   AWAY ──peer_connect──▶ CONNECTING ──▶ UPGRADING ──101──▶ ENTERING ──peer_enter──▶ LIVE ──▶ STALLED
 *     ▲                                                                                │
 *     └──────────────────────────── peer_cut, or the server closes ────────────────────┘
 *
 * One buffer serves all that is received: frames that came whole are read where they lie; only the beginning of one that did not is
 * kept with its peer. */
#include "load.h"

#include "ground/varint.h"
#include "wire/upgrade.h"
#include "wire/ws.h"
#include "ws_head.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SWARM_EVENTS = 256, SWARM_BUFFER_BYTES = 1 << 18, SWARM_MESSAGE_MAX = 1 << 28 };

static void peer_on_bytes(struct peer *peer, uint8_t *data, size_t size);

/* ---- connecting ---- */

static void peer_watch(struct peer *peer, int operation, uint32_t events) {
    struct epoll_event event = { .events = events, .data.ptr = peer };
    if (epoll_ctl(peer->load->epoll, operation, peer->fd, &event) != 0)
        load_die("epoll: %s", strerror(errno));
}

/* The server's address, looked up once. */
static const struct addrinfo *swarm_address(const struct load *load) {
    static struct addrinfo *address;
    const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
    if (address != NULL)
        return address;
    int failed = getaddrinfo(load->host, load->port, &hints, &address);
    if (failed != 0)
        load_die("%s: %s", load->host, gai_strerror(failed));
    return address;
}

void peer_connect(struct peer *peer) {
    const struct addrinfo *address = swarm_address(peer->load);
    assert(peer->state == PEER_AWAY);
    peer->fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (peer->fd < 0)
        load_die("no socket: %s", strerror(errno));
    setsockopt(peer->fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
    if (connect(peer->fd, address->ai_addr, address->ai_addrlen) != 0 && errno != EINPROGRESS)
        load_die("no server answers at %s: %s", peer->load->authority, strerror(errno));
    peer->state = PEER_CONNECTING;
    peer->step = 0;
    peer->doc = 0;
    peer->ack_count = peer->filled_count = 0;
    peer->began_ns = load_now_ns();
    peer->load->joining_count++;
    peer_watch(peer, EPOLL_CTL_ADD, EPOLLIN | EPOLLOUT);
}

static void peer_send_bytes(struct peer *peer, struct bytes bytes) {
    if (peer->unsent_size == 0) {
        ssize_t sent = send(peer->fd, bytes.data, bytes.size, MSG_NOSIGNAL);
        if (sent == (ssize_t)bytes.size)
            return;
        if (sent > 0)
            bytes = bytes_of(bytes.data + sent, bytes.size - (size_t)sent);
    }
    if (peer->unsent_size + bytes.size > peer->unsent_capacity) {
        peer->unsent_capacity = 2 * (peer->unsent_size + bytes.size);
        peer->unsent = load_must(realloc(peer->unsent, peer->unsent_capacity));
    }
    memcpy(peer->unsent + peer->unsent_size, bytes.data, bytes.size);
    if (peer->unsent_size == 0)
        peer_watch(peer, EPOLL_CTL_MOD, (peer->state == PEER_STALLED ? 0 : EPOLLIN) | EPOLLOUT);
    peer->unsent_size += bytes.size;
}

void peer_send(struct peer *peer, struct bytes payload) {
    static const uint8_t mask[4] = { 0x5a, 0xc3, 0x96, 0x3c };
    static struct bytes_writer frame;
    if (frame.mem == NULL)
        bytes_writer_init(&frame, &mem_default, SWARM_MESSAGE_MAX);
    bytes_writer_reset(&frame);
    ws_frame_masked(&frame, WS_BINARY, true, payload, mask);
    if (frame.status != STATUS_OK)
        load_die("out of memory");
    peer_send_bytes(peer, bytes_written(&frame));
}

static void peer_upgrade(struct peer *peer) {
    static const uint8_t random[WS_KEY_BYTES] = { 1 };
    const struct ws_upgrade_key key = ws_upgrade_key(random);
    struct bytes_writer target, request;
    bytes_writer_init(&target, &mem_default, 4096);
    bytes_writer_init(&request, &mem_default, 16384);
    peer->load->door->target(peer, &target);
    char authorization[LOAD_TOKEN_MAX + 16];
    snprintf(authorization, sizeof authorization, "Bearer %s", peer->token);
    const struct http_header header = { bytes_text("Authorization"), bytes_text(authorization) };
    ws_upgrade_request(&request, bytes_text(peer->load->authority), bytes_written(&target), &key, peer->load->door->subprotocol,
                       &header, peer->token[0] != '\0' && peer->load->door != &door_native);
    peer->state = PEER_UPGRADING;
    peer_send_bytes(peer, bytes_written(&request));
    bytes_writer_finish(&target);
    bytes_writer_finish(&request);
}

/* ---- leaving ---- */

void peer_cut(struct peer *peer) {
    if (peer->state == PEER_AWAY)
        return;
    if (peer->state == PEER_LIVE || peer->state == PEER_STALLED)
        peer->load->live_count--;
    else
        peer->load->joining_count--;
    close(peer->fd);
    peer->fd = -1;
    peer->state = PEER_AWAY;
    peer->partial_size = peer->unsent_size = 0;
    ledger_view_reset(&peer->load->updates, &peer->updates);
    ledger_view_reset(&peer->load->moves, &peer->moves);
}

static void peer_lost(struct peer *peer, uint16_t code, struct bytes reason) {
    struct load *load = peer->load;
    if (!load->stopping) {
        load->closed_count++;
        load->closed_code = code;
        if (load->closed_count == 1)
            fprintf(stderr, "vibesync-load: the server closed a connection: %u %.*s\n", (unsigned)code, (int)reason.size,
                    (const char *)reason.data);
    }
    peer_cut(peer);
}

/* ---- what the door says ---- */

void peer_enter(struct peer *peer) {
    struct load *load = peer->load;
    const struct scenario *scenario = &load->scenario;
    if (peer->state != PEER_ENTERING)
        return;
    bool stalls = !peer->joiner && peer->index >= scenario->connections - scenario->stalled;
    load->joining_count--;
    load->live_count++;
    peer->state = stalls ? PEER_STALLED : PEER_LIVE;
    peer->updates.live = peer->moves.live = !stalls;
    load->rooms[peer->room].opened = true;
    if (load->updates.measuring)
        histogram_add(&load->joins, load_now_ns() - peer->began_ns);
    if (stalls)
        peer_watch(peer, EPOLL_CTL_MOD, peer->unsent_size > 0 ? EPOLLOUT : 0);
}

struct range_visit {
    struct peer *peer;
    uint64_t now_ns;
};

/* How many whole updates a writer's first units are. */
static uint64_t load_number(const struct load *load, uint64_t units) {
    return load->recording.update_count > 0 ? recording_number(&load->recording, units) : units / load->scenario.characters;
}

static enum status peer_on_range(void *context, const struct crdt_range *range) {
    struct range_visit *visit = context;
    struct load *load = visit->peer->load;
    uint64_t lane = range->client - load->client_base;
    /* Some servers send a writer's own updates back: that is no delivery. */
    bool is_own = !visit->peer->joiner && lane == visit->peer->index;
    if (range->client >= load->client_base && lane < load->updates.lane_count && !is_own)
        ledger_receive(&load->updates, &visit->peer->updates, visit->peer->room, lane, load_number(load, range->clock_from),
                       load_number(load, range->clock_to), visit->now_ns);
    return STATUS_OK;
}

void peer_on_update(struct peer *peer, struct bytes update) {
    struct range_visit visit = { peer, load_now_ns() };
    struct crdt_range range;
    if (peer->replica != NULL) {
        struct crdt_txn *txn = crdt_txn_begin(peer->replica);
        if (crdt_update_apply(txn, update, NULL) != STATUS_OK)
            load_die("an update of the server cannot be applied (%zu bytes)", update.size);
        crdt_txn_commit(txn, NULL, NULL);
        return;
    }
    if (update_read(update, &range.client, &range.clock_from, &range.clock_to)) {
        range.clock_to += range.clock_from;
        peer_on_range(&visit, &range);
    } else if (crdt_update_each_range(update, peer_on_range, &visit) != STATUS_OK) {
        load_die("the server sent what is no update (%zu bytes)", update.size);
    }
}

void peer_on_awareness(struct peer *peer, struct bytes update) {
    struct load *load = peer->load;
    struct bytes_reader reader = bytes_reader(update);
    uint64_t count, client, clock, now_ns = load_now_ns();
    struct bytes state;
    if (varint_read(&reader, &count) != STATUS_OK)
        return;
    while (count-- > 0) {
        if (varint_read(&reader, &client) != STATUS_OK || varint_read(&reader, &clock) != STATUS_OK ||
            varint_read_view(&reader, &state) != STATUS_OK)
            load_die("the server sent what is no awareness update (%zu bytes)", update.size);
        uint64_t lane = client - load->client_base;
        if (client >= load->client_base && lane < load->moves.lane_count && lane != peer->index && clock > 0)
            ledger_receive(&load->moves, &peer->moves, peer->room, lane, clock - 1, clock, now_ns);
    }
}

void peer_on_ack(struct peer *peer, uint64_t count) {
    struct load *load = peer->load;
    const struct ledger_lane *lane = &load->updates.lanes[peer->room * load->updates.lane_count + peer->index];
    uint64_t before = peer->ack_count, now_ns = load_now_ns();
    peer->ack_count = count;
    if (!load->updates.measuring || peer->index >= load->updates.lane_count)
        return;
    /* What filled the document was acknowledged, too; it came first. */
    for (uint64_t n = before; n < count; n++)
        if (n >= peer->filled_count && n - peer->filled_count < lane->sent)
            histogram_add(&load->acks, now_ns - lane->due_ns[n - peer->filled_count]);
}

/* ---- bytes in ---- */

/* The end of the response's head, 0: not yet there. */
static size_t peer_head_size(const uint8_t *data, size_t size) {
    for (size_t i = 3; i < size; i++)
        if (data[i] == '\n' && data[i - 1] == '\r' && data[i - 2] == '\n' && data[i - 3] == '\r')
            return i + 1;
    return 0;
}

static void peer_on_frame(struct peer *peer, uint8_t opcode, struct bytes payload) {
    static const uint8_t mask[4] = { 0 };
    struct bytes_writer pong;
    switch (opcode) {
    case WS_TEXT:
    case WS_BINARY:
        peer->load->received_messages++;
        peer->load->door->message(peer, payload);
        break;
    case WS_PING:
        bytes_writer_init(&pong, &mem_default, 256);
        ws_frame_masked(&pong, WS_PONG, true, payload, mask);
        peer_send_bytes(peer, bytes_written(&pong));
        bytes_writer_finish(&pong);
        break;
    case WS_CLOSE:
        peer_lost(peer, payload.size >= 2 ? (uint16_t)(payload.data[0] << 8 | payload.data[1]) : 1005,
                  payload.size > 2 ? bytes_of(payload.data + 2, payload.size - 2) : bytes_of("", 0));
        break;
    default:
        break;
    }
}

/* Uses up whole frames; answers how many bytes that were. */
static size_t peer_on_frames(struct peer *peer, const uint8_t *data, size_t size) {
    size_t at = 0;
    while (peer->state >= PEER_ENTERING) {
        uint64_t payload;
        size_t head = ws_head_read(data + at, size - at, &payload);
        if (head == 0)
            break;
        if (!(data[at] & 0x80) || payload > SWARM_MESSAGE_MAX)
            load_die("the server sent a fragment, or a frame of %llu bytes", (unsigned long long)payload);
        if (size - at < head + payload)
            break;
        peer_on_frame(peer, data[at] & 0x0f, bytes_of(data + at + head, payload));
        at += head + payload;
    }
    return peer->state >= PEER_ENTERING ? at : size;
}

static size_t peer_on_answer(struct peer *peer, const uint8_t *data, size_t size) {
    size_t head = peer_head_size(data, size);
    if (head == 0)
        return 0;
    if (size < 12 || memcmp(data, "HTTP/1.1 101", 12) != 0)
        load_die("the upgrade was refused: %.*s", (int)(strcspn((const char *)data, "\r")), (const char *)data);
    peer->state = PEER_ENTERING;
    peer->load->door->opened(peer);
    return head;
}

static void peer_on_bytes(struct peer *peer, uint8_t *data, size_t size) {
    peer->load->received_bytes += size;
    if (peer->partial_size > 0) {
        if (peer->partial_size + size > peer->partial_capacity) {
            peer->partial_capacity = 2 * (peer->partial_size + size);
            peer->partial = load_must(realloc(peer->partial, peer->partial_capacity));
        }
        memcpy(peer->partial + peer->partial_size, data, size);
        data = peer->partial;
        size = peer->partial_size + size;
    }
    size_t used = 0;
    if (peer->state == PEER_UPGRADING)
        used = peer_on_answer(peer, data, size);
    if (peer->state >= PEER_ENTERING)
        used += peer_on_frames(peer, data + used, size - used);
    if (peer->state == PEER_AWAY)
        return;
    peer->partial_size = size - used;
    if (used < size && data == peer->partial) {
        memmove(peer->partial, data + used, size - used);
    } else if (used < size) {
        if (peer->partial_capacity < size - used) {
            free(peer->partial);
            peer->partial_capacity = size - used;
            peer->partial = load_must(malloc(peer->partial_capacity));
        }
        memcpy(peer->partial, data + used, size - used);
    } else if (peer->partial_capacity > SWARM_BUFFER_BYTES) {
        free(peer->partial);
        peer->partial = NULL;
        peer->partial_capacity = 0;
    }
}

/* ---- the turn ---- */

static void peer_on_writable(struct peer *peer) {
    if (peer->state == PEER_CONNECTING) {
        int error = 0;
        socklen_t size = sizeof error;
        if (getsockopt(peer->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0)
            load_die("no server answers at %s: %s", peer->load->authority, strerror(error));
        peer_watch(peer, EPOLL_CTL_MOD, EPOLLIN);
        peer_upgrade(peer);
        return;
    }
    ssize_t sent = send(peer->fd, peer->unsent, peer->unsent_size, MSG_NOSIGNAL);
    if (sent <= 0)
        return;
    peer->unsent_size -= (size_t)sent;
    memmove(peer->unsent, peer->unsent + sent, peer->unsent_size);
    if (peer->unsent_size == 0)
        peer_watch(peer, EPOLL_CTL_MOD, peer->state == PEER_STALLED ? 0 : EPOLLIN);
}

static void peer_on_readable(struct peer *peer) {
    static uint8_t buffer[SWARM_BUFFER_BYTES];
    ssize_t got = recv(peer->fd, buffer, sizeof buffer, 0);
    if (got > 0)
        peer_on_bytes(peer, buffer, (size_t)got);
    else if (got == 0 || (errno != EAGAIN && errno != EINTR))
        peer_lost(peer, 1006, bytes_text("the connection was cut"));
}

void swarm_turn(struct load *load, uint64_t until_ns) {
    struct epoll_event events[SWARM_EVENTS];
    uint64_t now_ns = load_now_ns(), wait_ns = until_ns > now_ns ? until_ns - now_ns : 0;
    struct timespec wait = { (time_t)(wait_ns / 1000000000), (long)(wait_ns % 1000000000) };
    int count = epoll_pwait2(load->epoll, events, SWARM_EVENTS, &wait, NULL);
    for (int i = 0; i < count; i++) {
        struct peer *peer = events[i].data.ptr;
        if (events[i].events & EPOLLOUT && peer->state != PEER_AWAY)
            peer_on_writable(peer);
        if (events[i].events & EPOLLIN && peer->state != PEER_AWAY)
            peer_on_readable(peer);
        if (events[i].events & (EPOLLHUP | EPOLLERR) && peer->state != PEER_AWAY)
            peer_lost(peer, 1006, bytes_text("the connection was cut"));
    }
}
