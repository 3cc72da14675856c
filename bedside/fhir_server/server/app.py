"""The ASGI app: HTTP in, :meth:`Chart.request` behind, the same bytes out."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPMethod
from typing import Annotated, Any

from fastapi import Body, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from bedside import __version__
from bedside.fhir_server.outcome import Issue, Refusal, server_fault
from bedside.fhir_server.requests import JSON
from bedside.fhir_server.server.openapi import CREATED, MANAGED, ROUTES, describe
from bedside.fhir_server.server.sandboxes import MAIN, Sandbox, Sandboxes

__all__ = ["Limits", "application"]


@dataclass(frozen=True)
class Limits:
    """What one request may cost.

    Attributes:
        body: bytes of its body.
        seconds: until its body is there, and again until it is answered.
    """

    body: int = 10_000_000
    seconds: float = 30.0


class NewSandbox(BaseModel, extra="forbid"):
    """What a sandbox is made with."""

    seed: Annotated[int, Field(ge=0, le=2**63 - 1, description="Ids follow from it.")] = 0


def application(sandboxes: Sandboxes, limits: Limits) -> FastAPI:
    """The app over some sandboxes."""
    app = FastAPI(
        title="Bedside virtual EHR",
        version=__version__,
        description="A FHIR R4 (4.0.1) server over a synthetic population, with sandboxes.",
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
        exception_handlers={
            HTTPException: _unrouted,
            RequestValidationError: _unread,
            Exception: _failed,
        },
    )

    async def fhir(request: Request) -> Response:
        id = request.path_params.get("sandbox", MAIN)
        try:
            sandbox = _opened(sandboxes, id, request)
            body = await _body(request, limits)
            return await _answered(sandbox, id, request, body, limits)
        except Refusal as refusal:
            return _refused(refusal)

    @app.post("/sandbox", status_code=201, responses=CREATED)
    async def create(asked: Annotated[NewSandbox | None, Body()] = None) -> Response:
        """Make a sandbox: a chart of its own over the shared population."""
        try:
            id, token = sandboxes.create(asked.seed if asked else 0)
        except Refusal as refusal:
            return _refused(refusal)
        base = f"{sandboxes.base}/sandbox/{id}/fhir"
        return JSONResponse({"id": id, "token": token, "base": base}, 201)

    @app.post(
        "/sandbox/{sandbox}/reset", status_code=204, response_class=Response, responses=MANAGED
    )
    async def reset(sandbox: str, request: Request) -> Response:
        """Forget all writes of a sandbox; its token stays."""
        return _managed(sandboxes, sandbox, request, sandboxes.reset)

    @app.delete("/sandbox/{sandbox}", status_code=204, response_class=Response, responses=MANAGED)
    async def drop(sandbox: str, request: Request) -> Response:
        """End a sandbox and forget all it held."""
        return _managed(sandboxes, sandbox, request, sandboxes.drop)

    for prefix in ("/fhir", "/sandbox/{sandbox}/fhir"):
        for path, methods in ROUTES.items():
            for method in methods:
                app.add_api_route(
                    prefix + path, fhir, methods=[method], response_class=Response,
                    **describe(prefix, path, method),
                )  # fmt: skip
        for path in (prefix, prefix + "/{path:path}"):
            app.add_api_route(path, fhir, methods=list(HTTPMethod), include_in_schema=False)
    return app


def _opened(sandboxes: Sandboxes, id: str, request: Request) -> Sandbox:
    sandbox = sandboxes.get(id)
    if sandbox is None:
        raise Refusal(404, "not-found", "There is no such sandbox; POST /sandbox makes one.")
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if not sandbox.admits(token if scheme.lower() == "bearer" else ""):
        refusal = Refusal(401, "login", "This sandbox needs its own bearer token: send the header "
                          "Authorization: Bearer TOKEN.")  # fmt: skip
        refusal.headers["WWW-Authenticate"] = "Bearer"
        raise refusal
    return sandbox


async def _body(request: Request, limits: Limits) -> bytes:
    too_long = Refusal(413, "too-long", f"The body has more than {limits.body:,} bytes.")
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > limits.body:
        raise too_long
    parts: list[bytes] = []
    length = 0
    try:
        async with asyncio.timeout(limits.seconds):
            async for part in request.stream():
                length += len(part)
                if length > limits.body:
                    raise too_long
                parts.append(part)
    except TimeoutError:
        raise Refusal(408, "timeout", f"The body did not arrive in {limits.seconds:g} s.") from None
    except ClientDisconnect:
        raise Refusal(400, "incomplete", "The body was cut off.") from None
    return b"".join(parts)


async def _answered(
    sandbox: Sandbox, id: str, request: Request, body: bytes, limits: Limits
) -> Response:
    prefix = "/fhir" if id == MAIN else f"/sandbox/{id}/fhir"
    raw = request.scope.get("raw_path", b"").decode("latin-1") or request.url.path
    url = raw.removeprefix(prefix).lstrip("/")
    query = request.scope["query_string"].decode("latin-1")
    work = run_in_threadpool(
        sandbox.request,
        request.method,
        f"{url}?{query}" if query else url,
        _headers(request),
        body or None,
    )
    try:
        response = await asyncio.wait_for(work, limits.seconds)
    except TimeoutError:
        raise Refusal(503, "timeout", f"The request took more than {limits.seconds:g} s; ask for "
                      "less at once.") from None  # fmt: skip
    return Response(response.body, response.status, response.headers)


def _headers(request: Request) -> Mapping[str, str]:
    return {name: value for name, value in request.headers.items() if name != "authorization"}


def _managed(sandboxes: Sandboxes, id: str, request: Request, change: Any) -> Response:
    try:
        if id == MAIN:
            raise Refusal(404, "not-found", "There is no such sandbox; POST /sandbox makes one.")
        _opened(sandboxes, id, request)
    except Refusal as refusal:
        return _refused(refusal)
    change(id)
    return Response(status_code=204)


async def _unrouted(request: Request, error: HTTPException) -> Response:
    place = request.url.path
    allowed = (error.headers or {}).get("Allow")
    if allowed is not None:
        said = f"{request.method} of {place} is not served; use {allowed}."
        return _refused(Refusal(405, "not-supported", said).allowing(allowed))
    if error.status_code == 404:
        said = f"There is nothing at {place}; FHIR is at /fhir, and POST /sandbox makes a sandbox."
        return _refused(Refusal(404, "not-found", said))
    return _refused(Refusal(error.status_code, "invalid", error.detail))


async def _unread(request: Request, error: RequestValidationError) -> Response:
    issues = [
        Issue("value", f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}.")
        for fault in error.errors()
    ]
    return _refused(Refusal.of(422, issues))


async def _failed(request: Request, error: Exception) -> Response:
    """What a fault of the server is answered with; uvicorn logs its traceback."""
    return _refused(server_fault())


def _refused(refusal: Refusal) -> Response:
    return Response(refusal.body(), refusal.status, {"Content-Type": JSON, **refusal.headers})
