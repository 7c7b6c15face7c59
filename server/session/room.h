/* room.h — awareness among the connections of one document, or of the session itself.
 *
 *   kind 5 in ──▶ room_apply: states kept, changed clients noted ──▶ (tick) room->flush: one frame with the newest of each ──▶ all
 *
 * A newcomer gets all states at once. So does a member that takes nothing when the tick comes, once it does: not every tick that it
 * missed, but the newest. States of a connection that has gone are removed and announced; states that nobody renews
 * expire. The states are opaque JSON made by clients. */
#ifndef SERVER_ROOM_H
#define SERVER_ROOM_H

#include "crdt/awareness.h"
#include "document/frame.h"
#include "server.h"
#include "session/room_member.h"

enum { ROOM_CLIENTS_PER_CONNECTION_MAX = 64 };

struct room {
    struct list dirty_link; /* in the server's list of rooms that have something to tell, or alone */
    struct list *dirty_list;
    void (*flush)(struct room *room); /* sends room_changed() to the connections of the room's owner */
    struct crdt_awareness *awareness; /* made with the first state */
    uint64_t *changed;                /* clients changed since the last flush */
    uint32_t changed_count;
    uint32_t changed_capacity;
    uint64_t changed_by; /* the one connection that caused all of it; 0: several */
    uint32_t missed_by;  /* members that missed a tick */
    uint64_t *gone;      /* clients whose state ended since then; with missed_by 0: in this tick */
    uint32_t gone_count;
    uint32_t gone_capacity;
};

void room_init(struct room *room, struct server *server, void (*flush)(struct room *room));
void room_finish(struct room *room);

/* Its owner has something to tell: flush() comes with the next tick. */
void room_touch(struct room *room);

/* Applies what `connection` sent; its clients are noted in `member`. STATUS_MALFORMED, STATUS_TOO_BIG, STATUS_NO_MEMORY: unchanged.
 */
enum status room_apply(struct room *room, struct room_member *member, uint64_t connection, struct bytes update, uint64_t now_ms);

/* The same from a member that sends back what it hears, as y-websocket's providers do: what it says of clients that others
 * introduced counts only if it is news. So nobody is taken to be there, or gone, by hearsay. */
enum status room_apply_news(struct room *room, struct room_member *member, uint64_t connection, struct bytes update,
                            uint64_t now_ms);

/* The member has gone: its states are removed. */
void room_leave(struct room *room, struct room_member *member, uint64_t now_ms);

void room_expire(struct room *room, uint64_t now_ms);

/* What changed since the last call, as an awareness update into the fresh writer `out`; false if nothing did or there is no memory.
 * `out_except`: the connection that knows it all already, 0: none. */
bool room_changed(struct room *room, struct bytes_writer *out, uint64_t *out_except);

/* The member does not get this tick. */
void room_miss(struct room *room, struct room_member *member);

/* What a member that missed ticks is to be told now: all states, and who has gone. Answers how many frames that are; the caller's.
 */
enum { ROOM_CATCH_UP_FRAMES = 2 };
size_t room_catch_up(struct room *room, struct room_member *member, struct frame_address to,
                     struct frame *out_frames[ROOM_CATCH_UP_FRAMES]);

/* All states as one frame, or NULL if there are none (or no memory). */
struct frame *room_keyframe(const struct room *room, struct frame_address to);

#endif
