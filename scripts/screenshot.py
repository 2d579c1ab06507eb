"""Takes the README's picture: the first screen of a leaderboard, as a small PNG.

    bench merge reports/cifar10-small/records/*/*.best.zip --into photographs
    bench report --results photographs --out photographs-page
    python scripts/screenshot.py photographs-page/index.html docs/images/leaderboard.png --state suite=photographs

`--state` is what a reader has chosen, as the page's "Copy link" writes it behind the #. Needs Chromium and
chromedriver. The picture has 64 colours, which is all that a page of text and bars needs.
"""

from __future__ import annotations

import argparse
import io
import shutil
import sys
import tempfile
from pathlib import Path

from PIL import Image
from selenium import webdriver

#: No larger than what a README should load.
LARGEST = 200_000


def screen(page: Path, state: str, width: int, height: int, scale: float) -> bytes:
    """What a window of that size shows of `page`, in the light colours, as a PNG."""
    options = webdriver.ChromeOptions()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        for flag in ("--headless=new", "--no-sandbox", "--hide-scrollbars", f"--user-data-dir={profile}"):
            options.add_argument(flag)
        options.binary_location = shutil.which("chromium") or shutil.which("google-chrome") or ""
        driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
        try:
            size = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": False}
            driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
            light = [{"name": "prefers-color-scheme", "value": "light"}]
            driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": light})
            driver.get(f"{page.resolve().as_uri()}#{state}")
            return driver.get_screenshot_as_png()
        finally:
            driver.quit()


def small(picture: bytes, colours: int = 64) -> bytes:
    """The same picture with so many colours."""
    written = io.BytesIO()
    reduced = Image.open(io.BytesIO(picture)).convert("RGB").quantize(colours, dither=Image.Dither.NONE)
    reduced.save(written, "PNG", optimize=True)
    return written.getvalue()


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("page", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--state", default="", help="what is chosen in the page, such as suite=photographs")
    parser.add_argument("--size", default="1200x640", help="default: %(default)s")
    parser.add_argument("--scale", type=float, default=1.5, help="pixels of the picture per pixel of the page")
    given = parser.parse_args()
    width, height = (int(part) for part in given.size.split("x"))
    picture = small(screen(given.page, given.state, width, height, given.scale))
    if len(picture) > LARGEST:
        print(f"{len(picture) / 1000:.0f} kB are too many; give a smaller --size or --scale", file=sys.stderr)
        return 1
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_bytes(picture)
    print(f"{given.out}: {len(picture) / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
