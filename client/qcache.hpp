/*
 * libqcache for C++11 and later: the calls of qcache.h as members, arguments of any type with a text form, and results that release
 * themselves.
 *
 *	qc::client c("localhost:6379");
 *	c.set(ctx, "foo", 42, {.ex = 60});         // braces need C++20; before, use a qc_set_options object
 *	qc::string foo = c.get(ctx, "foo");
 *	if (qc::ok(foo))
 *		std::cout << foo.str();
 *	c.hset(ctx, "h", {"field", 1, "other", 2.5});
 *	int64_t n = qc::must(c.incr(ctx, "n")).value;   // throws qc::failure
 *
 * The rules of qcache.h apply: errors are values, in the field `err` of every result; only qc::must() throws. DELETE is delete_(),
 * since delete is a keyword. client::c() returns the C handle. Write lists of arguments in braces.
 */
#ifndef QCACHE_HPP
#define QCACHE_HPP

#include <initializer_list>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "qcache.h"

namespace qc {

/* An argument: text, bytes, a number, or a bool. It borrows what it is made from. */
class arg : public qc_arg {
public:
	arg(const char *text) : qc_arg(qc_arg_text(text)) {}
	arg(const std::string &text) : qc_arg(qc_bytes(text.data(), text.size())) {}
	arg(const qc_arg &other) : qc_arg(other) {}
	template <class T, typename std::enable_if<std::is_integral<T>::value && std::is_signed<T>::value, int>::type = 0>
	arg(T number) : qc_arg(qc_arg_int(number)) {}
	template <class T, typename std::enable_if<std::is_integral<T>::value && !std::is_signed<T>::value, int>::type = 0>
	arg(T number) : qc_arg(qc_arg_unsigned(number)) {}
	arg(double number) : qc_arg(qc_arg_double(number)) {}
	/* Ambiguous: letter or number, as in C. */
	arg(char) = delete;
	arg(std::nullptr_t) = delete;
};

/* A list of arguments: {"a", 1}, or a vector. It lives as long as its full expression. */
class args {
	std::vector<qc_arg> items;

public:
	args() {}
	args(std::initializer_list<arg> list) : items(list.begin(), list.end()) {}
	template <class T> args(const std::vector<T> &list)
	{
		for (const T &each : list)
			items.push_back(arg(each));
	}
	qc_args c() const
	{
		qc_args list = {items.data(), items.size()};
		return list;
	}
};

template <class T> bool ok(const T &result)
{
	return result.err.kind == QC_OK;
}

struct failure : std::runtime_error {
	qc_error err;
	explicit failure(const qc_error &error) : std::runtime_error(error.text), err(error) {}
};

/* Returns the result, or throws qc::failure. */
template <class T> T must(T result)
{
	if (!ok(result))
		throw failure(result.err);
	return result;
}

/* A result that owns memory and releases it at the end of its scope. It can be moved, not copied. */
template <class C, void (*Release)(C *)> class owned : public C {
public:
	owned() : C() {}
	explicit owned(const C &result) : C(result) {}
	owned(owned &&other) noexcept : C(other) { static_cast<C &>(other) = C(); }
	owned &operator=(owned &&other) noexcept
	{
		std::swap(static_cast<C &>(*this), static_cast<C &>(other));
		return *this;
	}
	owned(const owned &) = delete;
	owned &operator=(const owned &) = delete;
	~owned() { Release(this); }
};

inline void release_result(qc_result *result)
{
	qc_release(result);
}

typedef owned<qc_result, release_result> result;
typedef owned<qc_results, qc_results_release> results;
typedef owned<qc_message, qc_release_message> message;

class string : public owned<qc_string, qc_release_string> {
public:
	string() {}
	explicit string(const qc_string &result) : owned(result) {}
	std::string str() const { return data ? std::string(data, len) : std::string(); }
};

typedef qc_status status;
typedef qc_int integer;
typedef qc_float floating;

/* A context that is freed at the end of its scope; or the background. */
class context {
	qc_context *handle;

public:
	context() : handle(qc_background()) {}
	explicit context(qc_context *taken) : handle(taken) {}
	context(context &&other) noexcept : handle(other.handle) { other.handle = qc_background(); }
	context(const context &) = delete;
	context &operator=(const context &) = delete;
	~context() { qc_context_free(handle); }
	static context with_timeout(qc_context *parent, int64_t ms) { return context(qc_context_with_timeout(parent, ms)); }
	static context with_cancel(qc_context *parent) { return context(qc_context_with_cancel(parent)); }
	void cancel() { qc_cancel(handle); }
	operator qc_context *() const { return handle; }
};

} // namespace qc

#include "qcache_commands.hpp"

namespace qc {

/* A client, pooled or pinned. */
class client : public calls<client> {
	qc_client *handle;

public:
	qc_error err; /* why it could not be made, or could not connect at first */

	explicit client(qc_client *taken) : handle(taken), err(taken->err) {}
	explicit client(const std::string &address, qc_options options = qc_options()) : handle(NULL)
	{
		options.address = address.c_str();
		handle = qc_open(&options);
		err = handle->err;
	}
	client(client &&other) noexcept : handle(other.handle), err(other.err) { other.handle = NULL; }
	client(const client &) = delete;
	client &operator=(const client &) = delete;
	~client() { qc_close(handle); }
	qc_client *c() const { return handle; }
	client pin(qc_context *ctx) { return client(qc_pin(handle, ctx)); }
	client pin_key(qc_context *ctx, const arg &key) { return client(qc_pin_key(handle, ctx, key)); }
	/* Any command. */
	result run(qc_context *ctx, const args &words) { return result(qc_do_args(handle, ctx, words.c())); }
};

class pipeline {
	qc_pipeline *handle;

public:
	explicit pipeline(const client &of) : handle(qc_pipeline_open(of.c())) {}
	pipeline(const pipeline &) = delete;
	pipeline &operator=(const pipeline &) = delete;
	~pipeline() { qc_pipeline_close(handle); }
	qc_pipeline *c() const { return handle; }
	/* Returns the index of the result. */
	size_t add(const args &words) { return qc_pipeline_add_args(handle, words.c()); }
	results run(qc_context *ctx) { return results(qc_run(handle, ctx)); }
	results run_multi(qc_context *ctx) { return results(qc_run_multi(handle, ctx)); }
};

class subscription {
	qc_subscription *handle;

public:
	qc_error err;

	subscription(const client &of, qc_context *ctx, const args &channels, const args &patterns = args()) : handle(NULL)
	{
		qc_subscribe_options options = qc_subscribe_options();
		options.patterns = patterns.c();
		handle = qc_subscribe_args(of.c(), ctx, channels.c(), &options);
		err = handle->err;
	}
	subscription(const subscription &) = delete;
	subscription &operator=(const subscription &) = delete;
	~subscription() { qc_unsubscribe(handle); }
	qc_subscription *c() const { return handle; }
	message next(qc_context *ctx) { return message(qc_next_message(handle, ctx)); }
};

} // namespace qc

#endif
