"""Networks: cards, registry, trunks, heads, surgery, checkpoints; lazy, so that cards need no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fcn_studio.models.catalog import read_catalog
    from fcn_studio.models.checkpoint import load_checkpoint, make_card, save_checkpoint
    from fcn_studio.models.foreign import load_foreign
    from fcn_studio.models.foreign_files import read_foreign
    from fcn_studio.models.growth import grow_head
    from fcn_studio.models.registry import architectures, create_model
    from fcn_studio.models.spec import ModelSpec, read_card
    from fcn_studio.models.surgery import with_classes
    from fcn_studio.models.weights_source import fetch_weights

_HOME = {
    "ModelSpec": "spec",
    "read_card": "spec",
    "read_state": "weights",
    "load_checkpoint": "checkpoint",
    "save_checkpoint": "checkpoint",
    "load_foreign": "foreign",
    "read_foreign": "foreign_files",
    "architectures": "registry",
    "create_model": "registry",
    "grow_head": "growth",
    "make_card": "checkpoint",
    "with_classes": "surgery",
    "read_catalog": "catalog",
    "fetch_weights": "weights_source",
}
__all__ = [
    "ModelSpec",
    "architectures",
    "create_model",
    "fetch_weights",
    "grow_head",
    "load_checkpoint",
    "load_foreign",
    "make_card",
    "read_card",
    "read_catalog",
    "read_foreign",
    "save_checkpoint",
    "with_classes",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
