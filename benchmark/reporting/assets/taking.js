"use strict";
// What a reader takes along from a figure: SVG and PNG on white paper, with title and legend, and its numbers.
const benchTaking = (() => {
  const WIDTH = 900;

  const save = (name, type, content) => {
    const link = document.createElement("a");
    const isAddress = content.startsWith?.("data:");
    link.href = isAddress ? content : URL.createObjectURL(new Blob([content], { type }));
    link.download = name;
    link.click();
    if (!isAddress) setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  };
  const fileName = (words) => words.normalize("NFKD").replace(/[^A-Za-z0-9]+/g, "-").replace(/^-|-$/g, "").slice(0, 80) || "figure";

  // The option of a panel with what stands around it on the page.
  const whole = (panel, hidden) => {
    const theme = benchOptions.theme(true);
    const { option } = panel.build(theme);
    const names = option.legend.data;
    const above = 34 + (names.length > 1 ? 22 * Math.ceil(names.join("").length / 90 + names.length / 12) : 0);
    return {
      ...option, backgroundColor: "#ffffff", dataZoom: [], tooltip: { show: false },
      title: { text: panel.title, left: 8, top: 6, textStyle: { fontSize: 14, color: theme.ink, fontWeight: 600 } },
      legend: { ...option.legend, show: names.length > 1, type: "plain", formatter: (name) => benchOptions.short(name, Infinity), top: 30, left: 8, textStyle: { color: theme.ink }, selected: Object.fromEntries([...hidden].map((name) => [name, false])) },
      grid: { ...option.grid, top: above + 10 }, _above: above,
    };
  };
  const draw = (host, settings, panel, hidden) => {
    const { _above: above, ...option } = whole(panel, hidden);
    const chart = echarts.init(host, null, { ...settings, width: WIDTH, height: (panel.height ?? 340) + 60 + above });
    chart.setOption(option);
    return chart;
  };
  const svg = (panel, hidden) => {
    const chart = draw(null, { renderer: "svg", ssr: true }, panel, hidden);
    const text = chart.renderToSVGString();
    chart.dispose();
    return text;
  };
  const png = (panel, hidden) => {
    const chart = draw(document.createElement("div"), { renderer: "canvas", devicePixelRatio: 2 }, panel, hidden);
    const address = chart.getDataURL({ type: "png", pixelRatio: 2, backgroundColor: "#ffffff" });
    chart.dispose();
    return address;
  };
  const cell = (value) => {
    if (value === null || value === undefined) return "";
    const words = typeof value === "number" ? String(Number(value.toPrecision(8))) : String(value);
    return /[",\n\r]/.test(words) ? `"${words.replaceAll('"', '""')}"` : words;
  };
  const csv = (rows) => `${rows.map((row) => row.map(cell).join(",")).join("\n")}\n`;
  const json = (title, [heads, ...rows]) => JSON.stringify({ title, columns: heads, rows }, null, 1);

  const KINDS = {
    SVG: (panel, hidden) => save(`${fileName(panel.title)}.svg`, "image/svg+xml", svg(panel, hidden)),
    PNG: (panel, hidden) => save(`${fileName(panel.title)}.png`, "image/png", png(panel, hidden)),
    CSV: (panel) => save(`${fileName(panel.title)}.csv`, "text/csv", csv(panel.rows)),
    JSON: (panel) => save(`${fileName(panel.title)}.json`, "application/json", json(panel.title, panel.rows)),
  };
  return { KINDS, svg, png, csv, json, fileName };
})();
