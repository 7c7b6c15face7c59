/* pages.h — static files from the folder web_root: the page that runs in a browser.
 *
 * A path names a file below the folder by plain parts; anything hidden (".git"), any "..", backslash or NUL is not found, and no
 * symbolic link leads out: the kernel resolves beneath the folder. "/" and folders answer their index.html. Files change only by
 * being replaced; the ETag is made of size and time.
 *
 * Below assets/ a name holds a hash of its content, so it is cached for ever; everything else is asked for again. Who takes gzip
 * gets NAME.gz if it lies beside NAME. Each answer carries the page's Content-Security-Policy. */
#ifndef SERVER_PAGES_H
#define SERVER_PAGES_H

#include "http/http_conn.h"

enum { PAGES_PATH_MAX = 1024 };

/* GET or HEAD of the request's path. */
void pages_get(struct http_conn *conn);

#endif
