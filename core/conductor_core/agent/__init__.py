"""The agent, one per user and workstation: hashes, uploads and downloads while the host may close.

Everything it was asked to do is in its journal before it answers, so that `kill -9` at any instant loses nothing.
"""
