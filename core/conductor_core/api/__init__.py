"""Talking to the service: profile and settings of this user, transport with retries, typed calls, events."""
