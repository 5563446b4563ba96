/*
 * SIGINT, SIGTERM and SIGHUP are blocked in all threads. One thread waits for them with sigwait(3), so that handling them may take locks.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "client/cli/session.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static qc_context *current; /* NULL while no command runs */
static bool pending, is_interactive;

/*
 * Wakes the main thread from write(2): on Ctrl-C a terminal discards its pending output, but doesn't wake a process that waits for room. By
 * default the signal is ignored, so sending it from outside has no effect.
 */
#define WAKE_SIGNAL SIGURG
static pthread_t main_thread;

static struct termios terminal; /* the modes before the line editor changed them */
static bool has_terminal;

static void leave(int status)
{
	if (has_terminal)
		tcsetattr(STDIN_FILENO, TCSANOW, &terminal);
	_exit(status);
}

static void fill_set(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
}

static void *wait_for_interrupts(void *data)
{
	sigset_t set;
	int number;

	(void)data;
	fill_set(&set);
	for (;;) {
		if (sigwait(&set, &number) != 0)
			continue;
		if (number != SIGINT)
			leave(128 + number);
		pthread_mutex_lock(&lock);
		/* A second Ctrl-C, after the first had no effect. At the prompt Ctrl-C arrives as a key; a signal there came too early or
		 * twice. */
		if (!is_interactive && (!current || pending))
			leave(128 + SIGINT);
		if (current) {
			pending = true;
			qc_cancel(current);
			pthread_kill(main_thread, WAKE_SIGNAL);
		}
		pthread_mutex_unlock(&lock);
	}
	return NULL;
}

static void on_wake(int number)
{
	(void)number;
}

void interrupt_start(void)
{
	/* SA_RESTART: no call fails. A restarted write checks for room again. */
	struct sigaction wake = {.sa_handler = on_wake, .sa_flags = SA_RESTART};
	pthread_t thread;
	sigset_t set;

	main_thread = pthread_self();
	sigaction(WAKE_SIGNAL, &wake, NULL);
	has_terminal = tcgetattr(STDIN_FILENO, &terminal) == 0;
	fill_set(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	if (pthread_create(&thread, NULL, wait_for_interrupts, NULL) != 0) {
		fputs("qcache-cli: cannot create the signal thread\n", stderr);
		exit(1);
	}
	pthread_detach(thread);
}

void interrupt_only_commands(void)
{
	pthread_mutex_lock(&lock);
	is_interactive = true;
	pthread_mutex_unlock(&lock);
}

qc_context *interrupt_begin(void)
{
	pthread_mutex_lock(&lock);
	if (!current)
		current = qc_context_with_cancel(qc_background());
	pthread_mutex_unlock(&lock);
	return current;
}

bool interrupt_is_pending(void)
{
	pthread_mutex_lock(&lock);
	bool is = pending;
	pthread_mutex_unlock(&lock);
	return is;
}

bool interrupt_end(void)
{
	pthread_mutex_lock(&lock);
	bool was = pending;
	if (current)
		qc_context_free(current);
	current = NULL;
	pending = false;
	pthread_mutex_unlock(&lock);
	return was;
}
