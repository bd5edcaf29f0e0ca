"""What the site is made of: called by MkDocs, see mkdocs.yml.

Pages are the Markdown files of the repository as they are, so that they read alike in both places. Links from
one to another stay; a file that they link to (a figure, a table, a module) comes along under files/. The
pages of docs/results are put into the navigation by themselves. Written here are the gallery, from
figures/gallery, and the reference, from `__all__` of the packages: a public name without a docstring fails
the build.
"""

import ast
import re
from itertools import groupby
from pathlib import Path, PurePosixPath
from posixpath import normpath, relpath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parent.parent
#: Page of the repository -> page of the site.
OTHERS = {"README.md": "index.md", "CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}
PACKAGES = ("teacher_student", "curricula", "studies", "figures")
#: Public names that are no function or class of their own: what they are is said where they come from.
CONSTANTS = {"teacher_student.PROTOCOLS", "teacher_student.Protocol", "studies.analysis"}
#: Where a page says how its numbers are made (fill.py); readers do not need it.
HIDDEN = re.compile(r"<!-- names\n.*?\n-->\n*|<!--= .*? -->|<!--/-->", re.DOTALL)
#: Room for tables of numbers with intervals.
STYLE = """
.md-grid { max-width: 76rem; }
.md-typeset table:not([class]) { font-size: 0.6rem; }
.md-typeset table:not([class]) :is(th, td) { min-width: 0; padding: 0.5em 0.7em; }
@media print { .md-typeset table:not([class]) { font-size: 0.5rem; } }
"""
LINK = re.compile(r"(?<=\]\()(?!https?:|#|mailto:)([^)#\s]+)")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """The navigation with the pages of docs/results, xor_mixture first, where mkdocs.yml says RESULTS."""
    for section in config.nav or []:
        for pages in section.values():
            if "RESULTS" in pages:
                at = pages.index("RESULTS")
                pages[at : at + 1] = [f"results/{path.name}" for path in results()]
    return config


def results() -> list[Path]:
    """The pages of studies, the headline first."""
    return sorted(ROOT.glob("docs/results/*.md"), key=lambda path: (path.stem != "xor_mixture", path.stem))


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """All pages and what they link to."""
    own = [path.relative_to(ROOT).as_posix() for path in (*sorted(ROOT.glob("docs/*.md")), *results())]
    pages = OTHERS | {source: source.removeprefix("docs/") for source in own}
    linked: set[str] = set()
    texts = {
        page: linking(HIDDEN.sub("", (ROOT / source).read_text()), source, pages, linked)
        for source, page in pages.items()
    }
    texts["site.css"] = STYLE
    texts["gallery.md"] = linking(gallery(), "gallery.md", pages, linked)
    for package in PACKAGES:
        texts[f"api/{package}.md"] = reference(package)
    for file in [file for file in files if file.src_dir == config.docs_dir and not tutorial(file)]:
        files.remove(file)  # they come back with their links as the site needs them
    for page, text in texts.items():
        files.append(File.generated(config, page, content=text))
    for path in sorted(linked):
        files.append(File.generated(config, f"files/{path}", abs_src_path=str(ROOT / path)))
    return files


def tutorial(file: File) -> bool:
    """Whether a file is a script that is run to become a page."""
    return file.src_uri.startswith("tutorials/")


def linking(text: str, source: str, pages: dict[str, str], linked: set[str]) -> str:
    """The text with its links as they are on the site; files that it links to are added to `linked`."""
    here = pages.get(source, source)

    def there(match: re.Match[str]) -> str:
        target = normpath(PurePosixPath(source).parent / match[1])
        if target in pages:
            return relpath(pages[target], PurePosixPath(here).parent)
        if not (ROOT / target).is_file():
            raise PluginError(f"{source} links to {match[1]}, which is not there")
        linked.add(target)
        return relpath(f"files/{target}", PurePosixPath(here).parent)

    return LINK.sub(there, text)


def gallery() -> str:
    """Every figure of the repository with its caption, its numbers and the command that draws it."""
    parts = [
        "# Gallery",
        "All figures are drawn from the arrays in `figures/data`; `make gallery` draws all of them again.",
    ]
    folder = ROOT / "figures" / "gallery"
    pictures = sorted(folder.rglob("*.png"), key=lambda path: (path.parent != folder, path.parent, path))
    for parent, group in groupby(pictures, key=lambda path: path.parent):
        inner = parent.relative_to(folder)
        name = inner.parts[0] if inner.parts else "xor_mixture"
        data = f"figures/data/{inner.parts[1]}" if len(inner.parts) > 1 else "figures/data"
        parts.append(f"## {' '.join((name, *inner.parts[1:]))}")
        parts.append(f"    python -m figures {name} --from {data} --out {parent.relative_to(ROOT)}")
        for path in group:
            at = path.relative_to(ROOT)
            caption = path.with_suffix(".txt").read_text().strip()
            parts += [
                f"![{path.stem}]({at})",
                f"**{path.stem}** ([numbers]({at.with_suffix('.csv')})). {caption}",
            ]
    return "\n\n".join(parts) + "\n"


def reference(package: str) -> str:
    """A page with all public names of a package, in the order of its `__all__`."""
    module = ast.parse((ROOT / package / "__init__.py").read_text())
    (names,) = (
        ast.literal_eval(node.value)
        for node in module.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    )
    if bare := [
        name for name in names if f"{package}.{name}" not in CONSTANTS and not described(package, name)
    ]:
        raise PluginError(f"{package}: no docstring for {', '.join(bare)}")
    shown = [name for name in names if f"{package}.{name}" not in CONSTANTS]
    head = f"# {package}\n\n::: {package}\n    options: {{members: false, show_root_heading: false}}\n\n"
    return head + "\n".join(f"::: {package}.{name}\n" for name in shown)


def described(package: str, name: str) -> bool:
    """Whether a public name has a docstring, read without importing anything."""
    import griffe

    found = griffe.load(package, search_paths=[str(ROOT)])[name]
    target = found.final_target if found.is_alias else found
    return bool(target.docstring and target.docstring.value.strip())
