"""Validators: small registered functions that say what is wrong with a submission before it is sent. No Qt."""
