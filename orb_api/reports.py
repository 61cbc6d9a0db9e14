"""The report of a run, as a page that needs no other."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response
from fastapi import Path as InPath
from fastapi.responses import HTMLResponse

from orb_api import answers
from orb_api.problems import documented
from orb_api.questions import Question, RunId, Symbol
from orb_api.server import TheServer
from orb_core import service

router = APIRouter(tags=["runs"])

_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    304: {"description": "The client has it already"},
    **documented(404, 409),
}


class ReportQuestion(Question):
    """Of which symbol; without one, of all together."""

    symbol: Symbol | None = None


@router.get("/api/runs/{run_id}/report", response_class=HTMLResponse, responses=_RESPONSES)
async def report(
    request: Request,
    run_id: Annotated[RunId, InPath()],
    question: Annotated[ReportQuestion, Query()],
    server: TheServer,
) -> Response:
    """Return the report of a run, or of one symbol of it: a page that opens offline."""

    def answer() -> Response:
        run = server.store.load(run_id)
        tag = answers.stored_tag(request, run, f"{answers.HTML} {run.notes.model_dump_json()}")
        if answers.is_known(request, tag):
            return answers.unchanged(tag)
        return answers.page(service.report(server.store, run_id, question.symbol), tag)

    return await server.heavy.run(answer)
