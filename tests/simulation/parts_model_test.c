/*
 * A server of numbers on a directory of the log: it writes 1, 2, 3... to parts, acknowledges what is synced, begins new parts, bases and
 * deletes history, on a disk that fails, and is killed or loses its power at random. Whatever happens, the next server must load the numbers
 * from 1 to some number, without a gap, and all that were acknowledged.
 */
#include "actors/persistence/parts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "actors/runtime/log.h"
#include "simulation/disk.h"
#include "support/random.h"
#include "support/suite.h"

/* A number as text: long enough that a part has several sectors. */
#define RECORD_BYTES 41

struct server {
	struct simulated_disk *whole;
	const struct disk *disk;
	struct parts *parts;
	struct open_part writing; /* fd -1: none */
	uint64_t written, synced, acknowledged;
	uint64_t synced_bytes;    /* of the part being written */
	bool is_poisoned;         /* what a failed sync has lost can still be read */
	bool has_base;            /* a new base is written and waits to be installed */
	uint64_t base_sequence;
	int64_t base_first_number;
};

static struct random chance;
static unsigned bases, rolls, lost_parts, cuts, kills;

static void print_record(uint64_t number, char out[RECORD_BYTES + 1])
{
	snprintf(out, RECORD_BYTES + 1, "%08llu%032d\n", (unsigned long long)number, 0);
}

static void append_records(struct buffer *out, uint64_t first, uint64_t last)
{
	char record[RECORD_BYTES + 1];
	for (uint64_t number = first; number <= last; number++) {
		print_record(number, record);
		buffer_append(out, record, RECORD_BYTES);
	}
}

static bool write_all(const struct server *server, int fd, uint64_t first, uint64_t last, uint64_t offset)
{
	struct buffer text = { 0 };
	size_t written;
	append_records(&text, first, last);
	bool is_written = disk_write(server->disk, fd, text.data, text.len, offset, &written) == 0;
	buffer_fini(&text);
	return is_written;
}

/* ---- loading ---- */

/* Counts the whole numbers from `expected` on, `most` at most. */
static uint64_t count_records(const struct buffer *text, uint64_t expected, uint64_t most)
{
	uint64_t count = 0;
	char record[RECORD_BYTES + 1];
	for (; count < most && (count + 1) * RECORD_BYTES <= text->len; count++) {
		print_record(expected + count, record);
		if (memcmp(text->data + count * RECORD_BYTES, record, RECORD_BYTES) != 0)
			break;
	}
	return count;
}

static struct buffer contents_of(const struct server *server, const struct manifest_part *part)
{
	char path[600];
	struct buffer text = { 0 };
	snprintf(path, sizeof(path), "log/%s", part->name);
	CU_ASSERT_TRUE(simulated_disk_get(server->whole, path, &text));
	return text;
}

/* The first part at or after i that is loaded; NULL: none. */
static const struct manifest_part *live(const struct manifest *manifest, size_t *i)
{
	while (*i < manifest->count && manifest->parts[*i].type == PART_HISTORY)
		(*i)++;
	return *i < manifest->count ? &manifest->parts[*i] : NULL;
}

/* A part holds what comes before the next one; after a failed sync it may hold more, which was written anew. */
static void load(struct server *server, uint64_t *out_end_bytes)
{
	const struct manifest *manifest = parts_manifest(server->parts);
	size_t i = 0;
	server->written = 0;
	*out_end_bytes = 0;
	for (const struct manifest_part *part = live(manifest, &i), *next; part; part = next) {
		i++;
		next = live(manifest, &i);
		if (part->type == PART_INCREMENT)
			CU_ASSERT_EQUAL(part->sequence, server->written);
		struct buffer text = contents_of(server, part);
		uint64_t count = count_records(&text, server->written + 1, next ? next->sequence - server->written : UINT64_MAX);
		if (part->type == PART_BASE) {
			CU_ASSERT_EQUAL(count * RECORD_BYTES, text.len);
			CU_ASSERT_EQUAL(part->sequence, count);
		}
		server->written += count;
		if (next)
			CU_ASSERT_EQUAL(server->written, next->sequence);
		*out_end_bytes = count * RECORD_BYTES;
		buffer_fini(&text);
	}
	CU_ASSERT_TRUE(server->written >= server->acknowledged);
}

/* ---- life ---- */

/* After a failed write or sync: what was not synced will be written anew, to another part. */
static void give_up_part(struct server *server)
{
	if (server->disk->truncate(server->disk, server->writing.fd, server->synced_bytes) != 0)
		server->is_poisoned = true;
	server->disk->close(server->disk, server->writing.fd);
	server->writing.fd = -1;
	server->written = server->synced;
	server->has_base = false;
	lost_parts++;
}

static void begin_part(struct server *server, const struct open_part *former)
{
	struct open_part part;
	struct parts_error error;
	if (!parts_roll(server->parts, former, server->written, PART_ENTERS_NOW, &part, &error)) {
		if (error.lost_former)
			give_up_part(server);
		return;
	}
	if (former)
		server->disk->close(server->disk, former->fd);
	rolls++;
	server->synced = server->acknowledged = server->written;
	server->synced_bytes = 0;
	server->writing = part;
}

static void start(struct server *server)
{
	struct parts_error error;
	uint64_t end_bytes;
	server->writing.fd = -1;
	server->has_base = false;
	server->parts = parts_open(&(struct parts_options){ .disk = server->disk, .directory = ".", .directory_name = "log", .file_name = "a" },
				   &error);
	CU_ASSERT_PTR_NOT_NULL_FATAL(server->parts);
	load(server, &end_bytes);
	if (manifest_last_increment(parts_manifest(server->parts)))
		CU_ASSERT_TRUE(parts_resume(server->parts, end_bytes, &server->writing, &error));
	server->synced = server->acknowledged = server->written;
	server->synced_bytes = end_bytes;
	if (server->writing.fd < 0)
		begin_part(server, NULL);
}

static void stop(struct server *server)
{
	if (server->is_poisoned || random_below(&chance, 2)) {
		simulated_disk_cut(server->whole);
		parts_close(&server->parts);
		simulated_disk_restart(server->whole, (enum disk_fate)random_below(&chance, DISK_FATES));
		cuts++;
	} else {
		simulated_disk_cut(server->whole); /* the process does nothing more */
		parts_close(&server->parts);
		simulated_disk_fail_from(server->whole, 0, 0);
		kills++;
	}
	simulated_disk_kill(server->whole);
	server->is_poisoned = false;
}

/* ---- what it does ---- */

static void act_write(struct server *server)
{
	uint64_t last = server->written + 1 + random_below(&chance, 40);
	if (server->writing.fd < 0)
		return;
	if (!write_all(server, server->writing.fd, server->written + 1, last, server->writing.bytes)) {
		give_up_part(server); /* a part of it may be there */
		return;
	}
	server->writing.bytes += (last - server->written) * RECORD_BYTES;
	server->written = last;
}

static void act_sync(struct server *server)
{
	if (server->writing.fd < 0)
		return;
	if (server->disk->sync(server->disk, server->writing.fd) != 0) {
		give_up_part(server);
		return;
	}
	server->synced = server->written;
	server->synced_bytes = server->writing.bytes;
	if (parts_is_settled(server->parts))
		server->acknowledged = server->synced;
}

static void act_roll(struct server *server)
{
	struct open_part former = server->writing;
	begin_part(server, former.fd >= 0 ? &former : NULL);
}

/* A base of all up to here, and a new part after it. */
static void act_begin_base(struct server *server)
{
	int fd, before = server->writing.fd;
	uint64_t sequence = server->written;
	const char *path = parts_temporary_base(server->parts);
	if (before < 0 || server->has_base)
		return;
	act_roll(server);
	if (server->writing.fd < 0 || server->writing.fd == before)
		return;
	server->disk->unlink(server->disk, path);
	if (server->disk->open(server->disk, path, DISK_CREATE, &fd) != 0)
		return;
	server->has_base = write_all(server, fd, 1, sequence, 0) && server->disk->sync(server->disk, fd) == 0;
	server->disk->close(server->disk, fd);
	server->base_sequence = sequence;
	server->base_first_number = server->writing.part.number;
}

static void act_install_base(struct server *server)
{
	struct parts_error error;
	struct new_base base = { .format = "rdb", .sequence = server->base_sequence, .first_number = server->base_first_number };
	if (server->has_base)
		bases += parts_install_base(server->parts, &base, &error);
	server->has_base = false;
}

static void act_delete_history(struct server *server)
{
	struct parts_error error;
	parts_delete_history(server->parts, &error);
}

static void act_settle(struct server *server)
{
	struct parts_error error;
	simulated_disk_fail_from(server->whole, 0, 0);
	CU_ASSERT_TRUE(parts_settle(server->parts, &error));
}

static void act_fail(struct server *server)
{
	static const int errors[] = { EIO, ENOSPC, DISK_SHORT_WRITE };
	uint64_t n = 1 + random_below(&chance, 12);
	int error = errors[random_below(&chance, 3)];
	if (random_below(&chance, 4) == 0)
		simulated_disk_fail_from(server->whole, n, error);
	else
		simulated_disk_fail_call(server->whole, n, error);
}

static void act_restart(struct server *server)
{
	if (random_below(&chance, 4) == 0) {
		stop(server);
		start(server);
	}
}

static void (*const acts[])(struct server *server) = {
	act_write, act_write, act_write, act_sync, act_sync, act_roll, act_begin_base, act_install_base, act_delete_history, act_settle,
	act_fail, act_restart,
};

static void nothing_acknowledged_is_ever_lost(void)
{
	chance.state = random_seed("parts model");
	for (int round = 0; round < 300; round++) {
		struct server server = { .whole = simulated_disk_create(random_next(&chance)) };
		server.disk = simulated_disk_functions(server.whole);
		start(&server);
		for (int i = 0; i < 100; i++)
			acts[random_below(&chance, sizeof(acts) / sizeof(acts[0]))](&server);
		stop(&server);
		start(&server);
		parts_close(&server.parts);
		simulated_disk_destroy(&server.whole);
	}
	CU_ASSERT_TRUE(bases > 100 && rolls > 100 && lost_parts > 100 && cuts > 100 && kills > 100);
}

static const struct suite_case cases[] = {
	CASE(nothing_acknowledged_is_ever_lost),
};

int main(int argc, char **argv)
{
	log_open("/dev/null", LOG_WARNING);
	return suite_main("parts model", cases, (int)(sizeof(cases) / sizeof(cases[0])), argc, argv);
}
