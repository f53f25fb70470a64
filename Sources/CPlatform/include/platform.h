#pragma once
#include <spawn.h>

/// glibc's allocator with at most two arenas, giving memory back early: for a server of few threads and many short-lived
/// objects, further arenas are memory held for nothing.
void martlet_limit_memory_arenas(void);

/// Starts a program in a session of its own with no other files than 0, 1 and 2, which `actions` has opened. Whoever
/// waits for our caller's files to be closed must not wait for it. Returns 0 or an errno.
int martlet_spawn_session(
    pid_t *pid, const char *path, posix_spawn_file_actions_t *actions, char *const argv[], char *const envp[]);

/// The address that this machine speaks to `host` from, as text. Returns 0, or -1 where it has none.
int martlet_source_address(const char *host, const char *port, char *text, int length);
