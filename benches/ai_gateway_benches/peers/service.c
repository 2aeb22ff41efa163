/* A service to be measured with: as little of its own as possible, so that what is left is the
   supervisor's. Linked statically, since even a dynamic loader would be most of what is measured.

   Says "PID NANOSECONDS" (CLOCK_MONOTONIC, when it began to run) into the FIFO $BENCH_FIFO, then
   waits for a signal. SIGUSR1: writes $BENCH_BYTES bytes to standard output as lines of 100 bytes,
   one write(2) a line as programs that log do, says the same again, and waits on. */

#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int fifo;

static void say(void) {
  struct timespec now;
  char text[64];
  clock_gettime(CLOCK_MONOTONIC, &now);
  int length = snprintf(text, sizeof text, "%d %lld\n", getpid(),
                        now.tv_sec * 1000000000LL + now.tv_nsec);
  if (write(fifo, text, length) != length) _exit(1);
}

static void write_lines(long bytes) {
  char line[100];
  memset(line, 'x', sizeof line);
  line[sizeof line - 1] = '\n';
  for (long written = 0; written < bytes; written += sizeof line)
    for (size_t done = 0; done < sizeof line;) {
      ssize_t more = write(STDOUT_FILENO, line + done, sizeof line - done);
      if (more < 0) _exit(1);
      done += more;
    }
}

int main(void) {
  sigset_t wanted;
  int signal;
  const char *path = getenv("BENCH_FIFO"), *bytes = getenv("BENCH_BYTES");
  if (path == NULL || (fifo = open(path, O_WRONLY | O_CLOEXEC)) < 0) return 1;
  sigemptyset(&wanted);
  sigaddset(&wanted, SIGUSR1);
  sigprocmask(SIG_BLOCK, &wanted, NULL);
  say();
  while (sigwait(&wanted, &signal) == 0) {
    write_lines(bytes == NULL ? 0 : atol(bytes));
    say();
  }
  return 1;
}
