"use strict";
// Networks that one training made share a history: of its lines each gets its own, what is common to all stands once.
const benchCohort = (() => {
  // networks: [{ name, network, shares, losses, selected }]; lines are [name, points], "h1.clean" being h1's.
  const panels = (networks) => {
    const ownOf = (network, lines) => lines.filter(([name]) => network && name.startsWith(`${network}.`)).map(([name, points]) => [name.slice(network.length + 1), points]);
    const isOwned = (name) => networks.some(({ network }) => network && name.startsWith(`${network}.`));
    const made = [];
    const common = new Map();
    for (const { name, network, selected, shares, losses } of networks) {
      for (const [unit, lines] of [["accuracy %", shares], ["loss", losses]]) {
        const own = ownOf(network, lines);
        const rest = lines.filter(([line]) => !isOwned(line));
        const isAlone = networks.length === 1;
        if (own.length || (isAlone && rest.length)) made.push({ title: `${name}: ${unit}`, unit, selected, lines: isAlone ? [...own, ...rest] : own });
        if (rest.length && !isAlone) common.set(JSON.stringify([unit, rest]), { title: `${unit === "loss" ? "Loss" : "Accuracy"} of the training`, unit, selected: null, lines: rest, of: name });
      }
    }
    const shared = [...common.values()];
    const rest = shared.map((panel) => ({ ...panel, title: shared.filter(({ unit }) => unit === panel.unit).length > 1 ? `${panel.of}: ${panel.unit}` : panel.title }));
    const all = [...made, ...rest];
    return { panels: all, names: [...new Set(all.flatMap(({ lines }) => lines.map(([name]) => name)))] };
  };
  return { panels };
})();
