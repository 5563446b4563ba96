/*
 * The memory and time that the keyspace takes, without a server.
 *
 *      keyspace_memory             all of it
 *      keyspace_memory memory      bytes of resident memory beyond the payload, per key, when they no longer change
 *      keyspace_memory pauses      the longest single insertion of ten million
 *      keyspace_memory speed       nanoseconds per operation as keys grow from ten thousand to ten million
 *
 * Keys have 16 bytes. For memory, values have 1 to 256, uniformly distributed, and each population has its own process.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "storage/keyspace.h"
#include "storage/memory.h"
#include "storage/storage.h"

enum { POPULATIONS = 16, KEY_BYTES = 16, MAX_VALUE = 256 };

/* Longer than the ten seconds within which the allocator returns unused pages. */
#define REST_SECONDS 13

/* Processes at rest at the same time; each takes up to 450 MB. */
#define AT_REST 8

static uint8_t bytes[MAX_VALUE];

static void fatal(const char *what)
{
	perror(what);
	exit(1);
}

static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

static struct slice key_of(uint64_t number, uint8_t *buffer)
{
	static const char digits[] = "0123456789abcdef";
	for (int i = 0; i < KEY_BYTES; i++)
		buffer[KEY_BYTES - 1 - i] = (uint8_t)digits[number >> 4 * i & 15];
	return slice_of(buffer, KEY_BYTES);
}

static uint32_t value_len(uint64_t number)
{
	return 1 + (uint32_t)(mix(number) % MAX_VALUE);
}

static void set(struct keyspace *keyspace, uint64_t number, uint32_t len, int64_t when_ms)
{
	uint8_t buffer[KEY_BYTES];
	struct slice key = key_of(number, buffer);
	struct entry *entry;
	if (keyspace_set_string(keyspace, key, keyspace_hash(key), slice_of(bytes, len), KEYSPACE_DROP_TTL, 0, &entry) ||
	    (when_ms != NO_EXPIRY && keyspace_set_expiry(keyspace, &entry, when_ms)))
		fatal("set");
}

static struct storage storage;

static struct keyspace *start(void)
{
	memory_init();
	keyspace_seed_hash();
	if (!storage_init(&storage))
		fatal("storage");
	struct keyspace *keyspace = keyspace_create(&storage);
	if (!keyspace)
		fatal("keyspace");
	set(keyspace, UINT64_MAX, 1, NO_EXPIRY);
	return keyspace;
}

static uint64_t resident_bytes(void)
{
	char line[256];
	uint64_t kilobytes = 0;
	FILE *file = fopen("/proc/self/smaps_rollup", "r");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "Rss: %" SCNu64, &kilobytes) == 1)
			break;
	if (!file || kilobytes == 0)
		fatal("/proc/self/smaps_rollup");
	fclose(file);
	return kilobytes * 1024;
}

struct result {
	double resident; /* bytes a key beyond the payload */
	double counted;  /* the same by our own count */
	double index;
};

static struct result populate_and_rest(uint64_t keys, int with_expiry, int built)
{
	struct keyspace *keyspace = start();
	struct keyspace_shape shape;
	uint64_t payload = 0, resident = resident_bytes(), counted = memory_used_bytes(&storage.memory);

	for (uint64_t i = 0; i < keys; i++) {
		uint32_t len = value_len(i);
		set(keyspace, i, len, with_expiry ? (int64_t)(mix(i + keys) % 3600000) : NO_EXPIRY);
		payload += KEY_BYTES + len;
	}
	if (write(built, "b", 1) != 1)
		fatal("write");
	sleep(REST_SECONDS);
	keyspace_get_shape(keyspace, &shape);
	return (struct result){
		.resident = ((double)resident_bytes() - (double)resident - (double)payload) / (double)keys,
		.counted = ((double)memory_used_bytes(&storage.memory) - (double)counted - (double)payload) / (double)keys,
		.index = (double)shape.index_bytes / (double)keys,
	};
}

/* Starts a process for the population and waits until it is at rest; its result can be read from the pipe later. */
static int start_population(uint64_t keys, int with_expiry)
{
	int ends[2];
	char byte;
	if (pipe(ends) != 0)
		fatal("pipe");
	fflush(stdout);
	pid_t pid = fork();
	if (pid < 0)
		fatal("fork");
	if (pid == 0) {
		struct result result = populate_and_rest(keys, with_expiry, ends[1]);
		_exit(write(ends[1], &result, sizeof(result)) != sizeof(result));
	}
	close(ends[1]);
	if (read(ends[0], &byte, 1) != 1)
		fatal("population");
	return ends[0];
}

static uint64_t population(int number)
{
	return (uint64_t)round(exp2(20 + number / (double)(POPULATIONS - 1)));
}

static void measure_populations(struct result *results, int with_expiry)
{
	int pipes[POPULATIONS];
	for (int i = 0; i < POPULATIONS + AT_REST; i++) {
		if (i >= AT_REST) {
			if (read(pipes[i - AT_REST], &results[i - AT_REST], sizeof(struct result)) != sizeof(struct result))
				fatal("population");
			close(pipes[i - AT_REST]);
			wait(NULL);
		}
		if (i < POPULATIONS)
			pipes[i] = start_population(population(i), with_expiry);
	}
}

static void measure_memory(void)
{
	static struct result plain[POPULATIONS], expiring[POPULATIONS];
	struct result mean = { 0 }, worst = { 0 }, mean_ttl = { 0 }, worst_ttl = { 0 };

	measure_populations(plain, 0);
	measure_populations(expiring, 1);
	printf("bytes a key beside the payload   resident  counted    index | with a TTL: resident    more\n");
	for (int i = 0; i < POPULATIONS; i++) {
		double more = expiring[i].resident - plain[i].resident;
		printf("%31" PRIu64 "  %8.2f %8.2f %8.2f | %20.2f %7.2f\n", population(i), plain[i].resident, plain[i].counted,
		       plain[i].index, expiring[i].resident, more);
		mean.resident += plain[i].resident / POPULATIONS;
		worst.resident = fmax(worst.resident, plain[i].resident);
		mean_ttl.resident += more / POPULATIONS;
		worst_ttl.resident = fmax(worst_ttl.resident, more);
	}
	printf("%31s  %8.2f %17s | %20s %7.2f\n", "mean", mean.resident, "", "", mean_ttl.resident);
	printf("%31s  %8.2f %17s | %20s %7.2f\n", "worst", worst.resident, "", "", worst_ttl.resident);
}

static uint64_t now_ns(clockid_t clock)
{
	struct timespec now;
	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void measure_pauses(void)
{
	enum { KEYS = 10000000 };
	struct keyspace *keyspace = start();
	uint64_t longest = 0, longest_cpu = 0, over_100us = 0;

	for (uint64_t i = 0; i < KEYS; i++) {
		uint64_t wall = now_ns(CLOCK_MONOTONIC), cpu = now_ns(CLOCK_THREAD_CPUTIME_ID);
		set(keyspace, i, 64, NO_EXPIRY);
		cpu = now_ns(CLOCK_THREAD_CPUTIME_ID) - cpu;
		wall = now_ns(CLOCK_MONOTONIC) - wall;
		longest = wall > longest ? wall : longest;
		longest_cpu = cpu > longest_cpu ? cpu : longest_cpu;
		over_100us += cpu > 100000;
	}
	printf("longest of %d insertions: %.0f us of CPU, %.0f us of time; %" PRIu64 " took more than 100 us of CPU\n", KEYS,
	       (double)longest_cpu / 1000, (double)longest / 1000, over_100us);
	keyspace_destroy(&keyspace);
}

enum operation { FIND, OVERWRITE, LENGTHEN };

/* Random keys, in batches. With `batch` > 1 buckets and entries are prefetched. */
static double time_operations(struct keyspace *keyspace, uint64_t keys, enum operation operation, unsigned batch)
{
	enum { OPERATIONS = 2000000 };
	uint8_t buffers[64][KEY_BYTES];
	struct slice slices[64];
	uint64_t hashes[64], found = 0, began = now_ns(CLOCK_THREAD_CPUTIME_ID);
	struct entry *entry;

	for (uint64_t done = 0; done < OPERATIONS; done += batch) {
		for (unsigned i = 0; i < batch; i++) {
			slices[i] = key_of(mix(done + i) % keys, buffers[i]);
			hashes[i] = keyspace_hash(slices[i]);
		}
		for (unsigned i = 0; batch > 1 && i < batch; i++)
			keyspace_prefetch_bucket(keyspace, hashes[i]);
		for (unsigned i = 0; batch > 1 && i < batch; i++)
			keyspace_prefetch_entry(keyspace, hashes[i]);
		for (unsigned i = 0; i < batch; i++) {
			if (operation == FIND)
				found += keyspace_find(keyspace, slices[i], hashes[i], 0) != NULL;
			else
				found += keyspace_set_string(keyspace, slices[i], hashes[i],
							     slice_of(bytes, operation == OVERWRITE ? 64 : 64 + done % 64),
							     KEYSPACE_DROP_TTL, 0, &entry) == KEYSPACE_OK;
		}
	}
	if (found < OPERATIONS)
		fatal("lost keys");
	return (double)(now_ns(CLOCK_THREAD_CPUTIME_ID) - began) / OPERATIONS;
}

static void measure_speed_at(uint64_t keys)
{
	struct keyspace *keyspace = start();
	uint64_t began = now_ns(CLOCK_THREAD_CPUTIME_ID);
	for (uint64_t i = 0; i < keys; i++)
		set(keyspace, i, 64, NO_EXPIRY);
	printf("%11" PRIu64 " %8.0f", keys, (double)(now_ns(CLOCK_THREAD_CPUTIME_ID) - began) / (double)keys);
	printf(" %8.0f", time_operations(keyspace, keys, FIND, 1));
	printf(" %8.0f", time_operations(keyspace, keys, FIND, 64));
	printf(" %8.0f", time_operations(keyspace, keys, OVERWRITE, 1));
	printf(" %8.0f", time_operations(keyspace, keys, OVERWRITE, 64));
	printf(" %8.0f", time_operations(keyspace, keys, LENGTHEN, 64));
	began = now_ns(CLOCK_THREAD_CPUTIME_ID);
	for (uint64_t i = 0; i < keys; i++) {
		uint8_t buffer[KEY_BYTES];
		struct slice key = key_of(i, buffer);
		struct entry *entry = keyspace_find(keyspace, key, keyspace_hash(key), 0);
		if (keyspace_set_expiry(keyspace, &entry, (int64_t)(mix(i) % 60000)) != KEYSPACE_OK)
			fatal("expiry");
	}
	printf(" %8.0f", (double)(now_ns(CLOCK_THREAD_CPUTIME_ID) - began) / (double)keys);
	began = now_ns(CLOCK_THREAD_CPUTIME_ID);
	for (struct entry *entry; (entry = keyspace_first_expired(keyspace, 60000));)
		keyspace_remove_entry(keyspace, entry);
	printf(" %8.0f\n", (double)(now_ns(CLOCK_THREAD_CPUTIME_ID) - began) / (double)keys);
	keyspace_destroy(&keyspace);
}

/* The allocator can be set up only once per process. */
static void in_a_process_of_its_own(void (*run)(uint64_t), uint64_t argument)
{
	int status;
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		run(argument);
		fflush(stdout);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
		fatal("measuring process");
}

static void pauses(uint64_t unused)
{
	measure_pauses();
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "all";
	int all = strcmp(what, "all") == 0;

	if (all || strcmp(what, "memory") == 0)
		measure_memory();
	if (all || strcmp(what, "pauses") == 0)
		in_a_process_of_its_own(pauses, 0);
	if (all || strcmp(what, "speed") == 0) {
		printf("ns of CPU: keys   insert     find  find/64 overwrit overwr64   grow64   expire    drain\n");
		for (uint64_t keys = 10000; keys <= 10000000; keys *= keys == 10000 ? 100 : 10)
			in_a_process_of_its_own(measure_speed_at, keys);
	}
	return 0;
}
