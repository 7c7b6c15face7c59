/* client_retry.h — what to do after a connection ended, and how long to wait.
 *
 *   ended by                                decision
 *   1001 (the server drains)                at once, with a few ms of jitter so that not all arrive together; later if the
 *                                           session.fault before it said when (`after_ms`)
 *   44xx, 1000, 1002, 1003, 1007 … 1010     give up: the same again would fail again, the application must act
 *   45xx, 1011, 1012, 1013, no close, else  back off
 *   HTTP 408, 425, 429, 5xx instead of 101  back off
 *   any other HTTP status                   give up
 *
 * Pauses double from CLIENT_BACKOFF_MIN_MS to CLIENT_BACKOFF_MAX_MS; each is drawn from its upper half, so clients that were lost
 * together come back apart. */
#ifndef CLIENT_RETRY_H
#define CLIENT_RETRY_H

#include <stdint.h>

enum client_decision { CLIENT_RETRY_AT_ONCE, CLIENT_RETRY_LATER, CLIENT_GIVE_UP };

/* `code`  1005 and 1006 stand for "none was given" and "the socket failed" */
enum client_decision client_decide_close(uint16_t code);
enum client_decision client_decide_http(unsigned status);

/* `attempt`  how many failed before, from 0; `random`: any bits. Milliseconds. */
uint64_t client_backoff(unsigned attempt, uint32_t random);

/* The pause for CLIENT_RETRY_AT_ONCE: 0 to 100 ms. */
uint64_t client_jitter(uint32_t random);

#endif
