/*
 * Mass loading: commands leave as fast as the server takes them, and replies are read as they come. An ECHO of a random text at the
 * end tells when the last one is there. load_start(), load_send() as often as there is something, load_finish().
 */
#ifndef CLIENT_CLI_LOAD_H
#define CLIENT_CLI_LOAD_H

#include <sys/types.h>

#include "client/cli/tally.h"
#include "client/cli/tools.h"

#define LOAD_CHUNK 65536
#define LOAD_MARK_BYTES 20

/* Told of each reply, in the order of the commands; `error` is NULL where it is none. */
typedef void load_note(void *data, const char *error);

struct load {
	struct session *session;
	qc_context *no_wait; /* has ended: whoever reads under it takes what is there */
	load_note *note;     /* NULL: errors are printed as they are */
	void *note_data;
	struct tally sent;
	uint64_t replies, errors, bytes;
	struct progress progress;
	char mark[2 * LOAD_MARK_BYTES + 1];
	bool is_marked;      /* the ECHO has been sent */
	bool is_done;        /* and nothing more is to come */
	bool has_failed;     /* said; what was loaded isn't all, or isn't known to be */
	bool is_refused;     /* the server took it for no commands, and ends the connection */
	qc_error err;
};

/* The exit status when it can't, and nothing is to be freed then; said. `fd` tells how much there is to be read. */
int load_start(struct load *load, struct session *session, const char *what, int fd);
void load_send(struct load *load, const void *data, size_t len);
/* Waits for the last reply, and says what became of it all. `unreadable` counts what wasn't even sent. */
int load_finish(struct load *load, uint64_t unreadable);

/* `first` and then what can be read from the file, as commands. */
int load_bytes(struct session *session, int fd, const char *path, const char *first, size_t first_len);
/* What there is, as read(2) has it; -1 has been said. */
ssize_t load_read(int fd, char *out, size_t size, const char *path);

#endif
