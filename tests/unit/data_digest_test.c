#include "actors/store/data_digest.h"

#include <stdio.h>
#include <string.h>

#include "storage/memory.h"
#include "storage/storage.h"
#include "support/suite.h"

static void set(struct keyspace *keyspace, const char *key, const char *value, int64_t expiry_ms)
{
	struct slice name = slice_of(key, strlen(key));
	struct entry *entry;
	CU_ASSERT_EQUAL_FATAL(keyspace_set_string(keyspace, name, keyspace_hash(name), slice_of(value, strlen(value)),
						  KEYSPACE_DROP_TTL, 0, &entry), KEYSPACE_OK);
	if (expiry_ms)
		CU_ASSERT_EQUAL(keyspace_set_expiry(keyspace, &entry, expiry_ms), KEYSPACE_OK);
}

static struct storage storage;

static void values_and_data_have_the_digests_that_redis_gives_them(void)
{
	struct keyspace *first = keyspace_create(&storage), *fourth = keyspace_create(&storage);
	struct data_digest value = { 0 }, all = { 0 };
	char hex[DIGEST_HEX_BYTES];
	set(first, "a", "b", 0);
	set(fourth, "foo", "5", 1000);
	data_digest_mix_value(&value, keyspace_find_any(first, slice_of("a", 1), keyspace_hash(slice_of("a", 1))));
	data_digest_hex(&value, hex);
	CU_ASSERT_STRING_EQUAL(hex, "b78559cd22bce6e6df712eb99ce7f3b08e8f8f1f");
	data_digest_mix_database(&all, 0, first);
	data_digest_mix_database(&all, 3, fourth);
	data_digest_hex(&all, hex);
	CU_ASSERT_STRING_EQUAL(hex, "6757d6a09f0d12fd546911c77c56cdbde43b775c");
	keyspace_destroy(&first);
	keyspace_destroy(&fourth);
}

static void fill(struct keyspace *keyspace, int first, int last, int step)
{
	for (int i = first; i != last; i += step) {
		char key[16], value[16];
		snprintf(key, sizeof(key), "key:%d", i);
		snprintf(value, sizeof(value), "value:%d", i);
		set(keyspace, key, value, i % 3 ? 0 : 5000 + i);
	}
}

static void the_order_of_the_keys_does_not_matter_but_each_of_them_does(void)
{
	struct keyspace *up = keyspace_create(&storage), *down = keyspace_create(&storage);
	struct data_digest a = { 0 }, b = { 0 }, c = { 0 };
	fill(up, 0, 500, 1);
	fill(down, 499, -1, -1);
	data_digest_mix_database(&a, 0, up);
	data_digest_mix_database(&b, 0, down);
	CU_ASSERT_EQUAL(memcmp(&a, &b, sizeof(a)), 0);
	set(down, "key:77", "other", 0);
	data_digest_mix_database(&c, 0, down);
	CU_ASSERT_NOT_EQUAL(memcmp(&a, &c, sizeof(a)), 0);
	keyspace_destroy(&up);
	keyspace_destroy(&down);
}

static const struct suite_case cases[] = {
	CASE(values_and_data_have_the_digests_that_redis_gives_them),
	CASE(the_order_of_the_keys_does_not_matter_but_each_of_them_does),
};

int main(int argc, char **argv)
{
	memory_init();
	keyspace_seed_hash();
	if (!storage_init(&storage))
		return 1;
	return suite_main("data digest", cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
