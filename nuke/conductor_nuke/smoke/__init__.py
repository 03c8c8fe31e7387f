"""What somebody who has Nuke runs once: every call that the adapter makes, and the compliance suite."""
