// The page of leaderboards: its form, its boards, the networks to compare, and the address of what is shown.
(() => {
  // Where something of this fails, a reader has at least the whole tables: the sheet waits for the script with long ones.
  addEventListener("error", () => document.querySelectorAll(".board").forEach((section) => section.classList.add("begun")));
  const tools = document.querySelector(".tools");
  const boards = [...document.querySelectorAll(".board")].map(makeBoard);
  const total = boards.reduce((sum, board) => sum + board.lines.length, 0);
  const isChecked = (name) => Boolean(tools.elements[name]?.checked);
  let norm = "";
  let masked = isChecked("masked");

  const filter = () => {
    const wanted = Object.fromEntries(new FormData(tools));
    const words = (wanted.words || "").toLowerCase().split(/\s+/).filter(Boolean);
    for (const board of boards) board.showGrouped(isChecked("seeds"));
    if ((wanted.norm || "") !== norm) {
      norm = wanted.norm || "";
      for (const board of boards) board.showNorm(board.norms.includes(norm) ? norm : "");
    }
    if (isChecked("masked") !== masked) {
      masked = isChecked("masked");
      for (const board of boards) board.rankMasked(masked);
    }
    const others = columnFilters(tools);
    let shown = 0;
    for (const board of boards) {
      board.showReferences(Boolean(wanted.references));
      shown += board.show(wanted, words, others);
    }
    tools.querySelector("output").value = shown === total ? `${total} networks` : `${shown} of ${total} networks`;
  };

  tools.hidden = false;
  const react = (event) => {
    filter();
    pageState.changed(event.target.type !== "search" && !event.target.dataset.end);
  };
  for (const event of ["input", "change"]) tools.addEventListener(event, react);
  tools.addEventListener("submit", (event) => event.preventDefault());
  const copy = tools.querySelector(".copy");
  copy.addEventListener("click", async () => {
    const said = tools.querySelector("output");
    try {
      await navigator.clipboard.writeText(pageState.address());
      said.value = "link copied";
    } catch {
      said.value = pageState.address(); // where a browser gives no access: to be copied by hand
    }
  });

  filter();
  pageState.add(formState(tools, filter));
  const comparison = makePicked(boards);
  for (const board of boards) pageState.add(boardState(board));
  pageState.add(comparison);
})();
