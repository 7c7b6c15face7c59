#include "ledger.h"

#include "load.h"

#include <assert.h>
#include <stdlib.h>

void ledger_init(struct ledger *ledger, size_t room_count, size_t lane_count) {
    *ledger = (struct ledger){ .room_count = room_count, .lane_count = lane_count };
    ledger->lanes = load_must(calloc(room_count * lane_count + 1, sizeof *ledger->lanes));
}

void ledger_finish(struct ledger *ledger) {
    for (size_t i = 0; ledger->lanes != NULL && i < ledger->room_count * ledger->lane_count; i++)
        free(ledger->lanes[i].due_ns);
    free(ledger->lanes);
    ledger->lanes = NULL;
}

void ledger_view_init(const struct ledger *ledger, struct ledger_view *view) {
    *view = (struct ledger_view){ 0 };
    if (ledger->lane_count > 0)
        view->to = load_must(calloc(ledger->lane_count, sizeof *view->to));
}

void ledger_view_finish(struct ledger_view *view) {
    free(view->to);
    *view = (struct ledger_view){ 0 };
}

void ledger_view_reset(const struct ledger *ledger, struct ledger_view *view) {
    for (size_t i = 0; i < ledger->lane_count; i++)
        view->to[i] = 0;
    view->missing = 0;
    view->live = false;
}

static struct ledger_lane *ledger_lane(const struct ledger *ledger, size_t room, size_t lane) {
    assert(room < ledger->room_count && lane < ledger->lane_count);
    return &ledger->lanes[room * ledger->lane_count + lane];
}

uint64_t ledger_send(struct ledger *ledger, size_t room, size_t lane, uint64_t due_ns) {
    struct ledger_lane *at = ledger_lane(ledger, room, lane);
    if (at->sent == at->capacity) {
        at->capacity = at->capacity == 0 ? 64 : at->capacity * 2;
        at->due_ns = load_must(realloc(at->due_ns, at->capacity * sizeof *at->due_ns));
    }
    at->due_ns[at->sent] = due_ns;
    return at->sent++;
}

static void ledger_take(struct ledger *ledger, struct ledger_lane *lane, uint64_t number, uint64_t now_ns) {
    lane->delivered++;
    if (!ledger->measuring)
        return;
    ledger->delivered++;
    histogram_add(&ledger->latency, now_ns - lane->due_ns[number]);
}

static void ledger_take_newest(struct ledger *ledger, const struct ledger_lane *lane, uint64_t count, uint64_t number,
                               uint64_t now_ns) {
    uint64_t ns = now_ns - lane->due_ns[number];
    if (!ledger->measuring)
        return;
    if (ns <= ledger->in_time_ns)
        ledger->delivered += count;
    else
        ledger->late += count;
    histogram_add(&ledger->latency, ns);
}

void ledger_receive(struct ledger *ledger, struct ledger_view *view, size_t room, size_t lane, uint64_t from, uint64_t to,
                    uint64_t now_ns) {
    struct ledger_lane *at = ledger_lane(ledger, room, lane);
    uint32_t *seen = &view->to[lane];
    if (to > at->sent || from >= to) /* not of this run */
        return;
    uint64_t known = *seen;
    if (to > known)
        *seen = (uint32_t)to;
    if (ledger->newest_only) {
        if (view->live && to > known)
            ledger_take_newest(ledger, at, to - known, to - 1, now_ns);
        return;
    }
    if (from > known)
        view->missing += (uint32_t)(from - known);
    uint64_t again = from < known ? (to < known ? to : known) - from : 0;
    uint64_t filled = again < view->missing ? again : view->missing;
    view->missing -= (uint32_t)filled;
    if (!view->live)
        return;
    ledger->duplicated += again - filled;
    uint64_t first = from > known ? from : known;
    if (to <= known)
        first = to;
    for (uint64_t number = first - filled; number < to; number++)
        ledger_take(ledger, at, number, now_ns);
}

uint64_t ledger_lacks(const struct ledger *ledger, const struct ledger_view *view, size_t room, size_t own) {
    uint64_t lacks = view->missing;
    for (size_t lane = 0; lane < ledger->lane_count; lane++)
        if (lane != own)
            lacks += ledger_lane(ledger, room, lane)->sent - view->to[lane];
    return lacks;
}
