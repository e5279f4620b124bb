"""What a recipe does, in words for people; free of torch."""

from __future__ import annotations

from fcn_studio.training.settings import Recipe

_BALANCE = {
    "sqrt": "rare classes weigh more (by the square root of their rarity)",
    "log": "rare classes weigh more (by the logarithm of their share)",
    "median": "rare classes weigh more (median frequency)",
    "none": "all classes weigh the same",
}


def describe(recipe: Recipe) -> tuple[str, ...]:
    """One short line each: what is shown, how it is varied, how it learns, what it is measured by."""
    return (_shown(recipe), _varied(recipe), _learnt(recipe), _measured(recipe))


def _shown(recipe: Recipe) -> str:
    what = f"crops of {recipe.crop_px} px" if recipe.crop_px else "whole images"
    many = f" of {recipe.batch} {what}" if recipe.batch > 1 else f", {what}"
    line = f"{recipe.steps} steps{many}"
    if recipe.steps_per_image:
        line += f", and {recipe.steps_per_image} steps more for every further image"
    if recipe.crop_px and recipe.whole_share_end:
        line += f", whole images in the last {100 * recipe.whole_share_end:.0f} %"
    return line


def _varied(recipe: Recipe) -> str:
    ways = []
    if recipe.crop_px and recipe.scale_range != (1.0, 1.0):
        ways.append(f"scaled by {recipe.scale_range[0]:g} to {recipe.scale_range[1]:g}")
    if recipe.flip:
        ways.append("mirrored")
    if recipe.color or recipe.gamma or recipe.temperature:
        ways.append("in other light")
    if recipe.blur or recipe.noise:
        ways.append("blurred and noisy")
    if recipe.paste:
        ways.append("with rare classes pasted in")
    return "shown " + ", ".join(ways) if ways else "shown as they are"


def _learnt(recipe: Recipe) -> str:
    method = "AdamW" if recipe.optimizer == "adamw" else f"SGD with momentum {recipe.momentum:g}"
    parts = {"trunk": recipe.trunk_rate, "head": recipe.head_rate, "skips": recipe.skip_rate}
    rates = [f"{rate:.2g} {part}" for part, rate in parts.items()]
    if len(set(parts.values())) == 1:
        rates = [f"{recipe.head_rate:.2g}"]
    line = f"{method}, rate {', '.join(rates)} ({recipe.schedule}), weight decay {recipe.weight_decay:g}"
    if recipe.bias_rate != 1:
        line += f", biases {recipe.bias_rate:g} times as fast"
    if recipe.ema_decay:
        line += ", the mean of the last weights is kept"
    return line


def _measured(recipe: Recipe) -> str:
    over = "summed over" if recipe.reduction == "sum" else "mean over"
    line = f"cross-entropy, {over} labelled pixels"
    if recipe.hard_share < 1:
        line += f" (the hardest {100 * recipe.hard_share:.0f} %)"
    line += f", {_BALANCE[recipe.balance]}"
    if recipe.weights_back:
        line += f", {100 * recipe.weights_back:.0f} % of that taken back in the end"
    if recipe.lovasz:
        line += f", plus {recipe.lovasz:g} x Lovasz-softmax"
    if recipe.distill:
        line += ", and staying near what the network said before"
    return line
