/*
 * RDB files: what is written is read back; files of other servers are read as far as they are known; everything else is refused, with its
 * place and by its name.
 */
#include "storage/formats/rdb_file.h"

#include <errno.h>
#include <stdlib.h>

#include "storage/formats/crc64.h"
#include "storage/formats/rdb_load.h"
#include "storage/load_batch.h"
#include "storage/value.h"
#include "support/allocation.h"
#include "support/keys.h"
#include "support/random.h"
#include "support/suite.h"

enum { DATABASES = 4, NOW_MS = 1000000 };

/* ---- files in memory ---- */

struct file {
	uint8_t *bytes;
	size_t len, capacity, at;
	size_t step;              /* a read takes so many bytes at most; 0: all */
	size_t most;              /* the file can't be longer; 0: any length */
	int code;                 /* of reads at the end */
};

static bool append(void *context, const void *data, size_t len)
{
	struct file *file = context;
	if (file->most && file->len + len > file->most)
		return false;
	if (file->len + len > file->capacity) {
		file->capacity = 2 * (file->len + len);
		file->bytes = realloc(file->bytes, file->capacity);
	}
	if (len)
		memcpy(file->bytes + file->len, data, len);
	file->len += len;
	return true;
}

static int take(void *context, void *data, size_t len, size_t *out_len)
{
	struct file *file = context;
	size_t left = file->len - file->at, n = len < left ? len : left;
	n = file->step && n > file->step ? file->step : n;
	if (n)
		memcpy(data, file->bytes + file->at, n);
	file->at += n;
	*out_len = n;
	return n ? 0 : file->code;
}

static void discard(struct file *file)
{
	free(file->bytes);
	*file = (struct file){ 0 };
}

/* A file of these bytes after a magic of version 10, with the right checksum. */
static struct file file_of(struct slice bytes)
{
	struct file file = { 0 };
	append(&file, "REDIS0010", 9);
	append(&file, bytes.data, bytes.len);
	uint64_t sum = crc64(0, file.bytes, file.len);
	append(&file, &sum, sizeof(sum));
	return file;
}

#define BYTES(string) slice_of(string, sizeof(string) - 1)

/* ---- saving ---- */

static const struct rdb_file_head head = { .redis_version = "7.0.15", .created_s = 1700000000, .used_memory = 123456789,
					   .is_aof_base = true, .sequence = 77 };

/* Adds an entry of a keyspace to a file, as a snapshot does. */
struct save {
	struct rdb_pieces pieces;
	const struct keyspace *keyspace;
	uint32_t database;
};

static void visit(void *context, struct entry *entry)
{
	struct save *save = context;
	struct rdb_record record = { .key = entry_key(entry), .database = save->database,
				     .expiry_ms = keyspace_expiry_ms(save->keyspace, entry) };
	CU_ASSERT_TRUE(rdb_pieces_add(&save->pieces, &record, entry));
}

static void save_database(struct rdb_file_writer *writer, const struct databases *databases, uint32_t number)
{
	struct save save = { .keyspace = databases_read(databases, number), .database = number };
	uint64_t cursor = 0;
	rdb_file_select(writer, number, keyspace_count(save.keyspace), keyspace_expiring_count(save.keyspace));
	do {
		cursor = keyspace_scan(save.keyspace, cursor, visit, &save);
		rdb_file_add(writer, &save.pieces);
		rdb_pieces_clear(&save.pieces);
	} while (cursor);
	rdb_pieces_fini(&save.pieces);
}

static bool save(struct file *file, const struct databases *databases, bool compresses, bool is_summed)
{
	struct rdb_file_options options = { .write = append, .context = file, .compresses = compresses, .is_summed = is_summed };
	struct rdb_file_writer *writer = rdb_file_writer_create(&options);
	CU_ASSERT_PTR_NOT_NULL_FATAL(writer);
	rdb_file_begin(writer, &head);
	rdb_file_field(writer, "a-field", text("of ours"));
	for (uint32_t i = 0; i < databases->in_use_count; i++)
		save_database(writer, databases, databases->in_use[i]);
	bool is_saved = rdb_file_end(writer);
	CU_ASSERT_EQUAL(is_saved, !rdb_file_has_failed(writer));
	if (is_saved)
		CU_ASSERT_EQUAL(rdb_file_bytes(writer), file->len);
	rdb_file_writer_destroy(&writer);
	return is_saved;
}

/* ---- loading ---- */

static struct rdb_load *loader_of(struct file *file)
{
	struct rdb_load_options options = { .read = take, .context = file, .file_bytes = file->len, .databases = DATABASES,
					    .now_ms = NOW_MS };
	file->at = 0;
	return rdb_load_create(&options);
}

static uint32_t expired_keys; /* of the file that was loaded last */

/* Loads into the databases. NULL if all went well, otherwise what is wrong. */
static const char *load(struct file *file, struct databases *databases, struct rdb_load_figures *out_figures, uint64_t *out_offset)
{
	static char error[256];
	struct rdb_load *loader = loader_of(file);
	struct load_batch *batch;
	enum rdb_load_status status;
	enum load_status taken = LOAD_DONE;
	CU_ASSERT_PTR_NOT_NULL_FATAL(loader);
	expired_keys = 0;
	while (taken == LOAD_DONE && (status = rdb_load_next(loader, &batch)) == RDB_LOAD_BATCH) {
		CU_ASSERT(batch->count + batch->expired_keys > 0 && batch->count <= LOAD_BATCH_ENTRIES);
		expired_keys += batch->expired_keys;
		taken = load_batch_take(batch, databases, 1);
		if (taken != LOAD_DONE)
			*out_offset = batch->entries[batch->taken].offset;
		load_batch_destroy(&batch);
	}
	rdb_load_get_figures(loader, out_figures);
	error[0] = '\0';
	if (taken != LOAD_DONE)
		snprintf(error, sizeof(error), "status %d", taken);
	else if (status == RDB_LOAD_ERROR)
		snprintf(error, sizeof(error), "%s", rdb_load_error(loader, out_offset));
	rdb_load_destroy(&loader);
	return error[0] ? error : NULL;
}

/* Whether the file loads, into databases of its own. */
static const char *loads(struct file *file, uint64_t *out_offset)
{
	struct databases databases;
	struct rdb_load_figures figures;
	CU_ASSERT_TRUE_FATAL(databases_init(&databases, DATABASES));
	const char *error = load(file, &databases, &figures, out_offset);
	databases_fini(&databases);
	return error;
}

/* ---- data ---- */

static uint8_t large[300000];

static void set(struct databases *databases, uint32_t number, struct slice key, struct slice value, int64_t when_ms)
{
	if (when_ms == NO_EXPIRY)
		keys_set(databases_own(databases, number), key, value);
	else
		keys_set_expiring(databases_own(databases, number), key, value, when_ms);
}

/* Keys and values of all sizes, in three databases, some of which expire. */
static void populate(struct databases *databases)
{
	struct random random = { random_seed("rdb file") };
	CU_ASSERT_TRUE_FATAL(databases_init(databases, DATABASES));
	for (size_t i = 0; i < sizeof(large); i++)
		large[i] = (uint8_t)random_next(&random);
	for (uint64_t i = 0; i < 5000; i++) {
		size_t len = random_below(&random, i % 100 ? 300 : sizeof(large));
		bool is_text = random_below(&random, 2);
		set(databases, i % 3 ? 0 : 1, keys_numbered(i), is_text ? keys_numbered(i * i) : slice_of(large, len),
		    i % 5 ? NO_EXPIRY : NOW_MS + 1 + (int64_t)i);
	}
	set(databases, 3, slice_of(large, 20000), text("of a large key"), NO_EXPIRY);
	set(databases, 3, text(""), text(""), NO_EXPIRY);
	for (uint64_t i = 0; i < 300; i++) {
		char number[24];
		snprintf(number, sizeof(number), "%lld", ((long long)i - 150) * (1LL << i % 40));
		set(databases, 3, text(number), text(number), INT64_MAX - (int64_t)i);
	}
}

struct comparison {
	const struct keyspace *keyspaces[2];
	bool is_equal;
};

static void compare_entry(void *context, struct entry *entry)
{
	struct comparison *comparison = context;
	struct slice key = entry_key(entry);
	const struct entry *other = keyspace_find_any(comparison->keyspaces[1], key, keyspace_hash(key));
	comparison->is_equal = comparison->is_equal && other && slice_equal(entry_string(entry), entry_string(other)) &&
			       keyspace_expiry_ms(comparison->keyspaces[0], entry) ==
				       keyspace_expiry_ms(comparison->keyspaces[1], other);
}

static bool are_equal(const struct databases *a, const struct databases *b)
{
	struct comparison comparison = { .is_equal = true };
	for (uint32_t i = 0; i < DATABASES; i++) {
		uint64_t cursor = 0;
		comparison.keyspaces[0] = databases_read(a, i);
		comparison.keyspaces[1] = databases_read(b, i);
		if (keyspace_count(comparison.keyspaces[0]) != keyspace_count(comparison.keyspaces[1]))
			return false;
		do
			cursor = keyspace_scan(comparison.keyspaces[0], cursor, compare_entry, &comparison);
		while (cursor);
	}
	return comparison.is_equal;
}

/* ---- cases ---- */

static struct keyspace *unused; /* makes the storage ready */

static void what_is_saved_is_loaded(void)
{
	struct databases from, to;
	unused = keys_create();
	populate(&from);
	for (int how = 0; how < 8; how++) {
		struct file file = { .step = how & 4 ? 1009 : 0 };
		struct rdb_load_figures figures;
		uint64_t offset;
		CU_ASSERT_TRUE(save(&file, &from, how & 1, how & 2));
		CU_ASSERT_TRUE_FATAL(databases_init(&to, DATABASES));
		CU_ASSERT_PTR_NULL(load(&file, &to, &figures, &offset));
		CU_ASSERT_TRUE(are_equal(&from, &to));
		CU_ASSERT_EQUAL(figures.has_checksum, (how & 2) != 0);
		CU_ASSERT_EQUAL(figures.version, 10);
		CU_ASSERT_EQUAL(figures.offset, file.len);
		CU_ASSERT_EQUAL(figures.keys, keyspace_count(databases_read(&from, 0)) + keyspace_count(databases_read(&from, 1)) +
						      keyspace_count(databases_read(&from, 3)));
		CU_ASSERT_EQUAL(expired_keys, 0);
		CU_ASSERT(figures.is_aof_base && figures.has_sequence && figures.sequence == 77);
		databases_fini(&to);
		discard(&file);
	}
	databases_fini(&from);
	keys_destroy(&unused);
}

static void a_file_begins_as_that_of_redis(void)
{
	static const char begin[] = "REDIS0010" "\xfa\x09redis-ver\x06" "7.0.15" "\xfa\x0aredis-bits\xc0\x40"
				    "\xfa\x05" "ctime\xc2\x00\xf1\x53\x65" "\xfa\x08used-mem\xc2\x15\xcd\x5b\x07"
				    "\xfa\x08" "aof-base\xc0\x01" "\xfa\x0fqcache-sequence\xc0\x4d"
				    "\xfa\x07" "a-field\x07of ours" "\xfe\x02\xfb\x01\x01\xfc";
	struct databases databases;
	struct file file = { 0 };
	unused = keys_create();
	CU_ASSERT_TRUE_FATAL(databases_init(&databases, DATABASES));
	set(&databases, 2, text("key"), text("value"), 0x0102030405060708);
	CU_ASSERT_TRUE(save(&file, &databases, true, true));
	CU_ASSERT(file.len > sizeof(begin) && memcmp(file.bytes, begin, sizeof(begin) - 1) == 0);
	CU_ASSERT_EQUAL(memcmp(file.bytes + sizeof(begin) - 1, "\x08\x07\x06\x05\x04\x03\x02\x01\x00\x03key\x05value\xff", 20), 0);
	CU_ASSERT_EQUAL(crc64(0, file.bytes, file.len - 8), *(uint64_t *)(void *)memcpy(&(uint64_t){ 0 }, file.bytes + file.len - 8, 8));
	databases_fini(&databases);
	discard(&file);
	keys_destroy(&unused);
}

/* The items of a file, as text. */
static void print_items(struct file *file, char *out, size_t size)
{
	struct rdb_file_reader *reader = rdb_file_reader_create(take, file);
	struct rdb_item item;
	enum rdb_item_kind kind;
	size_t at = 0;
	do {
		kind = rdb_file_next(reader, &item);
		struct value value;
		const struct rdb_record *record = &item.record;
		switch (kind) {
		case RDB_ITEM_FIELD:
			at += (size_t)snprintf(out + at, size - at, "%.*s=%.*s ", (int)item.name.len, item.name.data, (int)item.value.len,
					       item.value.data);
			break;
		case RDB_ITEM_DATABASE: at += (size_t)snprintf(out + at, size - at, "db%llu ", (unsigned long long)item.number); break;
		case RDB_ITEM_SIZE: at += (size_t)snprintf(out + at, size - at, "size%llu ", (unsigned long long)item.number); break;
		case RDB_ITEM_RECORD:
			CU_ASSERT_TRUE_FATAL(value_decode(&reader->values, record->type, &value));
			at += (size_t)snprintf(out + at, size - at, "%u:%.*s=%.*s", record->database, (int)record->key.len, record->key.data,
					       (int)value.part.len, value.part.data);
			if (record->expiry_ms != NO_EXPIRY)
				at += (size_t)snprintf(out + at, size - at, ",at%lld", (long long)record->expiry_ms);
			if (record->usage)
				at += (size_t)snprintf(out + at, size - at, ",%s%u", record->usage == RDB_FREQUENCY ? "freq" : "idle",
						       record->usage_value);
			at += (size_t)snprintf(out + at, size - at, " ");
			break;
		case RDB_ITEM_END: at += (size_t)snprintf(out + at, size - at, item.has_checksum ? "summed" : "unsummed"); break;
		case RDB_ITEM_ERROR: at += (size_t)snprintf(out + at, size - at, "%s", reader->values.error); break;
		}
	} while (kind != RDB_ITEM_END && kind != RDB_ITEM_ERROR);
	rdb_file_reader_destroy(&reader);
}

/* What Redis and Valkey of other versions write. */
static void files_of_other_servers_are_read(void)
{
	static const struct {
		struct slice bytes;
		const char *items;
	} files[] = {
#define FILE(bytes, items) { { (const uint8_t *)bytes, sizeof(bytes) - 1 }, items }
		FILE("REDIS0001\xfe\x00\x00\x01" "a\x01" "b\xff", "db0 0:a=b unsummed"),
		FILE("REDIS0003\xfe\x00\xfd\x01\x00\x00\x00\x00\x01" "a\x01" "b\xff", "db0 0:a=b,at1000 unsummed"),
		FILE("REDIS0002\xfe\x00\xfd\xff\xff\xff\xff\x00\x01" "a\xc0\xff\xff", "db0 0:a=-1,at-1000 unsummed"),
		FILE("REDIS0006\xfe\x09\x00\x01" "a\x01" "b\xff\0\0\0\0\0\0\0\0", "db9 9:a=b unsummed"),
		FILE("REDIS0008\xfa\x03lua\x05" "lines\xfe\x00\xfb\x05\x02\x00\x01" "a\x01" "b\xff\0\0\0\0\0\0\0\0",
		     "lua=lines db0 size5 0:a=b unsummed"),
		FILE("REDIS0009\xf8\x40\xff\x00\x01" "a\x01" "b\xfc\x10\0\0\0\0\0\0\0\xf9\xff\x00\x01" "c\x01" "d\xff\0\0\0\0\0\0\0\0",
		     "0:a=b,idle255 0:c=d,at16,freq255 unsummed"),
		FILE("REDIS0012\xfe\x00\xf4\x05\x02\x01\xfb\x02\x00\x00\x01" "a\x01" "b\xff\0\0\0\0\0\0\0\0",
		     "db0 size2 0:a=b unsummed"),
		FILE("VALKEY080\xfa\x0avalkey-ver\x05" "9.0.0\x00\x01" "a\x01" "b\xff\0\0\0\0\0\0\0\0", "valkey-ver=9.0.0 0:a=b unsummed"),
		FILE("REDIS0010\x00\x01" "a\xc3\x04\x05\x00" "a\x40\x00\xff\0\0\0\0\0\0\0\0", "0:a=aaaaa unsummed"),
	};
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct file file = { .bytes = (uint8_t *)files[i].bytes.data, .len = files[i].bytes.len };
		char items[512] = "";
		print_items(&file, items, sizeof(items));
		CU_ASSERT_STRING_EQUAL(items, files[i].items);
	}
}

static void what_is_not_known_is_refused_by_name(void)
{
	static const struct {
		struct slice bytes;
		uint64_t offset;
		const char *error;
	} wrong[] = {
#define WRONG(bytes, offset, error) { { (const uint8_t *)bytes, sizeof(bytes) - 1 }, offset, error }
		WRONG("", 0, "unexpected end of input"),
		WRONG("REDIS001", 0, "unexpected end of input"),
		WRONG("RADIS0010\xff", 0, "not an RDB file"),
		WRONG("REDIS0000\xff", 0, "not an RDB file"),
		WRONG("REDIS001x\xff", 0, "not an RDB file"),
		WRONG("VALKEY0x0\xff", 0, "not an RDB file"),
		WRONG("REDIS0010\x0a\x01" "a\x00", 9, "a list (ziplist), which is not supported"),
		WRONG("REDIS0012\xfe\x00\x19\x01" "a\x00", 11, "a hash with expiring fields, which is not supported"),
		WRONG("REDIS0010\x63\x01" "a\x00", 9, "a value of the unknown type 99"),
		WRONG("REDIS0010\xf2\x01" "a\x00", 9, "a value of the unknown type 242"),
		WRONG("REDIS0010\x08\x01" "a\x00", 9, "a value of the unknown type 8"),
		WRONG("REDIS0010\x07\x01" "a\x81\x45\xe2\x52\x38\xdf\x91\x2c\x03", 12,
		      "a value of the module ReJSON-RL, which is not supported"),
		WRONG("REDIS0010\xf7\x81\x45\xe2\x52\x38\xdf\x91\x2c\x03", 9, "data of the module ReJSON-RL, which is not supported"),
		WRONG("REDIS0010\xf5\x15#!lua name=mylib\ncode", 9, "the function library \"mylib\", which is not supported"),
		WRONG("REDIS0010\xf5\x00", 9, "the function library \"\", which is not supported"),
		WRONG("REDIS0010\xf5\x0cname=\x1b[31mred", 9, "the function library \"\", which is not supported"),
		WRONG("REDIS0010\xf6\x00", 9, "a function of a release candidate of Redis 7.0, which is not supported"),
		WRONG("REDIS0013\xf3\x00", 9, "a key's metadata by a module (Redis) or a moving slot (Valkey), which are not supported"),
		WRONG("REDIS0010\xfe\x04", 9, "database 4, but the server has only 4"),
		WRONG("REDIS0010\xfe\x81\x00\x00\x00\x01\x00\x00\x00\x00", 9, "a database's number is impossible"),
		WRONG("REDIS0010\xfa\x03" "abc", 14, "unexpected end of input"),
		WRONG("REDIS0010\x00\x01" "a\x05" "b", 13, "unexpected end of input"),
		WRONG("REDIS0010\x00\x01" "a\xff", 12, "a string of an unknown form"),
		WRONG("REDIS0010\xff\x01\x02\x03", 10, "unexpected end of input"),
		WRONG("REDIS0010\xff\x01\x02\x03\x04\x05\x06\x07\x08", 10,
		      "the checksum is 0807060504030201, but that of the content is eb7ea789fe37fda9"),
	};
	unused = keys_create();
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct file file = { .bytes = (uint8_t *)wrong[i].bytes.data, .len = wrong[i].bytes.len };
		uint64_t offset = 0;
		const char *error = loads(&file, &offset);
		CU_ASSERT_PTR_NOT_NULL_FATAL(error);
		CU_ASSERT_STRING_EQUAL(error, wrong[i].error);
		CU_ASSERT_EQUAL(offset, wrong[i].offset);
	}
	keys_destroy(&unused);
}

static void a_wrong_checksum_can_be_ignored(void)
{
	struct file file = file_of(BYTES("\x00\x01" "a\x01" "b\xff"));
	uint64_t offset;
	unused = keys_create();
	CU_ASSERT_PTR_NULL(loads(&file, &offset));
	file.bytes[file.len - 1] ^= 1;
	CU_ASSERT_PTR_NOT_NULL(loads(&file, &offset));
	struct rdb_file_reader *reader = rdb_file_reader_create(take, &file);
	struct rdb_item item;
	struct value value;
	file.at = 0;
	reader->ignores_checksum = true;
	CU_ASSERT_EQUAL(rdb_file_next(reader, &item), RDB_ITEM_RECORD);
	CU_ASSERT_TRUE(value_decode(&reader->values, item.record.type, &value));
	CU_ASSERT_EQUAL(rdb_file_next(reader, &item), RDB_ITEM_END);
	rdb_file_reader_destroy(&reader);
	discard(&file);
	keys_destroy(&unused);
}

static void expired_keys_are_skipped(void)
{
	struct databases databases;
	struct rdb_load_figures figures;
	uint64_t offset;
	struct file file = { 0 };
	unused = keys_create();
	CU_ASSERT_TRUE_FATAL(databases_init(&databases, DATABASES));
	set(&databases, 0, text("past"), slice_of(large, 20000), NOW_MS - 1);
	set(&databases, 0, text("now"), text("value"), NOW_MS);
	set(&databases, 0, text("later"), text("value"), NOW_MS + 1);
	save(&file, &databases, false, true);
	databases_fini(&databases);
	CU_ASSERT_TRUE_FATAL(databases_init(&databases, DATABASES));
	CU_ASSERT_PTR_NULL(load(&file, &databases, &figures, &offset));
	CU_ASSERT_EQUAL(expired_keys, 2);
	CU_ASSERT_EQUAL(figures.keys, 1);
	CU_ASSERT_EQUAL(keyspace_count(databases_read(&databases, 0)), 1);
	databases_fini(&databases);
	discard(&file);
	keys_destroy(&unused);
}

/* "Never" is a number here, which a file could contain. */
static void the_earliest_of_all_times_has_passed(void)
{
	struct file file = file_of(BYTES("\xfc\x00\x00\x00\x00\x00\x00\x00\x80\x00\x01" "a\x01" "b\xff"));
	struct databases databases;
	struct rdb_load_figures figures;
	uint64_t offset;
	unused = keys_create();
	CU_ASSERT_TRUE_FATAL(databases_init(&databases, DATABASES));
	CU_ASSERT_PTR_NULL(load(&file, &databases, &figures, &offset));
	CU_ASSERT_EQUAL(expired_keys, 1);
	CU_ASSERT_EQUAL(keyspace_count(databases_read(&databases, 0)), 0);
	databases_fini(&databases);
	discard(&file);
	keys_destroy(&unused);
}

static void a_key_that_comes_twice_is_refused(void)
{
	struct file file = file_of(BYTES("\xfe\x01\x00\x01" "a\x01" "b\x00\x01" "c\x01" "d\xfe\x02\x00\x01" "a\x01" "b\xfe\x01\x00\x01" "a\x01"
					 "e\xff"));
	struct databases databases;
	struct rdb_load_figures figures;
	uint64_t offset = 0;
	unused = keys_create();
	CU_ASSERT_TRUE_FATAL(databases_init(&databases, DATABASES));
	const char *error = load(&file, &databases, &figures, &offset);
	CU_ASSERT_STRING_EQUAL(error ? error : "", "status 2");
	CU_ASSERT_EQUAL(offset, 9 + 2 + 5 + 5 + 2 + 5 + 2);
	databases_fini(&databases);
	discard(&file);
	keys_destroy(&unused);
}

static void the_base_of_a_log_is_known(void)
{
	static const struct {
		struct slice bytes;
		bool is_base;
	} known[] = {
#define BASE(bytes, is_base) { { (const uint8_t *)bytes, sizeof(bytes) - 1 }, is_base }
		BASE("\xfa\x08" "aof-base\xc0\x01\xff", true),
		BASE("\xfa\x08" "aof-base\xc0\x00\xff", false),
		BASE("\xfa\x0c" "aof-preamble\x01" "1\xff", true),
		BASE("\xfa\x08" "aof-base\x01x\xff", false),
		BASE("\xff", false),
	};
	unused = keys_create();
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		struct file file = file_of(known[i].bytes);
		struct databases databases;
		struct rdb_load_figures figures;
		uint64_t offset;
		CU_ASSERT_TRUE_FATAL(databases_init(&databases, DATABASES));
		CU_ASSERT_PTR_NULL(load(&file, &databases, &figures, &offset));
		CU_ASSERT_EQUAL(figures.is_aof_base, known[i].is_base);
		CU_ASSERT_FALSE(figures.has_sequence);
		databases_fini(&databases);
		discard(&file);
	}
	keys_destroy(&unused);
}

/* The file may say what it likes: the table is sized by what the file can contain. */
static void a_false_size_takes_no_memory(void)
{
	struct file file = file_of(BYTES("\xfe\x00\xfb\x81\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x01" "a\x01" "b\xff"));
	struct databases databases;
	struct rdb_load_figures figures;
	uint64_t offset;
	unused = keys_create();
	CU_ASSERT_TRUE_FATAL(databases_init(&databases, DATABASES));
	size_t used = memory_used_bytes(&databases.storage.memory);
	CU_ASSERT_PTR_NULL(load(&file, &databases, &figures, &offset));
	CU_ASSERT(memory_used_bytes(&databases.storage.memory) < used + 20000);
	databases_fini(&databases);
	discard(&file);
	keys_destroy(&unused);
}

static void the_usage_of_keys_is_kept(void)
{
	struct file file = file_of(BYTES("\xf8\x40\xff\x00\x01" "a\x01" "b\x00\x01" "c\x01" "d\xf9\xff\x00\x01" "e\x01" "f\xff"));
	struct databases databases;
	struct rdb_load_figures figures;
	uint64_t offset;
	unused = keys_create();
	CU_ASSERT_TRUE_FATAL(databases_init(&databases, DATABASES));
	struct access *access = databases.storage.access;
	access_advance(access, 0, 1);
	CU_ASSERT_PTR_NULL(load(&file, &databases, &figures, &offset));
	const struct keyspace *keyspace = databases_read(&databases, 0);
	CU_ASSERT_EQUAL(access_idle_ms(access, keyspace_find_any(keyspace, text("a"), keyspace_hash(text("a"))), 1), 255000);
	CU_ASSERT_EQUAL(access_idle_ms(access, keyspace_find_any(keyspace, text("c"), keyspace_hash(text("c"))), 1), 0);
	CU_ASSERT_EQUAL(access_idle_ms(access, keyspace_find_any(keyspace, text("e"), keyspace_hash(text("e"))), 1), 0);
	databases_fini(&databases);
	discard(&file);
	keys_destroy(&unused);
}

static void the_usage_of_keys_is_written(void)
{
	static const struct {
		uint8_t usage;
		uint32_t value;
	} usages[] = { { RDB_USAGE_UNKNOWN, 0 }, { RDB_IDLE_SECONDS, 100000 }, { RDB_FREQUENCY, 255 } };
	struct rdb_file_options options = { .write = append };
	struct rdb_pieces pieces = { 0 };
	struct file file = { 0 };
	char items[512] = "";
	options.context = &file;
	unused = keys_create();
	keys_set(unused, text("a"), text("b"));
	for (size_t i = 0; i < sizeof(usages) / sizeof(usages[0]); i++) {
		struct rdb_record record = { .key = text("a"), .expiry_ms = NO_EXPIRY, .database = (uint32_t)i % 2,
					     .usage = usages[i].usage, .usage_value = usages[i].value };
		CU_ASSERT_TRUE(rdb_pieces_add(&pieces, &record, keys_find(unused, text("a"), 0)));
	}
	struct rdb_file_writer *writer = rdb_file_writer_create(&options);
	append(&file, "REDIS0010", 9);
	rdb_file_add(writer, &pieces);
	CU_ASSERT_TRUE(rdb_file_end(writer));
	CU_ASSERT_EQUAL(rdb_file_records(writer), 3);
	rdb_file_writer_destroy(&writer);
	rdb_pieces_fini(&pieces);
	print_items(&file, items, sizeof(items));
	CU_ASSERT_STRING_EQUAL(items, "db0 0:a=b db1 1:a=b,idle100000 db0 0:a=b,freq255 unsummed");
	discard(&file);
	keys_destroy(&unused);
}

/* Every cut is found, and every flipped bit that matters: by the checksum, or before. */
static void damage_is_found(void)
{
	struct databases databases;
	struct file file = { 0 };
	uint64_t offset;
	unused = keys_create();
	CU_ASSERT_TRUE_FATAL(databases_init(&databases, DATABASES));
	for (uint64_t i = 0; i < 20; i++)
		set(&databases, (uint32_t)(i % 2), keys_numbered(i), i % 3 ? keys_numbered(i) : slice_of(large, 30 * i), NOW_MS + 1 + (int64_t)i);
	save(&file, &databases, true, true);
	databases_fini(&databases);
	for (size_t len = 0; len < file.len; len++) {
		struct file cut = { .bytes = file.bytes, .len = len };
		const char *error = loads(&cut, &offset);
		CU_ASSERT_STRING_EQUAL(error ? error : "", "unexpected end of input");
		CU_ASSERT(offset <= len);
	}
	for (size_t bit = 0; bit < 8 * file.len; bit++) {
		file.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		CU_ASSERT_PTR_NOT_NULL(loads(&file, &offset));
		file.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	CU_ASSERT_PTR_NULL(loads(&file, &offset));
	file.code = EIO;
	file.len -= 3;
	const char *error = loads(&file, &offset);
	CU_ASSERT_STRING_EQUAL(error ? error : "", "it can't be read: Input/output error");
	discard(&file);
	keys_destroy(&unused);
}

static void a_write_that_fails_is_told(void)
{
	struct databases databases;
	struct file whole = { 0 };
	unused = keys_create();
	populate(&databases);
	CU_ASSERT_TRUE(save(&whole, &databases, false, true));
	for (size_t most = 1; most < whole.len; most += whole.len / 50) {
		struct file file = { .most = most };
		CU_ASSERT_FALSE(save(&file, &databases, false, true));
		discard(&file);
	}
	databases_fini(&databases);
	discard(&whole);
	keys_destroy(&unused);
}

/* The n-th allocation of the thread that reads, or of the owner, fails. */
static void without_memory_nothing_is_lost_or_leaked(void)
{
	struct databases from, to;
	struct file file = { 0 };
	struct rdb_load_figures figures;
	uint64_t offset;
	unused = keys_create();
	CU_ASSERT_TRUE_FATAL(databases_init(&from, DATABASES));
	for (uint64_t i = 0; i < 30; i++)
		set(&from, (uint32_t)(i % 2), keys_numbered(i), i % 10 ? keys_numbered(i) : slice_of(large, 20000), NOW_MS + 1);
	save(&file, &from, true, true);
	databases_fini(&from);
	for (int owner = 0; owner < 2; owner++) {
		const char *error = "";
		for (uint64_t n = 4; error; n++) { /* after the reader and its buffer */
			CU_ASSERT_TRUE_FATAL(databases_init(&to, DATABASES));
			if (owner)
				memory_fail_nth(n);
			else
				allocation_fail_nth(n, NULL);
			error = load(&file, &to, &figures, &offset);
			memory_fail_nth(0);
			allocation_fail_nth(0, NULL);
			if (error)
				CU_ASSERT(strcmp(error, "no memory") == 0 || strcmp(error, "status 1") == 0);
			databases_fini(&to);
		}
	}
	discard(&file);
	keys_destroy(&unused);
}

static const struct suite_case cases[] = {
	CASE(what_is_saved_is_loaded),
	CASE(a_file_begins_as_that_of_redis),
	CASE(files_of_other_servers_are_read),
	CASE(what_is_not_known_is_refused_by_name),
	CASE(a_wrong_checksum_can_be_ignored),
	CASE(expired_keys_are_skipped),
	CASE(the_earliest_of_all_times_has_passed),
	CASE(a_key_that_comes_twice_is_refused),
	CASE(the_base_of_a_log_is_known),
	CASE(a_false_size_takes_no_memory),
	CASE(the_usage_of_keys_is_kept),
	CASE(the_usage_of_keys_is_written),
	CASE(damage_is_found),
	CASE(a_write_that_fails_is_told),
	CASE(without_memory_nothing_is_lost_or_leaked),
};

SUITE_MAIN("rdb_file", cases)
