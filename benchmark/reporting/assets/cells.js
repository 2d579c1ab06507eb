"use strict";
// Figures of cells and bars: attack by network, confusion of classes, accuracy class by class.
const benchCells = (() => {
  const { style, tip, tooltip, isNarrow, percentAxis, frame, whiskers, short } = benchOptions;
  const { percent, within } = benchShares;

  const categories = (theme, data, more = {}) => ({ type: "category", data, splitArea: { show: false }, axisLine: { lineStyle: { color: theme.quiet } }, axisLabel: { color: theme.quiet, interval: 0, hideOverlap: true, formatter: (name) => short(name, 20) }, ...more });

  // A map of cells [column, row, value 0..100 or null, words].
  const heat = ({ columns, rows, cells, say, table, isShown, rotate = 40, name = "", across = "", left = 150 }) => (theme) => {
    const known = cells.filter(([, , value]) => value !== null);
    const series = [{
      type: "heatmap", data: known.map(([column, row, value]) => [column, row, value]), progressive: 0, itemStyle: { borderColor: theme.card, borderWidth: 1 },
      label: { show: isShown, fontSize: 10, formatter: ({ value, dataIndex }) => known[dataIndex][3] ?? value[2].toFixed(0) },
    }];
    const words = ({ dataIndex }) => tip(say(known[dataIndex]).map((line, place) => ({ words: line, isHead: !place })));
    const map = { min: 0, max: 100, show: false, inRange: { color: theme.shades }, dimension: 2 }; // of one hue, from light to dark
    return {
      rows: table,
      option: {
        ...frame(theme, { names: [], zoom: ["x", "y"], grid: { left, bottom: rotate ? 118 : 48, top: 8 } }), tooltip: tooltip(theme, words), series, visualMap: map,
        xAxis: categories(theme, columns, { name, nameLocation: "middle", nameGap: rotate ? 90 : 28, nameTextStyle: { color: theme.quiet }, axisLabel: { color: theme.quiet, rotate, interval: isNarrow() ? "auto" : 0, hideOverlap: true, formatter: (label) => short(label, 18) } }),
        yAxis: categories(theme, rows, { inverse: true, name: across, nameLocation: "middle", nameGap: left - 24, nameTextStyle: { color: theme.quiet } }),
      },
    };
  };

  // Accuracy under each attack, a row for each network.
  const attacks = (board, networks) => {
    const columns = board.attacks.map(({ name }) => name);
    const cells = networks.flatMap((row, place) => row.attacks.map((value, attack) => [attack, place, value === null ? null : 100 * value]));
    const table = [["network", ...columns], ...networks.map((row) => [row.name, ...row.attacks.map((value) => (value === null ? null : 100 * value))])];
    const say = ([attack, place]) => [networks[place].name, `${columns[attack]} (${board.attacks[attack].norm}): ${percent(networks[place].attacks[attack])}% of the images withstand it`];
    return heat({ columns, rows: networks.map(({ name }) => name), cells, say, table, isShown: !isNarrow() && columns.length <= 24, left: isNarrow() ? 110 : 150 });
  };

  // What images of each class are taken for; shades are shares of the class.
  const confusion = ({ attack, names, images }) => {
    const sums = images.map((own) => own.reduce((sum, number) => sum + number, 0));
    const cells = images.flatMap((own, row) => own.map((number, column) => [column, row, number ? 100 * number / sums[row] : null, String(number)]));
    const table = [["true_class", "predicted_class", "images"], ...images.flatMap((own, row) => own.map((number, column) => [names[row], names[column], number]))];
    const say = ([column, row, , number]) => [`${names[row]} taken for ${names[column]}`, `${number} images, ${percent(number / sums[row])}% of the class, ${attack}`];
    return heat({ columns: names, rows: names.slice(0, images.length), cells, say, table, isShown: !isNarrow() || names.length <= 10, rotate: names.some((name) => name.length > 3) ? 40 : 0, name: "predicted", across: "true", left: Math.min(150, 46 + 7 * Math.max(...names.map((name) => name.length))) });
  };

  // Clean and robust accuracy of each class as bars with their intervals.
  const classes = (rows) => (theme) => {
    const names = rows.map(({ name }) => name);
    const table = [["class", "images", "clean_percent", "clean_low", "clean_high", "r_worst_percent", "r_worst_low", "r_worst_high"],
      ...rows.map(({ name, images, clean, worst }) => [name, images, ...[clean, worst].flatMap((own) => (own ?? [null, null, null]).map((part) => (part === null ? null : 100 * part)))])];
    const kinds = [["clean", "clean"], ["worst", "Rworst"]].filter(([kind]) => rows.some((row) => row[kind]));
    const series = kinds.flatMap(([kind, name], number) => {
      const { color } = style(theme, number);
      const shift = kinds.length === 1 ? 0 : number ? 0.18 : -0.18;
      const bars = whiskers(name, theme.ink, rows.map((row, place) => [place, row[kind] ? 100 * row[kind][0] : null, ...(row[kind] ?? [0, 0, 0]).slice(1).map((part) => 100 * part)]));
      const inner = bars.renderItem;
      bars.renderItem = (params, api) => {
        const line = inner(params, api);
        const move = shift * api.size([1, 0])[0];
        line.shape = { ...line.shape, x1: line.shape.x1 + move, x2: line.shape.x2 + move };
        return line;
      };
      bars.z = 5;
      return [{ type: "bar", name, data: rows.map((row) => (row[kind] ? 100 * row[kind][0] : null)), barWidth: `${72 / kinds.length}%`, barGap: 0, itemStyle: { color, decal: number ? { symbol: "line", rotation: -Math.PI / 4, dashArrayX: [1, 0], dashArrayY: [2, 5], color: "rgba(255,255,255,.45)" } : undefined } }, bars];
    });
    const words = (items) => tip([{ words: `${items[0].name}, ${rows[items[0].dataIndex].images} images`, isHead: true }, ...kinds.filter(([kind]) => rows[items[0].dataIndex][kind]).map(([kind, name]) => ({ words: `${name} ${within(rows[items[0].dataIndex][kind])}` }))]);
    const isLong = names.some((name) => name.length > 3);
    return { rows: table, option: { ...frame(theme, { names: kinds.map(([, name]) => name), grid: { bottom: isLong ? 80 : 32 } }), tooltip: tooltip(theme, words, "axis"), series, xAxis: categories(theme, names, { axisLabel: { color: theme.quiet, rotate: isLong ? 40 : 0, hideOverlap: true, formatter: (name) => short(name, 14) } }), yAxis: percentAxis(theme, "accuracy %") } };
  };
  return { attacks, confusion, classes };
})();
