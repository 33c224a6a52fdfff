"""Pages on disk: templates filled, everything escaped, shared files beside them."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd

from bench.record.array_file import write_bytes
from bench.report.render import clean

HERE = Path(__file__).parent
ASSETS = HERE / "assets"
VEGA = "vega.js"
TABLES = "datatables.js"


@dataclass(frozen=True)
class Page:
    """A page: its path below the site, its template and what fills that.

    `data` are files that it loads, by name: what is not in its text; `later` those that it loads
    when they are asked for. `scripts` are assets.
    """

    path: str
    title: str
    template: str
    context: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    scripts: Sequence[str] = ()
    foot: Sequence[str] = ()
    later: Mapping[str, Any] = field(default_factory=dict)


class Shell:
    """Writes pages into a folder, with the navigation that they share."""

    def __init__(self, folder: Path, navigation: Iterable[tuple[str, str]]) -> None:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined

        self.folder = folder
        self.navigation = list(navigation)
        self.written: list[Path] = []
        self._pages = Environment(
            loader=FileSystemLoader(HERE / "templates"), autoescape=True, trim_blocks=True,
            lstrip_blocks=True, undefined=StrictUndefined, finalize=_shown,
        )  # fmt: skip
        self._pages.filters |= {"lines": _lines, "prose": _prose}

    def assets(self) -> None:
        """The files that all pages share, which no run changes."""
        for path in sorted(ASSETS.iterdir()):
            self._write(f"assets/{path.name}", path.read_bytes())
        self._write(f"assets/{VEGA}", _bundle().encode())
        self._write(f"assets/{TABLES}", _tables().encode())
        self._write("assets/code.css", _code_style().encode())

    def write(self, page: Page) -> None:
        """A page, its data and its files."""
        root = "../" * page.path.count("/")
        for name, data in {**page.data, **page.later}.items():
            call = f"camparison.take({json.dumps(name)}, {plain(data)});\n"
            self._write(f"data/{name}.js", call.encode())
        here = page.path.split("/")[0]
        text = self._pages.get_template(page.template).render(
            page=page, root=root, navigation=self.navigation, here=here, **page.context
        )
        self._write(page.path, text.encode())

    def _write(self, name: str, content: bytes) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, content)
        self.written.append(path)


def plain(data: Any) -> str:
    """Data as JSON that may stand in a page or a script: what is not finite is null."""
    text = json.dumps(_finite(data), ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def coded(frame: pd.DataFrame) -> dict[str, Any]:
    """A frame by column, texts as numbers of a list: half the size, and quick to select by."""
    columns: dict[str, Any] = {}
    for name in frame:
        values = frame[name]
        if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
            columns[str(name)] = [_short(value) for value in values.tolist()]
            continue
        texts = ["" if value is None or value != value else value for value in values.tolist()]
        texts = [clean(text) if isinstance(text, str) else text for text in texts]
        words = list(dict.fromkeys(texts))
        place = {word: n for n, word in enumerate(words)}
        columns[str(name)] = {"words": words, "of": [place[text] for text in texts]}
    return {"length": len(frame), "columns": columns}


def uncoded(path: Path) -> pd.DataFrame:
    """The frame that a file of data has by column, as a page of this suite wrote it."""
    text = path.read_text(encoding="utf-8")
    columns = json.loads(text[text.index("{") : text.rindex("}") + 1])["columns"]
    found = {}
    for name, values in columns.items():
        if isinstance(values, Mapping):
            found[name] = [values["words"][place] for place in values["of"]]
        else:
            found[name] = [math.nan if value is None else value for value in values]
    return pd.DataFrame(found)


def _short(value: float) -> float | int | None:
    """Six significant digits: more than anybody is shown."""
    if not math.isfinite(value):
        return None if math.isnan(value) else math.copysign(1e308, value)
    return value if isinstance(value, int) else float(f"{value:.6g}")


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _finite(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _shown(value: Any) -> Any:
    """A text as a page shows it: without what moves a cursor or turns the direction of writing."""
    if isinstance(value, str) and not hasattr(value, "__html__"):
        return clean(value)
    return value


def _lines(text: str) -> Any:
    """A text of several lines, escaped, each without what moves a cursor."""
    from markupsafe import Markup, escape

    kept = ("".join(c if c.isprintable() else " " for c in line) for line in text.splitlines())
    return Markup("\n").join(escape(line) for line in kept)


def _prose(text: str) -> Any:
    """A text in which what stands between backticks is code, escaped like the rest."""
    from markupsafe import Markup, escape

    parts = clean(text).split("`")
    if len(parts) % 2 == 0:
        return escape("`".join(parts))
    shown = (
        Markup("<code>{}</code>").format(p) if n % 2 else escape(p) for n, p in enumerate(parts)
    )
    return Markup("").join(shown)


@cache
def _bundle() -> str:
    """Vega, Vega-Lite and vega-embed, as the package has them."""
    import vl_convert

    return str(vl_convert.javascript_bundle())  # type: ignore[call-arg]  # its stub errs


@cache
def _tables() -> str:
    """DataTables, as itables bundles it: its module made a script, which may come from a disk."""
    place = find_spec("itables")
    if place is None or place.origin is None:
        raise ModuleNotFoundError("itables")
    source = (Path(place.origin).parent / "html" / "dt_bundle.js").read_text(encoding="utf-8")
    code, names, licences = re.split(r"export\{([^}]*)\};?", source)
    found = re.search(r"([\w$]+) as default", names)
    if found is None:
        raise ValueError("itables' bundle exports no DataTable")
    return f"(()=>{{{code}\nwindow.DataTable={found[1]};}})();\n{licences}"


@cache
def _code_style() -> str:
    """The colours of code, for light and dark."""
    from pygments.formatters import HtmlFormatter

    light = HtmlFormatter(style="default").get_style_defs(".code")
    dark = HtmlFormatter(style="github-dark").get_style_defs(':root[data-theme="dark"] .code')
    return f"{light}\n{dark}\n"
