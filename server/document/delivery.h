/* delivery.h — what a subscriber is owed, and when it leaves.
 *
 *   an update    into the outbox at once
 *   an ack       with whatever leaves next, the newest only, and not while the kernel takes nothing from the connection. At the
 *                end of the turn if the connection was told nothing lately; else it waits for company, at most
 *                CONNECTION_HOLD_MS and a tick: an ack alone is a write of its own, which costs as much as a delivery.
 *                In the dialects that have one
 *   a state      kind 6: what the peer lacks. At once if the outbox has room for it; one at a time per connection
 *
 * A subscriber whose connection reads too slowly falls *behind*:
 *
 *               the update with which `outbox_soft_bytes` wait is queued as the last,
 *               and the document's state vector noted: `known`
 *   CURRENT ──────────────────────────────────────────────────────────────▶ BEHIND   updates are dropped for it
 *      ▲                                                                      │
 *      └──────────────────────────────────────────────────────────────────────┘
 *               the outbox has drained: one diff from `known`
 *
 * A state that is asked for and has no room yet is the same thing: the peer is behind from the vector that it sent. A vector that
 * cannot be kept (no memory, too long) counts as empty: the peer then gets everything, which is always right. */
#ifndef SERVER_DELIVERY_H
#define SERVER_DELIVERY_H

#include "document/document.h"

/* Sends an update that the document has taken in to every subscriber but `except` (may be NULL). STATUS_NO_MEMORY: not to all. */
enum status delivery_update(struct document *document, struct bytes update, const struct subscription *except);

/* Owes the subscriber what a peer with this state vector lacks. STATUS_MALFORMED: not a state vector, nothing is owed. */
enum status delivery_state(struct subscription *subscription, struct bytes state_vector);

/* Owes the acknowledgement of its first `count` updates. */
void delivery_ack(struct subscription *subscription, uint64_t count);

/* Owes it the presence that it missed. */
void delivery_presence(struct subscription *subscription);

/* Moves what is owed into the outbox of the connection, whose kernel takes bytes: before each of its writes. May end the
 * connection. */
void delivery_settle(struct connection *connection);

/* The acks alone: the connection is about to be closed. May end it. */
void delivery_send_acks(struct connection *connection);

/* The subscription ends: nothing is owed any more. */
void delivery_forget(struct subscription *subscription);

#endif
