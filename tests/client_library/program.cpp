// Uses what qcache.hpp has, against the server at argv[1]; cxx_test.c compiles and runs it. It prints what went wrong.
#include <iostream>

#include <qcache.hpp>

static int failures;

#define CHECK(condition)                                                                                               \
	do {                                                                                                           \
		if (!(condition)) {                                                                                    \
			std::cout << __LINE__ << ": " << #condition << "\n";                                           \
			failures++;                                                                                    \
		}                                                                                                      \
	} while (0)

static void calls(qc::client &c, qc_context *ctx)
{
	qc_set_options once = qc_set_options();

	once.ex = 60;
	once.nx = true;
	CHECK(qc::ok(c.set(ctx, "foo", 42, once)));
	CHECK(c.set(ctx, std::string("foo"), "x", once).err.kind == QC_NIL);
	qc::string foo = c.get(ctx, "foo"), none = c.get(ctx, "none");
	CHECK(foo.str() == "42" && none.err.kind == QC_NIL && none.str().empty());
	foo = c.get(ctx, "foo");
	CHECK(c.incr(ctx, "foo").value == 43);
	CHECK(c.del(ctx, {"foo", "none"}).value == 1);
	CHECK(qc::ok(c.mset(ctx, {"a", 1, "b", 2.5, "c", true})));
	std::vector<std::string> keys = {"a", "b", "none"};
	qc::result all = c.mget(ctx, keys);
	CHECK(qc_reply_count(all.reply) == 3);
	qc::result moved = std::move(all);
	CHECK(!all.reply && qc_reply_int(qc_reply_at(moved.reply, 0)) == 1);
#if __cplusplus >= 202002L
	CHECK(qc::ok(c.set(ctx, "braces", "v", {.ex = 60})));
#endif
	qc::string wrong = c.getrange(ctx, "a", 0, 0);
	CHECK(wrong.str() == "1");
}

static void errors(qc::client &c, qc_context *ctx)
{
	bool thrown = false;

	try {
		qc::must(c.run(ctx, {"NO-SUCH", 1}));
	} catch (const qc::failure &failure) {
		thrown = failure.err.kind == QC_SERVER;
	}
	CHECK(thrown);
	CHECK(qc::must(c.incrby(ctx, "n", 7)).value == 7);
	qc::context soon = qc::context::with_timeout(ctx, 60000);
	soon.cancel();
	CHECK(c.incr(soon, "n").err.kind == QC_CANCELLED);
	qc::client pinned = c.pin_key(ctx, "key");
	CHECK(qc::ok(pinned.select(ctx, 1)));
}

static void pipelines(qc::client &c, qc_context *ctx)
{
	qc::pipeline p(c);
	p.add({"SET", "k", 5});
	size_t n = p.add({"INCR", "k"});
	qc::results r = p.run(ctx);

	CHECK(qc::ok(r) && qc_results_int(&r, n).value == 6);
}

int main(int argc, char **argv)
{
	qc_context *ctx = qc_background();
	qc::client c(argc > 1 ? argv[1] : "localhost:6379");

	CHECK(qc::ok(c));
	calls(c, ctx);
	errors(c, ctx);
	pipelines(c, ctx);
	return failures ? 1 : 0;
}
