"""Files to the store and back: hash cache, hashing, tree, upload, download. Nothing here knows HTTP or the agent."""
