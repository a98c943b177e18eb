"""The API, version 1. What can go wrong is an answer with one line in `detail`, never a traceback."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Header, HTTPException, Path, Query, Request, Response
from fastapi.responses import FileResponse, StreamingResponse

from dashboard.anomalies import Judged, Wanted
from dashboard.context import Context
from dashboard.keys import Order
from dashboard.pipeline_shapes import IncidentOut, IncidentsOut, LetterOut, LettersOut, PipelineOut
from dashboard.security import COOKIE, session_of
from dashboard.shapes import (
    AnomaliesOut,
    AnomalyOut,
    KeyOut,
    KeysOut,
    ModelDetailsOut,
    PointsOut,
    Problem,
    SessionIn,
    SimilarOut,
    Update,
    VerdictIn,
    VerdictOut,
)
from dashboard.similar import similar
from dashboard.stream import Place, Reader, events, model_out
from dashboard.thin import thinned
from kafka_cluster.records import Judgement, Severity, Verdict

ID = r"^[0-9a-f]{32}$"
AnomalyId = Annotated[str, Path(pattern=ID, description="32 hexadecimal digits.")]
Key = Annotated[str | None, Query(max_length=300, description="One key; not given: all of them together.")]
Search = Annotated[str, Query(max_length=300)]
MS_PER_S = 1000

router = APIRouter(prefix="/api/v1")


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The answers that the document tells beside the good one."""
    return {status: {"model": Problem} for status in statuses}


def context_of(request: Request) -> Context:
    """What the application was made with."""
    context: Context = request.app.state.context
    return context


@router.get("/health", responses=problems(503))
def health(request: Request) -> dict[str, str]:
    """Alive while the threads that follow the topics turn."""
    context = context_of(request)
    if not context.followers.turn():
        raise HTTPException(503, "a thread that follows the topics has ended")
    return {"status": "ok"}


@router.post("/session", status_code=204, responses=problems(400, 401, 403, 411, 413))
def open_session(request: Request, given: SessionIn) -> Response:
    """Take the token, once, and leave a cookie that scripts cannot read and other sites do not send."""
    context = context_of(request)
    answer = Response(status_code=204)
    if context.token is None:
        return answer
    if not context.is_token(given.token):
        raise HTTPException(401, "that is not the token")
    secure = request.url.scheme == "https"
    answer.set_cookie(COOKIE, session_of(context.token), httponly=True, samesite="strict", secure=secure)
    return answer


@router.get("/pipeline", responses=problems(401, 503))
def pipeline(request: Request) -> PipelineOut:
    """Rates, partitions and who holds them, lag, dead letters, what does not answer."""
    found = context_of(request).board.pipeline
    if found is None:
        raise HTTPException(503, "the broker has not answered yet")
    return found


@router.get("/series", responses=problems(401))
def series(request: Request, key: Key = None, points: Annotated[int, Query(ge=10, le=20_000)] = 2_000) -> PointsOut:
    """The newest points of a key, or of all, thinned to about so many; what is extreme stays."""
    return PointsOut.of(thinned(context_of(request).board.since(key, 0).points, points))


@router.get("/keys", responses=problems(401))
def keys(
    request: Request,
    search: Search = "",
    order: Order = "anomalies",
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> KeysOut:
    """Keys whose name contains `search`."""
    board = context_of(request).board
    with board.lock:
        found, matching = board.keys.find(search, order, limit)
        shown = [
            KeyOut(key=key, partition=one.partition, records=one.records, anomalies=one.anomalies, last_ms=one.last_ms)
            for key, one in found
        ]
        return KeysOut(keys=shown, matching=matching, kept=len(board.keys), forgotten=board.keys.forgotten)


@router.get("/anomalies", responses=problems(401))
def anomalies(
    request: Request,
    key: Key = None,
    severity: Severity | None = None,
    verdict: Judgement | None = None,
    search: Search = "",
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    *,
    open_only: bool = False,
) -> AnomaliesOut:
    """Anomalies, the latest event time first."""
    board = context_of(request).board
    wanted = Wanted(key, severity, verdict, open_only, search)
    with board.lock:
        found, matching = board.shelf.newest(wanted, limit)
        shown = [AnomalyOut.of(judged) for judged in found]
        return AnomaliesOut(anomalies=shown, matching=matching, kept=len(board.shelf), dropped=board.shelf.dropped)


@router.get("/anomalies/{anomaly_id}", responses=problems(401, 404))
def anomaly(request: Request, anomaly_id: AnomalyId) -> AnomalyOut:
    """One anomaly."""
    return AnomalyOut.of(_found(context_of(request), anomaly_id))


@router.get("/anomalies/{anomaly_id}/similar", responses=problems(401, 404))
def earlier_ones(request: Request, anomaly_id: AnomalyId, limit: Annotated[int, Query(ge=1, le=100)] = 3) -> SimilarOut:
    """Earlier anomalies like it, and what people said of them."""
    context = context_of(request)
    anomaly = _found(context, anomaly_id).anomaly
    with context.board.lock:
        kept = context.board.shelf.all()
    return SimilarOut.of(similar(anomaly, kept, limit))


@router.put("/anomalies/{anomaly_id}/verdict", responses=problems(400, 401, 403, 404, 411, 413, 503))
def judge(request: Request, anomaly_id: AnomalyId, said: VerdictIn) -> VerdictOut:
    """Say whether it was worth an alarm. The newest verdict counts."""
    context = context_of(request)
    _found(context, anomaly_id)
    at_ms = int(context.clock.now() * MS_PER_S)
    context.write(anomaly_id, Verdict(anomaly_id, said.verdict, said.by, at_ms, said.why or None))
    return VerdictOut(verdict=said.verdict, by=said.by, at_ms=at_ms, why=said.why or None)


@router.delete("/anomalies/{anomaly_id}/verdict", status_code=204, responses=problems(401, 403, 404, 411, 413, 503))
def take_back(request: Request, anomaly_id: AnomalyId) -> Response:
    """Take back what was said."""
    context = context_of(request)
    _found(context, anomaly_id)
    context.write(anomaly_id, None)
    return Response(status_code=204)


@router.get("/model", responses=problems(401))
def model(request: Request) -> ModelDetailsOut:
    """The champion with its manifest and evaluation."""
    board = context_of(request).board
    champion = board.champion
    with board.lock:
        announced = [one.to_avro() | {"evaluation": None} for one in reversed(board.announced)]
    return ModelDetailsOut(
        champion=None if champion is None else model_out(champion),
        manifest=champion.manifest if champion is not None and champion.manifest else None,
        evaluation=None if champion is None else champion.evaluation,
        announced=announced,
    )


@router.get(
    "/model/evaluation.png",
    response_class=FileResponse,
    responses={**problems(401, 404), 200: {"content": {"image/png": {}}}},
)
def plot(request: Request) -> FileResponse:
    """The champion's evaluation plot."""
    champion = context_of(request).board.champion
    path = None if champion is None else champion.plot
    if path is None:
        raise HTTPException(404, "there is no evaluation plot yet")
    return FileResponse(path, media_type="image/png")


@router.get("/dead-letters", responses=problems(401))
def dead_letters(request: Request) -> LettersOut:
    """The newest dead letters, newest first."""
    board = context_of(request).board
    with board.lock:
        return LettersOut(letters=[LetterOut(**vars(one)) for one in reversed(board.letters.newest)])


@router.get("/incidents", responses=problems(401))
def incidents(request: Request, limit: Annotated[int, Query(ge=1, le=1_000)] = 50) -> IncidentsOut:
    """Incidents and who was told: open ones first, then what is over, from the one that was found last."""
    board = context_of(request).board
    with board.lock:
        return IncidentsOut(incidents=[IncidentOut.of(one) for one in board.incidents.newest(limit)])


@router.get(
    "/stream",
    response_class=StreamingResponse,
    responses={**problems(401, 503), 200: {"content": {"text/event-stream": {"schema": Update.model_json_schema()}}}},
)
def stream(
    request: Request,
    key: Key = None,
    after: Annotated[str | None, Query(max_length=60, description="The id of the last event that was seen.")] = None,
    last_event_id: Annotated[str | None, Header(max_length=60)] = None,
) -> StreamingResponse:
    """Updates as server-sent events, each an `Update`. From one to ten a second while all is well."""
    context = context_of(request)
    reader = Reader(context.board, context.clock, key, Place.parse(last_event_id or after))
    if not context.streams.take():
        raise HTTPException(503, "too many pages are open; close one, or raise DASHBOARD_STREAMS")
    headers = {"x-accel-buffering": "no"}
    return StreamingResponse(
        context.streams.counted(events(reader, context.stop)), media_type="text/event-stream", headers=headers
    )


def _found(context: Context, anomaly_id: str) -> Judged:
    with context.board.lock:
        judged = context.board.shelf.get(anomaly_id)
    if judged is None:
        raise HTTPException(404, "no anomaly of that id is kept here")
    return judged
