"""The form: what an artist can choose, as one frozen value, and how a submission comes of it. No Qt."""
