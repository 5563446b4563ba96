/*
 * Replies into structs and arrays, scripts by digest, and the errors of a pipeline.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "client_library/fake.h"
#include "client_library/fixture.h"

static qc_context *ctx;

struct user {
	int64_t id;
	int8_t small;
	uint16_t port;
	double score;
	float share;
	bool is_admin;
	char name[8];
	const char *town;
	char *wrong;
};

static const qc_field user_fields[] = {
	QC_FIELD(struct user, id),    QC_FIELD(struct user, small), QC_FIELD(struct user, port),
	QC_FIELD(struct user, score), QC_FIELD(struct user, share), QC_FIELD_AS(struct user, is_admin, "admin"),
	QC_FIELD(struct user, name),  QC_FIELD(struct user, town),
};

/* A reply of any text, from a fake server. */
struct spoken {
	struct fake *fake;
	qc_client *client;
	const char *text;
};

static void speak(struct fake *fake, int fd, unsigned number, void *data)
{
	struct spoken *spoken = data;
	char word[32];

	(void)fake, (void)number;
	if (!fake_greet(fd))
		return;
	while (fake_read(fd, word, sizeof(word)))
		fake_send_text(fd, spoken->text);
}

static void spoken_start(struct spoken *spoken)
{
	char address[32];

	spoken->fake = fake_start(speak, spoken);
	snprintf(address, sizeof(address), "127.0.0.1:%u", fake_port(spoken->fake));
	spoken->client = qc_dial(address);
	GOOD(*spoken->client);
}

static void spoken_stop(struct spoken *spoken)
{
	qc_close(spoken->client);
	fake_stop(&spoken->fake);
}

static void a_map_is_read_into_a_struct_by_names(void)
{
	struct spoken s = {.text = "%7\r\n$2\r\nid\r\n$2\r\n-7\r\n$5\r\nsmall\r\n:-128\r\n$4\r\nport\r\n$5\r\n65535\r\n$5\r\nscore\r\n,1.5\r\n"
				   "$5\r\nadmin\r\n#t\r\n$4\r\nname\r\n$7\r\nann lee\r\n$4\r\ntown\r\n$2\r\nUr\r\n"};
	struct user user = {.share = 0.25f};

	spoken_start(&s);
	qc_result r qc_auto = qc_do(s.client, ctx, "ANY");
	qc_status read = qc_read(r.reply, &user, user_fields);
	GOOD(read);
	CU_ASSERT(user.id == -7 && user.small == -128 && user.port == 65535 && user.score == 1.5 && user.is_admin);
	CU_ASSERT_STRING_EQUAL(user.name, "ann lee");
	CU_ASSERT_STRING_EQUAL(user.town, "Ur");
	/* Members that are missing in the reply stay unchanged. */
	CU_ASSERT_EQUAL(user.share, 0.25f);
	spoken_stop(&s);
}

static void pairs_of_resp2_are_a_map_too(void)
{
	struct spoken s = {.text = "*4\r\n$5\r\nadmin\r\n$5\r\nFALSE\r\n$4\r\nname\r\n:12\r\n"};
	struct user user = {.is_admin = true};

	spoken_start(&s);
	qc_result r qc_auto = qc_do(s.client, ctx, "ANY");
	GOOD(qc_read(r.reply, &user, user_fields));
	CU_ASSERT(!user.is_admin);
	CU_ASSERT_STRING_EQUAL(user.name, "12");
	spoken_stop(&s);
}

static void what_doesnt_fit_is_named(void)
{
	static const struct { const char *text, *name; } wrong[] = {
		{"*2\r\n$5\r\nsmall\r\n:128\r\n", "small: an integer too large"},
		{"*2\r\n$4\r\nport\r\n:-1\r\n", "port: not an unsigned integer"},
		{"*2\r\n$4\r\nport\r\n$5\r\n65536\r\n", "port: an integer too large"},
		{"*2\r\n$2\r\nid\r\n$1\r\nx\r\n", "id: no integer"},
		{"*2\r\n$2\r\nid\r\n$19\r\n9223372036854775808\r\n", "id: no integer"},
		{"*2\r\n$5\r\nscore\r\n$1\r\nx\r\n", "score: no number"},
		{"*2\r\n$5\r\nadmin\r\n:2\r\n", "admin: neither true nor false"},
		{"*2\r\n$4\r\nname\r\n$8\r\n12345678\r\n", "name: a text too long"},
		{"*2\r\n$4\r\ntown\r\n*0\r\n", "town: no text"},
		{"*1\r\n$4\r\ntown\r\n", "not a map"},
		{":1\r\n", "not a map"},
	};
	struct spoken s = {.text = "+OK\r\n"};
	struct user user = {0};

	spoken_start(&s);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		s.text = wrong[i].text;
		qc_result r qc_auto = qc_do(s.client, ctx, "ANY");
		qc_status read = qc_read(r.reply, &user, user_fields);
		GOOD(r);
		FAILS(read, QC_PROTOCOL);
		CU_ASSERT_PTR_NOT_NULL(strstr(read.err.text, wrong[i].name));
	}
	s.text = "_\r\n";
	qc_result none qc_auto = qc_do(s.client, ctx, "ANY");
	FAILS(qc_read(none.reply, &user, user_fields), QC_NIL);
	const qc_field pointer[] = {QC_FIELD(struct user, wrong)};
	s.text = "*2\r\n$5\r\nwrong\r\n$1\r\nx\r\n";
	qc_result r qc_auto = qc_do(s.client, ctx, "ANY");
	FAILS(qc_read(r.reply, &user, pointer), QC_INVALID);
	spoken_stop(&s);
}

static void arrays_are_read_into_arrays_and_by_order(void)
{
	struct spoken s = {.text = "*3\r\n:1\r\n$2\r\n22\r\n:3\r\n"};
	int64_t numbers[3];
	uint8_t bytes[4];
	const char *texts[2];
	char words[3][4];

	spoken_start(&s);
	qc_result r qc_auto = qc_do(s.client, ctx, "ANY");
	CU_ASSERT_EQUAL(qc_read_array(r.reply, numbers).value, 3);
	CU_ASSERT(numbers[0] == 1 && numbers[1] == 22 && numbers[2] == 3);
	CU_ASSERT_EQUAL(qc_read_array(r.reply, bytes).value, 3);
	CU_ASSERT_EQUAL(bytes[1], 22);
	FAILS(qc_read_array(r.reply, texts), QC_PROTOCOL);
	CU_ASSERT_EQUAL(qc_read_array(r.reply, words).value, 3);
	CU_ASSERT_STRING_EQUAL(words[1], "22");
	s.text = "*3\r\n$3\r\nbob\r\n_\r\n$1\r\n5\r\n";
	qc_result values qc_auto = qc_do(s.client, ctx, "HMGET");
	struct user user = {.id = 9};
	const qc_field order[] = {QC_FIELD(struct user, name), QC_FIELD(struct user, id), QC_FIELD(struct user, port)};
	GOOD(qc_read_values(values.reply, &user, order, 3));
	CU_ASSERT_STRING_EQUAL(user.name, "bob");
	CU_ASSERT(user.id == 9 && user.port == 5);
	FAILS(qc_read_values(values.reply, &user, order, 2), QC_PROTOCOL);
	FAILS(qc_read_array(values.reply, words), QC_NIL);
	spoken_stop(&s);
}

static void a_script_goes_whole_only_when_the_server_lacks_it(void)
{
	struct fixture f = fixture_start("");
	qc_script script = qc_script_make("return redis.call('INCRBY', KEYS[1], ARGV[1])");

	CU_ASSERT_STRING_EQUAL(qc_script_make("").sha1, "da39a3ee5e6b4b0d3255bfef95601890afd80709");
	if (fixture_has(&f, "EVALSHA", "scripts by digest")) {
		qc_result first qc_auto = qc_script_run(f.client, ctx, &script, QC_LIST("n"), 5);
		qc_result again qc_auto = qc_script_run(f.client, ctx, &script, QC_LIST("n"), 5);
		CU_ASSERT_EQUAL(qc_reply_int(first.reply), 5);
		CU_ASSERT_EQUAL(qc_reply_int(again.reply), 10);
		qc_result stats qc_auto = qc_do(f.client, ctx, "INFO", "commandstats");
		CU_ASSERT_PTR_NOT_NULL(strstr(qc_reply_text(stats.reply), "cmdstat_eval:calls=1,"));
		qc_script wrong = qc_script_make("return redis.error_reply('MINE no')");
		qc_result refused qc_auto = qc_script_run(f.client, ctx, &wrong, QC_LIST());
		CU_ASSERT(qc_has_code(refused.err, "MINE"));
		qc_script reading = qc_script_make("return redis.call('GET', KEYS[1])");
		reading.is_readonly = true;
		qc_result read qc_auto = qc_script_run(f.client, ctx, &reading, QC_LIST("n"));
		CU_ASSERT_STRING_EQUAL(qc_reply_text(read.reply), "10");
	}
	CU_ASSERT(fixture_stop(&f));
}

static void a_pipeline_sends_each_script_whole_once(void)
{
	struct fixture f = fixture_start("");
	qc_script add = qc_script_make("return redis.call('INCRBY', KEYS[1], ARGV[1])"), seven = qc_script_make("return 7");
	qc_pipeline *p qc_defer(qc_pipeline_close) = qc_pipeline_open(f.client);

	/* Whether or not the server knows them; twice, since a pipeline may be filled again. */
	for (int round = 1; round <= 2 && fixture_has(&f, "EVALSHA", "scripts in pipelines"); round++) {
		GOOD(qc_script_flush(f.client, ctx));
		size_t first = qc_script_add(p, &add, QC_LIST("n"), 1);
		size_t other = qc_script_add(p, &seven, QC_LIST());
		for (int i = 0; i < 10; i++)
			qc_script_add(p, &add, QC_LIST("n"), 1);
		size_t last = qc_add(p, "GET", "n");
		qc_results r qc_auto_results = qc_run(p, ctx);
		CU_ASSERT_EQUAL(qc_results_err(&r, NULL).kind, QC_OK);
		CU_ASSERT_EQUAL(qc_results_int(&r, first).value, 11 * (round - 1) + 1);
		CU_ASSERT_EQUAL(qc_results_int(&r, other).value, 7);
		CU_ASSERT_EQUAL(qc_results_int(&r, last).value, 11 * round);
	}
	CU_ASSERT(fixture_stop(&f));
}

static void a_pipeline_tells_its_first_error(void)
{
	struct fixture f = fixture_start("");
	qc_pipeline *p = qc_pipeline_open(f.client);
	size_t place = 99;

	qc_add(p, "SET", "k", "text");
	size_t second = qc_add(p, "INCR", "k");
	qc_add(p, "UNKNOWN");
	qc_results r = qc_run(p, ctx);
	GOOD(r);
	qc_error first = qc_results_err(&r, &place);
	CU_ASSERT_EQUAL(first.kind, QC_SERVER);
	CU_ASSERT_EQUAL(place, second);
	CU_ASSERT_EQUAL(strncmp(first.text, "command 1: ", 11), 0);
	qc_results_release(&r);
	qc_add(p, "SET", "k", "text");
	r = qc_run(p, ctx);
	CU_ASSERT_EQUAL(qc_results_err(&r, &place).kind, QC_OK);
	CU_ASSERT_EQUAL(place, 1);
	qc_results_release(&r);
	/* When everything has failed. */
	CU_ASSERT_EQUAL(qc_add(p, "SET", "k", NULL), 0);
	r = qc_run(p, ctx);
	CU_ASSERT_EQUAL(qc_results_err(&r, &place).kind, QC_INVALID);
	qc_results_release(&r);
	qc_pipeline_close(p);
	CU_ASSERT(fixture_stop(&f));
}

static const struct suite_case cases[] = {
	CASE(a_map_is_read_into_a_struct_by_names),
	CASE(pairs_of_resp2_are_a_map_too),
	CASE(what_doesnt_fit_is_named),
	CASE(arrays_are_read_into_arrays_and_by_order),
	CASE(a_script_goes_whole_only_when_the_server_lacks_it),
	CASE(a_pipeline_sends_each_script_whole_once),
	CASE(a_pipeline_tells_its_first_error),
};

int main(int argc, char **argv)
{
	ctx = qc_background();
	return suite_main("client values", cases, (int)(sizeof(cases) / sizeof(cases[0])), argc, argv);
}
