/* check.c — after the load: a newcomer to a room must find every character that was written there. */
#include "load.h"

enum { CHECK_ROOMS_MAX = 20, CHECK_MS = 20000 };

/* The text that all writers' updates make. */
static bool check_recorded(struct load *load, const struct crdt_type *seen, size_t index) {
    struct crdt_doc *doc;
    struct crdt_type *text;
    struct bytes_writer wanted, found;
    if (crdt_doc_create(&(struct crdt_doc_options){ .gc = true }, &doc) != STATUS_OK ||
        crdt_doc_root(doc, bytes_text("text"), &text) != STATUS_OK)
        load_die("out of memory");
    for (size_t lane = 0; lane < load->updates.lane_count; lane++) {
        for (uint64_t i = 0; i < load->updates.lanes[index * load->updates.lane_count + lane].sent; i++) {
            struct crdt_txn *txn = crdt_txn_begin(doc);
            if (crdt_update_apply(txn, recording_update(&load->recording, lane, i), NULL) != STATUS_OK)
                load_die("an update of the trace cannot be applied");
            crdt_txn_commit(txn, NULL, NULL);
        }
    }
    bytes_writer_init(&wanted, &mem_default, 1 << 28);
    bytes_writer_init(&found, &mem_default, 1 << 28);
    if (crdt_text_write(doc, text, &wanted) != STATUS_OK || crdt_text_write(load->checker->replica, seen, &found) != STATUS_OK)
        load_die("out of memory");
    bool equal = bytes_equal(bytes_written(&wanted), bytes_written(&found));
    if (!equal)
        fprintf(stderr, "vibesync-load: room %zu: a newcomer sees another text than was typed\n", index);
    bytes_writer_finish(&wanted);
    bytes_writer_finish(&found);
    crdt_doc_destroy(doc);
    return equal;
}

static bool check_replica(struct load *load, const struct room *room, size_t index) {
    struct crdt_doc *replica = load->checker->replica;
    struct crdt_type *text;
    uint64_t characters = room->filled_characters;
    for (size_t lane = 0; lane < load->updates.lane_count; lane++) {
        uint64_t updates = load->updates.lanes[index * load->updates.lane_count + lane].sent;
        uint64_t sent = updates * load->scenario.characters;
        if (load->recording.update_count > 0)
            sent = updates == 0 ? 0 : load->recording.units_to[updates - 1];
        uint64_t there = crdt_doc_clock(replica, load->client_base + lane);
        characters += sent;
        if (there != sent) {
            fprintf(stderr, "vibesync-load: room %zu, writer %zu: a newcomer gets %llu of %llu characters\n", index, lane,
                    (unsigned long long)there, (unsigned long long)sent);
            return false;
        }
    }
    if (crdt_doc_root(replica, bytes_text("text"), &text) != STATUS_OK)
        load_die("out of memory");
    if (load->recording.update_count > 0)
        return check_recorded(load, text, index);
    if (crdt_type_length(text) == characters)
        return true;
    fprintf(stderr, "vibesync-load: room %zu: a newcomer sees %llu of %llu characters\n", index,
            (unsigned long long)crdt_type_length(text), (unsigned long long)characters);
    return false;
}

size_t check_rooms(struct load *load, size_t *out_checked) {
    size_t differing = 0;
    struct peer *checker = load->checker;
    *out_checked = load->scenario.rooms < CHECK_ROOMS_MAX ? load->scenario.rooms : CHECK_ROOMS_MAX;
    for (size_t i = 0; i < *out_checked; i++) {
        size_t room = i * load->scenario.rooms / *out_checked;
        uint64_t deadline_ns = load_now_ns() + (uint64_t)CHECK_MS * 1000000;
        if (crdt_doc_create(&(struct crdt_doc_options){ .gc = true }, &checker->replica) != STATUS_OK)
            load_die("out of memory");
        checker->room = (uint32_t)room;
        memcpy(checker->token, load->rooms[room].owner_token, sizeof checker->token);
        peer_connect(checker);
        while (checker->state != PEER_LIVE && load_now_ns() < deadline_ns)
            swarm_turn(load, load_now_ns() + 10000000);
        differing += checker->state != PEER_LIVE || !check_replica(load, &load->rooms[room], room);
        peer_cut(checker);
        crdt_doc_destroy(checker->replica);
        checker->replica = NULL;
    }
    return differing;
}
