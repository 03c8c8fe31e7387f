"""The submitter: one Qt panel, one form, and what a host has to answer for it. It stands on `conductor_core` and knows no host.

Importing this package imports nothing; Qt comes in with `conductor_plugins.panel` and `conductor_plugins.desk` only.
"""
