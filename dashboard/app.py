"""The application: the API, the page's files, and the guard in front of both."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, JSONResponse
from fastapi.routing import APIRoute
from fastapi.staticfiles import StaticFiles

from dashboard.context import Context
from dashboard.routes import router
from dashboard.security import Guard
from kafka_cluster.errors import LabError
from kafka_cluster.log import get_logger

STATIC = Path(__file__).with_name("static")
VERSION = "1.0"
log = get_logger()


def make_app(context: Context, host_names: tuple[str, ...]) -> FastAPI:
    """The whole application."""
    app = FastAPI(
        title="Kafka anomaly lab",
        version=VERSION,
        description="What the lab's topics hold, as it comes, and verdicts on it.",
        openapi_url="/api/v1/openapi.json",
        docs_url=None,  # its page loads scripts from elsewhere
        redoc_url=None,
    )
    app.state.context = context
    app.include_router(router)
    app.add_exception_handler(405, _other_method)
    app.add_exception_handler(LabError, _known)
    app.add_exception_handler(Exception, _unknown)

    @app.get("/", include_in_schema=False)
    def index() -> FileResponse:
        return FileResponse(STATIC / "index.html", headers={"cache-control": "no-cache"})

    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.add_middleware(Guard, host_names=host_names, token=context.token)
    return app


def _other_method(request: Request, _error: Exception) -> JSONResponse:
    """Tell every method that the path has; by itself the router would tell those of one route."""
    routes = [one for one in router.routes if isinstance(one, APIRoute) and one.path_regex.match(request.url.path)]
    allowed = sorted({method for one in routes for method in one.methods or ()})
    headers = {"allow": ", ".join(allowed or ["GET"])}
    return JSONResponse({"detail": "not by this method"}, status_code=405, headers=headers)


def _known(_request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"detail": str(error)}, status_code=503)


def _unknown(request: Request, error: Exception) -> JSONResponse:
    log.error("request failed", path=request.url.path, exc_info=error)
    return JSONResponse({"detail": "something went wrong here; the log of the page tells what"}, status_code=500)
