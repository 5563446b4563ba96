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
		/* A second one, when the first has not helped. At the prompt Ctrl-C is a key, or comes a moment too early. */
		if (current ? pending : !is_interactive)
			leave(128 + SIGINT);
		if (current) {
			pending = true;
			qc_cancel(current);
		}
		pthread_mutex_unlock(&lock);
	}
	return NULL;
}

void interrupt_start(void)
{
	pthread_t thread;
	sigset_t set;

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
