/* Makes each write to the disk take longer, by the milliseconds in SLOW_DISK_MS: preloaded into programs under measurement. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

static int slowly(const char *name, int file) {
  const char *delay = getenv("SLOW_DISK_MS");
  long milliseconds = delay ? atol(delay) : 0;
  struct timespec pause = {milliseconds / 1000, milliseconds % 1000 * 1000000};
  nanosleep(&pause, NULL);
  int (*original)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
  return original(file);
}

int fsync(int file) { return slowly("fsync", file); }
int fdatasync(int file) { return slowly("fdatasync", file); }
