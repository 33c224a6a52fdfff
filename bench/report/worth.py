"""What explainers are worth, and whether a network of one's own comes in: a sentence each."""

from __future__ import annotations

import pandas as pd

from bench.report.forms import number, spread, text

SCORES = ("removal_gain", "pointing_game", "relevance_rank")
"""By which an explainer's worth is told, higher is better: the first that was measured."""
RIVALS = {
    "SHAP": ("partition_shap", "kernel_shap", "permutation_shap", "shap."),
    "integrated gradients": ("integrated_gradients", "captum.integrated_gradients"),
}
"""What Grad-CAM is held against, and what the names of such explainers begin with."""
FEW = 30
"""Images below which a difference is no finding."""
NETWORK = ("dataset", "architecture", "device", "machine_id")
Answer = tuple[str, str]
"""What is said, and how sure it is."""


def worth(frame: pd.DataFrame, of: object) -> Answer | None:
    """The first explainer by a score of faithfulness or localisation, and the cheapest like it."""
    known = [name for name in SCORES if f"{name}_correct" in frame]
    scored = [name for name in known if frame[f"{name}_correct"].notna().any()]
    if not scored or not {"control", "evaluations"} <= {*frame.columns}:
        return None
    head = f"{scored[0]}_correct"
    everyone = frame[frame[head].notna()]
    mine = everyone[~everyone["control"].astype(bool) & (everyone["evaluations"].astype(float) > 0)]
    if mine.empty:
        return None
    where, fresh = list(NETWORK), mine[~mine["stale"].astype(bool)]
    mine = fresh if len(fresh) else mine
    place = mine.sort_values(f"{head}_n").iloc[-1][where]
    mine = mine[(mine[where] == place).all(axis=1)]
    best = mine.sort_values([head, "evaluations"], ascending=[False, True]).iloc[0]
    equal = mine[[not apart(best, row, head) for _, row in mine.iterrows()]]
    cheap = equal.sort_values("evaluations").iloc[0]
    told = f"{best['explainer']}, {scored[0].replace('_', ' ')} {_interval(best, head)}"
    cost = f"{best['evaluations']:.0f}"
    told += f", at {cost} evaluation{'' if cost == '1' else 's'} an image"
    if cheap["evaluations"] < best["evaluations"]:
        told += f"; not told apart at {cheap['evaluations']:.0f}: {cheap['explainer']}"
        told += f", {_interval(cheap, head)}"
    controls = everyone[(everyone[where] == place).all(axis=1) & everyone["control"].astype(bool)]
    if alike := _alike(best, controls, head):
        told += f"; nor is it told from {alike}"
    n = int(best[f"{head}_n"])
    sure = f"{n} images of {best['dataset']} that {best['architecture']} classifies correctly"
    return told, sure + ("; the code has changed since" if bool(best["stale"]) else "")


def good_enough(frame: pd.DataFrame, of: object) -> Answer | None:
    """Whether SHAP or integrated gradients is above Grad-CAM, network by network, at what cost."""
    for score in SCORES:
        head = f"{score}_correct"
        if head not in frame or not {"control", "evaluations"} <= {*frame.columns}:
            continue
        known = frame[frame[head].notna() & frame[f"{head}_ci_lo"].notna()]
        known = known[known["evaluations"].notna() | known["control"].astype(bool)]
        found = [_against(here, head) for _, here in known.groupby(list(NETWORK))]
        told = sorted((each for each in found if each), reverse=True)[:2]
        if told:
            n = min(int(images) for _, images, _ in told)
            doubt = f"; fewer than {FEW}: no finding yet" if n < FEW else ""
            stale = "" if all(fresh for fresh, _, _ in told) else "; the code has changed since"
            title = score.replace("_", " ")
            sure = f"by {title}, {n} images or more that the network classifies correctly"
            return ". ".join(text for _, _, text in told), sure + doubt + stale
    return None


def _against(here: pd.DataFrame, head: str) -> tuple[bool, float, str] | None:
    """Of one network: whether all is current, of how many images, and what to say."""
    controls, here = (here[here["control"].astype(bool) == of] for of in (True, False))
    bases = here[here["explainer"] == "grad_cam"]
    if bases.empty:
        return None
    base = bases.iloc[-1]
    current = not base["stale"]
    above: list[str] = []
    others: list[str] = []
    for title, starts in RIVALS.items():
        mine = here[here["explainer"].str.startswith(starts)]
        mine = mine[mine[f"{head}_n"] == base[f"{head}_n"]]
        fresh = mine[~mine["stale"].astype(bool)]
        if mine.empty:
            continue
        best = (fresh if len(fresh) else mine).sort_values(head).iloc[-1]
        current = current and not best["stale"]
        higher = best[head] > base[head] and apart(best, base, head)
        text = f"{title} {number(best[head])} at {best['evaluations']:.0f}"
        (above if higher else others).append(text)
    if not above and not others:
        return None
    own = f"Grad-CAM {number(base[head])} at {base['evaluations']:.0f} evaluation an image"
    said = [f"above it: {', '.join(above)}"] if above else []
    said += [f"not above it: {', '.join(others)}"] if others else []
    where = f"{base['architecture']} on {base['dataset']}"
    answer = "no" if above else "yes"
    if base[f"{head}_n"] < FEW:
        answer = "not known"
    elif not above and (alike := _alike(base, controls, head)):
        answer = f"not known, it is not told from {alike}"
    return current, float(base[f"{head}_n"]), f"{where}: {answer}, {own}; {'; '.join(said)}"


def apart(one: pd.Series, other: pd.Series, head: str) -> bool:
    """Whether two explainers are told apart: by their letters, or without by their intervals."""
    names = [text(row.get(f"{head.removesuffix('_correct')}_letters")) for row in (one, other)]
    if all(names):
        return not {*names[0].split()} & {*names[1].split()}
    low, high = sorted((one, other), key=lambda row: float(row[head]))
    return bool(low[f"{head}_ci_hi"] < high[f"{head}_ci_lo"])


def _alike(one: pd.Series, controls: pd.DataFrame, head: str) -> str:
    """A control that an explainer is not told from, or is below; nothing where there is none."""
    for _, row in controls.sort_values([head, "explainer"], ascending=[False, True]).iterrows():
        if row[head] >= one[head] or not apart(one, row, head):
            return str(row["explainer"])
    return ""


def _interval(row: pd.Series, head: str) -> str:
    return spread(*(row[name] for name in (head, f"{head}_ci_lo", f"{head}_ci_hi")))


def imported(frame: pd.DataFrame, of: object) -> Answer | None:
    """How many exported networks come in, and how exactly."""
    if "status" not in frame:
        return None
    here = frame[frame["status"] == "imported"]
    counts = f"{len(here)} of {len(frame)} exported networks come in"
    wrong = int((frame["status"] == "wrong").sum())
    refused = int((frame["status"] == "refused").sum())
    error = here["evaluator_float64"].astype(float).max()
    told = f"{counts}, {wrong or 'none'} of them wrong; {refused} are refused with a reason"
    sources = ", ".join(dict.fromkeys(str(source) for source in frame["source"]))
    return told, f"of {sources}; logits within {number(error)} of ONNX's own evaluator in float64"


def conventions(frame: pd.DataFrame, of: object) -> Answer | None:
    """How many of the libraries' offers give our very map, and by what the others differ."""
    if not {"like", "shipped", "same_with", "reason"} <= {*frame.columns}:
        return None
    like = frame[frame["like"].notna()]
    if like.empty:
        return None
    same = (like["same_with"] == "its defaults").sum()
    by_option = like["same_with"].notna().sum() - same
    names = [str(name) for name in like.columns]
    named = names[names.index("shipped") + 1 :]
    differ = {name: int(like[name].notna().sum()) for name in named if name != "epsilon"}
    most = sorted(differ, key=lambda name: -differ[name])[:3]
    more = int((like["same_with"].isna() & like["reason"].notna()).sum())
    rest = len(like) - same - by_option - more
    told = f"{same} of {len(like)} offers of libraries compute our very map as shipped"
    told += f", {by_option} more by an option; {rest} by another convention, which is named"
    told += f", {more} by no convention, with the reason"
    why = ", ".join(f"{name} ({differ[name]})" for name in most)
    return told, f"they differ most often by {why}"
