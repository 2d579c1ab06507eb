"use strict";
// A figure on the page: its panels, a legend of buttons, zoom, what can be taken along, keys, and its numbers as a table.
const benchFrame = (() => {
  const MOST_ROWS = 1000; // of a table; the files have all
  const element = (name, attributes = {}, ...inside) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
      if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
      else if (value !== false && value !== null) made.setAttribute(key, value === true ? "" : value);
    }
    made.append(...inside);
    return made;
  };
  const button = (words, click, more = {}) => element("button", { type: "button", onclick: click, ...more }, words);

  const svgElement = (name, attributes) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  };
  // A piece of the line and the marker, as they are drawn.
  const swatch = (number, hasLine) => {
    const [place, coding] = benchCoding(number);
    const drawn = svgElement("svg", { viewBox: "0 0 28 10", class: `key series-${place}`, "aria-hidden": "true" });
    if (hasLine) drawn.append(svgElement("path", { d: "M0 5H28", class: hasLine === "solid" ? "line" : `line dash-${coding}` }));
    if (hasLine !== "only") drawn.append(svgElement("path", { d: benchPalette.markers[coding], transform: "translate(9 0)", fill: "currentColor" }));
    return drawn;
  };

  const table = (rows) => {
    const [heads, ...lines] = rows;
    const words = (value) => (value === null || value === undefined ? "–" : typeof value === "number" ? String(Number(value.toPrecision(6))) : value);
    const body = element("tbody", {}, ...lines.slice(0, MOST_ROWS).map((line) => element("tr", {}, ...line.map((value) => element("td", { class: typeof value === "number" ? "number" : "text" }, words(value))))));
    const made = element("table", {}, element("thead", {}, element("tr", {}, ...heads.map((head) => element("th", { scope: "col" }, head)))), body);
    const scroll = element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "The figure's numbers" }, made);
    return lines.length > MOST_ROWS ? [scroll, element("p", { class: "quiet" }, `The first ${MOST_ROWS} of ${lines.length} rows; the files have all.`)] : [scroll];
  };

  // One drawing. Arrows go from point to point, + and − zoom, 0 shows all again.
  const makePanel = (panel, hidden) => {
    const live = element("output", { class: "unseen", "aria-live": "polite" });
    const place = element("div", { class: "drawing", tabindex: "0", role: "group", "aria-roledescription": "figure", "aria-label": `${panel.title}. Arrow keys go from point to point, plus and minus zoom, 0 shows all.`, style: `height:${panel.height ?? 340}px` });
    const details = element("details", { class: "numbers", ontoggle: () => { if (details.open) details.lastElementChild.replaceChildren(...table(panel.rows)); } }, element("summary", {}, "Numbers as a table"), element("div"));
    const taken = element("span", { class: "taken" }, "Save as ", ...Object.entries(benchTaking.KINDS).map(([kind, take]) => button(kind, () => take(panel, hidden), { "aria-label": `Save ${panel.title} as ${kind}` })));
    const host = element("div", { class: "panel" }, element("h3", {}, panel.title), place, live, taken, details);
    let said = "";
    let at = [0, -1];
    const zoomTo = (change) => {
      chart.getOption().dataZoom?.forEach(({ start, end }, dataZoomIndex) => {
        const [middle, half] = [(start + end) / 2, ((end - start) / 2) * change];
        const [low, high] = change === 0 ? [0, 100] : [Math.max(0, middle - half), Math.min(100, middle + half)];
        chart.dispatchAction({ type: "dataZoom", dataZoomIndex, start: low, end: high });
      });
    };
    const chart = echarts.init(place, null, { renderer: "canvas" });
    const draw = () => {
      const { option, rows } = panel.build(benchOptions.theme());
      panel.rows = rows;
      const { formatter } = option.tooltip;
      option.tooltip.formatter = (items) => {
        const made = formatter(items);
        said = made ? [...made.children].map((line) => line.textContent).join("; ") : "";
        return made;
      };
      option.legend.selected = Object.fromEntries([...hidden].map((name) => [name, false]));
      chart.setOption(option, true);
      panel.names = option.legend.data;
      panel.series = option.series;
    };
    const step = (along, across) => {
      const shown = panel.series.map((series, place) => [series, place]).filter(([{ type, name, silent }]) => !silent && type !== "custom" && !hidden.has(name));
      if (!shown.length) return;
      const row = Math.min(Math.max(at[0] + across, 0), shown.length - 1);
      const [series, seriesIndex] = shown[row];
      at = [row, Math.min(Math.max(at[1] + along, 0), series.data.length - 1)];
      chart.dispatchAction({ type: "showTip", seriesIndex, dataIndex: at[1] });
      live.value = said;
    };
    const KEYS = {
      ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1], PageDown: [10, 0], PageUp: [-10, 0], Home: [-Infinity, 0], End: [Infinity, 0],
    };
    const ZOOM = { "+": 0.7, "=": 0.7, "-": 1 / 0.7, "−": 1 / 0.7, 0: 0 };
    place.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key in KEYS) step(...KEYS[event.key]);
      else if (event.key in ZOOM) zoomTo(ZOOM[event.key]);
      else if (event.key === "Escape") chart.dispatchAction({ type: "hideTip" });
      else return;
      event.preventDefault();
    });
    const size = new ResizeObserver(() => chart.resize());
    draw();
    size.observe(place);
    return {
      host, draw, zoomTo, panel,
      toggle: (name) => chart.dispatchAction({ type: hidden.has(name) ? "legendUnSelect" : "legendSelect", name }),
      dispose: () => { size.disconnect(); chart.dispose(); },
    };
  };

  // What `host` shows: { title, panels: [{ title, build, height }], legend: [{ name, number, line }], note }.
  const mount = (host) => {
    let panels = [];
    const hidden = new Set();
    const legend = element("div", { class: "legend", role: "group", "aria-label": "Shown" });
    const all = (change) => panels.forEach((panel) => panel.zoomTo(change));
    const zoom = element("span", { class: "zoom" }, button("Zoom in", () => all(0.7)), button("Zoom out", () => all(1 / 0.7)), button("Show all", () => all(0)));
    const bar = element("div", { class: "bar" }, legend, zoom);
    const drawn = element("div", { class: "panels" });
    const note = element("p", { class: "quiet" });
    host.replaceChildren(bar, drawn, note);
    const toggle = (name, own) => {
      if (hidden.has(name)) hidden.delete(name);
      else hidden.add(name);
      own.setAttribute("aria-pressed", String(!hidden.has(name)));
      panels.forEach((panel) => panel.toggle(name));
    };
    const draw = (figure) => {
      panels.forEach((panel) => panel.dispose());
      legend.replaceChildren(...(figure.legend ?? []).map(({ name, number, line }) => {
        const own = button(name, () => toggle(name, own), { "aria-pressed": String(!hidden.has(name)) });
        own.prepend(swatch(number, line));
        return own;
      }));
      legend.hidden = (figure.legend ?? []).length < 2;
      zoom.hidden = !figure.panels.length;
      note.textContent = figure.note ?? "";
      panels = [];
      drawn.replaceChildren();
      for (const panel of figure.panels) { // a chart measures its place, which has to be there first
        const holder = element("div");
        drawn.append(holder);
        const made = makePanel(panel, hidden);
        holder.replaceWith(made.host);
        panels.push(made);
      }
    };
    // Only what is in sight is drawn, the rest when a reader comes to it or prints.
    let waiting = null;
    let isSeen = false;
    const drawWaiting = () => {
      const figure = waiting;
      waiting = null;
      if (figure) draw(figure);
    };
    new IntersectionObserver((seen) => {
      isSeen = seen.at(-1).isIntersecting;
      if (isSeen) drawWaiting();
    }, { rootMargin: "300px" }).observe(host);
    addEventListener("beforeprint", drawWaiting);
    const show = (figure) => {
      waiting = figure;
      if (isSeen) drawWaiting();
      else if (!drawn.childElementCount) drawn.style.minHeight = "400px";
    };
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => panels.forEach((panel) => panel.draw()));
    return { show };
  };

  // The data of a file of the site, which a page that was opened from disk can only take from a script.
  const load = (root, key) => (globalThis.benchData && key in benchData ? Promise.resolve(benchData[key]) : new Promise((resolve, reject) => {
    const script = element("script", { src: `${root}data/${key}.js`, onload: () => resolve(benchData[key]), onerror: () => reject(new Error(`data/${key}.js is missing; run bench report again`)) });
    document.head.append(script);
  }));
  const fail = (host, problem) => host.replaceChildren(element("p", { class: "warning", role: "alert" }, problem.message));

  // What the address says of what is shown. That of a link within the page says nothing of it, and leaves it as it is.
  const told = () => Object.fromEntries(new URLSearchParams(location.hash.includes("=") ? location.hash.slice(1) : ""));
  const follow = (open) => {
    addEventListener("hashchange", () => { if (location.hash.length < 2 || location.hash.includes("=")) open(told()); });
    open(told());
  };
  return { element, button, mount, load, fail, follow };
})();
