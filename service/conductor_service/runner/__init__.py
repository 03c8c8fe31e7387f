"""The runner: one per instance, it takes task leases from the service, renders, and sends home what was rendered.

Its parts, in the order in which a task meets them:

* `worker` asks for work and says goodbye; `courier` keeps leases alive and ships logs beside it;
* `materialise` lays the job's files out (from `cache`), `places` says where each path lies;
* `binds` decides what a task may see, `isolation` puts that into force (bubblewrap, or path rewrite);
* `frame_server` and `command_step` run the software, `processes` starts, measures and kills it;
* `collect`, `inspector` and `publisher` find, check and publish what it wrote, while the next frame renders.

This is the only part of Conductor that needs Linux.
"""
