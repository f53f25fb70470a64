// What a process asks of its system, answered by a simulator: the time, and threads for Swift's tasks.
//
// The functions that libraries call for these are defined again in this target, and the dynamic linker prefers a
// program's own definitions to a library's. Until `simulated_system_begin` they do what the system's do.
#pragma once
#include <stddef.h>
#include <stdint.h>

/// Begins the simulation: the clock stands at zero, which is 2026-01-01T00:00:00Z, and moves only when it is set.
/// - ready: is handed every job of Swift's that wants a thread.
/// - later: is handed work for a time, in nanoseconds of the simulated clock.
void simulated_system_begin(
    uint64_t seed, void (*_Nonnull ready)(void *_Nonnull job),
    void (*_Nonnull later)(
        void *_Nullable context, void (*_Nonnull work)(void *_Nullable context), int64_t due));

/// Moves the clock to so many nanoseconds after the beginning.
void simulated_system_set_time(int64_t nanoseconds);

/// Runs a job that was handed out, on the calling thread.
void simulated_system_run(void *_Nonnull job);

/// The next random number of the simulation: all randomness comes from here.
uint64_t simulated_system_random(void);

/// Has the program that this process becomes next find its memory where it always is.
void simulated_system_fix_addresses(void);
