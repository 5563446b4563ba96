/*
 * SIGINT, SIGTERM and SIGHUP are blocked everywhere and taken by a thread of its own, which may then use locks as it likes.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "client/cli/session.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static qc_context *current; /* NULL while nothing runs */
static bool pending, is_interactive;

/*
 * What wakes the main thread from write(2): Ctrl-C makes a terminal throw away what it has not shown, and it then doesn't wake who
 * waits for room. Ignored where nobody handles it, so that nothing changes for who sends it from outside.
 */
#define WAKE_SIGNAL SIGURG
static pthread_t main_thread;

static struct termios terminal; /* as it was before a line editor came */
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
		/* A second one, when the first has not helped. At the prompt Ctrl-C is a key, or comes too early, or again. */
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
	/* No call fails for it: a write looks for room again. */
	struct sigaction wake = {.sa_handler = on_wake, .sa_flags = SA_RESTART};
	pthread_t thread;
	sigset_t set;

	main_thread = pthread_self();
	sigaction(WAKE_SIGNAL, &wake, NULL);
	has_terminal = tcgetattr(STDIN_FILENO, &terminal) == 0;
	fill_set(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	if (pthread_create(&thread, NULL, wait_for_interrupts, NULL) != 0) {
		fputs("qcache-cli: no thread for Ctrl-C\n", stderr);
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
