/* Starts services and kills one again and again, where there is no Python to do it:

     measure FIFO WHO COUNT KILLS COMMAND...

   Runs COMMAND and waits until COUNT services (see service.c) have spoken into FIFO; then KILLS times
   kills the one that spoke last, 20 ms after it did, and waits for its successor. Prints
   `started WHO COUNT NANOSECONDS` and a line `killed WHO COUNT NANOSECONDS` for each. */

#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static long long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

int main(int count_of_words, char **words) {
  int pid, fifo, services, kills;
  long long began, spoke;
  FILE *lines;
  if (count_of_words < 6) return 2;
  services = atoi(words[3]);
  kills = atoi(words[4]);
  /* For writing as well, so that it never ends. */
  if ((fifo = open(words[1], O_RDWR | O_CLOEXEC)) < 0 || (lines = fdopen(fifo, "r")) == NULL) return 1;
  alarm(300); /* whoever says nothing for so long never will */
  began = now();
  pid = fork();
  if (pid < 0) return 1;
  if (pid == 0) {
    execvp(words[5], words + 5);
    _exit(127);
  }
  long long last = 0;
  for (int i = 0; i < services; i++) {
    if (fscanf(lines, "%d %lld", &pid, &spoke) != 2) return 1;
    if (spoke > last) last = spoke;
  }
  printf("started %s %d %lld\n", words[2], services, last - began);
  for (int i = 0; i < kills; i++) {
    struct timespec life = {0, 20000000};
    nanosleep(&life, NULL);
    began = now();
    if (kill(pid, SIGKILL) != 0 || fscanf(lines, "%d %lld", &pid, &spoke) != 2) return 1;
    printf("killed %s %d %lld\n", words[2], services, spoke - began);
  }
  return 0;
}
