# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the page looks in a browser: light and dark, wide and narrow, and on paper."""

from __future__ import annotations

import re

import pytest

from .browser import Browser
from .pages import Page
from .png import read_png

SCALE = 0.2  # of a picture: enough to tell light from dark, and something from nothing
WIDE, NARROW = 1280, 400

OVERFLOWING = """
[...document.querySelectorAll('body, body *')]
  .filter(one => one.getBoundingClientRect().width && !one.closest('.defs, pattern, .plot, .meter'))
  .filter(one => one.getBoundingClientRect().right > innerWidth + 0.5 || one.getBoundingClientRect().left < -0.5)
  .map(one => one.tagName + '.' + one.getAttribute('class'))
"""
# The contrast of each text with what is behind it, as the Web Content Accessibility Guidelines (1.4.3) compute it.
FAINT = """
(() => {
  const read = text => (text.match(/[\\d.]+/g) || [0, 0, 0, 0]).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255).map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, at) => sum + v * [.2126, .7152, .0722][at], 0);
  const behind = one => {
    for (; one; one = one.parentElement) {
      const colour = read(getComputedStyle(one).backgroundColor);
      if (colour.length === 3 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const faint = [];
  for (const one of document.querySelectorAll('body *')) {
    const own = [...one.childNodes].some(node => node.nodeType === 3 && node.data.trim());
    if (!own || one.closest('title, desc, style') || getComputedStyle(one).display === 'none') continue;
    const style = getComputedStyle(one);
    const [a, b] = [light(read(one.closest('svg') ? style.fill : style.color)), light(behind(one))];
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5) faint.push(one.tagName + '.' + one.getAttribute('class') + ' ' + ratio.toFixed(2));
  }
  return [...new Set(faint)];
})()
"""

# Words of the table of what still runs that stand on more than one line.
BROKEN = """
(() => {
  const broken = [], walk = document.createTreeWalker(document.querySelector('#running tbody'), NodeFilter.SHOW_TEXT);
  for (let node; (node = walk.nextNode());) {
    for (const word of node.data.matchAll(/\\S+/g)) {
      const range = document.createRange();
      range.setStart(node, word.index);
      range.setEnd(node, word.index + word[0].length);
      if (range.getClientRects().length > 1) broken.push(word[0]);
    }
  }
  return broken;
})()
"""


@pytest.mark.parametrize("width", [WIDE, NARROW, 320])
@pytest.mark.parametrize("name", ["busy", "terrible", "empty", "going"])
def test_nothing_overflows(browser: Browser, busy: Page, others: dict[str, Page], name: str, width: int) -> None:
    browser.open((others | {"busy": busy})[name].path, width=width)
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    assert browser.evaluate(OVERFLOWING) == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_light_is_light_and_dark_is_dark(browser: Browser, busy: Page, dark: bool) -> None:
    browser.open(busy.path, width=WIDE, dark=dark)
    picture = read_png(browser.picture(scale=SCALE))
    assert picture.width == round(WIDE * SCALE)
    assert picture.height > 500
    assert picture.brightness < 60 if dark else picture.brightness > 200
    assert len(set(picture.pixels)) > 200, "blank"
    assert browser.evaluate(FAINT) == []


def test_the_browser_asks_for_nothing_but_the_page(browser: Browser, busy: Page) -> None:
    browser.open(busy.path)
    browser.picture(scale=SCALE)
    assert browser.requested == [busy.path.as_uri()]


def test_hours_lose_labels_where_there_is_no_room(browser: Browser, busy: Page) -> None:
    visible = "[...document.querySelectorAll('.tick')].filter(one => getComputedStyle(one).display !== 'none').length"
    browser.open(busy.path, width=WIDE)
    wide = browser.evaluate(visible)
    browser.open(busy.path, width=NARROW)
    assert browser.evaluate(visible) < wide / 2


def test_ticks_do_not_touch(browser: Browser, busy: Page, others: dict[str, Page]) -> None:
    gaps = """
    (() => { const boxes = [...document.querySelectorAll('.tick:not(.day)')].map(one => one.getBoundingClientRect())
      .filter(box => box.width); return boxes.slice(1).map((box, at) => box.left - boxes[at].right); })()
    """
    for page in (busy, others["week"]):
        for width in (WIDE, NARROW):
            browser.open(page.path, width=width)
            assert min(browser.evaluate(gaps)) > 2, (page.path, width)


def test_no_word_of_what_still_runs_is_broken_on_a_phone(browser: Browser, others: dict[str, Page]) -> None:
    browser.open(others["going"].path, width=340)
    assert browser.evaluate(BROKEN) == []
    heights = "[...document.querySelectorAll('#running tbody tr')].map(one => one.getBoundingClientRect().height)"
    assert max(browser.evaluate(heights)) < 5 * 25
    browser.open(others["going"].path, width=WIDE)
    assert browser.evaluate("getComputedStyle(document.querySelector('#running td')).display") == "table-cell"


def test_other_jobs_that_failed_are_folded_on_a_screen_and_there_on_paper(browser: Browser, others: dict[str, Page]) -> None:
    seen = "[...document.querySelectorAll('#failed .rest li li')].filter(one => one.checkVisibility()).length"
    browser.open(others["terrible"].path, width=WIDE)
    assert browser.evaluate(seen) == 0
    browser.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    every = browser.evaluate(seen)
    assert every > 100
    assert browser.evaluate(FAINT) == []
    for width in (WIDE, 320):
        browser.open(others["terrible"].path, width=width)
        browser.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
        assert browser.evaluate(OVERFLOWING) == []
    browser.open(others["terrible"].path, width=760, media="print")
    assert browser.evaluate(seen) == every


def test_it_prints_light_and_on_few_sheets(browser: Browser, busy: Page) -> None:
    browser.open(busy.path, width=760, dark=True, media="print")
    assert browser.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert browser.evaluate(FAINT) == []
    printed = browser.pdf()
    assert printed.startswith(b"%PDF-")
    assert 2 <= len(re.findall(rb"/Type\s*/Page\b", printed)) <= 6
    assert len(printed) > 20_000
