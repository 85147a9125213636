# Copyright The otelcol-feedback Authors
# SPDX-License-Identifier: Apache-2.0

"""Hooks of the documentation site.

Markdown in the repository is written for readers of the repository: links lead
from file to file. Here the pages that lie outside docs/ are added, and a link
leads to the page of the site if there is one, else to the file in the repository.
"""

import fnmatch
import logging
import posixpath
import re
from pathlib import Path

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File

# Under --strict a warning is an error.
log = logging.getLogger("mkdocs.hooks")

ROOT = Path(__file__).resolve().parents[3]
BLOB = "https://github.com/otelcol-feedback/otelcol-feedback/%s/main/%s"

# Pages outside docs/, by their place on the site.
OUTSIDE = {
    "index.md": "README.md",
    "contributing.md": "CONTRIBUTING.md",
    "changelog.md": "CHANGELOG.md",
    "reporting.md": "SECURITY.md",
    "api.md": "api/README.md",
    "testbed.md": "testbed/README.md",
    "feedbackctl.md": "cmd/feedbackctl/README.md",
    "observability.md": "distribution/observability/README.md",
    "dashboards.md": "distribution/observability/grafana/README.md",
}
COMPONENTS = {
    "feedbackreceiver": "feedback",
    "feedbackadmissionprocessor": "feedbackadmission",
    "feedbackvalidationprocessor": "feedbackvalidation",
    "piiredactionprocessor": "piiredaction",
    "partitionkeyprocessor": "partitionkey",
    "feedbackkafkaexporter": "feedbackkafka",
    "feedbackruntimeextension": "feedbackruntime",
    "jwtauthextension": "jwtauth",
    "embeddedkafkaextension": "embeddedkafka",
}
for file in sorted(ROOT.glob("*/*/README.md")):
    if file.parent.name in COMPONENTS:
        OUTSIDE[f"components/{COMPONENTS[file.parent.name]}.md"] = str(file.relative_to(ROOT))

# Where each file of the repository is on the site, and back.
places = {}
sources = {}


def on_files(files, config):
    for place, source in OUTSIDE.items():
        if (ROOT / source).exists():
            files.append(File.generated(config, place, abs_src_path=str(ROOT / source)))
    for file in files:
        if not file.abs_src_path or file.src_uri.endswith(".go"):
            continue
        source = Path(file.abs_src_path)
        if source.is_relative_to(ROOT):
            places[str(source.relative_to(ROOT))] = file.src_uri
            sources[file.src_uri] = str(source.relative_to(ROOT))
    config.nav = expand(config.nav, set(), [f.src_uri for f in files.documentation_pages()])
    return files


def expand(entries, taken, pages):
    """Replaces patterns by the pages they fit, and leaves out what is not there."""
    whole = not taken and any(isinstance(e, dict) for e in entries)
    out = []
    for entry in entries:
        if isinstance(entry, dict):
            ((title, inside),) = entry.items()
            if isinstance(inside, list):
                inside = expand(inside, taken | {""}, pages)
                if inside:
                    out.append({title: inside})
                continue
            if inside not in pages:
                raise PluginError(f"nav names {inside}, which is no page")
            taken.add(inside)
            out.append(entry)
            continue
        for page in sorted(fnmatch.filter(pages, entry)):
            if page not in named(out):
                out.append(page)
    if whole:
        # Whoever adds a page need not know of this file.
        rest = sorted(set(pages) - set(named(out)))
        if rest:
            out.append({"More": rest})
    return out


def named(entries):
    for entry in entries:
        if isinstance(entry, dict):
            (inside,) = entry.values()
            yield from named(inside if isinstance(inside, list) else [inside])
        else:
            yield entry


LINK = re.compile(r"(\]\()([^)\s]+)((?:\s+\"[^\"]*\")?\))")
FENCE = re.compile(r"^\s*(```|~~~)")
# Who generated a page; before its heading it would hide the heading from the navigation.
COMMENTS = re.compile(r"\A(?:\s*<!--.*?-->)+\s*", re.DOTALL)
ITEM = re.compile(r"^(\s*)([-*+]|\d+\.) ")


def on_page_markdown(markdown, page, config, files):
    source = sources[page.file.src_uri]
    out, fenced, before = [], False, ""
    for line in COMMENTS.sub("", markdown).split("\n"):
        if FENCE.match(line):
            fenced = not fenced
        elif not fenced:
            line = LINK.sub(lambda m: m[1] + target(source, page.file.src_uri, m[2]) + m[3], line)
            # GitHub begins a list without an empty line before it, and takes two
            # spaces for a level; this Markdown wants the line, and four.
            if source.startswith("docs/adr/") and line.startswith("Status: "):
                line += "  "  # the date stands below it
            item = ITEM.match(line)
            if item:
                if before.strip() and not ITEM.match(before) and not before.startswith((" ", "\t")):
                    out.append("")
                if len(item[1]) in (2, 3):
                    line = " " * 4 + line.lstrip()
        out.append(line)
        before = line
    return "\n".join(out)


def target(source, place, link):
    if re.match(r"[a-z]+:", link) or link.startswith("#"):
        return link
    path, hash_mark, anchor = link.partition("#")
    file = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
    if not (ROOT / file).exists():
        log.warning("%s: %s leads nowhere", source, link)
        return link
    for candidate in (file, posixpath.join(file, "README.md")):
        if candidate in places:
            here = posixpath.relpath(places[candidate], posixpath.dirname(place) or ".")
            return here + hash_mark + anchor
    kind = "tree" if (ROOT / file).is_dir() else "blob"
    return BLOB % (kind, file) + hash_mark + anchor


PLACE = re.compile(r"(<(t[dh]|h1)\b[^>]*>)(.*?)(</\2>)", re.DOTALL)
TAG = re.compile(r"(<[^>]*>)")
JOINT = re.compile(r"(?<=\w)(_|::|/)(?=\w)")
LONG_NAME = re.compile(r"\b[A-Z][A-Za-z]{15,}\b")


def on_post_page(output, page, config):
    """Names in tables and titles may be broken at their joints, before they are broken anywhere."""
    return PLACE.sub(lambda m: m[1] + jointed(m[3]) + m[4], output)


def jointed(html):
    return "".join(part if part.startswith("<") else joints(part) for part in TAG.split(html))


def joints(text):
    text = JOINT.sub(r"\1<wbr>", text)
    return LONG_NAME.sub(lambda m: re.sub(r"(?<=[a-z])(?=[A-Z])", "<wbr>", m[0]), text)
