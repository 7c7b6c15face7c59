/* row_inside.h — from libpq's result to a reply. */
#ifndef STORE_ROW_INSIDE_H
#define STORE_ROW_INSIDE_H

#include "store/row.h"

#include <libpq-fe.h>

/* The status that an SQLSTATE means to callers; see struct reply. */
enum status sqlstate_status(const char *sqlstate);

/* Views `result`, which must outlive the reply. */
struct reply reply_of(const PGresult *result);

/* An answer that is not PostgreSQL's. */
struct reply reply_without(enum status status, const char *error);

#endif
