#define _GNU_SOURCE
#include "CSimulatedSystem.h"
#include <stdbool.h>
#include <sys/personality.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static bool simulating = false;
static int64_t now = 0;
static uint64_t state = 0;
static void (*ready_handler)(void *job);
static void (*later_handler)(void *context, void (*work)(void *context), int64_t due);

// 2026-01-01T00:00:00Z, and a machine that has been up for a while by then.
static const int64_t epoch = 1767225600;
static const int64_t uptime = 100000;
static const int64_t second = 1000000000;

// MARK: Time

static bool tells_time_of_day(clockid_t clock) {
    return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_TAI;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    if (!simulating || clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID)
        return (int)syscall(SYS_clock_gettime, clock, time);
    time->tv_sec = now / second + (tells_time_of_day(clock) ? epoch : uptime);
    time->tv_nsec = now % second;
    return 0;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
    struct timespec precise;
    int result = clock_gettime(CLOCK_REALTIME, &precise);
    time->tv_sec = precise.tv_sec;
    time->tv_usec = precise.tv_nsec / 1000;
    return result;
}

time_t time(time_t *out) {
    struct timespec precise;
    clock_gettime(CLOCK_REALTIME, &precise);
    if (out) *out = precise.tv_sec;
    return precise.tv_sec;
}

void simulated_system_set_time(int64_t nanoseconds) { now = nanoseconds; }

// MARK: Randomness

// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators).
uint64_t simulated_system_random(void) {
    uint64_t value = (state += 0x9e3779b97f4a7c15);
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
    value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
    return value ^ (value >> 31);
}

// MARK: Swift's tasks

// The hooks of Swift's concurrency runtime (stdlib/public/Concurrency: ConcurrencyHooks.def, GlobalExecutor.cpp).
#define SWIFTCC __attribute__((swiftcall))
typedef SWIFTCC void (*original_enqueue)(void *job);
extern SWIFTCC void (*swift_task_enqueueGlobal_hook)(void *job, original_enqueue original);
extern SWIFTCC void (*swift_task_enqueueMainExecutor_hook)(void *job, original_enqueue original);
typedef struct { void *identity; void *implementation; } executor_reference;
extern SWIFTCC void swift_job_run(void *job, executor_reference executor);

static SWIFTCC void enqueue(void *job, original_enqueue original) { ready_handler(job); }

// How the runtime waits (stdlib/public/Concurrency/DispatchGlobalExecutor.cpp). Its times are nanoseconds since the
// machine started; the two highest bits say by which clock (swift-corelibs-libdispatch, time_internal.h).
void dispatch_after_f(uint64_t when, void *queue, void *context, void (*work)(void *context)) {
    // Nothing else in a simulation asks for this, and before there is none, nothing does.
    if (!simulating) __builtin_trap();
    later_handler(context, work, (int64_t)(when & ~(3ull << 62)) - uptime * second);
}

void simulated_system_run(void *job) {
    executor_reference generic = {NULL, NULL};
    swift_job_run(job, generic);
}

void simulated_system_begin(
    uint64_t seed, void (*ready)(void *job), void (*later)(void *context, void (*work)(void *context), int64_t due)) {
    state = seed;
    now = 0;
    ready_handler = ready;
    later_handler = later;
    swift_task_enqueueGlobal_hook = enqueue;
    swift_task_enqueueMainExecutor_hook = enqueue;
    simulating = true;
}

void simulated_system_fix_addresses(void) { personality(ADDR_NO_RANDOMIZE); }
