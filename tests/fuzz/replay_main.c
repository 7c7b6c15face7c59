/* replay_main.c — feeds files to a fuzz target, without libFuzzer: the committed corpus as a plain test, and a single crash by
 * hand.
 *
 *   fuzz_x_replay FOLDER|FILE…      every file of a folder, in no order; fails by crashing, or with 1 if nothing was read */
#include <dirent.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t files_read;

static void replay_file(const char *path) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        exit(1);
    }
    size_t capacity = 1;
    size_t size = 0;
    uint8_t *data = malloc(capacity);
    for (size_t count = 1; data != NULL && count > 0; size += count) {
        if (size == capacity) {
            capacity *= 2;
            uint8_t *grown = realloc(data, capacity);
            if (grown == NULL)
                break;
            data = grown;
        }
        count = fread(data + size, 1, capacity - size, file);
    }
    fclose(file);
    /* An exact copy, so that a sanitizer sees a read past the end. */
    uint8_t *exact = malloc(size == 0 ? 1 : size);
    if (data == NULL || exact == NULL)
        exit(1);
    for (size_t i = 0; i < size; i++)
        exact[i] = data[i];
    free(data);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    files_read++;
}

static void replay_path(const char *path) {
    DIR *folder = opendir(path);
    if (folder == NULL) {
        replay_file(path);
        return;
    }
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char file[4096];
        struct stat facts;
        snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        if (stat(file, &facts) == 0 && S_ISREG(facts.st_mode))
            replay_file(file);
    }
    closedir(folder);
}

int main(int count, char **paths) {
    for (int i = 1; i < count; i++)
        replay_path(paths[i]);
    printf("%zu files\n", files_read);
    return files_read > 0 ? 0 : 1;
}
