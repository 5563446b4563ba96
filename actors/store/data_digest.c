#include "actors/store/data_digest.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "storage/value.h"

static void add(struct data_digest *digest, const void *data, size_t len)
{
	uint8_t hash[SHA_DIGEST_LENGTH];
	SHA1(data, len, hash);
	for (int i = 0; i < SHA_DIGEST_LENGTH; i++)
		digest->bytes[i] ^= hash[i];
}

static void mix(struct data_digest *digest, const void *data, size_t len)
{
	add(digest, data, len);
	SHA1(digest->bytes, SHA_DIGEST_LENGTH, digest->bytes);
}

static void mix_number(struct data_digest *digest, uint32_t number)
{
	uint32_t bytes = htonl(number);
	mix(digest, &bytes, sizeof(bytes));
}

static void mix_content(void *context, struct slice content)
{
	mix(context, content.data, content.len);
}

static void add_group(void *context, const struct slice *group, size_t count)
{
	struct data_digest one = { 0 };
	for (size_t i = 0; i < count; i++)
		mix(&one, group[i].data, group[i].len);
	add(context, one.bytes, SHA_DIGEST_LENGTH);
}

void data_digest_mix_value(struct data_digest *digest, const struct entry *entry)
{
	static const char expires[] = "!!expire!!";
	struct digest_sink sink = { .context = digest, .mix = mix_content, .add = add_group };
	mix_number(digest, entry_type(entry));
	entry_digest(entry, &sink);
	if (entry_has_expiry(entry))
		add(digest, expires, sizeof(expires) - 1);
}

void data_digest_add_entry(struct data_digest *digest, const struct entry *entry)
{
	struct data_digest one = { 0 };
	mix(&one, entry_key(entry).data, entry_key(entry).len);
	data_digest_mix_value(&one, entry);
	add(digest, one.bytes, SHA_DIGEST_LENGTH);
}

static void add_visited(void *context, struct entry *entry)
{
	data_digest_add_entry(context, entry);
}

void data_digest_mix_database(struct data_digest *digest, uint32_t number, const struct keyspace *keyspace)
{
	uint64_t cursor = 0;
	mix_number(digest, number);
	do {
		cursor = keyspace_scan(keyspace, cursor, add_visited, digest);
	} while (cursor != 0);
}

void data_digest_hex(const struct data_digest *digest, char out[DIGEST_HEX_BYTES])
{
	for (int i = 0; i < SHA_DIGEST_LENGTH; i++)
		snprintf(out + 2 * i, 3, "%02x", digest->bytes[i]);
}

void data_digest_of(const struct databases *databases, char out[DIGEST_HEX_BYTES])
{
	struct data_digest digest = { 0 };
	for (uint32_t i = 0; i < databases->in_use_count; i++) {
		uint32_t number = databases->in_use[i];
		if (keyspace_count(databases_read(databases, number)) > 0)
			data_digest_mix_database(&digest, number, databases_read(databases, number));
	}
	data_digest_hex(&digest, out);
}
