#include <sqlite3.h>

/* glibc hides it unless _GNU_SOURCE is defined before the first header; threads that can be told apart are worth it. */
extern int pthread_setname_np(unsigned long thread, const char *name);
