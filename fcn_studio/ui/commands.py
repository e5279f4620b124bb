"""The command table: everything a person can do, once; menus, tool bar, keys and tooltips come from it."""

from __future__ import annotations

from fcn_studio.ui.command import Command, Need, Situation
from fcn_studio.ui.look_commands import DISPLAY, LAYERS
from fcn_studio.ui.tool_commands import SAYING, TOOL_COMMANDS

__all__ = ["BY_ID", "COMMANDS", "MENUS", "Command", "Need", "Situation"]


def _T(_context: str, text: str) -> str:
    """Marks a text for lupdate (-tr-function-alias QT_TRANSLATE_NOOP+=_T); it is translated when shown."""
    return text


HAS_PROJECT = Need(lambda s: s.has_project, _T("Command", "Open some images first."))
HAS_DOCUMENT = Need(lambda s: s.has_document, _T("Command", "Open an image first."))
HAS_CLASSES = HAS_PROJECT & Need(
    lambda s: not s.is_preview, _T("Command", "Choose the classes first: the model’s, or your own.")
)
HAS_PREDICTION = HAS_DOCUMENT & Need(
    lambda s: s.has_prediction, _T("Command", "There is no prediction yet. Wait a moment.")
)
CAN_UNDO = Need(lambda s: s.can_undo, _T("Command", "Nothing to undo on this image."))
CAN_REDO = Need(lambda s: s.can_redo, _T("Command", "Nothing to redo on this image."))
CAN_TRAIN = Need(lambda s: s.can_train, lambda s: s.training_blocked_by)
IS_TRAINING = Need(lambda s: s.is_training, _T("Command", "Nothing is being trained."))
HAS_LABELS = HAS_DOCUMENT & Need(
    lambda s: s.has_labels, _T("Command", "This image has no labels yet: paint or accept something first.")
)


def _named(title: str, name: str) -> str:
    return f"{title}: {name}" if name else title


def _choice(kind: str, value: str, title: str, menu: str, icon: str = "") -> Command:
    return Command(
        f"{kind}_{value}", title, menu, lambda d: getattr(d, f"set_{kind}")(value), (), icon,
        checked_when=lambda situation: getattr(situation, kind) == value,
    )  # fmt: skip


def _palette(name: str, title: str) -> Command:
    return Command(
        f"palette_{name}", title, "Classes/Colours", lambda d: d.use_palette(name), (),
        "palette-swatch-outline", group=1, enabled_when=HAS_CLASSES,
    )  # fmt: skip


def _class(digit: str) -> Command:
    return Command(
        f"class_{digit}", _T("Command", "Class with this key"), "Classes",
        lambda d: d.choose_class(digit), (digit,),
        enabled_when=HAS_CLASSES & Need(
            lambda s: digit in s.class_names, _T("Command", "No class has this key.")
        ),
        text_when=lambda s, title: s.class_names.get(digit, title), group=1, is_hidden_when_off=True,
    )  # fmt: skip


FILE = (
    Command("open_images", _T("Command", "Open images…"), "File", lambda d: d.open_images(), ("Ctrl+O",),
            "image-outline"),
    Command("open_folder", _T("Command", "Open folder…"), "File", lambda d: d.open_folder(),
            ("Ctrl+Shift+O",), "folder-open-outline", bar="open"),
    Command("open_samples", _T("Command", "Open samples"), "File", lambda d: d.open_samples(),
            icon="image-multiple-outline"),
    Command("save_now", _T("Command", "Save label images now"), "File", lambda d: d.save_now(), ("Ctrl+S",),
            "content-save-outline", group=1, enabled_when=HAS_DOCUMENT),
    Command("export_masks", _T("Command", "Export masks…"), "File", lambda d: d.export_masks(), ("Ctrl+E",),
            "export-variant", group=1, enabled_when=HAS_PROJECT),
    Command("choose_store", _T("Command", "Choose where labels are kept…"), "File",
            lambda d: d.choose_store(), icon="folder-cog-outline", group=1,
            enabled_when=HAS_PROJECT),
    Command("quit", _T("Command", "Quit"), "File", lambda d: d.quit(), ("Ctrl+Q",), group=2),
)  # fmt: skip

EDIT = (
    Command("undo", _T("Command", "Undo"), "Edit", lambda d: d.undo(), ("Ctrl+Z",), "undo", bar="right",
            enabled_when=CAN_UNDO, text_when=lambda s, title: _named(title, s.undo_name), repeats=True),
    Command("redo", _T("Command", "Redo"), "Edit", lambda d: d.redo(), ("Ctrl+Shift+Z", "Ctrl+Y"), "redo",
            bar="right", enabled_when=CAN_REDO, text_when=lambda s, title: _named(title, s.redo_name),
            repeats=True),
    Command("accept_all", _T("Command", "Accept all"), "Edit", lambda d: d.accept_all(), ("Ctrl+Return",),
            "check", group=1, enabled_when=HAS_PREDICTION & HAS_CLASSES),
    Command("clear_labels", _T("Command", "Clear the labels of this image"), "Edit",
            lambda d: d.clear_labels(), ("Ctrl+Del",), "broom", group=1, enabled_when=HAS_LABELS),
)  # fmt: skip

IMAGE = (
    Command("next_image", _T("Command", "Next image"), "Image", lambda d: d.next_image(), ("D",),
            "chevron-right", enabled_when=HAS_PROJECT, repeats=True),
    Command("previous_image", _T("Command", "Previous image"), "Image", lambda d: d.previous_image(),
            ("A",), "chevron-left", enabled_when=HAS_PROJECT, repeats=True),
    Command("mark_reviewed", _T("Command", "Mark reviewed"), "Image", lambda d: d.mark_reviewed(), ("R",),
            "check-all", group=1, enabled_when=HAS_DOCUMENT, checked_when=lambda s: s.is_reviewed),
    Command("find_image", _T("Command", "Find image"), "Image", lambda d: d.find_image(), ("Ctrl+F",),
            "magnify", group=1, enabled_when=HAS_PROJECT),
)  # fmt: skip

CLASSES = (
    Command("add_class", _T("Command", "Add a class"), "Classes", lambda d: d.add_class(), ("N",), "plus",
            enabled_when=HAS_PROJECT),
    Command("next_class", _T("Command", "Next class"), "Classes", lambda d: d.next_class(), (".",),
            "arrow-down", enabled_when=HAS_CLASSES, repeats=True),
    Command("previous_class", _T("Command", "Previous class"), "Classes", lambda d: d.previous_class(),
            (",",), "arrow-up", enabled_when=HAS_CLASSES, repeats=True),
    Command("swap_background", _T("Command", "Swap with background"), "Classes",
            lambda d: d.swap_background(), ("X",), "swap-horizontal",
            enabled_when=HAS_CLASSES),
    *(_class(digit) for digit in "1234567890"),
    Command("distinct_colors", _T("Command", "Make colours distinct"), "Classes/Colours",
            lambda d: d.make_colors_distinct(), (), "palette-outline", enabled_when=HAS_CLASSES),
    _palette("okabe_ito", _T("Command", "Okabe and Ito’s colours")),
    _palette("tol_bright", _T("Command", "Paul Tol’s bright colours")),
    _palette("tol_muted", _T("Command", "Paul Tol’s muted colours")),
)  # fmt: skip

VIEW = (
    Command("zoom_in", _T("Command", "Zoom in"), "View", lambda d: d.zoom_in(), ("+", "="),
            "magnify-plus-outline", enabled_when=HAS_DOCUMENT, repeats=True),
    Command("zoom_out", _T("Command", "Zoom out"), "View", lambda d: d.zoom_out(), ("-",),
            "magnify-minus-outline", enabled_when=HAS_DOCUMENT, repeats=True),
    Command("zoom_fit", _T("Command", "Fit the image"), "View", lambda d: d.zoom_fit(), ("F", "Ctrl+0"),
            "fit-to-screen-outline", bar="right", enabled_when=HAS_DOCUMENT),
    Command("zoom_actual", _T("Command", "Actual size (1:1)"), "View", lambda d: d.zoom_actual(),
            ("Ctrl+1",), "numeric-1-box-outline", enabled_when=HAS_DOCUMENT),
    Command("toggle_labels", _T("Command", "Show labels"), "View", lambda d: d.toggle_labels(), ("H",),
            "layers-outline", group=1, checked_when=lambda s: s.labels_shown, holds=True),
    Command("toggle_prediction", _T("Command", "Show prediction"), "View",
            lambda d: d.toggle_prediction(), ("S",), "creation", group=1,
            checked_when=lambda s: s.prediction_shown, holds=True),
    *LAYERS,
    Command("toggle_images_panel", _T("Command", "Images panel"), "View",
            lambda d: d.toggle_images_panel(), ("F7",), group=2, checked_when=lambda s: s.images_panel_shown),
    Command("toggle_teach_panel", _T("Command", "Classes and fine-tune panel"), "View",
            lambda d: d.toggle_teach_panel(), ("F8",), group=2, checked_when=lambda s: s.teach_panel_shown),
    Command("toggle_history_panel", _T("Command", "History panel"), "View",
            lambda d: d.toggle_history_panel(), ("F9",), group=2,
            checked_when=lambda s: s.history_panel_shown),
    Command("next_pane", _T("Command", "To the next part of the window"), "View", lambda d: d.next_pane(),
            ("F6",), group=2),
    Command("previous_pane", _T("Command", "To the previous part of the window"), "View",
            lambda d: d.previous_pane(), ("Shift+F6",), group=2),
    Command("full_screen", _T("Command", "Full screen"), "View", lambda d: d.toggle_full_screen(), ("F11",),
            group=2, checked_when=lambda s: s.is_full_screen),
    Command("toggle_theme", _T("Command", "Switch between dark and light"), "View",
            lambda d: d.toggle_theme(), ("Ctrl+Shift+L",), "theme-light-dark", group=3, bar="right"),
    *DISPLAY,
    _choice("theme", "system", _T("Command", "Like the system"), "View/Theme"),
    _choice("theme", "dark", _T("Command", "Dark"), "View/Theme"),
    _choice("theme", "light", _T("Command", "Light"), "View/Theme"),
    _choice("theme", "contrast", _T("Command", "High contrast"), "View/Theme"),
)  # fmt: skip

NETWORK = (
    Command("fine_tune", _T("Command", "Fine-tune"), "Network", lambda d: d.fine_tune(), ("Ctrl+T",),
            "school-outline", enabled_when=CAN_TRAIN),
    Command("stop_training", _T("Command", "Stop, keep the best"), "Network", lambda d: d.stop_training(),
            ("Ctrl+Shift+T",), "stop", enabled_when=IS_TRAINING),
    _choice("device", "auto", _T("Command", "Automatic"), "Network/Device"),
    _choice("device", "cpu", _T("Command", "Processor (CPU)"), "Network/Device"),
    _choice("device", "cuda", _T("Command", "Graphics card (CUDA)"), "Network/Device"),
)  # fmt: skip

HELP = (
    Command("show_palette", _T("Command", "Find a command…"), "Help", lambda d: d.show_palette(),
            ("Ctrl+K", "Ctrl+Shift+P"), "magnify"),
    Command("show_keys", _T("Command", "Keys and gestures"), "Help", lambda d: d.show_keys(), ("F1",),
            "keyboard-outline", bar="right"),
    Command("edit_keys", _T("Command", "Change the keys…"), "Help", lambda d: d.edit_keys(), ("Ctrl+Alt+K",),
            "keyboard-settings-outline"),
    Command("show_hint", _T("Command", "Show the first hint again"), "Help", lambda d: d.show_hint(),
            icon="lightbulb-outline"),
    Command("about", _T("Command", "About FCN Studio"), "Help", lambda d: d.about(),
            icon="information-outline", group=1),
)  # fmt: skip

MENUS = ("File", "Edit", "Image", "Tools", "Classes", "View", "Network", "Help")
COMMANDS: tuple[Command, ...] = (
    *FILE, *EDIT, *SAYING, *IMAGE, *TOOL_COMMANDS, *CLASSES, *VIEW, *NETWORK, *HELP,
)  # fmt: skip
BY_ID: dict[str, Command] = {command.id: command for command in COMMANDS}
