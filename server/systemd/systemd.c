/* systemd.c — see systemd.h. */
#include "systemd/systemd.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { SYSTEMD_FIRST_FD = 3 };

/* The number in the variable `name`, 0 if it holds none. */
static uint64_t systemd_number(const char *name) {
    const char *text = getenv(name);
    if (text == NULL || text[0] == '\0' || strlen(text) > 18 || strspn(text, "0123456789") != strlen(text))
        return 0;
    return strtoull(text, NULL, 10);
}

/* Whether the variables are meant for this process, not for the one that started it. */
static bool systemd_means_us(const char *pid_name) {
    return getenv(pid_name) == NULL || systemd_number(pid_name) == (uint64_t)getpid();
}

enum status systemd_socket(int *out_fd, char *error, size_t error_bytes) {
    uint64_t count = systemd_number("LISTEN_FDS");
    bool ours = getenv("LISTEN_PID") != NULL && systemd_means_us("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDNAMES");
    *out_fd = -1;
    if (!ours || count == 0)
        return STATUS_OK;
    if (count > 1) {
        snprintf(error, error_bytes, "LISTEN_FDS hands over %llu sockets: one ListenStream= is taken", (unsigned long long)count);
        return STATUS_MALFORMED;
    }
    int listens = 0, family = 0, type = 0;
    socklen_t size = sizeof listens;
    if (getsockopt(SYSTEMD_FIRST_FD, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 ||
        getsockopt(SYSTEMD_FIRST_FD, SOL_SOCKET, SO_DOMAIN, &family, &size) != 0 ||
        getsockopt(SYSTEMD_FIRST_FD, SOL_SOCKET, SO_TYPE, &type, &size) != 0 || !listens || type != SOCK_STREAM ||
        (family != AF_INET && family != AF_INET6)) {
        snprintf(error, error_bytes, "LISTEN_FDS: descriptor 3 is no listening TCP socket (ListenStream=PORT, Accept=no)");
        return STATUS_MALFORMED;
    }
    *out_fd = SYSTEMD_FIRST_FD;
    return STATUS_OK;
}

void systemd_notify(const char *words) {
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (path == NULL || (path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof address.sun_path)
        return;
    size_t size = strlen(path);
    memcpy(address.sun_path, path, size);
    if (path[0] == '@') /* of the abstract namespace, without a file */
        address.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return;
    (void)!sendto(fd, words, strlen(words), MSG_NOSIGNAL, (const struct sockaddr *)&address,
                  (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size));
    close(fd);
}

int systemd_watchdog_ms(void) {
    uint64_t allowed_us = systemd_means_us("WATCHDOG_PID") ? systemd_number("WATCHDOG_USEC") : 0;
    if (allowed_us == 0)
        return -1;
    uint64_t half_ms = allowed_us / 2000;
    return half_ms > INT_MAX ? INT_MAX : half_ms == 0 ? 1 : (int)half_ms;
}
