#include "support/server.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/deadline.h"
#include "support/process.h"

/* Limits on the words of a case. */
#define WORDS_MAX 64
#define TEXT_MAX 4096

/* How often a start is tried again with another port, in case another program takes the port just before the bind. */
#define STARTS_MAX 5

/* The interval of checks of a log that doesn't grow. */
#define LOOK_MS 20

struct server {
	pid_t pid;
	uint16_t port;
	char directory[64];
	char socket_path[96];
	char log_path[96];
};

const char *server_program(void)
{
	const char *program = getenv("QCACHE_SERVER");
	if (!program) {
		fprintf(stderr, "QCACHE_SERVER must name the server's program\n");
		abort();
	}
	return program;
}

bool server_is_reference(void)
{
	const char *name = strrchr(server_program(), '/');
	return strcmp(name ? name + 1 : server_program(), "redis-server") == 0;
}

static int bind_to(int type, uint16_t port)
{
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0), one = 1;
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
	if (type == SOCK_STREAM)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	close(fd);
	return -1;
}

/* The port is free, and reserved: this program holds the UDP port of the same number until it ends, and other tests respect that. */
static bool claim(uint16_t port)
{
	int claimed = bind_to(SOCK_DGRAM, port), fd = claimed < 0 ? -1 : bind_to(SOCK_STREAM, port);
	if (fd >= 0)
		close(fd);
	else if (claimed >= 0)
		close(claimed);
	return fd >= 0;
}

/* Below the kernel's range for outgoing connections. Test programs that run at once begin at different ports. */
uint16_t free_port(void)
{
	static uint32_t next;
	if (next == 0)
		next = (uint32_t)getpid() * 37;
	for (int tries = 0; tries < 20000; tries++) {
		uint16_t port = (uint16_t)(10000 + next++ % 20000);
		if (claim(port))
			return port;
	}
	fprintf(stderr, "no free port\n");
	abort();
}

struct words {
	const char *items[WORDS_MAX + 1];
	size_t count;
};

static void add_word(struct words *words, const char *word)
{
	if (words->count == WORDS_MAX) {
		fprintf(stderr, "too many words for a server\n");
		abort();
	}
	words->items[words->count++] = word;
	words->items[words->count] = NULL;
}

static void add_default(struct words *words, const char *given, const char *name, const char *value)
{
	char spaced[64];
	snprintf(spaced, sizeof(spaced), "%s ", name);
	if (strstr(given, spaced))
		return;
	add_word(words, name);
	add_word(words, value);
}

static void launch(struct server *server, const char *given)
{
	char text[TEXT_MAX], port[8], *rest = text;
	snprintf(text, sizeof(text), "%s", given);
	snprintf(port, sizeof(port), "%u", server->port);
	struct words words = { .count = 0 };
	add_word(&words, server_program());
	for (char *word; (word = strsep(&rest, " "));)
		if (*word && *word != '!')
			add_word(&words, strcmp(word, "''") == 0 ? "" : word);
	add_default(&words, given, "--port", port);
	add_default(&words, given, "--bind", "127.0.0.1");
	const char *socket = strstr(given, "--unixsocket ");
	if (socket)
		sscanf(socket, "--unixsocket %95s", server->socket_path);
	else
		add_default(&words, given, "--unixsocket", server->socket_path);
	add_default(&words, given, "--dir", server->directory);
	add_default(&words, given, "--enable-debug-command", "yes");
	if (server_is_reference())
		add_default(&words, given, "--save", "");
	const char *threads = getenv("QCACHE_IO_THREADS");
	if (threads && !server_is_reference())
		add_default(&words, given, "--io-threads", threads);
	server->pid = process_start(words.items, server->log_path);
}


static bool has_ended(const struct server *server)
{
	siginfo_t info = { 0 };
	return waitid(P_PID, (id_t)server->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0;
}

/* Waits until the log has the text. Checks whenever the log grows. */
static bool await_log(const struct server *server, const char *text, int64_t deadline)
{
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	inotify_add_watch(fd, server->directory, IN_MODIFY | IN_CREATE);
	bool found = false;
	while (!found && deadline_left_ms(deadline) > 0) {
		/* Asked before the log is read, which then has all lines up to the end. */
		bool ended = has_ended(server);
		char events[4096], *log = server_log(server);
		found = strstr(log, text) != NULL;
		free(log);
		if (found || ended)
			break;
		struct pollfd grown = { .fd = fd, .events = POLLIN };
		poll(&grown, 1, LOOK_MS);
		while (read(fd, events, sizeof(events)) > 0)
			;
	}
	close(fd);
	return found;
}

bool server_wait_log(const struct server *server, const char *text)
{
	return await_log(server, text, deadline_after(PATIENCE_MS));
}

static void show_log(const struct server *server)
{
	char *log = server_log(server);
	fprintf(stderr, "--- log of %s\n%s---\n", server_program(), log);
	free(log);
}

static bool is_address_in_use(const struct server *server)
{
	char *log = server_log(server);
	bool in_use = strstr(log, "in use") != NULL;
	free(log);
	return in_use;
}

/* "Ready to accept connections" is the last line of a start, here as in Redis. */
static bool try_start(struct server *server, const char *given)
{
	launch(server, given);
	if (await_log(server, "eady to accept connections", deadline_after(PATIENCE_MS)))
		return true;
	bool again = has_ended(server) && is_address_in_use(server);
	if (!again)
		show_log(server);
	process_kill(server->pid);
	if (!again)
		abort();
	unlink(server->log_path);
	return false;
}

struct server *server_start(const char *directives, ...)
{
	char given[TEXT_MAX];
	va_list args;
	va_start(args, directives);
	vsnprintf(given, sizeof(given), directives, args);
	va_end(args);
	signal(SIGPIPE, SIG_IGN);
	struct server *server = calloc(1, sizeof(*server));
	if (!server)
		abort();
	scratch_create(server->directory, sizeof(server->directory));
	snprintf(server->socket_path, sizeof(server->socket_path), "%s/socket", server->directory);
	snprintf(server->log_path, sizeof(server->log_path), "%s/output", server->directory);
	for (int start = 0; start < STARTS_MAX; start++) {
		server->port = free_port();
		if (try_start(server, given))
			return server;
	}
	fprintf(stderr, "%s: no port to listen on\n", server_program());
	abort();
}

uint16_t server_port(const struct server *server)
{
	return server->port;
}

const char *server_socket_path(const struct server *server)
{
	return server->socket_path;
}

const char *server_directory(const struct server *server)
{
	return server->directory;
}

pid_t server_pid(const struct server *server)
{
	return server->pid;
}

char *server_log(const struct server *server)
{
	return file_text(server->log_path);
}

size_t server_resident_bytes(const struct server *server)
{
	char path[64];
	size_t total = 0, resident = 0;
	snprintf(path, sizeof(path), "/proc/%d/statm", server->pid);
	FILE *file = fopen(path, "re");
	if (!file || fscanf(file, "%zu %zu", &total, &resident) != 2)
		resident = 0;
	if (file)
		fclose(file);
	return resident * (size_t)sysconf(_SC_PAGESIZE);
}

int64_t server_processor_ms(const struct server *server)
{
	char path[64];
	unsigned long user = 0, system = 0;
	snprintf(path, sizeof(path), "/proc/%d/stat", server->pid);
	char *text = file_text(path), *behind_name = strrchr(text, ')');
	if (behind_name)
		sscanf(behind_name, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system);
	free(text);
	return (int64_t)((user + system) * 1000 / (unsigned long)sysconf(_SC_CLK_TCK));
}

/* The second number of a task's schedstat: ns runnable without a CPU. */
int64_t server_waited_us(const struct server *server)
{
	char path[300];
	int64_t total_ns = 0;
	snprintf(path, sizeof(path), "/proc/%d/task", server->pid);
	DIR *tasks = opendir(path);
	for (struct dirent *entry; tasks && (entry = readdir(tasks));) {
		long long waited_ns = 0;
		snprintf(path, sizeof(path), "/proc/%d/task/%s/schedstat", server->pid, entry->d_name);
		FILE *file = entry->d_name[0] == '.' ? NULL : fopen(path, "re");
		if (file && fscanf(file, "%*d %lld", &waited_ns) == 1)
			total_ns += waited_ns;
		if (file)
			fclose(file);
	}
	if (tasks)
		closedir(tasks);
	return total_ns / 1000;
}

static bool has_report(const char *log)
{
	return strstr(log, "Sanitizer:") || strstr(log, "runtime error:");
}

void server_forget(struct server **server)
{
	scratch_remove((*server)->directory);
	free(*server);
	*server = NULL;
}

bool server_await_stop(struct server **server)
{
	int status = -1;
	bool ended = process_wait((*server)->pid, PATIENCE_MS, &status);
	if (!ended) {
		fprintf(stderr, "%s didn't stop in time\n", server_program());
		process_kill((*server)->pid);
	}
	char *log = server_log(*server);
	bool well = ended && WIFEXITED(status) && WEXITSTATUS(status) == 0 && !has_report(log);
	if (!well) {
		fprintf(stderr, "%s ended with wait status %#x\n", server_program(), (unsigned)status);
		show_log(*server);
	}
	free(log);
	server_forget(server);
	return well;
}

bool server_stop(struct server **server)
{
	kill((*server)->pid, SIGTERM);
	return server_await_stop(server);
}

void server_kill(struct server **server)
{
	process_kill((*server)->pid);
	server_forget(server);
}
