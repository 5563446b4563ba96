/*
 * qcache-check: what is in files of data, where they break, and how to mend them.
 */
#include <stdio.h>
#include <stdlib.h>

#include "actors/check/check_options.h"
#include "actors/check/examine.h"
#include "actors/check/repair.h"
#include "actors/check/report.h"
#include "actors/check/source.h"
#include "actors/runtime/printable.h"
#include "actors/runtime/version.h"
#include "storage/memory.h"

enum { EXIT_WHOLE, EXIT_BROKEN, EXIT_UNREADABLE };

static int complain(const char *text)
{
	char shown[2 * SOURCE_ERROR_BYTES];
	printable_escape(text, shown, sizeof(shown));
	fprintf(stderr, "qcache-check: %s\n", shown);
	return EXIT_UNREADABLE;
}

/* What to do with what was found: prints it, or repairs. */
typedef int use_examination(const struct examination *examination);

static int with_examination(const struct check_options *options, use_examination *use)
{
	static char error[SOURCE_ERROR_BYTES];
	struct check_source source;
	struct examination examination;
	if (!source_open(disk_real(), options->path, &source, error))
		return complain(error);
	bool is_read = examine(&examination, disk_real(), options, &source);
	int status = is_read ? use(&examination) : complain(examination.problem.reason);
	examination_fini(&examination);
	source_close(&source);
	return status;
}

static int print(const struct examination *examination)
{
	(examination->options->is_json ? report_print_json : report_print)(examination, stdout);
	return examination->problem.verdict == VERDICT_WHOLE ? EXIT_WHOLE : EXIT_BROKEN;
}

static int mend(const struct examination *examination)
{
	static char text[REPAIR_TEXT_BYTES];
	enum repair_outcome outcome = repair(examination, text);
	if (outcome == REPAIR_REFUSED)
		print(examination);
	fputs(text, stderr);
	return outcome == REPAIR_REFUSED ? EXIT_BROKEN : EXIT_WHOLE;
}

/* After a repair the report is that of what is there now. */
static int repair_and_check(const struct check_options *options)
{
	int status = with_examination(options, mend);
	return status == EXIT_WHOLE ? with_examination(options, print) : status;
}

static int run(const struct check_options *options)
{
	memory_init();
	keyspace_seed_hash();
	return options->action == CHECK_REPAIR ? repair_and_check(options) : with_examination(options, print);
}

int main(int argc, char **argv)
{
	struct check_options options;
	check_options_parse(&options, argc, argv);
	switch (options.action) {
	case CHECK_ONLY:
	case CHECK_REPAIR: return run(&options);
	case CHECK_SHOW_HELP: check_options_print_help(stdout); return EXIT_WHOLE;
	case CHECK_SHOW_VERSION: printf("qcache-check %s\n", QCACHE_VERSION); return EXIT_WHOLE;
	case CHECK_USAGE: break;
	}
	complain(options.error);
	fputs("qcache-check --help tells more\n", stderr);
	return EXIT_UNREADABLE;
}
