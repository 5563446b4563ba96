/*
 * The history of qcache-cli: which lines it keeps, and where.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "client_library/fixture.h"
#include "client_library/terminal.h"
#include "support/process.h"

static char home[64], path[96];
static struct fixture f;
static char prompt[72];

static struct terminal *open_prompt(const char *history)
{
	char variable[160];
	const char *argv[] = {"env", variable, fixture_cli(), "-addr", f.address, NULL};

	snprintf(variable, sizeof(variable), "QCACHE_HISTORY=%s", history);
	struct terminal *t = terminal_start(argv, home, 24, 100);
	CU_ASSERT(terminal_waits_at(t, prompt));
	return t;
}

static void enter(struct terminal *t, const char *line)
{
	terminal_type(t, line);
	terminal_type(t, "\r");
	CU_ASSERT(terminal_waits_at(t, prompt));
}

static void leave(struct terminal *t)
{
	terminal_type(t, "quit\r");
	CU_ASSERT_EQUAL(terminal_stop(&t), 0);
}

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_mode == b->st_mode && a->st_size == b->st_size && a->st_uid == b->st_uid;
}

/* A prompt with this history file works, and doesn't touch the file. */
static void must_stay(const char *what)
{
	struct stat before, after;

	CU_ASSERT_EQUAL_FATAL(stat(path, &before), 0);
	struct terminal *t = open_prompt(path);
	enter(t, "echo typed");
	leave(t);
	CU_ASSERT_EQUAL_FATAL(stat(path, &after), 0);
	if (!is_same(&before, &after))
		fprintf(stderr, "%s: mode %o became %o\n", what, before.st_mode, after.st_mode);
	CU_ASSERT(is_same(&before, &after));
}

static void a_device_that_should_hold_the_history_keeps_its_mode(void)
{
	char target[128];

	/* The same device as /dev/null, if the test may create one. */
	if (mknod(path, S_IFCHR | 0666, makedev(1, 3)) == 0) {
		CU_ASSERT_EQUAL(chmod(path, 0666), 0);
		must_stay("a device");
		unlink(path);
	} else {
		printf("left out: a device (%s)\n", strerror(errno));
	}
	CU_ASSERT_EQUAL_FATAL(mkfifo(path, 0644), 0);
	must_stay("a pipe");
	snprintf(target, sizeof(target), "%s.pipe", path);
	CU_ASSERT_EQUAL_FATAL(rename(path, target), 0);
	CU_ASSERT_EQUAL_FATAL(symlink(target, path), 0);
	must_stay("a link to a pipe");
	unlink(target);
	unlink(path);
	CU_ASSERT_EQUAL_FATAL(mkdir(path, 0755), 0);
	must_stay("a directory");
	rmdir(path);
}

static void a_file_of_another_user_is_no_history(void)
{
	if (geteuid() != 0)
		SKIP("only root can give a file away");
	FILE *file = fopen(path, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	fputs("theirs\n", file);
	fclose(file);
	CU_ASSERT_EQUAL_FATAL(chown(path, 65534, 65534), 0);
	must_stay("a foreign file");
	unlink(path);
}

static void ones_own_file_keeps_the_mode_that_it_has(void)
{
	struct stat found;
	struct terminal *t = open_prompt(path);

	enter(t, "echo one");
	leave(t);
	CU_ASSERT_EQUAL_FATAL(stat(path, &found), 0);
	CU_ASSERT_EQUAL(found.st_mode & 0777, 0600);
	CU_ASSERT_EQUAL(chmod(path, 0640), 0);
	t = open_prompt(path);
	enter(t, "echo two");
	leave(t);
	CU_ASSERT_EQUAL_FATAL(stat(path, &found), 0);
	CU_ASSERT_EQUAL(found.st_mode & 0777, 0640);
	unlink(path);
}

static void an_empty_name_means_no_history(void)
{
	char usual[96];
	struct terminal *t = open_prompt("");

	enter(t, "echo typed");
	leave(t);
	snprintf(usual, sizeof(usual), "%s/.qcache_history", home);
	CU_ASSERT_NOT_EQUAL(access(usual, F_OK), 0);
}

static void no_password_is_ever_kept(void)
{
	static const char *const lines[] = {
		"auth s3cret",
		"auth me s3cret",
		"2 auth s3cret",
		"hello 2 auth default s3cret",
		"acl setuser me >s3cret",
		"connect redis://u:s3cret@127.0.0.1:99999",
		"connect valkeys://s3cret@127.0.0.1:99999",
		"config set requirepass s3cret no-such-directive 0",
		"config set no-such-directive 0 tls-key-file-pass s3cret",
		"config set masterauth s3cret",
		"sentinel set m auth-pass s3cret",
		"sentinel config set sentinel-pass s3cret",
		"migrate 127.0.0.1 1 k 0 1 auth2 me s3cret",
		"get none | true --password=s3cret",
	};
	struct terminal *t = open_prompt(path);

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		enter(t, lines[i]);
	enter(t, "echo harmless");
	leave(t);
	char *kept = file_text(path);
	CU_ASSERT_PTR_NOT_NULL(strstr(kept, "harmless"));
	CU_ASSERT_PTR_NULL(strstr(kept, "s3cret"));
	if (strstr(kept, "s3cret"))
		fprintf(stderr, "kept: %s\n", kept);
	free(kept);
	unlink(path);
}

static void two_prompts_at_once_keep_the_lines_of_both(void)
{
	struct terminal *one = open_prompt(path), *other = open_prompt(path);

	enter(one, "echo first");
	enter(other, "echo second");
	enter(one, "echo third");
	leave(one);
	leave(other);
	char *kept = file_text(path);
	CU_ASSERT_PTR_NOT_NULL(strstr(kept, "echo first\necho second\necho third\n"));
	free(kept);
	unlink(path);
}

static void a_file_that_has_grown_long_is_shortened(void)
{
	FILE *file = fopen(path, "w");
	char *kept, *at;
	size_t lines = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	/* As libedit writes it. */
	fputs("_HiStOrY_V2_\n", file);
	for (int i = 1; i <= 5000; i++)
		fprintf(file, "echo\\040line%d\n", i);
	fclose(file);
	struct terminal *t = open_prompt(path);
	terminal_type(t, "\033[A");
	CU_ASSERT(terminal_shows(t, "echo line5000"));
	terminal_type(t, "\r");
	CU_ASSERT(terminal_shows(t, "\"line5000\""));
	leave(t);
	kept = file_text(path);
	for (at = kept; *at; at++)
		lines += *at == '\n';
	CU_ASSERT(lines >= 2000 && lines < 2010);
	CU_ASSERT_PTR_NOT_NULL(strstr(kept, "echo line3001\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(kept, "echo line5000\nquit\n"));
	free(kept);
	unlink(path);
}

static const struct suite_case cases[] = {
	CASE(a_device_that_should_hold_the_history_keeps_its_mode),
	CASE(a_file_of_another_user_is_no_history),
	CASE(ones_own_file_keeps_the_mode_that_it_has),
	CASE(an_empty_name_means_no_history),
	CASE(no_password_is_ever_kept),
	CASE(two_prompts_at_once_keep_the_lines_of_both),
	CASE(a_file_that_has_grown_long_is_shortened),
};

int main(int argc, char **argv)
{
	scratch_create(home, sizeof(home));
	snprintf(path, sizeof(path), "%s/history", home);
	f = fixture_start("");
	snprintf(prompt, sizeof(prompt), "%s> ", f.address);
	int status = suite_main("command line history", cases, (int)(sizeof(cases) / sizeof(cases[0])), argc, argv);
	bool fine = fixture_stop(&f);
	scratch_remove(home);
	return status ? status : !fine;
}
