/* trace.h — recorded editing sessions, as files.
 *
 *   54 52 53 51 | 01 00 00 00 | 03 00 00 00 | pos del n text …     "TRSQ", version 1, patches
 *   54 52 43 43 | 01 00 00 00 | transactions | agents | …          "TRCC", version 1; per transaction: agent, parent count,
 * parents, patch count, patches
 *
 * Numbers are unsigned, 32 bits, little-endian. Positions and lengths count UTF-16 units. A sequential trace reads as one
 * transaction per patch, of agent 0, each the parent of the next. */
#ifndef CLI_TRACE_H
#define CLI_TRACE_H

#include "ground/bytes.h"

enum { TRACE_BYTES_MAX = 256 * 1024 * 1024, TRACE_AGENTS_MAX = 256 };

struct trace_patch {
    uint32_t position, deleted;
    struct bytes text;
};

struct trace_step {
    uint32_t agent;
    uint32_t parent, parent_count; /* into trace.parents */
    uint32_t patch, patch_count;   /* into trace.patches */
};

struct trace {
    bool concurrent;
    uint32_t agent_count;
    struct trace_step *steps;
    uint32_t step_count;
    struct trace_patch *patches;
    uint32_t patch_count;
    uint32_t *parents; /* indices of earlier steps */
    /* private */
    size_t steps_bytes, patches_bytes, parents_bytes;
};

/* `bytes`  outlives the trace: its text lies there
 * STATUS_MALFORMED: no trace, cut off, text that is not UTF-8, or a parent that comes later. STATUS_NO_MEMORY. */
enum status trace_read(struct bytes bytes, struct trace *out);
void trace_finish(struct trace *trace);

#endif
