# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page in a browser: light and dark, wide and narrow, and in print."""

from __future__ import annotations

import re

import pytest

from .browser import Browser
from .pages import Page
from .png import read_png

SCALE = 0.2  # of screenshots: enough to measure brightness
WIDE, NARROW = 1280, 400

OVERFLOWING = """
[...document.querySelectorAll('body, body *')]
  .filter(one => one.getBoundingClientRect().width && !one.closest('.defs, pattern, .plot, .meter'))
  .filter(one => one.getBoundingClientRect().right > innerWidth + 0.5 || one.getBoundingClientRect().left < -0.5)
  .map(one => one.tagName + '.' + one.getAttribute('class'))
"""
# Texts with too little contrast to their background, as the Web Content Accessibility Guidelines (1.4.3) compute it.
LOW_CONTRAST = """
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
  const found = [];
  for (const one of document.querySelectorAll('body *')) {
    const own = [...one.childNodes].some(node => node.nodeType === 3 && node.data.trim());
    if (!own || one.closest('title, desc, style') || getComputedStyle(one).display === 'none') continue;
    const style = getComputedStyle(one);
    const [a, b] = [light(read(one.closest('svg') ? style.fill : style.color)), light(behind(one))];
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5) found.push(one.tagName + '.' + one.getAttribute('class') + ' ' + ratio.toFixed(2));
  }
  return [...new Set(found)];
})()
"""

# Words of the table of running sessions that are broken into two lines.
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
@pytest.mark.parametrize("name", ["busy", "terrible", "empty", "running"])
def test_nothing_overflows(browser: Browser, busy: Page, templated: dict[str, Page], name: str, width: int) -> None:
    browser.open((templated | {"busy": busy})[name].path, width=width)
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    assert browser.evaluate(OVERFLOWING) == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_page_follows_light_and_dark_mode(browser: Browser, busy: Page, dark: bool) -> None:
    browser.open(busy.path, width=WIDE, dark=dark)
    image = read_png(browser.screenshot(scale=SCALE))
    assert image.width == round(WIDE * SCALE)
    assert image.height > 500
    assert image.brightness < 60 if dark else image.brightness > 200
    assert len(set(image.pixels)) > 200, "blank"
    assert browser.evaluate(LOW_CONTRAST) == []


def test_the_browser_requests_only_the_page(browser: Browser, busy: Page) -> None:
    browser.open(busy.path)
    browser.screenshot(scale=SCALE)
    assert browser.requested == [busy.path.as_uri()]


def test_a_narrow_chart_has_fewer_labels(browser: Browser, busy: Page) -> None:
    visible = "[...document.querySelectorAll('.tick')].filter(one => getComputedStyle(one).display !== 'none').length"
    browser.open(busy.path, width=WIDE)
    wide = browser.evaluate(visible)
    browser.open(busy.path, width=NARROW)
    assert browser.evaluate(visible) < wide / 2


def test_labels_do_not_overlap(browser: Browser, busy: Page, templated: dict[str, Page]) -> None:
    gaps = """
    (() => { const boxes = [...document.querySelectorAll('.tick:not(.day)')].map(one => one.getBoundingClientRect())
      .filter(box => box.width); return boxes.slice(1).map((box, at) => box.left - boxes[at].right); })()
    """
    for page in (busy, templated["week"]):
        for width in (WIDE, NARROW):
            browser.open(page.path, width=width)
            assert min(browser.evaluate(gaps)) > 2, (page.path, width)


def test_no_word_of_a_running_session_is_broken_on_a_phone(browser: Browser, templated: dict[str, Page]) -> None:
    browser.open(templated["running"].path, width=340)
    assert browser.evaluate(BROKEN) == []
    heights = "[...document.querySelectorAll('#running tbody tr')].map(one => one.getBoundingClientRect().height)"
    assert max(browser.evaluate(heights)) < 5 * 25
    browser.open(templated["running"].path, width=WIDE)
    assert browser.evaluate("getComputedStyle(document.querySelector('#running td')).display") == "table-cell"


def test_the_short_form_is_folded_on_the_screen_and_printed(browser: Browser, templated: dict[str, Page]) -> None:
    visible_jobs = "[...document.querySelectorAll('#failed .others li li')].filter(one => one.checkVisibility()).length"
    browser.open(templated["terrible"].path, width=WIDE)
    assert browser.evaluate(visible_jobs) == 0
    browser.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    all_jobs = browser.evaluate(visible_jobs)
    assert all_jobs > 100
    assert browser.evaluate(LOW_CONTRAST) == []
    for width in (WIDE, 320):
        browser.open(templated["terrible"].path, width=width)
        browser.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
        assert browser.evaluate(OVERFLOWING) == []
    browser.open(templated["terrible"].path, width=760, media="print")
    assert browser.evaluate(visible_jobs) == all_jobs


def test_it_prints_in_light_mode_on_a_few_sheets(browser: Browser, busy: Page) -> None:
    browser.open(busy.path, width=760, dark=True, media="print")
    assert browser.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert browser.evaluate(LOW_CONTRAST) == []
    printed = browser.pdf()
    assert printed.startswith(b"%PDF-")
    assert 2 <= len(re.findall(rb"/Type\s*/Page\b", printed)) <= 6
    assert len(printed) > 20_000
