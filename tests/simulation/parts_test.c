/*
 * The directory of the log on the simulated disk. A scene prepares a directory and changes it once. It is played with each call of the disk
 * failing, and with the power cut before each call in all four fates. Afterwards the directory must open, and hold what it held before
 * the change, or what it holds after it.
 */
#include "actors/persistence/parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actors/runtime/log.h"
#include "simulation/disk.h"
#include "support/random.h"
#include "support/suite.h"

#define LOG_DIRECTORY "log"
#define NAME "a.aof"

static struct simulated_disk *whole;
static const struct disk *disk;
static struct parts *parts;
static struct open_part writing; /* fd -1: none */
static struct parts_error error;
static unsigned unsettled; /* how often a change has left the directory so */

static void begin(uint64_t seed)
{
	whole = simulated_disk_create(seed);
	disk = simulated_disk_functions(whole);
	writing = (struct open_part){ .fd = -1 };
	error = (struct parts_error){ 0 };
}

static bool open_parts(void)
{
	parts = parts_open(&(struct parts_options){ .disk = disk, .directory = ".", .directory_name = LOG_DIRECTORY, .file_name = NAME,
						    .ballast_bytes = 1000 }, &error);
	return parts != NULL;
}

/* The process ends; without a power cut all descriptors must have been closed. */
static void close_parts(void)
{
	if (writing.fd >= 0)
		disk->close(disk, writing.fd);
	writing.fd = -1;
	if (parts)
		parts_close(&parts);
	if (!simulated_disk_is_cut(whole))
		CU_ASSERT_EQUAL(simulated_disk_open_descriptors(whole), 0);
	simulated_disk_kill(whole);
}

static void end(void)
{
	close_parts();
	simulated_disk_destroy(&whole);
}

static void put(const char *path, const char *text)
{
	simulated_disk_put(whole, path, text, strlen(text));
}

static const char *text_of(const char *path)
{
	static char text[4096];
	struct buffer bytes = { 0 };
	snprintf(text, sizeof(text), "missing");
	if (simulated_disk_get(whole, path, &bytes)) {
		CU_ASSERT_TRUE(bytes.len < sizeof(text));
		if (bytes.len)
			memcpy(text, bytes.data, bytes.len);
		text[bytes.len] = '\0';
	}
	buffer_fini(&bytes);
	return text;
}

static const char *path_to(const char *name)
{
	static char path[600];
	snprintf(path, sizeof(path), LOG_DIRECTORY "/%s", name);
	return path;
}

static void make_directory(void)
{
	CU_ASSERT_EQUAL(disk->make_directory(disk, LOG_DIRECTORY), 0);
	CU_ASSERT_EQUAL(disk->sync_directory(disk, "."), 0);
}

/* What is loaded: the contents of the base and the increments, in their order. */
static const char *loaded(void)
{
	static char text[8192];
	const struct manifest *manifest = parts_manifest(parts);
	text[0] = '\0';
	for (size_t i = 0; i < manifest->count; i++)
		if (manifest->parts[i].type != PART_HISTORY)
			strcat(text, text_of(path_to(manifest->parts[i].name)));
	return text;
}

static void write_text(const char *text)
{
	size_t written = 0;
	CU_ASSERT_EQUAL(disk_write(disk, writing.fd, text, strlen(text), writing.bytes, &written), 0);
	writing.bytes += written;
}

static void write_durably(const char *text)
{
	write_text(text);
	CU_ASSERT_EQUAL(disk->sync(disk, writing.fd), 0);
}

/* ---- a directory with a base and two increments ---- */

#define MANIFEST "file a.aof.1.base.rdb seq 1 type b\nfile a.aof.3.incr.aof seq 3 type i\nfile a.aof.4.incr.aof seq 4 type i\n"

static void fill_directory(void)
{
	make_directory();
	put(path_to(NAME ".manifest"), MANIFEST);
	put(path_to("a.aof.1.base.rdb"), "base;");
	put(path_to("a.aof.3.incr.aof"), "three;");
	put(path_to("a.aof.4.incr.aof"), "four;");
}

static void fill_and_open(void)
{
	fill_directory();
	CU_ASSERT_TRUE(open_parts());
}

static void fill_and_resume(void)
{
	fill_and_open();
	CU_ASSERT_TRUE(parts_resume(parts, 5, &writing, &error));
}

static bool roll(uint64_t sequence, enum part_entry entry)
{
	struct open_part part;
	if (!parts_roll(parts, writing.fd >= 0 ? &writing : NULL, sequence, entry, &part, &error))
		return false;
	if (writing.fd >= 0)
		disk->close(disk, writing.fd);
	writing = part;
	return true;
}

static void write_new_base(const char *text)
{
	int fd = -1;
	size_t written = 0;
	CU_ASSERT_EQUAL(disk->open(disk, parts_temporary_base(parts), DISK_CREATE, &fd), 0);
	CU_ASSERT_EQUAL(disk_write(disk, fd, text, strlen(text), 0, &written), 0);
	CU_ASSERT_EQUAL(disk->close(disk, fd), 0);
}

/* ---- scenes ---- */

struct scene {
	const char *name;
	void (*prepare)(void);   /* never fails */
	bool (*change)(void);
	const char *before, *after; /* what is loaded; before the change also with more at the end, which is not durable yet */
	bool is_open;            /* prepare() opens the directory, change() does not */
};

static void prepare_nothing(void)
{
}

static bool change_by_opening(void)
{
	return open_parts();
}

static void prepare_old_file(void)
{
	put(NAME, "old;");
}

/* The old file's manifest is there, and the file has not moved yet. */
static void prepare_half_old_file(void)
{
	make_directory();
	put(path_to(NAME ".manifest"), "file a.aof seq 1 type b\n");
	put(NAME, "old;");
}

static void prepare_remains(void)
{
	fill_directory();
	put(path_to("temp-a.aof.base"), "half a b");
	put(path_to("temp-a.aof.manifest"), "file a");
	put(path_to("a.aof.9.incr.aof"), "");
}

static void prepare_torn(void)
{
	fill_directory();
	put(path_to("a.aof.4.incr.aof"), "four;torn");
	CU_ASSERT_TRUE(open_parts());
}

static bool change_by_resuming(void)
{
	return parts_resume(parts, 5, &writing, &error);
}

static void prepare_roll(void)
{
	fill_and_resume();
	write_text("more;"); /* not synced: rolling does it */
}

static bool change_by_rolling(void)
{
	return roll(7, PART_ENTERS_NOW);
}

static void prepare_base(void)
{
	fill_and_resume();
	CU_ASSERT_TRUE(roll(7, PART_ENTERS_NOW));
	write_durably("five;");
	write_new_base("new base;");
}

static bool install(int64_t first_number)
{
	return parts_install_base(parts, &(struct new_base){ .format = "rdb", .sequence = 7, .first_number = first_number }, &error);
}

static bool change_base(void)
{
	return install(5);
}

static void prepare_waiting(void)
{
	fill_and_open();
	CU_ASSERT_TRUE(roll(7, PART_ENTERS_WITH_BASE));
	write_text("five;");
	CU_ASSERT_TRUE(roll(8, PART_ENTERS_NOW)); /* the one before waits, so this one does */
	write_durably("six;");
	CU_ASSERT_STRING_EQUAL(loaded(), "base;three;four;");
	write_new_base("new base;");
}

static void prepare_history(void)
{
	prepare_base();
	CU_ASSERT_TRUE(install(5));
	CU_ASSERT_TRUE(parts_has_history(parts));
}

static bool change_history(void)
{
	while (parts_has_history(parts))
		if (!parts_delete_history(parts, &error))
			return false;
	return true;
}

static bool change_ballast(void)
{
	return parts_make_ballast(parts, &error) && parts_release_ballast(parts, &error);
}

static const struct scene scenes[] = {
	{ "a new directory", prepare_nothing, change_by_opening, "", "", false },
	{ "an old file", prepare_old_file, change_by_opening, "old;", "old;", false },
	{ "an old file half taken over", prepare_half_old_file, change_by_opening, "old;", "old;", false },
	{ "a directory", fill_directory, change_by_opening, "base;three;four;", "base;three;four;", false },
	{ "what a crash left", prepare_remains, change_by_opening, "base;three;four;", "base;three;four;", false },
	{ "a torn end", prepare_torn, change_by_resuming, "base;three;four;", "base;three;four;", true },
	{ "a new increment", prepare_roll, change_by_rolling, "base;three;four;", "base;three;four;more;", true },
	{ "a new base", prepare_base, change_base, "base;three;four;five;", "new base;five;", true },
	{ "a base and increments that wait for it", prepare_waiting, change_base, "base;three;four;", "new base;five;six;", true },
	{ "history", prepare_history, change_history, "new base;five;", "new base;five;", true },
	{ "ballast", fill_and_open, change_ballast, "base;three;four;", "base;three;four;", true },
};
enum { SCENES = sizeof(scenes) / sizeof(scenes[0]) };

static void play(const struct scene *scene, uint64_t seed)
{
	begin(seed);
	scene->prepare();
}

static void complain(const struct scene *scene, uint64_t call, int fate, const char *what)
{
	printf("\n%s, call %llu, fate %d: %s\n", scene->name, (unsigned long long)call, fate, what);
	CU_FAIL("see above");
}

enum state { BEFORE = 1, AFTER = 2, EITHER = BEFORE | AFTER };

static void check(const struct scene *scene, uint64_t call, int fate, enum state state)
{
	if (!open_parts()) {
		complain(scene, call, fate, error.text);
		return;
	}
	const char *found = loaded();
	bool is_before = strncmp(found, scene->before, strlen(scene->before)) == 0, is_after = strcmp(found, scene->after) == 0;
	if (!(state & BEFORE && is_before) && !(state & AFTER && is_after))
		complain(scene, call, fate, found);
	CU_ASSERT_FALSE(simulated_disk_has(whole, path_to("temp-a.aof.base")));
	CU_ASSERT_FALSE(simulated_disk_has(whole, path_to("temp-a.aof.manifest")));
	if (scene->change == change_history && !parts_has_history(parts)) /* what is forgotten is gone */
		CU_ASSERT_FALSE(simulated_disk_has(whole, path_to("a.aof.3.incr.aof")));
}

static void each_change_is_durable_when_it_is_done(void)
{
	for (size_t i = 0; i < SCENES; i++)
		for (int fate = 0; fate < DISK_FATES; fate++) {
			play(&scenes[i], 1);
			CU_ASSERT_TRUE(scenes[i].change());
			CU_ASSERT_TRUE(parts_is_settled(parts));
			simulated_disk_cut(whole);
			close_parts();
			simulated_disk_restart(whole, fate);
			check(&scenes[i], 0, fate, AFTER);
			end();
		}
}

/* The fates that chance decides are met several times. */
static uint64_t seeds_of(int fate)
{
	return fate == FATE_NONE || fate == FATE_ALL ? 1 : 20;
}

/* Returns whether the call came. */
static bool cut_at(const struct scene *scene, uint64_t call, enum disk_fate fate, uint64_t seed)
{
	play(scene, seed);
	simulated_disk_cut_at(whole, call);
	bool is_done = scene->change(), has_come = simulated_disk_is_cut(whole);
	simulated_disk_cut(whole);
	close_parts();
	simulated_disk_restart(whole, fate);
	check(scene, call, fate, is_done ? AFTER : EITHER);
	end();
	return has_come;
}

static void wherever_the_power_is_cut_the_directory_is_as_before_or_after(void)
{
	for (size_t i = 0; i < SCENES; i++)
		for (int fate = 0; fate < DISK_FATES; fate++)
			for (uint64_t seed = 0; seed < seeds_of(fate); seed++)
				for (uint64_t call = 1; cut_at(&scenes[i], call, fate, seed); call++)
					;
}

/* A change that fails leaves what was before, unless the directory is unsettled. Then it may be done again. */
static bool fail_at(const struct scene *scene, uint64_t call, int fate, int failure)
{
	play(scene, call);
	simulated_disk_fail_call(whole, call, failure);
	bool is_done = scene->change(), has_come = simulated_disk_has_failed(whole);
	if (!is_done)
		CU_ASSERT_TRUE(error.text[0] != '\0');
	if (parts)
		CU_ASSERT_TRUE(parts_is_settled(parts)); /* the former manifest was written anew */
	if (failure == DISK_SHORT_WRITE)
		CU_ASSERT_TRUE(is_done);
	if (fate < DISK_FATES)
		simulated_disk_cut(whole);
	close_parts();
	if (fate < DISK_FATES)
		simulated_disk_restart(whole, fate);
	check(scene, call, fate, is_done ? AFTER : scene->is_open ? BEFORE : EITHER);
	end();
	return has_come;
}

static void whichever_call_fails_the_directory_is_as_before_or_after(void)
{
	static const int failures[] = { EIO, ENOSPC, DISK_SHORT_WRITE };
	for (size_t i = 0; i < SCENES; i++)
		for (int fate = 0; fate <= DISK_FATES; fate++) /* the last: the process is killed, and the disk goes on */
			for (size_t failure = 0; failure < 3; failure++)
				for (uint64_t call = 1; fail_at(&scenes[i], call, fate, failures[failure]); call++)
					;
}

/* After a failure that passes, the same change succeeds. */
static void what_has_failed_can_be_done_again(void)
{
	for (size_t i = 0; i < SCENES; i++) {
		bool has_come = scenes[i].is_open && scenes[i].change != change_base; /* a failed base is gone */
		for (uint64_t call = 1; has_come; call++) {
			play(&scenes[i], call);
			simulated_disk_fail_call(whole, call, EIO);
			bool is_done = scenes[i].change();
			has_come = simulated_disk_has_failed(whole);
			if (!is_done && error.lost_former) {
				disk->close(disk, writing.fd);
				writing.fd = -1;
				CU_ASSERT_TRUE(scenes[i].change());
			} else if (!is_done) {
				CU_ASSERT_TRUE(scenes[i].change());
				close_parts();
				check(&scenes[i], call, -1, AFTER);
			}
			end();
		}
	}
}

/* ---- a disk that fails for some time ---- */

/* From a call on all fail. What is there then is as before or as after; which one, nobody may have been told. */
static bool fail_from(const struct scene *scene, uint64_t call, int fate)
{
	play(scene, call);
	simulated_disk_fail_from(whole, call, EIO);
	bool is_done = scene->change(), has_come = simulated_disk_has_failed(whole);
	bool is_settled = parts && parts_is_settled(parts);
	unsettled += parts && !is_settled;
	simulated_disk_cut(whole);
	close_parts();
	simulated_disk_restart(whole, fate);
	check(scene, call, fate, is_done ? AFTER : is_settled ? BEFORE : EITHER);
	end();
	return has_come;
}

static void a_disk_that_fails_for_good_leaves_it_as_before_or_after(void)
{
	unsettled = 0;
	for (size_t i = 0; i < SCENES; i++)
		for (int fate = 0; fate < DISK_FATES; fate++)
			for (uint64_t call = 1; fail_from(&scenes[i], call, fate); call++)
				;
	CU_ASSERT_TRUE(unsettled > 0);
}

/* One kind of call fails from some time on, so what cleans up after a failure works. */
static bool fail_kind_from(const struct scene *scene, enum disk_call kind, uint64_t n, int fate, uint64_t seed)
{
	play(scene, seed);
	simulated_disk_fail_all_from(whole, kind, n, EIO);
	bool is_done = scene->change(), is_settled = parts && parts_is_settled(parts);
	simulated_disk_cut(whole);
	close_parts();
	simulated_disk_restart(whole, fate);
	check(scene, n, fate, is_done ? AFTER : is_settled ? BEFORE : EITHER);
	end();
	return !is_done;
}

static void a_kind_of_call_that_fails_for_good_leaves_it_as_before_or_after(void)
{
	static const enum disk_call kinds[] = { CALL_OPEN, CALL_PWRITEV, CALL_SYNC, CALL_RENAME, CALL_SYNC_DIRECTORY };
	for (size_t i = 0; i < SCENES; i++)
		for (size_t kind = 0; kind < sizeof(kinds) / sizeof(kinds[0]); kind++)
			for (int fate = 0; fate < DISK_FATES; fate++)
				for (uint64_t seed = 0; seed < seeds_of(fate); seed++)
					for (uint64_t n = 1; fail_kind_from(&scenes[i], kinds[kind], n, fate, seed); n++)
						;
}

/* The process is killed before a call. What the next one has loaded is there after a power cut, too. */
static bool kill_at(const struct scene *scene, uint64_t call, enum disk_fate fate)
{
	char once[4096];
	uint64_t bytes = 0;
	play(scene, call);
	simulated_disk_cut_at(whole, call);
	scene->change();
	bool has_come = simulated_disk_is_cut(whole);
	close_parts();
	CU_ASSERT_TRUE(open_parts());
	const struct manifest_part *last = manifest_last_increment(parts_manifest(parts));
	int fd = -1;
	if (last) {
		CU_ASSERT_TRUE(parts_open_file(parts, last, &fd, &bytes, &error));
		CU_ASSERT_EQUAL(disk->close(disk, fd), 0);
		CU_ASSERT_TRUE(parts_resume(parts, bytes, &writing, &error));
	}
	snprintf(once, sizeof(once), "%s", loaded());
	simulated_disk_cut(whole);
	close_parts();
	simulated_disk_restart(whole, fate);
	CU_ASSERT_TRUE(open_parts());
	CU_ASSERT_STRING_EQUAL(loaded(), once);
	end();
	return has_come;
}

static void what_was_loaded_once_is_durable(void)
{
	for (size_t i = 0; i < SCENES; i++)
		for (int fate = 0; fate < DISK_FATES; fate++)
			for (uint64_t call = 1; kill_at(&scenes[i], call, fate); call++)
				;
}

/* When the disk works again the former manifest is in force, and the change can be done. */
static bool recover_from(const struct scene *scene, uint64_t call, int fate)
{
	play(scene, call);
	simulated_disk_fail_from(whole, call, EIO);
	bool is_done = scene->change(), has_come = simulated_disk_has_failed(whole);
	simulated_disk_fail_from(whole, 0, 0);
	if (is_done) {
		end();
		return has_come;
	}
	bool was_settled = parts_is_settled(parts);
	CU_ASSERT_TRUE(parts_settle(parts, &error));
	CU_ASSERT_TRUE(parts_is_settled(parts));
	bool is_changed = !was_settled && scene->change != change_base && fate % 2 && scene->change();
	simulated_disk_cut(whole);
	close_parts();
	simulated_disk_restart(whole, fate);
	check(scene, call, fate, is_changed ? AFTER : BEFORE);
	end();
	return has_come;
}

static void a_disk_that_works_again_settles_the_directory(void)
{
	for (size_t i = 0; i < SCENES; i++)
		for (int fate = 0; scenes[i].is_open && fate < DISK_FATES; fate++)
			for (uint64_t call = 1; recover_from(&scenes[i], call, fate); call++)
				;
}

/* ---- what is refused ---- */

static bool is_refused(const char *reason)
{
	bool is_open = open_parts(), is_right = !is_open && strstr(error.text, reason);
	if (!is_right)
		printf("\n%s\n", is_open ? "opened" : error.text);
	close_parts();
	return is_right;
}

static void a_directory_in_use_is_refused_with_its_holder(void)
{
	begin(1);
	fill_and_open();
	struct parts *first = parts;
	CU_ASSERT_FALSE(open_parts());
	CU_ASSERT_EQUAL(error.error, 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "another server, process "));
	CU_ASSERT_EQUAL(atoi(strstr(error.text, "process ") + 8), getpid());
	put(path_to("qcache.lock"), "garbage"); /* another file: it isn't locked */
	parts = first;
	close_parts();
	CU_ASSERT_TRUE(open_parts());
	end();
}

static void a_damaged_manifest_is_refused_with_its_line(void)
{
	begin(1);
	fill_directory();
	put(path_to(NAME ".manifest"), "");
	CU_ASSERT_TRUE(is_refused("the manifest ./log/a.aof.manifest is refused: the file is empty"));
	put(path_to(NAME ".manifest"), MANIFEST "file x seq 5 type y\n");
	CU_ASSERT_TRUE(is_refused("the manifest ./log/a.aof.manifest is refused: line 4: unknown type of file"));
	put(path_to(NAME ".manifest"), MANIFEST);
	CU_ASSERT_TRUE(open_parts());
	end();
}

static void a_manifest_that_names_a_missing_file_is_refused(void)
{
	static const char *const files[] = { "a.aof.1.base.rdb", "a.aof.3.incr.aof", "a.aof.4.incr.aof" };
	for (size_t i = 0; i < 3; i++) {
		char reason[128];
		begin(1);
		fill_directory();
		CU_ASSERT_EQUAL(disk->unlink(disk, path_to(files[i])), 0);
		snprintf(reason, sizeof(reason), "the manifest names ./log/%s, which is missing", files[i]);
		CU_ASSERT_TRUE(is_refused(reason));
		end();
	}
}

static void files_without_a_manifest_are_refused(void)
{
	begin(1);
	fill_directory();
	CU_ASSERT_EQUAL(disk->unlink(disk, path_to(NAME ".manifest")), 0);
	put(NAME, "old;");
	CU_ASSERT_TRUE(is_refused("is there, and no manifest that names it: restore a.aof.manifest"));
	CU_ASSERT_STRING_EQUAL(text_of(path_to("a.aof.4.incr.aof")), "four;");
	CU_ASSERT_STRING_EQUAL(text_of(NAME), "old;");
	end();
}

static void two_old_files_are_refused(void)
{
	begin(1);
	make_directory();
	put(path_to(NAME ".manifest"), "# nothing\n");
	put(path_to(NAME), "one;");
	put(NAME, "two;");
	CU_ASSERT_TRUE(is_refused("both ./a.aof and ./log/a.aof are there"));
	CU_ASSERT_STRING_EQUAL(text_of(NAME), "two;");
	CU_ASSERT_STRING_EQUAL(text_of(path_to(NAME)), "one;");
	end();
}

static bool opens_with_names(const char *directory, const char *directory_name, const char *file_name)
{
	begin(1);
	parts = parts_open(&(struct parts_options){ .disk = disk, .directory = directory, .directory_name = directory_name, .file_name = file_name },
			   &error);
	bool is_open = parts != NULL;
	end();
	return is_open;
}

static void names_that_are_paths_or_too_long_are_refused(void)
{
	char name[MANIFEST_NAME_BYTES + 2] = "";
	CU_ASSERT_TRUE(opens_with_names(".", "two words", "it's"));
	CU_ASSERT_FALSE(opens_with_names(".", "a/b", "c"));
	CU_ASSERT_FALSE(opens_with_names(".", "..", "c"));
	CU_ASSERT_FALSE(opens_with_names(".", "a", ""));
	CU_ASSERT_FALSE(opens_with_names(".", "a", "b\\c"));
	CU_ASSERT_FALSE(opens_with_names("absent", "a", "b"));
	memset(name, 'x', 200);
	CU_ASSERT_TRUE(opens_with_names(".", "a", name));
	memset(name, 'x', 220);
	CU_ASSERT_FALSE(opens_with_names(".", "a", name));
	memset(name, 0xff, 220); /* each is quoted with 4 bytes */
	name[219] = '\0';
	CU_ASSERT_FALSE(opens_with_names(".", "a", name));
}

/* ---- what is done ---- */

static void an_old_log_becomes_the_base(void)
{
	begin(1);
	put(NAME, "old;");
	CU_ASSERT_TRUE(open_parts());
	CU_ASSERT_STRING_EQUAL(text_of(NAME), "missing");
	CU_ASSERT_STRING_EQUAL(text_of(path_to(NAME ".manifest")), "file a.aof seq 1 type b\n");
	close_parts();
	put(NAME, "new;"); /* it is no longer the log */
	CU_ASSERT_TRUE(open_parts());
	CU_ASSERT_STRING_EQUAL(loaded(), "old;");
	end();
}

static void increments_without_a_base_are_a_log(void)
{
	begin(1);
	make_directory();
	put(path_to(NAME ".manifest"), "file i seq 7 type i\n");
	put(path_to("i"), "i;");
	CU_ASSERT_TRUE(open_parts());
	CU_ASSERT_STRING_EQUAL(loaded(), "i;");
	CU_ASSERT_PTR_NULL(manifest_base(parts_manifest(parts)));
	CU_ASSERT_TRUE(roll(9, PART_ENTERS_NOW));
	CU_ASSERT_EQUAL(writing.part.number, 8);
	end();
}

static void a_new_increment_has_an_id_and_the_sequence_before_it(void)
{
	char expected[256];
	begin(1);
	fill_and_resume();
	CU_ASSERT_TRUE(roll(4711, PART_ENTERS_NOW));
	uint64_t first_id = writing.part.id;
	snprintf(expected, sizeof(expected), MANIFEST "file a.aof.5.incr.aof seq 5 type i qcache-id %016llx qcache-sequence 4711\n",
		 (unsigned long long)first_id);
	CU_ASSERT_STRING_EQUAL(text_of(path_to(NAME ".manifest")), expected);
	CU_ASSERT_TRUE(roll(4712, PART_ENTERS_NOW));
	CU_ASSERT_NOT_EQUAL(writing.part.id, first_id);
	end();
}

static void files_that_no_manifest_names_are_never_replaced(void)
{
	begin(1);
	fill_directory();
	put(path_to("a.aof.5.incr.aof"), "stray");
	put(path_to("a.aof.2.base.rdb"), "stray");
	CU_ASSERT_TRUE(open_parts());
	CU_ASSERT_TRUE(roll(7, PART_ENTERS_NOW));
	CU_ASSERT_STRING_EQUAL(writing.part.name, "a.aof.6.incr.aof");
	write_new_base("new base;");
	CU_ASSERT_TRUE(install(6));
	CU_ASSERT_STRING_EQUAL(manifest_base(parts_manifest(parts))->name, "a.aof.3.base.rdb");
	CU_ASSERT_STRING_EQUAL(text_of(path_to("a.aof.5.incr.aof")), "stray");
	CU_ASSERT_STRING_EQUAL(text_of(path_to("a.aof.2.base.rdb")), "stray");
	end();
}

static void a_base_that_is_not_there_changes_nothing(void)
{
	begin(1);
	fill_and_open();
	CU_ASSERT_FALSE(install(4));
	CU_ASSERT_EQUAL(error.error, ENOENT);
	CU_ASSERT_STRING_EQUAL(text_of(path_to(NAME ".manifest")), MANIFEST);
	end();
}

static void increments_that_wait_can_be_abandoned(void)
{
	begin(1);
	fill_and_open();
	CU_ASSERT_TRUE(roll(7, PART_ENTERS_WITH_BASE));
	CU_ASSERT_STRING_EQUAL(text_of(path_to("a.aof.5.incr.aof")), "");
	CU_ASSERT_EQUAL(disk->close(disk, writing.fd), 0);
	writing.fd = -1;
	parts_abandon(parts);
	CU_ASSERT_STRING_EQUAL(text_of(path_to("a.aof.5.incr.aof")), "missing");
	CU_ASSERT_TRUE(roll(7, PART_ENTERS_NOW));
	CU_ASSERT_STRING_EQUAL(loaded(), "base;three;four;");
	CU_ASSERT_EQUAL(parts_manifest(parts)->count, 4);
	end();
}

static void history_is_deleted_step_by_step_and_then_forgotten(void)
{
	unsigned steps = 0;
	int fd = -1;
	begin(1);
	prepare_history();
	CU_ASSERT_STRING_EQUAL(text_of(path_to("a.aof.3.incr.aof")), "three;");
	CU_ASSERT_EQUAL(disk->open(disk, path_to("a.aof.4.incr.aof"), DISK_WRITE, &fd), 0);
	CU_ASSERT_EQUAL(disk->allocate(disk, fd, PARTS_STEP_BYTES * 2 + 1), 0);
	CU_ASSERT_EQUAL(disk->close(disk, fd), 0);
	for (; parts_has_history(parts) && steps < 100; steps++) {
		uint64_t used = simulated_disk_used(whole);
		CU_ASSERT_TRUE(parts_delete_history(parts, &error));
		CU_ASSERT_TRUE(used - simulated_disk_used(whole) <= PARTS_STEP_BYTES + 1);
	}
	CU_ASSERT_EQUAL(steps, 6); /* three files, one of them in three steps, and the manifest */
	CU_ASSERT_EQUAL(parts_manifest(parts)->count, 2);
	CU_ASSERT_STRING_EQUAL(text_of(path_to("a.aof.1.base.rdb")), "missing");
	CU_ASSERT_STRING_EQUAL(text_of(path_to("a.aof.4.incr.aof")), "missing");
	CU_ASSERT_TRUE(parts_delete_history(parts, &error));
	end();
}

static void the_ballast_takes_space_and_gives_it_back(void)
{
	uint64_t before = 0, with = 0, after = 0;
	begin(1);
	fill_and_open();
	simulated_disk_set_capacity(whole, 10000);
	CU_ASSERT_TRUE(parts_free_space(parts, &before, &error));
	CU_ASSERT_FALSE(parts_has_ballast(parts));
	CU_ASSERT_TRUE(parts_make_ballast(parts, &error));
	CU_ASSERT_TRUE(parts_make_ballast(parts, &error));
	CU_ASSERT_TRUE(parts_has_ballast(parts));
	CU_ASSERT_TRUE(parts_free_space(parts, &with, &error));
	CU_ASSERT_EQUAL(before - with, 1000);
	close_parts();
	CU_ASSERT_TRUE(open_parts()); /* the next server finds it */
	CU_ASSERT_TRUE(parts_make_ballast(parts, &error));
	CU_ASSERT_TRUE(parts_release_ballast(parts, &error));
	CU_ASSERT_FALSE(parts_has_ballast(parts));
	CU_ASSERT_TRUE(parts_free_space(parts, &after, &error));
	CU_ASSERT_EQUAL(before, after);
	simulated_disk_set_capacity(whole, simulated_disk_used(whole) + 999);
	CU_ASSERT_FALSE(parts_make_ballast(parts, &error));
	CU_ASSERT_EQUAL(error.error, ENOSPC);
	CU_ASSERT_TRUE(parts_free_space(parts, &after, &error));
	CU_ASSERT_EQUAL(after, 999);
	end();
}

/* A directory opens, and goes on, on a disk that has no byte left. */
static void a_full_disk_opens_a_directory_that_is_there(void)
{
	begin(1);
	fill_directory();
	simulated_disk_set_capacity(whole, 0);
	CU_ASSERT_TRUE(open_parts());
	CU_ASSERT_STRING_EQUAL(loaded(), "base;three;four;");
	CU_ASSERT_TRUE(parts_resume(parts, 5, &writing, &error));
	CU_ASSERT_FALSE(roll(7, PART_ENTERS_NOW));
	CU_ASSERT_EQUAL(error.error, ENOSPC);
	CU_ASSERT_TRUE(parts_is_settled(parts));
	end();
}

static const struct suite_case cases[] = {
	CASE(each_change_is_durable_when_it_is_done),
	CASE(wherever_the_power_is_cut_the_directory_is_as_before_or_after),
	CASE(whichever_call_fails_the_directory_is_as_before_or_after),
	CASE(what_has_failed_can_be_done_again),
	CASE(a_disk_that_fails_for_good_leaves_it_as_before_or_after),
	CASE(a_kind_of_call_that_fails_for_good_leaves_it_as_before_or_after),
	CASE(what_was_loaded_once_is_durable),
	CASE(a_disk_that_works_again_settles_the_directory),
	CASE(a_directory_in_use_is_refused_with_its_holder),
	CASE(a_damaged_manifest_is_refused_with_its_line),
	CASE(a_manifest_that_names_a_missing_file_is_refused),
	CASE(files_without_a_manifest_are_refused),
	CASE(two_old_files_are_refused),
	CASE(names_that_are_paths_or_too_long_are_refused),
	CASE(an_old_log_becomes_the_base),
	CASE(increments_without_a_base_are_a_log),
	CASE(a_new_increment_has_an_id_and_the_sequence_before_it),
	CASE(files_that_no_manifest_names_are_never_replaced),
	CASE(a_base_that_is_not_there_changes_nothing),
	CASE(increments_that_wait_can_be_abandoned),
	CASE(history_is_deleted_step_by_step_and_then_forgotten),
	CASE(the_ballast_takes_space_and_gives_it_back),
	CASE(a_full_disk_opens_a_directory_that_is_there),
};

int main(int argc, char **argv)
{
	log_open("/dev/null", LOG_WARNING);
	return suite_main("parts", cases, (int)(sizeof(cases) / sizeof(cases[0])), argc, argv);
}
