"use strict";
// Rworst and Ravg of a union of attacks that the reader ticks, computed here for all networks, and said to be so.
(() => {
  const { element, button, load, fail, follow } = benchFrame;
  const { percent } = benchShares;
  const FIRST = 100; // rows until a reader asks for all
  const board = document.querySelector('[name="board"]');
  const ticks = document.querySelector(".ticks");
  const said = document.querySelector(".said");
  const result = document.querySelector(".result");
  let about = null;
  let bits = null;
  let networks = [];
  let isAll = false;

  const boxes = (kind) => [...ticks.querySelectorAll(`[data-${kind}]`)];
  const ticked = (kind) => new Set(boxes(kind).filter((box) => box.checked).map((box) => Number(box.dataset[kind])));
  const own = () => ({ threats: [...ticked("threat")], attacks: ticked("attack") });
  const suites = () => ({ threats: about.threats.flatMap(({ counts }, place) => (counts ? [place] : [])), attacks: new Set(about.attacks.keys()) });
  const isSame = (one, other) => [...one].join() === [...other].join();

  const accuracy = (value) => {
    if (!value) return element("td", { class: "accuracy" }, "–");
    const [share, low, high] = value;
    const track = [share, low, high].map((part) => (100 * part).toFixed(1));
    return element("td", { class: "accuracy", "data-v": share, style: `--v:${track[0]};--l:${track[1]};--h:${track[2]}` }, percent(share), element("small", {}, `${percent(low)}–${percent(high)}`));
  };
  const change = (now, before) => {
    if (!now || !before) return "–";
    const points = (100 * (now[0] - before[0])).toFixed(1);
    return Number(points) === 0 ? "0.0" : points.replace("-", "−").replace(/^(?=\d)/, "+");
  };

  const HEADS = ["Network", "Method", "Rworst, own union", "Robust images", "Ravg, own union", "Clean", "Rworst of the suite", "Difference"];
  const show = () => {
    const chosen = own();
    const counted = benchRecount.counted(bits.attacks, chosen);
    const used = bits.attacks.filter(({ threat }, place) => chosen.attacks.has(place) && counted.includes(threat)).length;
    const isSuite = isSame(chosen.threats, suites().threats) && isSame(chosen.attacks, suites().attacks);
    said.replaceChildren(...(isSuite
      ? [element("b", {}, "The suite’s own union. "), "Untick a threat or an attack to form your own."]
      : [element("b", {}, "Your own union, not the suite’s: "), counted.length ? `${used} of ${bits.attacks.length} attacks under ${counted.map((threat) => about.threats[threat].name).join(", ")}. ` : "nothing is chosen, so that no number can be computed. ",
        "Whoever picks attacks after seeing results finds what chance favours; no ranks or tests are given for it.",
        about.mode === "complete" ? "" : " In worst-case mode an attack saw only images that earlier ones under its threat had left standing: without these the numbers are upper bounds."]));
    said.classList.toggle("warning", !isSuite);
    const rows = networks.map((network, place) => ({ row: about.networks[place], ...benchRecount.recount(network, bits, chosen) }));
    rows.sort((one, other) => (other.worst?.[0] ?? -1) - (one.worst?.[0] ?? -1));
    const isBound = !isSuite && about.mode !== "complete";
    const body = rows.slice(0, isAll ? Infinity : FIRST).map(({ row, worst, average, clean, right }) => element("tr", { "data-key": row.key },
      element("th", { scope: "row" }, element("a", { href: row.page }, row.name), ...(row.masked ? [" ", element("small", { class: "doubt" }, "possible gradient masking")] : [])), element("td", { class: "text" }, row.method),
      accuracy(worst), element("td", { class: "number" }, worst ? `${isBound ? "≤ " : ""}${right} of ${bits.images}` : "–"), accuracy(average), accuracy(clean), accuracy(row.worst), element("td", { class: "number" }, change(worst, row.worst))));
    const head = element("thead", {}, element("tr", {}, ...HEADS.map((words, place) => element("th", { scope: "col", class: place > 1 ? "number wrap" : false }, words))));
    const table = element("table", {}, head, element("tbody", {}, ...body));
    result.replaceChildren(element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Networks under your own union" }, table));
    if (!isAll && rows.length > FIRST) result.append(button(`Show all ${rows.length} networks`, () => { isAll = true; show(); }));
    const state = new URLSearchParams({ board: board.value });
    if (!isSuite) { state.set("threats", chosen.threats.join(".")); state.set("attacks", [...chosen.attacks].join(".")); }
    history.replaceState(null, "", `#${state}`);
    document.body.dataset.ready = "yes";
  };

  const tick = (kind, number, words, checked) => element("label", {}, element("input", { type: "checkbox", [`data-${kind}`]: number, checked, autocomplete: "off" }), ` ${words}`);
  const makeTicks = (chosen) => {
    ticks.replaceChildren(...about.threats.map((threat, place) => element("fieldset", {},
      element("legend", {}, tick("threat", place, `${threat.norm} ≤ ${threat.radius}${threat.counts ? "" : " (does not count in the suite)"}`, chosen.threats.includes(place))),
      ...about.attacks.flatMap((attack, number) => (attack.threat === place ? [tick("attack", number, attack.name, chosen.attacks.has(number))] : [])))));
  };

  const open = async (wanted) => {
    if ([...board.options].some(({ value }) => value === wanted.board)) board.value = wanted.board;
    const name = board.value;
    try {
      const found = await Promise.all([load("", name), load("", `${name}-images`)]);
      if (name !== board.value) return; // another was asked for meanwhile
      [about, bits] = found;
    } catch (problem) {
      fail(result, problem);
      return;
    }
    networks = benchRecount.unpack(bits);
    const numbers = (words) => (words ? words.split(".").map(Number) : []);
    makeTicks("attacks" in wanted ? { threats: numbers(wanted.threats), attacks: new Set(numbers(wanted.attacks)) } : suites());
    show();
  };
  ticks.addEventListener("change", show);
  board.addEventListener("change", () => open({ board: board.value }));
  document.querySelector(".suites").addEventListener("click", () => { makeTicks(suites()); show(); });
  document.querySelector(".needs-script").hidden = false;
  follow(open);
})();
