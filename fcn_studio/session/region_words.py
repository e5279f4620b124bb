"""Operations on regions in words: the name of the edit, or why nothing changed and what helps."""

from __future__ import annotations

from fcn_studio.session.whole_image import RegionOp, Unchanged

PROTECTED = "All that this would change is protected: allow more under the shield, or unlock the class."
NOT_PREDICTED = "No class of this project is predicted here. Paint what it is."
_NAMES = {
    RegionOp.GROW: "Grow {0}",
    RegionOp.SHRINK: "Shrink {0}",
    RegionOp.FILL_HOLES: "Fill holes in {0}",
    RegionOp.DROP_ISLANDS: "Remove islands of {0}",
    RegionOp.SMOOTH: "Smooth {0}",
}
_AS_WANTED = {
    RegionOp.GROW: "All of this image is {0} already: there is nowhere to grow.",
    RegionOp.SHRINK: "All of this image is {0}: there is no outline to shrink from. Erase a part first.",
    RegionOp.FILL_HOLES: "There are no holes to fill in {0}. Paint over gaps that are open to a side.",
    RegionOp.DROP_ISLANDS: "No island of {0} is smaller than {1} px. Raise the number to remove more.",
    RegionOp.SMOOTH: "The outlines of {0} are smooth already at {1} px. Raise the number to smooth more.",
}


def name_region_edit(operation: RegionOp, class_name: str) -> str:
    """What stands in the history and behind "Undo"."""
    return _NAMES[operation].format(class_name)


def explain_unchanged(why: Unchanged, operation: RegionOp, class_name: str, size_px: int) -> str:
    """The sentence; size_px as it was given to the operation."""
    if why is Unchanged.NOT_LABELLED:
        return f"No {class_name} is labelled in this image: paint some, or accept what is predicted."
    if why is Unchanged.PROTECTED:
        return PROTECTED
    return _AS_WANTED[operation].format(class_name, size_px)
