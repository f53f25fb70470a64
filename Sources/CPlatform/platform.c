// What glibc offers behind feature tests and macros that Swift does not see.
#define _GNU_SOURCE
#include "platform.h"

#include <arpa/inet.h>
#include <malloc.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void martlet_limit_memory_arenas(void) {
    mallopt(M_ARENA_MAX, 2);
    mallopt(M_TRIM_THRESHOLD, 256 << 10);
}

int martlet_spawn_session(
    pid_t *pid, const char *path, posix_spawn_file_actions_t *actions, char *const argv[], char *const envp[]) {
    posix_spawnattr_t attributes;
    int result = posix_spawn_file_actions_addclosefrom_np(actions, 3);
    if (result == 0) result = posix_spawnattr_init(&attributes);
    if (result != 0) return result;
    result = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
    if (result == 0) result = posix_spawn(pid, path, actions, &attributes, argv, envp);
    posix_spawnattr_destroy(&attributes);
    return result;
}

int martlet_source_address(const char *host, const char *port, char *text, int length) {
    struct addrinfo hints, *found;
    memset(&hints, 0, sizeof hints);
    hints.ai_family = AF_INET;
    hints.ai_socktype = SOCK_DGRAM;
    if (getaddrinfo(host, port, &hints, &found) != 0) return -1;
    int result = -1;
    int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in own;
    socklen_t size = sizeof own;
    // Sends nothing: a datagram socket only looks up the route.
    if (descriptor >= 0 && connect(descriptor, found->ai_addr, found->ai_addrlen) == 0
        && getsockname(descriptor, (struct sockaddr *)&own, &size) == 0
        && inet_ntop(AF_INET, &own.sin_addr, text, (socklen_t)length) != NULL)
        result = 0;
    if (descriptor >= 0) close(descriptor);
    freeaddrinfo(found);
    return result;
}
