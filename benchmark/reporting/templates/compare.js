// Networks side by side: the reader ticks two to four of a board, the page loads what each image did and tests.
const perImage = {}; // filled by the files in per-image/, one for each network
const pairTests = {}; // and one for each board
const MOST = 4;

const element = (name, words = "", attributes = {}) => {
  const made = document.createElement(name);
  made.textContent = words;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
};

const row = (...cells) => {
  const made = document.createElement("tr");
  made.append(...cells);
  return made;
};

const load = (key) => (key in perImage || key in pairTests ? Promise.resolve() : new Promise((resolve, reject) => {
  const script = element("script", "", { src: `per-image/${key}.js` });
  script.addEventListener("load", resolve);
  script.addEventListener("error", () => reject(new Error(`per-image/${key}.js is missing; run bench report again`)));
  document.head.append(script);
}));

const signed = (points) => {
  const words = Math.abs(points).toFixed(1);
  return words === "0.0" ? words : `${points < 0 ? "−" : "+"}${words}`;
};
const raised = (exponent) => [...exponent].map((digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit]).join("");
const probability = (p) => {
  if (p < 1e-12) return "< 10⁻¹²";
  if (p < 0.00095) return p.toExponential(0).replace(/e-(\d+)/, (_, exponent) => ` · 10⁻${raised(exponent)}`);
  return p.toFixed(p < 0.0995 ? 3 : 2);
};

// Metrics down, networks across: the leaderboard's own cells.
const sideBySide = (board, rows, metrics) => {
  const table = element("table");
  table.append(element("thead"), element("tbody"));
  table.tHead.append(row(element("td"), ...rows.map((line) => element("th", line.name, { scope: "col", class: "accuracy" }))));
  for (const metric of ["Rank", ...metrics]) {
    const place = board.place(metric);
    table.tBodies[0].append(row(element("th", metric, { scope: "row" }), ...rows.map((line) => line.element.cells[place].cloneNode(true))));
  }
  return table;
};

const METRICS = { Rworst: "rworst", Ravg: "ravg", Clean: "clean" }; // threats go by their own names

// What the board's own tests of all its pairs say of two networks.
const correctedOf = (board, first, second, metric) => {
  const { networks, corrected } = pairTests[board.anchor];
  const [one, other] = [first, second].map((line) => networks.indexOf(line.key)).sort((a, b) => a - b);
  return corrected[metric][one * networks.length - (one * (one + 1)) / 2 + other - one - 1];
};

const testOf = (board, first, second, heading) => {
  const metric = METRICS[heading] ?? heading;
  const { critical, margin } = pairTests[board.anchor];
  const [one, other] = [first, second].map((line) => scores(perImage[line.key], heading, board.union));
  if (!one || !other) return null;
  const test = paired(one, other, metric === "ravg" ? board.union.length : 1, critical[metric]);
  return judge(test, correctedOf(board, first, second, metric), margin);
};

const HEADINGS = ["Difference", "p", "p, corrected", "Result", "Only first correct", "Only second correct", "Exact p", "Detectable"];

const differences = (board, rows, metrics) => {
  const pairs = rows.flatMap((first, index) => rows.slice(index + 1).map((second) => ({
    first, second, found: Object.fromEntries(metrics.map((metric) => [metric, testOf(board, first, second, metric)])),
  })));
  const all = pairs.flatMap((pair) => Object.values(pair.found)).filter(Boolean);
  const reach = Math.max(0.01, ...all.flatMap((test) => [Math.abs(test.low), Math.abs(test.high)]));
  const table = element("table", "", { class: "differences" });
  const head = element("thead");
  head.append(row(element("th", "Metric", { scope: "col" }), ...HEADINGS.map((words) => element("th", words, { scope: "col", class: words === "Result" ? "" : "number" }))));
  table.append(head, ...pairs.map((pair) => pairBody(pair, metrics, reach, pairTests[board.anchor].margin)));
  return table;
};

const resultOf = (pair, test, margin) => {
  const points = `${Number((100 * margin).toPrecision(6))} point${margin === 0.01 ? "" : "s"}`;
  if (test.verdict === "undetermined") return test.verdict;
  if (test.verdict === "equivalent") return `equivalent: less than ${points} apart`;
  const best = test.verdict === "better" ? pair.first : pair.second;
  const by = test.isSmall ? `, by less than ${points}` : "";
  return `${best.name} is significantly better${by}${"masked" in best.element.dataset ? ", but possible gradient masking" : ""}`;
};

const pairBody = (pair, metrics, reach, margin) => {
  const body = element("tbody");
  body.append(row(element("th", `${pair.first.name} − ${pair.second.name}`, { scope: "rowgroup", colspan: HEADINGS.length + 1, class: "pair" })));
  for (const metric of metrics) {
    const test = pair.found[metric];
    const heading = element("th", metric, { scope: "row" });
    if (!test) {
      body.append(row(heading, element("td", "not available: an attack did not complete", { colspan: HEADINGS.length })));
      continue;
    }
    const onScale = (value) => (50 + (50 * value) / reach).toFixed(1);
    const difference = element("td", signed(100 * test.difference), {
      class: "accuracy difference", "data-low": test.low, "data-high": test.high, "data-v": test.difference,
      style: `--v:${onScale(test.difference)};--l:${onScale(test.low)};--h:${onScale(test.high)}`,
    });
    difference.append(element("small", `${signed(100 * test.low)} to ${signed(100 * test.high)}`));
    const number = (words, value) => element("td", words, { class: "number", "data-v": value });
    const known = (value, words) => (value === null ? number("–", "") : number(words(value), value));
    body.append(row(
      heading, difference, number(probability(test.p), test.p), number(probability(test.corrected), test.corrected),
      element("td", resultOf(pair, test, margin), { class: test.verdict === "undetermined" ? "quiet" : "verdict" }),
      known(test.onlyFirst, String), known(test.onlySecond, String), known(test.exact, probability),
      known(test.detectable, (value) => (100 * value).toFixed(1)),
    ));
  }
  return body;
};

const showComparison = async (board, rows) => {
  const dialog = document.querySelector("dialog");
  const place = dialog.querySelector(".compared");
  const metrics = ["Rworst", "Ravg", ...board.threats, "Clean"];
  try {
    await Promise.all([board.anchor, ...rows.map((line) => line.key)].map(load));
    dialog.querySelector(".question").textContent = board.title;
    place.replaceChildren(sideBySide(board, rows, metrics), differences(board, rows, metrics));
  } catch (problem) {
    place.replaceChildren(element("p", problem.message, { class: "warning", role: "alert" }));
  }
  dialog.showModal();
};
