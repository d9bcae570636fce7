"""Routes of models: which answer, and the switch to others."""

from __future__ import annotations

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from visrec.server.access import ADMIN, READ
from visrec.server.forms import Given
from visrec.server.state import served_by

__all__ = ["routes"]

routes = APIRouter(tags=["operation"])


class KeptModel(BaseModel):
    """A trained model, and the versions of it that can be used."""

    name: str
    versions: list[str] = Field(description="Oldest first.")
    version: str = Field(description="The one in use whenever this model answers.")
    answers: str = Field(description='"recommend" or "predict" where it is the model in use for that; else "".')
    image_features: str
    text_features: str


class KeptFeatures(BaseModel):
    """A filled feature set, and what uses it."""

    name: str
    encoder: str
    modality: str
    used_by: list[str]


class Kept(BaseModel):
    """What can be used."""

    models: list[KeptModel]
    feature_sets: list[KeptFeatures]


class UseForm(Given):
    """What to use from now on."""

    model: str | None = None
    version: str | None = Field(None, description="Of this model, or of the one in use.")
    back: bool = Field(False, description="The version before the one in use.")
    encoder: str | None = Field(None, description="Whose feature set queries compare by and trainings learn from.")


class Used(BaseModel):
    """What is in use from now on."""

    model: str
    version: str
    encoder: str
    n_missing: int = Field(description="Pictures or texts without an embedding of that encoder.")


@routes.get("/v1/models", dependencies=[READ])
def list_models(request: Request) -> Kept:
    """The trained models with their versions, and the filled feature sets."""
    return Kept.model_validate(served_by(request).shop.versions.to_json())


@routes.post("/v1/models/use", dependencies=[ADMIN])
def use(request: Request, asked: UseForm) -> Used:
    """Use another model, version or feature set: at once, on every server of the shop, without a failed request."""
    done = served_by(request).shop.versions.use(
        asked.model, version=asked.version, back=asked.back, encoder=asked.encoder
    )
    return Used.model_validate(done, from_attributes=True)
