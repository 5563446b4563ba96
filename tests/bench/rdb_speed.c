/*
 * Measures RDB files without a server: entries into pieces (the store's part of a snapshot), pieces into a file, a file into batches, and
 * batches into a keyspace, each alone and the last two beside each other, as a server loads.
 *
 *   rdb_speed [KEYS] [VALUE_BYTES] [FILE]
 *
 * If redis-server is installed, it loads the same file in turn.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "storage/databases.h"
#include "storage/formats/rdb_file.h"
#include "storage/formats/rdb_load.h"
#include "storage/load_batch.h"

#define ROUNDS 5
/* As a snapshot's slice. */
#define SLICE_BYTES (256u * 1024)
#define LIST_MAX 4

static double seconds_of(clockid_t clock)
{
	struct timespec now;
	clock_gettime(clock, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double now_s(void)
{
	return seconds_of(CLOCK_MONOTONIC);
}

/* The parts are measured by the time that the thread has worked, so that others on the machine matter less. */
static double worked_s(void)
{
	return seconds_of(CLOCK_THREAD_CPUTIME_ID);
}

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void check(bool is_right, const char *what)
{
	if (is_right)
		return;
	fprintf(stderr, "rdb_speed: %s\n", what);
	exit(1);
}

static uint64_t random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* ---- data ---- */

static void populate(struct keyspace *keyspace, uint64_t keys, size_t value_bytes)
{
	uint64_t state = 0x9e3779b97f4a7c15;
	uint8_t *value = malloc(value_bytes + 8);
	char key[32];
	struct entry *entry;
	for (uint64_t i = 0; i < keys; i++) {
		snprintf(key, sizeof(key), "key:%012llu", (unsigned long long)i);
		for (size_t at = 0; at < value_bytes; at += 8) {
			uint64_t word = random_next(&state);
			memcpy(value + at, &word, 8);
		}
		struct slice name = slice_of(key, 16);
		check(keyspace_set_string(keyspace, name, keyspace_hash(name), slice_of(value, value_bytes), KEYSPACE_DROP_TTL, 0,
					  &entry) == KEYSPACE_OK, "no memory");
	}
	free(value);
}

/* ---- saving ---- */

struct save {
	struct rdb_pieces pieces;
	struct rdb_file_writer *writer; /* NULL: pieces only */
	double pieces_s, file_s;
};

/* The part of a walk that is not ours: finding the entries and reading them from memory. */
static void visit_only(void *context, struct entry *entry)
{
	*(uint64_t *)context += entry_key(entry).len + entry_string(entry).len;
}

static double walk_only_s(const struct keyspace *keyspace)
{
	double began = worked_s();
	uint64_t cursor = 0, bytes = 0;
	do
		cursor = keyspace_scan(keyspace, cursor, visit_only, &bytes);
	while (cursor);
	check(bytes > 0, "no keys");
	return worked_s() - began;
}

static void flush_slice(struct save *save)
{
	double began = worked_s();
	if (save->writer)
		rdb_file_add(save->writer, &save->pieces);
	rdb_pieces_clear(&save->pieces);
	save->file_s += worked_s() - began;
}

static void visit(void *context, struct entry *entry)
{
	struct save *save = context;
	struct rdb_record record = { .key = entry_key(entry), .expiry_ms = NO_EXPIRY };
	check(rdb_pieces_add(&save->pieces, &record, entry), "no memory");
}

static void walk(const struct keyspace *keyspace, struct save *save)
{
	double began = worked_s();
	uint64_t cursor = 0;
	do {
		cursor = keyspace_scan(keyspace, cursor, visit, save);
		if (save->pieces.bytes >= SLICE_BYTES)
			flush_slice(save);
	} while (cursor);
	flush_slice(save);
	save->pieces_s = worked_s() - began - save->file_s;
}

static bool write_all(void *context, const void *data, size_t len)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = write(*(int *)context, (const uint8_t *)data + done, len - done);
		if (n < 0)
			return false;
		done += (size_t)n;
	}
	return true;
}

static struct save save_file(const struct keyspace *keyspace, const char *path, bool compresses)
{
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0644);
	if (fd < 0)
		fail(path);
	struct rdb_file_options options = { .write = write_all, .context = &fd, .compresses = compresses, .is_summed = true };
	struct rdb_file_head head = { .redis_version = "7.0.15", .created_s = time(NULL) };
	struct save save = { .writer = rdb_file_writer_create(&options) };
	check(save.writer, "no memory");
	rdb_file_begin(save.writer, &head);
	rdb_file_select(save.writer, 0, keyspace_count(keyspace), 0);
	walk(keyspace, &save);
	check(rdb_file_end(save.writer), "the file can't be written");
	rdb_file_writer_destroy(&save.writer);
	rdb_pieces_fini(&save.pieces);
	close(fd);
	return save;
}

/* ---- loading ---- */

static int read_some(void *context, void *data, size_t len, size_t *out_len)
{
	ssize_t n = read(*(int *)context, data, len);
	*out_len = n < 0 ? 0 : (size_t)n;
	return n < 0 ? errno : 0;
}

/* The batches under way: at most LIST_MAX, as between the actors. */
struct list {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct load_batch *batches[LIST_MAX];
	unsigned count;
	bool is_done;
	struct rdb_load *load;
	double read_s;
};

static void *read_batches(void *context)
{
	struct list *list = context;
	struct load_batch *batch;
	enum rdb_load_status status;
	for (;;) {
		double began = worked_s();
		status = rdb_load_next(list->load, &batch);
		list->read_s += worked_s() - began;
		pthread_mutex_lock(&list->lock);
		while (list->count == LIST_MAX)
			pthread_cond_wait(&list->changed, &list->lock);
		if (status == RDB_LOAD_BATCH)
			list->batches[list->count++] = batch;
		list->is_done = status != RDB_LOAD_BATCH;
		pthread_cond_broadcast(&list->changed);
		pthread_mutex_unlock(&list->lock);
		if (status != RDB_LOAD_BATCH)
			break;
	}
	uint64_t offset;
	check(status == RDB_LOAD_END, rdb_load_error(list->load, &offset));
	return NULL;
}

static struct load_batch *next_batch(struct list *list)
{
	struct load_batch *batch = NULL;
	pthread_mutex_lock(&list->lock);
	while (list->count == 0 && !list->is_done)
		pthread_cond_wait(&list->changed, &list->lock);
	if (list->count) {
		batch = list->batches[0];
		list->count--;
		memmove(list->batches, list->batches + 1, list->count * sizeof(list->batches[0]));
		pthread_cond_broadcast(&list->changed);
	}
	pthread_mutex_unlock(&list->lock);
	return batch;
}

struct load_times {
	double read_s, take_s, all_s, longest_take_s;
};

static struct load_times load_file(const char *path, uint64_t keys)
{
	struct load_times times = { .all_s = -now_s() };
	struct databases databases;
	struct load_batch *batch;
	struct stat stat;
	int fd = open(path, O_RDONLY);
	check(fd >= 0 && fstat(fd, &stat) == 0 && databases_init(&databases, 16), path);
	struct rdb_load_options options = { .read = read_some, .context = &fd, .file_bytes = (uint64_t)stat.st_size, .databases = 16 };
	struct list list = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER,
			     .load = rdb_load_create(&options) };
	pthread_t thread;
	pthread_create(&thread, NULL, read_batches, &list);
	while ((batch = next_batch(&list))) {
		double began = worked_s();
		check(load_batch_take(batch, &databases, 0) == LOAD_DONE, "a batch can't be taken");
		load_batch_destroy(&batch);
		double took = worked_s() - began;
		times.take_s += took;
		times.longest_take_s = took > times.longest_take_s ? took : times.longest_take_s;
	}
	pthread_join(thread, NULL);
	times.all_s += now_s();
	times.read_s = list.read_s;
	check(keyspace_count(databases_read(&databases, 0)) == keys, "keys are missing");
	rdb_load_destroy(&list.load);
	databases_fini(&databases);
	close(fd);
	return times;
}

/* ---- redis-server ---- */

/* The seconds in the line "DB loaded from disk: 0.672 seconds"; 0 if there is none. */
static double redis_load_s(const char *path)
{
	char command[1024], line[512];
	double seconds = 0;
	snprintf(command, sizeof(command),
		 "d=$(mktemp -d) && ln -s \"$(realpath '%s')\" $d/dump.rdb && cd $d && { timeout 120 redis-server --port 0 --unixsocket $d/s "
		 "--save '' --logfile '' & p=$!; until redis-cli -s $d/s ping 2>&1 | grep -q PONG; do kill -0 $p || break; done; "
		 "kill $p; wait $p; }; rm -r $d", path);
	FILE *output = popen(command, "r");
	if (!output)
		return 0;
	while (fgets(line, sizeof(line), output)) {
		const char *at = strstr(line, "DB loaded from disk: ");
		if (at)
			seconds = strtod(at + strlen("DB loaded from disk: "), NULL);
	}
	pclose(output);
	return seconds;
}

/* ---- report ---- */

static double least(double a, double b)
{
	return a > 0 && a < b ? a : b;
}

static void report_save(const struct keyspace *keyspace, const char *path, bool compresses)
{
	struct save best = { .pieces_s = 1e9, .file_s = 1e9 };
	double walk_s = 1e9;
	struct stat stat_of;
	for (int round = 0; round < ROUNDS; round++) {
		struct save save = save_file(keyspace, path, compresses);
		walk_s = least(walk_only_s(keyspace), walk_s);
		best.pieces_s = least(save.pieces_s, best.pieces_s);
		best.file_s = least(save.file_s, best.file_s);
	}
	if (stat(path, &stat_of) < 0)
		fail(path);
	double keys = (double)keyspace_count(keyspace), mb = (double)stat_of.st_size / 1e6;
	printf("save, %s: %.0f MB; walk %.0f ns, pieces %.0f ns, file %.0f ns a record: %.0f MB/s\n", compresses ? "compressed" : "plain",
	       mb, walk_s / keys * 1e9, (best.pieces_s - walk_s) / keys * 1e9, best.file_s / keys * 1e9, mb / best.file_s);
}

static void report_load(const char *path, uint64_t keys)
{
	struct load_times best = { 1e9, 1e9, 1e9, 1e9 };
	double redis_s = 1e9;
	struct stat stat_of;
	for (int round = 0; round < ROUNDS; round++) {
		struct load_times times = load_file(path, keys);
		best.read_s = least(times.read_s, best.read_s);
		best.take_s = least(times.take_s, best.take_s);
		best.all_s = least(times.all_s, best.all_s);
		best.longest_take_s = least(times.longest_take_s, best.longest_take_s);
		redis_s = least(redis_load_s(path), redis_s);
	}
	if (stat(path, &stat_of) < 0)
		fail(path);
	printf("load: reading %.0f ns, taking %.0f ns a record; together %.3f s, %.0f MB/s; longest batch %.0f us\n",
	       best.read_s / (double)keys * 1e9, best.take_s / (double)keys * 1e9, best.all_s,
	       (double)stat_of.st_size / 1e6 / best.all_s, best.longest_take_s * 1e6);
	if (redis_s < 1e9)
		printf("redis-server loads it in %.3f s; ours / Redis %.2f\n", redis_s, best.all_s / redis_s);
}

int main(int argc, char **argv)
{
	uint64_t keys = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
	size_t value_bytes = argc > 2 ? strtoull(argv[2], NULL, 10) : 64;
	const char *path = argc > 3 ? argv[3] : "rdb_speed.rdb";
	struct databases databases;
	setvbuf(stdout, NULL, _IOLBF, 0);
	memory_init();
	keyspace_seed_hash();
	check(databases_init(&databases, 1), "no memory");
	struct keyspace *keyspace = databases_own(&databases, 0);
	populate(keyspace, keys, value_bytes);
	report_save(keyspace, path, true);
	report_save(keyspace, path, false);
	databases_fini(&databases);
	report_load(path, keys);
	unlink(path);
	return 0;
}
