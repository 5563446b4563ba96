/*
 * On which CPUs threads run. What is set holds for the calling thread and for those that it creates later: before the first NNG call and
 * before there are threads, since NNG's pool inherits it. Failures return false with errno set.
 */
#ifndef ACTORS_RUNTIME_CPUS_H
#define ACTORS_RUNTIME_CPUS_H

#include <sched.h>
#include <stdbool.h>

/* "0,2-3", "0-6:2"; "" gives an empty set. False when ill-formed or out of range. */
bool cpus_parse(const char *text, cpu_set_t *out_cpus);
/* Binds the calling thread, and the threads it creates later, to the CPUs of the list; "" does nothing. */
bool cpus_bind(const char *text);
/* May the calling thread, and with it those that it creates, run on one CPU only? */
bool cpus_are_one(void);
/*
 * Where all threads share one CPU, a thread that is woken shall not interrupt the one that woke it: that takes two thirds of
 * the switches from a message's way, and a fifth of the time from a request that comes alone. Likewise for the calling thread and
 * those that it creates later; does nothing where there are more CPUs, or under another policy than the usual one.
 */
bool cpus_share_one(void);

#endif
