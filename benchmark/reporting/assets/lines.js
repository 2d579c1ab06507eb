"use strict";
// Figures of lines: security curves, how training went, what each attack adds.
const benchLines = (() => {
  const { style, tip, tooltip, axis, percentAxis, frame, band } = benchOptions;
  const { wilson, percent } = benchShares;

  const stairs = (points) => points.flatMap((point, place) => (place ? [[point[0], points[place - 1][1]], point] : [point]));
  // A marker at about every twentieth of the points, begun elsewhere for each line so that they don't lie on each other.
  const markers = (points, number, each = 20) => points.map((_, place) => (place % each === (number * 5) % each ? 8 : 0));

  // Robust accuracy over ε of one norm. networks: [{number, name, data}], number being that of their colour.
  const curves = (norm, networks) => (theme) => {
    const found = networks.flatMap(({ number, name, data }) => data.curves
      .filter((curve) => curve.norm === norm)
      .map((curve) => ({ number, name, curve, images: data.images })));
    const shown = found.map(({ number, name, curve, images }) => {
      const last = curve.robust.length - 1;
      const shares = curve.robust.map((right) => [right / images, ...wilson(right, images)]);
      return { number, name, curve, shares, points: shares.map((own, place) => [(curve.limit * place) / last, ...own.map((part) => 100 * part)]) };
    });
    const rows = [["network", "kind", `epsilon_${norm}`, "robust_percent", "low", "high"], ...shown.flatMap(({ name, curve, points }) => points.map((point) => [name, curve.kind, ...point]))];
    const series = shown.flatMap(({ number, name, curve, points }) => {
      const { color, marker } = style(theme, number);
      const sizes = markers(points, number);
      const side = (end) => stairs(points.map((point) => [point[0], point[end]]));
      return [
        {
          type: "line", name, step: "end", data: points.map(([x, y]) => [x, y]), z: 3, itemStyle: { color }, symbol: marker,
          symbolSize: (_, { dataIndex }) => sizes[dataIndex], showAllSymbol: true,
          lineStyle: { color, width: 2, type: curve.measured ? "solid" : [6, 4] }, emphasis: { disabled: true },
        },
        band(name, color, side(2), side(3)),
      ];
    });
    const radii = [...new Map(shown.flatMap(({ curve }) => curve.at.map(([radius, words]) => [radius, words])))];
    if (series.length) {
      series[0].markLine = {
        silent: true, symbol: "none", animation: false, lineStyle: { color: theme.quiet, type: [4, 3] },
        label: { color: theme.quiet, position: "insideEndTop", formatter: ({ dataIndex }) => radii[dataIndex] ? `ε = ${radii[dataIndex][1]}` : "" },
        data: radii.map(([radius]) => ({ xAxis: radius })),
      };
    }
    const words = (items) => tip([
      { words: `ε = ${Number(items[0].axisValue).toPrecision(3)} in ${norm}`, isHead: true },
      ...items.filter(({ seriesType }) => seriesType === "line").map((item) => {
        const own = shown.find(({ name }) => name === item.seriesName);
        const [value, low, high] = own.shares[item.dataIndex].map(percent);
        return { colour: item.color, words: `${own.name}: ${value}% (${low}–${high})${own.curve.measured ? "" : ", upper bound"}` };
      }),
    ]);
    return {
      rows,
      option: {
        ...frame(theme, { names: shown.map(({ name }) => name) }), tooltip: tooltip(theme, words, "axis"), series,
        xAxis: axis(theme, `ε in ${norm}`, { min: 0, max: Math.max(...shown.map(({ curve }) => curve.limit)), axisLabel: { color: theme.quiet, hideOverlap: true, showMaxLabel: false } }), yAxis: percentAxis(theme, "robust %"),
      },
    };
  };

  // Lines [name, [[epoch, value], ...]] over epochs, with the epoch whose weights were taken; colours go by `names`.
  const training = (lines, selected, unit, names = lines.map(([name]) => name)) => (theme) => {
    const rows = [["line", "epoch", unit], ...lines.flatMap(([name, points]) => points.map((point) => [name, ...point]))];
    const series = lines.map(([name, points]) => {
      const { color, dash } = style(theme, names.indexOf(name));
      return { type: "line", name, data: points, symbolSize: 5, showSymbol: points.length < 40, itemStyle: { color }, lineStyle: { color, width: 2, type: dash }, emphasis: { disabled: true } };
    });
    if (selected && series.length) {
      series[0].markLine = {
        silent: true, symbol: "none", lineStyle: { color: theme.quiet, type: [4, 3] }, data: [{ xAxis: selected }],
        label: { color: theme.quiet, formatter: () => `selected: ${selected}`, position: "insideEndTop" },
      };
    }
    const words = (items) => tip([{ words: `epoch ${items[0].axisValue}`, isHead: true }, ...items.map((item) => ({ colour: item.color, words: `${item.seriesName}: ${Number(item.value[1].toPrecision(4))}` }))]);
    const y = unit === "accuracy %" ? percentAxis(theme, unit) : axis(theme, unit, { nameGap: 36 });
    return { rows, option: { ...frame(theme, { names: lines.map(([name]) => name) }), tooltip: tooltip(theme, words, "axis"), series, xAxis: axis(theme, "epoch", { min: "dataMin", minInterval: 1 }), yAxis: y } };
  };

  // What is left standing after each attack of the suite, in its order: the accuracy falls by what it breaks first.
  const incremental = (board, networks) => (theme) => {
    const places = ["clean", ...board.attacks.map(({ name }) => name)];
    const shown = networks.map(({ number, name, row }) => {
      const first = [0, ...row.first];
      let left = Math.round(row.clean[0] * board.images);
      const shares = first.map((broken) => (left -= broken) / board.images);
      return { number, name, first, shares, values: shares.map((share) => 100 * share) };
    });
    const rows = [["network", "after", "robust_percent", "images_first_broken"], ...shown.flatMap(({ name, values, first }) => places.map((place, number) => [name, place, values[number], first[number]]))];
    const series = shown.map(({ number, name, values }) => {
      const { color, dash, marker } = style(theme, number);
      return { type: "line", name, step: "middle", data: values, symbol: marker, symbolSize: 7, itemStyle: { color }, lineStyle: { color, width: 2, type: dash }, emphasis: { disabled: true } };
    });
    const words = (items) => tip([
      { words: `after ${items[0].axisValue}`, isHead: true },
      ...items.map((item) => {
        const { first, shares } = shown.find(({ name }) => name === item.seriesName);
        return { colour: item.color, words: `${item.seriesName}: ${percent(shares[item.dataIndex])}%, ${first[item.dataIndex]} images broken first by it` };
      }),
    ]);
    const x = { type: "category", data: places, axisLabel: { color: theme.quiet, rotate: 40, interval: benchOptions.isNarrow() ? "auto" : 0, hideOverlap: true, formatter: (name) => benchOptions.short(name, 18) }, axisLine: { lineStyle: { color: theme.quiet } } };
    return { rows, option: { ...frame(theme, { names: shown.map(({ name }) => name), grid: { bottom: 112 } }), tooltip: tooltip(theme, words, "axis"), series, xAxis: x, yAxis: percentAxis(theme, "robust %") } };
  };
  return { curves, training, incremental };
})();
