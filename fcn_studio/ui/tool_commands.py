"""Commands of the hand: the tools, what can be said about regions, and what is protected."""

from __future__ import annotations

from fcn_studio.session.whole_image import RegionOp
from fcn_studio.ui.command import Command, Need
from fcn_studio.ui.tools.base import Tool
from fcn_studio.ui.tools.base import translatable as _T
from fcn_studio.ui.tools.toolbox import TOOLS

HAS_DOCUMENT = Need(lambda s: s.has_document, _T("Command", "Open an image first."))
HAS_CLASSES = HAS_DOCUMENT & Need(
    lambda s: not s.is_preview, _T("Command", "Choose the classes first: the model’s, or your own.")
)
HAS_PREDICTION = HAS_CLASSES & Need(
    lambda s: s.has_prediction, _T("Command", "There is no prediction yet. Wait a moment.")
)
HAS_LABELS = HAS_CLASSES & Need(
    lambda s: s.has_labels, _T("Command", "This image has no labels yet: paint or accept something first.")
)


def _tool(tool: type[Tool]) -> Command:
    return Command(
        f"tool_{tool.id}", tool.title, "Tools", lambda d: d.choose_tool(tool.id), (tool.key,),
        tool.icon.removeprefix("mdi6."), bar="tools", checked_when=lambda s: s.tool == tool.id,
    )  # fmt: skip


def _region(operation: RegionOp, title: str, icon: str, *keys: str) -> Command:
    return Command(
        f"region_{operation.name.lower()}", title, "Edit/Regions of the class in hand",
        lambda d: d.hand.work_on_regions(operation), keys, icon, enabled_when=HAS_LABELS,
    )  # fmt: skip


TOOL_COMMANDS = (
    *(_tool(tool) for tool in TOOLS),
    Command("brush_bigger", _T("Command", "Bigger brush"), "Tools", lambda d: d.grow_brush(), ("]",),
            "plus-circle-outline", group=1, repeats=True),
    Command("brush_smaller", _T("Command", "Smaller brush"), "Tools", lambda d: d.shrink_brush(), ("[",),
            "minus-circle-outline", group=1, repeats=True),
    Command("protect_unlabelled", _T("Command", "Paint only what is unlabelled"), "Tools/Protect",
            lambda d: d.hand.toggle_only_unlabelled(), ("Shift+K",), "shield-half-full", group=1,
            checked_when=lambda s: "unlabelled" in s.guards),
    Command("protect_over", _T("Command", "Paint only over the class in hand"), "Tools/Protect",
            lambda d: d.hand.toggle_only_over(), ("Ctrl+Shift+K",), "shield-edit-outline", group=1,
            enabled_when=HAS_CLASSES, checked_when=lambda s: "over" in s.guards),
    Command("lock_class", _T("Command", "Lock the class in hand"), "Tools/Protect",
            lambda d: d.hand.toggle_lock(), ("K",), "lock-outline", group=1, enabled_when=HAS_CLASSES,
            checked_when=lambda s: "lock" in s.guards),
    Command("protect_nothing", _T("Command", "Protect nothing"), "Tools/Protect",
            lambda d: d.hand.protect_nothing(), (), "shield-off-outline", group=2,
            enabled_when=Need(lambda s: "any" in s.guards, _T("Command", "Nothing is protected."))),
)  # fmt: skip

SAYING = (
    Command("accept_region", _T("Command", "Accept the region under the pointer"), "Edit",
            lambda d: d.hand.accept_region(), ("Y",), "check-circle-outline", group=1,
            enabled_when=HAS_PREDICTION),
    Command("reject_region", _T("Command", "Reject the region under the pointer"), "Edit",
            lambda d: d.hand.reject_region(), ("Shift+Y",), "close-circle-outline", group=1,
            enabled_when=HAS_PREDICTION),
    Command("accept_class", _T("Command", "Accept the class in hand"), "Edit",
            lambda d: d.hand.accept_class(), ("Shift+V",), "checkbox-multiple-marked-circle-outline", group=1,
            enabled_when=HAS_PREDICTION),
    Command("copy_previous", _T("Command", "Copy the labels of the previous image"), "Edit",
            lambda d: d.hand.copy_previous(), ("Ctrl+Shift+V",), "content-duplicate", group=1,
            enabled_when=HAS_CLASSES),
    _region(RegionOp.GROW, _T("Command", "Grow"), "arrow-expand-all", "Ctrl+]"),
    _region(RegionOp.SHRINK, _T("Command", "Shrink"), "arrow-collapse-all", "Ctrl+["),
    _region(RegionOp.FILL_HOLES, _T("Command", "Fill holes"), "circle-slice-8"),
    _region(RegionOp.DROP_ISLANDS, _T("Command", "Remove small islands"), "dots-hexagon"),
    _region(RegionOp.SMOOTH, _T("Command", "Smooth the outlines"), "blur"),
)  # fmt: skip
