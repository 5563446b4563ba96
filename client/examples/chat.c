/*
 * A chat room: everyone sees what one types. One loop waits for the keyboard and for the room.
 *
 *	chat ADDRESS ROOM NAME
 */
#include <poll.h>
#include <qcache.h>
#include <stdio.h>
#include <string.h>

static bool say(qc_client *c, const char *room, const char *name)
{
	char line[512], text[600];

	if (!fgets(line, sizeof(line), stdin))
		return false;
	line[strcspn(line, "\n")] = 0;
	snprintf(text, sizeof(text), "%s: %s", name, line);
	qc_result heard qc_auto = qc_must(qc_do(c, qc_background(), "PUBLISH", room, text));
	return true;
}

/* Prints the waiting messages, without waiting for more. */
static void listen_in(qc_subscription *room)
{
	qc_context *now qc_defer(qc_context_free) = qc_context_with_timeout(qc_background(), 0);

	for (;;) {
		qc_message m qc_auto = qc_next_message(room, now);
		if (qc_is(m.err, QC_DEADLINE))
			break;
		if (qc_failed(m))
			qc_fatal(m.err);
		if (m.type == QC_DISCONNECTED)
			printf("(connection lost: %s; reconnecting)\n", m.cause.text);
		else if (m.type == QC_SUBSCRIBED)
			puts("(connected)");
		else if (m.type == QC_MESSAGE)
			puts(m.data);
	}
	fflush(stdout);
}

int main(int argc, char **argv)
{
	if (argc != 4)
		qc_fatal(qc_errorf(QC_INVALID, "ADDRESS ROOM NAME"));
	qc_client *c qc_defer(qc_close) = qc_dial(argv[1]);
	qc_subscription *room qc_defer(qc_unsubscribe) = qc_subscribe(c, qc_background(), argv[2]);
	if (qc_failed(*room))
		qc_fatal(room->err);
	setvbuf(stdin, NULL, _IONBF, 0); /* poll() doesn't see what stdio has read ahead */
	struct pollfd fds[] = {{.fd = 0, .events = POLLIN}, {.fd = qc_subscription_fd(room), .events = POLLIN}};
	while (poll(fds, 2, -1) >= 0) {
		if (fds[1].revents)
			listen_in(room);
		if (fds[0].revents && !say(c, argv[2], argv[3]))
			break;
	}
	return 0;
}
