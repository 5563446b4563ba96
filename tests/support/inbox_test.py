"""The compiler must refuse inboxes and posts that forget a message or mistake it for another."""

import os
import subprocess
import sys
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FLAGS = "-std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror -Wno-unused-parameter -fsyntax-only".split()
WALLS = ["-I%s/build/walls/%s" % (ROOT, wall) for wall in ("actors", "transport", "storage")]

INBOX = """
#include "actors/runtime/actor.h"
void on_free(struct garbage *garbage);
void on_config(struct config *config);
void on_stop(void);
void turn(struct actor *self, struct message message);
void turn(struct actor *self, struct message message)
{
	switch ((enum to_reaper)message.type) {
	%s
	}
}
"""
FREE = "case REAPER_FREE: on_free(PAYLOAD(REAPER_FREE, message)); return;"
STOP = "case REAPER_STOP: on_stop(); return;"


def complaints(*lines):
    done = subprocess.run([os.environ.get("CC", "gcc"), *FLAGS, *WALLS, "-x", "c", "-"], input=INBOX % "\n\t".join(lines),
                          capture_output=True, text=True)
    return done.stderr if done.returncode else ""


class Inboxes(unittest.TestCase):
    def test_a_switch_that_names_all_messages_compiles(self):
        self.assertEqual(complaints(FREE, STOP), "")

    def test_a_message_that_is_missing_is_named(self):
        self.assertIn("REAPER_STOP", complaints(FREE))

    def test_a_message_to_another_receiver_is_refused(self):
        self.assertIn("not in enumerated type", complaints(FREE, STOP, "case STORE_REAPED: return;"))

    def test_a_payload_of_another_type_is_refused(self):
        self.assertIn("incompatible pointer", complaints(FREE.replace("on_free(", "on_config("), STOP))

    def test_a_payload_without_its_type_is_refused(self):
        self.assertIn("incompatible pointer", complaints(FREE.replace("PAYLOAD(REAPER_FREE, message)", "message.payload"), STOP))

    def test_a_post_of_another_type_is_refused(self):
        post = "{ struct config *config = 0; actor_post(self, self, REAPER_FREE, 0, config); }"
        self.assertIn("incompatible pointer", complaints(FREE, STOP.replace("on_stop();", post)))
        self.assertIn("incompatible pointer", complaints(FREE, STOP.replace("on_stop();", post.replace("REAPER_FREE", "REAPER_STOP"))))


if __name__ == "__main__":
    result = unittest.main(exit=False).result
    failed = len(result.failures) + len(result.errors)
    print("%d passed, %d failed, 0 skipped" % (result.testsRun - failed, failed))
    sys.exit(1 if failed else 0)
