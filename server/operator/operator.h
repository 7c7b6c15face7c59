/* operator.h — commands for whoever runs the database: blocking programs of their own, beside a running server or without one.
 *
 *     vibesyncd migrate                   brings the database to this program's schema             migration.c
 *     vibesyncd verify                    walks every document, changes nothing                    verify.c
 *     vibesyncd config check|show         what serve would run with                                config_command.c
 *     vibesyncd doc dump FILE             a document's text, bytes or log, damaged or not          dump.c
 *     vibesyncd doc quarantine FILE       out of service; a running server lets go within seconds  repair.c
 *     vibesyncd doc release FILE          back into service, if need be with a new epoch           repair.c */
#ifndef SERVER_OPERATOR_H
#define SERVER_OPERATOR_H

#include "crdt/crdt.h"
#include "store/desk.h"

enum { OPERATOR_OK = 0, OPERATOR_FAILED = 1, OPERATOR_USAGE = 2 };

/* Each gets what follows its verb and answers the exit status. */
int operator_migrate(int count, char **arguments);
int operator_verify(int count, char **arguments);
int operator_doc(int count, char **arguments);
int operator_config(int count, char **arguments);

/* ---- for the files of this folder, and server_main.c ---- */

/* Takes "--name VALUE" or "--name=VALUE" at *index; NULL when the argument has another name, "" when its value is missing. */
const char *operator_option(int count, char **arguments, int *index, const char *name);

/* What a command on one document was told. */
struct operator_words {
    const char *url; /* --database, or VIBESYNC_DATABASE */
    struct uuid file;
    const char *as;      /* dump --as; NULL: text */
    const char *reason;  /* quarantine --reason */
    const char *version; /* release --version N; NULL: none */
    const char *text;    /* release --text FILE; NULL: none */
};

int operator_dump(struct desk *desk, const struct operator_words *words);
int operator_quarantine(struct desk *desk, const struct operator_words *words);
int operator_release(struct desk *desk, const struct operator_words *words);

/* Opens the database or says why not. */
int operator_open(const char *url, struct desk **out);

/* The answer's failure, said on stderr. */
int operator_failed(const char *doing, const struct reply *reply);

/* The file and checkpoint that `loaded` holds, then its journal, as a document without limits. `out_skipped`: pieces that could not
 * be applied; NULL: the first one ends it with STATUS_DAMAGED. `loaded->root_name` becomes what the journal made of it (document/root.h)
 * and is the document's. */
enum status operator_document(struct loaded_document *loaded, unsigned *out_skipped, struct crdt_doc **out);

/* Appends the text of a document; STATUS_NOT_FOUND: it has other roots and no text. */
enum status operator_text(struct crdt_doc *doc, struct bytes root_name, struct bytes_writer *out);

struct bytes_writer operator_writer(void);

#endif
