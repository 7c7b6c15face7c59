/* files_wire.h — the messages of files, for server and clients. PROTOCOL.md, "Files".
 *
 *     file.create   request   {path}         → {file}
 *     file.list     request   {after, limit} → {files, next}       by path
 *     file.rename   request   {file, path}   → {file}
 *     file.delete   request   {file}         → {file}
 *     file.changed  notice    {event, file, user} */
#ifndef SERVER_FEATURES_FILES_WIRE_H
#define SERVER_FEATURES_FILES_WIRE_H

#include "ground/uuid.h"
#include "wire/method.h"
#include "wire/pack.h"

enum { FILES_PATH_BYTES_MAX = 1024, FILES_NAME_BYTES_MAX = 255, FILES_PAGE_MAX = 500, FILES_PAGE_DEFAULT = 200 };

extern const struct wire_method files_methods[];

/* A file as it is told. */
struct file_entry {
    struct uuid id;
    struct bytes path;
    uint64_t size;       /* bytes of the text at the last checkpoint */
    struct bytes hash;   /* XXH3-128 in hex of the same; data NULL: never checkpointed */
    uint64_t version;    /* newest version's number; 0: none */
    uint64_t updated_at; /* Unix ms */
    bool quarantined;
};
void file_entry_write(struct bytes_writer *out, const void *entry);
struct pack_fields file_entry_read(struct bytes value, struct file_entry *out);

/* file.create and file.rename (id is nil for create), file.delete (path is empty). */
struct file_request {
    struct uuid id;
    struct bytes path;
};
struct pack_fields file_create_read(struct bytes params, struct file_request *out);
struct pack_fields file_rename_read(struct bytes params, struct file_request *out);
struct pack_fields file_delete_read(struct bytes params, struct file_request *out);
void file_create_write(struct bytes_writer *out, const struct file_request *request);
void file_rename_write(struct bytes_writer *out, const struct file_request *request);
void file_delete_write(struct bytes_writer *out, const struct file_request *request);

/* {file: entry}: what create, rename and delete answer. */
void file_result_write(struct bytes_writer *out, const void *entry);
struct pack_fields file_result_read(struct bytes result, struct file_entry *out);

struct file_list {
    struct bytes after; /* a path; data NULL: from the start */
    uint64_t limit;     /* 1 to FILES_PAGE_MAX */
};
struct pack_fields file_list_read(struct bytes params, struct file_list *out);
void file_list_write(struct bytes_writer *out, const struct file_list *list);

struct file_page {
    struct bytes files; /* encoded array of entries */
    struct bytes next;  /* `after` for the next page; data NULL: that was all */
};
void file_page_write(struct bytes_writer *out, const void *page);
struct pack_fields file_page_read(struct bytes result, struct file_page *out);

struct file_changed {
    const char *event; /* written: "created", "renamed", "deleted" */
    struct bytes what; /* read: the same word */
    struct file_entry file;
    struct uuid user;
};
void file_changed_write(struct bytes_writer *out, const void *changed);
struct pack_fields file_changed_read(struct bytes params, struct file_changed *out);

/* NULL if the path is one that a session can hold; else what is wrong with it, a static sentence. Relative, parts parted by one
 * '/', none of them empty, "." or "..", no control characters. */
const char *file_path_fault(struct bytes path);

#endif
