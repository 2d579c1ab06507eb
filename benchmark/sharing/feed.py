"""Changes as an Atom feed (RFC 4287), with links that hold wherever the site lies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from xml.etree import ElementTree

from benchmark.errors import printable

_ATOM = "http://www.w3.org/2005/Atom"


def atom(entries: Sequence[Mapping[str, str]], identifier: str, title: str) -> str:
    """The feed's text, newest change first.

    Args:
        entries: changes, see `changes.changes`, oldest first; there is one at least.
        identifier: what the feed is called for ever, a URI.
        title: for people.
    """
    feed = ElementTree.Element("feed", xmlns=_ATOM)
    _tell(feed, "title", title)
    _tell(feed, "id", identifier)
    _tell(feed, "updated", max(entry["updated"] for entry in entries))
    author = ElementTree.SubElement(feed, "author")
    _tell(author, "name", "bench report")
    ElementTree.SubElement(feed, "link", rel="self", href="feed.xml")
    ElementTree.SubElement(feed, "link", rel="alternate", href="index.html")
    for entry in reversed(entries):
        element = ElementTree.SubElement(feed, "entry")
        for name in ("title", "id", "updated", "summary"):
            _tell(element, name, entry[name])
        ElementTree.SubElement(element, "link", rel="alternate", href=entry["link"])
    ElementTree.indent(feed)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ElementTree.tostring(feed, encoding="unicode")}\n'


def _tell(parent: ElementTree.Element, name: str, text: str) -> None:
    """A child with a text; what XML has no character for appears as its code."""
    ElementTree.SubElement(parent, name).text = printable(text).replace("\ufffe", "").replace("\uffff", "")
