"use strict";
// What all figures share: colours by day and night, axes, tips made of text, and series with their second coding.
// Places of the colour, and of the dash and marker, of a series: colours that begin again have others beside them.
const benchCoding = (number) => {
  const all = benchPalette.light.length;
  return [number % all, (number + Math.floor(number / all)) % all];
};

const benchOptions = (() => {
  const isNarrow = () => innerWidth < 600;
  const isDark = () => matchMedia("(prefers-color-scheme: dark)").matches;

  // The page's colours, or those of paper for what a reader takes along.
  const theme = (isForPaper = false) => {
    const style = getComputedStyle(document.documentElement);
    const page = (name) => style.getPropertyValue(`--${name}`).trim();
    const names = ["ink", "quiet", "line", "card", "accent"];
    const paper = { ink: "#222222", quiet: "#555555", line: "#dddddd", card: "#ffffff", accent: "#0b6e6e" };
    return {
      ...(isForPaper ? paper : Object.fromEntries(names.map((name) => [name, page(name)]))),
      // From the paper's end to the other: what is small is hardly there, by day and by night.
      shades: isDark() && !isForPaper ? ["#1b2a40", "#1f4f86", "#4a90d0", "#9cc8ef", "#e6f3ff"] : ["#f7fbff", "#c6dbef", "#6baed6", "#2171b5", "#08306b"],
      series: benchPalette[isDark() && !isForPaper ? "dark" : "light"],
      dashes: benchPalette.dashes, markers: benchPalette.markers.map((path) => `path://${path}`),
    };
  };
  const style = (theme, number) => {
    const [place, coding] = benchCoding(number);
    const dash = theme.dashes[coding];
    return { color: theme.series[place], dash: dash.length ? dash : "solid", marker: theme.markers[coding] };
  };

  // A tip of lines of words: no word is ever read as HTML.
  const tip = (lines) => {
    const made = document.createElement("div");
    for (const { words, colour, isHead } of lines) {
      const line = document.createElement("div");
      if (colour) {
        const swatch = document.createElement("span");
        Object.assign(swatch.style, { display: "inline-block", width: "0.7em", height: "0.7em", marginRight: "0.4em", background: colour });
        line.append(swatch);
      }
      line.append(words);
      if (isHead) line.style.fontWeight = "600";
      made.append(line);
    }
    return made;
  };
  const tooltip = (theme, formatter, trigger = "item") => ({
    trigger, confine: true, formatter, backgroundColor: theme.card, borderColor: theme.line, textStyle: { color: theme.ink, fontSize: 12 },
    axisPointer: { type: trigger === "axis" ? "line" : "none", lineStyle: { color: theme.quiet } },
    extraCssText: "max-width:min(26rem,90vw);white-space:normal;overflow-wrap:anywhere;max-height:70vh;overflow:hidden",
  });

  const axis = (theme, name, more = {}) => ({
    type: "value", name, nameLocation: "middle", nameGap: 28, nameTextStyle: { color: theme.quiet },
    axisLabel: { color: theme.quiet, hideOverlap: true }, axisLine: { lineStyle: { color: theme.quiet } },
    splitLine: { lineStyle: { color: theme.line } }, ...more,
  });
  const percentAxis = (theme, name, more = {}) => axis(theme, name, { min: 0, max: 100, nameGap: 36, ...more });

  // A drawing without its data. Zooming with the wheel asks for Ctrl, as the page scrolls otherwise.
  const frame = (theme, { names, zoom = ["x"], grid = {} }) => {
    const isTouched = matchMedia("(pointer: coarse)").matches;
    const inside = { type: "inside", zoomOnMouseWheel: "ctrl", moveOnMouseMove: true, filterMode: "none", disabled: isTouched };
    return {
      animation: false, backgroundColor: "transparent", textStyle: { fontFamily: "system-ui, sans-serif" }, color: theme.series,
      legend: { show: false, data: names },
      grid: { left: 56, right: 20, top: 16, bottom: 48, ...grid },
      dataZoom: zoom.map((way) => ({ ...inside, [`${way}AxisIndex`]: 0 })),
    };
  };

  // Intervals as lines through points [x, y, low, high], or as a band around a line.
  const whiskers = (name, colour, points, isAlongX = false) => ({
    type: "custom", name, silent: true, z: 1, clip: true, itemStyle: { color: colour }, data: points,
    renderItem: (_, api) => {
      const [from, to] = [2, 3].map((end) => api.coord(isAlongX ? [api.value(end), api.value(1)] : [api.value(0), api.value(end)]));
      return { type: "line", shape: { x1: from[0], y1: from[1], x2: to[0], y2: to[1] }, style: { stroke: colour, lineWidth: 1.2, opacity: 0.8 } };
    },
    encode: { x: 0, y: 1 },
  });
  const band = (name, colour, low, high) => ({
    type: "custom", name, silent: true, z: 0, clip: true, itemStyle: { color: colour }, data: [[low[0][0], low[0][1]]],
    renderItem: (params, api) => {
      const points = [...low, ...high.slice().reverse()].map((point) => api.coord(point));
      return params.dataIndex ? null : { type: "polygon", shape: { points }, style: { fill: colour, opacity: 0.14 } };
    },
  });
  // Words to draw. The library files their widths in a plain object, where it takes "constructor" or "__proto__" for what
  // every object has, and changes that: these words end with a letter without width.
  const plain = (words) => (words in {} ? `${words}\u200b` : words);
  const short = (name, letters = 22) => plain(name.length > letters ? `${name.slice(0, letters - 1)}…` : name);
  return { isNarrow, theme, style, tip, tooltip, axis, percentAxis, frame, whiskers, band, short, isDark };
})();
