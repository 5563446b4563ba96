/*
 * Mass loading: commands are sent as fast as the server reads them, while replies are received. An ECHO of a random text after the last
 * command marks the last reply. Call load_start(), load_send() for each piece of data, load_finish().
 */
#ifndef CLIENT_CLI_LOAD_H
#define CLIENT_CLI_LOAD_H

#include <sys/types.h>

#include "client/cli/tally.h"
#include "client/cli/tools.h"

#define LOAD_CHUNK 65536
#define LOAD_MARK_BYTES 20

/* Called for each reply, in the order of the commands. `error` is NULL if it is none. */
typedef void load_note(void *data, const char *error);

struct load {
	struct session *session;
	qc_context *no_wait; /* has already ended: receiving with it doesn't wait */
	load_note *note;     /* NULL: errors are printed */
	void *note_data;
	struct tally sent;
	uint64_t replies, errors, bytes;
	struct progress progress;
	char mark[2 * LOAD_MARK_BYTES + 1];
	bool is_marked;      /* the ECHO has been sent */
	bool is_done;        /* the last reply has arrived */
	bool has_failed;     /* not everything was loaded, or that is unknown; the reason has been printed */
	bool is_refused;     /* the server could not parse the commands and closes the connection */
	qc_error err;
};

/* Returns the exit status. If it is not EXIT_OK, the reason has been printed and nothing must be freed. `fd` is used to find the size of
 * the input. */
int load_start(struct load *load, struct session *session, const char *what, int fd);
void load_send(struct load *load, const void *data, size_t len);
/* Waits for the last reply and prints the result. `unreadable` is the number of commands that could not be sent. */
int load_finish(struct load *load, uint64_t unreadable);

/* Loads `first` and then the rest of the file, as commands. */
int load_bytes(struct session *session, int fd, const char *path, const char *first, size_t first_len);
/* read(2) without EINTR. -1 after an error, which has been printed. */
ssize_t load_read(int fd, char *out, size_t size, const char *path);

#endif
