#include "actors/check/report.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "actors/check/json.h"
#include "actors/runtime/printable.h"

#define SHOWN_BYTES 1024

/* "2026-11-28 21:58:44", local time. */
struct time_text {
	char text[32];
};

static struct time_text time_of(int64_t time_s)
{
	struct time_text out = { "?" };
	time_t time = (time_t)time_s;
	struct tm local;
	if (localtime_r(&time, &local))
		strftime(out.text, sizeof(out.text), "%Y-%m-%d %H:%M:%S", &local);
	return out;
}

/* "1.5 MB" */
static struct time_text size_of(uint64_t bytes)
{
	static const char *const units[] = { "bytes", "KB", "MB", "GB", "TB", "PB" };
	struct time_text out;
	double size = (double)bytes;
	size_t unit = 0;
	for (; size >= 1000 && unit < 5; unit++)
		size /= 1000;
	snprintf(out.text, sizeof(out.text), unit ? "%.1f %s" : "%.0f %s", size, units[unit]);
	return out;
}

static void print_text(FILE *out, const char *text)
{
	char shown[SHOWN_BYTES];
	printable_escape(text, shown, sizeof(shown));
	fputs(shown, out);
}

/* ---- for people ---- */

static void print_rdb(const struct rdb_report *rdb, FILE *out)
{
	fprintf(out, ", RDB version %u", rdb->version);
	if (rdb->writer[0]) {
		fputs(" by ", out);
		print_text(out, rdb->writer);
	}
	if (rdb->created_s)
		fprintf(out, " of %s", time_of(rdb->created_s).text);
	fprintf(out, ", %" PRIu64 " keys", rdb->keys);
	if (rdb->is_whole)
		fputs(rdb->has_checksum ? ", checksum right" : ", without a checksum", out);
	if (rdb->has_sequence)
		fprintf(out, ", up to change %" PRIu64, rdb->sequence);
}

static void print_commands(const struct file_report *report, const struct manifest_part *part, FILE *out)
{
	const struct aof_read_figures *figures = &report->commands;
	fprintf(out, ", %" PRIu64 " commands", figures->commands);
	if (part->has_id)
		fprintf(out, " in %" PRIu64 " groups with checksums", figures->groups);
	if (figures->groups > 0)
		fprintf(out, ", changes %" PRIu64 " to %" PRIu64, part->sequence + 1, figures->last_sequence);
	if (figures->foreign_at)
		fprintf(out, ", from offset %" PRIu64 " on by another server", figures->foreign_at);
	if (figures->has_time)
		fprintf(out, ", %s to %s", time_of(figures->first_s).text, time_of(figures->last_s).text);
}

static void print_file(const struct examination *examination, size_t i, FILE *out)
{
	const struct source_file *file = &examination->source->files[i];
	const struct file_report *report = &examination->files[i];
	print_text(out, file->name);
	fprintf(out, ": %s", size_of(file->bytes).text);
	if (report->rdb.is_there)
		print_rdb(&report->rdb, out);
	if (report->has_commands)
		print_commands(report, &file->part, out);
	fputs(report->rdb.is_there || report->has_commands ? "\n" : ", not read\n", out);
}

static void print_database(const struct database_counts *counts, uint32_t number, FILE *out)
{
	if (counts->keys == 0)
		return;
	fprintf(out, "database %" PRIu32 ": %" PRIu64 " keys", number, counts->keys);
	for (int type = 0; type < ENTRY_TYPES; type++)
		if (counts->types[type] > 0)
			fprintf(out, ", %s %" PRIu64, entry_type_name((enum entry_type)type), counts->types[type]);
	if (counts->expiring > 0)
		fprintf(out, "; %" PRIu64 " with a time to live", counts->expiring);
	if (counts->expired > 0)
		fprintf(out, ", which is over for %" PRIu64, counts->expired);
	putc('\n', out);
}

/* Counts of a base alone would mislead. */
static bool has_counts(const struct examination *examination)
{
	return examination->keeps_contents || (examination->source->count == 1 && !examination->files[0].has_commands);
}

static bool has_digest(const struct examination *examination)
{
	return examination->keeps_contents && examination->options->has_digest;
}

static void print_contents(const struct examination *examination, FILE *out)
{
	char digest[DIGEST_HEX_BYTES];
	if (!has_counts(examination))
		return;
	for (uint32_t i = 0; i < CONTENTS_DATABASES; i++)
		print_database(&examination->contents.counts[i], i, out);
	if (!has_digest(examination))
		return;
	contents_digest(&examination->contents, digest);
	fprintf(out, "digest: %s\n", digest);
}

static void print_verdict(const struct examination *examination, FILE *out)
{
	const struct problem *problem = &examination->problem;
	const struct source_file *file = &examination->source->files[problem->file];
	if (problem->verdict == VERDICT_WHOLE) {
		fputs(examination->has_reached_time ? "whole up to the time\n" : "whole\n", out);
		return;
	}
	print_text(out, file->name);
	fprintf(out, ": %s at offset %" PRIu64 ": ", problem->verdict == VERDICT_TORN ? "torn" : "damaged", problem->offset);
	print_text(out, problem->reason);
	fprintf(out, "\n%s follow\n", size_of(file->bytes - problem->offset).text);
	if (problem->verdict == VERDICT_TORN)
		fputs("A server cuts this off, with aof-load-truncated; so does `qcache-check repair`.\n", out);
	else if (problem->can_be_cut)
		fputs("`qcache-check repair --damaged` keeps what is before it, and gives up the rest of the log.\n", out);
}

void report_print(const struct examination *examination, FILE *out)
{
	const struct check_source *source = examination->source;
	if (source->is_log) {
		print_text(out, source->manifest_path);
		fprintf(out, ": %zu files, %s\n", source->count, size_of(source->bytes).text);
	}
	for (size_t i = 0; i < source->count; i++)
		print_file(examination, i, out);
	print_contents(examination, out);
	print_verdict(examination, out);
}

/* ---- JSON ---- */

static void json_rdb(struct json *json, const struct rdb_report *rdb)
{
	json_open(json, "rdb", '{');
	json_number(json, "version", rdb->version);
	json_string(json, "writer", rdb->writer);
	json_number(json, "created", (uint64_t)rdb->created_s);
	json_number(json, "keys", rdb->keys);
	json_number(json, "bytes", rdb->bytes);
	json_bool(json, "whole", rdb->is_whole);
	json_bool(json, "checksum", rdb->has_checksum);
	if (rdb->has_sequence)
		json_number(json, "sequence", rdb->sequence);
	json_close(json, '}');
}

static void json_commands(struct json *json, const struct file_report *report, const struct manifest_part *part)
{
	const struct aof_read_figures *figures = &report->commands;
	json_open(json, "commands", '{');
	json_number(json, "count", figures->commands);
	json_bool(json, "checksums", part->has_id);
	if (part->has_id) {
		json_number(json, "groups", figures->groups);
		json_number(json, "sequence", part->sequence);
		json_number(json, "last_sequence", figures->last_sequence);
	}
	if (figures->foreign_at)
		json_number(json, "foreign_at", figures->foreign_at);
	if (figures->has_time) {
		json_number(json, "first_time", (uint64_t)figures->first_s);
		json_number(json, "last_time", (uint64_t)figures->last_s);
	}
	json_close(json, '}');
}

static void json_file(struct json *json, const struct examination *examination, size_t i)
{
	const struct source_file *file = &examination->source->files[i];
	const struct file_report *report = &examination->files[i];
	json_open(json, NULL, '{');
	json_string(json, "name", file->name);
	json_number(json, "bytes", file->bytes);
	json_bool(json, "read", report->rdb.is_there || report->has_commands);
	if (report->rdb.is_there)
		json_rdb(json, &report->rdb);
	if (report->has_commands)
		json_commands(json, report, &file->part);
	json_close(json, '}');
}

static void json_database(struct json *json, const struct database_counts *counts, uint32_t number)
{
	json_open(json, NULL, '{');
	json_number(json, "number", number);
	json_number(json, "keys", counts->keys);
	json_number(json, "expiring", counts->expiring);
	json_number(json, "expired", counts->expired);
	json_open(json, "types", '{');
	for (int type = 0; type < ENTRY_TYPES; type++)
		json_number(json, entry_type_name((enum entry_type)type), counts->types[type]);
	json_close(json, '}');
	json_close(json, '}');
}

static void json_contents(struct json *json, const struct examination *examination)
{
	char digest[DIGEST_HEX_BYTES];
	if (!has_counts(examination))
		return;
	json_open(json, "databases", '[');
	for (uint32_t i = 0; i < CONTENTS_DATABASES; i++)
		if (examination->contents.counts[i].keys > 0)
			json_database(json, &examination->contents.counts[i], i);
	json_close(json, ']');
	if (!has_digest(examination))
		return;
	contents_digest(&examination->contents, digest);
	json_string(json, "digest", digest);
}

static void json_problem(struct json *json, const struct examination *examination)
{
	static const char *const verdicts[] = { [VERDICT_WHOLE] = "whole", [VERDICT_TORN] = "torn", [VERDICT_DAMAGED] = "damaged" };
	const struct problem *problem = &examination->problem;
	json_string(json, "state", verdicts[problem->verdict]);
	if (problem->verdict == VERDICT_WHOLE)
		return;
	json_open(json, "problem", '{');
	json_string(json, "file", examination->source->files[problem->file].name);
	json_number(json, "offset", problem->offset);
	json_string(json, "reason", problem->reason);
	json_bool(json, "repairable", problem->can_be_cut);
	json_close(json, '}');
}

void report_print_json(const struct examination *examination, FILE *out)
{
	struct json json = { .out = out };
	json_open(&json, NULL, '{');
	json_string(&json, "path", examination->options->path);
	json_problem(&json, examination);
	json_open(&json, "files", '[');
	for (size_t i = 0; i < examination->source->count; i++)
		json_file(&json, examination, i);
	json_close(&json, ']');
	json_contents(&json, examination);
	json_close(&json, '}');
}
