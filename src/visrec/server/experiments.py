"""Routes of experiments: which run, how to start and end one, and what came of it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from visrec.server.access import ADMIN, READ
from visrec.server.encoded_paths import Name
from visrec.server.forms import Given
from visrec.server.state import served_by
from visrec.workspace.experiments import Variant

__all__ = ["routes"]

routes = APIRouter(tags=["experiments"])


class VariantForm(Given):
    """One of the ways to compare."""

    name: str = Field(min_length=1, max_length=100)
    model: str = Field(description="A trained model.")
    weight: float = Field(1.0, gt=0, le=1e6, description="How many of the users, in relation to the other variants.")


class ExperimentForm(Given):
    """An experiment to start."""

    name: str = Field(min_length=1, max_length=100, description="A new one: it decides who gets what.")
    variants: list[VariantForm] = Field(description="The first is the one that the others are compared with.")


class KnownExperiment(BaseModel):
    """An experiment; it runs while `ended` is null."""

    name: str
    variants: list[VariantForm]
    started: int
    ended: int | None


@routes.get("/v1/experiments", dependencies=[READ])
def list_experiments(request: Request) -> list[KnownExperiment]:
    """Every experiment there was, oldest first."""
    return [KnownExperiment.model_validate(one.to_json()) for one in served_by(request).shop.experiments.all()]


@routes.post("/v1/experiments", status_code=201, dependencies=[ADMIN])
def start(request: Request, asked: ExperimentForm) -> KnownExperiment:
    """Split users between trained models from now on; their lists say which variant they are of."""
    variants = [Variant(one.name, one.model, one.weight) for one in asked.variants]
    started = served_by(request).shop.experiments.start(asked.name, variants)
    return KnownExperiment.model_validate(started.to_json())


@routes.post("/v1/experiments/end", dependencies=[ADMIN])
def end(request: Request) -> KnownExperiment:
    """End the one that runs: everybody gets the model in use again."""
    return KnownExperiment.model_validate(served_by(request).shop.experiments.end().to_json())


@routes.get("/v1/experiments/{name}/report", dependencies=[READ])
def report(
    request: Request,
    name: Name,
    days: Annotated[float, Query(gt=0, le=3650, description="What was done up to so long after counts.")] = 7.0,
) -> dict[str, Any]:
    """Of the items that each variant showed, how many were taken afterwards, with intervals and differences."""
    experiment, result = served_by(request).shop.experiments.report(name, days)
    return {"experiment": experiment.to_json(), "days": days, **result.to_json()}
