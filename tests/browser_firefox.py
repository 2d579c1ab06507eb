"""Firefox, driven as the tests drive Chromium: `BENCHMARK_BROWSER=firefox` runs them in it."""

from __future__ import annotations

from typing import Any

from selenium import webdriver

#: Errors of the page's own scripts and policies since the last call; warnings of the browser's own are none, nor is
#: what a page that was left in the middle of a drawing could no longer do.
_MESSAGES = """
const found = Services.console.getMessageArray().filter(each => each instanceof Ci.nsIScriptError);
Services.console.reset();
const page = gBrowser.selectedBrowser.browsingContext.currentWindowGlobal.innerWindowId;
const isOurs = ({ category, innerWindowID }) => innerWindowID === page
  && (category === "content javascript" || category.startsWith("CSP"));
return found.filter(each => isOurs(each) && !(each.flags & Ci.nsIScriptError.warningFlag))
  .map(each => each.errorMessage.replaceAll("Content-Security-Policy", "Content Security Policy"));
"""
_LOADED = """
const loading = document.querySelectorAll("script[src], img, link[rel=stylesheet]");
const own = [...loading].map(each => each.src || each.href);
return [performance.timeOrigin, [location.href.split("#")[0], ...own]];
"""


class Firefox(webdriver.Firefox):
    """Answers to the few commands of Chromium's that the tests use."""

    def __init__(self, program: str, driver: str) -> None:
        """`program` and `driver`: the paths of Firefox and of geckodriver."""
        options = webdriver.FirefoxOptions()
        options.binary_location = program
        options.enable_bidi = True
        # What pages may not see, such as the console, is asked for as the browser itself.
        for argument in ("-headless", "-remote-allow-system-access"):
            options.add_argument(argument)
        super().__init__(options=options, service=webdriver.FirefoxService(driver))
        self.set_script_timeout(300)
        self._seen: set[tuple[float, str]] = set()

    def execute_cdp_cmd(self, command: str, arguments: dict[str, Any]) -> None:
        """Set the size of the page, the colours that the reader wants, or the medium."""
        if command == "Emulation.setDeviceMetricsOverride":
            size = {name: arguments[name] for name in ("width", "height")}
            self.browsing_context.set_viewport(context=self.current_window_handle, viewport=size)
            return
        assert command == "Emulation.setEmulatedMedia", command
        if "media" in arguments:
            self._as_browser(
                "gBrowser.selectedBrowser.browsingContext.mediumOverride = arguments[0]", arguments["media"]
            )
        if "features" in arguments:
            (wanted,) = [each["value"] for each in arguments["features"]] or ["none"]
            code = "gBrowser.selectedBrowser.browsingContext.prefersColorSchemeOverride = arguments[0]"
            self._as_browser(code, wanted)

    def get_log(self, kind: str) -> list[dict[str, str]]:
        """Errors on the console since the last call; of "performance" it only forgets what was asked for."""
        if kind == "performance":
            self.requested()
            return []
        return [{"level": "SEVERE", "message": message} for message in self._as_browser(_MESSAGES)]

    def requested(self) -> list[str]:
        """The page and what elements of it load, since the last call."""
        origin, urls = self.execute_script(_LOADED)
        new = [url for url in dict.fromkeys(urls) if (origin, url) not in self._seen]
        self._seen |= {(origin, url) for url in new}
        return new

    def _as_browser(self, code: str, *arguments: object) -> Any:
        with self.context(self.CONTEXT_CHROME):
            return self.execute_script(code, *arguments)
