/* crowd_main.c — a random crowd types into one text over a network that loses, repeats and reorders.
 *
 * Every peer has an engine document and a naive twin (naive_text.h). What one types travels as a v1 update to the engines and as
 * single units to the twins. Whenever a peer has nothing pending, and for all at the end, after everybody has exchanged state
 * vectors and diffs, the engine's text must be its twin's, unit by unit. Invariants are checked after every step. Cuts through
 * surrogate pairs are left out: there Yjs itself does not converge.
 *
 *   crowd [FIRST-SEED [SEEDS [STEPS]]]     a failure prints the seed, and the fewest steps that still fail */
#include "crdt/crdt.h"
#include "naive_text.h"
#include "src/doc_check.h"

#include <stdio.h>
#include <stdlib.h>

enum { PEERS_MAX = 6, MESSAGES_MAX = 4096, CHANGES_MAX = 64 };

struct change {
    struct naive_unit unit; /* typed, or */
    struct naive_id deleted;
    bool deletes;
};

struct message {
    uint8_t *update;
    size_t update_size;
    struct change *changes;
    size_t change_count;
};

struct peer {
    struct crdt_doc *doc;
    struct crdt_type *text;
    struct naive_text twin;
    struct change *waiting; /* for units that the twin lacks */
    size_t waiting_count;
    size_t waiting_capacity;
};

struct crowd {
    uint64_t random;
    struct peer peers[PEERS_MAX];
    size_t peer_count;
    struct message log[MESSAGES_MAX]; /* everything that was ever sent */
    size_t sent;
    const char *wrong;
};

/* SplitMix64 (Steele, Lea, Flood 2014). */
static uint64_t crowd_random(struct crowd *crowd, uint64_t below) {
    uint64_t z = crowd->random += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (z ^ z >> 31) % below;
}

static void crowd_expect(struct crowd *crowd, bool fact, const char *what) {
    if (!fact && crowd->wrong == NULL)
        crowd->wrong = what;
}

static void twin_try_waiting(struct peer *peer) {
    for (bool moved = true; moved;) {
        moved = false;
        size_t kept = 0;
        for (size_t i = 0; i < peer->waiting_count; i++) {
            struct change change = peer->waiting[i];
            if (change.deletes && naive_known(&peer->twin, change.deleted))
                naive_delete(&peer->twin, change.deleted);
            else if (!change.deletes && naive_ready(&peer->twin, &change.unit))
                naive_place(&peer->twin, &change.unit);
            else {
                peer->waiting[kept++] = change;
                continue;
            }
            moved = true;
        }
        peer->waiting_count = kept;
    }
}

static void twin_hear(struct peer *peer, const struct change *changes, size_t count) {
    if (peer->waiting_count + count > peer->waiting_capacity) {
        peer->waiting_capacity = (peer->waiting_count + count) * 2;
        peer->waiting = realloc(peer->waiting, peer->waiting_capacity * sizeof *peer->waiting);
        if (peer->waiting == NULL)
            abort();
    }
    for (size_t i = 0; i < count; i++)
        peer->waiting[peer->waiting_count++] = changes[i];
    twin_try_waiting(peer);
}

/* The text in UTF-16; the caller frees it. */
static uint16_t *peer_units(const struct peer *peer, size_t *out_count) {
    struct bytes_writer text;
    bytes_writer_init(&text, &mem_default, SIZE_MAX);
    crdt_text_write(peer->doc, peer->text, &text);
    uint16_t *units = malloc((text.size + 1) * sizeof *units);
    size_t count = 0;
    for (size_t i = 0; i < text.size;) {
        uint32_t lead = text.data[i];
        unsigned size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
        uint32_t point = size == 1 ? lead : lead & (0x7fu >> size);
        for (unsigned more = 1; more < size; more++)
            point = point << 6 | (text.data[i + more] & 0x3f);
        if (point >= 0x10000) {
            units[count++] = (uint16_t)(0xd800 + ((point - 0x10000) >> 10));
            units[count++] = (uint16_t)(0xdc00 + ((point - 0x10000) & 0x3ff));
        } else {
            units[count++] = (uint16_t)point;
        }
        i += size;
    }
    bytes_writer_finish(&text);
    *out_count = count;
    return units;
}

static bool peer_is_as_twin(struct peer *peer) {
    size_t count;
    size_t wanted_count = naive_visible(&peer->twin);
    uint16_t *units = peer_units(peer, &count);
    uint16_t *wanted = malloc((wanted_count + 1) * sizeof *wanted);
    naive_write(&peer->twin, wanted);
    bool same = count == wanted_count && crdt_text_length(peer->text) == count && memcmp(units, wanted, count * sizeof *units) == 0;
    free(units);
    free(wanted);
    return same;
}

/* Whether peer and twin may differ for now: the twin takes what waited at once, the peer, as Yjs, when a noted clock is passed. */
static bool peer_waits(const struct peer *peer) {
    struct crdt_doc_size size = crdt_doc_size(peer->doc);
    return size.pending_structs || size.pending_deletes || peer->waiting_count > 0;
}

static void peer_check(struct crowd *crowd, struct peer *peer) {
    const char *broken = NULL;
    if (doc_check(peer->doc, &broken) != 0)
        crowd_expect(crowd, false, broken);
    crowd_expect(crowd, peer_waits(peer) || peer_is_as_twin(peer), "the text differs from the twin");
}

static bool pair_inside(const struct peer *peer, size_t index) {
    size_t count = naive_visible(&peer->twin);
    uint16_t *units = malloc((count + 1) * sizeof *units);
    naive_write(&peer->twin, units);
    bool inside = index > 0 && index < count && (units[index] & 0xfc00) == 0xdc00;
    free(units);
    return inside;
}

static void peer_type(struct crowd *crowd, struct peer *peer) {
    static const struct {
        const char *utf8;
        uint16_t units[4];
        size_t count;
    } words[] = { { "a", { 'a' }, 1 },
                  { "xyz", { 'x', 'y', 'z' }, 3 },
                  { "\xed\x95\x9c", { 0xd55c }, 1 },
                  { "\xf0\x9f\x98\x80", { 0xd83d, 0xde00 }, 2 },
                  { "-\xc3\xa9-", { '-', 0xe9, '-' }, 3 } };
    if (peer_waits(peer) && !peer_is_as_twin(peer))
        return;
    struct change changes[CHANGES_MAX];
    size_t change_count = 0;
    uint64_t client = crdt_doc_client_id(peer->doc);
    struct crdt_txn *txn = crdt_txn_begin(peer->doc);
    for (uint64_t edits = 1 + crowd_random(crowd, 3); edits > 0; edits--) {
        size_t length = naive_visible(&peer->twin);
        size_t index = crowd_random(crowd, 3) == 0 ? length : crowd_random(crowd, length + 1);
        index -= pair_inside(peer, index);
        if (length > 0 && crowd_random(crowd, 3) == 0) {
            size_t end = index + crowd_random(crowd, 6);
            end = end > length ? length : end;
            end -= pair_inside(peer, end);
            end = end < index ? index : end;
            enum status status = crdt_text_delete(txn, peer->text, index, end - index);
            crowd_expect(crowd, status == STATUS_OK, "a deletion was refused");
            for (size_t i = index; i < end; i++) {
                struct change change = { .deletes = true, .deleted = naive_id_at(&peer->twin, index) };
                naive_delete(&peer->twin, change.deleted);
                changes[change_count++] = change;
            }
        } else {
            size_t word = crowd_random(crowd, sizeof words / sizeof *words);
            enum status status = crdt_text_insert(txn, peer->text, index, bytes_text(words[word].utf8));
            crowd_expect(crowd, status == STATUS_OK, "an insertion was refused");
            for (size_t i = 0; i < words[word].count; i++) {
                struct change change = { .unit = naive_type(&peer->twin, client, index + i, words[word].units[i]) };
                if (i > 0) /* one insertion has one right neighbour */
                    change.unit.right_origin = changes[change_count - 1].unit.right_origin;
                naive_place(&peer->twin, &change.unit);
                changes[change_count++] = change;
            }
        }
    }
    struct bytes_writer update;
    bytes_writer_init(&update, &mem_default, SIZE_MAX);
    crowd_expect(crowd, crdt_txn_commit(txn, &update, NULL) == STATUS_OK, "a commit failed");
    if (update.size > 0 && crowd->sent < MESSAGES_MAX) {
        struct message *message = &crowd->log[crowd->sent++];
        struct bytes exact = bytes_written(&update);
        message->update = malloc(exact.size);
        message->changes = malloc((change_count + 1) * sizeof *changes);
        if (message->update == NULL || message->changes == NULL)
            abort();
        memcpy(message->update, exact.data, exact.size);
        memcpy(message->changes, changes, change_count * sizeof *changes);
        message->update_size = exact.size;
        message->change_count = change_count;
    }
    bytes_writer_finish(&update);
}

static void peer_hear(struct crowd *crowd, struct peer *peer, const struct message *message) {
    struct crdt_txn *txn = crdt_txn_begin(peer->doc);
    enum status status = crdt_update_apply(txn, bytes_of(message->update, message->update_size), NULL);
    crdt_txn_commit(txn, NULL, NULL);
    crowd_expect(crowd, status == STATUS_OK, "an update was refused");
    twin_hear(peer, message->changes, message->change_count);
}

/* `from` tells `to` what it lacks, by state vector. The twin hears all that `from`'s twin knows. */
static void peer_sync(struct crowd *crowd, struct peer *from, struct peer *to) {
    struct bytes_writer known;
    struct bytes_writer diff;
    bytes_writer_init(&known, &mem_default, SIZE_MAX);
    bytes_writer_init(&diff, &mem_default, SIZE_MAX);
    crdt_state_vector_encode(to->doc, &known);
    crowd_expect(crowd, crdt_update_encode_diff(from->doc, bytes_written(&known), &diff) == STATUS_OK, "no diff");
    struct crdt_txn *txn = crdt_txn_begin(to->doc);
    crowd_expect(crowd, crdt_update_apply(txn, bytes_written(&diff), NULL) == STATUS_OK, "a diff was refused");
    crdt_txn_commit(txn, NULL, NULL);
    bytes_writer_finish(&known);
    bytes_writer_finish(&diff);
    for (size_t i = 0; i < from->twin.count; i++) {
        struct change typed = { .unit = from->twin.units[i] };
        struct change deleted = { .deletes = true, .deleted = from->twin.units[i].id };
        typed.unit.deleted = false;
        if (!naive_known(&to->twin, typed.unit.id))
            twin_hear(to, &typed, 1);
        if (from->twin.units[i].deleted)
            twin_hear(to, &deleted, 1);
    }
    for (size_t i = 0; i < from->waiting_count; i++)
        twin_hear(to, &from->waiting[i], 1);
}

/* What was wrong, or NULL. */
static const char *crowd_run(uint64_t seed, unsigned steps) {
    static struct crowd crowd;
    memset(&crowd, 0, sizeof crowd);
    crowd.random = seed;
    crowd.peer_count = 2 + crowd_random(&crowd, PEERS_MAX - 1);
    for (size_t i = 0; i < crowd.peer_count; i++) {
        uint64_t id = crowd_random(&crowd, 4) == 0 ? UINT64_C(9007199254740991) - i : crowd_random(&crowd, 1000) * 10 + i;
        struct crdt_doc_options options = { .client_id = id, .gc = crowd_random(&crowd, 4) != 0 };
        if (crdt_doc_create(&options, &crowd.peers[i].doc) != STATUS_OK ||
            crdt_doc_root(crowd.peers[i].doc, bytes_text("t"), &crowd.peers[i].text) != STATUS_OK)
            abort();
    }
    for (unsigned step = 0; step < steps && crowd.wrong == NULL; step++) {
        struct peer *peer = &crowd.peers[crowd_random(&crowd, crowd.peer_count)];
        uint64_t dice = crowd_random(&crowd, 20);
        if (dice < 8 || crowd.sent == 0) {
            peer_type(&crowd, peer);
        } else if (dice < 19) { /* any message, again or for the first time, often a recent one */
            size_t reach = crowd_random(&crowd, 3) == 0 ? crowd.sent : crowd.sent < 8 ? crowd.sent : 8;
            peer_hear(&crowd, peer, &crowd.log[crowd.sent - 1 - crowd_random(&crowd, reach)]);
        } else {
            struct peer *other = &crowd.peers[crowd_random(&crowd, crowd.peer_count)];
            if (other != peer)
                peer_sync(&crowd, other, peer);
        }
        peer_check(&crowd, peer);
    }
    for (int round = 0; round < 2; round++)
        for (size_t from = 0; from < crowd.peer_count; from++)
            for (size_t to = 0; to < crowd.peer_count && crowd.wrong == NULL; to++)
                if (from != to) {
                    peer_sync(&crowd, &crowd.peers[from], &crowd.peers[to]);
                    peer_check(&crowd, &crowd.peers[to]);
                }
    for (size_t i = 0; i < crowd.peer_count; i++) {
        struct peer *peer = &crowd.peers[i];
        struct crdt_doc_size size = crdt_doc_size(peer->doc);
        crowd_expect(&crowd, !size.pending_structs && !size.pending_deletes && peer->waiting_count == 0, "something still waits");
        size_t first_count;
        size_t count;
        uint16_t *first = peer_units(&crowd.peers[0], &first_count);
        uint16_t *units = peer_units(peer, &count);
        crowd_expect(&crowd, count == first_count && memcmp(first, units, count * sizeof *units) == 0,
                     "two peers ended with different texts");
        free(first);
        free(units);
    }
    for (size_t i = 0; i < crowd.peer_count; i++) {
        crdt_doc_destroy(crowd.peers[i].doc);
        naive_finish(&crowd.peers[i].twin);
        free(crowd.peers[i].waiting);
    }
    for (size_t i = 0; i < crowd.sent; i++) {
        free(crowd.log[i].update);
        free(crowd.log[i].changes);
    }
    return crowd.wrong;
}

int main(int count, char **arguments) {
    uint64_t seed = count > 1 ? strtoull(arguments[1], NULL, 10) : 1;
    uint64_t seeds = count > 2 ? strtoull(arguments[2], NULL, 10) : 150;
    unsigned steps = count > 3 ? (unsigned)strtoul(arguments[3], NULL, 10) : 120;
    printf("seeds %llu to %llu, %u steps each\n", (unsigned long long)seed, (unsigned long long)(seed + seeds - 1), steps);
    for (uint64_t last = seed + seeds; seed < last; seed++) {
        const char *wrong = crowd_run(seed, steps);
        if (wrong == NULL)
            continue;
        unsigned fewest = 0;
        while (fewest < steps && crowd_run(seed, fewest) == NULL)
            fewest++;
        fprintf(stderr, "seed %llu: %s; fewest steps: crowd %llu 1 %u\n", (unsigned long long)seed, wrong, (unsigned long long)seed,
                fewest);
        return 1;
    }
    return 0;
}
