"""`timm:NAME`: any image model of the timm library, without its classifier."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from visrec.core.errors import InputError, MissingExtraError, WeightsError
from visrec.encoders.framing import Framing
from visrec.encoders.offline import hub_as_allowed
from visrec.encoders.torch_model import TorchModel
from visrec.encoders.weights import Say, quiet

__all__ = ["TimmModel"]


class TimmModel(TorchModel):
    """A timm model, its pooled features, and the preprocessing that its weights were made with.

    Args:
        name: as timm knows it, such as "resnet18.a1_in1k", or "hf-hub:OWNER/NAME".
        say: told what is loaded.
        create: makes the model from its name; `timm.create_model(name, pretrained=True, num_classes=0)` when None.
    """

    def __init__(self, name: str, say: Say = quiet, create: Callable[[str], Any] | None = None) -> None:
        timm = _timm()
        say(f"Loading {name} with timm; the weights are fetched from the hub at first use.")
        try:
            with hub_as_allowed():
                model = (create or _create)(name)
        except RuntimeError as error:
            raise InputError(
                f"timm does not know {name!r} ({error}). timm.list_models(pretrained=True) lists names."
            ) from error
        except OSError as error:
            raise WeightsError(
                f"The weights of timm:{name} are not on this machine and could not be fetched ({error}). "
                "Check the network, and that VISREC_OFFLINE is not set."
            ) from error
        settings = timm.data.resolve_data_config({}, model=model)
        mean, std = ([float(value) * 255 for value in settings[key]] for key in ("mean", "std"))
        framing = Framing(
            int(settings["input_size"][-1]),
            float(settings["crop_pct"]),
            settings["interpolation"] if settings["interpolation"] in ("bilinear", "lanczos") else "bicubic",
            (mean[0], mean[1], mean[2]),
            (std[0], std[1], std[2]),
            whole=settings.get("crop_mode") == "squash",
        )
        licence = str((getattr(model, "pretrained_cfg", None) or {}).get("license") or "unknown")
        super().__init__(f"timm:{name}", model, model, framing, licence, f"timm {name}")


def _timm() -> Any:
    try:
        import timm
        import timm.data
    except ImportError as error:
        raise MissingExtraError("An encoder timm:NAME", "timm") from error
    return timm


def _create(name: str) -> Any:
    import timm

    return timm.create_model(name, pretrained=True, num_classes=0)
