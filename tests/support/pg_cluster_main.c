/* pg_cluster_main.c — the cluster that a test run shares: a ctest fixture.
 *
 *   pg_cluster start FILE   starts one in the background and writes its directory into FILE
 *   pg_cluster stop FILE    ends it and removes its data */
#include "pg_cluster.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The keeper: parent of the postmaster, in a session of its own, until SIGTERM. */
static void keep(struct pg_cluster *cluster, int to_starter) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    setsid();
    int nothing = open("/dev/null", O_RDWR);
    for (int i = 0; i < 3; i++)
        dup2(nothing, i);
    bool up = pg_cluster_start_shared(cluster);
    char line[PG_PATH_MAX + 32];
    int size = snprintf(line, sizeof line, "%s\n%d\n", up ? cluster->directory : "", (int)getpid());
    bool told = write(to_starter, line, (size_t)size) == size;
    close(to_starter);
    int got;
    if (up && told)
        sigwait(&set, &got);
    pg_cluster_close(cluster);
    _exit(0);
}

static int start(const char *path) {
    struct pg_cluster cluster;
    int pipe_fds[2];
    if (pipe2(pipe_fds, O_CLOEXEC) != 0) /* the postmaster must not keep the starter waiting */
        return 1;
    if (fork() == 0) {
        close(pipe_fds[0]);
        keep(&cluster, pipe_fds[1]);
    }
    close(pipe_fds[1]);
    char line[PG_PATH_MAX + 32] = "";
    size_t size = 0;
    for (ssize_t more; size + 1 < sizeof line && (more = read(pipe_fds[0], line + size, sizeof line - 1 - size)) > 0;)
        size += (size_t)more;
    FILE *file = fopen(path, "w");
    if (file == NULL || line[0] == '\n' || line[0] == 0) {
        fprintf(stderr, "pg_cluster: cannot start\n");
        return 1;
    }
    fputs(line, file);
    return fclose(file) == 0 ? 0 : 1;
}

static int stop(const char *path) {
    char directory[PG_PATH_MAX + 2] = "";
    int keeper = 0;
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return 1;
    if (fgets(directory, sizeof directory, file) == NULL || fscanf(file, "%d", &keeper) != 1 || keeper <= 1) {
        fclose(file);
        return 1;
    }
    fclose(file);
    directory[strcspn(directory, "\n")] = 0;
    kill(keeper, SIGTERM);
    /* the keeper goes on removing files when PostgreSQL is gone */
    char lock[PG_PATH_MAX + 32];
    snprintf(lock, sizeof lock, "%s/data/postmaster.pid", directory);
    for (int i = 0; i < 1000 && access(lock, F_OK) == 0; i++)
        usleep(50000);
    remove(path);
    return access(lock, F_OK) == 0;
}

int main(int argc, char **argv) {
    if (argc == 3 && strcmp(argv[1], "start") == 0)
        return start(argv[2]);
    if (argc == 3 && strcmp(argv[1], "stop") == 0)
        return stop(argv[2]);
    fprintf(stderr, "usage: pg_cluster start|stop FILE\n");
    return 2;
}
