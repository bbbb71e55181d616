"""Answers requests, one line of JSON at a time: progress and points as they come, then the answer or why there is none.

The process keeps nothing, trains nothing, and leaves with its client.
"""

from __future__ import annotations

import os
import time
import traceback
from collections.abc import Callable
from typing import IO, assert_never

import torch
from pydantic import ValidationError

from workbench.config.problems import ConfigError, Problem
from workbench.engine.data.dataset import Progress
from workbench.engine.runtime.failures import RefusedError, explain
from workbench.engine.service import checkpoints, examples, inspection, previews
from workbench.engine.service.tuning import trials
from workbench.runs.service.answers import (
    AnyAnswer,
    AnyReply,
    PointMeasured,
    RequestAnswered,
    RequestRefused,
    WorkProgressed,
)
from workbench.runs.service.requests import (
    AnyRequest,
    CallId,
    DescribeCheckpoint,
    DescribeEnvironment,
    DescribeSamples,
    EvaluateCheckpoint,
    ExportModel,
    InspectBatch,
    MapAttention,
    PlanMemory,
    PredictFiles,
    PreviewDataset,
    RunExamples,
    ScanDataset,
    ServiceCall,
    SliceTensor,
    SummarizeModel,
    SweepLearningRate,
    TraceGraph,
    TryBatchSize,
    TryWorkers,
)
from workbench.runs.service.tuning import LearningRatePoint

PROGRESS_INTERVAL = 0.2
"""Seconds between two lines about the same piece of work."""
UNKNOWN_REQUEST = Problem("", "the engine does not know this request", "was the program updated? Start it again")
Send = Callable[[AnyReply], None]
ReportPoint = Callable[[LearningRatePoint], None]


def serve(calls: IO[bytes], replies: IO[bytes]) -> int:
    """Answers until the calls end. Gives the exit status."""
    # What libraries print must not come between the replies.
    output = os.fdopen(os.dup(replies.fileno()), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), replies.fileno())
    # It shares the machine with training: previews may take a little longer.
    torch.set_num_threads(1)

    def send(reply: AnyReply) -> None:
        output.write(reply.model_dump_json(by_alias=True).encode() + b"\n")
        output.flush()

    for line in calls:
        send(reply_to_line(line, send))
    return 0


def reply_to_line(line: bytes, send: Send) -> RequestAnswered | RequestRefused:
    """As :func:`reply_to`, for a call as it comes over the wire."""
    try:
        call = ServiceCall.model_validate_json(line)
    except ValidationError:
        return RequestRefused(id=_id_of(line), problems=(UNKNOWN_REQUEST,))
    except ConfigError as error:
        return RequestRefused(id=_id_of(line), problems=error.problems)
    return reply_to(call, send)


def reply_to(call: ServiceCall, send: Send) -> RequestAnswered | RequestRefused:
    """The last line of the reply; ``send`` is given progress and points before it."""

    def report_point(point: LearningRatePoint) -> None:
        send(PointMeasured(id=call.id, point=point))

    try:
        answer = handle(call.request, _progress_to(send, call.id), report_point)
        return RequestAnswered(id=call.id, answer=answer)
    except ConfigError as error:
        problems = error.problems
    except RefusedError as error:
        problems = (error.problem,)
    except Exception as error:  # noqa: BLE001 - whatever a request dies of is said in words, and the next one is answered
        traceback.print_exc()
        failure = explain(error)
        problems = (Problem("", failure.what, failure.hint),)
    return RequestRefused(id=call.id, problems=problems)


def handle(request: AnyRequest, progress: Progress, report_point: ReportPoint) -> AnyAnswer:
    """The answer to a request: the table of what the service can do. Raises ConfigError, RefusedError."""
    match request:
        case DescribeEnvironment():
            return previews.describe_environment()
        case PreviewDataset():
            return previews.preview_dataset(request, progress)
        case ScanDataset():
            return previews.scan_dataset(request, progress)
        case SummarizeModel():
            return previews.summarize_model(request, progress)
        case EvaluateCheckpoint():
            return checkpoints.evaluate_checkpoint(request, progress)
        case DescribeSamples():
            return checkpoints.describe_samples(request, progress)
        case DescribeCheckpoint():
            return checkpoints.describe_checkpoint(request)
        case ExportModel():
            return checkpoints.export_model(request, progress)
        case PredictFiles():
            return checkpoints.predict_files(request, progress)
        case InspectBatch():
            return inspection.inspect_batch(request, progress)
        case SliceTensor():
            return inspection.slice_tensor(request, progress)
        case TraceGraph():
            return inspection.trace_graph(request, progress)
        case MapAttention():
            return inspection.map_attention(request, progress)
        case RunExamples():
            return examples.run_examples(request.page)
        case SweepLearningRate():
            return trials.sweep_learning_rate(request, report_point)
        case TryBatchSize():
            return trials.try_batch_size(request)
        case TryWorkers():
            return trials.try_workers(request)
        case PlanMemory():
            return trials.plan_memory(request)
        case _:
            assert_never(request)


def _progress_to(send: Send, call: int) -> Progress:
    last = ("", 0.0)

    def progress(text: str, share: float | None = None) -> None:
        nonlocal last
        now = time.monotonic()
        if text != last[0] or now - last[1] >= PROGRESS_INTERVAL:
            last = (text, now)
            send(WorkProgressed(id=call, text=text, share=share))

    return progress


def _id_of(line: bytes) -> int:
    """The id of a call that cannot be read otherwise; 0 where it has none."""
    try:
        return CallId.model_validate_json(line).id
    except ValidationError:
        return 0
