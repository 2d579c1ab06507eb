"use strict";
// The page of figures: a board, networks, and what each figure shows of them, all of it in the address.
(() => {
  const { element, mount, load, fail, follow } = benchFrame;
  const MOST = benchPalette.light.length;
  const FIRST = 4;
  const PANELS = 16; // of networks that one training made
  const MAPPED = 40; // networks in the map of attacks until a reader asks for all
  const form = document.querySelector(".pickers");
  const list = document.querySelector(".networks");
  const search = form.elements.words;
  const hosts = Object.fromEntries([...document.querySelectorAll("[data-figure]")].map((host) => [host.dataset.figure, host]));
  const figures = Object.fromEntries(Object.entries(hosts).map(([name, host]) => [name, mount(host)]));
  const selects = ["board", "norm", "cost", "map", "network", "attack", "run"];
  let board = null;
  let colours = new Map(); // of the chosen networks, by key

  const write = () => {
    const state = new URLSearchParams();
    for (const name of selects) if (select(name).value) state.set(name, select(name).value);
    state.set("networks", [...colours.keys()].join("."));
    history.replaceState(null, "", `#${state}`);
  };
  const select = (name) => document.querySelector(`[name="${name}"]`);
  // Choices of [value, words]; what was chosen stays if it is still there.
  const offer = (name, choices, wanted) => {
    const own = select(name);
    const before = wanted ?? own.value;
    own.replaceChildren(...choices.map(([value, words]) => element("option", { value }, words)));
    if (choices.some(([value]) => value === before)) own.value = before;
    own.closest("label").hidden = choices.length < 2;
  };

  const choose = (keys) => {
    const kept = keys.filter((key) => board.networks.some((row) => row.key === key)).slice(0, MOST);
    const next = new Map(kept.filter((key) => colours.has(key)).map((key) => [key, colours.get(key)]));
    for (const key of kept) {
      const taken = new Set(next.values());
      if (!next.has(key)) next.set(key, [...Array(MOST).keys()].find((number) => !taken.has(number)));
    }
    colours = new Map(kept.map((key) => [key, next.get(key)]));
  };
  const chosen = () => [...colours].map(([key, number]) => ({ number, key, row: board.networks.find((row) => row.key === key) }))
    .map((own) => ({ ...own, name: own.row.name }));

  const showList = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = board.networks.filter((row) => colours.has(row.key) || words.every((word) => `${row.name} ${row.method} ${row.architecture}`.toLowerCase().includes(word)));
    const isFull = colours.size >= MOST;
    list.replaceChildren(...fits.slice(0, 200).map((row) => {
      const box = element("input", { type: "checkbox", value: row.key, checked: colours.has(row.key), disabled: isFull && !colours.has(row.key) });
      return element("label", {}, box, ` ${row.name} `, element("small", {}, row.worst ? `Rworst ${benchShares.percent(row.worst[0])}` : row.rank));
    }));
    document.querySelector(".count").value = `${colours.size} of ${board.networks.length} networks chosen, ${MOST} at most`;
  };

  const networkLegend = (own, line = true) => own.map(({ name, number }) => ({ name, number, line }));
  const families = () => [...new Set(board.networks.filter((row) => row.clean && row.worst).map((row) => row.method))].map((name, number) => ({ name, number }));
  const none = (note) => ({ panels: [], note });

  const SHOW = {
    curves: (own, data) => {
      const norms = [...new Set(own.flatMap(({ key }) => data[key].curves.map((curve) => curve.norm)))];
      const wanted = norms.includes(select("norm").value) ? [select("norm").value] : norms;
      const networks = own.map(({ key, number, name }) => ({ number, name, data: data[key] }));
      const panels = wanted.map((norm) => ({ title: `Security curves in ${norm}`, build: benchLines.curves(norm, networks), height: wanted.length === 1 ? 460 : 340 }));
      return norms.length ? { panels, legend: networkLegend(own, "solid"), note: "Solid: measured by minimum-norm attacks on every image. Dashed: an upper bound from attacks of a fixed budget. Bands: 95% intervals (Wilson) at each ε. Dashed verticals: the suite’s radii." } : none("None of the chosen networks has a security curve under this suite.");
    },
    scatter: (own) => {
      const points = board.networks.filter((row) => row.clean && row.worst);
      if (!points.length) return none("No network has both numbers.");
      const panel = { title: "Clean accuracy and Rworst", build: benchPoints.cleanAgainstWorst(board, new Set(colours.keys())), height: 480 };
      return { panels: [panel], legend: families(), note: "All networks of the board; the chosen ones have their names. Whiskers: 95% intervals (of many networks those of the chosen ones). Dashed: the Pareto front. Pale: possible gradient masking." };
    },
    cost: () => {
      const cost = select("cost").value;
      if (!cost) return none("Nothing is known of what these networks cost.");
      const panel = { title: benchPoints.title(cost), build: benchPoints.costAgainstWorst(board, cost, new Set(colours.keys())), height: 420 };
      return { panels: [panel], legend: families(), note: "On a logarithmic scale; whiskers: 95% intervals (of many networks those of the chosen ones); dashed: what no other network has for less." };
    },
    map: (own) => {
      const rows = select("map").value === "chosen" ? own.map(({ row }) => row) : select("map").value === "first" ? board.networks.slice(0, MAPPED) : board.networks;
      const note = board.mode === "complete" ? "Accuracy in percent under each attack alone." : "In worst-case mode each accuracy is of the images that earlier attacks under its threat had left standing.";
      const panel = { title: "Accuracy under each attack", build: benchCells.attacks(board, rows), height: Math.min(2400, 150 + rows.length * (rows.length > 60 ? 12 : 24)) };
      return rows.length ? { panels: [panel], note } : none("Choose a network.");
    },
    added: (own) => {
      const able = own.filter(({ row }) => row.clean);
      const panel = { title: "What each attack adds", build: benchLines.incremental(board, able), height: 420 };
      return able.length ? { panels: [panel], legend: networkLegend(able), note: "Attacks in the suite’s order: the share of the images that is robust to all up to there. A flat step adds nothing." } : none("Choose a network.");
    },
    classes: (own, data) => {
      const found = data[select("network").value];
      if (!found) return none("Choose a network.");
      const about = found.confusion.find(({ attack }) => attack === select("attack").value);
      const panels = [];
      if (found.classes.length) panels.push({ title: `Accuracy by class, ${found.name}`, build: benchCells.classes(found.classes), height: 420 });
      if (about) panels.push({ title: `Confusion (${about.attack}), ${found.name}`, build: benchCells.confusion(about), height: 420 });
      const legend = found.classes.length ? [{ name: "clean", number: 0 }, { name: "Rworst", number: 1 }] : [];
      const note = about ? `Cells: images; shade: share of the true class.${about.unknown ? ` Of ${about.unknown} more images the predicted class is not known.` : ""}` : "Which classes were predicted is not known of this network, or there are too many: bench evaluate --add-classes adds them.";
      return { panels, legend, note };
    },
    training: (_, data) => {
      const { panels, names } = benchCohort.panels(cohort().filter(({ key }) => data[key]).map((row) => ({ name: row.name, network: row.network, ...data[row.key].training })));
      const legend = names.map((name, number) => ({ name, number, line: "only" }));
      const drawn = panels.map(({ title, unit, lines, selected }) => ({ title, build: benchLines.training(lines, selected, unit, names), height: 280 }));
      return drawn.length ? { panels: drawn, legend, note: "Accuracies are of the validation split." } : none("No training history of these networks is known.");
    },
  };

  // The networks that one training made.
  const runs = () => board.networks.filter((row) => row.epochs > 1)
    .reduce((found, row) => found.set(row.run || row.key, [...(found.get(row.run || row.key) ?? []), row]), new Map());
  const cohort = () => (runs().get(select("run").value) ?? []).slice(0, PANELS);

  const offerAll = (wanted) => {
    const own = chosen();
    offer("cost", benchPoints.costs(board).map((cost) => [cost, benchPoints.costName(cost)]), wanted.cost);
    offer("map", [["chosen", "the chosen networks"], ...(board.networks.length > MAPPED ? [["first", `the first ${MAPPED}`]] : []), ["all", `all ${board.networks.length} networks`]], wanted.map ?? (board.networks.length > MAPPED ? "first" : "all"));
    offer("network", own.map(({ key, name }) => [key, name]), wanted.network);
    const found = runs();
    const largest = own.map(({ row }) => row.run || row.key).filter((run) => found.has(run)).sort((one, other) => found.get(other).length - found.get(one).length);
    offer("run", [...found].map(([run, rows]) => [run, rows.map((row) => row.name).join(", ")]), wanted.run || select("run").value || largest[0]);
  };

  let turn = 0;
  const show = async (wanted = {}) => {
    const mine = ++turn;
    showList();
    offerAll(wanted);
    const own = chosen();
    try {
      const keys = [...new Set([...own.map(({ key }) => key), ...cohort().map(({ key }) => key)])];
      const found = await Promise.all(keys.map((key) => load("", key)));
      if (mine !== turn) return;
      const data = Object.fromEntries(keys.map((key, place) => [key, found[place]]));
      const norms = [...new Set(own.flatMap(({ key }) => data[key].curves.map((curve) => curve.norm)))];
      offer("norm", [["", "all norms"], ...norms.map((norm) => [norm, norm])], wanted.norm);
      offer("attack", (data[select("network").value]?.confusion ?? []).map(({ attack }) => [attack, attack]), wanted.attack ?? (select("attack").value || "worst case"));
      for (const [name, make] of Object.entries(SHOW)) figures[name].show(make(own, data));
      write();
      document.body.dataset.ready = "yes";
    } catch (problem) {
      fail(hosts.curves, problem);
    }
  };

  const open = async (wanted) => {
    const own = select("board");
    if ([...own.options].some(({ value }) => value === wanted.board)) own.value = wanted.board;
    const name = own.value;
    try {
      const found = await load("", name);
      if (name !== own.value) return; // another was asked for meanwhile
      board = found;
    } catch (problem) {
      fail(hosts.curves, problem);
      return;
    }
    choose("networks" in wanted ? wanted.networks.split(".") : board.networks.slice(0, FIRST).map(({ key }) => key));
    await show(wanted);
  };

  list.addEventListener("change", ({ target }) => {
    choose(target.checked ? [...colours.keys(), target.value] : [...colours.keys()].filter((key) => key !== target.value));
    const at = target.value;
    show().then(() => list.querySelector(`[value="${at}"]`)?.focus());
  });
  search.addEventListener("input", showList);
  form.addEventListener("submit", (event) => event.preventDefault());
  for (const name of selects.slice(1)) select(name).addEventListener("change", () => show());
  select("board").addEventListener("change", () => open({ board: select("board").value }));
  document.querySelector(".first").addEventListener("click", () => { choose(board.networks.slice(0, FIRST).map(({ key }) => key)); show(); });
  document.querySelector(".clear").addEventListener("click", () => { choose([]); show(); });
  document.querySelector(".needs-script").hidden = false;
  follow(open);
})();
