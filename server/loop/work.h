/* work.h — what would hold up a loop is done by a thread of the pool, on bytes that nobody else touches. */
#ifndef SERVER_LOOP_WORK_H
#define SERVER_LOOP_WORK_H

#include "loop/loop.h"

/* Calls `run(context)` in a thread of the pool, then `done(context)` in the loop's. It cannot be called off: who ends before,
 * leaves a context that knows that nobody waits. loop_destroy() waits for it, too. STATUS_NO_MEMORY: neither is called. */
enum status loop_work(struct loop *loop, loop_fn run, loop_fn done, void *context);

#endif
