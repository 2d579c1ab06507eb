"use strict";
// A network's page: where a drawing comes into sight, one that answers takes its place; on paper the drawing stays.
(() => {
  const { element, mount, load } = benchFrame;
  const name = document.querySelector("h1").textContent;

  const FIGURES = {
    curves: (data) => ({
      panels: data.curves.map(({ norm, kind }) => ({ title: `${norm}, ${kind}`, build: benchLines.curves(norm, [{ number: 0, name: data.name, data }]), height: 300 })),
      note: "Bands: 95% intervals (Wilson) at each ε. ",
    }),
    classes: (data) => ({ panels: [{ title: `Accuracy by class, ${name}`, build: benchCells.classes(data.classes), height: 320 }], legend: [{ name: "clean", number: 0 }, { name: "Rworst", number: 1 }] }),
    training: ({ training: { shares, losses, selected } }) => {
      const found = [{ unit: "accuracy %", lines: shares }, { unit: "loss", lines: losses }].filter(({ lines: own }) => own.length);
      const names = found.flatMap(({ lines }) => lines.map(([each]) => each));
      return {
        panels: found.map(({ unit, lines }) => ({ title: unit === "loss" ? "Loss" : "Accuracy on the validation split", build: benchLines.training(lines, selected, unit, names), height: 300 })),
        legend: names.map((each, number) => ({ name: each, number, line: "only" })),
      };
    },
  };
  const library = () => (globalThis.echarts ? Promise.resolve() : new Promise((resolve, reject) => {
    document.head.append(element("script", { src: "../assets/echarts.min.js", onload: resolve, onerror: () => reject(new Error("assets/echarts.min.js is missing; run bench report again")) }));
  }));

  const watch = new IntersectionObserver((seen) => seen.filter(({ isIntersecting }) => isIntersecting).forEach(async ({ target }) => {
    watch.unobserve(target);
    const live = element("div", { class: "live" });
    try {
      const [data] = await Promise.all([load("../", target.dataset.key), library()]);
      target.after(live);
      mount(live).show(FIGURES[target.dataset.live](data));
      target.classList.add("is-drawn-again");
    } catch (problem) {
      live.remove();
      target.after(element("p", { class: "warning", role: "alert" }, problem.message));
    }
  }), { rootMargin: "200px" });
  for (const drawing of document.querySelectorAll("[data-live]")) watch.observe(drawing);
})();
