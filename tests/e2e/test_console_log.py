"""The log of a job in the console: how its lines are found and followed, and a very long one."""

import re
import statistics

import pytest
from playwright.sync_api import expect

from api import User
from console import Console
from job_screen import JobScreen
from scribe import Scribe
from waiting import wait_until

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
LONG = 50_000  # lines
CHUNK = 1_000  # lines, as much as a page of the API has
ROUNDS = 3
MAX_HEAP = 300  # MB, with the page's code and 50,000 lines

HAS_LINE = "seq => document.querySelector(`[data-seq='${seq}']`) !== null"
HAS_END = """[...document.querySelectorAll("main p")].some(
  (text) => text.textContent.includes("Complete: lines 1 to 50,051"))"""
IS_SEEN = """seq => {
  const { top, bottom } = document.querySelector(`[data-seq='${seq}']`).getBoundingClientRect();
  const view = document.querySelector("[role=log]").getBoundingClientRect();
  return top >= view.top && bottom <= view.bottom;
}"""

# Puts the lines of the log into a new one, in its blocks or as plain rows, and measures the time
# until a frame has been drawn with them.
PAINT = """(log, kind) => {
  const copy = log.cloneNode(true);
  if (kind === "plain") {
    copy.replaceChildren(...copy.querySelectorAll("[data-seq]"));
  }
  return new Promise((resolve) => {
    requestAnimationFrame(() => {
      const start = performance.now();
      log.replaceWith(copy);
      requestAnimationFrame(() => {
        // A task that is posted in a frame comes after the frame.
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => {
          const time = performance.now() - start;
          copy.replaceWith(log);
          requestAnimationFrame(() => setTimeout(() => resolve(time)));
        };
        port2.postMessage(null);
      });
    });
  });
}"""


def text_of(user: User, job: int) -> str:
    """Returns a job's log as text."""
    answer = user.get(f"/api/jobs/{job}/logs?limit=1000", accept="text/plain")
    return str(answer.body)


def test_address_of_a_line_opens_the_log_there(
    screen: JobScreen, scribe: Scribe, owner: User
) -> None:
    scribe.write(900)
    screen.open(owner, scribe.job, line=700)
    expect(screen.line(700)).to_be_in_viewport()
    expect(screen.line(900)).not_to_be_in_viewport()
    expect(screen.follow).not_to_be_checked()
    # More lines do not move it.
    scribe.write(50)
    expect(screen.line(950)).to_be_attached()
    expect(screen.line(700)).to_be_in_viewport()
    screen.console.go(f"/jobs/{scribe.job}/log/30")
    expect(screen.line(30)).to_be_in_viewport()
    expect(screen.line(700)).not_to_be_in_viewport()
    screen.line(31).get_by_role("link").click()
    expect(screen.page).to_have_url(re.compile(f"#/jobs/{scribe.job}/log/31$"))
    expect(screen.line(30)).to_be_in_viewport()


def test_level_filters_the_lines(screen: JobScreen, scribe: Scribe, owner: User) -> None:
    scribe.write_lines([(LEVELS[seq % 4], f"Line {seq}") for seq in range(1, 401)])
    screen.open(owner, scribe.job)
    expect(screen.line(400)).to_be_attached()
    level = screen.console.role("combobox", "Level")
    for at, name in enumerate(LEVELS):
        level.select_option(name)
        expected = [seq for seq in range(1, 401) if seq % 4 >= at]
        expect(screen.log.locator("[data-seq]")).to_have_count(len(expected))
        assert screen.seqs() == expected
    # A quarter of the lines takes a quarter of the place.
    assert screen.log.evaluate("box => box.scrollHeight") < 150 * 40
    scribe.write_lines([("INFO", "Nothing"), ("ERROR", "Something")])
    expect(screen.line(402)).to_be_attached()
    expect(screen.line(401)).to_have_count(0)
    expect(screen.page.get_by_text("Lines 1 to 402 so far")).to_be_visible()


def test_only_the_user_stops_following(screen: JobScreen, scribe: Scribe, owner: User) -> None:
    # Some lines are higher than one row.
    scribe.write(150, length=400)
    screen.open(owner, scribe.job)
    expect(screen.line(150)).to_be_in_viewport()
    screen.expect_at_end()
    scribe.write(150, length=400)
    expect(screen.line(300)).to_be_in_viewport()
    screen.expect_at_end()
    screen.scroll_up()
    scribe.write(100)
    expect(screen.line(400)).to_be_attached()
    assert screen.top() == 0
    expect(screen.follow).to_be_checked()
    # Back at the end, it follows again.
    screen.page.keyboard.press("f")
    expect(screen.follow).not_to_be_checked()
    screen.page.keyboard.press("f")
    expect(screen.follow).to_be_checked()
    screen.expect_at_end()
    scribe.write(100)
    expect(screen.line(500)).to_be_in_viewport()
    screen.follow.uncheck()
    top = screen.top()
    scribe.write(100)
    expect(screen.line(600)).to_be_attached()
    assert screen.top() == top
    scribe.cancel()
    screen.expect_complete(601)


def test_times_are_absolute_relative_or_off(screen: JobScreen, scribe: Scribe, owner: User) -> None:
    scribe.write(2)
    screen.open(owner, scribe.job)
    times = screen.console.role("combobox", "Times")
    shown = screen.line(1).locator("time")
    written = owner.log(scribe.job)[0]["timestamp"]
    expect(shown).to_have_attribute("datetime", written)
    expect(shown).to_contain_text(re.compile(r"\d:\d\d:\d\d"))
    times.select_option("relative")
    expect(shown).to_have_text(re.compile(r"\+\d+\.\d{3}"))
    times.select_option("off")
    expect(shown).to_have_count(0)


def test_log_is_copied_and_opened_as_the_text_of_the_api(
    screen: JobScreen, scribe: Scribe, owner: User
) -> None:
    scribe.write_lines([("INFO", "Plain"), ("ERROR", "<b>&amp;</b> é 漢"), ("DEBUG", "a  b")])
    scribe.cancel()
    screen.console.context.grant_permissions(["clipboard-read", "clipboard-write"])
    screen.open(owner, scribe.job).expect_complete(4)
    expected = text_of(owner, scribe.job)
    screen.console.role("button", "Copy").click()
    expect(screen.console.role("complementary", "Notices")).to_contain_text("Copied 4 lines.")
    assert screen.page.evaluate("navigator.clipboard.readText()") == expected
    with screen.console.context.expect_page() as opened:
        screen.console.role("link", "Plain text").click()
    opened.value.wait_for_load_state()
    assert opened.value.evaluate("document.querySelector('pre').textContent") == expected


@pytest.mark.slow
def test_long_log_is_drawn_fast_and_searched_as_a_whole(
    screen: JobScreen, scribe: Scribe, owner: User
) -> None:
    write_long_log(scribe)
    screen.console.open(owner, f"/jobs/{scribe.job}")
    wait_for_lines(screen, LONG)
    screen.expect_at_end()
    assert screen.page.evaluate("window.find('xylophone')")
    found = "getSelection().anchorNode.parentElement.closest('[data-seq]')"
    assert screen.page.evaluate(f"{found}.dataset.seq") == "7"
    screen.page.evaluate(f"{found}.scrollIntoView()")
    wait_until(lambda: screen.page.evaluate(IS_SEEN, 7), "line 7 to be seen")
    # The view stays where the reader is.
    top = screen.top()
    scribe.write(50)
    wait_for_lines(screen, LONG + 50)
    assert screen.top() == top
    scribe.cancel()
    wait_for_lines(screen, LONG + 51)
    wait_until(lambda: screen.page.evaluate(HAS_END), "the end of the log", interval=0.5)
    assert screen.seqs() == list(range(1, LONG + 52))
    blocks, plain = paint_times(screen)
    heap = heap_of(screen.console)
    print(f"A log of {LONG} lines: {blocks:.0f} ms, as plain rows {plain:.0f} ms; {heap:.0f} MB")
    assert blocks < plain / 3, f"{blocks:.0f} ms, and plain rows {plain:.0f} ms"
    assert heap < MAX_HEAP


def wait_for_lines(screen: JobScreen, count: int) -> None:
    """Waits until a line is there. `expect` would describe the whole page each time it looks."""
    wait_until(lambda: screen.page.evaluate(HAS_LINE, count), f"line {count}", interval=0.5)


def write_long_log(scribe: Scribe) -> None:
    """Writes a long log, with a word in its seventh line that no other line has."""
    scribe.write(6)
    scribe.write_lines([("INFO", "Line 7 has a xylophone")])
    while scribe.seq < LONG:
        scribe.write(min(CHUNK, LONG - scribe.seq), length=60)


def paint_times(screen: JobScreen) -> tuple[float, float]:
    """Returns the medians of the milliseconds until blocks, and plain rows, are drawn."""
    kinds = ("blocks", "plain")
    times = [[screen.log.evaluate(PAINT, kind) for kind in kinds] for _ in range(ROUNDS)]
    blocks, plain = zip(*times, strict=True)
    return statistics.median(blocks), statistics.median(plain)


def heap_of(console: Console) -> float:
    """Returns the size of the page's JavaScript heap after a collection, in MB."""
    session = console.context.new_cdp_session(console.page)
    session.send("HeapProfiler.collectGarbage")
    return float(session.send("Runtime.getHeapUsage")["usedSize"]) / 1e6
