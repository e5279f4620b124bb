"""The tools there are, and the one in hand."""

from __future__ import annotations

from fcn_studio.ui.tools.accept import AcceptTool
from fcn_studio.ui.tools.area import EllipseTool, RectangleTool
from fcn_studio.ui.tools.base import Tool, ToolContext
from fcn_studio.ui.tools.brush import BrushTool
from fcn_studio.ui.tools.eraser import EraserTool
from fcn_studio.ui.tools.fill import FillTool
from fcn_studio.ui.tools.pick import PickTool
from fcn_studio.ui.tools.polygon import LassoTool, PolygonTool
from fcn_studio.ui.tools.smart_brush import SmartBrushTool
from fcn_studio.ui.tools.wand import WandTool

# In the order in which they are offered: brushes, areas, what takes regions by itself.
TOOLS: tuple[type[Tool], ...] = (
    BrushTool, EraserTool, SmartBrushTool, AcceptTool, PolygonTool, LassoTool, RectangleTool, EllipseTool,
    FillTool, WandTool, PickTool,
)  # fmt: skip


class ToolBox:
    """One of each tool; the first is in hand until another is chosen."""

    def __init__(self, context: ToolContext) -> None:
        self._tools = {tool.id: tool(context) for tool in TOOLS}
        self.current: Tool = self._tools[TOOLS[0].id]

    def choose(self, tool_id: str) -> bool:
        """Take a tool in hand; an unknown id changes nothing. Returns whether the tool changed."""
        tool = self._tools.get(tool_id)
        if tool is None or tool is self.current:
            return False
        self.current.finish()
        self.current = tool
        return True

    def forget(self) -> None:
        """Another image is shown."""
        for tool in self._tools.values():
            tool.finish()
            tool.forget()
