/*
 * qcache-check repairs a log on a simulated disk. At every call the disk fails, or the power is cut with each of its fates: the bytes that were there
 * before are always there, in the file or in its copy.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "actors/check/repair.h"
#include "actors/persistence/crc32c.h"
#include "simulation/disk.h"
#include "simulation/scheduler.h"
#include "storage/memory.h"
#include "support/log_part.h"
#include "support/suite.h"

#define FOLDER "log/"
#define MANIFEST FOLDER "a.manifest"
#define FIRST FOLDER "a.1.incr.aof"
#define SECOND FOLDER "a.2.incr.aof"
#define COPY ".before-repair"
#define TIME_S 1000

/* What is wrong with the log, or what is asked for. */
enum trouble { TORN, DAMAGED, TOO_LATE, TROUBLES };

static struct simulated_disk *whole;
static const struct disk *disk;
static struct buffer files[3]; /* as they are at first */
static const char *const paths[3] = { MANIFEST, FIRST, SECOND };

/* ---- the log ---- */

static struct slice text(const char *words)
{
	return slice_of(words, strlen(words));
}

static void add_group(struct log_part *part, const char *value)
{
	struct frame_writer frames = { .first_sequence = 1 };
	for (int i = 0; i < 3; i++) {
		frame_begin(&frames, NULL);
		frame_append(&frames, &(struct effect){ .type = EFFECT_SET, .key = text("key"), .value = text(value), .number = NO_EXPIRY });
		frame_end(&frames);
	}
	log_part_add(part, &frames);
	frame_writer_fini(&frames);
}

/* A group with a timestamp between its frames. */
static void add_later_group(struct log_part *part)
{
	struct frame_writer frames = { .first_sequence = 1 };
	struct aof_text rendered = { .referenced_bytes = 0 };
	char line[ANNOTATION_MAX_BYTES + 1];
	frame_begin(&frames, NULL);
	frame_append(&frames, &(struct effect){ .type = EFFECT_DEL, .key = text("key") });
	frame_end(&frames);
	aof_renderer_init(&part->renderer);
	aof_render_timestamp(&part->renderer, (int64_t)TIME_S * 1000, &rendered);
	log_render(&frames, &part->renderer, &rendered);
	aof_render_timestamp(&part->renderer, (int64_t)(TIME_S + 1) * 1000, &rendered);
	aof_render_timestamp(&part->renderer, (int64_t)(TIME_S + 2) * 1000, &rendered);
	struct annotation group = { .id = part->id, .first = part->sequence + 1, .last = part->sequence + 1, .bytes = rendered.bytes.len };
	group.crc = crc32c(annotation_chain(part->crc, &group), rendered.bytes.data, rendered.bytes.len);
	buffer_append(&part->bytes, line, annotation_print(&group, line));
	buffer_append(&part->bytes, rendered.bytes.data, rendered.bytes.len);
	part->sequence = group.last;
	part->crc = group.crc;
	frame_writer_fini(&frames);
	aof_text_fini(&rendered);
}

static void make_files(enum trouble trouble)
{
	struct log_part first, second;
	log_part_init(&first, 1, 0);
	add_group(&first, "one");
	add_group(&first, "two");
	if (trouble == TOO_LATE)
		add_later_group(&first);
	log_part_init(&second, 2, first.sequence);
	add_group(&second, "three");
	if (trouble == TORN)
		second.bytes.len -= 5;
	if (trouble == DAMAGED)
		first.bytes.data[first.bytes.len - 5] ^= 1;
	files[0] = (struct buffer){ 0 };
	buffer_printf(&files[0], "file a.1.incr.aof seq 1 type i qcache-id 0000000000000001 qcache-sequence 0\n"
				 "file a.2.incr.aof seq 2 type i qcache-id 0000000000000002 qcache-sequence %d\n", (int)second.sequence - 3);
	files[1] = first.bytes;
	files[2] = second.bytes;
}

static void begin(enum trouble trouble)
{
	make_files(trouble);
	whole = simulated_disk_create(7);
	disk = simulated_disk_functions(whole);
	CU_ASSERT_EQUAL(disk->make_directory(disk, "log"), 0);
	for (int i = 0; i < 3; i++)
		simulated_disk_put(whole, paths[i], files[i].data, files[i].len);
	simulated_disk_settle(whole);
}

static void end(void)
{
	for (int i = 0; i < 3; i++)
		buffer_fini(&files[i]);
	simulated_disk_destroy(&whole);
}

/* ---- repairs ---- */

static const struct check_options *options_for(enum trouble trouble)
{
	static const struct check_options options[TROUBLES] = {
		[TORN] = { .path = "log", .until_s = AOF_READ_ALL },
		[DAMAGED] = { .path = "log", .until_s = AOF_READ_ALL, .cuts_damage = true },
		[TOO_LATE] = { .path = "log", .until_s = TIME_S },
	};
	return &options[trouble];
}

/* False: something could not be read, or was refused. */
static bool run_repair(enum trouble trouble)
{
	static char error[SOURCE_ERROR_BYTES], said[REPAIR_TEXT_BYTES];
	struct check_source source;
	struct examination examination;
	if (!source_open(disk, "log", &source, error))
		return false;
	bool is_done = examine(&examination, disk, options_for(trouble), &source) && repair(&examination, said) == REPAIR_DONE;
	examination_fini(&examination);
	source_close(&source);
	return is_done;
}

static bool is_whole(void)
{
	static char error[SOURCE_ERROR_BYTES];
	static const struct check_options plain = { .path = "log", .until_s = AOF_READ_ALL };
	struct check_source source;
	struct examination examination;
	bool is_read = source_open(disk, "log", &source, error);
	if (!is_read)
		return false;
	is_read = examine(&examination, disk, &plain, &source) && examination.problem.verdict == VERDICT_WHOLE;
	examination_fini(&examination);
	source_close(&source);
	return is_read;
}

static bool has(const char *path, const struct buffer *bytes)
{
	struct buffer found = { 0 };
	bool same = simulated_disk_get(whole, path, &found) && found.len == bytes->len &&
		    (found.len == 0 || memcmp(found.data, bytes->data, found.len) == 0);
	buffer_fini(&found);
	return same;
}

static bool nothing_is_lost(void)
{
	static const char *const copies[3] = { MANIFEST COPY, FIRST COPY, SECOND COPY };
	for (int i = 0; i < 3; i++)
		if (!has(paths[i], &files[i]) && !has(copies[i], &files[i]))
			return false;
	return true;
}

static uint64_t calls_of(enum trouble trouble)
{
	begin(trouble);
	uint64_t before = simulated_disk_calls(whole);
	CU_ASSERT_TRUE(run_repair(trouble));
	uint64_t calls = simulated_disk_calls(whole) - before;
	CU_ASSERT_TRUE(nothing_is_lost());
	CU_ASSERT_TRUE(is_whole());
	CU_ASSERT_EQUAL(simulated_disk_open_descriptors(whole), 0);
	end();
	return calls;
}

static void whatever_call_fails_nothing_is_lost(void)
{
	static const int errors[] = { EIO, ENOSPC, DISK_SHORT_WRITE };
	for (int trouble = 0; trouble < TROUBLES; trouble++) {
		uint64_t calls = calls_of((enum trouble)trouble);
		for (uint64_t n = 1; n <= calls; n++) {
			for (size_t i = 0; i < 3; i++) {
				begin((enum trouble)trouble);
				simulated_disk_fail_call(whole, n, errors[i]);
				bool is_done = run_repair((enum trouble)trouble);
				CU_ASSERT_TRUE(nothing_is_lost());
				CU_ASSERT_EQUAL(simulated_disk_open_descriptors(whole), 0);
				if (is_done)
					CU_ASSERT_TRUE(is_whole());
				end();
			}
		}
	}
}

static void wherever_the_power_is_cut_nothing_is_lost(void)
{
	for (int trouble = 0; trouble < TROUBLES; trouble++) {
		uint64_t calls = calls_of((enum trouble)trouble);
		for (uint64_t n = 1; n <= calls + 1; n++) {
			for (int fate = 0; fate < DISK_FATES; fate++) {
				begin((enum trouble)trouble);
				simulated_disk_cut_at(whole, n);
				bool is_done = run_repair((enum trouble)trouble);
				simulated_disk_cut(whole);
				simulated_disk_restart(whole, (enum disk_fate)fate);
				CU_ASSERT_TRUE(nothing_is_lost());
				if (is_done)
					CU_ASSERT_TRUE(is_whole());
				end();
			}
		}
	}
}

static const struct suite_case cases[] = {
	CASE(whatever_call_fails_nothing_is_lost),
	CASE(wherever_the_power_is_cut_nothing_is_lost),
};

int main(int argc, char **argv)
{
	memory_init();
	keyspace_seed_hash();
	scheduler_begin(1, TRACE_QUIETLY);
	return suite_main("check_repair", cases, (int)(sizeof(cases) / sizeof(cases[0])), argc, argv);
}
