"""Put the routers together."""

from __future__ import annotations

import conductor_core
from fastapi import FastAPI

from conductor_service.api import (
    attempts,
    billing,
    estimates,
    event_stream,
    jobs,
    manifests,
    objects,
    people,
    published,
    refusals,
    runner,
    runner_files,
    tasks,
    uploads,
    versions,
)
from conductor_service.api.bodies import Intake
from conductor_service.farm import Farm
from conductor_service.web import mount_dashboard


def make_app(farm: Farm, *, intake: Intake | None = None) -> FastAPI:
    """Return the application for a farm. No generated documentation pages: every route but sign-in needs a token."""
    app = FastAPI(title="Conductor", version=conductor_core.__version__, openapi_url=None, docs_url=None, redoc_url=None)
    app.state.farm = farm
    app.state.intake = intake or Intake()
    refusals.install(app)
    for module in (
        people,
        objects,
        manifests,
        uploads,
        versions,
        estimates,
        jobs,
        tasks,
        attempts,
        billing,
        published,
        event_stream,
        runner,
        runner_files,
    ):
        app.include_router(module.router)
    app.include_router(objects.packs)
    mount_dashboard(app)
    return app
