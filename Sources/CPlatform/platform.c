// What glibc offers behind feature tests and macros that Swift does not see.
#define _GNU_SOURCE
#include "platform.h"

#include <malloc.h>

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
