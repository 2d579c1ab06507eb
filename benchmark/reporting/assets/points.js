"use strict";
// Figures of points, one for each network: clean accuracy against Rworst, and what Rworst costs.
const benchPoints = (() => {
  const { style, tip, tooltip, axis, percentAxis, frame, whiskers } = benchOptions;
  const { within, percent } = benchShares;
  const CROWD = 60; // of more networks only the chosen ones have whiskers
  const COSTS = {
    training: ["training time in seconds", (row) => row.training],
    parameters: ["parameters", (row) => row.parameters],
    passes: ["passes of the attacks", (row) => row.passes],
    attacking: ["time of the attacks in seconds", (row) => row.attacking],
  };

  // Those that no other beats in one number without losing in the other, by rising x. isLess: a small x is good.
  const pareto = (points, isLess) => {
    const sorted = points.slice().sort((one, other) => (isLess ? one.x - other.x : other.x - one.x) || other.y - one.y);
    let best = -Infinity;
    const front = sorted.filter(({ y }) => y > best && ((best = y), true));
    return isLess ? front : front.reverse();
  };

  const figure = (points, { x, xName, isLess, rows, named }) => (theme) => {
    const families = [...new Set(points.map(({ row }) => row.method))];
    const scale = isLess ? Math.log : (value) => value;
    const [least, most] = [Math.min, Math.max].map((end) => scale(end(...points.map((point) => point.x))));
    const isFarRight = (point) => (scale(point.x) - least) / (most - least) > 0.6; // a name to its right may not fit
    const series = families.flatMap((family, number) => {
      const { color, marker } = style(theme, number);
      const own = points.filter(({ row }) => row.method === family);
      const measured = points.length > CROWD ? own.filter(({ row }) => named.has(row.key)) : own;
      const data = own.map((point) => ({
        value: [point.x, point.y], point, itemStyle: { color, opacity: point.row.masked ? 0.45 : 1, borderColor: theme.card, borderWidth: 1 },
        label: { show: named.has(point.row.key), formatter: () => benchOptions.short(point.row.name), position: isFarRight(point) ? [0, -14] : [12, -14], align: isFarRight(point) ? "right" : "left", color: theme.ink, fontSize: 11 },
      }));
      return [
        { type: "scatter", name: family, symbol: marker, symbolSize: 12, data, labelLayout: { hideOverlap: true }, itemStyle: { color } },
        whiskers(family, color, measured.map(({ x: at, y, row }) => [at, y, 100 * row.worst[1], 100 * row.worst[2]])),
        ...(points[0]?.ends ? [whiskers(family, color, measured.map(({ x: at, y, ends }) => [at, y, ...ends]), true)] : []),
      ];
    });
    const front = pareto(points, isLess);
    series.push({ type: "line", name: "Pareto front", step: isLess ? "end" : "start", data: front.map((point) => [point.x, point.y]), symbol: "none", silent: true, z: 0, lineStyle: { color: theme.quiet, width: 1.5, type: [5, 4] }, itemStyle: { color: theme.quiet } });
    const words = ({ data }) => {
      if (!data?.point) return "";
      const { row } = data.point;
      return tip([
        { words: row.name, isHead: true }, { words: `${row.method}, ${row.architecture}, rank ${row.rank}` },
        { words: `clean ${within(row.clean)}` }, { words: `Rworst ${within(row.worst)}` }, { words: `Ravg ${row.average ? percent(row.average[0]) : "–"}` },
        ...(isLess ? [{ words: `${xName}: ${Number(data.point.x.toPrecision(4))}` }] : []),
        ...(row.masked ? [{ words: "possible gradient masking" }] : []),
      ]);
    };
    return { rows, option: { ...frame(theme, { names: [...families, "Pareto front"], zoom: ["x", "y"] }), tooltip: tooltip(theme, words), series, xAxis: x(theme), yAxis: percentAxis(theme, "Rworst %", { max: null, scale: true, min: 0 }) } };
  };

  const cleanAgainstWorst = (board, named) => {
    const points = board.networks.filter(({ clean, worst }) => clean && worst)
      .map((row) => ({ row, x: 100 * row.clean[0], y: 100 * row.worst[0], ends: [100 * row.clean[1], 100 * row.clean[2]] }));
    const rows = [["network", "method", "clean_percent", "clean_low", "clean_high", "r_worst_percent", "r_worst_low", "r_worst_high"],
      ...points.map(({ row }) => [row.name, row.method, ...row.clean.map((part) => 100 * part), ...row.worst.map((part) => 100 * part)])];
    const low = Math.min(...points.map(({ ends }) => ends[0]), 100);
    const x = (theme) => percentAxis(theme, "clean %", { min: Math.max(0, Math.floor(low / 5) * 5), nameGap: 28 });
    return figure(points, { x, isLess: false, rows, named });
  };

  const costs = (board) => Object.keys(COSTS).filter((cost) => board.networks.some((row) => row.worst && COSTS[cost][1](row) > 0));
  const costAgainstWorst = (board, cost, named) => {
    const [name, of] = COSTS[cost];
    const points = board.networks.filter((row) => row.worst && of(row) > 0).map((row) => ({ row, x: of(row), y: 100 * row.worst[0] }));
    const rows = [["network", "method", cost, "r_worst_percent", "r_worst_low", "r_worst_high"], ...points.map(({ row, x }) => [row.name, row.method, x, ...row.worst.map((part) => 100 * part)])];
    const x = (theme) => axis(theme, name, { type: "log", axisLabel: { color: theme.quiet, hideOverlap: true, formatter: (value) => value.toLocaleString("en", { notation: "compact" }) } });
    return figure(points, { x, xName: name, isLess: true, rows, named });
  };
  const costName = (cost) => COSTS[cost][0];
  const title = (cost) => `${COSTS[cost][0][0].toUpperCase()}${COSTS[cost][0].slice(1)}, and Rworst`;
  return { pareto, cleanAgainstWorst, costs, costName, title, costAgainstWorst };
})();
