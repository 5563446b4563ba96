#include "client/cli/profile.h"

#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "client/cli/option_table.h"

#define DEFAULT_PROFILE "default"

struct reading {
	const char *path, *profile;
	struct words *out;
	bool is_found; /* the profile's name */
	bool is_default_pass, is_wrong;
};

static void choose_path(struct text *out)
{
	const char *named = getenv("QCACHE_CLI_CONFIG"), *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

	text_add(out, "", 0);
	if (named)
		text_puts(out, named);
	else if (config && *config)
		text_printf(out, "%s/qcache/cli.ini", config);
	else if (home && *home)
		text_printf(out, "%s/.config/qcache/cli.ini", home);
}

static bool is_flag(const struct option_known *known)
{
	return known->kind == OPTION_FLAG || known->kind == OPTION_CHOICE;
}

/* A profile cannot set options that run something, end the program, or name a profile. */
static bool may_be_set(const struct option_known *known)
{
	return !option_is_tool(known) && known->kind != OPTION_HELP && known->kind != OPTION_VERSION && strcmp(known->name, "profile") != 0;
}

static bool refuse(struct reading *r, const char *section, const char *name, const char *why)
{
	option_wrong("%s: [%s] %s: %s", r->path, section, name, why);
	r->is_wrong = true;
	return false;
}

static bool take(struct reading *r, const char *section, const char *name, const char *value)
{
	const struct option_known *known = option_find(name);
	bool is_yes = strcasecmp(value, "yes") == 0, is_no = strcasecmp(value, "no") == 0;
	struct text word = {NULL, 0, 0};

	if (!known || !may_be_set(known))
		return refuse(r, section, name, known ? "cannot be set in a file" : "no such option");
	if (is_flag(known) && !is_yes && !is_no)
		return refuse(r, section, name, "needs yes or no");
	if (is_flag(known) && is_no)
		return true;
	text_printf(&word, is_flag(known) ? "-%s" : "-%s=%s", name, value);
	words_add(r->out, word.data, word.len);
	text_fini(&word);
	return true;
}

/* inih calls this for each line, and continues whatever it returns; 0 marks an error. */
static int on_line(void *data, const char *section, const char *name, const char *value)
{
	struct reading *r = data;
	const char *wanted = r->is_default_pass ? DEFAULT_PROFILE : r->profile;

	if (!*section)
		return refuse(r, "", name, "comes before the first section");
	if (strcmp(section, wanted) != 0)
		return 1;
	r->is_found = true;
	return r->is_wrong || take(r, section, name, value);
}

/* Warns if others can read a password. */
static void warn_of_readers(const char *path, const struct words *w)
{
	struct stat found;

	for (size_t i = 0; i < w->count; i++)
		if ((strncmp(w->owned[i], "-a=", 3) == 0 || strncmp(w->owned[i], "-pass=", 6) == 0 || strchr(w->owned[i], '@')) &&
		    stat(path, &found) == 0 && (found.st_mode & 077)) {
			fprintf(stderr, "Warning: %s contains a password and is readable by others; run chmod 600 on it.\n", path);
			return;
		}
}

/* One pass for [default], one for the profile: the profile wins, whatever the order in the file. */
static bool read_section(struct reading *r, bool is_default)
{
	r->is_default_pass = is_default;
	r->is_found = false;
	int status = ini_parse(r->path, on_line, r);

	if (status > 0 && !r->is_wrong)
		option_wrong("%s: line %d is neither a [section] nor name = value", r->path, status);
	/* Without -profile the file may be missing. */
	bool is_absent = status < 0;
	if (is_absent && !is_default)
		option_wrong("-profile %s: %s: %s", r->profile, r->path, strerror(errno));
	else if (!is_default && !r->is_found && status == 0)
		option_wrong("%s has no profile [%s]", r->path, r->profile);
	return is_default ? status <= 0 : status == 0 && r->is_found;
}

bool profile_read(const char *profile, struct words *out)
{
	struct text path = {NULL, 0, 0};

	choose_path(&path);
	struct reading r = {.path = path.data, .profile = profile, .out = out};
	bool ok = path.len == 0 && !profile;
	if (path.len == 0 && profile)
		option_wrong("-profile %s: there is no profile file", profile);
	else if (path.len)
		ok = read_section(&r, true) && (!profile || read_section(&r, false));
	if (ok)
		warn_of_readers(path.data, out);
	text_fini(&path);
	return ok;
}
