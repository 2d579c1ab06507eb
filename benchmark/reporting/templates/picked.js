// The networks that a reader ticks, two to four of one board, and the bar that compares them.
const makePicked = (boards) => {
  const bar = document.querySelector(".picked");
  const dialog = document.querySelector("dialog");
  let picked = [];
  const show = (problem = "") => {
    bar.hidden = picked.length === 0;
    bar.querySelector("output").value = problem || picked.map(({ line }) => line.name).join(", ");
    bar.querySelector(".open").disabled = picked.length < 2;
  };
  const drop = (some) => some.forEach(({ line }) => { line.box.checked = false; });
  const pick = (board, line) => {
    const own = picked.filter((other) => other.board === board && other.line !== line);
    drop(picked.filter((other) => other.board !== board));
    const isFull = line.box.checked && own.length === MOST;
    if (isFull) drop([{ line }]);
    picked = line.box.checked ? [...own, { board, line }] : own;
    show(isFull ? `${MOST} networks at most` : "");
  };
  const open = () => showComparison(picked[0].board, picked.map(({ line }) => line));

  for (const board of boards) {
    for (const line of board.lines) {
      line.box = element("input", "", { type: "checkbox", class: "pick", autocomplete: "off", "aria-label": `Compare ${line.name}`, title: "Compare" });
      line.element.querySelector("th").prepend(line.box);
      line.box.addEventListener("change", () => {
        pick(board, line);
        pageState.changed();
      });
    }
  }
  bar.querySelector(".open").addEventListener("click", async () => {
    await open();
    pageState.changed();
  });
  bar.querySelector(".clear").addEventListener("click", () => {
    drop(picked);
    picked = [];
    show();
    pageState.changed();
  });
  dialog.addEventListener("close", () => pageState.changed());

  const every = new Map(boards.flatMap((board) => board.lines.map((line) => [line.key, { board, line }])));
  return {
    read: () => ({ compare: picked.map(({ line }) => line.key).join("."), show: dialog.open ? "comparison" : "" }),
    write(values) {
      const found = (values.get("compare") ?? "").split(".").map((key) => every.get(key)).filter(Boolean);
      drop(picked);
      picked = found.filter(({ board }) => board === found[0].board).slice(0, MOST);
      for (const { line } of picked) line.box.checked = true;
      show();
      const isWanted = values.get("show") === "comparison" && picked.length > 1;
      if (dialog.open && !isWanted) dialog.close();
      if (isWanted && !dialog.open) open();
    },
  };
};
