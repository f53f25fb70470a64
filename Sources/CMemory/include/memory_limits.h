#pragma once
#include <malloc.h>
#include <spawn.h>

/// glibc's allocator with at most two arenas, giving memory back early: for a server of few threads and many short-lived
/// objects, further arenas are memory held for nothing.
static inline void martlet_limit_memory_arenas(void) {
    mallopt(M_ARENA_MAX, 2);
    mallopt(M_TRIM_THRESHOLD, 256 << 10);
}

/// A flag of posix_spawn that is a macro behind a feature test, which Swift does not see.
static const short martlet_spawn_setsid = 0x80;
