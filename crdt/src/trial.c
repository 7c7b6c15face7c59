/* trial.c — an update whose cost cannot be bounded beforehand is tried on a copy.
 *
 * How many concurrent runs stand at a place is known only when everything before is in place, and integrating cannot be taken back.
 * So the copy integrates, and stops looking for places as soon as it has taken too many steps: it is wrong then, and thrown away.
 * Costs the document's size and the update twice; only updates pay that whose runs times those of the document pass the bound. */
#include "crdt/update.h"
#include "store.h"

static enum status trial_apply(struct crdt_doc *copy, struct bytes update) {
    struct crdt_txn *txn = crdt_txn_begin(copy);
    enum status status = crdt_update_apply(txn, update, NULL);
    crdt_txn_commit(txn, NULL, NULL);
    return status;
}

enum status doc_try(struct crdt_doc *doc, struct bytes update) {
    struct crdt_doc_options options = doc->options;
    options.mem = doc->options.mem;
    options.update_bytes_max = SIZE_MAX;
    struct crdt_doc *copy;
    enum status status = crdt_doc_create(&options, &copy);
    if (status != STATUS_OK)
        return status;
    struct bytes_writer state;
    bytes_writer_init(&state, &doc->mem, SIZE_MAX);
    doc_sort_clients(doc);
    status = crdt_update_encode(doc, &state);
    if (status == STATUS_OK)
        status = trial_apply(copy, bytes_written(&state));
    bytes_writer_finish(&state);
    if (status == STATUS_OK) {
        copy->conflict_stop = copy->conflict_steps + doc->conflict_steps_max;
        status = trial_apply(copy, update);
        if (status == STATUS_OK && copy->conflict_steps > copy->conflict_stop)
            status = STATUS_TOO_BIG;
    }
    crdt_doc_destroy(copy);
    return status;
}
