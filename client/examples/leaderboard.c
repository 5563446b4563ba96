/*
 * A table of scores. A player's best game counts, however many games end at once: an optimistic transaction.
 *
 *	leaderboard ADDRESS BOARD PLAYER SCORE [PLAYER SCORE ...]
 */
#include <qcache.h>
#include <stdio.h>
#include <stdlib.h>

struct game {
	const char *board, *player;
	double score;
};

/* Runs again if the board has been changed meanwhile. */
static qc_error keep_best(qc_client *tx, qc_context *ctx, qc_pipeline *queue, void *data)
{
	struct game *game = data;
	qc_result best qc_auto = qc_do(tx, ctx, "ZSCORE", game->board, game->player);
	if (qc_failed(best))
		return best.err;
	if (qc_reply_type(best.reply) == QC_NULL || qc_reply_double(best.reply) < game->score) {
		qc_add(queue, "ZADD", game->board, game->score, game->player);
		qc_add(queue, "INCR", "games:records");
	}
	return best.err;
}

static void show(qc_client *c, qc_context *ctx, const char *board)
{
	qc_result top qc_auto = qc_must(qc_do(c, ctx, "ZREVRANGE", board, 0, 9, "WITHSCORES"));
	for (size_t i = 0; i < qc_reply_count(top.reply); i++) {
		/* RESP3 returns pairs. */
		const qc_reply *pair = qc_reply_at(top.reply, i);
		printf("%2zu. %-12s %g\n", i + 1, qc_reply_text(qc_reply_at(pair, 0)), qc_reply_double(qc_reply_at(pair, 1)));
	}
}

int main(int argc, char **argv)
{
	if (argc < 3)
		qc_fatal(qc_errorf(QC_INVALID, "ADDRESS BOARD [PLAYER SCORE ...]"));
	qc_context *ctx qc_defer(qc_context_free) = qc_context_with_timeout(qc_background(), 5000);
	qc_client *c qc_defer(qc_close) = qc_dial(argv[1]);
	if (qc_failed(*c))
		qc_fatal(c->err);
	for (int i = 3; i + 1 < argc; i += 2) {
		struct game game = {argv[2], argv[i], atof(argv[i + 1])};
		qc_results kept qc_auto_results = qc_must(qc_watch(c, ctx, keep_best, &game, game.board));
	}
	show(c, ctx, argv[2]);
	return 0;
}
