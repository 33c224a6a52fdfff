"""The scoreboard: offers down, conditions across, and what differs with its reproducer."""

from __future__ import annotations

from typing import Any

from bench.report.frame import gather
from bench.report.tables import conformance

HEAD = {"run_id": "conform-20261129T100000-0123abcd-00000000", "machine_id": "0123abcd"}


def row(condition: str, verdict: str, **said: Any) -> dict[str, Any]:
    return {
        "schema": 1, "run_id": HEAD["run_id"], "stage": "conform", "task": "heatmap",
        "framework": "pytorch", "column": "pytorch", "library": "captum", "method": "saliency",
        "dataset": "probes", "architecture": "probes", "cell_id": "abc", "code_hash": "x",
        "status": "ok", "round": 0, "like": "saliency", "version": "0.9.0",
        "condition": condition, "verdict": verdict, "heard": "silent", **said,
    }  # fmt: skip


def sections() -> dict[str, Any]:
    rows = [
        row("base", "same"),
        row("reused host", "differs", conventions="layer relu1", first="activations", size=0.87,
            reproducer="captum-0.9.0-saliency-reused_host.py"),
        row("compiled host", "raises", heard="loud", line="captum/attr/x.py:79"),
    ]  # fmt: skip
    frame = gather([(HEAD, rows)], lambda *made: "x")
    table = conformance.make(frame)
    return {section.title: section.frame for section in table.sections}


def test_an_offer_is_a_line_with_its_base_and_its_counts() -> None:
    (line,) = sections()["Offers"].to_dict("records")
    assert line["explainer"] == "captum.saliency" and line["base"] == "same"
    assert line["runs"] == "1 same, 1 differs, 1 raises"


def test_what_differs_is_told_with_its_file() -> None:
    differs, raises = sections()["What differs"].to_dict("records")
    assert differs["verdict"] == (
        "differs; layer relu1; first at activations; error 0.870 of the peak"
    )
    assert differs["reproducer"].endswith("reused_host.py")
    assert (differs["reported"], raises["reported"]) == ("", "")  # not looked for
    assert raises["verdict"] == "raises; captum/attr/x.py:79" and raises["heard"] == "loud"


def test_every_condition_is_a_column() -> None:
    (line,) = sections()["Every run"].to_dict("records")
    assert (line["base"], line["reused host"]) == ("=", "≠")
    assert line["compiled host"] == "raises"


def test_what_a_newer_version_mends_is_told_with_that_version() -> None:
    older = [row("base", "same"), row("reused host", "differs"), row("frozen host", "raises")]
    mended = [row("base", "same"), row("reused host", "same up to"), row("frozen host", "raises")]
    later = {**HEAD, "run_id": "conform-20261130T100000-0123abcd-00000000"}
    newer = [{**each, "version": "0.10.0", "run_id": later["run_id"]} for each in mended]
    frame = gather([(HEAD, older), (later, newer)], lambda *made: "x")
    made = {section.title: section.frame for section in conformance.make(frame).sections}
    told = made["What differs"][["condition", "version", "fixed in"]].values.tolist()
    assert sorted(told) == [
        ["frozen host", "0.10.0", ""], ["frozen host", "0.9.0", ""],
        ["reused host", "0.9.0", "0.10.0"],
    ]  # fmt: skip
    (line,) = made["Offers"].to_dict("records")
    assert line["version"] == "0.10.0" and line["runs"] == "1 same, 1 same up to, 1 raises"
    assert len(made["Every run"]) == 1


def test_what_is_not_compared_says_why() -> None:
    rows = [row("base", "other formula"), row("permuted", "not offered", reason="it draws")]
    table = conformance.make(gather([(HEAD, rows)], lambda *made: "x"))
    (line,) = {s.title: s.frame for s in table.sections}["What is not compared"].to_dict("records")
    assert (line["why"], line["where"]) == ("it draws", "permuted")


def test_what_the_librarys_issues_have_is_beside_what_differs() -> None:
    rows = [
        row("base", "same", library="torchcam", method="grad_cam"),
        row("inplace host", "differs", library="torchcam", method="grad_cam"),
        row("inplace host, layer before the ReLU", "differs", library="pytorch_grad_cam"),
    ]
    table = conformance.make(gather([(HEAD, rows)], lambda *made: "x"))
    frames = {section.title: section.frame for section in table.sections}
    mended, unknown = frames["What differs"]["reported"]
    assert "frgfm/torch-cam#72" in mended and unknown == "none found"


def test_at_other_settings_a_deviation_has_the_file_of_the_offer_as_shipped() -> None:
    file = "captum-0.9.0-saliency-reused_host.py"
    rows = [
        row("base", "same"),
        row("reused host", "differs", reproducer=file),
        row("base", "same", options=[["abs", "false"]], cell_id="other"),
        row("reused host", "differs", options=[["abs", "false"]], cell_id="other"),
        row("compiled host", "raises", options=[["abs", "false"]], cell_id="other"),
    ]
    table = conformance.make(gather([(HEAD, rows)], lambda *made: "x"))
    frames = {section.title: section.frame for section in table.sections}
    told = frames["What differs"].set_index(["explainer", "condition"])["reproducer"]
    assert told["captum.saliency (abs=false)", "reused host"] == file
    assert told["captum.saliency (abs=false)", "compiled host"] == ""
